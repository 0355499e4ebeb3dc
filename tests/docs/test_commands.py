"""What a page tells to type, to set or to look at is there; and what is there is on a page."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from chat_bench.commands import chat_bench
from chat_server.commands import chat_server
from chat_server.settings import variables_by_field
from tests.support import pages

PROGRAMS: Mapping[str, click.Command] = {"chat-bench": chat_bench, "chat-server": chat_server}
MAKEFILE = pages.ROOT / "Makefile"
CONTRIBUTING = pages.ROOT / "CONTRIBUTING.md"

OTHERS_VARIABLES = {"CHAT_SCREENSHOTS"}
"""What is no setting of the service, beside what the tests look for (`CHAT_TEST_…`)."""


def code(page: Path) -> Iterator[str]:
    """What a page shows as code: the lines of its commands, and the pieces within its text."""
    for block in pages.blocks(page):
        if block.language == "sh":
            yield from block.text.replace("\\\n", " ").splitlines()
    yield from pages.inline_code(page)


def calls(page: Path) -> Iterator[list[str]]:
    """The words of each call of one of the programs."""
    for line in code(page):
        for part in re.split(r"[|;&]", line.partition(" # ")[0]):
            words = [word.strip("\"'()") for word in part.split()]
            names = [Path(word).name for word in words]
            for program in PROGRAMS:
                if program in names:
                    yield [program, *words[names.index(program) + 1 :]]


def wrong_with(command: click.Command, words: list[str]) -> str | None:
    """What such a call would be refused for: a command or an option that is not there."""
    for place, word in enumerate(words):
        if isinstance(command, click.Group) and re.fullmatch(r"[a-z][\w-]*", word):
            found = command.get_command(click.Context(command), word)
            return wrong_with(found, words[place + 1 :]) if found else word
        option = word.partition("=")[0]
        if option.startswith("-") and option not in {*_options(command), "--help", "-h"}:
            return option
    return None


def _options(command: click.Command) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_every_command_and_option_that_a_page_names_is_there(page: Path) -> None:
    wrong = {
        " ".join([program, *words]): refused
        for program, *words in calls(page)
        if (refused := wrong_with(PROGRAMS[program], words))
    }

    assert wrong == {}


def test_a_command_or_an_option_that_is_not_there_is_found() -> None:
    assert wrong_with(chat_server, ["run", "--port", "80", "--quickly"]) == "--quickly"
    assert wrong_with(chat_server, ["fly"]) == "fly"
    assert wrong_with(chat_bench, ["run", "nothing"]) == "nothing"
    assert wrong_with(chat_server, ["import-original", "--from", "URL"]) is None


# ------------------------------------------------------------------------------------------- make
def made() -> set[str]:
    """What `make` alone lists."""
    return set(re.findall(r"^([a-z]+):.*## .+", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_everything_that_a_page_tells_to_make_can_be_made(page: Path) -> None:
    told = {name for line in code(page) for name in re.findall(r"(?:^|\s)make ([a-z]+)\b", line)}

    assert told - made() == set()


def test_everything_that_can_be_made_is_explained() -> None:
    rows = pages.table(CONTRIBUTING, "Commands")

    explained = {pages.code(command)[0].removeprefix("make ") for command, _ in rows}
    assert explained == made() - {"help"}


# --------------------------------------------------------------------------------------- settings
@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_every_setting_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"\bCHAT_[A-Z0-9_]+\b", page.read_text(encoding="utf-8")))

    known = {*variables_by_field().values(), *OTHERS_VARIABLES}
    assert {name for name in named if not name.startswith("CHAT_TEST_")} - known == set()
