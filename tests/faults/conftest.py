"""What servers say in trouble is what they have said that they say."""

import pytest

from tests.support.asyncapi import check_what_was_heard

what_is_heard_fits = pytest.fixture(autouse=True)(check_what_was_heard)
