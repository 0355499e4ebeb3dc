"""Ports to what is stored.

For all of them: what was written is durable when the call returns, and every later read sees it;
times come back as they were given, in UTC with whole milliseconds; a backend that is out of reach,
busy or full raises `Unavailable`. Those of conversations take any user's id, 1 to 64 characters of
URL-safe ASCII: the account may be kept elsewhere.
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
    """Who there is. All that a product which keeps its own accounts has to tell of them."""

    @abstractmethod
    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        """The users with these ids; unknown ids are left out."""

    @abstractmethod
    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        """Note when users were last seen.

        - A time before the one that is stored changes nothing.
        - Unknown and erased users are ignored.
        """


class UserStore(UserDirectory, Protocol):
    """The accounts. Names and e-mail addresses are compared folded (`chat_core.users.fold`)."""

    @abstractmethod
    async def add(self, user: User, password_hash: str) -> None:
        """Store a new account.

        - Another account has the name: raises `UsernameTaken`, stores nothing.
        - Another account has the e-mail address: raises `EmailTaken`, stores nothing.
        - Of concurrent calls with one name, one succeeds.
        """

    @abstractmethod
    async def credentials(self, login: str) -> Credentials | None:
        """The account with that user name or e-mail address, whatever the case; None if unknown."""

    @abstractmethod
    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        """Change the profile and return it as it is then.

        - What is `UNCHANGED` in the change stays as it is; what is None is removed.
        - An unknown or erased user: raises `NotFound`.
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
    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        """Replace the hash; an unknown or erased user is ignored.

        - With `instead_of`: only where the hash still is that one, in one step.
        - With `change_required`: the user's `password_change_required` becomes that, in the same
          step; without it stays as it is.
        """

    @abstractmethod
    async def erase(self, user_id: UserId, at: datetime) -> User:
        """Forget who a user is, and keep that there was one.

        - Names, e-mail address, password hash and `last_seen_at` are gone, `deleted_at` is set.
        - The names and the address can be used again.
        - An erased user is found by `get` alone.
        - Again, or an unknown user: raises `NotFound`.
        """


class AccountStore(Protocol):
    """What an operator does with the accounts of a `UserStore`, erased ones included."""

    @abstractmethod
    async def accounts(self, *, after: UserId | None, limit: int) -> Page[User, UserId]:
        """Every account, in the order of ids.

        - Disabled and erased ones are listed, too.
        - From page to page each is found once; `next` is None on the last page.
        """

    @abstractmethod
    async def disable(self, user_id: UserId, at: datetime) -> User:
        """Note since when a user is disabled, and return the user as it is then.

        - A disabled user stays so since the first time.
        - Nothing else of the account changes, and everyone finds it as before.
        - Once the user is erased, it is forgotten.
        - An unknown or erased user: raises `NotFound`.
        """

    @abstractmethod
    async def enable(self, user_id: UserId) -> User:
        """The user is disabled no more; returns the user as it is then.

        - One who is not disabled stays as it is.
        - An unknown or erased user: raises `NotFound`.
        """


class SessionStore(Protocol):
    """The logins, each with the digests of its refresh tokens.

    Nothing more is stored for a further token: an old one is known by its family. Tokens from
    versions without families are known one by one.
    """

    @abstractmethod
    async def add(self, session: Session, chain: RefreshChain) -> None:
        """Store a new session with the chain of its first refresh token; its family is new."""

    @abstractmethod
    async def get(self, session_id: SessionId) -> Session | None:
        """The session, or None. Ended ones are found too."""

    @abstractmethod
    async def refresh(self, use: RefreshUse) -> Session:
        """Use a refresh token, by the rules of `RefreshUse.judge`, in one step.

        - The chain and the session become what the rules say, and the session is returned.
        - A family that no session has: raises `TokenInvalid`.
        - A session that has ended: raises `SessionRevoked`, which names it.
        - A token of its family that is not good: ends the session at `use.at`, raises
          `RefreshReused`.
        - Of concurrent uses of one token all get an answer by the rules, one after another.
        """

    @abstractmethod
    async def of_user(self, user_id: UserId) -> Collection[Session]:
        """The user's sessions that have not ended, the latest seen first."""

    @abstractmethod
    async def knows(self, user_id: UserId, address: str) -> bool:
        """Whether one of the user's sessions, ended ones included, has an address of that network.

        The network is the narrowest of `chat_core.addresses.networks`.
        """

    @abstractmethod
    async def end(self, session_ids: Collection[SessionId], at: datetime) -> None:
        """End sessions; ended and unknown ones are ignored."""

    @abstractmethod
    async def ended_since(self, at: datetime) -> Mapping[SessionId, UserId]:
        """The sessions that ended then or later, each with whose it was."""

    @abstractmethod
    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Give the session's device another label; an unknown session is ignored."""

    @abstractmethod
    async def forget_devices(self, user_id: UserId) -> None:
        """Make the labels of the user's devices empty, those of ended sessions, too.

        - Addresses and user agents become None.
        """

    @abstractmethod
    async def purge(self, before: datetime, *, limit: int) -> int:
        """Forget sessions that were last seen before that moment: how many, `limit` at most.

        - One that ended then or later stays.
        - No session has the families of their tokens any more.
        """


