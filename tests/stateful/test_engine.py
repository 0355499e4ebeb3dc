"""The services over the stores of each backend, against a model that is a few lists.

Whatever users do in whatever order: places are 1 to n without holes, a repeat changes nothing and
notifies no one, notifications go to the members, lists and histories show what was said, and
someone is online while a connection of theirs lives.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from chat_core import (
    ClientMessageId,
    ConnectionId,
    Conversation,
    ConversationId,
    Message,
    MessageSent,
    NewAccount,
    Overview,
    PresenceChanged,
    Receipt,
    Recipient,
    ToConversation,
    ToUser,
    User,
    UserId,
)
from chat_core.bodies import Body
from chat_core.conversations import ActivityPlace, Standing
from chat_core.errors import (
    ClientIdConflict,
    Invalid,
    NotFound,
    TooManyConnections,
    UsernameTaken,
)
from chat_core.memory.notifications import Notification
from chat_core.ports.log import Appended
from chat_core.services.presence import PAUSE_SECONDS
from chat_core.users import fold
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor, engine
from tests.support.searches import shorter_over_a_network
from tests.support.stores import Stores, memory_stores, mongo_stores, sqlite_stores

Result = TypeVar("Result")
Pair = frozenset[UserId]

CONNECTIONS_PER_USER = 2
NOWHERE = ConversationId("nowhere")

names = st.sampled_from(["ann", "BOB", "joe", "Mia"])
devices = st.sampled_from(["phone", "laptop", "tablet"])
contents = st.sampled_from(["hello", "Hello", "hello ", "\U0001f600", "%_'\"\\", "x" * 4096])
client_ids = st.sampled_from(["c1", "C1", "c1 ", "c2", "c3", "c4"])
seconds = st.sampled_from([0, 0, 0.001, 60])
places = st.none() | st.integers(0, 12) | st.just(2**63 - 1)
limits = st.integers(1, 5) | st.just(200)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that was live once."""

    user: User
    id: ConnectionId


@dataclass(frozen=True, slots=True)
class Said:
    """A message that was sent, and by whom."""

    sender: User
    recipient: User
    message: Message


@dataclass(slots=True)
class Talk:
    """What two users said to each other."""

    conversation: Conversation
    messages: list[Message] = field(default_factory=list)
    read: dict[UserId, int] = field(default_factory=dict)

    def seen_by(self, user_id: UserId) -> Overview:
        """The conversation as that user sees it."""
        read = self.read.get(user_id, 0)
        return Overview.of(
            self.conversation,
            user_id,
            standing=Standing(
                first_seq=1,
                last_seq=len(self.messages),
                read_seq=read,
                unread_count=sum(message.sender_id != user_id for message in self.messages[read:]),
                receipts=tuple(
                    Receipt(member, self.read.get(member, 0), self.read.get(member, 0))
                    for member in sorted(self.conversation.members)
                ),
            ),
            last_message=self.messages[-1],
            active_at=self.messages[-1].created_at,
        )


