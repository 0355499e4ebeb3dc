"""Logging in, refreshing tokens, logging out, changing the password and managing sessions."""

from datetime import datetime
from typing import Any

from litestar import Request, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from chat_core.ids import SessionId
from chat_core.pages import DEFAULT_LIMIT
from chat_core.services.presence import Presence
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor
from chat_server.addresses import client_address, user_agent
from chat_server.http.authentication import BEFORE_OWN_PASSWORD, PUBLIC
from chat_server.http.bodies import RequestBody
from chat_server.settings import Settings
from chat_wire import requests, shapes
from chat_wire.codec import CursorId, decode_cursor, encode_cursor

AnyRequest = Request[Actor, Any, Any]


@post(
    "/users/login",
    dto=RequestBody[requests.LogIn],
    return_dto=None,
    opt={PUBLIC: True},
    status_code=HTTP_200_OK,
    summary="Log in",
)
async def log_in(
    data: JSONBody[requests.LogIn],
    request: AnyRequest,
    sessions: NamedDependency[Sessions],
    presence: NamedDependency[Presence],
    settings: NamedDependency[Settings],
) -> shapes.Login:
    """Start a session on a device with a username or an e-mail address and the password."""
    address = client_address(request.scope, settings.trusted_proxies)
    login = await sessions.log_in(
        data.login(), data.password, data.device, address, user_agent(request.scope)
    )
    return shapes.Login.of(login, presence.of(login.user))


@post(
    "/users/refresh",
    dto=RequestBody[requests.Refresh],
    return_dto=None,
    opt={PUBLIC: True},
    status_code=HTTP_200_OK,
    summary="Get new tokens",
)
async def refresh(
    data: JSONBody[requests.Refresh],
    request: AnyRequest,
    sessions: NamedDependency[Sessions],
    presence: NamedDependency[Presence],
    settings: NamedDependency[Settings],
) -> shapes.Login:
    """Exchange a refresh token for two new tokens. The old refresh token can't be used again."""
    address = client_address(request.scope, settings.trusted_proxies)
    login = await sessions.refresh(data.refresh_token, address, user_agent(request.scope))
    return shapes.Login.of(login, presence.of(login.user))


@post(
    "/users/logout",
    opt={BEFORE_OWN_PASSWORD: True},
    status_code=HTTP_204_NO_CONTENT,
    summary="Log out",
)
async def log_out(
    request: AnyRequest, sessions: NamedDependency[Sessions], settings: NamedDependency[Settings]
) -> None:
    """End the session and close its sockets."""
    address = client_address(request.scope, settings.trusted_proxies)
    await sessions.log_out(request.user, address)


@put(
    "/users/me/password",
    dto=RequestBody[requests.PasswordChange],
    return_dto=None,
    opt={BEFORE_OWN_PASSWORD: True},
    status_code=HTTP_204_NO_CONTENT,
    summary="Change your password",
)
async def change_password(
    data: JSONBody[requests.PasswordChange],
    request: AnyRequest,
    sessions: NamedDependency[Sessions],
    settings: NamedDependency[Settings],
) -> None:
    """Replace the password and end all other sessions of the user."""
    address = client_address(request.scope, settings.trusted_proxies)
    await sessions.change_password(request.user, data.current_password, data.new_password, address)


@get("/sessions", summary="List your sessions")
async def list_sessions(
    request: AnyRequest,
    sessions: NamedDependency[Sessions],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
) -> shapes.Page[shapes.Session]:
    """Return the caller's sessions, most recently used first."""
    own = request.user.session_id
    after = None
    if cursor is not None:
        seen_at, session_id = decode_cursor(cursor, tuple[datetime, CursorId])
        after = (seen_at, SessionId(session_id))
    page = await sessions.list(request.user.user_id, after=after, limit=limit)
    shown = [
        shapes.Session.of(each.session, current=each.session.id == own, online=each.online)
        for each in page.items
    ]
    return shapes.Page(shown, None if page.next is None else encode_cursor(page.next))


@delete("/sessions/{session_id:str}", summary="End a session")
async def end_session(
    session_id: FromPath[str],
    request: AnyRequest,
    sessions: NamedDependency[Sessions],
    settings: NamedDependency[Settings],
) -> None:
    """End one of the caller's sessions and close its sockets."""
    address = client_address(request.scope, settings.trusted_proxies)
    await sessions.end(request.user.user_id, SessionId(session_id), address)


router = Router(
    "/",
    route_handlers=[log_in, refresh, log_out, change_password, list_sessions, end_session],
    tags=["sessions"],
)
