"""Whoever guesses passwords is stopped, shuts nobody else out, and learns no name."""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from pathlib import Path

import httpx

from tests.support.server import PASSWORD, Api, ServerProcess, answered, refused

GUESSES = 1000
AT_ONCE = 20

MIN_PAIRS, MAX_PAIRS = 60, 600
"""Of timed log-ins. Other work on the machine disturbs a few; more of them bring medians nearer."""
TOLERANCE = 0.10


def guess(http: httpx.AsyncClient, username: str, number: int) -> asyncio.Task[httpx.Response]:
    """A log-in with a wrong password that claims to come from somewhere else each time."""
    body = {"username": username, "password": f"guess number {number}"}
    forged = f"198.51.{number // 256}.{number % 256}"
    headers = {"X-Forwarded-For": forged, "Forwarded": f"for={forged}", "X-Real-IP": forged}
    return asyncio.create_task(http.post("/users/login", json=body, headers=headers))


async def test_1000_guesses_are_stopped_whatever_they_claim_and_the_user_gets_in_meanwhile(
    tmp_path: Path,
) -> None:
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with (
        ServerProcess(tmp_path, CHAT_RATE_LIMITS="on") as server,
        Api(server.url) as guesser,
        Api(server.url, transport=elsewhere) as owner,
    ):
        alice = await owner.person("alice")
        right = {"username": alice.username, "password": PASSWORD}
        answers: list[httpx.Response] = []
        for begin in range(0, GUESSES, AT_ONCE):
            numbers = range(begin, begin + AT_ONCE)
            guesses = [guess(guesser.http, alice.username, number) for number in numbers]
            answered(await owner.http.post("/users/login", json=right), 200)
            answers += await asyncio.gather(*guesses)

        codes = Counter(answer.json()["code"] for answer in answers)
        assert set(codes) == {"invalid_credentials", "rate_limited"}
        assert 5 <= codes["invalid_credentials"] <= 10  # on a slow machine some minutes go by
        assert {answer.status_code for answer in answers} == {401, 429}
        # Nor does the guesser get in from where the guesses came, should one be right by then.
        refused(await guesser.http.post("/users/login", json=right), 429, "rate_limited")
        answered(await owner.http.get("/users/me", headers=alice.bearer), 200)
        # Whoever shares the guesser's address has an account of their own.
        assert (await guesser.log_in((await owner.person("bob")).username)).id


async def test_an_unknown_name_and_a_wrong_password_get_one_answer_and_take_as_long(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        alice = await api.person("alice", email="alice@example.com")
        known, unknown = {"username": alice.username}, {"username": "nobody-of-that-name"}
        seconds: dict[str, list[float]] = {"known": [], "unknown": []}

        async def timed(kind: str, login: dict[str, str]) -> httpx.Response:
            began = time.perf_counter()
            answer = await api.http.post("/users/login", json={**login, "password": "a wrong one"})
            seconds[kind].append(time.perf_counter() - began)
            return answer

        for pair in itertools.count():
            # In turns, and each first as often as the other: what disturbs one disturbs both.
            order = [("known", known), ("unknown", unknown)]
            first, second = [await timed(*each) for each in (order if pair % 2 else order[::-1])]
            assert refused(first, 401, "invalid_credentials") == refused(
                second, 401, "invalid_credentials"
            )
            assert _named(first) == _named(second)
            ratio = statistics.median(seconds["known"]) / statistics.median(seconds["unknown"])
            if pair >= MIN_PAIRS and abs(ratio - 1) < TOLERANCE:
                break
            assert pair < MAX_PAIRS, f"the medians differ: {ratio:.2f}"


def _named(answer: httpx.Response) -> list[str]:
    return sorted(name for name in answer.headers if name not in {"date", "x-request-id"})


async def test_more_log_ins_than_can_be_judged_are_overload_and_hold_nothing_else_up(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        alice = await api.person("alice")
        wrong = [
            {"username": f"nobody{number}", "password": "a wrong one"} for number in range(300)
        ]
        limits = httpx.Limits(max_connections=None)
        async with Api(server.url, limits=limits) as crowd:
            tasks = [
                asyncio.create_task(crowd.http.post("/users/login", json=each)) for each in wrong
            ]
            answered(await api.http.get("/users/me", headers=alice.bearer), 200)
            answers = await asyncio.gather(*tasks)

        for answer in answers:
            if answer.status_code == 503:
                refused(answer, 503, "overloaded")
                assert int(answer.headers["retry-after"]) >= 1
            else:
                refused(answer, 401, "invalid_credentials")
        judged = Counter(answer.status_code for answer in answers)
        assert judged[401] >= 51
        assert judged[503] >= 1
        assert (await api.log_in(alice.username)).id == alice.id
