"""Socket.IO packets of the default namespace, as the text of Engine.IO messages."""

import re

from chat_wire import encode

MAX_ACK_ID = 15
"""Maximum number of digits in an ack id."""

_ACK_ID = re.compile(rf"[0-9]{{0,{MAX_ACK_ID}}}")


CONNECT, DISCONNECT, EVENT, ACK = "0", "1", "2", "3"
"""The first character of each packet type. A DISCONNECT alone removes a client from the
namespace."""


def event(name: str, payload: object) -> str:
    """Encode an event with one argument, for a client."""
    return f'{EVENT}["{name}",{encode(payload).decode()}]'


def ack(ack_id: str, payload: object) -> str:
    """Encode the answer to a client's event."""
    return f"{ACK}{ack_id}[{encode(payload).decode()}]"


def split_event(frame: str) -> tuple[str, str]:
    """Split an event without its type into the ack id (empty if there is none) and the JSON."""
    end = frame.find("[")
    if not end:
        return "", frame
    ack_id = frame[:end]
    # `isdigit` alone accepts the digits of every script.
    if 0 < end <= MAX_ACK_ID and ack_id.isdigit() and ack_id.isascii():
        return ack_id, frame[end:]
    match = _ACK_ID.match(frame)
    end = match.end() if match else 0
    return frame[:end], frame[end:]
