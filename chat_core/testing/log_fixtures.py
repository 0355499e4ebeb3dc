"""Fixtures for the contract tests of `ConversationLog`."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from chat_core.conversations import Conversation
from chat_core.events import ConversationUpdated, LogEvent
from chat_core.messages import Message
from chat_core.ports.log import Appended, Committed, ConversationLog, MessageDraft
from chat_core.ports.storage import LogReader, UserStore
from chat_core.testing.makers import create, direct, group, stored_users
from chat_core.users import User

DEADLINE_SECONDS = 10


@dataclass(slots=True)
class Followed:
    """A follower that keeps its entries. A test can wait for them."""

    committed: list[Committed] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, committed: Committed) -> None:
        """Add an entry."""
        self.committed.append(committed)
        self.threads.add(threading.get_ident())
        self._more.set()

    def messages(self) -> list[Message]:
        """Return the committed messages, in the order of arrival."""
        return [
            event.message for event in self.events() if not isinstance(event, ConversationUpdated)
        ]

    def events(self) -> list[LogEvent]:
        """Return all committed entries, in the order of arrival."""
        return [committed.event for committed in self.committed]

    async def until(self, count: int) -> None:
        """Wait until that many entries have arrived. Raises `TimeoutError`."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.committed) < count:
                self._more.clear()
                await self._more.wait()


async def append_and_walk_away(log: ConversationLog, wanted: MessageDraft) -> None:
    """Call `append`, and cancel the caller as soon as the call has started."""
    started = asyncio.Event()

    async def call() -> Appended:
        started.set()
        return await log.append(wanted)

    caller = asyncio.create_task(call())
    await started.wait()
    caller.cancel()
    with suppress(asyncio.CancelledError):
        await caller


class LogFixtures:
    """Users, a conversation of two and a group, for a log of any backend."""

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.fixture
    def between(self, people: list[User]) -> Conversation:
        """Return a new conversation of Ann and Bob."""
        return direct(people[0], people[1])

    @pytest.fixture
    async def friends(self, log: ConversationLog, people: list[User]) -> Conversation:
        """Store a group that Ann owns, with Bob and Eve."""
        return await create(log, group(*people))

    @pytest.fixture
    def followed(self, log: ConversationLog) -> Followed:
        """Return a follower of the log."""
        follower = Followed()
        log.follow(follower)
        return follower

    async def stored(self, reader: LogReader, of: Conversation) -> list[Message]:
        """Return all stored messages of a conversation."""
        return list((await reader.history(of.id, before=None, after=0, limit=200)).items)

    async def entries(self, reader: LogReader, of: Conversation) -> list[LogEvent]:
        """Return all stored entries of a conversation's log."""
        return list(await reader.entries(of.id, after=0, until=200, limit=200))
