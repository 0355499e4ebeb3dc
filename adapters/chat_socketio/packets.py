"""Socket.IO packets of the default namespace, as the text of an Engine.IO message."""

import re
from enum import StrEnum

from chat_wire import encode

_EVENT = re.compile(r"(\d{0,15})(.*)", re.DOTALL)


class PacketType(StrEnum):
    """The first character of a packet."""

    CONNECT = "0"
    DISCONNECT = "1"
    EVENT = "2"
    ACK = "3"


DISCONNECT = PacketType.DISCONNECT.value
"""The packet that ends a client's place in the namespace."""


def event(name: str, payload: object) -> str:
    """An event with one argument, for a client."""
    return f'{PacketType.EVENT.value}["{name}",{encode(payload).decode()}]'


def ack(ack_id: str, payload: object) -> str:
    """The answer to a client's event."""
    return f"{PacketType.ACK.value}{ack_id}[{encode(payload).decode()}]"


def split_event(frame: str) -> tuple[str, str]:
    """The ack id (empty where none is asked for) and the JSON of an event, its type cut off."""
    match = _EVENT.fullmatch(frame)
    return (match[1], match[2]) if match else ("", frame)
