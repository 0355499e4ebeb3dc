"""Rates of what a user does to others: groups, people in them, changes, direct conversations."""

from dataclasses import replace

import pytest

from chat_core import (
    ConversationId,
    Conversations,
    GroupLimits,
    Limit,
    MessageLimits,
    Role,
    ToUser,
    User,
    UserId,
)
from chat_core.bodies import Body
from chat_core.conversations import MemberAdded, RoleChanged
from chat_core.errors import (
    AlreadyMember,
    ClientIdConflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    RateLimited,
    RecipientNotFound,
    Unavailable,
)
from chat_core.memory import MemoryRateLimiter
from chat_core.ports.log import Appended, CreationDraft, Done, Draft, MessageDraft
from chat_core.services.conversations import ATTEMPTS, NewGroup
from chat_core.users import ProfileChange
from tests.support.engine import ADDRESS, CONTENT_BYTES, PASSWORD, Engine, actor
from tests.support.stale import StaleLog

HOUR, MINUTE = 3600, 60
LIMITS = GroupLimits(
    members=30,
    creations=Limit("groups", 3, HOUR),
    additions=Limit("members", 6, HOUR),
    changes=Limit("changes", 4, MINUTE),
)
OPENING = Limit("messages", 2, 10)


@pytest.fixture
def limiter(chat: Engine) -> MemoryRateLimiter:
    return MemoryRateLimiter(chat.clock)


@pytest.fixture
def groups(chat: Engine, limiter: MemoryRateLimiter) -> Conversations:
    """The service with small rates."""
    return replace(chat.conversations, limiter=limiter, limits=LIMITS, opening=OPENING)


@pytest.fixture
async def people(chat: Engine) -> list[UserId]:
    """More people than may be put into groups in an hour."""
    return [(await chat.user(f"user{number}")).id for number in range(8)]


@pytest.fixture
async def friends(chat: Engine, ann: User, bob: User, eve: User) -> ConversationId:
    """A group of Ann's with Bob and Eve, which counted against no rate here."""
    opened = await chat.conversations.create_group(
        actor(ann), NewGroup("Friends", [bob.id, eve.id])
    )
    return opened.overview.id


async def left(limiter: MemoryRateLimiter, limit: Limit, user: User) -> int:
    """How many the user may still take, all of which are taken."""
    taken = 0
    while True:
        try:
            await limiter.take(limit, user.id)
        except RateLimited:
            return taken
        taken += 1


# ---------------------------------------------------------------------------------------- creations
async def test_a_user_makes_so_many_groups_an_hour(
    chat: Engine, groups: Conversations, ann: User, bob: User
) -> None:
    for _ in range(3):
        await groups.create_group(actor(ann), NewGroup("Friends", []))
    with pytest.raises(RateLimited) as caught:
        await groups.create_group(actor(ann), NewGroup("Friends", []))

    assert caught.value.retry_after == pytest.approx(HOUR / 3)
    assert len((await groups.list(ann.id)).items) == 3
    await groups.create_group(actor(bob), NewGroup("Friends", []))
    chat.clock.advance(HOUR / 3)
    await groups.create_group(actor(ann), NewGroup("Friends", []))


async def test_a_repeat_of_a_creation_is_answered_as_ever_and_counts_nothing(
    chat: Engine, groups: Conversations, limiter: MemoryRateLimiter, ann: User, bob: User, eve: User
) -> None:
    new = NewGroup("Friends", [bob.id, eve.id], "g1")
    first = await groups.create_group(actor(ann), new)
    for _ in range(2):
        await groups.create_group(actor(ann), NewGroup("Others", []))
    await chat.stores.users.erase(eve.id, chat.clock.now())
    for _ in range(5):
        again = await groups.create_group(actor(ann), new)
        assert (again.existed, again.overview.id) == (
            True,
            first.overview.id,
        )

    assert await left(limiter, LIMITS.creations, ann) == 0
    assert await left(limiter, LIMITS.additions, ann) == 4
    small = replace(groups, limits=replace(LIMITS, members=2))
    assert (await small.create_group(actor(ann), new)).existed


async def test_a_creator_who_has_left_finds_no_group_when_repeating(
    groups: Conversations, ann: User
) -> None:
    new = NewGroup("Mine", [], "g1")
    made = await groups.create_group(actor(ann), new)
    await groups.remove_member(actor(ann), made.overview.id, ann.id)
    with pytest.raises(NotFound):
        await groups.create_group(actor(ann), new)


class LateLog(StaleLog):
    """What it is asked for is stored right after its answer, as if by another request."""

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        return None


