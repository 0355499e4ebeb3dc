"""Ports to stored data.

In all of them, a write is durable when the call returns, and every later read sees it. Times are
returned as they were given, in UTC with whole milliseconds. If a backend is unreachable, busy or
full, the call raises `Unavailable`. The ports of conversations accept any user's id, 1 to 64
characters of URL-safe ASCII, because accounts may be stored elsewhere.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat_core.conversations import ActivityPlace, Conversation, Overview, Receipt, Standing
from chat_core.events import LogEvent
from chat_core.ids import ConversationId, MessageId, SessionId, UserId
from chat_core.messages import History, Message
from chat_core.pages import Page
from chat_core.sessions import RefreshChain, RefreshUse, Session
from chat_core.users import Credentials, NamePlace, ProfileChange, User


class UserDirectory(Protocol):
    """The users. A product with its own accounts needs to implement only this."""

    @abstractmethod
    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        """Return the users with these ids; unknown ids are left out."""

    @abstractmethod
    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        """Record when users were last seen.

        - If the stored time is later, nothing changes.
        - Unknown and erased users are ignored.
        """


class UserStore(UserDirectory, Protocol):
    """The accounts. Names and e-mail addresses are compared folded (see `chat_core.users.fold`)."""

    @abstractmethod
    async def add(self, user: User, password_hash: str) -> None:
        """Store a new account.

        - If another account has the name, raises `UsernameTaken`, and stores nothing.
        - If another account has the e-mail address, raises `EmailTaken`, and stores nothing.
        - If concurrent calls have the same name, one succeeds.
        """

    @abstractmethod
    async def credentials(self, login: str) -> Credentials | None:
        """Return the account with that user name or e-mail address, ignoring case, or None."""

    @abstractmethod
    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        """Change the profile, and return the user with the change.

        - `UNCHANGED` fields stay as they are, and None removes the value.
        - If the user is unknown or erased, raises `NotFound`.
        - If another account has the e-mail address, raises `EmailTaken`, and changes nothing.
        - Other accounts can then use the former address.
        """

    @abstractmethod
    async def search(
        self, prefix: str, *, without: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """Return users whose user name or display name starts with `prefix`, ordered by that name.

        - The order is by code points of the folded names; the prefix has no wildcards.
        - Case does not matter, and each user is listed once, under the user name if that matches.
        - An empty prefix lists every user, by user name.
        - `without` is left out.
        - From page to page each user is found once; `next` is None on the last page.
        """

    @abstractmethod
    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        """Replace the hash. An unknown or erased user is ignored.

        - With `instead_of` it replaces only that hash, in one step.
        - With `change_required` it sets the user's `password_change_required` in the same step;
          without it that stays as it is.
        """

    @abstractmethod
    async def erase(self, user_id: UserId, at: datetime) -> User:
        """Erase the personal data of a user, and keep the id.

        - Names, e-mail address, password hash and `last_seen_at` are gone, `deleted_at` is set.
        - The names and the address can be used again.
        - Only `get` finds an erased user.
        - If the user is unknown or already erased, raises `NotFound`.
        """


class AccountStore(Protocol):
    """An operator's access to the accounts of a `UserStore`, erased ones included."""

    @abstractmethod
    async def accounts(self, *, after: UserId | None, limit: int) -> Page[User, UserId]:
        """Return all accounts, in the order of ids.

        - Disabled and erased ones are listed, too.
        - From page to page each is found once; `next` is None on the last page.
        """

    @abstractmethod
    async def disable(self, user_id: UserId, at: datetime) -> User:
        """Record since when a user is disabled, and return the user with that change.

        - If the user is already disabled, the first time stays.
        - Nothing else in the account changes, and every read still finds it.
        - When the user is erased, that time is removed.
        - If the user is unknown or erased, raises `NotFound`.
        """

    @abstractmethod
    async def enable(self, user_id: UserId) -> User:
        """Clear the user's `disabled_at`, and return the user with that change.

        - If the user is not disabled, nothing changes.
        - If the user is unknown or erased, raises `NotFound`.
        """


class SessionStore(Protocol):
    """The sessions, each with the digests of its refresh tokens.

    A further token takes no more storage: an old token is recognised by its family. Tokens from
    versions without families are each stored.
    """

    @abstractmethod
    async def add(self, session: Session, chain: RefreshChain) -> None:
        """Store a new session with the chain of its first refresh token, whose family is new."""

    @abstractmethod
    async def get(self, session_id: SessionId) -> Session | None:
        """Return the session, even if it has ended, or None."""

    @abstractmethod
    async def refresh(self, use: RefreshUse) -> Session:
        """Use a refresh token, by the rules of `RefreshUse.judge`, in one step.

        - It changes the chain and the session by these rules, and returns the session.
        - If no session has the token's family, raises `TokenInvalid`.
        - If the session has ended, raises `SessionRevoked` with its id.
        - If the family is known but the token is not valid, ends the session at `use.at`, and
          raises `RefreshReused`.
        - If several calls use one token at the same time, each gets an answer by the rules, in
          turn.
        """

    @abstractmethod
    async def of_user(self, user_id: UserId) -> Collection[Session]:
        """Return the user's sessions that have not ended, the most recently seen first."""

    @abstractmethod
    async def knows(self, user_id: UserId, address: str) -> bool:
        """Return whether a session of the user, even an ended one, has an address of that network.

        The network is the narrowest of `chat_core.addresses.networks`.
        """

    @abstractmethod
    async def end(self, session_ids: Collection[SessionId], at: datetime) -> None:
        """End sessions. Ended and unknown ones are ignored."""

    @abstractmethod
    async def ended_since(self, at: datetime) -> Mapping[SessionId, UserId]:
        """Return the sessions that ended then or later, each with its user."""

    @abstractmethod
    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Change the label of the session's device. An unknown session is ignored."""

    @abstractmethod
    async def forget_devices(self, user_id: UserId) -> None:
        """Clear the labels of the user's devices, in ended sessions, too.

        - Addresses and user agents become None.
        """

    @abstractmethod
    async def purge(self, before: datetime, *, limit: int) -> int:
        """Remove up to `limit` sessions last seen before that moment, and return how many.

        - If a session ended then or later, it stays.
        - Afterwards the families of their tokens are unknown.
        """


