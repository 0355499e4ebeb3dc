from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chat_core import Conversation, ConversationId, Member, Message, Role, User, UserId
from chat_core.bodies import Body
from chat_core.conversations import (
    MAX_TITLE,
    Change,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    RoleChanged,
    TitleChanged,
    clean_title,
)
from chat_core.errors import AlreadyMember, ChatError, Forbidden, Invalid, LastOwner, NotFound
from chat_core.ids import MessageId
from chat_core.testing.makers import at, direct, user

PEOPLE = [user(name) for name in ("ann", "bob", "eve", "joe", "mia")]
ANN, BOB, EVE, JOE, MIA = PEOPLE
IDS = [each.id for each in PEOPLE]
STRANGER = UserId("stranger")
ROLES = list(Role)

someone = st.sampled_from([*IDS, STRANGER])
roles = st.sampled_from(ROLES)


@st.composite
def groups(draw: st.DrawFn) -> Conversation:
    """A group as it can be: with an owner as long as there are members to be owned."""
    members = draw(
        st.dictionaries(
            st.sampled_from(IDS), st.tuples(roles, st.integers(0, 3)), min_size=1, max_size=5
        )
    )
    owner = draw(st.sampled_from(sorted(members)))
    members[owner] = Role.OWNER, members[owner][1]
    return group({each: role for each, (role, _) in members.items()}, joined=members)


def group(
    members: dict[UserId, Role], joined: dict[UserId, tuple[Role, int]] | None = None
) -> Conversation:
    conversation = Conversation.group(ConversationId("group"), "Friends", members, at(0))
    if joined is None:
        return conversation
    stored = {
        each: Member(each, member.role, at(joined[each][1]))
        for each, member in conversation.members.items()
    }
    return replace(conversation, members=stored)


changes = st.one_of(
    st.builds(MemberAdded, someone, roles),
    st.builds(MemberRemoved, someone),
    st.builds(RoleChanged, someone, roles),
    st.builds(TitleChanged, st.just("New")),
)


def check(conversation: Conversation, by: UserId, change: Change) -> None:
    match change:
        case MemberAdded():
            conversation.check_may_add(by, change)
        case MemberRemoved(user_id):
            conversation.check_may_remove(by, user_id)
        case RoleChanged():
            conversation.check_may_change_role(by, change)
        case _:
            conversation.check_may_change_title(by)


def refusal(conversation: Conversation, by: UserId, change: Change) -> type[ChatError] | None:
    try:
        check(conversation, by, change)
    except ChatError as error:
        return type(error)
    return None


def owners(conversation: Conversation) -> set[UserId]:
    return {each.user_id for each in conversation.members.values() if each.role is Role.OWNER}


# whatever the group


@given(conversation=groups(), steps=st.lists(st.tuples(someone, changes), max_size=20))
def test_a_group_of_several_never_loses_its_last_owner(
    conversation: Conversation, steps: list[tuple[UserId, Change]]
) -> None:
    for seq, (by, change) in enumerate(steps, start=2):
        if refusal(conversation, by, change) is None:
            conversation = conversation.changed(change, seq, at(seq))
            assert conversation.revision == seq
        assert owners(conversation) or len(conversation.members) < 2


@given(conversation=groups(), by=someone, change=changes)
def test_only_an_owner_gives_a_role(conversation: Conversation, by: UserId, change: Change) -> None:
    assume(refusal(conversation, by, change) is None)
    after = conversation.changed(change, 2, at(2))
    given_to = {
        each.user_id
        for each in after.members.values()
        if each.role is not Role.MEMBER
        and (old := conversation.members.get(each.user_id, None)) != each
        and (old is None or old.role is not each.role)
    }
    if given_to or isinstance(change, RoleChanged):
        assert by in owners(conversation)


@given(conversation=groups(), by=someone, change=changes)
def test_a_plain_member_changes_nothing_but_their_own_leaving(
    conversation: Conversation, by: UserId, change: Change
) -> None:
    member = conversation.members.get(by)
    if refusal(conversation, by, change) is None:
        assert member is not None
        assert member.role is not Role.MEMBER or change == MemberRemoved(by)


@given(conversation=groups(), change=changes)
def test_to_others_a_group_does_not_exist(conversation: Conversation, change: Change) -> None:
    assert refusal(conversation, STRANGER, change) is NotFound


@given(conversation=groups(), leaving=someone)
def test_the_successor_is_the_longest_standing_admin_else_member(
    conversation: Conversation, leaving: UserId
) -> None:
    others = [each for each in conversation.members.values() if each.user_id != leaving]
    successor = conversation.successor_of(leaving)
    if owners(conversation) != {leaving} or not others:
        assert successor is None
        return
    assert successor in others
    admins = [each for each in others if each.role is Role.ADMIN]
    assert successor in (admins or others)
    assert successor.joined_at == min(each.joined_at for each in admins or others)


@given(conversation=groups(), leaving=someone)
def test_with_the_successor_an_account_goes_and_an_owner_stays(
    conversation: Conversation, leaving: UserId
) -> None:
    assume(leaving in conversation.members)
    successor = conversation.successor_of(leaving)
    if successor is not None:
        change = RoleChanged(successor.user_id, Role.OWNER)
        conversation = conversation.changed(change, 2, at(2))
    assert conversation.successor_of(leaving) is None
    after = conversation.changed(MemberDeleted(leaving), 3, at(3))
    assert leaving not in after.members
    assert owners(after) or not after.members


# one by one


