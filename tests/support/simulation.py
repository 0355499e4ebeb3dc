"""A server and its devices in one process, where every delay and fault is the test's choice.

Calls of stores wait at a `Gate` until they are let through, in any order; packets wait on a
`SlowWire` until they are delivered. So a test decides what overlaps with what.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any, cast

from chat_client import ChatClient, Disconnected, InProcessWire, Refused
from chat_client.in_process import Dispatcher as AnyDispatcher
from chat_client.in_process import Link
from chat_client.wire import Json, Listener
from chat_core import Accounts, Actor, ChatError, Delivery, Limit, LoginLimits, MessageLimits
from chat_core.errors import Unavailable
from chat_core.ids import SessionId, UserId
from chat_core.memory import (
    CachedBlocks,
    CachedConversations,
    CacheTellingLog,
    MemoryRateLimiter,
    PlainHasher,
    PlainTokens,
    RecordingSecurityEvents,
)
from chat_core.ports.log import Appended, Committed, ConversationLog, Done, Draft, Outcome
from chat_core.services.accounts import NewAccount, SignupPolicy
from chat_core.services.conversations import Conversations, GroupLimits
from chat_core.services.erasure import Erasure
from chat_core.services.fair_queue import FairQueue
from chat_core.services.login_attempts import PASSWORDS_AT_ONCE
from chat_core.services.messaging import Messaging
from chat_core.services.presence import Presence
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.revocation import Revocations
from chat_core.services.sessions import Sessions
from chat_core.services.synchronising import Synchronising
from chat_core.sessions import RefreshLimits
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from chat_socketio import Dispatcher, Rooms, SocketLimits, handlers, pipelined
from chat_wire.problems import ProblemReporter
from tests.support.stores import Stores

OFTEN = 10**9
PASSWORD = "correct horse"
ADDRESS = "192.0.2.1"
FOR_EVER = RefreshLimits(timedelta(days=999), timedelta(days=999))


class Gate:
    """Where calls wait until they are let through; open, they pass."""

    def __init__(self) -> None:
        self.is_open = True
        self.running = 0
        self.submitted: set[asyncio.Task[None]] = set()
        self.waiting: list[asyncio.Future[None]] = []

    async def passed(self) -> None:
        """Wait to be let through."""
        if not self.is_open:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(future)
            await future

    def let_through(self, index: int) -> None:
        """Let one of those who wait go on."""
        if self.waiting:
            future = self.waiting.pop(index % len(self.waiting))
            if not future.done():
                future.set_result(None)

    def open(self) -> None:
        """Let everybody go on, and keep nobody any more."""
        self.is_open = True
        while self.waiting:
            self.let_through(0)


class Gated:
    """A store whose calls wait at a gate, before and after."""

    def __init__(self, inner: object, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    def submit(self, draft: Draft, done: Done) -> None:
        """Of a log: the call waits as the others do."""

        async def append() -> None:
            outcome: Outcome
            try:
                outcome = await self.__getattr__("append")(draft)
            except Exception as error:  # noqa: BLE001 - handed on
                outcome = error
            done(outcome)

        task = asyncio.get_running_loop().create_task(append())
        self._gate.submitted.add(task)
        task.add_done_callback(self._gate.submitted.discard)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not iscoroutinefunction(attribute):
            return attribute

        async def call(*arguments: Any, **keywords: Any) -> Any:
            await self._gate.passed()
            self._gate.running += 1
            try:
                return await attribute(*arguments, **keywords)
            finally:
                self._gate.running -= 1
                await self._gate.passed()

        return call


@dataclass(slots=True)
class FaultyLog:
    """A log whose next commit fails, or is done and not answered."""

    inner: ConversationLog
    fails_before: int = 0
    fails_after: int = 0

    async def append(self, draft: Draft) -> Appended:
        if self.fails_before:
            self.fails_before -= 1
            raise Unavailable
        appended = await self.inner.append(draft)
        if self.fails_after:
            self.fails_after -= 1
            raise Unavailable
        return appended

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class SlowLink(Link):
    """A link whose packets wait in both directions' order until they are delivered."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.packets: list[str] = []
        self.is_held = False

    def write(self, packet: str) -> None:
        self.packets.append(packet)
        if not self.is_held:
            self.deliver(len(self.packets))

    def deliver(self, count: int, *, shuffled: random.Random | None = None) -> None:
        """Let the first packets arrive; shuffled, some of them twice, and in any order."""
        arriving, self.packets = self.packets[:count], self.packets[count:]
        if shuffled is not None:
            pushes = [packet for packet in arriving if packet.startswith("2")]
            again = [packet for packet in pushes if shuffled.random() < 0.3]
            arriving += again
            shuffled.shuffle(arriving)
            arriving = list(dict.fromkeys(arriving)) if shuffled.random() < 0.5 else arriving
        acks: set[str] = set()
        for packet in arriving:
            if packet.startswith("3"):
                if packet in acks:
                    continue
                acks.add(packet)
            super().write(packet)


class SlowWire(InProcessWire):
    """An in-process wire whose links can be held."""

    def __init__(self, dispatcher: AnyDispatcher) -> None:
        super().__init__(dispatcher)
        self.is_held = False

    def redirect(self, dispatcher: AnyDispatcher) -> None:
        """From the next connection on, another server."""
        self.dispatcher = dispatcher

    def new_link(self, listener: Listener) -> Link:
        link = SlowLink(listener)
        link.is_held = self.is_held
        return link

    def hold(self, *, held: bool) -> None:
        """Let packets wait, or arrive at once."""
        self.is_held = held
        if isinstance(self.link, SlowLink):
            self.link.is_held = held
            if not held:
                self.link.deliver(len(self.link.packets))

    def deliver(self, count: int, *, shuffled: random.Random | None = None) -> None:
        """See `SlowLink.deliver`."""
        if isinstance(self.link, SlowLink):
            self.link.deliver(count, shuffled=shuffled)


