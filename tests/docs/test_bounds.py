"""docs/operations.md tells of each bound what it looks like when it is reached."""

import ast
import re

from tests.support import pages

OPERATIONS = pages.ROOT / "docs" / "operations.md"
SETTINGS = pages.ROOT / "docs" / "settings.md"
LIVES = {"CHAT_ACCESS_TOKEN_SECONDS", "CHAT_REFRESH_IDLE_DAYS", "CHAT_REFRESH_MAX_DAYS"}
"""They say how long something lasts: nobody reaches them by asking for too much."""
NO_BOUND = {*LIVES, "CHAT_TRUSTED_PROXIES"}
SOURCES = ("apps/chat_server", "adapters/chat_socketio")


def rows() -> list[str]:
    return [" ".join(row) for row in pages.table(OPERATIONS, "When a bound is reached")]


def strings_in_the_code() -> set[str]:
    """Every text in the code that names limits."""
    return {
        node.value
        for folder in SOURCES
        for module in (pages.ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_bound_among_the_settings_has_a_row() -> None:
    settings = {name for row in pages.table(SETTINGS, "Limits") for name in pages.code(row[0])}
    named = {name for row in rows() for name in pages.code(row)}
    assert settings - NO_BOUND - named == set()


def test_each_limit_that_a_row_names_is_one_that_the_service_counts() -> None:
    named = {limit for row in rows() for limit in re.findall(r'limit="([^"]+)"', row)}
    assert len(named) > 5
    assert named - strings_in_the_code() == set()


def test_each_metric_that_a_row_names_is_explained() -> None:
    explained = {name for row in pages.table(OPERATIONS, "Metrics") for name in pages.code(row[0])}
    named = {metric for row in rows() for metric in re.findall(r"chat_[a-z_]+", row)}
    assert named - explained == set()
