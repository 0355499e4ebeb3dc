"""docs/asvs.md goes through every requirement of the standard, and names only what exists."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chat_server.settings import variables_by_field
from tests.support import pages

PAGE = pages.ROOT / "docs" / "asvs.md"
SECURITY = pages.ROOT / "docs" / "security.md"
LEVELS = Path(__file__).with_name("asvs_levels.txt")
"""The numbers and levels of OWASP ASVS 5.0.0, levels 1 and 2; the texts are the standard's."""
ANSWERS = ("met", "not ours", "not yet")
CHAPTERS = re.compile(r"^## (V\d+ .+)$", re.MULTILINE)
QUOTED = re.compile(r'`(docs/[a-z-]+\.md)` \(((?:"[^"]+"(?:, )?)+)\)')


def rows() -> list[list[str]]:
    chapters = CHAPTERS.findall(PAGE.read_text(encoding="utf-8"))
    return [list(row) for chapter in chapters for row in pages.table(PAGE, chapter)]


def functions() -> Iterator[str]:
    for folder in (pages.ROOT / "tests", pages.ROOT / "chat_core" / "testing"):
        for module in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name


def named() -> set[str]:
    return {name for row in rows() for name in pages.code(row[4])}


def test_each_requirement_is_answered_once() -> None:
    required = [tuple(line.split()) for line in LEVELS.read_text(encoding="ascii").splitlines()]
    assert len(required) == 253
    assert [(number, level) for number, level, *_ in rows()] == required


def test_each_answer_is_one_of_three_and_says_by_what_or_why() -> None:
    assert {row[3] for row in rows()} == set(ANSWERS)
    assert [row[0] for row in rows() if not row[2] or not row[4]] == []


def test_what_is_met_names_what_makes_it_so() -> None:
    assert [row[0] for row in rows() if row[3] == "met" and not pages.code(row[4])] == []


def test_every_test_that_a_row_names_exists() -> None:
    tests = {name for name in named() if name.startswith("test_")}
    assert len(tests) > 80
    assert tests - set(functions()) == set()


def test_every_setting_that_a_row_names_exists() -> None:
    settings = {name for name in named() if re.fullmatch(r"[A-Z][A-Z_]{3,}", name)}
    assert settings - {*variables_by_field().values(), "TRACE", "HTTP"} == set()


def test_every_file_that_a_row_names_exists() -> None:
    paths = {name for name in named() if re.fullmatch(r"[\w.-]+(/[\w.-]+)*\.[a-z]+", name)}
    paths |= {name for name in named() if "/" in name and re.fullmatch(r"[\w./-]*\w", name)}
    served = {"/api", "/health", "/metrics", "/schema", "/asyncapi.json", "/etc/chat-core.env"}
    missing = {path for path in paths - served if not (pages.ROOT / path).exists()}
    assert missing == set()


def test_every_section_that_a_row_names_is_on_its_page() -> None:
    for row in rows():
        for page, sections in QUOTED.findall(row[4]):
            headings = re.findall(r"^#+ (.+)$", (pages.ROOT / page).read_text(), re.MULTILINE)
            for section in re.findall(r'"([^"]+)"', sections):
                bold = f"**{section}" in (pages.ROOT / page).read_text(encoding="utf-8")
                assert section in headings or bold, (row[0], page, section)


def test_the_summary_counts_what_the_page_says() -> None:
    counted = Counter((row[1], row[3]) for row in rows())
    told = {
        (level, answer): int(number)
        for level, *numbers in pages.table(SECURITY, "ASVS")
        for answer, number in zip(ANSWERS, numbers, strict=True)
    }
    assert told == {(level, answer): counted[level, answer] for level in "12" for answer in ANSWERS}
