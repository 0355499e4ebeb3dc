# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `PasswordHasher`, `TokenIssuer`, `TokenVerifier` and `SecurityEvents`."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings

from chat_core.errors import TokenExpired, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.security import (
    PasswordHasher,
    SecurityEvents,
    TokenIssuer,
    TokenVerifier,
)
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_core.sessions import AccessToken, Claims
from chat_core.testing.makers import at
from chat_core.testing.strategies import hostile_texts

ANN = UserId("0190a5a0-ann")
PHONE = SessionId("0190a5a0-phone")
INSTANT = timedelta(milliseconds=1)
HASHES_OF_OTHERS = (
    "",
    "x",
    "plain",
    "plain$0",
    "correct horse",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA",
    "$2b$12$abcdefghijklmnopqrstuv",
    "\u20ac",
)


class PasswordHasherContract:
    """Tests that every `PasswordHasher` must pass. Subclass it, and give it a `hasher` fixture.

    The adapter's own tests have to show that no call blocks the event loop, that an unknown user
    takes as long as a known one, how overload and hashes of former costs are handled.
    """

    @pytest.mark.parametrize(
        "password", ["correct horse", "\u20ac\U0001f600 \u00e9", "a$b$c", " spaces ", "x" * 256]
    )
    async def test_only_the_password_that_was_hashed_is_right(
        self, hasher: PasswordHasher, password: str
    ) -> None:
        hashed = await hasher.hash(password)

        assert await hasher.verify(password, hashed)
        for other in ("", password + " ", password[:-1], password.swapcase() + "x", "\ud800", "\0"):
            assert not await hasher.verify(other, hashed)

    async def test_the_same_password_twice_gives_two_hashes(self, hasher: PasswordHasher) -> None:
        hashes = [await hasher.hash("correct horse") for _ in range(2)]

        assert hashes[0] != hashes[1]
        assert [await hasher.verify("correct horse", each) for each in hashes] == [True, True]

    async def test_a_call_that_goes_ahead_judges_as_the_others(
        self, hasher: PasswordHasher
    ) -> None:
        hashed = await hasher.hash("correct horse")

        assert await hasher.verify_ahead("correct horse", hashed)
        for password, of in (("wrong horse", hashed), ("correct horse", None)):
            assert not await hasher.verify_ahead(password, of)

    @pytest.mark.parametrize("password", ["correct horse", ""])
    async def test_with_no_hash_no_password_is_right(
        self, hasher: PasswordHasher, password: str
    ) -> None:
        assert not await hasher.verify(password, None)

    @pytest.mark.parametrize("foreign", HASHES_OF_OTHERS)
    async def test_with_a_hash_that_is_none_of_this_hashers_no_password_is_right(
        self, hasher: PasswordHasher, foreign: str
    ) -> None:
        assert not await hasher.verify("correct horse", foreign)
        assert not await hasher.verify("", foreign)

    async def test_a_hash_is_outdated_unless_it_is_as_hashes_are_made_now(
        self, hasher: PasswordHasher
    ) -> None:
        made_now = [await hasher.hash(password) for password in ("correct horse", "", "\u20ac")]

        assert [hasher.is_outdated(each) for each in made_now] == [False, False, False]

    @pytest.mark.parametrize("foreign", HASHES_OF_OTHERS)
    async def test_a_hash_that_is_none_of_this_hashers_is_outdated(
        self, hasher: PasswordHasher, foreign: str
    ) -> None:
        assert hasher.is_outdated(foreign)


class TokenVerifierContract:
    """Tests that every `TokenVerifier` must pass.

    Subclass it, and give it the fixtures `verifier` and `token`, a valid token of the user `ANN`
    and the session `PHONE` that expires after `at(0)`. Override `forgeries` with tokens that would
    be valid at `at(0)` with the right signature or all claims.
    """

    @pytest.fixture
    def forgeries(self) -> Sequence[str]:
        """Return tokens that are valid at `at(0)`, except for the key, the algorithm or a claim."""
        return ()

    def test_a_token_says_whose_it_is_and_when_it_ends(
        self, verifier: TokenVerifier, token: AccessToken
    ) -> None:
        assert verifier.verify(token.text, at(0)) == Claims(ANN, PHONE, token.expires_at)

    def test_a_token_of_another_key_or_algorithm_or_without_a_claim_is_invalid(
        self, verifier: TokenVerifier, forgeries: Sequence[str]
    ) -> None:
        for forgery in forgeries:
            with pytest.raises(TokenInvalid):
                verifier.verify(forgery, at(0))

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(text=hostile_texts)
    @example("eyJhbGciOiJub25lIn0.e30.")
    @example("..")
    @example("[1]")
    @example('["", "", "", 1, 1]')
    def test_text_that_is_no_token_at_all_is_invalid(
        self, verifier: TokenVerifier, text: str
    ) -> None:
        with pytest.raises(TokenInvalid):
            verifier.verify(text, at(0))

    def test_part_of_a_token_is_invalid(self, verifier: TokenVerifier, token: AccessToken) -> None:
        for part in (token.text[:-2], token.text[2:], token.text * 2):
            with pytest.raises(TokenInvalid):
                verifier.verify(part, at(0))

    def test_a_token_has_expired_at_its_end_without_leeway_and_after(
        self, verifier: TokenVerifier, token: AccessToken
    ) -> None:
        verifier.verify(token.text, token.expires_at - INSTANT)
        for late in (timedelta(0), INSTANT, timedelta(days=1000)):
            with pytest.raises(TokenExpired):
                verifier.verify(token.text, token.expires_at + late)