class ConversationStore(Protocol):
    """Reads of conversations. Whatever changes them is an entry of the log."""

    @abstractmethod
    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """The conversation, or None."""

    @abstractmethod
    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """The direct conversation of two users, in whichever order, or None."""

    def known(self, conversation_id: ConversationId) -> Conversation | None:  # noqa: ARG002
        """What `get` would return, where it is remembered; it may be outdated."""
        return None

    def known_direct(self, one: UserId, other: UserId) -> Conversation | None:  # noqa: ARG002
        """What `direct` would return, where it is remembered; it may be outdated."""
        return None

    async def fresh(self, conversation_id: ConversationId) -> Conversation | None:
        """As `get`, but never from memory: for what would be refused."""
        return await self.get(conversation_id)

    @abstractmethod
    async def overview(self, user_id: UserId, conversation_id: ConversationId) -> Overview | None:
        """The conversation as a member sees it, with all members; None to others."""

    @abstractmethod
    async def latest(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[ActivityPlace, ActivityPlace]:
        """Where the user's conversations are in the list by latest activity, the latest first.

        - From page to page each conversation that had no activity meanwhile is found once.
        """

    @abstractmethod
    async def overviews(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> Sequence[Overview]:
        """Some of the user's conversations for a list, in the order in which they are asked for.

        - Those that the user is not in are left out.
        - Each is shown as that user sees it; `unread_count` counts messages of others after
          `read_seq` that are not deleted, up to `MAX_UNREAD`.
        - `receipts` are given up to `RECEIPTS_UP_TO` members.
        - Each shows at most `LISTED_MEMBERS` members and counts all.
        """

    @abstractmethod
    async def left_behind(self, user_id: UserId) -> Collection[ConversationId]:
        """The groups that the user is out of, and in which content of theirs is kept."""

    @abstractmethod
    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """For each of the users: who shares a conversation with them, themselves left out."""


class LogReader(Protocol):
    """Reads of the entries and messages of logs."""

    @abstractmethod
    async def message(self, message_id: MessageId) -> Message | None:
        """The message as it is now, or None."""

    @abstractmethod
    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """Messages by seq, ascending, as they are now.

        - With `before`: the last `limit` ones of a lower seq; `has_more` tells of still lower ones.
        - With `after`: the first `limit` ones of a higher seq; `has_more` tells of still higher.
        - With neither: the latest `limit` ones, as with a `before` beyond the end.
        - Messages that are deleted keep their place.
        """

    @abstractmethod
    async def entries(
        self, conversation_id: ConversationId, *, after: int, until: int, limit: int
    ) -> Collection[LogEvent]:
        """The first `limit` entries of places above `after`, up to `until`, ascending.

        - Every entry of a message shows the message as it is now.
        - A message that changed at a place above `until` is shown as of the entry, without content
          and times.
        """

    @abstractmethod
    async def standing(self, user_id: UserId, conversation_id: ConversationId) -> Standing | None:
        """Where someone stands in a conversation; None to whoever never was a member.

        - A former member's log ends with the entry that removed them, nothing is unread, and
          there are no receipts.
        """


class ReceiptStore(Protocol):
    """How far members got."""

    @abstractmethod
    async def move(
        self, conversation_id: ConversationId, user_id: UserId, *, delivered: int, read: int
    ) -> tuple[Receipt, bool]:
        """Move a member's watermarks: where they are then, and whether they moved.

        - They never go back, and never past the log's last place.
        - What was read was delivered, too.
        - Of whoever is no member: raises `NotFound`.
        """


class BlockStore(Protocol):
    """Who does not want to hear from whom."""

    @abstractmethod
    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:
        """`user_id` blocks the other; again is a no-op."""

    @abstractmethod
    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """No longer; where there is no block, a no-op."""

    @abstractmethod
    async def between(self, one: UserId, other: UserId) -> bool:
        """Whether either has blocked the other."""

    def known_between(self, one: UserId, other: UserId) -> bool | None:  # noqa: ARG002
        """What `between` would return, where it is remembered; it may be outdated."""
        return None

    async def fresh_between(self, one: UserId, other: UserId) -> bool:
        """As `between`, but never from memory: for what would be refused."""
        return await self.between(one, other)

    @abstractmethod
    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        """Whom the user has blocked, by id; from page to page each once."""
