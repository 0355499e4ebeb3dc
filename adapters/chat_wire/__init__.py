"""Typed structs for the wire format, with conversion to and from the core's types.

This package decodes all that clients send, strictly and within bounds, and builds all that they
receive, for HTTP and sockets alike.
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
