"""How much a connection may make the server do, counted before anything is decoded."""

from chat_core.limits import SLACK, Limit

UNIT_BYTES = 4_096
"""A frame counts once, and once more for each further 4 KiB: what a message may have by default."""

LONGEST_PAUSE_SECONDS = 2.0
"""The server reads again after this long in any case, and stops again at the next frame."""

MAX_PACKETS_IN_POST = 200
"""Of one polling request."""


class InboundBudget:
    """A connection's budget: frames and packets of every kind, by number and size.

    It is a token bucket that may run into debt: what was read is handled, and then the connection
    is not read until the budget is positive again. No I/O, and no clock: times are monotonic
    seconds.
    """

    __slots__ = ("_at", "_burst", "_per_second", "_tokens")

    def __init__(self, limit: Limit, now: float) -> None:
        self._burst = limit.burst
        self._per_second = limit.burst / limit.seconds
        self._tokens: float = limit.burst
        self._at = now

    def spend(self, size: int, now: float) -> float:
        """Count a frame of so many bytes: the seconds to read nothing more, 0.0 for none.

        A pause lasts until a tenth of the burst is there, so that a flood costs few timers.
        """
        tokens = self._tokens
        if now > self._at:
            tokens = min(self._burst, tokens + (now - self._at) * self._per_second)
            self._at = now
        self._tokens = tokens = tokens - 1 - size // UNIT_BYTES
        if tokens > -SLACK:
            return 0.0
        return min(LONGEST_PAUSE_SECONDS, (self._burst / 10 - tokens) / self._per_second)
