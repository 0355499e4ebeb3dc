"""How a command fails: in sentences on standard error, with an exit code, without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from chat_server.settings import SettingsError

FAILED = 1
INTERRUPTED = 130
"""The exit code by which a shell tells of Ctrl-C."""


class Wrong(click.ClickException):
    """The settings are not as they should be; each line names the one to mend."""

    exit_code = 2

    def __init__(self, error: SettingsError) -> None:
        super().__init__("\n".join(error.problems))

    def show(self, file: object = None) -> None:  # noqa: ARG002  (its base's)
        """Only the lines, on standard error."""
        click.echo(self.message, err=True)


@contextmanager
def told(interrupted: str) -> Iterator[None]:
    """Tell of wrong settings, and with that sentence of Ctrl-C."""
    try:
        yield
    except SettingsError as error:
        raise Wrong(error) from error
    except KeyboardInterrupt:
        fail(interrupted, INTERRUPTED)


def fail(sentence: str, exit_code: int = FAILED) -> NoReturn:
    """End with that sentence."""
    click.echo(sentence, err=True)
    sys.exit(exit_code)
