"""The shapes of the wire as typed structs, to and from the core.

Whatever a client may send is decoded here, strictly and within bounds; whatever it gets is made
here, for HTTP and sockets alike.
"""

from chat_wire import events, requests, shapes
from chat_wire.codec import decode, decode_call, decode_frame, encode
from chat_wire.problems import STATUS, Problem, problem

__all__ = [
    "STATUS",
    "Problem",
    "decode",
    "decode_call",
    "decode_frame",
    "encode",
    "events",
    "problem",
    "requests",
    "shapes",
]
