"""What a test does when something that it needs is not on this machine."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip with a line that says so; with `CHAT_TEST_REQUIRE_SERVICES=1`, fail."""
    if os.environ.get("CHAT_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, and CHAT_TEST_REQUIRE_SERVICES=1", pytrace=False)
    pytest.skip(what)
