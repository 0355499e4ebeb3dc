"""A replica set of three loses its primary while people write: nothing is lost, nothing doubled."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.live_socket import LiveSocket, live_socket
from tests.support.machine_speed import check_took, within
from tests.support.mongod import Mongod, ReplicaSet
from tests.support.senders import Sender, check_pair, pairs, total
from tests.support.server import Api, ServerProcess
from tests.support.waiting import eventually

BACK_SECONDS = 30
"""By then sends are stored again; an election takes about 12 seconds of it."""
BACK_FROM_HANGING_SECONDS = 60
"""The same where a secondary has to give up the primary that hangs as the source of its log."""
ANSWER_SECONDS = 5

Fault = Callable[[Mongod], None]


async def test_the_primary_dies_under_load(tmp_path: Path) -> None:
    async with writing(tmp_path) as (servers, senders):
        await lose_primary(servers, Mongod.kill, senders)


@pytest.mark.prove
async def test_what_only_the_primary_has_is_not_acked_and_may_be_lost(tmp_path: Path) -> None:
    async with writing(tmp_path) as (servers, senders):
        primary = await asyncio.to_thread(servers.primary)
        others = [each for each in servers.members if each is not primary]
        for each in others:
            each.freeze()
        began = time.monotonic()
        await eventually(lambda: all(sender.refused for sender in senders))
        for sender in senders:
            assert all(each.message is None for each in sender.answers if each.asked_at > began)
        primary.kill()
        for each in others:
            each.thaw()
        await go_on(senders, began)
        await asyncio.to_thread(primary.start)
        await asyncio.to_thread(servers.wait_until_whole)


@pytest.mark.prove
async def test_one_primary_after_the_other_dies_hangs_or_is_stopped(tmp_path: Path) -> None:
    async with writing(tmp_path) as (servers, senders):
        for fault in (Mongod.kill, Mongod.freeze, Mongod.kill, Mongod.stop, Mongod.freeze):
            await lose_primary(servers, fault, senders)


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[tuple[ReplicaSet, list[Sender]]]:
    """Eight people who write to each other in pairs; afterwards nothing is missing anywhere."""
    with ReplicaSet(folder / "set", members=3) as servers:
        async with (
            ServerProcess(folder, DATABASE_URL=servers.url("chat")) as server,
            Api(server.url) as api,
            AsyncExitStack() as sockets,
        ):
            people = await api.people(*(f"person{number}" for number in range(8)))
            listening = {
                person.id: await sockets.enter_async_context(live_socket(server.url, person))
                for person in people
            }
            couples = pairs(people)
            senders = [sender for couple in couples for sender in couple]
            over = asyncio.Event()
            async with asyncio.TaskGroup() as sending:
                for number, sender in enumerate(senders):
                    work = sender.send_on(server.url, by_socket=number % 2 == 0, until=over.is_set)
                    sending.create_task(work)
                await write_on(senders)
                yield servers, senders
                over.set()
            for couple in couples:
                await check_couple(api, listening, couple)
        assert "Traceback" not in server.log


async def write_on(senders: Sequence[Sender]) -> None:
    """Wait until there are a good many more messages."""
    enough = total(senders) + 200
    await eventually(lambda: total(senders) >= enough, seconds=120)


async def go_on(senders: Sequence[Sender], began: float, *, seconds: float = BACK_SECONDS) -> None:
    """Wait until everyone's messages are stored again; till then everyone is told, and soon."""
    now = time.monotonic()

    def all_are_back() -> bool:
        return all(
            sender.answers[-1].asked_at > now and sender.answers[-1].message is not None
            for sender in senders
        )

    await within(seconds, eventually(all_are_back, seconds=3 * seconds))
    for sender in senders:
        during = [each for each in sender.answers if each.asked_at + each.seconds > began]
        check_took(max(each.seconds for each in during), ANSWER_SECONDS)


async def lose_primary(servers: ReplicaSet, fault: Fault, senders: Sequence[Sender]) -> None:
    """Do that to the primary, and wait until all is as before."""
    primary = await asyncio.to_thread(servers.primary)
    refused = [len(sender.refused) for sender in senders]
    began = time.monotonic()
    await asyncio.to_thread(fault, primary)
    hangs = fault is Mongod.freeze
    await go_on(senders, began, seconds=BACK_FROM_HANGING_SECONDS if hangs else BACK_SECONDS)
    if fault is not Mongod.stop:  # which hands over before it goes
        assert all(
            len(sender.refused) > before for sender, before in zip(senders, refused, strict=True)
        )
    if hangs:
        primary.thaw()
    else:
        await asyncio.to_thread(primary.start)
    await asyncio.to_thread(servers.wait_until_whole)
    await write_on(senders)


async def check_couple(
    api: Api, listening: dict[str, LiveSocket], couple: tuple[Sender, Sender]
) -> None:
    """All that was acked is stored; all that is stored was pushed, once and in order."""
    stored = await check_pair(api, *couple)
    assert not any(sender.unacked for sender in couple)
    conversation_id = stored[0]["conversationId"]
    for sender in couple:
        own = listening[sender.person.id]
        assert own.is_connected
        await own.wait_for("new_message", seq=len(stored))
        others = [
            each if each["senderId"] == sender.person.id else each | {"clientMessageId": None}
            for each in await api.history(sender.person, conversation_id)
        ]
        assert own.heard("new_message") == others
        assert [each["data"] for each in await own.log(conversation_id)] == others
