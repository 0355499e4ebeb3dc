"""Model objects for tests, with only what the test is about spelled out."""

from datetime import datetime, timedelta
from itertools import count

from chat_core.conversations import Conversation
from chat_core.ids import (
    ClientMessageId,
    ConnectionId,
    ConversationId,
    MessageId,
    SessionId,
    UserId,
)
from chat_core.ports.log import MessageDraft
from chat_core.ports.storage import UserStore
from chat_core.sessions import Actor, Session
from chat_core.testing.clock import START
from chat_core.users import User

_serial = count(1)


def at(seconds: float) -> datetime:
    """A moment that many seconds after the start of `ManualClock`."""
    return START + timedelta(seconds=seconds)


def new_id() -> str:
    """An id that no other call returns."""
    return f"id{next(_serial):06}"


def user(
    username: str | None = None, *, email: str | None = None, display_name: str | None = None
) -> User:
    """An account with names of its own."""
    user_id = UserId(new_id())
    name = username or user_id
    return User(user_id, name, display_name or name, email, created_at=at(0))


async def stored_users(store: UserStore, *usernames: str) -> list[User]:
    """Accounts with these names, put into the store."""
    users = [user(username) for username in usernames]
    for each in users:
        await store.add(each, "hash")
    return users


def session(of: User, *, device: str = "phone") -> Session:
    """A login of that user."""
    return Session(SessionId(new_id()), of.id, device, created_at=at(0), last_seen_at=at(0))


def direct(one: User, other: User) -> Conversation:
    """A direct conversation, not stored yet."""
    return Conversation.direct(ConversationId(new_id()), one.id, other.id, at(0))


def draft(  # noqa: PLR0913
    conversation: Conversation,
    sender: User,
    content: str = "hello",
    *,
    client_id: str | None = None,
    connection: str | None = None,
    when: datetime | None = None,
) -> MessageDraft:
    """A message of `sender` for that conversation."""
    return MessageDraft(
        id=MessageId(new_id()),
        conversation=conversation,
        actor=Actor(
            sender.id,
            SessionId("session"),
            None if connection is None else ConnectionId(connection),
        ),
        content=content,
        client_id=None if client_id is None else ClientMessageId(client_id),
        at=when or at(0),
    )
