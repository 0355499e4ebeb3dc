"""The caller's conversations and their history."""

from datetime import datetime
from typing import Any

from litestar import Request, Router, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from chat_core.conversations import ActivityPlace, MemberPlace
from chat_core.ids import ConversationId, UserId
from chat_core.pages import DEFAULT_LIMIT
from chat_core.services.conversations import Conversations
from chat_core.services.receipts import Receipts
from chat_core.sessions import Actor
from chat_server.http.bodies import RequestBody
from chat_wire import requests, shapes
from chat_wire.codec import CursorId, decode_cursor, encode_cursor

AnyRequest = Request[Actor, Any, Any]


@get("/", summary="List your conversations")
async def list_conversations(
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
) -> shapes.Page[shapes.Conversation]:
    """Return the caller's conversations, most recently active first."""
    viewer = request.user.user_id
    after = None
    if cursor is not None:
        at, other_id = decode_cursor(cursor, tuple[datetime, CursorId])
        after = ActivityPlace(at, ConversationId(other_id))
    page = await conversations.list(viewer, after=after, limit=limit)
    last = page.next
    following = None if last is None else encode_cursor((last.active_at, last.conversation_id))
    items = [shapes.Conversation.of(overview, viewer) for overview in page.items]
    return shapes.Page(items, following)


@get("/{conversation_id:str}", summary="Get a conversation")
async def get_conversation(
    conversation_id: FromPath[str],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
) -> shapes.Conversation:
    """Return a conversation that the caller is a member of."""
    viewer = request.user.user_id
    overview = await conversations.get(viewer, ConversationId(conversation_id))
    return shapes.Conversation.of(overview, viewer)


@get("/{conversation_id:str}/members", summary="List the members of a conversation")
async def list_members(
    conversation_id: FromPath[str],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
) -> shapes.Page[shapes.Member]:
    """Return the members in the order in which they joined."""
    after = None
    if cursor is not None:
        joined_at, member_id = decode_cursor(cursor, tuple[datetime, CursorId])
        after = MemberPlace(joined_at, UserId(member_id))
    page = await conversations.members(
        request.user.user_id, ConversationId(conversation_id), after=after, limit=limit
    )
    last = page.next
    following = None if last is None else encode_cursor((last.joined_at, last.user_id))
    return shapes.Page([shapes.Member.of(member) for member in page.items], following)


@put(
    "/{conversation_id:str}/read",
    dto=RequestBody[requests.MarkRead],
    return_dto=None,
    summary="Mark as read",
)
async def mark_read(
    conversation_id: FromPath[str],
    data: JSONBody[requests.MarkRead],
    request: AnyRequest,
    receipts: NamedDependency[Receipts],
) -> shapes.ReadMark:
    """Mark every message up to `seq` as read. The mark never moves back."""
    receipt = await receipts.mark_read(request.user, ConversationId(conversation_id), data.seq)
    return shapes.ReadMark(receipt.read_seq)


@get("/{conversation_id:str}/messages", summary="List the messages of a conversation")
async def get_history(
    conversation_id: FromPath[str],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
    before: FromQuery[int | None] = None,
    after: FromQuery[int | None] = None,
    limit: FromQuery[int] = DEFAULT_LIMIT,
) -> shapes.History:
    """Return messages before or after a `seq`, in ascending order.

    Without `before` and `after`, returns the latest messages.
    """
    viewer = request.user.user_id
    history = await conversations.history(
        viewer, ConversationId(conversation_id), before=before, after=after, limit=limit
    )
    return shapes.History.of(history, viewer)


router = Router(
    "/conversations",
    route_handlers=[
        list_conversations,
        get_conversation,
        list_members,
        mark_read,
        get_history,
    ],
    tags=["conversations"],
)