class TokenContract(TokenVerifierContract):
    """Tests that a `TokenIssuer` and the `TokenVerifier` of its tokens must pass.

    Subclass it, and give it the fixtures `issuer`, `verifier`, `foreign` (an issuer with another
    key) and `lifetime` (the issuer's). Override `forgeries` with tokens that have other faults.
    """

    @pytest.fixture
    def token(self, issuer: TokenIssuer) -> AccessToken:
        """Return a valid token."""
        return issuer.issue(ANN, PHONE, at(0))

    @pytest.mark.parametrize("started", [0.0, 0.001, 0.5, 0.999])
    def test_a_token_ends_at_a_full_second_never_later_than_its_lifetime(
        self, issuer: TokenIssuer, lifetime: timedelta, started: float
    ) -> None:
        ends = issuer.issue(ANN, PHONE, at(started)).expires_at

        assert ends.microsecond == 0
        assert ends.utcoffset() == timedelta(0)
        assert timedelta(0) <= at(started) + lifetime - ends < timedelta(seconds=1)

    @pytest.mark.parametrize("required", [False, True])
    def test_the_claims_say_whether_the_password_has_to_be_changed(
        self, issuer: TokenIssuer, verifier: TokenVerifier, *, required: bool
    ) -> None:
        token = issuer.issue(ANN, PHONE, at(0), password_change_required=required)

        assert verifier.verify(token.text, at(0)) == Claims(
            ANN, PHONE, token.expires_at, password_change_required=required
        )

    def test_two_calls_never_give_the_same_token(self, issuer: TokenIssuer) -> None:
        texts = [issuer.issue(ANN, PHONE, at(0)).text for _ in range(1000)]

        assert len(set(texts)) == 1000

    def test_a_token_of_another_key_is_invalid(
        self, verifier: TokenVerifier, foreign: TokenIssuer
    ) -> None:
        with pytest.raises(TokenInvalid):
            verifier.verify(foreign.issue(ANN, PHONE, at(0)).text, at(0))

    def test_a_foreign_token_is_invalid_after_its_end_too(
        self, verifier: TokenVerifier, foreign: TokenIssuer
    ) -> None:
        token = foreign.issue(ANN, PHONE, at(0))

        with pytest.raises(TokenInvalid):
            verifier.verify(token.text, token.expires_at)

    def test_a_token_that_was_issued_in_the_future_is_taken_all_the_same(
        self, issuer: TokenIssuer, verifier: TokenVerifier
    ) -> None:
        token = issuer.issue(ANN, PHONE, at(3600))

        assert verifier.verify(token.text, at(0)) == Claims(ANN, PHONE, token.expires_at)


class SecurityEventsContract:
    """Tests that every `SecurityEvents` must pass.

    Subclass it, and give it the fixtures `security_events` and `kept`, a function that returns the
    names of the events that were kept, in order.
    """

    def test_events_are_kept_in_the_order_of_the_calls(
        self, security_events: SecurityEvents, kept: Callable[[], list[str]]
    ) -> None:
        kinds = [*SecurityEventKind, *reversed(SecurityEventKind)]
        for kind in kinds:
            security_events.record(SecurityEvent(kind, ANN, PHONE, "192.0.2.1"))

        assert kept() == [kind.value for kind in kinds]

    def test_every_event_that_is_no_failed_or_refused_log_in_is_kept_among_many_of_those(
        self, security_events: SecurityEvents, kept: Callable[[], list[str]]
    ) -> None:
        failed = {SecurityEventKind.LOGIN_FAILED, SecurityEventKind.LOGIN_REFUSED}
        others = [kind for kind in SecurityEventKind if kind not in failed]
        for number in range(400):
            for kind in failed:
                security_events.record(SecurityEvent(kind, address=f"192.0.2.{number % 250}"))
        for kind in others:
            security_events.record(SecurityEvent(kind, ANN))

        assert kept()[-len(others) :] == [kind.value for kind in others]
