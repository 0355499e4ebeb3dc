"""How the commands on data fail, and how they show that they get on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from chat_core.errors import ChatError
from chat_server.commands.failures import fail, told


@contextmanager
def data_told(interrupted: str) -> Iterator[None]:
    """Tell in a sentence of what can't be done, of wrong settings, and of Ctrl-C."""
    # `--help` stays quick.
    from chat_server.databases import CopyRefused  # noqa: PLC0415

    with told(interrupted):
        try:
            yield
        except (ChatError, CopyRefused) as error:
            fail(str(error))


@contextmanager
def steps(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """What to tell how many more are done; a terminal shows it as a bar."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


@contextmanager
def parts(label: str) -> Iterator[Callable[[int, int], None]]:
    """What to tell how many are done, of how many; a terminal shows it as a bar."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, length: int) -> None:
            bar.length = length
            bar.update(done - bar.pos)

        yield show
