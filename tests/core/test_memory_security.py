from datetime import timedelta

import pytest

from chat_core.memory import PlainHasher, PlainTokens
from chat_core.testing.security_contracts import PasswordHasherContract, TokenContract


class TestPlainHasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> PlainHasher:
        return PlainHasher()


class TestPlainTokens(TokenContract):
    @pytest.fixture
    def lifetime(self) -> timedelta:
        return timedelta(minutes=10)

    @pytest.fixture
    def issuer(self, lifetime: timedelta) -> PlainTokens:
        return PlainTokens(lifetime=lifetime)

    @pytest.fixture
    def verifier(self, issuer: PlainTokens) -> PlainTokens:
        return issuer

    @pytest.fixture
    def foreign(self) -> PlainTokens:
        return PlainTokens(key="another")
