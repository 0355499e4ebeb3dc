import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from chat_core import SessionId, User, UserId
from chat_core.errors import AccountDisabled, SessionRevoked, Unavailable
from chat_core.memory import MemorySessionStore, MemoryUserStore, RecordingSecurityEvents
from chat_core.services.revocation import ASK_SECONDS, LATE_SECONDS, OVERLAP, Revocations
from chat_core.testing.clock import ManualClock
from chat_core.testing.makers import at, session, user
from chat_core.testing.sessions_refresh_contract import chain
from tests.support.connections import RecordingConnections
from tests.support.engine import TOKEN_LIFE
from tests.support.waiting import settle, until

LIFE, LAP = TOKEN_LIFE.total_seconds(), OVERLAP.total_seconds()


@dataclass
class Store(MemorySessionStore):
    """A store that can be out of reach, and that another process writes to."""

    down: bool = False
    asked: list[datetime] = field(default_factory=list)

    async def ended_since(self, at: datetime) -> Mapping[SessionId, UserId]:
        if self.down:
            raise Unavailable
        self.asked.append(at)
        return await super().ended_since(at)


@dataclass
class World:
    clock: ManualClock
    store: Store
    connections: RecordingConnections
    revocations: Revocations
    users: MemoryUserStore
    ann: User

    async def session(self, ended_at: datetime | None = None) -> SessionId:
        """A session in the store, ended by another process or not at all."""
        stored = session(self.ann)
        await self.store.add(stored, chain(stored.id))
        if ended_at is not None:
            await self.store.end([stored.id], ended_at)
        return stored.id

    def knows(self, session_id: SessionId) -> bool:
        try:
            self.revocations.check(session_id)
        except SessionRevoked:
            return True
        return False

    async def pass_seconds(self, seconds: int) -> None:
        """Let time go by, a second at a time."""
        for _ in range(seconds):
            await until(lambda: self.clock.waiting)
            self.clock.advance(ASK_SECONDS)
            await settle()


ANN = UserId("ann")


@pytest.fixture
def world() -> World:
    clock, store, connections = ManualClock(at(9_000)), Store(), RecordingConnections()
    clock.advance(1_000)  # so that its two times have nothing in common
    users = MemoryUserStore()
    revocations = Revocations(
        store, users, connections, clock, TOKEN_LIFE, RecordingSecurityEvents()
    )
    return World(clock, store, connections, revocations, users, user("ann"))


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.revocations.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_ends_here_is_known_at_once_and_told_to_its_connections_once(
    world: World,
) -> None:
    one, two = [await world.session() for _ in range(2)]
    for _ in range(2):
        await world.revocations.end({one: ANN})

    assert (world.knows(one), world.knows(two)) == (True, False)
    assert world.connections.ended == [(one, SessionRevoked)]
    stored = await world.store.get(one)
    assert stored is not None
    assert stored.ended_at == at(10_000)


async def test_at_start_all_that_ended_within_a_tokens_life_is_loaded(world: World) -> None:
    recent = await world.session(at(10_000 - LIFE))
    old = await world.session(at(10_000 - LIFE - LAP - 1))
    await world.revocations.load()

    assert (world.knows(recent), world.knows(old)) == (True, False)


async def test_what_other_processes_end_is_known_within_a_second(world: World) -> None:
    await world.revocations.load()
    async with running(world):
        theirs = await world.session()
        await world.pass_seconds(1)
        assert not world.knows(theirs)
        await world.store.end([theirs], world.clock.now())
        await world.pass_seconds(1)

        assert world.knows(theirs)
        await world.pass_seconds(3)
        assert world.connections.ended == [(theirs, SessionRevoked)]


async def test_what_ended_with_a_disabled_account_is_told_as_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_core.services.revocation.LOOKED_UP", 2)
    bob, *others = (user(name) for name in ("bob", "cyd", "dan", "eve"))
    for each in (world.ann, bob, *others):
        await world.users.add(each, "hash")
    await world.revocations.load()
    ended: dict[SessionId, type[Exception]] = {}
    for of in (world.ann, bob, *others):
        stored = session(of)
        await world.store.add(stored, chain(stored.id))
        ended[stored.id] = SessionRevoked if of is bob else AccountDisabled
        if of is not bob:
            await world.users.disable(of.id, world.clock.now())
    await world.store.end(ended.keys(), world.clock.now())
    async with running(world):
        await world.pass_seconds(2)

    assert sorted(world.connections.ended) == sorted(ended.items())
    for session_id, reason in ended.items():
        with pytest.raises(reason):
            world.revocations.check(session_id)