async def test_of_the_same_creation_at_the_same_time_one_counts(
    chat: Engine, groups: Conversations, limiter: MemoryRateLimiter, ann: User, bob: User
) -> None:
    new = NewGroup("Friends", [bob.id], "g1")
    groups = replace(groups, log=LateLog(chat.stores.log, 0))
    opened = [await groups.create_group(actor(ann), new) for _ in range(3)]

    assert len({each.overview.id for each in opened}) == 1
    assert await left(limiter, LIMITS.creations, ann) == 2
    assert await left(limiter, LIMITS.additions, ann) == 5


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (NewGroup("", []), Invalid),
        (NewGroup("Friends", [UserId("unknown")]), RecipientNotFound),
        (NewGroup("Friends", [UserId(f"user {number}") for number in range(30)]), Invalid),
        (NewGroup("Friends", [], ""), Invalid),
        (NewGroup("Other", [], "g1"), ClientIdConflict),
    ],
)
async def test_a_creation_that_makes_nothing_counts_nothing(
    groups: Conversations,
    limiter: MemoryRateLimiter,
    ann: User,
    new: NewGroup,
    error: type[Exception],
) -> None:
    await groups.create_group(actor(ann), NewGroup("Friends", [], "g1"))
    for _ in range(5):
        with pytest.raises(error):
            await groups.create_group(actor(ann), new)

    assert await left(limiter, LIMITS.creations, ann) == 2
    assert await left(limiter, LIMITS.additions, ann) == 6


class UnreachableLog(StaleLog):
    """Its store does not answer."""

    def submit(self, draft: Draft, done: Done) -> None:
        done(Unavailable())


async def test_a_creation_that_could_not_be_stored_counts_nothing(
    chat: Engine, groups: Conversations, limiter: MemoryRateLimiter, ann: User, bob: User
) -> None:
    broken = replace(groups, log=UnreachableLog(chat.stores.log, 0))
    with pytest.raises(Unavailable):
        await broken.create_group(actor(ann), NewGroup("Friends", [bob.id]))

    assert await left(limiter, LIMITS.creations, ann) == 3
    assert await left(limiter, LIMITS.additions, ann) == 6


# ------------------------------------------------------------------------------------------- people
async def test_a_user_puts_so_many_people_into_groups_an_hour(
    chat: Engine,
    groups: Conversations,
    limiter: MemoryRateLimiter,
    ann: User,
    people: list[UserId],
) -> None:
    made = await groups.create_group(actor(ann), NewGroup("Four", [ann.id, *people[:4], people[0]]))
    group = made.overview.id
    with pytest.raises(RateLimited) as caught:
        await groups.create_group(actor(ann), NewGroup("Three", people[:3]))
    assert caught.value.retry_after == pytest.approx(HOUR / 6)
    assert len((await groups.list(ann.id)).items) == 1

    for each in people[4:6]:
        await groups.add_member(actor(ann), group, MemberAdded(each, Role.MEMBER))
    with pytest.raises(RateLimited):
        await groups.add_member(actor(ann), group, MemberAdded(people[6], Role.MEMBER))
    stored = await chat.stores.conversations.get(group)
    assert stored is not None
    assert people[6] not in stored.members

    chat.clock.advance(HOUR / 6)
    await groups.add_member(actor(ann), group, MemberAdded(people[6], Role.MEMBER))
    assert await left(limiter, LIMITS.creations, ann) == 2


async def test_more_people_than_ever_fit_are_refused_without_a_time_to_wait(
    groups: Conversations, limiter: MemoryRateLimiter, ann: User, people: list[UserId]
) -> None:
    with pytest.raises(RateLimited, match="at most 6 members") as caught:
        await groups.create_group(actor(ann), NewGroup("Seven", people[:7]))

    assert caught.value.retry_after is None
    assert await left(limiter, LIMITS.creations, ann) == 3
    assert await left(limiter, LIMITS.additions, ann) == 6


async def test_an_addition_that_is_refused_counts_nothing(
    chat: Engine,
    groups: Conversations,
    limiter: MemoryRateLimiter,
    ann: User,
    bob: User,
    people: list[UserId],
    friends: ConversationId,
) -> None:
    new = MemberAdded(people[0], Role.MEMBER)
    small = replace(groups, limits=replace(LIMITS, members=3))
    stale = replace(groups, log=StaleLog(chat.stores.log, ATTEMPTS))
    for work, error in (
        (groups.add_member(actor(bob), friends, new), Forbidden),
        (groups.add_member(actor(ann), ConversationId("none"), new), NotFound),
        (groups.add_member(actor(ann), friends, MemberAdded(bob.id, Role.MEMBER)), AlreadyMember),
        (small.add_member(actor(ann), friends, new), Invalid),
        (stale.add_member(actor(ann), friends, new), Overloaded),
    ):
        with pytest.raises(error):
            await work

    assert await left(limiter, LIMITS.additions, ann) == 6
    assert await left(limiter, LIMITS.additions, bob) == 6


