"""What becomes of a draft, by the head of its log and by what was sent first."""

import hashlib
from dataclasses import replace

import pytest

from chat_core import Conversation
from chat_core.bodies import Body, digest_of
from chat_core.conversations import Role, TitleChanged
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent
from chat_core.log.drafts import (
    Judgement,
    judge,
    repeat_of_creation,
    repeat_of_message,
)
from chat_core.log.heads import KnownHead
from chat_core.log.writes import creation_write
from chat_core.ports.log import Appended, Draft, MessageDraft
from chat_core.ports.log_store import FirstSent
from chat_core.testing.makers import (
    change,
    creation,
    direct,
    draft,
    group,
    revision,
    user,
)

ANN, BOB, EVE = user("ann"), user("bob"), user("eve")
SINCE, NOW = 7, 9
"""The round before which a head may be outdated, and the one in which is judged."""


@pytest.fixture
def friends() -> Conversation:
    return group(ANN, BOB, EVE)


def drafts_for(conversation: Conversation) -> list[Draft]:
    """One of each kind that needs a head."""
    said = draft(conversation, ANN).stored(conversation.id, 2)
    return [
        draft(conversation, ANN),
        revision(conversation, said, "edited"),
        change(conversation, TitleChanged("New"), ANN),
    ]


def head(of: Conversation, *, read: int, moved: int = 0) -> KnownHead:
    return KnownHead(of, 5, read, moved)


# judge


@pytest.mark.parametrize(("read", "moved"), [(1, 1), (SINCE, 0), (NOW, NOW)])
def test_what_was_judged_on_the_heads_revision_is_written(
    friends: Conversation, read: int, moved: int
) -> None:
    for each in drafts_for(friends):
        judgement = judge(each, head(friends, read=read, moved=moved), SINCE, NOW)
        assert judgement is Judgement.WRITE


@pytest.mark.parametrize("revised", [0, 2])
@pytest.mark.parametrize(
    ("read", "moved", "judgement"),
    [
        (SINCE - 1, SINCE - 1, Judgement.READ_AGAIN),
        (SINCE - 1, 0, Judgement.READ_AGAIN),
        (SINCE, 0, Judgement.REFUSE),
        (NOW - 1, NOW - 1, Judgement.REFUSE),
        (NOW, 0, Judgement.REFUSE),
        (NOW, NOW, Judgement.HOLD),
    ],
)
def test_what_was_judged_on_another_is_refused_only_on_a_head_that_is_fresh_and_stored(
    friends: Conversation, revised: int, read: int, moved: int, judgement: Judgement
) -> None:
    judged = replace(friends, revision=revised)
    for each in drafts_for(judged):
        assert judge(each, head(friends, read=read, moved=moved), SINCE, NOW) is judgement


def test_where_nothing_is_stored_a_direct_conversation_begins_with_a_message_and_no_other() -> None:
    message, *others = drafts_for(direct(ANN, BOB))
    assert judge(message, None, SINCE, NOW) is Judgement.BEGIN
    for each in [*others, *drafts_for(group(ANN, BOB))]:
        assert judge(each, None, SINCE, NOW) is Judgement.REFUSE


def test_a_creation_begins_its_group_whether_one_is_known_or_not(friends: Conversation) -> None:
    wanted = creation(friends, ANN)
    for known in (None, head(friends, read=NOW, moved=NOW)):
        assert judge(wanted, known, SINCE, NOW) is Judgement.BEGIN


# repeats


def first(of: MessageDraft, text: str | None = None) -> FirstSent:
    """What was stored of a draft, edited since to that text."""
    message = of.stored(of.conversation.id, 2)
    if text is None:
        return FirstSent(message, None)
    return FirstSent(replace(message, body=Body(text)), digest_of(of.body))


def test_the_same_in_the_same_conversation_is_a_repeat_of_the_message_as_it_is_now(
    friends: Conversation,
) -> None:
    between = direct(ANN, BOB)
    for sent, again in (
        (draft(friends, ANN), draft(replace(friends, revision=9), ANN)),
        (draft(between, ANN), draft(between, ANN)),
        (draft(between, ANN), draft(direct(BOB, ANN), ANN)),
    ):
        for stored in (first(sent), first(sent, "edited")):
            repeat = Appended(MessageSent(stored.message), duplicate=True)
            assert repeat_of_message(again, stored) == repeat


def test_something_else_or_somewhere_else_is_a_conflict(friends: Conversation) -> None:
    between = direct(ANN, BOB)
    for sent, other in (
        (draft(friends, ANN), draft(friends, ANN, "Hello")),
        (draft(friends, ANN), draft(group(ANN, BOB, EVE), ANN)),
        (draft(friends, ANN), draft(between, ANN)),
        (draft(between, ANN), draft(friends, ANN)),
        (draft(between, ANN), draft(direct(ANN, EVE), ANN)),
        (draft(between, ANN), draft(direct(BOB, EVE), ANN)),
    ):
        for stored in (first(sent), first(sent, "hello")):
            assert isinstance(repeat_of_message(other, stored), ClientIdConflict)
    edited = first(draft(friends, ANN, "first"), "second")
    assert isinstance(repeat_of_message(draft(friends, ANN, "second"), edited), ClientIdConflict)


def test_of_a_sender_who_was_erased_whatever_comes_is_the_repeat(friends: Conversation) -> None:
    sent = draft(friends, ANN)
    erased = FirstSent(replace(sent.stored(friends.id, 2), body=None), None)
    assert isinstance(repeat_of_message(draft(friends, ANN, "anything"), erased), Appended)


def test_digests_of_version_0_1_on_sqlite_are_still_known(friends: Conversation) -> None:
    sent = draft(friends, ANN)
    old = replace(first(sent, "edited"), digest=hashlib.sha256(b"hello").digest())
    assert isinstance(repeat_of_message(draft(friends, ANN, "hello"), old), Appended)
    assert isinstance(repeat_of_message(draft(friends, ANN, "other"), old), ClientIdConflict)


def test_a_creation_repeats_one_with_the_same_title_and_the_same_roles() -> None:
    made = creation_write(creation(group(ANN, BOB, EVE), ANN)).event
    for again in (group(ANN, BOB, EVE), group(ANN, EVE, BOB)):
        repeat = Appended(made, duplicate=True)
        assert repeat_of_creation(creation(again, ANN), made) == repeat
    promoted = group(ANN, BOB, EVE)
    members = {**promoted.members}
    members[BOB.id] = replace(members[BOB.id], role=Role.ADMIN)
    for other in (
        group(ANN, BOB, EVE, title="others"),
        group(ANN, BOB),
        replace(promoted, members=members),
    ):
        assert isinstance(repeat_of_creation(creation(other, ANN), made), ClientIdConflict)
