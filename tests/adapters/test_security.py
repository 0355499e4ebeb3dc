"""Passwords by argon2id and tokens by JWT: the shipped contracts, and what only they can do."""

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import argon2
import bcrypt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat_core.errors import Overloaded, TokenExpired, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.testing.makers import at
from chat_core.testing.security_contracts import PasswordHasherContract, TokenContract
from chat_security import Argon2Hasher, JwtTokens, is_bcrypt
from tests.support.waiting import PATIENCE_SECONDS

ANN = UserId("ann")
PHONE = SessionId("phone")
SECRET = "the secret that these tests sign their tokens with"
OTHER_SECRET = "another secret, which is just as long as the first"
LIFETIME = timedelta(minutes=10)
BCRYPTJS = "$2b$04$ZEE8U/KLngmIPjUuwUonOOsqsKp7POZnmD37EuNfPm3hxsZFB5wYy"
"""Made by bcryptjs 3.0.3 of `correct horse`."""


# ------------------------------------------------------------------------------------ passwords
def cheap_hasher(*, waiting: int = 50) -> Argon2Hasher:
    return Argon2Hasher(time_cost=1, memory_kib=8, threads=1, waiting=waiting)


@pytest.fixture
async def hasher() -> AsyncIterator[Argon2Hasher]:
    hasher = cheap_hasher()
    yield hasher
    hasher.close()


