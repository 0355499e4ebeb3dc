"""A cursor that this server did not issue is `invalid`, on every route and in `sync`."""

import base64
import json
from typing import Any

import pytest

from chat_wire.codec import encode_cursor
from tests.support.http_client import http_client
from tests.support.server import Api, Person, ServerProcess, answered, refused
from tests.support.socket_clients import SocketClients

UTC, NO_ZONE = "2026-01-31T08:15:00.250000Z", "2026-01-31T08:15:00.250000"
TIMES = [
    NO_ZONE,
    "2026-01-31T08:15:00.250000+01:00",
    "2026-01-31T08:15:00.25Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "",
    0,
    10**30,
    True,
    None,
    {"$gt": ""},
]
IDS = ["a\0b", "", "x" * 65, "☃", "x\n", "\ud800", 0, 10**30, None, ["x"], {"$gt": ""}]
PLACES: list[Any] = [
    *([UTC, id_] for id_ in IDS),
    *(["ann", id_] for id_ in IDS),
    *([id_] for id_ in IDS),
    ["a\0b", "x"],
    ["\ud800", "x"],
    [],
    [UTC],
    [UTC, "x", "y", "z"],
    {},
    "x",
    None,
    1e400,
]
TEXTS = ["", "=", "é", "none of yours", "W10", "W" * 10_000, "/etc/passwd", "..", "%00"]


def cursors_of(places: list[Any]) -> list[str]:
    """As a client would make them itself."""
    texts = [json.dumps(place, separators=(",", ":")).encode() for place in places]
    return [base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in texts]


HOSTILE = [*cursors_of(PLACES), *TEXTS]
OF_TIMES = cursors_of([[time, "x"] for time in TIMES])


async def routes(server: ServerProcess, api: Api, person: Person, other: Person) -> list[str]:
    """Every route with a cursor, by the service's own description."""
    group = answered(
        await api.post(
            "/conversations", person, {"kind": "group", "title": "x", "memberIds": [other.id]}
        ),
        201,
    )
    async with http_client() as http:
        schema = (await http.get(f"{server.url}/schema")).json()
    found = []
    for path, methods in schema["paths"].items():
        parameters = methods.get("get", {}).get("parameters", ())
        if any(each["name"] == "cursor" for each in parameters):
            found.append(path.removeprefix("/api/v1").replace("{conversation_id}", group["id"]))
    return found


@pytest.mark.mongodb
async def test_on_every_route_a_cursor_of_others_is_invalid(
    server: ServerProcess, api: Api
) -> None:
    ann, bob = await api.people("ann", "bob")
    found = await routes(server, api, ann, bob)
    assert len(found) >= 4
    for path in found:
        # The names in the list of users are texts of any kind.
        for cursor in HOSTILE if path.endswith("/users") else HOSTILE + OF_TIMES:
            answer = await api.http.get(path, params={"cursor": cursor}, headers=ann.bearer)
            problem = refused(answer, 422, "invalid")
            assert [each["field"] for each in problem["errors"]] == ["cursor"], (path, cursor)


SYNC_PLACES: list[Any] = [
    [None, None, None],
    ["x", UTC, "y"],
    ["x", None, "y"],
    ["x", UTC, None],
    [None, UTC, None],
    [None, None, "x"],
    *([None, time, "x"] for time in TIMES if time is not None),
    *([None, UTC, id_] for id_ in IDS),
    [10**30, None, None],
    ["a\0b", None, None],
    ["\ud800", None, None],
]


async def test_in_sync_a_cursor_of_others_is_invalid(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    (ann,) = await api.people("ann")
    client = await clients.device(server.url, ann)
    for cursor in [*cursors_of(SYNC_PLACES), *HOSTILE, *OF_TIMES]:
        ack = await client.call("sync", {"conversations": {}, "cursor": cursor})
        assert (ack["ok"], ack["error"]["code"]) == (False, "invalid"), cursor
        assert [each["field"] for each in ack["error"]["errors"]] == ["cursor"]


@pytest.mark.parametrize("place", [("x", None, None), ("☃", None, None), (None, UTC, "x")])
async def test_in_sync_a_cursor_of_a_place_where_nothing_is_goes_on(
    server: ServerProcess, api: Api, clients: SocketClients, place: tuple[str | None, ...]
) -> None:
    (ann,) = await api.people("ann")
    client = await clients.device(server.url, ann)
    ack = await client.call("sync", {"conversations": {}, "cursor": encode_cursor(place)})
    assert ack["ok"], ack
