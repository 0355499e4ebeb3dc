"""Error messages and progress bars of the commands that work on data."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from chat_core.errors import ChatError
from chat_server.commands.failures import fail, reporting_errors


@contextmanager
def reporting_data_errors(interrupted: str) -> Iterator[None]:
    """Report errors as `reporting_errors` does, and copies that can't be made as messages too."""
    # Imported here so that `--help` stays quick.
    from chat_server.databases import CopyRefused  # noqa: PLC0415

    with reporting_errors(interrupted):
        try:
            yield
        except (ChatError, CopyRefused) as error:
            fail(str(error))


@contextmanager
def steps(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of steps just done; a terminal shows a bar."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


@contextmanager
def parts(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with the parts done and their total; a terminal shows a bar."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, length: int) -> None:
            bar.length = length
            bar.update(done - bar.pos)

        yield show
