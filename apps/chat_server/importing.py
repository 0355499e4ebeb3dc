"""Importing a database of the original system into the service's database.

Users and messages keep their ids. A message's id is also its client id, by which the log recognizes
messages that it already has. So the import can stop at any point, even in a power cut; another run
completes it, and adds what was written to the original since.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from chat_core.bodies import Body
from chat_core.conversations import Conversation
from chat_core.errors import ClientIdConflict, EmailTaken, Unavailable, UsernameTaken
from chat_core.ids import ClientMessageId, ConversationId, MessageId, SessionId, UserId
from chat_core.messages import Message
from chat_core.names import imported_name
from chat_core.ports.log import Appended, ConversationLog, MessageDraft, Stale
from chat_core.ports.storage import LogReader, UserStore
from chat_core.ports.system import Clock, IdGenerator
from chat_core.sessions import Actor
from chat_core.users import MAX_DISPLAY_NAME, NO_PASSWORD, User, fold, is_text
from chat_server.container import Container, is_bcrypt
from chat_server.database_url import MemoryDatabase
from chat_server.databases import DatabaseRefused, open_original, open_stores
from chat_server.import_summary import EmailLeftOut, Renamed, Skipped, Summary
from chat_server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from chat_mongo import OriginalDatabase, OriginalMessage, OriginalUser

PATIENCE_SECONDS = 60.0
"""How long a database may be unavailable before the import gives up."""
RETRY_SECONDS = 1.0
AT_ONCE = 64
"""Number of accounts or new conversations stored at the same time; messages go batch by batch."""
REMEMBERED = 50_000
"""Maximum number of cached conversations, about 1 KiB each; above it, the cache is emptied."""
MAX_BYTES = 15_000_000
"""Maximum size of a message, because MongoDB accepts no document over 16 MiB."""

_USABLE_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_IMPORT = SessionId("import")

Result = TypeVar("Result")
Item = TypeVar("Item")
Step = Callable[[int], None]
"""Function that is called with the number of items just done."""


class ImportStopped(Exception):
    """A database was unavailable for too long; the message says so, and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Functions that begin to report progress.

    Each is called with the approximate total, and returns a `Step`.
    """

    users: Callable[[int], Step]
    messages: Callable[[int], Step]


async def import_original(settings: Settings, url: str, progress: Progress) -> Summary:
    """Import the original's database at that URL.

    Raises `SettingsError` if either database can't be used, and `ImportStopped` if one becomes
    unavailable for too long.
    """
    if isinstance(settings.database, MemoryDatabase):
        raise SettingsError(
            ["DATABASE_URL: memory:// stores nothing, so nothing can be imported into it"]
        )
    container = Container(settings=settings)
    async with AsyncExitStack() as stack:
        try:
            original = await stack.enter_async_context(open_original(url))
        except DatabaseRefused as error:
            raise SettingsError([f"--from: {error}"]) from error
        try:
            stores = await stack.enter_async_context(open_stores(settings))
        except DatabaseRefused as error:
            raise SettingsError([f"DATABASE_URL: {error}"]) from error
        importing = Importing(
            original,
            stores.users,
            stores.reader,
            stores.log,
            container.clock(),
            container.ids(),
        )
        try:
            summary = await importing.run(progress)
        except DatabaseRefused as error:
            raise SettingsError([f"--from: {error}"]) from error
    return summary


@dataclass(frozen=True, slots=True)
class _Message:
    """A message that can be imported."""

    id: str
    sender: UserId
    receiver: UserId
    content: str
    is_mended: bool
    at: datetime

    @property
    def pair(self) -> frozenset[UserId]:
        """The two users of the message."""
        return frozenset((self.sender, self.receiver))

    @property
    def why_not(self) -> Skipped | None:
        """The reason why no conversation can store the message, or None."""
        if self.sender == self.receiver:
            return Skipped.TO_ONESELF
        if len(self.content.encode()) > MAX_BYTES:
            return Skipped.TOO_LONG
        return None


@dataclass(slots=True)
class Importing:
    """One run of the import."""

    original: "OriginalDatabase"
    users: UserStore
    reader: LogReader
    log: ConversationLog
    clock: Clock
    ids: IdGenerator
    _summary: Summary = field(init=False)
    _known: set[str] = field(default_factory=set)
    """Ids of the original's users that are stored here."""
    _gone: set[str] = field(default_factory=set)
    """Ids of those users whose accounts have been deleted here."""
    _addresses: set[str] = field(default_factory=set)
    """Case-folded usernames that look like e-mail addresses, and may be another user's address."""
    _conversations: dict[frozenset[UserId], Conversation] = field(default_factory=dict)
    _doubtful: set[str] = field(default_factory=set)
    """Ids of messages that may be stored although the database did not confirm them."""
    _failing_since: float | None = None

    async def run(self, progress: Progress) -> Summary:
        """Import all users, then all messages."""
        self._summary = Summary(self.original.name)
        counts = await self._patiently(self.original.counts)
        step = progress.users(counts.users)
        users = self.original.users()
        while some_users := await self._patiently(users.next):
            await self._take_users(some_users)
            step(len(some_users))
        step = progress.messages(counts.messages)
        messages = self.original.messages()
        while some_messages := await self._patiently(messages.next):
            await self._take_messages(some_messages)
            step(len(some_messages))
        return self._summary

    # users

    async def _take_users(self, batch: "Sequence[OriginalUser]") -> None:
        wave: dict[UserId, OriginalUser] = {}
        names: set[str] = set()
        for each in batch:
            user_id = _usable(each.id)
            if user_id is None:
                self._summary.users.skipped[Skipped.UNUSABLE_ID] += 1
                continue
            # If several users have the same name, the oldest keeps it, so they are not stored
            # together.
            own = {fold(_mended(name)) for name in (each.username, each.email) if name}
            if len(wave) == AT_ONCE or names & own or user_id in wave:
                await self._take_wave(wave)
                wave, names = {}, set()
            wave[UserId(user_id)] = each
            names |= own
        await self._take_wave(wave)

    async def _take_wave(self, wave: "Mapping[UserId, OriginalUser]") -> None:
        """Store the missing users, and record the result for all of them."""
        begun: set[UserId] = set()

        async def store() -> Mapping[UserId, User]:
            there = await self.users.get(wave.keys())
            missing = [user_id for user_id in wave if user_id not in there]
            begun.update(missing)
            await _all(self._add(user_id, wave[user_id]) for user_id in missing)
            return await self.users.get(wave.keys())

        stored = await self._patiently(store)
        for user_id, original in wave.items():
            user = stored[user_id]
            self._known.add(user_id)
            if user.deleted_at is not None:
                self._gone.add(user_id)
            elif "@" in (user.username or ""):
                self._addresses.add(fold(user.username or ""))
            if user_id in begun:
                self._note(original, user)
            else:
                self._summary.users.there_before += 1

    async def _add(self, user_id: UserId, original: "OriginalUser") -> None:
        """Store the account, with a new name and without its address if they are taken."""
        name = _mended(original.username or "")
        email = _mended(original.email or "") or None
        # A log-in accepts a name or an address, so a name must not be another user's address.
        if email is not None and fold(email) in self._addresses:
            email = None
        for username in _names(name, user_id):
            if "@" in username and await self.users.credentials(username) is not None:
                continue
            user = User(
                user_id, username, _shown_as(user_id, name, username), email, original.created_at
            )
            try:
                await self.users.add(user, _hash(original))
            except UsernameTaken:
                continue
            except EmailTaken:  # taken just now by a sign-up
                await self.users.add(replace(user, email=None), _hash(original))
            return
        raise UsernameTaken(f"Every name for {user_id} is taken")

    def _note(self, original: "OriginalUser", user: User) -> None:
        summary = self._summary
        summary.users.added += 1
        was = None if not original.username else _mended(original.username)
        if user.username != was:
            summary.renamed.append(Renamed(user, was))
        if original.email and user.email is None:
            summary.emails_left_out.append(EmailLeftOut(user, _mended(original.email)))
        if _hash(original) == NO_PASSWORD:
            summary.without_password.append(user)
        texts = (original.username, original.email)
        summary.users.mended += any(text and not is_text(text) for text in texts)

    # messages

    async def _take_messages(self, batch: "Sequence[OriginalMessage]") -> None:
        pending = []
        for each in batch:
            message = self._judged(each)
            if isinstance(message, Skipped):
                self._summary.messages.skipped[message] += 1
            else:
                pending.append(message)
        # The log recognizes a repeat by itself, but it is optimized for storing many new messages.
        is_rerun = await self._patiently(partial(self._are_known, {*pending[:1], *pending[-1:]}))
        if is_rerun:
            pending = await self._patiently(partial(self._without_known, pending))
        while pending:
            await self._patiently(partial(self._append, pending))
        self._doubtful.clear()

    def _judged(self, original: "OriginalMessage") -> _Message | Skipped:
        message_id, content = _usable(original.id), original.content
        sender, receiver = original.sender_id, original.receiver_id
        if message_id is None:
            return Skipped.UNUSABLE_ID
        if sender is None or sender not in self._known:
            return Skipped.UNKNOWN_SENDER
        if receiver is None or receiver not in self._known:
            return Skipped.UNKNOWN_RECEIVER
        if not content:
            return Skipped.WITHOUT_TEXT
        text, at = _mended(content), original.created_at
        message = _Message(message_id, UserId(sender), UserId(receiver), text, text != content, at)
        return message.why_not or message

    async def _are_known(self, some: Collection[_Message]) -> bool:
        """Return whether any of these messages is stored."""
        return any(await _all(self.reader.message(MessageId(each.id)) for each in some))

    async def _without_known(self, messages: Sequence[_Message]) -> list[_Message]:
        """Return the messages that are not stored, in their order, and count the others."""
        stored: list[Message | None] = []
        for some in _sliced(messages):
            stored += await _all(self.reader.message(MessageId(each.id)) for each in some)
        for wanted, found in zip(messages, stored, strict=True):
            if found is None:
                continue
            was_revised = found.edited_at is not None or found.deleted_at is not None
            if found.text == wanted.content or was_revised:
                self._summary.messages.there_before += 1
            else:
                self._summary.messages.skipped[Skipped.CHANGED] += 1
        return [each for each, found in zip(messages, stored, strict=True) if found is None]

    async def _append(self, pending: list[_Message]) -> None:
        """Store the messages that can be stored now; afterwards `pending` contains the rest."""
        await self._open({each.pair: each.at for each in reversed(pending)})
        # All calls start before any of them is awaited, so the messages get their `seq` in this
        # order.
        outcomes = await asyncio.gather(
            *(self._outcome(each) for each in pending), return_exceptions=True
        )
        left, away = [], None
        for message, outcome in zip(pending, outcomes, strict=True):
            match outcome:
                case Stale():
                    self._conversations.pop(message.pair, None)
                    left.append(message)
                case Unavailable():
                    away = outcome
                    self._doubtful.add(message.id)
                    left.append(message)
                case BaseException():
                    raise outcome
                case _:
                    self._count(message, outcome)
        if len(left) < len(pending):
            self._failing_since = None
        pending[:] = left
        if away is not None:
            raise away

    async def _open(self, pairs: Mapping[frozenset[UserId], datetime]) -> None:
        """Load the conversations of these pairs, and create those that do not exist yet."""
        if len(self._conversations) > REMEMBERED:
            self._conversations.clear()
        wanted = [
            self._direct(pair, at)
            for pair, at in pairs.items()
            if pair not in self._conversations and not pair & self._gone
        ]
        for some in _sliced(wanted):
            for stored in await _all(self.log.open_direct(each) for each in some):
                self._conversations[frozenset(stored.members)] = stored

    async def _outcome(self, message: _Message) -> Appended | Skipped:
        conversation = self._conversations.get(message.pair)
        is_over = conversation is None or conversation.has_ended
        if conversation is None:
            conversation = self._direct(message.pair, message.at)
        draft = MessageDraft(
            id=MessageId(message.id),
            conversation=conversation,
            actor=Actor(message.sender, _IMPORT),
            body=Body(message.content),
            client_id=ClientMessageId(message.id),
            at=message.at,
        )
        if is_over:
            return await self.log.repeated(draft) or Skipped.ACCOUNT_DELETED
        try:
            return await self.log.append(draft)
        except ClientIdConflict:
            return Skipped.CHANGED

    def _direct(self, pair: frozenset[UserId], at: datetime) -> Conversation:
        one, other = pair
        return Conversation.direct(ConversationId(self.ids.new_id()), one, other, at)

    def _count(self, message: _Message, outcome: Appended | Skipped) -> None:
        tally = self._summary.messages
        if isinstance(outcome, Skipped):
            tally.skipped[outcome] += 1
        elif outcome.duplicate and message.id not in self._doubtful:
            tally.there_before += 1
        else:
            tally.added += 1
            tally.mended += message.is_mended

    async def _patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of the call; while a database is unavailable, retry for a while."""
        while True:
            try:
                result = await call()
            except Unavailable as error:
                now = self.clock.monotonic()
                if self._failing_since is None:
                    self._failing_since = now
                if now - self._failing_since >= PATIENCE_SECONDS:
                    raise ImportStopped(
                        f"{error.detail}, for {PATIENCE_SECONDS:.0f} seconds now. Everything "
                        "imported so far is stored; run the command again to continue."
                    ) from error
                await self.clock.sleep(RETRY_SECONDS)
            else:
                self._failing_since = None
                return result


def _sliced(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def _usable(document_id: str | None) -> str | None:
    is_usable = document_id is not None and _USABLE_ID.fullmatch(document_id)
    return document_id if is_usable else None


def _mended(text: str) -> str:
    return text if is_text(text) else _NO_TEXT.sub("\ufffd", text)


def _shown_as(user_id: UserId, *names: str) -> str:
    """Return the first name that can be displayed, cleaned; otherwise the id."""
    shown = (imported_name(name, MAX_DISPLAY_NAME) for name in names)
    return next(filter(None, shown), user_id)


def _names(name: str, user_id: UserId) -> Iterator[str]:
    """Yield candidates for the username; the first free one is used."""
    if name.strip():
        yield name
    else:
        name = "user"
    yield f"{name}-{user_id[-6:]}"
    yield f"{name}-{user_id}"


def _hash(original: "OriginalUser") -> str:
    found = original.password_hash
    return found if found is not None and is_bcrypt(found) else NO_PASSWORD


async def _all(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """Return all results. If this raises, all calls have ended."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [each for each in outcomes if not isinstance(each, BaseException)]
