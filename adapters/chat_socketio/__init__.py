"""The Socket.IO transport: the effect of each packet, on top of python-socketio's server."""

try:
    import picows as _picows  # noqa: F401
    import socketio as _socketio  # noqa: F401
except ImportError as error:
    raise ImportError(
        'chat_socketio needs the extra "socketio": pip install "chat-core[socketio]"'
    ) from error

from chat_socketio.admission import Admission
from chat_socketio.app import SocketApp
from chat_socketio.authentication import Authentication
from chat_socketio.connections import Connection, Rooms, Transport
from chat_socketio.dispatcher import Dispatcher, SocketLimits
from chat_socketio.endpoint import SocketEndpoint
from chat_socketio.handlers import Handler, Pipelined, handlers, pipelined
from chat_socketio.outbound import Outbound, OutboundBound
from chat_socketio.server import OriginCheck, SocketServer, TransportLimits
from chat_socketio.takeover import DirectWebSockets

__all__ = [
    "Admission",
    "Authentication",
    "Connection",
    "DirectWebSockets",
    "Dispatcher",
    "Handler",
    "OriginCheck",
    "Outbound",
    "OutboundBound",
    "Pipelined",
    "Rooms",
    "SocketApp",
    "SocketEndpoint",
    "SocketLimits",
    "SocketServer",
    "Transport",
    "TransportLimits",
    "handlers",
    "pipelined",
]
