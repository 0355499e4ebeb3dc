"""Every threat in SECURITY.md names tests that try it, and there are such tests."""

import ast
from collections.abc import Iterator

from tests.support import pages

PAGE = pages.ROOT / "SECURITY.md"


def functions() -> Iterator[str]:
    """The names of all functions beside the tests, and of the contract suites."""
    for folder in (pages.ROOT / "tests", pages.ROOT / "chat_core" / "testing"):
        for module in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name


def test_every_threat_names_tests_that_exist() -> None:
    rows = pages.table(PAGE, "Threats")
    assert len(rows) > 20
    assert [threat for _, threat, _, named in rows if not pages.code(named)] == []
    named_tests = {name for row in rows for name in pages.code(row[3])}
    assert named_tests - {name for name in functions() if name.startswith("test_")} == set()


def test_no_threat_is_listed_twice() -> None:
    """As a merge of two who changed one row would have it."""
    rows = pages.table(PAGE, "Threats")
    threats = [(who, threat) for who, threat, _, _ in rows]
    assert [each for each in threats if threats.count(each) > 1] == []
    named = [frozenset(pages.code(row[3])) for row in rows]
    assert [sorted(names) for names in named if named.count(names) > 1] == []