# ------------------------------------------------------------------------------------------ changes
async def test_changes_of_groups_have_a_rate_and_leaving_has_none(
    chat: Engine, groups: Conversations, ann: User, bob: User, eve: User, friends: ConversationId
) -> None:
    await groups.change_title(actor(ann), friends, "Others")
    await groups.change_title(actor(ann), friends, "Others")
    await groups.change_role(actor(ann), friends, RoleChanged(bob.id, Role.OWNER))
    await groups.remove_member(actor(ann), friends, eve.id)
    entries = chat.sent()
    for work in (
        groups.change_title(actor(ann), friends, "Third"),
        groups.change_role(actor(ann), friends, RoleChanged(bob.id, Role.ADMIN)),
        groups.remove_member(actor(ann), friends, bob.id),
    ):
        with pytest.raises(RateLimited) as caught:
            await work
        assert caught.value.retry_after == pytest.approx(MINUTE / 4)
    assert chat.sent() == entries

    await groups.change_title(actor(bob), friends, "Bob's")
    await groups.remove_member(actor(ann), friends, ann.id)
    stored = await chat.stores.conversations.get(friends)
    assert stored is not None
    assert (stored.title, set(stored.members)) == ("Bob's", {bob.id})


async def test_leaving_counts_nothing(
    chat: Engine, groups: Conversations, limiter: MemoryRateLimiter, ann: User
) -> None:
    for _ in range(3):
        made = await groups.create_group(actor(ann), NewGroup("Mine", []))
        await groups.remove_member(actor(ann), made.overview.id, ann.id)

    assert await left(limiter, LIMITS.changes, ann) == 4


async def test_changes_that_one_may_not_make_count_nothing(
    groups: Conversations,
    limiter: MemoryRateLimiter,
    ann: User,
    bob: User,
    eve: User,
    friends: ConversationId,
) -> None:
    for work, error in (
        (groups.change_title(actor(ann), friends, ""), Invalid),
        (groups.change_title(actor(bob), friends, "No"), Forbidden),
        (groups.change_title(actor(ann), ConversationId("none"), "No"), NotFound),
        (groups.change_role(actor(bob), friends, RoleChanged(eve.id, Role.ADMIN)), Forbidden),
        (groups.remove_member(actor(bob), friends, eve.id), Forbidden),
        (groups.remove_member(actor(ann), friends, UserId("unknown")), NotFound),
    ):
        with pytest.raises(error):
            await work

    assert await left(limiter, LIMITS.changes, ann) == 4
    assert await left(limiter, LIMITS.changes, bob) == 4


async def test_a_change_that_is_judged_again_counts_once(
    chat: Engine,
    groups: Conversations,
    limiter: MemoryRateLimiter,
    ann: User,
    friends: ConversationId,
) -> None:
    slow = replace(groups, log=StaleLog(chat.stores.log, ATTEMPTS - 1))
    await slow.change_title(actor(ann), friends, "New")

    assert await left(limiter, LIMITS.changes, ann) == 3


# ----------------------------------------------------------------------------- direct conversations
async def test_opening_a_direct_conversation_counts_as_a_message(
    chat: Engine, groups: Conversations, limiter: MemoryRateLimiter, ann: User, bob: User, eve: User
) -> None:
    messaging = replace(
        chat.messaging, limiter=limiter, limits=MessageLimits(CONTENT_BYTES, OPENING)
    )
    await groups.open_direct(actor(ann), bob.id)
    assert (await groups.open_direct(actor(ann), bob.id)).existed
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            await groups.open_direct(actor(ann), eve.id)
        assert caught.value.retry_after == pytest.approx(5)
        with pytest.raises(RateLimited):
            await messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    with pytest.raises(Invalid):
        await groups.open_direct(actor(ann), ann.id)
    assert await chat.stores.conversations.direct(ann.id, eve.id) is None

    chat.clock.advance(5)
    await groups.open_direct(actor(ann), eve.id)


# ------------------------------------------------------------------------------------ display names
async def test_display_names_have_a_rate_of_their_own(
    chat: Engine, limiter: MemoryRateLimiter, ann: User, bob: User
) -> None:
    names = Limit("profile changes", 2, MINUTE)
    accounts = replace(chat.accounts, limiter=limiter, changes=names)
    for number in range(2):
        for _ in range(3):
            await accounts.change_profile(
                actor(ann),
                ProfileChange(display_name=f"Ann {number}"),
                address=ADDRESS,
                current_password=PASSWORD,
            )
    with pytest.raises(RateLimited) as caught:
        await accounts.change_profile(
            actor(ann),
            ProfileChange("Ann 2", "ann@example.org"),
            address=ADDRESS,
            current_password=PASSWORD,
        )
    assert caught.value.retry_after == pytest.approx(MINUTE / 2)
    unchanged = await accounts.get(ann.id)
    assert (unchanged.display_name, unchanged.email) == ("Ann 1", None)

    await accounts.change_profile(
        actor(ann),
        ProfileChange("Ann 1", "ann@example.org"),
        address=ADDRESS,
        current_password=PASSWORD,
    )
    await accounts.change_profile(
        actor(bob), ProfileChange("Bobby"), address=ADDRESS, current_password=PASSWORD
    )
    assert await left(limiter, LIMITS.changes, ann) == 4
