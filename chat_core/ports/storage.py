"""Ports to what is stored.

For all of them: what was written is durable when the call returns, and every later read sees it;
times come back as they were given, in UTC with whole milliseconds; a backend that is out of reach,
busy or full raises `Unavailable`.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chat_core.conversations import ActivityPlace, Conversation, Overview
from chat_core.events import LogEvent
from chat_core.ids import (
    ClientMessageId,
    ConnectionId,
    ConversationId,
    MessageId,
    SessionId,
    UserId,
)
from chat_core.messages import History, Message
from chat_core.pages import Page
from chat_core.sessions import Actor, Session
from chat_core.users import Credentials, NamePlace, ProfileChange, User


class UserStore(Protocol):
    """The accounts. Names and e-mail addresses are compared folded (`chat_core.users.fold`)."""

    @abstractmethod
    async def add(self, user: User, password_hash: str) -> None:
        """Store a new account.

        - Another account has the name: raises `UsernameTaken`, stores nothing.
        - Another account has the e-mail address: raises `EmailTaken`, stores nothing.
        - Of concurrent calls with one name, one succeeds.
        """

    @abstractmethod
    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        """The users with these ids; unknown ids are left out."""

    @abstractmethod
    async def credentials(self, login: str) -> Credentials | None:
        """The account with that user name or e-mail address, whatever the case; None if unknown."""

    @abstractmethod
    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        """Change the profile and return it as it is then.

        - What is None in the change stays as it is.
        - An unknown user: raises `NotFound`.
        - Another account has the e-mail address: raises `EmailTaken`, changes nothing.
        - The address that the account had before is free then.
        """

    @abstractmethod
    async def search(
        self, prefix: str, *, without: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """Users whose user name or display name begins with `prefix`, in the order of that name.

        - Names are in the order of their code points, folded; no character stands for others.
        - Case does not matter, and each user is listed once, under the user name if that matches.
        - An empty prefix lists every user, by user name.
        - `without` is left out.
        - From page to page each user is found once; `next` is None on the last page.
        """

    @abstractmethod
    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        """Note when users were last seen.

        - A time before the one that is stored changes nothing.
        - Unknown users are ignored.
        """


class SessionStore(Protocol):
    """The logins."""

    @abstractmethod
    async def add(self, session: Session, refresh_digest: bytes) -> None:
        """Store a new session with the SHA-256 digest of its refresh token."""

    @abstractmethod
    async def get(self, session_id: SessionId) -> Session | None:
        """The session, or None."""

    @abstractmethod
    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Give the session's device another label; an unknown session is ignored."""


class ConversationStore(Protocol):
    """Reads of conversations and their messages. Whatever changes them is an entry of the log."""

    @abstractmethod
    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """The conversation, or None."""

    @abstractmethod
    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """The direct conversation of two users, in whichever order, or None."""

    @abstractmethod
    async def overviews(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[Overview, ActivityPlace]:
        """The user's conversations, latest activity first.

        - Each is shown as that user sees it; `unread_count` counts messages of others after
          `read_seq` that are not deleted, up to `MAX_UNREAD`.
        - `receipts` are given up to `RECEIPTS_UP_TO` members.
        - From page to page each conversation that had no activity meanwhile is found once.
        """

    @abstractmethod
    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """Messages by seq, ascending, as they are now.

        - With `before`: the last `limit` ones of a lower seq; `has_more` tells of lower ones.
        - With `after`: the first `limit` ones of a higher seq; `has_more` tells of higher ones.
        - With neither: the latest `limit` ones, as with a `before` beyond the end.
        - Messages that are deleted keep their place.
        """

    @abstractmethod
    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """For each of the users: who shares a conversation with them, themselves left out."""


class Stale(Exception):
    """The conversation has changed since the rules were judged: read it again and judge anew."""


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A message to append.

    `conversation` is the one on which the rules were judged. A direct one that is not stored yet
    is stored with its first entry.
    """

    id: MessageId
    conversation: Conversation
    actor: Actor
    content: str
    client_id: ClientMessageId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Appended:
    """What came of an append; with `duplicate` it was there before and nothing was stored."""

    message: Message
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """An entry that was just stored, for the log's follower."""

    event: LogEvent
    audience: Collection[UserId]
    """The members before the entry and after it."""
    cause: ConnectionId | None
    """The connection whose own event it was."""


Follower = Callable[[Committed], None]


class ConversationLog(Protocol):
    """The stored log of every conversation, and its only writer. Every push is derived from it."""

    @abstractmethod
    async def append(self, draft: MessageDraft) -> Appended:
        """Store one entry at the next place of its conversation's log.

        - Places in one conversation are 1, 2, 3 … without holes, under concurrent calls too.
        - Calls take their places in the order in which they were started.
        - The same sender and client id again: returns the first message as it is now, stores
          nothing, whatever has changed since.
        - Client ids are compared exactly, and each sender has their own.
        - The same sender and client id with other content, or for another conversation: raises
          `ClientIdConflict`.
        - Two first messages of the same two users make one direct conversation.
        - `draft.conversation.revision` is no longer the conversation's, or the conversation is a
          group that is not stored: raises `Stale`, stores nothing.
        - The sender's own receipt moves to the new entry.
        - The follower gets each committed entry, in the order of seq, before this returns; a
          repeat is none.
        - A cancelled caller neither stops the commit nor the follower.
        - After `Unavailable` a retry with the client id is safe.
        """

    @abstractmethod
    def follow(self, follower: Follower) -> None:
        """Set the log's one follower: a function that only queues, and never raises.

        It runs in the event loop's thread.
        """
