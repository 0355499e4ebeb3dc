"""Creating and changing accounts, and finding users."""

from typing import Any

from litestar import Request, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from chat_core.ids import UserId
from chat_core.pages import DEFAULT_LIMIT
from chat_core.services.accounts import Accounts
from chat_core.services.erasure import Erasure
from chat_core.services.presence import Presence
from chat_core.sessions import Actor
from chat_core.users import NamePlace, User
from chat_server.addresses import client_address
from chat_server.http.authentication import PUBLIC
from chat_server.http.bodies import RequestBody
from chat_server.settings import Settings
from chat_wire import requests, shapes
from chat_wire.codec import CursorId, decode_cursor, encode_cursor

AnyRequest = Request[Actor, Any, Any]


@post(
    "/",
    dto=RequestBody[requests.SignUp],
    return_dto=None,
    opt={PUBLIC: True},
    summary="Create an account",
)
async def sign_up(
    data: JSONBody[requests.SignUp],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
    settings: NamedDependency[Settings],
) -> shapes.Self:
    """Create an account. Log in with it afterwards."""
    address = client_address(request.scope, settings.trusted_proxies)
    user = await accounts.sign_up(data.account(), address)
    return shapes.Self.of(user, presence.of(user))


@get("/", summary="Find users")
async def find_users(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
    q: FromQuery[str] = "",
    ids: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
) -> shapes.Page[shapes.User]:
    """Find users by the beginning of a name, or by comma-separated ids. Leaves out the caller."""
    own_id = request.user.user_id
    if ids is not None:
        wanted = [UserId(text) for text in dict.fromkeys(ids.split(",")) if text]
        found = await accounts.get_many(wanted, asker_id=own_id)
        users = [found[wish] for wish in wanted if wish in found and wish != own_id]
        return shapes.Page([_shown(user, presence) for user in users], None)
    after = None
    if cursor is not None:
        key, user_id = decode_cursor(cursor, tuple[str, CursorId])
        after = NamePlace(key, UserId(user_id))
    page = await accounts.search(q, asker_id=own_id, after=after, limit=limit)
    at = page.next
    following = None if at is None else encode_cursor((at.key, at.user_id))
    return shapes.Page([_shown(user, presence) for user in page.items], following)


@get("/me", summary="Get your account")
async def get_own(
    request: AnyRequest, accounts: NamedDependency[Accounts], presence: NamedDependency[Presence]
) -> shapes.Self:
    """Return the caller's account."""
    user = await accounts.get(request.user.user_id)
    return shapes.Self.of(user, presence.of(user))


@patch(
    "/me", dto=RequestBody[requests.ProfileUpdate], return_dto=None, summary="Change your profile"
)
async def change_own(
    data: JSONBody[requests.ProfileUpdate],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
    settings: NamedDependency[Settings],
) -> shapes.Self:
    """Change the display name, or the e-mail address, which needs the password too."""
    user = await accounts.change_profile(
        request.user,
        data.change(),
        address=client_address(request.scope, settings.trusted_proxies),
        current_password=data.current_password,
    )
    return shapes.Self.of(user, presence.of(user))


@delete(
    "/me",
    dto=RequestBody[requests.AccountDeletion],
    return_dto=None,
    summary="Delete your account",
)
async def delete_own(
    data: JSONBody[requests.AccountDeletion],
    request: AnyRequest,
    erasure: NamedDependency[Erasure],
    settings: NamedDependency[Settings],
) -> None:
    """Delete the caller's account and everything the user said."""
    address = client_address(request.scope, settings.trusted_proxies)
    await erasure.delete_own(request.user, data.password, address)


@get("/{user_id:str}", summary="Get a user")
async def get_user(
    user_id: FromPath[str],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
) -> shapes.User:
    """Return a user. Only the caller's own account includes the e-mail address."""
    user = await accounts.get(UserId(user_id))
    if user.id == request.user.user_id:
        return shapes.Self.of(user, presence.of(user))
    return _shown(user, presence)


def _shown(user: User, presence: NamedDependency[Presence]) -> shapes.User:
    return shapes.User.of(user, presence.of(user))


router = Router(
    "/users",
    route_handlers=[sign_up, find_users, get_own, change_own, delete_own, get_user],
    tags=["users"],
)
