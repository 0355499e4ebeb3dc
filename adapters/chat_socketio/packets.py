"""Socket.IO packets of the default namespace, as the text of an Engine.IO message."""

import re
from enum import StrEnum

from chat_wire import encode

MAX_ACK_ID = 15
"""Digits."""

_ACK_ID = re.compile(rf"[0-9]{{0,{MAX_ACK_ID}}}")


class PacketType(StrEnum):
    """The first character of a packet."""

    CONNECT = "0"
    DISCONNECT = "1"
    EVENT = "2"
    ACK = "3"


_EVENT, _ACK = PacketType.EVENT.value, PacketType.ACK.value
DISCONNECT = PacketType.DISCONNECT.value
"""The packet that ends a client's place in the namespace."""


def event(name: str, payload: object) -> str:
    """An event with one argument, for a client."""
    return f'{_EVENT}["{name}",{encode(payload).decode()}]'


def ack(ack_id: str, payload: object) -> str:
    """The answer to a client's event."""
    return f"{_ACK}{ack_id}[{encode(payload).decode()}]"


def split_event(frame: str) -> tuple[str, str]:
    """The ack id (empty where none is asked for) and the JSON of an event, its type cut off."""
    end = frame.find("[")
    # `isdigit` alone takes digits of every script.
    if not 0 <= end <= MAX_ACK_ID or not (frame[:end].isdigit() and frame[:end].isascii()):
        match = _ACK_ID.match(frame)
        end = match.end() if match else 0
    return frame[:end], frame[end:]