class ConversationStore(Protocol):
    """Reads of conversations. Only the log changes them."""

    @abstractmethod
    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """Return the conversation, or None."""

    @abstractmethod
    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """Return the direct conversation of two users, in either order, or None."""

    def known(self, conversation_id: ConversationId) -> Conversation | None:  # noqa: ARG002
        """Return the cached result of `get`, or None. It may be outdated."""
        return None

    def known_direct(self, one: UserId, other: UserId) -> Conversation | None:  # noqa: ARG002
        """Return the cached result of `direct`, or None. It may be outdated."""
        return None

    async def fresh(self, conversation_id: ConversationId) -> Conversation | None:
        """Do the same as `get`, never from a cache. Use it before you refuse a request."""
        return await self.get(conversation_id)

    @abstractmethod
    async def overview(self, user_id: UserId, conversation_id: ConversationId) -> Overview | None:
        """Return the conversation as a member sees it, with all members, or None for others."""

    @abstractmethod
    async def latest(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[ActivityPlace, ActivityPlace]:
        """Return the user's places in the list of conversations by activity, latest first.

        - From page to page each conversation that had no activity meanwhile is found once.
        """

    @abstractmethod
    async def overviews(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> Sequence[Overview]:
        """Return some of the user's conversations for a list, in the requested order.

        - Conversations without the user are left out.
        - Each is shown as that user sees it; `unread_count` counts messages of others after
          `read_seq` that are not deleted, up to `MAX_UNREAD`.
        - If there are more than `RECEIPTS_UP_TO` members, `receipts` is empty.
        - Each shows at most `LISTED_MEMBERS` members and counts all.
        """

    @abstractmethod
    async def left_behind(self, user_id: UserId) -> Collection[ConversationId]:
        """Return the groups that the user has left, but that still store the user's content."""

    @abstractmethod
    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """Return for each user the other users who share a conversation with them."""


class LogReader(Protocol):
    """Reads of the entries and messages of logs."""

    @abstractmethod
    async def message(self, message_id: MessageId) -> Message | None:
        """Return the message as it is now, or None."""

    @abstractmethod
    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """Return messages as they are now, ascending by seq.

        - With `before`: returns the last `limit` messages below it; `has_more` says if there are
          lower ones.
        - With `after`: returns the first `limit` messages above it; `has_more` says if there are
          higher ones.
        - With neither: returns the latest `limit` messages, as with a `before` beyond the end.
        - Deleted messages keep their place.
        """

    @abstractmethod
    async def entries(
        self, conversation_id: ConversationId, *, after: int, until: int, limit: int
    ) -> Collection[LogEvent]:
        """Return the first `limit` entries of places above `after`, up to `until`, ascending.

        - Every entry of a message shows the message as it is now.
        - If the message changed at a place above `until`, the entry shows it as of the entry,
          without content and times.
        """

    @abstractmethod
    async def standing(self, user_id: UserId, conversation_id: ConversationId) -> Standing | None:
        """Return the user's standing in a conversation, or None if they never were a member.

        - A former member's log ends with the entry that removed them, nothing is unread, and there
          are no receipts.
        """


class ReceiptStore(Protocol):
    """The receipts of members."""

    @abstractmethod
    async def move(
        self, conversation_id: ConversationId, user_id: UserId, *, delivered: int, read: int
    ) -> tuple[Receipt, bool]:
        """Move a member's watermarks; return where they are then, and whether they moved.

        - They never decrease, and never pass the log's last place.
        - Reading up to a place also marks it delivered.
        - If the user is not a member, raises `NotFound`.
        """


class BlockStore(Protocol):
    """The blocks between users."""

    @abstractmethod
    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:
        """Block the other user for `user_id`. If already blocked, do nothing."""

    @abstractmethod
    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """Remove the block. If there is none, do nothing."""

    @abstractmethod
    async def between(self, one: UserId, other: UserId) -> bool:
        """Return whether either has blocked the other."""

    def known_between(self, one: UserId, other: UserId) -> bool | None:  # noqa: ARG002
        """Return the cached result of `between`, or None. It may be outdated."""
        return None

    async def fresh_between(self, one: UserId, other: UserId) -> bool:
        """Do the same as `between`, never from a cache. Use it before you refuse a request."""
        return await self.between(one, other)

    @abstractmethod
    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        """Return the users blocked by this user, by id. Each is found once from page to page."""
