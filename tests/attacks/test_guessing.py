"""Guesses from as many addresses as there are: the right owner still logs in, and soon."""

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from tests.support.attack import Attack, Orders, Request, Requests
from tests.support.machine_speed import times_slower
from tests.support.scene import NEEDS_LINUX, Scene, scene
from tests.support.server import Api
from tests.support.verdict import attacked

GUESSES = 10_000
"""In a minute, each from an address of its own."""
SHORT_SECONDS = 3.0
OWNER_SECONDS = 2.0
"""On an idle machine."""

pytestmark = NEEDS_LINUX


@pytest.fixture(scope="module")
def guessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("guessing")) as opened:
        yield opened


@pytest.mark.parametrize(
    "seconds", [SHORT_SECONDS, pytest.param(60.0, marks=pytest.mark.prove)], ids=str
)
async def test_the_owner_logs_in_while_all_addresses_guess(guessed: Scene, seconds: float) -> None:
    async with Api(guessed.server.url) as api:
        owner = await api.person("owner")
        body = json.dumps({"username": owner.username, "password": "wrong horse battery"})
        guess = Request("POST", "/api/v1/users/login", body, ("Content-Type: application/json",))
        attack = Attack(
            "guesses",
            Requests([guess]),
            connections=100,
            seconds=seconds,
            per_second=GUESSES / 60,
            times=1,
            hangs_up=True,
            addresses=GUESSES,
        )
        network = next(guessed.networks)
        orders = Orders(guessed.server.url, [attack], [owner.token], {}, network)
        credentials = {"username": owner.username, "password": owner.password}
        attacking = asyncio.create_task(attacked(orders))
        took = []
        while not attacking.done():
            began = time.monotonic()
            # A machine that is much too slow may refuse it once; that takes time, too.
            while (await api.http.post("/users/login", json=credentials)).status_code == 429:
                pass
            took.append(time.monotonic() - began)
        (report,) = await attacking
    print(f"\nlog-ins took at most {max(took):.2f} s; {report}")  # noqa: T201
    slower = times_slower()
    assert report.opened >= 0.5 * seconds * GUESSES / 60 / slower, report
    assert report.statuses.keys() == {"401", "429"}, report
    assert max(took) < OWNER_SECONDS * slower
