"""Sending messages."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from chat_core.services.messaging import Messaging
from chat_core.sessions import Actor
from chat_server.http.bodies import Body
from chat_wire import requests, shapes


@post("/", dto=Body[requests.SendMessage], return_dto=None, summary="Send a message")
async def send_message(
    data: requests.SendMessage, request: Request[Actor, Any, Any], messaging: Messaging
) -> Response[shapes.Message]:
    """Store a message and push it: 201. With a `clientMessageId` that was sent before: 200."""
    appended = await messaging.send(
        request.user, data.recipient(), data.content, data.client_message_id
    )
    message = shapes.Message.of(appended.message, request.user.user_id)
    return Response(message, status_code=HTTP_200_OK if appended.duplicate else HTTP_201_CREATED)


router = Router("/messages", route_handlers=[send_message], tags=["messages"])
