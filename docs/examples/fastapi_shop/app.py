"""The shop with chat: `SHOP_SECRET=… uvicorn app:app --port 5000`."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import shop
from fastapi import Depends, FastAPI, Request, Response

from chat_core import Chat, ChatError, Claims, ExternalSessions, SessionId, User, UserId
from chat_core.errors import TokenExpired, TokenInvalid
from chat_core.ports import TokenVerifier, UserDirectory
from chat_socketio import Rooms, SocketEndpoint
from chat_sqlite import sqlite_conversations
from chat_wire import decode, encode, problem, requests, shapes


class Customers(UserDirectory):
    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        found = await shop.customers(ids)
        users = [User(UserId(c.id), c.name, c.name, None, c.joined, None, c.seen) for c in found]
        return {user.id: user for user in users}

    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        await shop.note_seen(seen.items())


class ShopTokens(TokenVerifier):
    def verify(self, token: str, now: datetime) -> Claims:
        if (said := shop.read_token(token)) is None:
            raise TokenInvalid
        if now >= said.expires:
            raise TokenExpired
        return Claims(UserId(said.customer), SessionId(said.login), said.expires)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    rooms = Rooms()
    async with sqlite_conversations("chat.db") as stores:
        chat = Chat.compose(stores=stores, users=Customers(), notifier=rooms)
        sessions = ExternalSessions(ShopTokens(), rooms, chat.clock)
        async with SocketEndpoint(chat, rooms, sessions) as endpoint:
            app.mount("/socket.io", endpoint)
            yield {"chat": chat, "sessions": sessions}


app = shop.create_app(lifespan)


async def holder(request: Request) -> Claims:
    sessions: ExternalSessions = request.state.sessions
    return sessions.verify(request.headers.get("authorization", "").removeprefix("Bearer "))


Who = Annotated[Claims, Depends(holder)]


def answer(content: object, status: int = 200) -> Response:
    return Response(encode(content), status, media_type="application/json")


@app.exception_handler(ChatError)
async def refuse(_: Request, error: ChatError) -> Response:
    return answer(problem(error), problem(error).status)


@app.post("/messages")
async def send(request: Request, who: Who) -> Response:
    asked = decode(await request.body(), requests.SendMessage)
    to, client_id = asked.recipient(), asked.client_message_id
    sent = await request.state.chat.messaging.send(who.actor(), to, asked.body(), client_id)
    return answer(shapes.Message.of(sent.message, who.user_id), 200 if sent.duplicate else 201)


@app.get("/conversations")
async def conversations(request: Request, who: Who) -> Response:
    page = await request.state.chat.conversations.list(who.user_id)
    return answer([shapes.Conversation.of(each, who.user_id) for each in page.items])


@app.get("/conversations/{conversation_id}/messages")
async def history(request: Request, who: Who, conversation_id: str) -> Response:
    latest = await request.state.chat.conversations.history(who.user_id, conversation_id)
    return answer(shapes.History.of(latest, who.user_id))
