"""Options that several commands share, and the prompt for a new password."""

import secrets
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from chat_core.errors import Invalid

Command = TypeVar("Command", bound=Callable[..., Any])
GENERATED_BYTES = 16
"""Number of random bytes in a generated password, which then has 22 characters."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Change nothing; print what would be done."
)
yes_option = click.option("--yes", is_flag=True, help="Skip the confirmation prompt.")


def password_options(command: Command) -> Command:
    """Add two options for giving a password without a prompt.

    Neither takes the password as an argument, because other users can see a command's arguments.
    """
    command = click.option(
        "--generate",
        is_flag=True,
        help="Generate a password and print it once. The user must change it at the first log-in.",
    )(command)
    return click.option(
        "--password-stdin", is_flag=True, help="Read the password from the first line of stdin."
    )(command)


def new_password(check: Callable[[str], str], *, password_stdin: bool, generate: bool) -> str:
    """Return the password from the options or from a prompt.

    The prompt repeats until `check` accepts the password. For the options, raises the `Invalid`
    that `check` raises.
    """
    if password_stdin and generate:
        raise click.UsageError("Use either --password-stdin or --generate, not both.")
    if generate:
        return check(secrets.token_urlsafe(GENERATED_BYTES))
    if password_stdin:
        return check(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to prompt for the password; use --password-stdin or --generate."
        )

    def checked(typed: str) -> str:
        try:
            return check(typed)
        except Invalid as error:
            raise click.BadParameter(error.detail) from error

    typed: str = click.prompt(
        "New password", hide_input=True, confirmation_prompt="Again", value_proc=checked
    )
    return typed


def confirm(question: str) -> None:
    """Ask for confirmation, and end the command unless the answer is yes."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to prompt for confirmation; use --yes.")
    if not click.confirm(question):
        click.echo("Nothing has changed.")
        raise click.exceptions.Exit
