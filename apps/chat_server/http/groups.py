"""Creating conversations, and changing groups and their members."""

from typing import Any

from litestar import Request, Router, delete, patch, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from chat_core.conversations import Role, RoleChanged
from chat_core.ids import ConversationId, UserId
from chat_core.services.conversations import Conversations
from chat_core.sessions import Actor
from chat_server.http.answers import Answer
from chat_server.http.bodies import RequestBody
from chat_wire import requests, shapes

AnyRequest = Request[Actor, Any, Any]


@post(
    "/",
    dto=RequestBody[requests.CreateConversation],
    return_dto=None,
    responses={
        HTTP_200_OK: ResponseSpec(
            shapes.Conversation, description="The conversation already existed"
        )
    },
    summary="Create a conversation",
)
async def create_conversation(
    data: JSONBody[requests.CreateConversation],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
) -> Answer[shapes.Conversation]:
    """Create a group, or open the direct conversation with a user.

    Returns 201 for a new conversation, and 200 for an existing one.
    """
    actor = request.user
    if data.kind == "group":
        opened = await conversations.create_group(actor, data.group())
    else:
        opened = await conversations.open_direct(actor, data.other())
    shown = shapes.Conversation.of(opened.overview, actor.user_id)
    return Answer(shown, status_code=HTTP_200_OK if opened.existed else HTTP_201_CREATED)


@patch(
    "/{conversation_id:str}",
    dto=RequestBody[requests.ConversationUpdate],
    return_dto=None,
    summary="Rename a group",
)
async def change_conversation(
    conversation_id: FromPath[str],
    data: JSONBody[requests.ConversationUpdate],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
) -> shapes.Conversation:
    """Give a group a new title."""
    overview = await conversations.change_title(
        request.user, ConversationId(conversation_id), data.title
    )
    return shapes.Conversation.of(overview, request.user.user_id)


@post(
    "/{conversation_id:str}/members",
    dto=RequestBody[requests.AddMember],
    return_dto=None,
    summary="Add a member",
)
async def add_member(
    conversation_id: FromPath[str],
    data: JSONBody[requests.AddMember],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
) -> shapes.Conversation:
    """Add a user to a group. New members can read the whole history."""
    overview = await conversations.add_member(
        request.user, ConversationId(conversation_id), data.change()
    )
    return shapes.Conversation.of(overview, request.user.user_id)


@patch(
    "/{conversation_id:str}/members/{user_id:str}",
    dto=RequestBody[requests.MemberUpdate],
    return_dto=None,
    summary="Change a member's role",
)
async def change_role(
    conversation_id: FromPath[str],
    user_id: FromPath[str],
    data: JSONBody[requests.MemberUpdate],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
) -> shapes.Conversation:
    """Give a member a new role."""
    change = RoleChanged(UserId(user_id), Role(data.role))
    overview = await conversations.change_role(
        request.user, ConversationId(conversation_id), change
    )
    return shapes.Conversation.of(overview, request.user.user_id)


@delete("/{conversation_id:str}/members/{user_id:str}", summary="Remove a member or leave a group")
async def remove_member(
    conversation_id: FromPath[str],
    user_id: FromPath[str],
    request: AnyRequest,
    conversations: NamedDependency[Conversations],
) -> None:
    """Remove a member from a group. To leave the group, give your own id."""
    await conversations.remove_member(
        request.user, ConversationId(conversation_id), UserId(user_id)
    )


router = Router(
    "/conversations",
    route_handlers=[
        create_conversation,
        change_conversation,
        add_member,
        change_role,
        remove_member,
    ],
    tags=["conversations"],
)
