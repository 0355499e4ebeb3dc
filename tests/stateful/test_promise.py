"""The delivery promise, against everything that can go wrong in between.

A machine of users and devices over real services, dispatcher and client; the only things that are
not real are the network and the time. Its invariant: every device that has synced shows exactly
the history. A failure prints the steps that reproduce it.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from chat_core.bodies import Body
from chat_core.conversations import MemberAdded, Role, RoleChanged
from chat_core.events import ChangeKind, ConversationUpdated, MessageSent
from chat_core.ids import ConversationId, MessageId, SessionId, UserId
from chat_core.messages import ToConversation
from chat_core.services.conversations import NewGroup
from chat_core.sessions import Actor
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from chat_wire import shapes
from tests.support.searches import shorter_over_a_network
from tests.support.simulation import Device, Gate, Server, new_device
from tests.support.stores import Stores, memory_stores, mongo_stores, sqlite_stores

T = TypeVar("T")
EVERYTHING = 10**9
TURNS = 40
"""Of the event loop, until every task waits: no chain of wake-ups here is that long."""

contents = st.text("abc", min_size=1, max_size=3)
numbers = st.integers(min_value=0, max_value=50)


class Promise(RuleBasedStateMachine):
    """Devices that write, edit, come and go, over a network and stores that misbehave."""

    devices = Bundle("devices")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.clock, self.ids, self.client_ids = ManualClock(), CountedIds(), CountedIds()
        self.gate = Gate()
        try:
            self.stores: Stores = self.run(self.opened.enter_async_context(self.open_stores()))
        except BaseException:
            self.runner.close()  # else the tests after this one hear of it
            raise
        self.server = Server(self.stores, self.clock, self.ids, self.gate)
        self.users: list[tuple[str, UserId]] = []
        self.machines: list[Device] = []
        self.groups: list[ConversationId] = []
        self.others: set[asyncio.Task[None]] = set()

    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        """Empty stores: a backend's subclass opens its own."""
        raise NotImplementedError

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return self.runner.run(work)

    async def turn(self) -> None:
        """Let every task go on until it waits for a step of this machine."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
            while self.gate.running:  # noqa: ASYNC110 - a thread ends it
                await asyncio.sleep(0)

    def settle(self) -> None:
        self.run(self.turn())

    def step(self, action: Callable[[], object]) -> None:
        """Do something inside the event loop, and see how far everyone gets."""

        async def act() -> None:
            action()
            await self.turn()

        self.run(act())

    def begin(self, device: Device, work: Coroutine[Any, Any, object]) -> None:
        """Start something on a device, and see how far it gets."""

        async def spawn() -> None:
            device.spawn(work)
            await self.turn()

        self.run(spawn())

    # the cast

    @initialize()
    def three_users(self) -> None:
        for name in ("ann", "bob", "cyd"):
            self.users.append((name, self.run(self.server.sign_up(name))))

    @rule(target=devices, who=numbers)
    def log_in(self, who: int) -> Device:
        username, _ = self.users[who % len(self.users)]
        name = f"device{len(self.machines)}"
        opened, self.gate.is_open = self.gate.is_open, True
        device = self.run(new_device(self.server, name, username, self.client_ids))
        self.gate.is_open = opened
        self.machines.append(device)
        self.connect(device)
        return device

    # the network

    @rule(device=devices)
    def connect(self, device: Device) -> None:
        device.wire.redirect(self.server.dispatcher)
        device.client.is_connected = False
        self.begin(device, device.client.start(device.token))

    @rule(device=devices)
    def lose_connection(self, device: Device) -> None:
        self.step(device.lose_connection)

    @rule(device=devices, held=st.booleans())
    def hold_packets(self, device: Device, held: bool) -> None:  # noqa: FBT001
        self.step(lambda: device.wire.hold(held=held))

    @rule(device=devices, count=st.integers(1, 5), seed=st.integers(0, 99))
    def deliver_out_of_order(self, device: Device, count: int, seed: int) -> None:
        self.step(lambda: device.wire.deliver(count, shuffled=random.Random(seed)))  # noqa: S311

    @rule(device=devices, count=st.integers(1, 5))
    def deliver(self, device: Device, count: int) -> None:
        self.step(lambda: device.wire.deliver(count))

    # what people do

    @rule(device=devices, who=numbers, content=contents)
    def write_to_user(self, device: Device, who: int, content: str) -> None:
        _, recipient = self.users[who % len(self.users)]
        self.begin(device, device.client.send(content, recipient_id=recipient))

    @rule(device=devices, which=numbers, content=contents)
    def write_to_group(self, device: Device, which: int, content: str) -> None:
        if self.groups:
            group = self.groups[which % len(self.groups)]
            self.begin(device, device.client.send(content, conversation_id=group))

    @rule(device=devices, which=numbers, content=st.none() | contents)
    def edit_or_delete(self, device: Device, which: int, content: str | None) -> None:
        known = [
            message["id"]
            for state in device.client.state.conversations.values()
            for message in state.messages.values()
        ]
        if known:
            message_id = MessageId(known[which % len(known)])
            messaging, actor = self.server.messaging, device.actor
            if content is None:
                self.begin(device, messaging.delete(actor, message_id))
            else:
                self.begin(device, messaging.edit(actor, message_id, content))

    @rule(device=devices, members=st.sets(numbers, max_size=3))
    def make_group(self, device: Device, members: set[int]) -> None:
        ids = [self.users[member % len(self.users)][1] for member in sorted(members)]

        async def make() -> None:
            group = NewGroup("team", ids)
            opened = await self.server.conversations.create_group(device.actor, group)
            self.groups.append(opened.overview.id)

        self.begin(device, make())

    @rule(device=devices, which=numbers, who=numbers, what=st.integers(0, 4))
    def change_group(self, device: Device, which: int, who: int, what: int) -> None:
        if not self.groups:
            return
        group = self.groups[which % len(self.groups)]
        user = self.users[who % len(self.users)][1]
        service, actor = self.server.conversations, device.actor
        actions: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: service.add_member(actor, group, MemberAdded(user, Role.MEMBER)),
            lambda: service.remove_member(actor, group, user),
            lambda: service.remove_member(actor, group, device.user_id),
            lambda: service.change_role(actor, group, RoleChanged(user, Role.ADMIN)),
            lambda: service.change_title(actor, group, f"title {who}"),
        ]
        self.begin(device, actions[what]())

    @rule(device=devices, which=numbers, content=contents, order=st.lists(numbers, max_size=12))
    def remove_someone_who_writes(
        self, device: Device, which: int, content: str, order: list[int]
    ) -> None:
        """Both at once, and their calls of the stores overlap in any order."""
        if not self.groups or not device.client.is_connected:
            return
        self.step(self.gate.open)
        group = self.groups[which % len(self.groups)]
        stored = self.run(self.stores.conversations.get(group))
        members = stored.members if stored else {}
        owners = [user for user, member in members.items() if member.role is Role.OWNER]
        if device.user_id not in members or owners in ([], [device.user_id]):
            return
        owner = next(each for each in owners if each != device.user_id)
        self.gate.is_open = False
        self.begin(device, device.client.send(content, conversation_id=group))
        removal = self.server.conversations.remove_member(
            Actor(owner, SessionId("elsewhere")), group, device.user_id
        )
        self.begin(device, removal)
        for index in order:
            self.let_one_call_through(index)
        self.step(self.gate.open)

    @rule(which=numbers, kept=st.integers(0, 3))
    def old_entries_expire(self, which: int, kept: int) -> None:
        """By another process: whatever this one has read or begun, it was told nothing."""
        known = sorted({each for device in self.machines for each in device.client.state.seqs()})
        if known:
            conversation_id = ConversationId(known[which % len(known)])
            self.run(self.expire(conversation_id, kept))

    @rule(
        device=devices, which=numbers, kept=st.integers(0, 2), said=st.lists(contents, max_size=4)
    )
    def entries_expire_that_a_device_lacks(
        self, device: Device, which: int, kept: int, said: list[str]
    ) -> None:
        """It is away, and so are they when it is back."""
        known = sorted(device.client.state.seqs())
        if not known:
            return
        self.step(device.lose_connection)
        self.step(self.gate.open)
        conversation_id = ConversationId(known[which % len(known)])
        stored = self.run(self.stores.conversations.get(conversation_id))
        for member in stored.members if stored else ():
            elsewhere = Actor(member, SessionId("elsewhere"))
            for content in said:
                to = ToConversation(conversation_id)
                client_id = f"elsewhere {self.client_ids.new_id()}"
                self.begin(
                    device, self.server.messaging.send(elsewhere, to, Body(content), client_id)
                )
        self.run(self.expire(conversation_id, kept))

    # what goes wrong

    @rule()
    def let_calls_wait(self) -> None:
        self.gate.is_open = False

    @rule(index=numbers)
    def let_one_call_through(self, index: int) -> None:
        self.step(lambda: self.gate.let_through(index))

    @rule()
    def let_all_calls_through(self) -> None:
        self.step(self.gate.open)

    @rule(before=st.booleans())
    def next_commit_fails(self, before: bool) -> None:  # noqa: FBT001
        if before:
            self.server.faulty_log.fails_before = 1
        else:
            self.server.faulty_log.fails_after = 1

    @rule()
    def restart_server(self) -> None:
        for device in self.machines:
            self.step(device.lose_connection)
        self.step(self.gate.open)
        self.server = Server(self.stores, self.clock, self.ids, self.gate)
        self.run(self.server.revocations.load())

    @rule(device=consumes(devices))
    def end_session(self, device: Device) -> None:
        """From another device, say: it is told why, and stays out."""
        self.machines.remove(device)
        connected = device.client.is_connected and not device.wire.is_held
        self.run(self.server.revocations.end({device.session_id: device.user_id}))
        self.settle()
        if connected:
            assert device.client.ended_with is not None
            assert device.client.ended_with["code"] == "session_revoked"
        assert device.session_id not in self.server.rooms.online([device.session_id])
        self.step(device.lose_connection)
        self.connect(device)
        self.step(self.gate.open)
        assert not device.client.is_connected

    # what holds

    @rule(device=devices)
    def a_device_that_has_synced_shows_exactly_the_history(self, device: Device) -> None:
        self.heal(device)
        self.run(self.compare(device))

    @invariant()
    def online_is_who_has_a_live_connection(self) -> None:
        online = set(self.server.presence.tracker.online())
        live = {
            device.user_id
            for device in self.machines
            if self.server.rooms.online([device.session_id])
        }
        assert online == live

    @invariant()
    def pushes_leave_in_order_without_holes(self) -> None:
        places: dict[str, int] = {}
        for committed in self.server.told:
            event = committed.event
            before = places.get(event.conversation_id, event.seq - 1)
            assert event.seq == before + 1
            places[event.conversation_id] = event.seq

    def heal(self, device: Device) -> None:
        """Nothing goes wrong any more, and the device connects once more."""
        self.gate.open()
        self.server.faulty_log.fails_before = self.server.faulty_log.fails_after = 0
        self.step(lambda: device.wire.hold(held=False))
        self.step(device.lose_connection)
        self.connect(device)
        self.settle()
        assert device.client.is_connected
        self.run(device.client.caught_up())

    async def expire(self, conversation_id: ConversationId, kept: int) -> None:
        """Take all but the last entries of a log."""
        stored = await self.stores.conversations.get(conversation_id)
        for member in stored.members if stored else ():
            standing = await self.stores.reader.standing(member, conversation_id)
            assert standing is not None
            fronts = {conversation_id: standing.last_seq + 1 - kept}
            await self.stores.retention.expire(fronts, self.clock.now())

    async def compare(self, device: Device) -> None:
        """The device against the store, conversation by conversation."""
        state, viewer = device.client.state, device.user_id
        page = await self.stores.conversations.latest(viewer, after=None, limit=EVERYTHING)
        listed = [place.conversation_id for place in page.items]
        assert device.client.outbox == []
        for overview in await self.stores.conversations.overviews(viewer, listed):
            shown = state.conversations[overview.id]
            assert shown.seq == overview.standing.last_seq
            history = await self.stores.reader.history(
                overview.id, before=None, after=shown.base, limit=EVERYTHING
            )
            stored = [as_json(shapes.Message.of(each, viewer)) for each in history.items]
            # What expired after it was shown stays there: retention is the server's.
            first_seq = overview.standing.first_seq
            assert [each for each in shown.history() if each["seq"] >= first_seq] == stored
            if shown.base == 0 and overview.title is not None:
                assert shown.title == overview.title
                roles = {each.user_id: each.role.value for each in overview.members}
                assert shown.members == roles

    async def audit(self) -> None:
        """What is stored is a log: no place is missing, no client id twice, no outsider speaks."""
        conversations = {
            ConversationId(conversation_id)
            for device in self.machines
            for conversation_id in device.client.state.conversations
        }
        for conversation_id in conversations:
            entries = list(
                await self.stores.reader.entries(
                    conversation_id, after=0, until=EVERYTHING, limit=EVERYTHING
                )
            )
            first_seq = entries[0].seq if entries else 1
            places = list(range(first_seq, first_seq + len(entries)))
            assert [entry.seq for entry in entries] == places
            sent = [entry.message for entry in entries if isinstance(entry, MessageSent)]
            client_ids = [(each.sender_id, each.client_message_id) for each in sent]
            assert len(client_ids) == len(set(client_ids))
            if first_seq == 1 and isinstance(entries[0] if entries else None, ConversationUpdated):
                assert_only_members_speak(entries)

    def teardown(self) -> None:
        try:
            for device in self.machines:
                self.heal(device)
                self.run(self.compare(device))
            self.run(self.audit())
        finally:
            self.gate.open()
            self.settle()
            self.run(self.opened.aclose())
            self.runner.close()


def as_json(message: shapes.Message) -> dict[str, object]:
    return {
        name: getattr(message, field)
        for field, name in zip(
            message.__struct_fields__, message.__struct_encode_fields__, strict=True
        )
    }


def assert_only_members_speak(entries: list[Any]) -> None:
    members: set[str] = set()
    for entry in entries:
        if isinstance(entry, ConversationUpdated):
            match entry.change:
                case ChangeKind.CREATED:
                    members = {member.user_id for member in entry.members or ()}
                case ChangeKind.MEMBER_ADDED:
                    members.add(str(entry.user_id))
                case ChangeKind.MEMBER_REMOVED:
                    members.discard(str(entry.user_id))
        elif isinstance(entry, MessageSent):
            assert entry.message.sender_id in members


class PromiseOverMemory(Promise):
    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        return memory_stores()


class PromiseOverSqlite(Promise):
    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        return sqlite_stores()


class PromiseOverMongo(Promise):
    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        return mongo_stores()


TestPromiseOverMemory = PromiseOverMemory.TestCase
TestPromiseOverSqlite = PromiseOverSqlite.TestCase
TestPromiseOverMongo = PromiseOverMongo.TestCase
TestPromiseOverMongo.settings = shorter_over_a_network()
