# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `LogStore`."""

import time
from dataclasses import replace

import pytest

from chat_core.bodies import Body
from chat_core.conversations import (
    Conversation,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Role,
    TitleChanged,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent, MessageUpdated
from chat_core.ids import ClientConversationId, ClientMessageId
from chat_core.log.drafts import repeat_of_message
from chat_core.log.writes import creation_write, opening_write, write_after
from chat_core.messages import Message
from chat_core.ports.log import Appended, Draft
from chat_core.ports.log_store import Head, LogStore, RevisionWrite, Verdict, Write
from chat_core.ports.storage import ConversationStore, LogReader, ReceiptStore, UserStore
from chat_core.testing.makers import (
    at,
    change,
    creation,
    direct,
    draft,
    group,
    revision,
    stored_users,
)
from chat_core.users import User

STORED, MOVED, CHANGED, TAKEN = Verdict.STORED, Verdict.MOVED, Verdict.CHANGED, Verdict.TAKEN


class LogStoreContract:
    """Tests that every `LogStore` must pass. `ConversationLogContract` tests the log above it.

    Subclass it, and give it the fixtures `log_store`, `conversations`, `reader`, `receipts` and
    `users`: a `LogStore`, a `ConversationStore`, a `LogReader`, a `ReceiptStore` and a `UserStore`
    of the same backend.
    """

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.fixture
    async def friends(self, log_store: LogStore, people: list[User]) -> Conversation:
        """Store a group that Ann owns, with Bob and Eve."""
        made = group(*people)
        assert await self.commit(log_store, creation_write(creation(made, people[0]))) == [STORED]
        return made

    @pytest.fixture
    async def between(self, log_store: LogStore, people: list[User]) -> Conversation:
        """Store a conversation of Ann and Bob, with a message from Ann."""
        made = direct(people[0], people[1])
        first = opening_write(draft(made, people[0], "first", client_id="first"))
        assert await self.commit(log_store, first) == [STORED]
        return made

    async def commit(self, log_store: LogStore, *writes: Write) -> list[Verdict | Exception]:
        """Commit writes together, and return the verdict on each."""
        return list((await log_store.commit(writes)).each)

    async def store(self, log_store: LogStore, *drafts: Draft) -> list[Write]:
        """Store drafts, one after the other, each at the end of its log."""
        writes = []
        for each in drafts:
            writes.append(await self.next_write(log_store, each))
            assert await self.commit(log_store, writes[-1]) == [STORED]
        return writes

    async def next_write(self, log_store: LogStore, wanted: Draft) -> Write:
        """Return the write of a draft at the end of its log."""
        (head,) = await log_store.heads([wanted.conversation])
        assert head is not None
        return write_after(wanted, head.conversation, head.last_seq)

    async def said(self, reader: LogReader, of: Conversation) -> list[tuple[int, str | None]]:
        """Return the messages of a conversation, each as its place and text."""
        history = await reader.history(of.id, before=None, after=0, limit=200)
        return [(message.seq, message.text) for message in history.items]

    # heads

    async def test_a_head_is_the_conversation_and_its_last_seq_as_stored(
        self, log_store: LogStore, people: list[User], friends: Conversation
    ) -> None:
        ann = people[0]
        assert await log_store.heads([friends]) == [Head(friends, 1)]
        await self.store(log_store, draft(friends, ann), change(friends, TitleChanged("New"), ann))

        renamed = friends.changed(TitleChanged("New"), 3, at(0))
        assert await log_store.heads([friends]) == [Head(renamed, 3)]

    async def test_heads_come_in_the_order_asked_for_and_none_for_what_is_not_stored(
        self,
        log_store: LogStore,
        people: list[User],
        friends: Conversation,
        between: Conversation,
    ) -> None:
        ann, bob, eve = people
        wanted = [direct(bob, ann), group(ann, bob), friends, direct(ann, eve), between]
        heads = await log_store.heads(wanted)

        assert [head and head.conversation.id for head in heads] == [
            between.id,
            None,
            friends.id,
            None,
            between.id,
        ]
        assert await log_store.heads([]) == []

    # commit

    async def test_writes_are_stored_in_their_order_and_each_changes_what_it_is_about(
        self,
        log_store: LogStore,
        conversations: ConversationStore,
        reader: LogReader,
        users: UserStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, eve = people
        (joe,) = await stored_users(users, "joe")
        said = draft(friends, bob, "one")
        first = write_after(said, friends, 1)
        renamed = write_after(change(friends, TitleChanged("New"), ann), friends, 2)
        now = friends.changed(TitleChanged("New"), 3, at(0))
        second = write_after(draft(now, ann, "two"), now, 3)
        edited = write_after(revision(now, said.stored(friends.id, 2), "One"), now, 4)
        assert isinstance(edited, RevisionWrite)
        added = write_after(change(now, MemberAdded(joe.id, Role.ADMIN), ann), now, 5)
        now = now.changed(MemberAdded(joe.id, Role.ADMIN), 6, at(0))
        removed = write_after(change(now, MemberRemoved(eve.id), ann), now, 6)
        now = now.changed(MemberRemoved(eve.id), 7, at(0))
        writes = [first, renamed, second, edited, added, removed]

        began = time.monotonic()
        verdicts = await log_store.commit(writes)
        assert list(verdicts.each) == [STORED] * 6
        assert began <= verdicts.at <= time.monotonic()
        assert await conversations.get(friends.id) == now
        assert await self.said(reader, friends) == [(2, "One"), (4, "two")]
        entries = list(await reader.entries(friends.id, after=1, until=9, limit=9))
        assert entries[1:] == [write.event for write in writes[1:]]
        assert entries[0] == MessageSent(edited.event.message)

    async def test_the_senders_receipt_moves_to_a_message_and_no_other_does(
        self,
        log_store: LogStore,
        receipts: ReceiptStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        await self.store(log_store, draft(friends, ann), draft(friends, bob))

        for user, place in ((ann, 2), (bob, 3)):
            receipt, moved = await receipts.move(friends.id, user.id, delivered=0, read=0)
            assert (receipt.delivered_seq, receipt.read_seq, moved) == (place, place, False)

    async def test_a_write_whose_place_is_taken_is_moved_and_not_stored(
        self,
        log_store: LogStore,
        reader: LogReader,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        said = draft(friends, bob, "one")
        await self.store(log_store, said, change(friends, TitleChanged("New"), ann))
        before = said.stored(friends.id, 2)
        for last_seq in (0, 1, 2):
            for wanted in (
                draft(friends, ann, "moved", client_id="c1"),
                change(friends, TitleChanged("moved"), ann),
                revision(friends, before, "moved"),
            ):
                write = write_after(wanted, friends, last_seq)
                assert await self.commit(log_store, write) == [MOVED]

        renamed = friends.changed(TitleChanged("New"), 3, at(0))
        assert await log_store.heads([friends]) == [Head(renamed, 3)]
        assert await self.said(reader, friends) == [(2, "one")]
        await self.store(log_store, draft(renamed, ann, client_id="c1"))

    async def test_after_one_that_is_not_stored_all_of_that_log_are_moved(
        self,
        log_store: LogStore,
        reader: LogReader,
        people: list[User],
        friends: Conversation,
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        verdicts = await self.commit(
            log_store,
            write_after(draft(friends, bob, "one"), friends, 1),
            write_after(draft(friends, bob, "moved"), friends, 0),
            write_after(draft(between, ann, "elsewhere"), between, 1),
            write_after(draft(friends, bob, "it would fit"), friends, 2),
            write_after(change(friends, TitleChanged("so would this"), ann), friends, 2),
            write_after(draft(between, bob, "there, too"), between, 2),
        )

        elsewhere = [verdicts.pop(5), verdicts.pop(2)]
        assert verdicts == [STORED, MOVED, MOVED, MOVED]
        assert await self.said(reader, friends) == [(2, "one")]
        # Writes to other logs may be moved, too, if the store did not try them.
        assert elsewhere in ([STORED, STORED], [MOVED, STORED], [MOVED, MOVED])
        said = ["first", "elsewhere", "there, too"][: 1 + elsewhere.count(STORED)]
        assert [content for _, content in await self.said(reader, between)] == said

    async def test_a_direct_conversation_is_opened_once(
        self, log_store: LogStore, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann, bob, eve = people
        one, other, third = direct(ann, bob), direct(bob, ann), direct(ann, eve)
        verdicts = await self.commit(
            log_store,
            opening_write(draft(one, ann)),
            opening_write(draft(other, bob)),
            opening_write(draft(third, eve)),
        )
        assert verdicts == [STORED, MOVED, STORED]
        again = direct(ann, bob)
        assert await self.commit(log_store, opening_write(draft(again, ann))) == [MOVED]

        assert await conversations.direct(ann.id, bob.id) == one
        assert [await conversations.get(each.id) for each in (other, again)] == [None, None]

    async def test_a_revision_of_a_message_that_was_changed_is_refused_and_not_stored(
        self,
        log_store: LogStore,
        reader: LogReader,
        people: list[User],
        friends: Conversation,
    ) -> None:
        said = draft(friends, people[1], "one")
        await self.store(log_store, said)
        before = said.stored(friends.id, 2)
        await self.store(log_store, revision(friends, before, "two"))
        for content in ("three", None):
            late = write_after(revision(friends, before, content), friends, 3)
            assert await self.commit(log_store, late) == [CHANGED]

        assert await self.said(reader, friends) == [(2, "two")]
        assert await log_store.heads([friends]) == [Head(friends, 3)]

    # client ids

    async def test_a_client_id_that_its_sender_has_used_is_taken_wherever_that_was(
        self,
        log_store: LogStore,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
        between: Conversation,
    ) -> None:
        ann, bob, eve = people
        other = direct(ann, eve)
        for again in (
            write_after(draft(between, ann, "first", client_id="first"), between, 1),
            write_after(draft(friends, ann, client_id="first"), friends, 1),
            opening_write(draft(other, ann, client_id="first")),
        ):
            assert await self.commit(log_store, again) == [TAKEN]

        assert await conversations.direct(ann.id, eve.id) is None
        assert await log_store.heads([between, friends]) == [Head(between, 1), Head(friends, 1)]
        await self.store(log_store, draft(friends, bob, client_id="first"))

    async def test_of_two_writes_with_one_client_id_in_a_commit_the_first_is_stored(
        self,
        log_store: LogStore,
        reader: LogReader,
        people: list[User],
        friends: Conversation,
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        verdicts = await self.commit(
            log_store,
            write_after(draft(friends, ann, "one", client_id="c1"), friends, 1),
            write_after(draft(between, ann, "two", client_id="c1"), between, 1),
            write_after(draft(friends, bob, "three", client_id="c1"), friends, 2),
            write_after(draft(between, bob, "behind"), between, 2),
        )

        assert verdicts == [STORED, TAKEN, STORED, MOVED]
        assert await self.said(reader, friends) == [(2, "one"), (3, "three")]

    async def test_what_was_sent_first_is_found_as_it_is_now(
        self,
        log_store: LogStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        drafts = [draft(friends, bob, name, client_id=name) for name in ("kept", "edited", "gone")]
        await self.store(log_store, *drafts)
        _, edited, gone = [each.stored(friends.id, seq) for seq, each in enumerate(drafts, start=2)]
        changed = [
            await self._revised(log_store, revision(friends, edited, "twice")),
            await self._revised(log_store, revision(friends, gone, None)),
        ]
        changed[0] = await self._revised(log_store, revision(friends, changed[0], "thrice"))

        keys = [(bob.id, ClientMessageId(name)) for name in ("kept", "edited", "gone")]
        found = await log_store.first_sent(
            [*keys, (bob.id, ClientMessageId("none")), (ann.id, ClientMessageId("kept"))]
        )
        assert found.keys() == set(keys)
        assert [found[key].message for key in keys] == [drafts[0].stored(friends.id, 2), *changed]
        for key, again in zip(keys, drafts, strict=True):
            repeat = Appended(MessageSent(found[key].message), duplicate=True)
            assert repeat_of_message(again, found[key]) == repeat
            other = replace(again, body=Body("other"))
            assert isinstance(repeat_of_message(other, found[key]), ClientIdConflict)
        assert await log_store.first_sent([]) == {}

    async def test_once_its_sender_is_erased_nothing_tells_what_was_sent(
        self,
        log_store: LogStore,
        reader: LogReader,
        people: list[User],
        friends: Conversation,
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        said = draft(friends, bob, "one", client_id="c1")
        await self.store(log_store, said, draft(friends, ann, "kept"))
        edited = await self._revised(
            log_store, revision(friends, said.stored(friends.id, 2), "two")
        )
        await self.store(log_store, draft(between, bob, "elsewhere", client_id="c2"))
        await self.store(log_store, change(friends, MemberDeleted(bob.id), bob, when=at(9)))

        key, other = (bob.id, ClientMessageId("c1")), (bob.id, ClientMessageId("c2"))
        found = await log_store.first_sent([key, other])
        assert found[key].digest is None
        assert found[key].message == replace(edited, updated_seq=5, body=None, deleted_at=at(9))
        assert found[other].message.text == "elsewhere"
        assert await self.said(reader, friends) == [(2, None), (3, "kept")]

    async def test_a_group_is_created_once_under_a_client_id_and_its_creation_is_found(
        self, log_store: LogStore, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann, bob, eve = people
        first = creation_write(creation(group(ann, bob), ann, client_id="g1"))
        again = creation_write(creation(group(ann, eve), ann, client_id="g1"))
        theirs = creation_write(creation(group(bob, ann), bob, client_id="g1"))
        assert await self.commit(log_store, first, again, theirs) == [STORED, TAKEN, STORED]
        assert await self.commit(log_store, again) == [TAKEN]

        assert await conversations.get(again.conversation_id) is None
        key, other = ClientConversationId("g1"), ClientConversationId("g2")
        found = await log_store.first_created([(ann.id, key), (bob.id, key), (ann.id, other)])
        assert found == {(ann.id, key): first.event, (bob.id, key): theirs.event}
        assert await log_store.first_created([]) == {}

    # open_direct

    async def test_a_direct_conversation_is_opened_without_an_entry_or_found(
        self, log_store: LogStore, people: list[User]
    ) -> None:
        ann, bob, _ = people
        opened = direct(ann, bob)
        assert await log_store.open_direct(opened) == opened
        assert await log_store.open_direct(direct(bob, ann)) == opened
        assert await log_store.heads([direct(bob, ann)]) == [Head(opened, 0)]
        await self.store(log_store, draft(opened, bob))

    async def test_closing_again_is_a_no_op(self, log_store: LogStore) -> None:
        for _ in range(2):
            await log_store.close()

    async def _revised(self, log_store: LogStore, wanted: Draft) -> Message:
        """Store an edit or a deletion, and return the message after it."""
        (write,) = await self.store(log_store, wanted)
        event = write.event
        assert isinstance(event, MessageUpdated)
        return event.message