class Server:
    """Every service and the dispatcher over some stores; the clock and the ids go on."""

    def __init__(self, stores: Stores, clock: ManualClock, ids: CountedIds, gate: Gate) -> None:
        self.gate = gate
        self.rooms = Rooms()
        self.faulty_log = FaultyLog(stores.log)
        self.told: list[Committed] = []
        delivery = Delivery(self.rooms)

        def follow(committed: Committed) -> None:
            self.told.append(committed)
            delivery(committed)

        limiter, hasher, tokens = MemoryRateLimiter(clock), PlainHasher(), PlainTokens()
        reads = FairQueue(clock)
        gated = cast("Any", lambda store: Gated(store, gate))
        users, conversations = gated(stores.users), gated(stores.conversations)
        reader = gated(stores.reader)
        known, blocks = (
            CachedConversations(conversations),
            CachedBlocks(gated(stores.blocks), clock),
        )
        log = CacheTellingLog(gated(self.faulty_log), known)
        log.follow(follow)
        limit = Limit("anything", OFTEN, 1)
        self.presence = Presence(users, conversations, self.rooms, clock, OFTEN)
        events = RecordingSecurityEvents()
        self.revocations = Revocations(
            stores.sessions, stores.users, self.rooms, clock, tokens.lifetime, events
        )
        self.sessions = Sessions(
            sessions=stores.sessions,
            users=users,
            revocations=self.revocations,
            connections=self.rooms,
            hasher=hasher,
            issuer=tokens,
            verifier=tokens,
            limiter=limiter,
            reads=reads,
            queue=FairQueue(clock, PASSWORDS_AT_ONCE),
            clock=clock,
            ids=ids,
            security_events=events,
            limits=LoginLimits(limit, limit, limit),
            lasting=FOR_EVER,
            per_user=1000,
        )
        self.accounts = Accounts(
            users=users,
            reads=reads,
            hasher=hasher,
            limiter=limiter,
            presence=self.presence,
            clock=clock,
            ids=ids,
            signups=SignupPolicy(limit),
            sessions=self.sessions,
            security_events=events,
            changes=limit,
        )
        self.messaging = Messaging(
            users=users,
            conversations=known,
            reader=reader,
            log=log,
            blocks=blocks,
            limiter=limiter,
            clock=clock,
            ids=ids,
            limits=MessageLimits(4096, limit),
        )
        self.conversations = Conversations(
            conversations=conversations,
            reader=reader,
            log=log,
            users=users,
            reads=reads,
            limiter=limiter,
            clock=clock,
            ids=ids,
            limits=GroupLimits(OFTEN, limit, limit, limit),
            opening=limit,
        )
        self.erasure = Erasure(
            users=users,
            conversations=conversations,
            log=log,
            blocks=blocks,
            stored_sessions=stores.sessions,
            sessions=self.sessions,
            presence=self.presence,
            notifier=self.rooms,
            clock=clock,
            security_events=events,
        )
        self.dispatcher = Dispatcher(
            sessions=self.sessions,
            handlers=handlers(
                synchronising=Synchronising(conversations, reader, reads),
                receipts=Receipts(known, gated(stores.receipts), self.rooms),
                typing=Typing(known, self.rooms, clock, limiter, limit),
            ),
            pipelined=pipelined(self.messaging),
            presence=self.presence,
            rooms=self.rooms,
            clock=clock,
            ids=ids,
            problems=ProblemReporter(ids, development=True),
            limits=SocketLimits(OFTEN, limit),
        )

    async def sign_up(self, username: str) -> UserId:
        """A new account."""
        user = await self.accounts.sign_up(NewAccount(username, PASSWORD), ADDRESS)
        return user.id


@dataclass(slots=True, eq=False)
class Device:
    """A device of a user, with a session of its own."""

    name: str
    user_id: UserId
    username: str
    session_id: SessionId
    token: str
    client: ChatClient
    wire: SlowWire
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def actor(self) -> Actor:
        """The user, by HTTP from this device."""
        return Actor(self.user_id, self.session_id)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that may be refused, or go unanswered."""

        async def attempt() -> None:
            with contextlib.suppress(ChatError, Disconnected, Refused):
                await work

        task = asyncio.get_running_loop().create_task(attempt())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def lose_connection(self) -> None:
        """The network breaks."""
        self.wire.lose()
        self.client.is_connected = False


async def new_device(server: Server, name: str, username: str, client_ids: CountedIds) -> Device:
    """Log in on a new device; it is not connected yet."""
    login = await server.sessions.log_in(username, PASSWORD, name, ADDRESS)
    wire = SlowWire(server.dispatcher)
    client = ChatClient(
        wire, client_ids=lambda: f"{name}-{client_ids.new_id()}", sleep=_until_the_next_start
    )
    return Device(name, login.user.id, username, login.session.id, login.access.text, client, wire)


def history_of(device: Device, conversation_id: str) -> list[Json]:
    """What the device shows: of each message its place, sender and content."""
    return device.client.state.conversations[conversation_id].history()


async def _until_the_next_start(_: float) -> None:
    """The machine moves no clock: what was refused for now is sent again after a reconnect."""
    raise Disconnected