class TestArgon2Hasher(PasswordHasherContract):
    """The shipped contract."""


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make every hash wait for this event."""
    opened = threading.Event()
    hash_really = argon2.PasswordHasher.hash

    def hash_when_opened(self: argon2.PasswordHasher, password: bytes) -> str:
        assert opened.wait(timeout=PATIENCE_SECONDS)
        return hash_really(self, password)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_when_opened)
    yield opened
    opened.set()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """Write down the hashes that passwords are really verified against."""
    hashes: list[str] = []
    verify_really = argon2.PasswordHasher.verify

    def verify(self: argon2.PasswordHasher, password_hash: str, password: bytes) -> bool:
        try:
            return verify_really(self, password_hash, password)
        except argon2.exceptions.VerifyMismatchError:  # raised once the work has been done
            hashes.append(password_hash)
            raise

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return hashes


async def test_the_default_costs_are_those_that_owasp_names() -> None:
    hasher = Argon2Hasher()
    parameters = argon2.extract_parameters(await hasher.hash("correct horse"))
    hasher.close()

    assert parameters.type is argon2.Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)


async def test_a_hash_made_with_other_costs_still_verifies(hasher: Argon2Hasher) -> None:
    costlier = argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=2)

    assert await hasher.verify("correct horse", costlier.hash("correct horse"))


@pytest.mark.parametrize("password_hash", [None, "", "$2b$12$abcdefghijklmnopqrstuv", "garbled"])
async def test_without_a_hash_of_ours_a_password_costs_as_much(
    hasher: Argon2Hasher, verified: Sequence[str], password_hash: str | None
) -> None:
    ours = await hasher.hash("correct horse")

    assert not await hasher.verify("correct horse", password_hash)
    assert [argon2.extract_parameters(each) for each in verified] == [
        argon2.extract_parameters(ours)
    ]


@pytest.mark.parametrize(
    "rest", ["", "\u20ac", "v=19$m=8,t=1,p=1$$", "v=19$m=0,t=0,p=0$c2FsdA$aGFzaA"]
)
async def test_a_garbled_hash_of_ours_is_nobodys(hasher: Argon2Hasher, rest: str) -> None:
    assert not await hasher.verify("correct horse", f"$argon2id${rest}")


async def test_a_hash_of_another_variant_is_none_of_ours(hasher: Argon2Hasher) -> None:
    foreign = argon2.PasswordHasher(1, 8, 1, type=argon2.Type.I).hash("correct horse")

    assert not await hasher.verify("correct horse", foreign)


@pytest.mark.parametrize("password", ["", "\0", "a\0b", "\ud800", "\udfff\ud800", "x" * 100_000])
async def test_any_text_can_be_a_password(hasher: Argon2Hasher, password: str) -> None:
    hashed = await hasher.hash(password)

    assert await hasher.verify(password, hashed)
    assert not await hasher.verify(password + "x", hashed)


async def test_a_hash_made_with_other_costs_is_outdated(hasher: Argon2Hasher) -> None:
    costlier = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)

    assert hasher.is_outdated(costlier.hash("correct horse"))


@pytest.mark.parametrize(
    ("password", "password_hash"),
    [
        ("correct horse", BCRYPTJS),
        ("", "$2b$04$1SffuX6cTKb9xYeARxXPuu56y/714xQ0aQaXjQvcaQIExioa0YfQC"),
        ("\u20ac\U0001f600 \u00e9", "$2b$04$773Kk5Oogq1gkIqfJ5D2M.hsIQXnh4mASfgOfAM3jEmX/esthU39S"),
        ("a\0b", "$2b$04$L4x/Xr4bhczIDPyiQGiKg.cBatN2uJ4YpKU8qedGWUKkZiakisZXS"),
        ("\ud800", "$2b$04$vcYz2EYAmkpHRbQld2p9kOmEy.RJCr8Bs6cj88XvAqW6qFbFQZh6y"),
        # Cut by bcrypt within a character.
        (
            "x" * 71 + "\u20ac and more",
            "$2b$04$M05iIrPMp9kiKjoiBPXjN.AfOrDzR9R8fKpIGP/houb1MiWvlLYM2",
        ),
        ("0123456789" * 10, "$2b$04$hx9/5s0HOCZqNpgRIWg0TuJuqjVjPLovoWxfTnIApAzyrBIa4blVu"),
    ],
)
@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
async def test_a_hash_of_bcryptjs_verifies_and_is_outdated(
    hasher: Argon2Hasher, password: str, password_hash: str, version: str
) -> None:
    given = password_hash.replace("2b", version, 1)

    assert is_bcrypt(given)
    assert await hasher.verify(password, given)
    assert not await hasher.verify(f"_{password}", given)
    assert hasher.is_outdated(given)


async def test_bcrypt_sees_72_bytes_of_a_password(hasher: Argon2Hasher) -> None:
    password_hash = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()

    assert await hasher.verify("x" * 1000, password_hash)
    assert not await hasher.verify("x" * 71, password_hash)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("$2b$", "$2x$"),
        ("$2b$", "$2$"),
        ("$2b$", "$2c$"),
        ("$04$", "$03$"),
        ("$04$", "$17$"),
        ("$04$", "$31$"),
        ("$04$", "$4$"),
        ("$04$", "$\u0660\u0664$"),
        ("Yy", "Y"),
        ("Yy", "Yy\n"),
        ("Yy", "Y\u20ac"),
        ("Yy", "Y\0"),
    ],
)
async def test_a_garbled_hash_of_bcrypt_is_nobodys_and_costs_as_an_unknown_user_does(
    hasher: Argon2Hasher, verified: Sequence[str], part: str, other: str
) -> None:
    garbled = BCRYPTJS.replace(part, other)

    assert garbled != BCRYPTJS
    assert not is_bcrypt(garbled)
    assert not await hasher.verify("correct horse", garbled)
    assert len(verified) == 1


@given(rest=st.text("./Ab01$\u20ac", max_size=60), cost=st.integers(0, 4))
@example(rest="~" * 53, cost=4)
@example(rest="." * 53, cost=4)
@example(rest="z" * 53, cost=4)
def test_what_looks_like_a_hash_of_bcrypt_is_never_an_error(rest: str, cost: int) -> None:
    async def verify() -> bool:
        hasher = cheap_hasher()
        try:
            return await hasher.verify("correct horse", f"$2b$0{cost}${rest}")
        finally:
            hasher.close()

    assert not asyncio.run(verify())


async def test_bcrypt_leaves_the_event_loop_to_others(hasher: Argon2Hasher) -> None:
    password_hash = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(11)).decode()
    verifying = asyncio.create_task(hasher.verify("correct horse", password_hash))
    turns = 0
    while not verifying.done():
        await asyncio.sleep(0)
        turns += 1

    assert await verifying
    assert turns > 20


async def test_bcrypt_has_its_place_in_the_same_queue(gate: threading.Event) -> None:
    hasher = cheap_hasher(waiting=0)
    hashing = asyncio.create_task(hasher.hash("correct horse"))
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await hasher.verify("correct horse", BCRYPTJS)
    gate.set()
    await hashing
    hasher.close()


async def test_hashing_leaves_the_event_loop_to_others() -> None:
    hasher = Argon2Hasher(time_cost=8, memory_kib=65_536, threads=1)  # some hundred milliseconds
    hashing = asyncio.create_task(hasher.hash("correct horse"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    hasher.close()

    assert turns > 20


async def test_more_calls_than_may_wait_are_overload(gate: threading.Event) -> None:
    hasher = cheap_hasher(waiting=2)
    calls = [asyncio.create_task(hasher.hash("correct horse")) for _ in range(3)]
    await asyncio.sleep(0)  # all of them have begun: one is at work and two wait
    assert (hasher.waiting, hasher.refused) == (2, 0)

    for call in (hasher.hash("correct horse"), hasher.verify("correct horse", None)):
        with pytest.raises(Overloaded) as overloaded:
            await call
        assert overloaded.value.retry_after == 1

    assert (hasher.waiting, hasher.refused) == (2, 2)
    gate.set()
    await asyncio.gather(*calls)
    assert await hasher.hash("correct horse")
    assert hasher.waiting == 0
    hasher.close()


async def test_calls_that_go_ahead_wait_for_no_others_and_have_places_of_their_own(
    gate: threading.Event,
) -> None:
    hasher = cheap_hasher(waiting=2)
    done: list[str] = []

    def begin(name: str, call: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        async def follow() -> None:
            await call
            done.append(name)

        return asyncio.create_task(follow())

    calls = [begin(f"other {number}", hasher.hash("correct horse")) for number in range(3)]
    await asyncio.sleep(0)  # all of them have begun: one is at work and two wait
    with pytest.raises(Overloaded):
        await hasher.verify("correct horse", BCRYPTJS)
    calls += [begin(f"ahead {n}", hasher.verify_ahead("correct horse", BCRYPTJS)) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await hasher.verify_ahead("correct horse", BCRYPTJS)

    gate.set()
    await asyncio.gather(*calls)
    assert done == ["other 0", "ahead 0", "ahead 1", "ahead 2", "other 1", "other 2"]
    assert (hasher.waiting, hasher.refused) == (0, 2)
    hasher.close()


async def test_what_fails_in_a_thread_is_told_to_its_caller(
    hasher: Argon2Hasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(argon2.PasswordHasher, "verify", fail)
        with pytest.raises(MemoryError):
            await hasher.verify("correct horse", None)
    assert hasher.waiting == 0
    assert not await hasher.verify("correct horse", None)


async def test_a_caller_that_gives_up_leaves_its_place_when_the_work_is_done(
    gate: threading.Event,
) -> None:
    hasher = cheap_hasher(waiting=1)
    working, waiting = (asyncio.create_task(hasher.hash("correct horse")) for _ in range(2))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    replacement = asyncio.create_task(hasher.hash("correct horse"))
    await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait([working])
    with pytest.raises(Overloaded):  # the thread is still at work for nobody
        await hasher.hash("correct horse")

    gate.set()
    assert await replacement
    hasher.close()


async def test_closing_answers_those_that_wait_and_takes_no_more(gate: threading.Event) -> None:
    hasher = cheap_hasher(waiting=1)
    calls = [asyncio.create_task(hasher.hash("correct horse")) for _ in range(2)]
    await asyncio.sleep(0)

    hasher.close()
    gate.set()
    assert len(await asyncio.gather(*calls)) == 2
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await hasher.hash("correct horse")


# --------------------------------------------------------------------------------------- tokens
def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(header: object, claims: object, *, secret: str = SECRET, digest: str = "sha256") -> str:
    """A token made without the library that is tested."""
    text = f"{segment(header)}.{segment(claims)}"
    signature = hmac.new(secret.encode(), text.encode(), digest).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    return json.loads(header), json.loads(claims)


def tokens(secret: str = SECRET, previous: str | None = None) -> JwtTokens:
    return JwtTokens(secret, previous=previous, lifetime=LIFETIME)


HEADER, CLAIMS = parts(tokens().issue(ANN, PHONE, at(0)).text)


def without(mapping: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in mapping.items() if key != name}


FORGERIES = {
    "no key id": signed(without(HEADER, "kid"), CLAIMS),
    "a key id that is not known": signed(HEADER | {"kid": "0" * 16}, CLAIMS),
    **{
        f"the key id {kid!r}"[:60]: signed(HEADER | {"kid": kid}, CLAIMS)
        for kid in (
            "", ["x"], {"x": "y"}, 5, True, None, HEADER["kid"].upper(), HEADER["kid"] + "\0",
            f" {HEADER['kid']}", "../../../dev/null", "' OR '1'='1", "\ud800", "x" * 3000,
            "https://evil.example/jwks.json",
        )
    },
    "a key of its own": signed(
        HEADER | {"kid": "mine", "jwk": {"kty": "oct", "k": "eA"}, "jku": "https://evil.example"},
        CLAIMS,
        secret="x",
    ),
    "no algorithm": signed(without(HEADER, "alg"), CLAIMS),
    "a stronger algorithm": signed(HEADER | {"alg": "HS512"}, CLAIMS, digest="sha512"),
    "the algorithm `none`": f"{segment(HEADER | {'alg': 'none'})}.{segment(CLAIMS)}.",
    **{
        f"the algorithm `{none}`": f"{segment(HEADER | {'alg': none})}.{segment(CLAIMS)}."
        for none in ("None", "NONE", "nOnE", "")
    },
    "no signature": f"{segment(HEADER)}.{segment(CLAIMS)}.",
    **{
        # To whoever believes the header the secret would be a public key, and anybody's.
        f"{algorithm} over HMAC": signed(HEADER | {"alg": algorithm}, CLAIMS)
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA", "HS384", "hs256")
    },
    "an algorithm that is no text": signed(HEADER | {"alg": {"HS256": 1}}, CLAIMS),
    "another type": signed(HEADER | {"typ": "at+jwt"}, CLAIMS),
    "a type that is no text": signed(HEADER | {"typ": ["JWT"]}, CLAIMS),
    "an extension": signed(HEADER | {"crit": ["x"], "x": 1}, CLAIMS),
    "a detached payload": signed(HEADER | {"b64": False}, CLAIMS),
    "a header that is no object": signed([1], CLAIMS),
    "claims that are no object": signed(HEADER, [1]),
    "another issuer": signed(HEADER, CLAIMS | {"iss": "mail"}),
    "another audience": signed(HEADER, CLAIMS | {"aud": "mail"}),
    "several audiences": signed(HEADER, CLAIMS | {"aud": ["chat", "mail"]}),
} | {
    f"no {name}": signed(HEADER, without(CLAIMS, name)) for name in CLAIMS
} | {
    f"{name} = {value!r}": signed(HEADER, CLAIMS | {name: value})
    for name in ("sub", "sid", "iss", "aud", "jti")
    for value in ("", 5, None, True, ["x"], {"x": "y"})
} | {
    f"exp = {value!r}": signed(HEADER, CLAIMS | {"exp": value})
    for value in (
        True, None, "", str(CLAIMS["exp"]), float(CLAIMS["exp"]), float("inf"), float("nan"),
        [CLAIMS["exp"]], 10**12, 10**30, -(10**30),
    )
}  # fmt: skip


class TestJwtTokens(TokenContract):
    """The shipped contract."""

    @pytest.fixture
    def lifetime(self) -> timedelta:
        return LIFETIME

    @pytest.fixture
    def issuer(self) -> JwtTokens:
        return tokens()

    @pytest.fixture
    def verifier(self) -> JwtTokens:
        return tokens()

    @pytest.fixture
    def foreign(self) -> JwtTokens:
        return tokens(OTHER_SECRET)

    @pytest.fixture
    def forgeries(self) -> Sequence[str]:
        return list(FORGERIES.values())


def test_a_token_has_the_header_and_the_claims_of_the_contract() -> None:
    header, claims = parts(tokens().issue(ANN, PHONE, at(0.7)).text)

    assert header == {"alg": "HS256", "kid": HEADER["kid"], "typ": "JWT"}
    assert claims == {
        "sub": "ann",
        "sid": "phone",
        "iss": "chat",
        "aud": "chat",
        "iat": int(at(0).timestamp()),
        "exp": int(at(600).timestamp()),
        "jti": claims["jti"],
    }


def test_a_token_that_someone_else_signed_by_the_contract_is_good() -> None:
    token = signed(without(HEADER, "typ"), CLAIMS | {"jti": "1", "more": [1]})

    assert tokens().verify(token, at(0)).user_id == ANN


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_invalid_before_its_end_and_after(name: str) -> None:
    for now in (at(0), at(1_000_000)):
        with pytest.raises(TokenInvalid):
            tokens().verify(FORGERIES[name], now)


@pytest.mark.parametrize("issued", [0, 10**11, "yesterday"])
def test_when_a_token_says_it_was_issued_is_not_judged(issued: object) -> None:
    assert tokens().verify(signed(HEADER, CLAIMS | {"iat": issued}), at(0)).session_id == PHONE


def test_time_is_what_the_caller_says_and_not_the_machine() -> None:
    for start in (datetime(1999, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)):
        token = tokens().issue(ANN, PHONE, start)
        verifier = tokens()

        assert verifier.verify(token.text, start).expires_at == start + LIFETIME
        with pytest.raises(TokenExpired):
            verifier.verify(token.text, start + LIFETIME)


def test_the_previous_secret_still_verifies_and_no_longer_signs() -> None:
    old = tokens(OTHER_SECRET).issue(ANN, PHONE, at(0)).text
    rotated = tokens(SECRET, previous=OTHER_SECRET)
    new = rotated.issue(ANN, PHONE, at(0)).text

    assert rotated.verify(old, at(0)) == rotated.verify(new, at(0))
    assert tokens(SECRET).verify(new, at(0)).user_id == ANN
    with pytest.raises(TokenInvalid):
        tokens(OTHER_SECRET).verify(new, at(0))
    with pytest.raises(TokenInvalid):
        tokens(SECRET).verify(old, at(0))


def test_a_token_that_is_remembered_expires_and_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verifier = tokens()
    token = verifier.issue(ANN, PHONE, at(0)).text
    claims = verifier.verify(token, at(0))
    monkeypatch.setattr("jwt.get_unverified_header", lambda _: pytest.fail("it was read again"))

    assert verifier.verify(token, at(599)) == claims
    with pytest.raises(TokenExpired):
        verifier.verify(token, at(600))


def test_what_is_remembered_of_a_token_ends_with_its_key() -> None:
    token = tokens(OTHER_SECRET).issue(ANN, PHONE, at(0)).text
    for verifier in (tokens(OTHER_SECRET), tokens(SECRET, previous=OTHER_SECRET)):
        assert verifier.verify(token, at(0)) == verifier.verify(token, at(1))

    with pytest.raises(TokenInvalid):
        tokens(SECRET).verify(token, at(2))


def test_a_signature_is_judged_though_the_same_claims_are_remembered() -> None:
    verifier = tokens()
    token = verifier.issue(ANN, PHONE, at(0)).text
    head, claims, signature = token.split(".")
    assert verifier.verify(token, at(0)).user_id == ANN

    other = ("A" if signature[0] != "A" else "B") + signature[1:]
    with pytest.raises(TokenInvalid):
        verifier.verify(f"{head}.{claims}.{other}", at(0))


def test_one_keys_name_does_not_let_the_other_key_sign() -> None:
    rotated = tokens(SECRET, previous=OTHER_SECRET)

    with pytest.raises(TokenInvalid):
        rotated.verify(signed(HEADER, CLAIMS, secret=OTHER_SECRET), at(0))


def test_a_keys_name_comes_from_the_secret_and_does_not_tell_it() -> None:
    kids = [parts(tokens(secret).issue(ANN, PHONE, at(0)).text)[0]["kid"]
            for secret in (SECRET, SECRET, OTHER_SECRET)]  # fmt: skip

    assert kids[0] == kids[1] != kids[2]
    assert len(kids[0]) == 16  # 64 bits: too few to tell 32 bytes
    assert kids[0] not in hashlib.sha256(SECRET.encode()).hexdigest()


def test_a_token_past_4096_characters_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = tokens()
    room = 4096 - len(signed(HEADER, CLAIMS | {"more": ""}))
    fits = signed(HEADER, CLAIMS | {"more": "x" * (room * 3 // 4 - 2)})
    too_long = signed(HEADER, CLAIMS | {"more": "x" * (room * 3 // 4 + 8)})

    assert 4088 < len(fits) <= 4096 < len(too_long)
    assert verifier.verify(fits, at(0)).user_id == ANN
    monkeypatch.setattr("jwt.get_unverified_header", lambda _: pytest.fail("it was read"))
    with pytest.raises(TokenInvalid):
        verifier.verify(too_long, at(0))


@pytest.mark.parametrize("garbage", [None, 5, 5.0, b"a.b.c", [], {}, ["a.b.c"], object()])
def test_what_is_no_text_is_invalid(garbage: object) -> None:
    with pytest.raises(TokenInvalid):
        tokens().verify(cast("str", garbage), at(0))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
changed_headers = st.dictionaries(st.sampled_from([*HEADER, "crit", "b64"]), json_values)
changed_claims = st.dictionaries(st.sampled_from([*CLAIMS, "nbf"]), json_values)


@given(
    st.text(st.characters())
    | st.builds(
        lambda header, claims: signed(HEADER | header, CLAIMS | claims),
        changed_headers,
        changed_claims,
    )
    | st.builds(signed, json_values, json_values)
)
@example("\ud800.\udfff.x")
@example(f"{base64.urlsafe_b64encode(b'[' * 2997).decode()}.e30.x")
@example(f"{base64.urlsafe_b64encode(b'1' * 3000).decode()}.e30.x")
@example("é" * 1365 + "..")
def test_whatever_the_text_it_is_good_or_invalid_or_expired(text: str) -> None:
    try:
        claims = tokens().verify(text, at(0))
    except (TokenInvalid, TokenExpired):
        return
    assert claims.user_id
    assert claims.session_id
    assert claims.expires_at > at(0)


@pytest.mark.parametrize(
    ("secret", "previous"),
    [
        ("", None),
        ("x" * 31, None),
        ("é" * 15, None),
        (SECRET, ""),
        (SECRET, "x" * 31),
        (f"-----BEGIN PUBLIC KEY-----\n{'A' * 64}\n-----END PUBLIC KEY-----", None),
    ],
)
def test_a_secret_that_is_short_or_known_to_others_is_refused(
    secret: str, previous: str | None
) -> None:
    with pytest.raises(ValueError, match="secret"):
        JwtTokens(secret, previous=previous, lifetime=LIFETIME)


@pytest.mark.parametrize("secret", ["x" * 32, "é" * 16, "\udcff" * 32])
def test_32_bytes_are_enough(secret: str) -> None:
    fresh = JwtTokens(secret, previous=secret, lifetime=LIFETIME)

    assert fresh.verify(fresh.issue(ANN, PHONE, at(0)).text, at(0)).user_id == ANN


def test_a_lifetime_under_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="second"):
        JwtTokens(SECRET, lifetime=timedelta(milliseconds=999))


@pytest.mark.parametrize("library", ["argon2", "bcrypt", "jwt"])
def test_without_a_library_the_error_names_the_extra(library: str) -> None:
    program = f"import sys; sys.path[:0] = {sys.path!r}; sys.modules[{library!r}] = None"
    failed = subprocess.run(
        [sys.executable, "-c", f"{program}; import chat_security"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == (
        f'ImportError: chat_security needs {library}: pip install "chat-core[security]"'
    )
