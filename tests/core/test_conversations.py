import pytest

from chat_core import ConversationId, Message, ToUser, User
from chat_core.bodies import Body
from chat_core.errors import Invalid, NotFound
from chat_core.services.conversations import MAX_SEQ
from tests.support.engine import Engine, actor


@pytest.fixture
async def five(chat: Engine, ann: User, bob: User) -> list[Message]:
    return [
        (await chat.messaging.send(actor(ann), ToUser(bob.id), Body(f"{number}"), None)).message
        for number in range(1, 6)
    ]


async def test_conversations_are_listed_latest_first_page_by_page(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    for other in (bob, eve):
        chat.clock.advance(1)
        await chat.messaging.send(actor(ann), ToUser(other.id), Body("hello"), None)

    first = await chat.conversations.list(ann.id, after=None, limit=1)
    assert [each.members[1].user_id for each in first.items] == [eve.id]
    second = await chat.conversations.list(ann.id, after=first.next, limit=1)
    assert [each.members[1].user_id for each in second.items] == [bob.id]
    assert second.next is None


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_of_another_size_than_1_to_200_is_invalid(
    chat: Engine, ann: User, five: list[Message], limit: int
) -> None:
    with pytest.raises(Invalid):
        await chat.conversations.list(ann.id, after=None, limit=limit)
    with pytest.raises(Invalid):
        await chat.conversations.history(
            ann.id, five[0].conversation_id, before=None, after=None, limit=limit
        )


@pytest.mark.parametrize(
    ("before", "after", "seqs", "more"),
    [
        (None, None, [4, 5], True),
        (3, None, [1, 2], False),
        (MAX_SEQ, None, [4, 5], True),
        (0, None, [], False),
        (None, 2, [3, 4], True),
        (None, 0, [1, 2], True),
        (None, MAX_SEQ, [], False),
    ],
)
async def test_a_member_reads_before_or_after_a_seq_or_the_latest(
    chat: Engine,
    bob: User,
    five: list[Message],
    before: int | None,
    after: int | None,
    seqs: list[int],
    more: bool,  # noqa: FBT001 (an expected value)
) -> None:
    history = await chat.conversations.history(
        bob.id, five[0].conversation_id, before=before, after=after, limit=2
    )

    assert list(history.items) == [five[seq - 1] for seq in seqs]
    assert history.has_more is more


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (1, 1, "after"),
        (-1, None, "before"),
        (MAX_SEQ + 1, None, "before"),
        (None, -1, "after"),
        (None, MAX_SEQ + 1, "after"),
    ],
)
async def test_a_place_that_cannot_be_is_invalid(
    chat: Engine,
    ann: User,
    five: list[Message],
    before: int | None,
    after: int | None,
    field: str,
) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.conversations.history(
            ann.id, five[0].conversation_id, before=before, after=after, limit=2
        )
    assert [each.field for each in caught.value.errors] == [field]


async def test_the_history_of_others_is_not_found_just_as_an_unknown_one(
    chat: Engine, eve: User, five: list[Message]
) -> None:
    refused = []
    for conversation_id in (five[0].conversation_id, ConversationId("unknown")):
        with pytest.raises(NotFound) as caught:
            await chat.conversations.history(
                eve.id, conversation_id, before=None, after=None, limit=2
            )
        refused.append(caught.value.detail)

    assert refused[0] == refused[1]
