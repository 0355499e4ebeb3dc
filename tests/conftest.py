"""How long Hypothesis searches, and asserts in the contract suites that explain themselves.

`HYPOTHESIS_PROFILE` or `--hypothesis-profile` names the profile: `default` finds the same examples
in every run, `dev` looks for new ones, `prove` looks for long.
"""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

import chat_core.testing  # noqa: F401 (it registers the suites before they are imported)
from chat_mongo import MongoDatabase
from tests.support import server
from tests.support.mongod import stop_shared_mongod
from tests.support.server_log import secrets_in
from tests.support.signals import let_children_be_stopped
from tests.support.stores import empty_database

settings.register_profile(
    "default", derandomize=True, deadline=None, max_examples=50, print_blob=True
)
settings.register_profile("dev", deadline=None, max_examples=100)
settings.register_profile(
    "prove", deadline=None, max_examples=2_000, stateful_step_count=60, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
let_children_be_stopped()


LONG_SECONDS = 3600
"""How long a test may take that is for `make prove`; others: `timeout` in pyproject.toml."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    searches_long = settings.get_current_profile_name() == "prove"
    for item in items:
        if searches_long or item.get_closest_marker("prove"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.fixture(scope="session", autouse=True)
def _mongod() -> Iterator[None]:
    """Stop the mongod at the end, if a test has asked for it."""
    yield
    stop_shared_mongod()


@pytest.fixture(scope="session", autouse=True)
def _no_secret_in_any_log() -> Iterator[None]:
    """Look through the log of every server that this process has started."""
    yield
    told = {str(log): [*secrets_in(log)] for log in server.logs if log.exists()}
    assert not any(told.values()), {log: lines[:3] for log, lines in told.items() if lines}


@pytest.fixture
async def empty_mongodb() -> AsyncIterator[MongoDatabase]:
    """An open database that is empty at first."""
    async with empty_database() as database:
        yield database
