"""People who chat and read at fixed times, whatever goes on: a program of its own.

    python -m tests.support.open_loop   # with `Bystander`s at its standard input, in one line

What is to be sent is sent when it is its time, though nothing before it was answered, and it counts
from that time on: a server that stalls can't hide it by holding up who measures (coordinated
omission). Prints a line of JSON, a `Sample`, for each answer, until its standard input ends.
"""

import asyncio
import contextlib
import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Callable

import msgspec

from tests.support.hostile_peer import OPENED, HungUpError, Peer
from tests.support.waiting import eventually

PERIOD_SECONDS = 0.02
"""Between two messages, of all people together, and between two GETs."""
PATIENCE_SECONDS = 30.0
"""For the last answers."""
READ = ("/users/me", "/conversations?limit=20", "/conversations/{}/messages?limit=20")
"""What they ask for, in turn."""


class Bystander(msgspec.Struct, frozen=True):
    """One of them: so many are needed that none meets its rates."""

    url: str
    token: str
    recipient_id: str
    conversation_id: str


class Sample(msgspec.Struct, frozen=True):
    """One answer."""

    kind: str
    """`ack` or `get`."""
    due: float
    """When it was its time, by `time.monotonic`."""
    seconds: float
    """From then on to the answer."""
    late: float
    """Seconds from then on to the sending: what this program's own machine adds."""
    refusal: str = ""
    """What was said in place of what was asked for."""


class Talk:
    """Someone's socket."""

    def __init__(self, who: Bystander, peer: Peer, told: Callable[[Sample], None]) -> None:
        self._body = json.dumps({"recipientId": who.recipient_id, "content": "all is well"})
        self._peer = peer
        self._told = told
        self._ids = itertools.count(1)
        self._sent: dict[int, tuple[float, float]] = {}
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def opened(cls, who: Bystander, told: Callable[[Sample], None]) -> "Talk":
        """Connected and registered."""
        peer = await Peer.connected(who.url)
        assert await peer.upgrade(OPENED) == 101
        peer.say("40" + json.dumps({"token": who.token}))
        await peer.heard(b'42["registration_success"')
        return cls(who, peer, told)

    def send(self, due: float) -> None:
        """Send a message."""
        number = next(self._ids)
        self._sent[number] = due, time.monotonic() - due
        self._peer.say(f'42{number}["send_message",{self._body}]')

    async def close(self) -> None:
        """Wait for what is not answered; it counts as refused if it never is."""
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: not self._sent or self._task.done(), seconds=PATIENCE_SECONDS)
        self._peer.cut()
        await asyncio.wait([self._task])
        for due, late in self._sent.values():
            self._told(Sample("ack", due, time.monotonic() - due, late, "no answer"))

    async def _listen(self) -> None:
        with contextlib.suppress(HungUpError, TimeoutError):
            while True:
                text = await self._peer.heard(b"43", b"2")
                if text == b"2":
                    self._peer.say("3")
                    continue
                number, _, ack = text[2:].partition(b"[")
                due, late = self._sent.pop(int(number))
                refusal = "" if b'"ok":true' in ack else ack.decode()[:200]
                self._told(Sample("ack", due, time.monotonic() - due, late, refusal))


class Reading:
    """GETs over connections that are kept; one more is opened while all are waited for."""

    def __init__(self, told: Callable[[Sample], None]) -> None:
        self._told = told
        self._idle: deque[Peer] = deque()

    async def get(self, who: Bystander, target: str, due: float) -> None:
        """Ask for something."""
        late, refusal = time.monotonic() - due, ""
        try:
            peer = self._idle.popleft() if self._idle else await Peer.connected(who.url)
            header = f"Authorization: Bearer {who.token}"
            status, body = await peer.request("GET", target, b"", header)
            if status != 200:
                refusal = f"{status} {body.decode(errors='replace')[:200]}"
            self._idle.append(peer)
        except (HungUpError, OSError, TimeoutError) as error:
            refusal = repr(error)
        self._told(Sample("get", due, time.monotonic() - due, late, refusal))

    def close(self) -> None:
        """Hang up."""
        for peer in self._idle:
            peer.cut()


async def chat(people: list[Bystander], is_over: Callable[[], bool]) -> None:
    """Chat and read until then."""

    def told(sample: Sample) -> None:
        print(msgspec.json.encode(sample).decode(), flush=True)  # noqa: T201

    talks = [await Talk.opened(who, told) for who in people]
    reading, gets = Reading(told), set[asyncio.Task[None]]()
    due = time.monotonic()
    for number in itertools.count():
        if is_over():
            break
        due += PERIOD_SECONDS
        await asyncio.sleep(due - time.monotonic())
        who = people[number % len(people)]
        talks[number % len(people)].send(due)
        target = "/api/v1" + READ[number % len(READ)].format(who.conversation_id)
        get = asyncio.create_task(reading.get(who, target, due))
        gets.add(get)
        get.add_done_callback(gets.discard)
    await asyncio.gather(*gets, *(talk.close() for talk in talks))
    reading.close()


async def main() -> None:
    """Take the people from standard input, and end with it."""
    people = msgspec.json.decode(sys.stdin.buffer.readline(), type=list[Bystander])
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
    await chat(people, over.done)


if __name__ == "__main__":
    asyncio.run(main())
