import pytest

from chat_core import ConversationId, Role, UserId
from chat_core.conversations import (
    Change,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    RoleChanged,
    TitleChanged,
)
from chat_core.events import ChangeKind, ConversationUpdated

ANN, BOB, FRIENDS = UserId("ann"), UserId("bob"), ConversationId("friends")


@pytest.mark.parametrize(
    ("change", "kind", "user", "role", "title"),
    [
        (MemberAdded(BOB, Role.ADMIN), ChangeKind.MEMBER_ADDED, BOB, Role.ADMIN, None),
        (MemberRemoved(BOB), ChangeKind.MEMBER_REMOVED, BOB, None, None),
        (RoleChanged(BOB, Role.OWNER), ChangeKind.ROLE_CHANGED, BOB, Role.OWNER, None),
        (TitleChanged("New"), ChangeKind.TITLE_CHANGED, None, None, "New"),
        (MemberDeleted(BOB), ChangeKind.MEMBER_DELETED, BOB, None, None),
    ],
)
def test_a_change_is_told_with_its_place_who_made_it_and_what_it_is_about(
    change: Change, kind: ChangeKind, user: UserId | None, role: Role | None, title: str | None
) -> None:
    event = ConversationUpdated.of(FRIENDS, 7, ANN, change)

    assert (event.conversation_id, event.seq, event.actor_id) == (FRIENDS, 7, ANN)
    assert (event.change, event.user_id, event.role, event.title) == (kind, user, role, title)
    assert event.members is None
