from dataclasses import dataclass, replace

import pytest

from chat_core import (
    Actor,
    ChatError,
    ConnectionId,
    Credentials,
    Limit,
    Login,
    LoginLimits,
    NewAccount,
    Session,
    SessionId,
    Sessions,
    User,
)
from chat_core.errors import (
    Invalid,
    InvalidCredentials,
    Overloaded,
    RateLimited,
    TokenExpired,
    TokenInvalid,
    WrongPassword,
)
from chat_core.memory import MemoryUserStore, PlainHasher
from chat_core.sessions import UNNAMED_DEVICE
from chat_core.testing.makers import at
from chat_core.testing.strategies import HOSTILE
from tests.support.engine import ADDRESS, PASSWORD, Engine

WRONG = "wrong horse"
ELSEWHERE = "192.0.2.2"
LIMITS = LoginLimits(
    per_account=Limit("per account", 3, 900),
    per_address=Limit("per address", 5, 60),
    per_account_total=Limit("per account in total", 40, 3600),
)


@pytest.fixture
async def ann(chat: Engine) -> User:
    return await chat.accounts.sign_up(NewAccount("Ann", PASSWORD, "ann@example.org"), ADDRESS)


@pytest.fixture
def sessions(chat: Engine) -> Sessions:
    return replace(chat.sessions, limits=LIMITS)


async def refusal(
    sessions: Sessions, login: str, password: str = WRONG, address: str = ADDRESS
) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await sessions.log_in(login, password, None, address)
    return caught.value


@pytest.mark.parametrize("login", ["Ann", "aNN", "ann@example.org", "ANN@Example.org"])
async def test_the_right_password_brings_a_session(chat: Engine, ann: User, login: str) -> None:
    chat.clock.advance(7)
    found = await chat.sessions.log_in(login, PASSWORD, "phone", ADDRESS)

    session = Session(found.session.id, ann.id, "phone", at(7), at(7), address=ADDRESS)
    assert (found.user, found.session) == (ann, session)
    assert await chat.stores.sessions.get(session.id) == session
    claims = chat.sessions.verify(found.access.text)
    assert (claims.user_id, claims.session_id) == (ann.id, session.id)
    assert claims.expires_at == found.access.expires_at
    for connection_id in (None, ConnectionId("phone's")):
        assert claims.actor(connection_id) == Actor(ann.id, session.id, connection_id)


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("2001:DB8::0001", "2001:db8::1"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("unknown", None),
        ("", None),
    ],
)
@pytest.mark.parametrize(
    ("user_agent", "named"),
    [
        ("Mozilla/5.0 (Linux)", "Mozilla/5.0 (Linux)"),
        ("a\0b\r\n\tc\x85\u202ed\u2028\ud800", "abcd"),
        (" " + "x" * 300, "x" * 200),
        ("\x01" * 70_000 + "x", None),
        ("", None),
        (None, None),
    ],
)
async def test_a_session_is_shown_with_where_it_comes_from(
    chat: Engine, address: str, shown: str | None, user_agent: str | None, named: str | None
) -> None:
    login = await chat.sessions.log_in("ann", PASSWORD, None, address, user_agent)
    assert (login.session.address, login.session.user_agent) == (shown, named)

    other = await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    refreshed = await chat.sessions.refresh(other.refresh_token, address, user_agent)
    assert refreshed.session.address == (shown or ADDRESS)
    assert refreshed.session.user_agent == named
    assert await chat.stores.sessions.get(other.session.id) == refreshed.session


@pytest.mark.usefixtures("ann")
async def test_every_login_has_a_session_and_tokens_of_its_own(chat: Engine) -> None:
    logins: list[Login] = [
        await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS) for _ in range(10)
    ]

    assert len({each.session.id for each in logins}) == 10
    assert len({each.access.text for each in logins}) == 10
    assert len({each.refresh_token for each in logins}) == 10
    assert {each.session.device for each in logins} == {UNNAMED_DEVICE}


