import pytest

from chat_core import Conversation, ConversationId, ConversationKind, Member, Role
from chat_core.errors import Invalid, NotFound
from chat_core.pages import MAX_LIMIT, check_limit
from chat_core.testing.makers import at, direct, user

ANN, BOB, EVE = user("ann"), user("bob"), user("eve")


def test_a_direct_conversation_is_of_two_plain_members() -> None:
    conversation = Conversation.direct(ConversationId("c"), BOB.id, ANN.id, at(1))

    assert conversation.members == {
        each.id: Member(each.id, Role.MEMBER, at(1)) for each in (ANN, BOB)
    }
    assert conversation == Conversation.direct(ConversationId("c"), ANN.id, BOB.id, at(1))


def test_in_a_direct_conversation_each_talks_to_the_other() -> None:
    conversation = direct(ANN, BOB)

    assert (conversation.other(ANN.id), conversation.other(BOB.id)) == (BOB.id, ANN.id)


def test_in_a_group_no_one_is_the_other() -> None:
    members = {each.id: Member(each.id, Role.MEMBER, at(0)) for each in (ANN, BOB)}
    group = Conversation(ConversationId("g"), ConversationKind.GROUP, "Us", members, 1, at(0))

    assert group.other(ANN.id) is None


def test_to_others_a_conversation_does_not_exist() -> None:
    conversation = direct(ANN, BOB)
    conversation.check_member(ANN.id)

    with pytest.raises(NotFound):
        conversation.check_member(EVE.id)


@pytest.mark.parametrize("limit", [1, MAX_LIMIT])
def test_a_page_has_one_to_200_items(limit: int) -> None:
    assert check_limit(limit) == limit


@pytest.mark.parametrize("limit", [-1, 0, MAX_LIMIT + 1])
def test_a_page_of_another_size_is_invalid(limit: int) -> None:
    with pytest.raises(Invalid) as caught:
        check_limit(limit)
    assert [each.field for each in caught.value.errors] == ["limit"]
