"""The entry point of `chat-server`."""

import sys


def main() -> None:
    """Run the command line. If a library of the `server` extra is missing, say so."""
    try:
        from chat_server.commands import chat_server  # noqa: PLC0415  (may fail here)

        chat_server()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("chat_"):
            raise
        sys.exit(f'chat-server needs {error.name}: pip install "chat-core[server]"')
