"""Failures of commands: a message on standard error and an exit code, but no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from chat_core.errors import ChatError
from chat_server.settings import SettingsError

FAILED = 1
INTERRUPTED = 130
"""The exit code that shells use for Ctrl-C."""


class InvalidSettings(click.ClickException):
    """Error for wrong settings; each line of the message names one of them."""

    exit_code = 2

    def __init__(self, error: SettingsError) -> None:
        super().__init__("\n".join(error.problems))

    def show(self, file: object = None) -> None:  # noqa: ARG002  (the base class's signature)
        """Print only the lines, on standard error."""
        click.echo(self.message, err=True)


@contextmanager
def reporting_errors(interrupted: str) -> Iterator[None]:
    """Report wrong settings and refusals as messages, and Ctrl-C with the given sentence."""
    try:
        yield
    except SettingsError as error:
        raise InvalidSettings(error) from error
    except ChatError as error:
        fail(error.detail)
    except (KeyboardInterrupt, click.Abort):
        fail(interrupted, INTERRUPTED)


def fail(sentence: str, exit_code: int = FAILED) -> NoReturn:
    """Print the sentence and exit."""
    click.echo(sentence, err=True)
    sys.exit(exit_code)
