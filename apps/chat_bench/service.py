"""chat-server, as it is started to be measured."""

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
"""On a free port of this machine, with tokens that outlive a run."""


def settings() -> dict[str, str]:
    """With a secret of its own."""
    return {**SETTINGS, "JWT_SECRET": secrets.token_urlsafe(48)}


def command() -> list[str]:
    """How it is started. Raises `StartError`."""
    if importlib.util.find_spec("chat_server") is None:
        raise StartError('there is no chat-server: pip install "chat-core[server]"')
    return [sys.executable, "-m", "chat_server", "run"]