async def test_each_question_reaches_back_to_the_last_answer_and_some_more(world: World) -> None:
    await world.revocations.load()
    async with running(world):
        await world.pass_seconds(1)
        world.store.down = True
        await world.pass_seconds(60)
        theirs = await world.session(at(10_002 - LAP))
        world.store.down = False
        await world.pass_seconds(1)

        assert world.knows(theirs)
        assert world.store.asked[-1] == at(10_001 - LAP)


async def test_without_an_answer_for_too_long_it_is_late_until_there_is_one(world: World) -> None:
    assert not world.revocations.is_late()
    assert world.revocations.age() == 0
    await world.revocations.load()
    async with running(world):
        world.store.down = True
        await world.pass_seconds(int(LATE_SECONDS))
        assert not world.revocations.is_late()
        await world.pass_seconds(1)
        assert world.revocations.is_late()
        world.store.down = False
        await world.pass_seconds(1)
        assert not world.revocations.is_late()


async def test_a_start_without_the_store_fails(world: World) -> None:
    world.store.down = True
    with pytest.raises(Unavailable):
        await world.revocations.load()


async def test_sessions_whose_tokens_are_all_over_are_forgotten_and_not_told_again(
    world: World,
) -> None:
    await world.revocations.load()
    ended = await world.session()
    await world.revocations.end({ended: ANN})
    async with running(world):
        await world.pass_seconds(int(LIFE))
        assert world.knows(ended)
        await world.pass_seconds(int(2 * LAP) + 1)

        assert not world.knows(ended)
        await world.pass_seconds(3)
        assert world.connections.ended == [(ended, SessionRevoked)]


async def test_a_store_that_is_out_of_reach_ends_nothing_here(world: World) -> None:
    @dataclass
    class Broken(Store):
        async def end(self, session_ids: Collection[SessionId], at: datetime) -> None:
            raise Unavailable

    revocations = Revocations(
        Broken(),
        world.users,
        world.connections,
        world.clock,
        TOKEN_LIFE,
        RecordingSecurityEvents(),
    )
    with pytest.raises(Unavailable):
        await revocations.end({SessionId("s"): ANN})
    revocations.check(SessionId("s"))
    assert world.connections.ended == []


HOUR = timedelta(hours=1)


async def test_a_clock_that_is_ahead_for_a_while_lets_no_ended_session_be_forgotten(
    world: World,
) -> None:
    """Its tokens, which had expired meanwhile, are good again when the clock is put back."""
    await world.revocations.load()
    ended = await world.session()
    await world.revocations.end({ended: ANN})
    async with running(world):
        world.clock.wall += HOUR
        await world.pass_seconds(2)
        world.clock.wall -= HOUR
        await world.pass_seconds(2)

        assert world.knows(ended)
        assert world.connections.ended == [(ended, SessionRevoked)]


async def test_after_a_jump_of_the_clock_what_ended_elsewhere_before_it_is_asked_for(
    world: World,
) -> None:
    await world.revocations.load()
    async with running(world):
        await world.pass_seconds(1)
        theirs = await world.session(world.clock.now())
        world.clock.wall += HOUR
        await world.pass_seconds(1)
        world.clock.wall -= HOUR
        await world.pass_seconds(1)

        assert world.knows(theirs)


@pytest.mark.parametrize(("jump", "asks_for_all"), [(4, False), (6, True), (-4, False), (-6, True)])
async def test_a_jump_that_each_question_reaches_back_beyond_is_none(
    world: World,
    jump: int,
    asks_for_all: bool,  # noqa: FBT001 - a parameter
) -> None:
    await world.revocations.load()
    async with running(world):
        await world.pass_seconds(1)
        last = world.clock.now()
        world.clock.wall += timedelta(seconds=jump)
        await world.pass_seconds(1)

        since = world.clock.now() - TOKEN_LIFE if asks_for_all else last
        assert world.store.asked[-1] == since - OVERLAP
