"""A chat client for bots and tests, which implements the client's part of reliable delivery."""

from chat_client.client import ChatClient
from chat_client.in_process import InProcessWire
from chat_client.state import ChatState, ConversationState
from chat_client.wire import Disconnected, Listener, PasswordChangeRequired, Refused, Wire

__all__ = [
    "ChatClient",
    "ChatState",
    "ConversationState",
    "Disconnected",
    "InProcessWire",
    "Listener",
    "PasswordChangeRequired",
    "Refused",
    "Wire",
]
