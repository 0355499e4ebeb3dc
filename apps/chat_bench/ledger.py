"""A record of sent messages, which must not get lost, arrive twice or reach the wrong client."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chat_bench.tally import Tally

POLL_SECONDS = 0.01
LATE_SECONDS = 0.2
"""How long to wait for second copies after everything has arrived."""


@dataclass(slots=True)
class _Sent:
    sender: int
    started: float
    missing: set[int]
    is_acked: bool = False


class Ledger:
    """Follows each message from its sender to the ack and to all its recipients.

    `audience` gives the recipients of each sender. The content of a message is the run, the sender
    and the number of the message, filled up to `content_bytes`.
    """

    def __init__(  # noqa: PLR0913  (passed by name)
        self,
        tally: Tally,
        *,
        run: str,
        content_bytes: int,
        audience: Mapping[int, frozenset[int]],
        completed: Callable[[int], None],
        counts_deliveries: bool = False,
    ) -> None:
        self._tally = tally
        self._begin = f"{run}-"
        self._filler = "." * max(0, content_bytes - len(self.content(0, 0, "")))
        self._audience = audience
        self._completed = completed
        self._counts_deliveries = counts_deliveries
        self._under_way: dict[int, _Sent] = {}
        self._next = 0

    def content(self, sender: int, number: int, filler: str) -> str:
        """Return the content of a message."""
        return f"{self._begin}{sender:06x}-{number:08x}{filler}"

    def sent(self, sender: int, started: float) -> tuple[int, str]:
        """Record a message that is about to be sent, and return its number and content."""
        number = self._next
        self._next += 1
        self._under_way[number] = _Sent(sender, started, set(self._audience[sender]))
        return number, self.content(sender, number, self._filler)

    def acked(self, number: int) -> None:
        """Record the ack of a message."""
        sent = self._under_way.get(number)
        if sent is None or sent.is_acked:
            self._tally.problem("acked twice, or never sent")
            return
        sent.is_acked = True
        if not sent.missing:
            self._complete(number, sent)

    def refused(self, number: int, why: str) -> None:
        """Record the refusal of a message."""
        self._under_way.pop(number, None)
        self._tally.problem(f"refused: {why}")

    def heard(self, recipient: int, content: str) -> None:
        """Record the arrival of a message at a recipient."""
        number, sender = self._read(content)
        if number < 0:
            self._tally.problem("not what was sent")
            return
        if recipient not in self._audience.get(sender, ()):
            self._tally.problem("misrouted")
            return
        sent = self._under_way.get(number)
        if sent is None or recipient not in sent.missing:
            self._tally.problem("delivered twice")
            return
        sent.missing.remove(recipient)
        if self._counts_deliveries:
            self._tally.add()
        if not sent.missing and sent.is_acked:
            self._complete(number, sent)

    async def settle(self, seconds: float) -> None:
        """Wait for pending messages, but no longer than that."""
        deadline = time.monotonic() + seconds
        while self._under_way and not self._tally.is_broken:
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(POLL_SECONDS)

    async def close(self, seconds: float) -> None:
        """Wait for pending messages, but no longer than that; the others are lost."""
        await self.settle(seconds)
        await asyncio.sleep(LATE_SECONDS)
        if self._tally.is_broken:
            return
        for sent in self._under_way.values():
            self._tally.problem("lost" if sent.missing else "never acked")

    def _complete(self, number: int, sent: _Sent) -> None:
        del self._under_way[number]
        if not self._counts_deliveries:
            self._tally.add()
        self._tally.took("message", sent.started)
        self._completed(sent.sender)

    def _read(self, content: str) -> tuple[int, int]:
        """Return the number and the sender of a message, or -1 and -1 if another run sent it."""
        at = len(self._begin)
        try:
            sender, number = int(content[at : at + 6], 16), int(content[at + 7 : at + 15], 16)
        except ValueError:
            return -1, -1
        if content != self.content(sender, number, self._filler):
            return -1, -1
        return number, sender
