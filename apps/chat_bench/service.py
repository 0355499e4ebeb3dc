"""The command and the settings with which chat-server is measured."""

import importlib.util
import secrets
import sys

from chat_bench.starting import StartError

SETTINGS = {
    "PORT": "0",
    "HOST": "127.0.0.1",
    "NODE_ENV": "production",
    "CHAT_RATE_LIMITS": "off",
    "CHAT_CONNECTIONS": "1000000",
    "CHAT_CONNECTIONS_PER_ADDRESS": "1000000",
    "CHAT_ACCESS_TOKEN_SECONDS": "86400",
}
"""Settings for a free port of this machine, and for tokens that stay valid for the whole run."""


def settings() -> dict[str, str]:
    """Return the settings with a new secret."""
    return {**SETTINGS, "JWT_SECRET": secrets.token_urlsafe(48)}


def command() -> list[str]:
    """Return the command that starts chat-server. Raises `StartError`."""
    if importlib.util.find_spec("chat_server") is None:
        raise StartError('chat-server is not installed: pip install "chat-core[server]"')
    return [sys.executable, "-m", "chat_server", "run"]
