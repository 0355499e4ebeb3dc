from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core.errors import RefreshReused, TokenExpired
from chat_core.sessions import (
    LOST_ANSWER,
    RefreshChain,
    RefreshLimits,
    RefreshToken,
    RefreshUse,
    Session,
)
from chat_core.sessions import digest as digest_of
from chat_core.testing.makers import at, session, user

WINDOW = LOST_ANSWER.total_seconds()
LIMITS = RefreshLimits(idle=timedelta(seconds=60), total=timedelta(seconds=300))
FAMILY = b"family"
ANNS = session(user("ann"))

Step = tuple[int, float]
"""Which of the tokens that were given is used, and how many seconds later."""

steps = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([0, 1, WINDOW, WINDOW + 1, 50])), max_size=25
)


def digest(number: int) -> bytes:
    return f"{number}".encode()


def used(presented: bytes, replacement: bytes, when: datetime) -> RefreshUse:
    return RefreshUse(FAMILY, presented, replacement, when, LIMITS)


def good_tokens(login: Session, chain: RefreshChain, given_out: int, now: float) -> list[int]:
    """The tokens of all that were given that would be taken now."""
    good = []
    for number in range(given_out):
        try:
            used(digest(number), b"new", at(now)).judge(login, chain)
        except (RefreshReused, TokenExpired):
            continue
        good.append(number)
    return good


@given(uses=steps)
def test_only_the_token_in_force_and_for_a_while_the_one_before_are_good(uses: list[Step]) -> None:
    login, chain, now = ANNS, RefreshChain(digest(0)), 0.0
    given_out = 1
    # The model: who brought whom, and when a token was first used.
    parent: dict[int, int] = {}
    first_used: dict[int, float] = {}
    in_force = 0
    for choice, seconds in uses:
        now += seconds
        token = choice % given_out
        is_over = now - (login.last_seen_at - at(0)).total_seconds() >= 60 or now >= 300
        before = parent.get(in_force)
        is_good = token == in_force or (token == before and now - first_used[token] <= WINDOW)
        use = used(digest(token), digest(given_out), at(now))
        if is_over:
            with pytest.raises(TokenExpired):
                use.judge(login, chain)
            return
        if not is_good:
            with pytest.raises(RefreshReused):
                use.judge(login, chain)
            return
        login, chain = use.judge(login, chain)
        assert login == replace(ANNS, last_seen_at=at(now))
        parent[given_out] = token
        first_used.setdefault(token, now)
        in_force = given_out
        given_out += 1
        # At most one chain is good: its newest token, and for a while the one that brought it.
        good = good_tokens(login, chain, given_out, now)
        assert good == [token, in_force]
        assert good_tokens(login, chain, given_out, now + WINDOW + 1) == [in_force]


@given(seconds=st.floats(0, 400))
def test_a_session_lasts_to_its_limits_and_not_beyond(seconds: float) -> None:
    seen = replace(ANNS, last_seen_at=at(250))
    use = used(b"a", b"b", at(250 + seconds))
    if seconds < 50:
        use.judge(seen, RefreshChain(b"a"))
    else:
        with pytest.raises(TokenExpired):
            use.judge(seen, RefreshChain(b"a"))


def test_a_clock_that_went_back_moves_nothing_back() -> None:
    seen = replace(ANNS, last_seen_at=at(10))
    chain = RefreshChain(b"b", b"a", at(10))
    for token in (b"a", b"b"):
        after, _ = used(token, b"c", at(5)).judge(seen, chain)
        assert after.last_seen_at == at(10)


def test_a_token_that_is_neither_is_used_up_at_any_time() -> None:
    chain = RefreshChain(b"c", b"b", at(10))
    for seconds in (0, 10, 59):
        with pytest.raises(RefreshReused):
            used(b"a", b"d", at(seconds)).judge(ANNS, chain)
    with pytest.raises(RefreshReused):
        used(b"a", b"d", at(1)).judge(ANNS, RefreshChain(b"b"))


def test_a_chain_from_before_families_gets_one_with_its_first_use() -> None:
    chain = RefreshChain(b"b", b"a", at(10))
    for token in (b"a", b"b"):
        _, after = used(token, b"c", at(11)).judge(ANNS, chain)
        assert after.family == FAMILY


def test_the_tokens_of_a_session_share_their_family_and_nothing_else() -> None:
    first = RefreshToken.first()
    tokens = [first, first.next(), first.next().next()]
    assert {each.family for each in tokens} == {first.family}
    assert len({each.secret for each in tokens}) == 3
    assert [RefreshToken.parse(each.text) for each in tokens] == tokens
    assert RefreshToken.first().family != first.family


def test_the_family_of_a_token_from_before_is_always_the_same_and_not_what_is_stored_of_it() -> (
    None
):
    old, other = "x" * 43, "y" * 43
    family = RefreshToken.parse(old).family
    assert RefreshToken.parse(old).next().family == family
    assert RefreshToken.parse(RefreshToken.parse(old).next().text).family == family
    assert RefreshToken.parse(other).family != family
    assert family not in {digest_of(old).hex(), old}


@pytest.mark.parametrize("text", ["", ".", ".x", "x.", "x.y.z", "\ud800", "\ud800.\0"])
def test_any_text_is_a_token_that_may_be_unknown(text: str) -> None:
    token = RefreshToken.parse(text)
    assert RefreshToken.parse(token.next().text).family == token.family
