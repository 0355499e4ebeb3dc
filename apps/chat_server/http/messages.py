"""Sending, editing and deleting messages."""

from typing import Any

from litestar import Request, Router, delete, patch, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from chat_core.ids import MessageId
from chat_core.services.messaging import Messaging
from chat_core.sessions import Actor
from chat_server.http.answers import Answer
from chat_server.http.bodies import RequestBody
from chat_server.http.direct_call import DirectCall
from chat_wire import requests, shapes

AnyRequest = Request[Actor, Any, Any]


@post(
    "/",
    dto=RequestBody[requests.SendMessage],
    return_dto=None,
    middleware=[DirectCall],
    responses={
        HTTP_200_OK: ResponseSpec(shapes.Message, description="The message was already sent")
    },
    summary="Send a message",
)
async def send_message(
    data: JSONBody[requests.SendMessage], request: AnyRequest, messaging: NamedDependency[Messaging]
) -> Answer[shapes.Message]:
    """Store a message and push it to the members.

    Returns 201 for a new message, and 200 if its `clientMessageId` was already used.
    """
    appended = await messaging.send(
        request.user, data.recipient(), data.body(), data.client_message_id
    )
    message = shapes.Message.of(appended.message, request.user.user_id)
    return Answer(message, status_code=HTTP_200_OK if appended.duplicate else HTTP_201_CREATED)


@patch(
    "/{message_id:str}",
    dto=RequestBody[requests.EditMessage],
    return_dto=None,
    summary="Edit a message",
)
async def edit_message(
    message_id: FromPath[str],
    data: JSONBody[requests.EditMessage],
    request: AnyRequest,
    messaging: NamedDependency[Messaging],
) -> shapes.Message:
    """Replace the content of one of your messages."""
    message = await messaging.edit(request.user, MessageId(message_id), data.content)
    return shapes.Message.of(message, request.user.user_id)


@delete("/{message_id:str}", status_code=HTTP_200_OK, summary="Delete a message")
async def delete_message(
    message_id: FromPath[str], request: AnyRequest, messaging: NamedDependency[Messaging]
) -> shapes.Message:
    """Delete the content of a message. Its `seq` stays in the conversation."""
    message = await messaging.delete(request.user, MessageId(message_id))
    return shapes.Message.of(message, request.user.user_id)


router = Router(
    "/messages", route_handlers=[send_message, edit_message, delete_message], tags=["messages"]
)