@pytest.mark.usefixtures("ann")
async def test_the_store_gets_a_digest_of_the_refresh_token_and_not_the_token(
    chat: Engine,
) -> None:
    login = await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)

    assert len(login.refresh_token) >= 43
    assert login.refresh_token not in repr(chat.stores.sessions)


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("device", ["", "x" * 101, "\0"])
async def test_a_wrong_label_is_named_before_anything_is_counted(
    sessions: Sessions, device: str
) -> None:
    for _ in range(10):
        with pytest.raises(Invalid) as caught:
            await sessions.log_in("ann", WRONG, device, ADDRESS)
        assert [each.field for each in caught.value.errors] == ["device"]
    await sessions.log_in("ann", PASSWORD, "phone", ADDRESS)


@pytest.mark.usefixtures("ann")
async def test_the_refusal_does_not_tell_whether_there_is_such_a_user(sessions: Sessions) -> None:
    for attempt in range(4):
        known, unknown = [
            await refusal(sessions, login, address=address)
            for login, address in (("ann", ADDRESS), ("bob", ELSEWHERE))
        ]
        assert type(known) is type(unknown) is (RateLimited if attempt == 3 else InvalidCredentials)
        assert (known.detail, known.retry_after) == (unknown.detail, unknown.retry_after)


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("login", [*HOSTILE, "x" * 255, "ann\0", "ann ", "Ann\ud800"])
async def test_a_login_that_no_account_can_have_is_refused_like_an_unknown_one(
    sessions: Sessions, login: str
) -> None:
    for _ in range(3):
        assert isinstance(await refusal(sessions, login, PASSWORD), InvalidCredentials)
    assert isinstance(await refusal(sessions, login, PASSWORD), RateLimited)


async def test_the_store_is_only_asked_for_what_an_account_can_have(chat: Engine) -> None:
    asked: list[str] = []

    class CuriousUsers(MemoryUserStore):
        async def credentials(self, login: str) -> Credentials | None:
            asked.append(login)
            return await super().credentials(login)

    sessions = replace(chat.sessions, users=CuriousUsers())
    for login in ("ann", "a\0", "\ud800", "x" * 254, "x" * 255):
        await refusal(sessions, login)

    assert asked == ["ann", "x" * 254]


@pytest.mark.usefixtures("ann")
async def test_an_unknown_user_costs_a_verification_too(chat: Engine) -> None:
    verified: list[str | None] = []

    class CountingHasher(PlainHasher):
        async def verify(self, password: str, password_hash: str | None) -> bool:
            verified.append(password_hash)
            return await super().verify(password, password_hash)

    sessions = replace(chat.sessions, hasher=CountingHasher())
    await refusal(sessions, "ann")
    await refusal(sessions, "bob")
    await refusal(sessions, "x" * 300)

    assert [password_hash is None for password_hash in verified] == [False, True, True]


@pytest.mark.usefixtures("ann")
async def test_log_ins_that_succeed_are_not_counted(sessions: Sessions) -> None:
    for _ in range(20):
        await sessions.log_in("ann", PASSWORD, None, ADDRESS)


@pytest.mark.usefixtures("ann")
async def test_failed_log_ins_are_counted_by_account_and_address(
    chat: Engine, sessions: Sessions
) -> None:
    for _ in range(3):
        assert isinstance(await refusal(sessions, "ann"), InvalidCredentials)

    refused = await refusal(sessions, "ann", PASSWORD)
    assert isinstance(refused, RateLimited)
    assert refused.retry_after == pytest.approx(300)
    await sessions.log_in("ann", PASSWORD, None, ELSEWHERE)
    chat.clock.advance(300)
    await sessions.log_in("ann", PASSWORD, None, ADDRESS)
    assert isinstance(await refusal(sessions, "ann"), InvalidCredentials)
    assert isinstance(await refusal(sessions, "ann"), RateLimited)


@pytest.mark.usefixtures("ann")
async def test_one_account_has_one_count_by_whichever_of_its_names(sessions: Sessions) -> None:
    for login in ("ann", "ANN@example.org", "Ann"):
        assert isinstance(await refusal(sessions, login), InvalidCredentials)
    for login in ("ann@example.org", "aNN"):
        assert isinstance(await refusal(sessions, login, PASSWORD), RateLimited)


async def test_an_unknown_name_has_one_count_whatever_the_case(sessions: Sessions) -> None:
    for login in ("bob", "BOB", "\uff22ob"):
        assert isinstance(await refusal(sessions, login), InvalidCredentials)
    assert isinstance(await refusal(sessions, "bOb"), RateLimited)


