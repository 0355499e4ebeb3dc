"""Blocking users."""

from typing import Any

from litestar import Request, Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.status_codes import HTTP_204_NO_CONTENT

from chat_core.ids import UserId
from chat_core.pages import DEFAULT_LIMIT
from chat_core.services.blocking import Blocking
from chat_core.services.presence import Presence
from chat_core.sessions import Actor
from chat_wire import shapes
from chat_wire.codec import CursorId, decode_cursor, encode_cursor

AnyRequest = Request[Actor, Any, Any]


@put("/users/{user_id:str}/block", status_code=HTTP_204_NO_CONTENT, summary="Block a user")
async def block(
    user_id: FromPath[str],
    request: AnyRequest,
    blocking: NamedDependency[Blocking],
) -> None:
    """Stop both users from sending messages to each other in their direct conversation."""
    await blocking.block(request.user.user_id, UserId(user_id))


@delete("/users/{user_id:str}/block", summary="Unblock a user")
async def unblock(
    user_id: FromPath[str],
    request: AnyRequest,
    blocking: NamedDependency[Blocking],
) -> None:
    """Remove the block, if there is one."""
    await blocking.unblock(request.user.user_id, UserId(user_id))


@get("/blocks", summary="List blocked users")
async def list_blocks(
    request: AnyRequest,
    blocking: NamedDependency[Blocking],
    presence: NamedDependency[Presence],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
) -> shapes.Page[shapes.User]:
    """Return the users that the caller has blocked."""
    after = None if cursor is None else UserId(decode_cursor(cursor, tuple[CursorId])[0])
    page = await blocking.list(request.user.user_id, after=after, limit=limit)
    following = None if page.next is None else encode_cursor((page.next,))
    return shapes.Page([shapes.User.of(each, presence.of(each)) for each in page.items], following)


router = Router("/", route_handlers=[block, unblock, list_blocks], tags=["users"])
