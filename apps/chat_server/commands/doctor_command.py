# ruff: noqa: D301 FBT001 (Click reads \b as "do not wrap"; a flag is a parameter)
"""`chat-server doctor`."""

import asyncio
import json
import sys

import click

from chat_core.findings import Finding, Level
from chat_server.commands.failures import FAILED, reporting_errors
from chat_server.commands.listing import counted
from chat_server.commands.options import json_option


@click.command()
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Number of live connections you expect.",
)
@json_option
def doctor(connections: int, as_json: bool) -> None:
    """Check the settings, the port, this machine's limits and the database.

    Prints one line for each check: ok, warning or problem, and what to do about it. It works
    whether the service is running or not, and changes nothing. The exit code is 1 if it finds a
    problem.

    \b
    Example:
      chat-server doctor --connections 5000
    """
    found: list[Finding] = []

    async def look() -> None:
        from chat_server.doctor import examine  # noqa: PLC0415  (`--help` stays quick)

        async for finding in examine(connections):
            found.append(finding)
            if not as_json:
                click.echo(_line(finding))

    with reporting_errors("Stopped."):
        asyncio.run(look())
    problems = sum(each.level is Level.PROBLEM for each in found)
    warnings = sum(each.level is Level.WARNING for each in found)
    if as_json:
        findings = [_described(each) for each in found]
        told_all = {"problems": problems, "warnings": warnings, "findings": findings}
        click.echo(json.dumps(told_all, indent=2))
    else:
        click.echo(f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}")
    if problems:
        sys.exit(FAILED)


def _line(finding: Finding) -> str:
    what_to_do = f". To do: {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<8} {finding.subject}: {finding.said}{what_to_do}"


def _described(finding: Finding) -> dict[str, str]:
    return {
        "level": finding.level,
        "subject": finding.subject,
        "said": finding.said,
        "remedy": finding.remedy,
    }
