"""Accounts, and finding users."""

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
    summary="Make an account",
)
async def sign_up(
    data: JSONBody[requests.SignUp],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
    settings: NamedDependency[Settings],
) -> shapes.Self:
    """Make an account; log in with it afterwards."""
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
    """Users by the beginning of a name, or by their ids (comma-separated); oneself left out."""
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


@get("/me", summary="One's own account")
async def get_own(
    request: AnyRequest, accounts: NamedDependency[Accounts], presence: NamedDependency[Presence]
) -> shapes.Self:
    """The account of whoever asks."""
    user = await accounts.get(request.user.user_id)
    return shapes.Self.of(user, presence.of(user))


@patch(
    "/me", dto=RequestBody[requests.ProfileUpdate], return_dto=None, summary="Change one's profile"
)
async def change_own(
    data: JSONBody[requests.ProfileUpdate],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
    settings: NamedDependency[Settings],
) -> shapes.Self:
    """Change the display name, or with the password the e-mail address."""
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
    summary="Delete one's account",
)
async def delete_own(
    data: JSONBody[requests.AccountDeletion],
    request: AnyRequest,
    erasure: NamedDependency[Erasure],
    settings: NamedDependency[Settings],
) -> None:
    """Delete the account of whoever asks; what they said goes, too."""
    address = client_address(request.scope, settings.trusted_proxies)
    await erasure.delete_own(request.user, data.password, address)


@get("/{user_id:str}", summary="One user")
async def get_user(
    user_id: FromPath[str],
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    presence: NamedDependency[Presence],
) -> shapes.User:
    """Anybody's account; one's own with the e-mail address."""
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
