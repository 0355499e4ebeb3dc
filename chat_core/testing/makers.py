"""Factories of model objects, so that a test spells out only what it is about."""

from datetime import datetime, timedelta
from itertools import count

from chat_core.bodies import Body
from chat_core.conversations import Change, Conversation, Role
from chat_core.events import MessageUpdated
from chat_core.ids import (
    ClientConversationId,
    ClientMessageId,
    ConnectionId,
    ConversationId,
    MessageId,
    SessionId,
    UserId,
)
from chat_core.messages import Message
from chat_core.ports.log import (
    ChangeDraft,
    ConversationLog,
    CreationDraft,
    MessageDraft,
    RevisionDraft,
)
from chat_core.ports.storage import UserStore
from chat_core.sessions import Actor, Session
from chat_core.testing.clock import START
from chat_core.users import User

_serial = count(1)


def at(seconds: float) -> datetime:
    """Return the time that many seconds after the start of `ManualClock`."""
    return START + timedelta(seconds=seconds)


def new_id() -> str:
    """Return a unique id."""
    return f"id{next(_serial):06}"


def user(
    username: str | None = None, *, email: str | None = None, display_name: str | None = None
) -> User:
    """Return a user with unique names."""
    user_id = UserId(new_id())
    name = username or user_id
    return User(user_id, name, display_name or name, email, created_at=at(0))


async def stored_users(store: UserStore, *usernames: str) -> list[User]:
    """Store accounts with these names, and return the users."""
    users = [user(username) for username in usernames]
    for each in users:
        await store.add(each, "hash")
    return users


def session(of: User, *, device: str = "phone") -> Session:
    """Return a session of that user."""
    return Session(SessionId(new_id()), of.id, device, created_at=at(0), last_seen_at=at(0))


def direct(one: User, other: User) -> Conversation:
    """Return a new direct conversation."""
    return Conversation.direct(ConversationId(new_id()), one.id, other.id, at(0))


def group(
    owner: User, *others: User, title: str = "Friends", when: datetime | None = None
) -> Conversation:
    """Return a new group with an owner and plain members."""
    roles = {owner.id: Role.OWNER, **{each.id: Role.MEMBER for each in others}}
    return Conversation.group(ConversationId(new_id()), title, roles, when or at(0))


def acting(user_id: UserId, connection: str | None = None) -> Actor:
    """Return an actor, with that connection if given."""
    return Actor(
        user_id, SessionId("session"), None if connection is None else ConnectionId(connection)
    )


def draft(
    conversation: Conversation,
    sender: User,
    text: str = "hello",
    *,
    client_id: str | None = None,
    connection: str | None = None,
    when: datetime | None = None,
) -> MessageDraft:
    """Return the draft of a message from `sender` to that conversation."""
    return MessageDraft(
        id=MessageId(new_id()),
        conversation=conversation,
        actor=acting(sender.id, connection),
        body=Body(text),
        client_id=None if client_id is None else ClientMessageId(client_id),
        at=when or at(0),
    )


def revision(
    conversation: Conversation,
    message: Message,
    text: str | None,
    *,
    by: User | None = None,
    when: datetime | None = None,
) -> RevisionDraft:
    """Return the draft of an edit, or without a text of a deletion, by default by its sender."""
    actor = acting(message.sender_id if by is None else by.id)
    body = None if text is None else Body(text)
    return RevisionDraft(conversation, actor, message, body, when or at(0))


def creation(
    conversation: Conversation,
    creator: User,
    *,
    client_id: str | None = None,
    connection: str | None = None,
    when: datetime | None = None,
) -> CreationDraft:
    """Return the draft of a new group."""
    return CreationDraft(
        conversation,
        acting(creator.id, connection),
        None if client_id is None else ClientConversationId(client_id),
        when or conversation.created_at,
    )


def change(
    conversation: Conversation,
    changed: Change,
    by: User,
    *,
    connection: str | None = None,
    when: datetime | None = None,
) -> ChangeDraft:
    """Return the draft of a change, with rules checked on `conversation`."""
    return ChangeDraft(conversation, acting(by.id, connection), changed, when or at(0))


async def say(
    log: ConversationLog,
    conversation: Conversation,
    sender: User,
    *said: str,
    when: datetime | None = None,
) -> list[Message]:
    """Append messages, one after the other."""
    return [
        (await log.append(draft(conversation, sender, text, when=when))).message for text in said
    ]


async def revise(
    log: ConversationLog,
    conversation: Conversation,
    message: Message,
    text: str | None,
    *,
    by: User | None = None,
    when: datetime | None = None,
) -> MessageUpdated:
    """Append an edit, or without a text a deletion."""
    appended = await log.append(revision(conversation, message, text, by=by, when=when))
    if not isinstance(appended.event, MessageUpdated):
        raise TypeError(appended.event)
    return appended.event


async def create(log: ConversationLog, wanted: Conversation) -> Conversation:
    """Store a group, created by its first member."""
    creator = next(iter(wanted.members))
    await log.append(CreationDraft(wanted, acting(creator), None, wanted.created_at))
    return wanted


async def alter(
    log: ConversationLog,
    conversation: Conversation,
    *changes: Change,
    by: User | None = None,
    when: datetime | None = None,
) -> Conversation:
    """Append a member's changes one after the other, and return the conversation after them."""
    for each in changes:
        actor = acting(next(iter(conversation.members)) if by is None else by.id)
        moment = when or at(0)
        appended = await log.append(ChangeDraft(conversation, actor, each, moment))
        conversation = conversation.changed(each, appended.event.seq, moment)
    return conversation