class Chat(RuleBasedStateMachine):
    """Users who sign up, come and go, write and read, over `open_stores`."""

    people = Bundle("people")
    connections = Bundle("connections")
    said = Bundle("said")
    named = Bundle("named")
    """Messages that were said with a client id."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.chat: Engine = engine(
            self.run(self.opened.enter_async_context(self.open_stores())),
            connections_per_user=CONNECTIONS_PER_USER,
        )
        self.users: dict[str, User] = {}
        self.live: set[Connected] = set()
        self.announced: set[UserId] = set()
        self.talks: dict[Pair, Talk] = {}
        self.by_client_id: dict[tuple[UserId, str], tuple[Pair, Message]] = {}
        self.notified: list[Notification] = []

    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        """Empty stores: a backend's subclass opens its own."""
        raise NotImplementedError

    def run(self, work: Coroutine[None, None, Result]) -> Result:
        """Run it to its end."""
        return self.loop.run(work)

    def teardown(self) -> None:
        try:
            for user in self.users.values():
                self.list_conversations(user, 200)
            for pair, talk in self.talks.items():
                self.read_history(min(pair), talk, None, 0, 200)
        finally:
            self.run(self.opened.aclose())
            self.loop.close()

    # users and their connections

    @initialize(target=people)
    def three_sign_up(self) -> object:
        return multiple(*(self.sign_up(name) for name in ("ann", "bob", "eve")))

    @rule(target=people, name=names)
    def sign_up(self, name: str) -> object:
        taken = fold(name) in self.users
        try:
            user = self.run(self.chat.accounts.sign_up(NewAccount(name, PASSWORD), ADDRESS))
        except UsernameTaken:
            assert taken
            return multiple()
        assert not taken
        assert user.username == name
        self.users[fold(name)] = user
        return user

    @rule(target=connections, user=people, device=devices)
    def connect(self, user: User, device: str) -> object:
        login = self.run(
            self.chat.sessions.log_in(str(user.username).upper(), PASSWORD, device, ADDRESS)
        )
        claims = self.chat.sessions.verify(login.access.text)
        assert (claims.user_id, claims.session_id) == (user.id, login.session.id)

        connected = Connected(user, ConnectionId(f"{user.id} {device}"))
        would_be = {*self.of(user), connected}
        if len(would_be) > CONNECTIONS_PER_USER:
            with pytest.raises(TooManyConnections):
                self.chat.presence.connected(user.id, connected.id)
            return multiple()
        assert self.chat.presence.connected(user.id, connected.id) == len(would_be)
        self.live.add(connected)
        return connected

    @rule(connected=connections)
    def disconnect(self, connected: Connected) -> None:
        self.chat.presence.disconnected(connected.user.id, connected.id)
        self.live.discard(connected)

    @rule(connected=consumes(connections))
    def disconnect_for_good(self, connected: Connected) -> None:
        self.disconnect(connected)

    @precondition(lambda self: self.online() or self.announced)
    @rule(after=seconds)
    def announce(self, after: float) -> None:
        self.chat.clock.advance(PAUSE_SECONDS + after)
        before = len(self.notified)
        self.run(self.chat.presence.announce())

        told = self.chat.notifier.notifications[before:]
        online = self.online()
        changes = [
            (each.event.user_id, each.event.online, each.audience, each.cause)
            for each in told
            if isinstance(each.event, PresenceChanged)
        ]
        assert len(changes) == len(told)
        assert set(changes) == {
            (user_id, user_id in online, self.peers(user_id), None)
            for user_id in online ^ self.announced
        }
        assert len(changes) == len(set(changes))
        self.announced = online
        self.notified += told

    # messages

    @rule(
        target=said,
        sender=people,
        recipient=people,
        content=contents,
        device=st.none() | devices,
        after=seconds,
    )
    def send(
        self, *, sender: User, recipient: User, content: str, device: str | None, after: float
    ) -> object:
        if sender == recipient:
            sending = self.chat.messaging.send(
                actor(sender), ToUser(sender.id), Body(content), None
            )
            self.refused(sending, Invalid)
            return multiple()
        self.chat.clock.advance(after)
        return self.stored(sender, recipient, content, None, device, ToUser(recipient.id))

    @rule(
        target=named,
        sender=people,
        recipient=people,
        content=contents,
        client_id=client_ids,
        device=st.none() | devices,
        by_conversation=st.booleans(),
    )
    def send_with_a_client_id(
        self,
        *,
        sender: User,
        recipient: User,
        content: str,
        client_id: str,
        device: str | None,
        by_conversation: bool,
    ) -> object:
        if sender == recipient:
            return multiple()
        pair = frozenset((sender.id, recipient.id))
        to: Recipient = ToUser(recipient.id)
        if by_conversation:
            talk = self.talks.get(pair)
            to = ToConversation(talk.conversation.id if talk else NOWHERE)
        sending = partial(self.chat.messaging.send, actor(sender), to, Body(content), client_id)
        if by_conversation and talk is None:
            self.refused(sending(), NotFound)
            return multiple()
        known = self.by_client_id.get((sender.id, client_id))
        if known is None:
            return self.stored(sender, recipient, content, client_id, device, to)
        if (known[0], known[1].text) == (pair, content):
            assert self.run(sending()) == Appended(MessageSent(known[1]), duplicate=True)
        else:
            self.refused(sending(), ClientIdConflict)
        return multiple()

    @rule(said=named, by_conversation=st.booleans(), device=st.none() | devices, after=seconds)
    def repeat(
        self, *, said: Said, by_conversation: bool, device: str | None, after: float
    ) -> None:
        self.chat.clock.advance(after)
        message = said.message
        to: Recipient = ToUser(said.recipient.id)
        if by_conversation:
            to = ToConversation(message.conversation_id)
        sending = self.chat.messaging.send(
            actor(said.sender, device), to, Body(str(message.text)), message.client_message_id
        )
        assert self.run(sending) == Appended(MessageSent(message), duplicate=True)

    @rule(said=named, other=people, new_content=st.none() | contents)
    def use_a_client_id_for_something_else(
        self, *, said: Said, other: User, new_content: str | None
    ) -> None:
        message = said.message
        content = new_content or str(message.text)
        if other == said.sender or (other, content) == (said.recipient, message.text):
            return
        sending = self.chat.messaging.send(
            actor(said.sender), ToUser(other.id), Body(content), message.client_message_id
        )
        self.refused(sending, ClientIdConflict)

    @rule(
        sends=st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 3), contents), min_size=2, max_size=8
        )
    )
    def send_at_once(self, sends: list[tuple[int, int, str]]) -> None:
        users = list(self.users.values())
        if len(users) < 2:
            return
        chosen = [
            (users[sender % len(users)], users[(sender + step) % len(users)], content)
            for sender, step, content in sends
            if step % len(users)
        ]

        async def send_all() -> list[Appended]:
            return await asyncio.gather(
                *(
                    self.chat.messaging.send(
                        actor(sender), ToUser(recipient.id), Body(content), None
                    )
                    for sender, recipient, content in chosen
                )
            )

        results = list(zip(chosen, self.run(send_all()), strict=True))
        for (sender, recipient, content), appended in sorted(
            results, key=lambda result: result[1].message.seq
        ):
            self.took_place(sender, recipient, content, None, appended)
        # No order across conversations is promised.
        told = self.chat.notifier.notifications[len(self.notified) :]
        for pair in {frozenset((sender.id, recipient.id)) for sender, recipient, _ in chosen}:
            assert [
                each.event.message
                for each in told
                if isinstance(each.event, MessageSent)
                and (each.audience, each.cause) == (pair, None)
            ] == [
                message
                for message in self.talks[pair].messages
                if message in [appended.message for _, appended in results]
            ]
        assert len(told) == len(chosen)
        self.notified += told

    @rule(said=said | named, stranger=people)
    def send_to_a_conversation_of_others(self, said: Said, stranger: User) -> None:
        if stranger in {said.sender, said.recipient}:
            return
        to = ToConversation(said.message.conversation_id)
        self.refused(self.chat.messaging.send(actor(stranger), to, Body("psst"), None), NotFound)
        self.refused(
            self.chat.conversations.history(
                stranger.id, to.conversation_id, before=None, after=None, limit=1
            ),
            NotFound,
        )

    # reading

    @rule(user=people, limit=limits)
    def list_conversations(self, user: User, limit: int) -> None:
        listed: list[Overview] = []
        place: ActivityPlace | None = None
        while True:
            page = self.run(self.chat.conversations.list(user.id, after=place, limit=limit))
            listed += page.items
            place = page.next
            if place is None:
                break
            assert len(page.items) == limit
            assert len(listed) <= len(self.talks)

        times = [each.active_at for each in listed]
        assert times == sorted(times, reverse=True)
        by_id = {each.id: each for each in listed}
        assert len(by_id) == len(listed)
        assert by_id == {
            talk.conversation.id: talk.seen_by(user.id)
            for pair, talk in self.talks.items()
            if user.id in pair
        }

    @rule(said=said | named, by_sender=st.booleans(), before=places, after=places, limit=limits)
    def read(
        self, *, said: Said, by_sender: bool, before: int | None, after: int | None, limit: int
    ) -> None:
        reader = said.sender if by_sender else said.recipient
        talk = self.talks[frozenset((said.sender.id, said.recipient.id))]
        self.read_history(reader.id, talk, before, after, limit)

    def read_history(
        self, reader: UserId, talk: Talk, before: int | None, after: int | None, limit: int
    ) -> None:
        reading = self.chat.conversations.history(
            reader, talk.conversation.id, before=before, after=after, limit=limit
        )
        if before is not None and after is not None:
            self.refused(reading, Invalid)
            return
        history = self.run(reading)
        if after is not None:
            later = talk.messages[after:]
            assert (list(history.items), history.has_more) == (later[:limit], len(later) > limit)
        else:
            earlier = talk.messages if before is None else talk.messages[: max(before - 1, 0)]
            assert (list(history.items), history.has_more) == (
                earlier[-limit:],
                len(earlier) > limit,
            )

    # what always holds

    @invariant()
    def someone_is_online_while_a_connection_of_theirs_lives(self) -> None:
        for user in self.users.values():
            presence = self.chat.presence.of(user)
            devices_here = len(self.of(user))
            assert (presence.online, presence.devices) == (devices_here > 0, devices_here)

    @invariant()
    def notifications_are_those_of_new_messages_and_of_changes(self) -> None:
        assert self.chat.notifier.notifications == self.notified

    @invariant()
    def places_are_1_to_n_without_holes(self) -> None:
        for talk in self.talks.values():
            seqs = [message.seq for message in talk.messages]
            assert seqs == list(range(1, len(seqs) + 1))

    # the model

    def of(self, user: User) -> set[Connected]:
        return {connected for connected in self.live if connected.user.id == user.id}

    def peers(self, user_id: UserId) -> frozenset[UserId]:
        return frozenset().union(*(pair for pair in self.talks if user_id in pair)) - {user_id}

    def refused(self, work: Coroutine[None, None, object], error: type[Exception]) -> None:
        with pytest.raises(error) as caught:
            self.run(work)
        assert caught.type is error

    def online(self) -> set[UserId]:
        return {connected.user.id for connected in self.live}

    def stored(
        self,
        sender: User,
        recipient: User,
        content: str,
        client_id: str | None,
        device: str | None,
        to: Recipient,
    ) -> Said:
        cause = None if device is None else ConnectionId(f"{sender.id} {device}")
        appended = self.run(
            self.chat.messaging.send(actor(sender, cause), to, Body(content), client_id)
        )
        self.took_place(sender, recipient, content, client_id, appended)
        audience = frozenset((sender.id, recipient.id))
        self.notified.append(Notification(MessageSent(appended.message), audience, cause))
        return Said(sender, recipient, appended.message)

    def took_place(
        self,
        sender: User,
        recipient: User,
        content: str,
        client_id: str | None,
        appended: Appended,
    ) -> None:
        pair, now = frozenset((sender.id, recipient.id)), self.chat.clock.now()
        message = appended.message
        talk = self.talks.get(pair)
        if talk is None:
            talk = self.talks[pair] = Talk(
                Conversation.direct(message.conversation_id, sender.id, recipient.id, now)
            )
        seq = len(talk.messages) + 1
        assert message.id not in {
            each.id for other in self.talks.values() for each in other.messages
        }
        assert appended == Appended(
            MessageSent(
                Message(
                    id=message.id,
                    conversation_id=talk.conversation.id,
                    seq=seq,
                    updated_seq=seq,
                    sender_id=sender.id,
                    recipient_id=recipient.id,
                    body=Body(content),
                    client_message_id=None if client_id is None else ClientMessageId(client_id),
                    created_at=now,
                )
            ),
            duplicate=False,
        )
        talk.messages.append(message)
        talk.read[sender.id] = seq
        if client_id is not None:
            self.by_client_id[sender.id, client_id] = pair, message


class ChatOverMemory(Chat):
    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        return memory_stores()


class ChatOverSqlite(Chat):
    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        return sqlite_stores()


class ChatOverMongo(Chat):
    def open_stores(self) -> AbstractAsyncContextManager[Stores]:
        return mongo_stores()


TestChatOverMemory = ChatOverMemory.TestCase
TestChatOverSqlite = ChatOverSqlite.TestCase
TestChatOverMongo = ChatOverMongo.TestCase
TestChatOverMongo.settings = shorter_over_a_network()
