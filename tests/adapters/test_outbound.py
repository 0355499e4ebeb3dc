"""The account of what waits for all clients."""

import asyncio
from dataclasses import dataclass

from chat_socketio import Outbound, OutboundBound

BOUND = OutboundBound(total_bytes=1_600)


@dataclass(eq=False)
class Reader:
    """A connection for which so much waits."""

    waiting: int
    is_cut_off: bool = False

    def untaken_bytes(self) -> int:
        return 0 if self.is_cut_off else self.waiting

    def cut_off(self) -> None:
        self.is_cut_off = True


def account(*waiting: int) -> tuple[Outbound, list[Reader]]:
    outbound, readers = Outbound(BOUND), [Reader(each) for each in waiting]
    outbound.watch(lambda: readers)
    return outbound, readers


def cut_off(readers: list[Reader]) -> list[int]:
    return [reader.waiting for reader in readers if reader.is_cut_off]


def test_those_with_the_most_are_cut_off_until_the_rest_is_within_the_bound() -> None:
    outbound, readers = account(100, 900, 300, 1_000, 0)
    outbound.look()
    assert cut_off(readers) == [1_000]
    readers[0].waiting = 600
    outbound.look()
    assert cut_off(readers) == [900, 1_000]


def test_what_is_within_the_bound_stays() -> None:
    outbound, readers = account(600, 1_000)
    outbound.look()
    assert cut_off(readers) == []


def test_all_kinds_of_connections_share_one_bound() -> None:
    outbound, readers = account(1_000)
    more = [Reader(700)]
    outbound.watch(lambda: more)
    outbound.look()
    assert cut_off(readers) == [1_000]
    assert cut_off(more) == []


async def test_writes_make_it_look_in_the_loops_next_turn_and_no_sooner() -> None:
    outbound, readers = account(2_000)
    outbound.wrote(1_600)
    await asyncio.sleep(0)
    assert cut_off(readers) == []
    outbound.wrote(1)
    outbound.wrote(1_600)
    assert cut_off(readers) == []
    await asyncio.sleep(0)
    assert cut_off(readers) == [2_000]


async def test_the_more_waits_the_sooner_it_looks_again() -> None:
    outbound, readers = account(1_590)
    outbound.look()
    readers[0].waiting = 1_700
    outbound.wrote(100)  # a sixteenth of the bound may be written in any case
    await asyncio.sleep(0)
    assert cut_off(readers) == []
    outbound.wrote(1)
    await asyncio.sleep(0)
    assert cut_off(readers) == [1_700]


async def test_who_takes_all_is_never_cut_off_however_much_is_written() -> None:
    outbound, readers = account(0, 10)
    for _ in range(100):
        outbound.wrote(1_000)
        await asyncio.sleep(0)
    assert cut_off(readers) == []
