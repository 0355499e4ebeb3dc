"""The entry point of `chat-bench`."""

import sys


def main() -> None:
    """Run the command line. If a library of the `bench` extra is missing, say so."""
    try:
        from chat_bench.commands import chat_bench  # noqa: PLC0415  (may fail here)

        chat_bench()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("chat_"):
            raise
        sys.exit(f'chat-bench needs {error.name}: pip install "chat-core[bench]"')
