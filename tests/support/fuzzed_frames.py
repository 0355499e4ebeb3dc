"""Frames of a client's websocket (RFC 6455, section 5.2), right ones and ones that were mangled."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_MASK = b"\x00\x00\x00\x00"  # a mask all the same, and the payload can be read in a dump


def frame(
    payload: bytes,
    kind: int = TEXT,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    size: int | None = None,
) -> bytes:
    """One frame. `size` is the length that it claims, `reserved` its three reserved bits."""
    claimed = len(payload) if size is None else size
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | reserved << 4 | kind])
    if claimed < 126:
        head += bytes([mask | claimed])
    elif claimed < 65_536:
        head += bytes([mask | 126]) + claimed.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + claimed.to_bytes(8, "big")
    return head + (_MASK if masked else b"") + payload


@dataclass(frozen=True, slots=True)
class Sent:
    """What is written to a websocket. `is_whole` is false where the server has to wait for more."""

    data: bytes
    is_whole: bool = True


@dataclass(slots=True)
class FrameFuzzer:
    """Carries packets in frames, most of them as one text frame."""

    chance: random.Random

    def frames(self, packet: bytes) -> Sent:
        """The packet in a frame, or in several, or in what is none."""
        dice = self.chance.random()
        if dice < 0.80:
            return Sent(frame(packet))
        if dice < 0.90:
            return Sent(b"".join(self._fragments(packet)))
        return self.chance.choice(self._mangled(packet))

    def _fragments(self, packet: bytes) -> Sequence[bytes]:
        """In order, with control frames between them; now and then empty, endless, or no end."""
        count = self.chance.choice((2, 3, 10, 200))
        places = sorted(self.chance.randrange(len(packet) + 1) for _ in range(count - 1))
        parts = [packet[a:b] for a, b in zip([0, *places], [*places, len(packet)], strict=True)]
        frames = []
        for number, part in enumerate(parts):
            kind = TEXT if number == 0 else CONTINUATION
            frames.append(frame(part, kind, fin=number == count - 1))
            if self.chance.random() < 0.1:
                frames.append(frame(b"beat", self.chance.choice((PING, PONG))))
        return frames

    def _mangled(self, packet: bytes) -> Sequence[Sent]:
        short = packet[:100]
        code = self.chance.choice((0, 999, 1000, 1005, 1006, 1015, 3000, 65_535)).to_bytes(2, "big")
        return (
            Sent(frame(packet, BINARY)),
            Sent(frame(packet, CONTINUATION)),
            Sent(frame(packet, self.chance.choice((3, 4, 7, 11, 15)))),
            Sent(frame(packet, reserved=self.chance.randrange(1, 8))),
            Sent(frame(packet, masked=False)),
            Sent(frame(short, PING) + frame(short, PONG)),
            Sent(frame(b"x" * 126, PING)),
            Sent(frame(short, PING, fin=False)),
            Sent(frame(code + short, CLOSE)),
            Sent(frame(b"\x03", CLOSE)),
            Sent(frame(b"", CLOSE)),
            Sent(frame(short, fin=False) + frame(short)),
            Sent(frame(short, fin=False) * 2),
            Sent(frame(short, size=2**63), is_whole=False),
            Sent(frame(short, size=2**31), is_whole=False),
            Sent(frame(short, size=65_000), is_whole=False),
            Sent(frame(packet, fin=False), is_whole=False),
            Sent(frame(packet)[: self.chance.randrange(1, 8)], is_whole=False),
            Sent(self.chance.randbytes(self.chance.randrange(1, 200)), is_whole=False),
        )
