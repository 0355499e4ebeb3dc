"""A replica set of three loses its primary while people write: nothing is lost, nothing doubled."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.live_socket import LiveSocket, live_socket
from tests.support.mongod import Mongod, ReplicaSet
from tests.support.senders import Sender, check_pair, pairs, total
from tests.support.server import Api, ServerProcess
from tests.support.waiting import eventually

BACK_SECONDS = 30
"""By then sends are stored again; an election takes about 12 seconds of it."""
ANSWER_SECONDS = 5

Fault = Callable[[Mongod], None]


async def test_the_primary_dies_under_load(tmp_path: Path) -> None:
    await lose_primaries(tmp_path, [Mongod.kill])


@pytest.mark.prove
async def test_one_primary_after_the_other_dies_hangs_or_is_stopped(tmp_path: Path) -> None:
    faults = [Mongod.kill, Mongod.freeze, Mongod.kill, Mongod.stop, Mongod.freeze, Mongod.kill]
    await lose_primaries(tmp_path, faults)


async def lose_primaries(folder: Path, faults: Sequence[Fault]) -> None:
    """Do that to the primary, again and again, while eight people write to each other in pairs."""
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
            sending = [
                asyncio.create_task(
                    sender.send_on(server.url, by_socket=number % 2 == 0, until=over.is_set)
                )
                for number, sender in enumerate(senders)
            ]
            for fault in faults:
                enough = total(senders) + 200
                await eventually(lambda: total(senders) >= enough, seconds=60)  # noqa: B023
                await lose_primary(servers, fault, senders)
            over.set()
            await asyncio.gather(*sending)
            for couple in couples:
                await check_couple(api, listening, couple)
        assert "Traceback" not in server.log


async def lose_primary(servers: ReplicaSet, fault: Fault, senders: Sequence[Sender]) -> None:
    """Do that to the primary, and wait until all is as before."""
    primary = await asyncio.to_thread(servers.primary)
    began = time.monotonic()
    await asyncio.to_thread(fault, primary)

    def goes_on(sender: Sender) -> bool:
        last = sender.answers[-1]
        return last.asked_at > began and last.message is not None

    await eventually(lambda: all(map(goes_on, senders)), seconds=BACK_SECONDS)
    for sender in senders:
        during = [each for each in sender.answers if each.asked_at + each.seconds > began]
        if fault is not Mongod.stop:  # which hands over before it goes
            assert any(each.message is None for each in during)
        assert max(each.seconds for each in during) < ANSWER_SECONDS
    if fault is Mongod.freeze:
        primary.thaw()
    else:
        await asyncio.to_thread(primary.start)
    await asyncio.to_thread(servers.wait_until_whole)


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
