"""What one account does to many: a victim's start stays as small as it was."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.live_socket import live_socket
from tests.support.scene import NEEDS_LINUX, Scene, scene
from tests.support.server import Api, Person

START_BYTES = 262_144
"""What one attacker may add to it."""
PEOPLE = 30
MOST_CALLS = 200

pytestmark = NEEDS_LINUX


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("multiplying")) as opened:
        yield opened


async def start_bytes(url: str, api: Api, person: Person) -> int:
    """How much a client of that person gets when it starts with nothing."""
    size = 0
    cursor: dict[str, str] = {}
    while True:
        answer = await api.http.get("/conversations", params=cursor, headers=person.bearer)
        size += len(answer.content)
        if answer.json()["nextCursor"] is None:
            break
        cursor = {"cursor": answer.json()["nextCursor"]}
    async with live_socket(url, person) as live:
        request: dict[str, object] = {"conversations": {}}
        while True:
            ack = await live.call("sync", request)
            size += len(json.dumps(ack))
            if ack["nextCursor"] is None:
                return size
            request["cursor"] = ack["nextCursor"]


async def test_groups_with_the_same_people_do_not_make_their_start_long(quiet: Scene) -> None:
    """Groups and titles: all that one account may do in a minute."""
    url = quiet.server.url
    async with Api(url) as api:
        mallory, victim = await api.people("mallory", "victim")
        before = await start_bytes(url, api, victim)
        others = [await api.sign_up(f"other-{n:03}") for n in range(PEOPLE)]
        members = [victim.id, *(each["id"] for each in others)]
        group = {"kind": "group", "title": "t" * 100, "memberIds": members}
        made = await until_refused(lambda _: api.post("/conversations", mallory, group))
        path = f"/conversations/{made[0]['id']}"
        renamed = await until_refused(
            lambda number: api.http.patch(
                path, json={"title": f"{number:0100}"}, headers=mallory.bearer
            )
        )
        after = await start_bytes(url, api, victim)
    print(f"\n{len(made)} groups, {len(renamed)} titles: {before} -> {after} bytes")  # noqa: T201
    assert after - before < START_BYTES


async def until_refused(call: Callable[[int], Awaitable[httpx.Response]]) -> list[Any]:
    """Make a call again and again, up to the one that is refused; what the others brought."""
    brought: list[Any] = []
    while (answer := await call(len(brought))).status_code != 429:
        assert answer.is_success, answer.text
        brought.append(answer.json())
        assert len(brought) < MOST_CALLS
    return brought