@pytest.mark.usefixtures("ann")
async def test_failed_log_ins_are_counted_by_address_whatever_the_account(
    sessions: Sessions,
) -> None:
    for number in range(5):
        assert isinstance(await refusal(sessions, f"user{number}"), InvalidCredentials)

    refused = await refusal(sessions, "ann", PASSWORD)
    assert isinstance(refused, RateLimited)
    assert refused.retry_after == pytest.approx(12)
    await sessions.log_in("ann", PASSWORD, None, ELSEWHERE)


@pytest.mark.usefixtures("ann")
async def test_an_ipv6_network_counts_as_one_address_and_the_one_around_it_as_ten(
    sessions: Sessions,
) -> None:
    def address(network: int, host: int) -> str:
        return f"2001:db8:1:{network:x}::{host:x}"

    for host in range(3):
        refused = await refusal(sessions, "ann", address=address(0, host))
        assert isinstance(refused, InvalidCredentials)
    assert isinstance(await refusal(sessions, "ann", PASSWORD, address(0, 99)), RateLimited)
    for host in range(3, 30):
        refused = await refusal(sessions, "ann", address=address(host // 3, host))
        assert isinstance(refused, InvalidCredentials)

    assert isinstance(await refusal(sessions, "ann", PASSWORD, address(99, 1)), RateLimited)
    await sessions.log_in("ann", PASSWORD, None, "2001:db8:2::1")


@pytest.mark.usefixtures("ann", "bob")
async def test_whoever_goes_on_trying_one_account_shuts_out_nobody_else_at_that_address(
    sessions: Sessions,
) -> None:
    for _ in range(3):
        assert isinstance(await refusal(sessions, "ann"), InvalidCredentials)
    for _ in range(20):
        assert isinstance(await refusal(sessions, "ann"), RateLimited)

    assert isinstance(await refusal(sessions, "bob"), InvalidCredentials)
    await sessions.log_in("bob", PASSWORD, None, ADDRESS)


def guessers(number: int) -> list[str]:
    """So many addresses that no session was seen at."""
    return [f"198.51.{each // 250}.{each % 250}" for each in range(number)]


async def use_up_the_total(sessions: Sessions, login: str) -> None:
    for address in guessers(40):
        assert isinstance(await refusal(sessions, login, address=address), InvalidCredentials)
    assert isinstance(await refusal(sessions, login, PASSWORD, "198.51.9.9"), RateLimited)


@pytest.mark.usefixtures("ann", "bob")
async def test_failed_log_ins_to_one_account_from_unknown_addresses_are_counted_together(
    chat: Engine, sessions: Sessions
) -> None:
    await use_up_the_total(sessions, "ann")
    refused = await refusal(sessions, "ANN@example.org", PASSWORD, "2001:db8::1")
    assert isinstance(refused, RateLimited)
    assert refused.retry_after == pytest.approx(90)

    await sessions.log_in("bob", PASSWORD, None, "198.51.0.1")
    chat.clock.advance(90)
    await sessions.log_in("ann", PASSWORD, None, "198.51.9.9")


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("is_over", [False, True], ids=["a session", "one that has ended"])
@pytest.mark.parametrize(
    ("seen_at", "address"),
    [(ELSEWHERE, ELSEWHERE), ("2001:db8:1:2::3", "2001:db8:1:2:3:4:5:6")],
    ids=["IPv4", "the /64 of IPv6"],
)
async def test_guesses_from_elsewhere_do_not_hold_up_who_is_at_a_known_address(
    chat: Engine, sessions: Sessions, seen_at: str, address: str, *, is_over: bool
) -> None:
    login = await sessions.log_in("ann", PASSWORD, None, seen_at)
    if is_over:
        await sessions.end(login.user.id, login.session.id)
    await use_up_the_total(sessions, "ann")

    await sessions.log_in("ann", PASSWORD, None, address)
    for _ in range(3):  # there it is as it always was, and uses nothing up elsewhere
        assert isinstance(await refusal(sessions, "ann", address=address), InvalidCredentials)
    assert isinstance(await refusal(sessions, "ann", PASSWORD, address), RateLimited)
    chat.clock.advance(90)
    fresh = await refusal(sessions, "ann", address="198.51.9.9")
    assert isinstance(fresh, InvalidCredentials)


@pytest.mark.usefixtures("ann", "bob")
async def test_the_address_of_another_account_is_not_known(sessions: Sessions) -> None:
    await sessions.log_in("bob", PASSWORD, None, ELSEWHERE)
    await use_up_the_total(sessions, "ann")
    assert isinstance(await refusal(sessions, "ann", PASSWORD, ELSEWHERE), RateLimited)


async def test_an_unknown_account_has_the_same_total_and_is_not_that_of_a_users_id(
    sessions: Sessions, ann: User
) -> None:
    await use_up_the_total(sessions, "nobody")
    await use_up_the_total(sessions, ann.id)
    await sessions.log_in("ann", PASSWORD, None, "198.51.9.9")


async def test_right_passwords_do_not_use_up_the_total(sessions: Sessions, ann: User) -> None:
    for address in guessers(41):
        await sessions.log_in("ann", PASSWORD, None, address)
    for address in guessers(41):
        await sessions.check_password(ann.id, PASSWORD, address)


@pytest.mark.usefixtures("ann")
async def test_what_is_refused_is_not_judged_and_who_is_known_is_judged_first(
    sessions: Sessions,
) -> None:
    judged: list[str] = []

    class Watched(PlainHasher):
        async def verify(self, password: str, password_hash: str | None) -> bool:
            judged.append("in turn")
            return await super().verify(password, password_hash)

        async def verify_ahead(self, password: str, password_hash: str | None) -> bool:
            judged.append("ahead")
            return await super().verify(password, password_hash)

    await sessions.log_in("ann", PASSWORD, None, ELSEWHERE)
    watched = replace(sessions, hasher=Watched())
    await use_up_the_total(watched, "ann")
    assert judged == ["in turn"] * 40
    await watched.log_in("ann", PASSWORD, None, ELSEWHERE)
    assert judged[40:] == ["ahead"]


async def test_a_password_that_a_token_holder_is_asked_for_counts_in_the_total_too(
    sessions: Sessions, ann: User
) -> None:
    await sessions.log_in("ann", PASSWORD, None, ELSEWHERE)
    for address in guessers(40):
        with pytest.raises(WrongPassword):
            await sessions.check_password(ann.id, WRONG, address)
    with pytest.raises(RateLimited):
        await sessions.check_password(ann.id, PASSWORD, "198.51.9.9")
    assert isinstance(await refusal(sessions, "ann", PASSWORD, "198.51.9.9"), RateLimited)
    await sessions.check_password(ann.id, PASSWORD, ELSEWHERE)


@dataclass(slots=True)
class BusyHasher(PlainHasher):
    """Has too much to do."""

    async def verify(self, password: str, password_hash: str | None) -> bool:
        raise Overloaded


@pytest.mark.usefixtures("ann")
async def test_a_log_in_that_was_not_judged_is_not_counted(sessions: Sessions) -> None:
    busy = replace(sessions, hasher=BusyHasher())
    for _ in range(20):
        assert isinstance(await refusal(busy, "ann", PASSWORD), Overloaded)

    await sessions.log_in("ann", PASSWORD, None, ADDRESS)


@pytest.mark.usefixtures("ann")
async def test_a_token_is_good_until_it_ends_by_the_clock_here(chat: Engine) -> None:
    login = await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    life = (login.access.expires_at - chat.clock.now()).total_seconds()
    chat.clock.advance(life - 0.001)
    chat.sessions.verify(login.access.text)

    chat.clock.advance(0.001)
    with pytest.raises(TokenExpired):
        chat.sessions.verify(login.access.text)
    with pytest.raises(TokenInvalid):
        chat.sessions.verify("not a token")


@pytest.mark.usefixtures("ann")
async def test_a_device_gets_another_label(chat: Engine) -> None:
    login = await chat.sessions.log_in("ann", PASSWORD, "phone", ADDRESS)
    await chat.sessions.relabel(login.session.id, "new phone")

    assert await chat.stores.sessions.get(login.session.id) == replace(
        login.session, device="new phone"
    )
    with pytest.raises(Invalid):
        await chat.sessions.relabel(login.session.id, "")
    await chat.sessions.relabel(SessionId("unknown"), "new phone")
