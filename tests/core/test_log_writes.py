"""What drafts store, and who is told of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chat_core import Conversation, UserId
from chat_core.bodies import Body
from chat_core.conversations import (
    Change,
    Member,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Role,
    RoleChanged,
    TitleChanged,
)
from chat_core.events import ChangeKind, ConversationUpdated, MessageSent, MessageUpdated
from chat_core.log.heads import Heads
from chat_core.log.writes import audience_of, first_write, write_after
from chat_core.ports.log_store import ChangeWrite, CreationWrite, Head, MessageWrite, RevisionWrite
from chat_core.testing.makers import (
    at,
    change,
    creation,
    direct,
    draft,
    group,
    revision,
    user,
)

ANN, BOB, EVE, JOE = user("ann"), user("bob"), user("eve"), user("joe")
LAST = 4


@pytest.fixture
def friends() -> Conversation:
    return group(ANN, BOB, EVE)


def test_a_message_has_the_place_after_the_last_and_leaves_the_revision(
    friends: Conversation,
) -> None:
    wanted = draft(friends, ANN, client_id="c1")
    stored = wanted.stored(friends.id, LAST + 1)
    assert write_after(wanted, friends, LAST) == MessageWrite(MessageSent(stored), 1)


def test_in_a_direct_conversation_that_has_got_another_id_it_has_that_one() -> None:
    wanted, stored = draft(direct(ANN, BOB), BOB), direct(ANN, BOB)
    write = write_after(wanted, stored, LAST)
    assert write.conversation_id == stored.id
    assert isinstance(write.event, MessageSent)
    assert write.event.message.recipient_id == ANN.id


def test_a_first_message_opens_its_conversation() -> None:
    wanted = draft(direct(ANN, BOB), ANN)
    stored = wanted.stored(wanted.conversation.id, 1)
    assert first_write(wanted) == MessageWrite(MessageSent(stored), 0, wanted.conversation)


def test_a_group_begins_with_its_creation(friends: Conversation) -> None:
    created = ConversationUpdated(
        friends.id,
        1,
        ChangeKind.CREATED,
        ANN.id,
        title=friends.title,
        members=tuple(friends.members.values()),
    )
    wanted = creation(friends, ANN, client_id="g1")
    assert first_write(wanted) == CreationWrite(created, friends, wanted.client_id, wanted.at)


def test_nothing_else_begins_a_conversation_and_a_creation_follows_nothing(
    friends: Conversation,
) -> None:
    with pytest.raises(TypeError):
        first_write(change(friends, TitleChanged("New"), ANN))
    with pytest.raises(TypeError):
        write_after(creation(friends, ANN), friends, LAST)


@pytest.mark.parametrize("content", ["edited", None])
def test_a_revision_is_the_message_as_it_becomes_beside_what_it_was(
    friends: Conversation, content: str | None
) -> None:
    said = replace(draft(friends, BOB).stored(friends.id, 2), edited_at=at(1))
    revised = replace(said, updated_seq=LAST + 1, body=Body(content) if content else None)
    revised = replace(revised, edited_at=at(5)) if content else replace(revised, deleted_at=at(5))
    event = MessageUpdated(LAST + 1, revised)
    write = write_after(revision(friends, said, content, by=ANN, when=at(5)), friends, LAST)
    assert write == RevisionWrite(event, said, 1, ANN.id, at(5))


GROUP_CHANGES: list[tuple[Change, Member | None, UserId | None, UserId | None]] = [
    (MemberAdded(JOE.id, Role.ADMIN), Member(JOE.id, Role.ADMIN, at(5)), None, None),
    (RoleChanged(BOB.id, Role.OWNER), Member(BOB.id, Role.OWNER, at(0)), None, None),
    (MemberRemoved(BOB.id), None, BOB.id, None),
    (TitleChanged("New"), None, None, None),
    (MemberDeleted(BOB.id), None, BOB.id, BOB.id),
    (MemberDeleted(JOE.id), None, JOE.id, JOE.id),  # who has left before
]


@pytest.mark.parametrize(("made", "member", "removed", "erased"), GROUP_CHANGES)
def test_a_change_says_who_is_a_member_who_is_none_and_whose_content_goes(
    friends: Conversation,
    made: Change,
    member: Member | None,
    removed: UserId | None,
    erased: UserId | None,
) -> None:
    after = friends.changed(made, LAST + 1, at(5))
    event = ConversationUpdated.of(friends.id, LAST + 1, ANN.id, made)
    write = write_after(change(friends, made, ANN, when=at(5)), friends, LAST)
    assert write == ChangeWrite(event, friends, after, at(5), member, removed, erased)
    assert after.revision == LAST + 1


def test_in_a_direct_conversation_a_deleted_member_stays_one() -> None:
    between = direct(ANN, BOB)
    write = write_after(change(between, MemberDeleted(BOB.id), BOB), between, LAST)
    assert isinstance(write, ChangeWrite)
    assert (write.member, write.removed, write.erased) == (None, None, BOB.id)
    assert write.after.gone == {BOB.id}


def test_the_members_before_and_after_an_entry_are_told(friends: Conversation) -> None:
    three = {ANN.id, BOB.id, EVE.id}
    for made, audience in (
        (MemberAdded(JOE.id, Role.MEMBER), three | {JOE.id}),
        (MemberRemoved(BOB.id), three),
        (MemberDeleted(BOB.id), three),
        (TitleChanged("New"), three),
    ):
        assert set(audience_of(change(friends, made, ANN))) == audience
    for each in (draft(friends, ANN), creation(friends, ANN)):
        assert set(audience_of(each)) == three


# heads


def test_a_conversation_that_begins_is_known_with_its_first_entry(friends: Conversation) -> None:
    heads = Heads()
    heads.begin(friends, 3)
    head = heads.of(friends)
    assert head is not None
    assert (head.conversation, head.last_seq, head.moved) == (friends, 1, 3)


def direct_heads(heads: Heads) -> Callable[[], list[bool]]:
    one, same = direct(ANN, BOB), direct(BOB, ANN)
    heads.read([Head(one, 2), None], 1)
    return lambda: [heads.of(each) is not None for each in (one, same)]


def test_a_direct_conversation_is_known_by_its_two_members_until_it_is_forgotten() -> None:
    heads = Heads()
    known = direct_heads(heads)
    assert known() == [True, True]
    assert heads.of(direct(ANN, EVE)) is None
    heads.forget(direct(BOB, ANN))
    assert known() == [False, False]
    heads.forget(direct(BOB, ANN))


def test_what_is_known_is_not_read_over(friends: Conversation) -> None:
    heads = Heads()
    heads.read([Head(friends, 2)], 1)
    known = heads.of(friends)
    heads.read([Head(friends, 1)], 2)
    assert heads.of(friends) is known
    assert known is not None
    assert (known.last_seq, known.read) == (2, 1)


def test_all_are_forgotten_when_they_have_become_too_many(
    friends: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_core.log.heads.MOST_MEMBERS", 5)
    heads = Heads()
    heads.read([Head(friends, 1), Head(direct(ANN, BOB), 1)], 1)
    heads.make_room()
    assert heads.of(friends)
    joined = friends.changed(MemberAdded(JOE.id, Role.MEMBER), 2, at(0))
    head = heads.of(friends)
    assert head
    head.conversation = joined
    heads.forget(joined)
    heads.read([Head(friends, 1)], 1)
    heads.make_room()
    assert heads.of(friends)
    heads.read([Head(group(ANN), 1)], 1)
    heads.make_room()
    assert heads.of(friends) is None