@pytest.mark.parametrize(
    ("by", "change", "error"),
    [
        (ANN, MemberAdded(MIA.id, Role.OWNER), None),
        (BOB, MemberAdded(MIA.id, Role.MEMBER), None),
        (BOB, MemberAdded(MIA.id, Role.ADMIN), Forbidden),
        (EVE, MemberAdded(MIA.id, Role.MEMBER), Forbidden),
        (BOB, MemberAdded(EVE.id, Role.MEMBER), AlreadyMember),
        (EVE, MemberAdded(BOB.id, Role.MEMBER), Forbidden),
        (ANN, MemberRemoved(BOB.id), None),
        (BOB, MemberRemoved(EVE.id), None),
        (BOB, MemberRemoved(JOE.id), Forbidden),
        (BOB, MemberRemoved(ANN.id), Forbidden),
        (BOB, MemberRemoved(BOB.id), None),
        (EVE, MemberRemoved(EVE.id), None),
        (EVE, MemberRemoved(BOB.id), Forbidden),
        (ANN, MemberRemoved(ANN.id), LastOwner),
        (ANN, MemberRemoved(MIA.id), NotFound),
        (ANN, RoleChanged(EVE.id, Role.OWNER), None),
        (ANN, RoleChanged(ANN.id, Role.ADMIN), LastOwner),
        (ANN, RoleChanged(ANN.id, Role.OWNER), None),
        (ANN, RoleChanged(MIA.id, Role.ADMIN), NotFound),
        (BOB, RoleChanged(EVE.id, Role.ADMIN), Forbidden),
        (EVE, RoleChanged(EVE.id, Role.OWNER), Forbidden),
        (ANN, TitleChanged("New"), None),
        (BOB, TitleChanged("New"), None),
        (EVE, TitleChanged("New"), Forbidden),
    ],
)
def test_what_owners_admins_and_members_may_change(
    by: User, change: Change, error: type[ChatError] | None
) -> None:
    of_four = group(
        {ANN.id: Role.OWNER, BOB.id: Role.ADMIN, EVE.id: Role.MEMBER, JOE.id: Role.ADMIN}
    )

    assert refusal(of_four, by.id, change) is error


def test_the_only_member_may_leave() -> None:
    group({ANN.id: Role.OWNER}).check_may_remove(ANN.id, ANN.id)


def test_with_two_owners_each_may_leave_or_step_down_and_remove_the_other() -> None:
    two = group({ANN.id: Role.OWNER, BOB.id: Role.OWNER, EVE.id: Role.MEMBER})
    for change in (
        MemberRemoved(ANN.id),
        MemberRemoved(BOB.id),
        RoleChanged(ANN.id, Role.MEMBER),
        RoleChanged(BOB.id, Role.ADMIN),
    ):
        check(two, ANN.id, change)


@pytest.mark.parametrize(
    "change",
    [
        MemberAdded(EVE.id, Role.MEMBER),
        MemberRemoved(BOB.id),
        MemberRemoved(ANN.id),
        RoleChanged(BOB.id, Role.ADMIN),
        TitleChanged("Us"),
    ],
)
def test_members_and_title_of_a_direct_conversation_stay(change: Change) -> None:
    assert refusal(direct(ANN, BOB), ANN.id, change) in {Forbidden, NotFound}
    assert refusal(direct(ANN, BOB), EVE.id, change) is NotFound


def test_no_one_succeeds_in_a_direct_conversation() -> None:
    assert direct(ANN, BOB).successor_of(ANN.id) is None


# messages


def said(by: User, *, deleted: bool = False) -> Message:
    return Message(
        MessageId("m"),
        ConversationId("group"),
        2,
        2,
        by.id,
        None,
        None if deleted else Body("hello"),
        None,
        at(0),
        deleted_at=at(1) if deleted else None,
    )


OF_THREE = group({ANN.id: Role.OWNER, BOB.id: Role.ADMIN, EVE.id: Role.MEMBER})


@pytest.mark.parametrize("by", [ANN, BOB, EVE])
@pytest.mark.parametrize("sender", [ANN, BOB, EVE, JOE])
def test_messages_are_edited_by_their_sender_and_deleted_by_admins_and_owners_too(
    by: User, sender: User
) -> None:
    message = said(sender)
    if by == sender:
        OF_THREE.check_may_edit(by.id, message)
    else:
        with pytest.raises(Forbidden):
            OF_THREE.check_may_edit(by.id, message)
    if by in {sender, ANN, BOB}:
        OF_THREE.check_may_delete(by.id, message)
    else:
        with pytest.raises(Forbidden):
            OF_THREE.check_may_delete(by.id, message)


def test_a_former_member_neither_edits_nor_deletes() -> None:
    with pytest.raises(NotFound):
        OF_THREE.check_may_edit(JOE.id, said(JOE))
    with pytest.raises(NotFound):
        OF_THREE.check_may_delete(JOE.id, said(JOE))


def test_a_deleted_message_is_not_edited() -> None:
    with pytest.raises(Invalid):
        OF_THREE.check_may_edit(EVE.id, said(EVE, deleted=True))


@pytest.mark.parametrize("title", ["x", "x y", "x" * MAX_TITLE, "\U0001f600" * MAX_TITLE])
def test_a_title_is_kept_as_it_is(title: str) -> None:
    assert clean_title(title) == title


@pytest.mark.parametrize("title", ["", " \t\n", "x" * (MAX_TITLE + 1), "a\0", "\ud800"])
def test_a_title_of_no_or_too_many_characters_is_invalid(title: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_title(title)
    assert [each.field for each in caught.value.errors] == ["title"]
