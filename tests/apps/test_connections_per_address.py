"""How many sockets an address opens, by websocket or polling, registered or not."""

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from chat_core.errors import TooManyConnections
from chat_core.limits import Limit
from chat_server.connection_bound import MOST_PACES, RETRY_SECONDS, ConnectionBound
from tests.support.hostile_peer import OPENED, HungUpError, Peer
from tests.support.http_client import http_client
from tests.support.metrics import scraped, value
from tests.support.raw_socket import raw_socket
from tests.support.server import PLAIN_ASGI, RUN, ServerProcess, refused
from tests.support.waiting import eventually

POLLING = "/socket.io/?EIO=4&transport=polling"
EITHER = pytest.mark.parametrize(
    "command", [RUN, PLAIN_ASGI], ids=["chat-server run", "plain ASGI"]
)


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": f"6.6.6.6, {address}"}


async def is_refused_a_websocket(server: ServerProcess, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as websocket:
        async with raw_socket(server.url, **headers):
            pass
    answer = websocket.value.response
    assert answer.status_code == 429
    assert b'"code":"rate_limited"' in (answer.body or b"")
    assert 1 <= int(answer.headers["Retry-After"]) <= 30


async def is_refused_a_poll(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    answer = await http.get(path, headers=headers)
    problem = refused(answer, 429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) == problem["retryAfter"] <= 30


@EITHER
async def test_an_address_opens_so_many_whatever_they_are_and_the_others_open_theirs(
    tmp_path: Path, command: Sequence[str]
) -> None:
    server = ServerProcess(
        tmp_path,
        command,
        CHAT_RATE_LIMITS="on",
        CHAT_CONNECTIONS_PER_ADDRESS=3,
        CHAT_TRUSTED_PROXIES=1,
    )
    here, elsewhere = from_address("192.0.2.1"), from_address("192.0.2.2")
    async with server, http_client() as http:
        http.base_url = httpx.URL(server.url)
        opened = (await http.get(POLLING, headers=here)).text
        sid = opened.partition('"sid":"')[2].partition('"')[0]
        async with raw_socket(server.url, **here) as first, raw_socket(server.url, **here):
            await first.enter()
            await is_refused_a_websocket(server, here)
            for path in (POLLING, f"{POLLING}&sid=", f"{POLLING}&xsid=1"):
                await is_refused_a_poll(http, path, here)

            # What goes on with a connection is none of its own.
            assert (
                await http.post(f"{POLLING}&sid={sid}", content="40", headers=here)
            ).text == "OK"
            async with raw_socket(server.url, upgrade=sid, **here) as upgrade:
                await upgrade.send("2probe")
                await upgrade.receive("3probe")
            assert (await http.get(POLLING, headers=elsewhere)).status_code == 200
            async with raw_socket(server.url, **elsewhere) as other:
                await other.enter()


async def test_without_trusted_proxies_it_is_the_peer_that_counts(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, CHAT_RATE_LIMITS="on", CHAT_CONNECTIONS_PER_ADDRESS=2)
    other_peer = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with server, http_client() as http:
        for number in range(2):
            async with raw_socket(server.url, **from_address(f"192.0.2.{number}")):
                pass
        await is_refused_a_websocket(server, from_address("192.0.2.3"))
        await is_refused_a_poll(http, f"{server.url}{POLLING}", from_address("192.0.2.4"))
        async with http_client(server.url, transport=other_peer) as another:
            assert (await another.get(POLLING)).status_code == 200


@EITHER
async def test_an_address_holds_so_many_though_no_rate_is_limited(
    tmp_path: Path, command: Sequence[str]
) -> None:
    async with (
        ServerProcess(tmp_path, command, CHAT_CONNECTIONS_PER_ADDRESS=2) as server,
        http_client(server.url) as http,
    ):
        for _ in range(3):  # more than may be held, one after the other
            async with raw_socket(server.url) as first, raw_socket(server.url):
                await first.enter()
                with pytest.raises(InvalidStatus) as websocket:
                    async with raw_socket(server.url):
                        pass
                assert websocket.value.response.status_code == 429
                problem = refused(await http.get(POLLING), 429, "too_many_connections")
                assert problem["retryAfter"] > 0
            await eventually(lambda: is_alone(server.url))
        assert await refused_so_far(server.url) == 6


@EITHER
async def test_an_ipv6_network_holds_as_many_as_an_address_and_the_one_around_it_ten_times(
    tmp_path: Path, command: Sequence[str]
) -> None:
    server = ServerProcess(
        tmp_path, command, CHAT_CONNECTIONS_PER_ADDRESS=1, CHAT_TRUSTED_PROXIES=1
    )

    async def opens(http: httpx.AsyncClient, address: str) -> bool:
        answer = await http.get(POLLING, headers=from_address(address))
        if answer.status_code != 200:
            refused(answer, 429, "too_many_connections")
        return answer.status_code == 200

    async with server, http_client(server.url) as http:
        assert await opens(http, "[2001:db8:1::1]:443")
        assert not await opens(http, "2001:db8:1::2")
        for number in range(1, 10):
            assert await opens(http, f"[2001:db8:1:{number}::1]:{number}")
        assert not await opens(http, "2001:db8:1:99::1")
        assert await opens(http, "2001:db8:2::1")
        assert await opens(http, "192.0.2.1:4711")
        assert not await opens(http, "[::ffff:192.0.2.1]:4712")
        assert await opens(http, "192.0.2.2")


@EITHER
async def test_an_ipv6_network_opens_as_many_as_an_address_and_the_one_around_it_ten_times(
    tmp_path: Path, command: Sequence[str]
) -> None:
    server = ServerProcess(
        tmp_path,
        command,
        CHAT_RATE_LIMITS="on",
        CHAT_CONNECTIONS_PER_ADDRESS=2,
        CHAT_TRUSTED_PROXIES=1,
    )

    async def opens(address: str) -> None:
        async with raw_socket(server.url, **from_address(address)) as socket:
            await socket.enter()

    async with server:
        for number in range(20):
            await opens(f"[2001:db8:1:{number // 2}::{number}]:{number}")
        for address in ("2001:db8:1::1", "2001:db8:1:99::1"):
            await is_refused_a_websocket(server, from_address(address))
        await opens("2001:db8:2::1")


async def is_alone(url: str) -> bool:
    """Whether nobody is connected."""
    series = await scraped(url, local_address="127.0.0.3")
    return value(series, "chat_connections") == 0


async def refused_so_far(url: str) -> float:
    series = await scraped(url, local_address="127.0.0.3")
    return value(series, "chat_rate_limited_total", limit="connections per address")


# ------------------------------------------------------------------------- of HTTP, and together
async def is_let_in(url: str) -> bool:
    """Whether one more connection is; it ends at once."""
    peer = await Peer.connected(url)
    try:
        status, body = await peer.request("GET", "/health/live")
    except HungUpError:
        return False
    finally:
        peer.cut()
    if status != 200:
        problem = json.loads(body)
        found = status, problem["code"], problem["retryAfter"]
        assert found == (429, "too_many_connections", RETRY_SECONDS)
    return status == 200


async def opened_socket(url: str) -> Peer:
    """A websocket, once there is room for it."""
    opened = list[Peer]()

    async def opens() -> bool:
        peer = await Peer.connected(url)
        with contextlib.suppress(HungUpError):
            if await peer.upgrade(OPENED) == 101:
                opened.append(peer)
                return True
        peer.cut()
        return False

    await eventually(opens)
    return opened[0]


async def test_connections_over_http_and_sockets_of_an_address_are_bounded_together(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path, CHAT_CONNECTIONS_PER_ADDRESS=3)
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with server, http_client(server.url, transport=elsewhere) as other:
        async with raw_socket(server.url) as first, raw_socket(server.url):
            await first.enter()  # a websocket counts once: else there is no room for the third
            held = await Peer.connected(server.url)
            assert (await held.request("GET", "/health/live"))[0] == 200
            assert not await is_let_in(server.url)
            with pytest.raises(InvalidStatus) as websocket:
                async with raw_socket(server.url):
                    pass
            assert websocket.value.response.status_code == 429
            assert (await held.request("GET", "/health/live"))[0] == 200
            assert (await other.get("/health/live")).status_code == 200
            held.cut()
            await eventually(lambda: is_let_in(server.url))
            third = await opened_socket(server.url)
            assert not await is_let_in(server.url)
            third.cut()
        await eventually(lambda: is_let_in(server.url))
        assert await refused_so_far(server.url) >= 3


async def test_a_session_that_polls_counts_beside_the_connection_that_carries_it(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path, CHAT_CONNECTIONS_PER_ADDRESS=3)
    async with server:
        polling = await Peer.connected(server.url)
        assert (await polling.request("GET", POLLING))[0] == 200
        second = await Peer.connected(server.url)
        status, body = await second.request("GET", POLLING)
        assert (status, json.loads(body)["code"]) == (429, "too_many_connections")
        assert (await second.request("GET", "/health/live"))[0] == 200
        assert not await is_let_in(server.url)
        polling.cut()
        second.cut()


async def test_behind_a_proxy_its_own_connections_are_not_counted(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, CHAT_CONNECTIONS_PER_ADDRESS=2, CHAT_TRUSTED_PROXIES=1)
    async with server:
        held = [await Peer.connected(server.url) for _ in range(5)]
        for peer in held:
            assert (await peer.request("GET", "/health/live"))[0] == 200
        for peer in held:
            peer.cut()


def test_an_ipv6_site_has_ten_times_the_connections_of_a_network() -> None:
    sessions = Counter({"2001:db8:1::/64": 1, "2001:db8:1::/48": 1})
    limit = Limit("connections per address", 2, 60)
    bound = ConnectionBound(
        1000, limit, limit, counts_addresses=True, sessions=lambda network: sessions[network]
    )

    def opens(peer: str) -> bool:
        address = bound.opened(peer)
        assert address is not None
        try:
            bound.check(1, address)
        except TooManyConnections:
            bound.closed(address)
            return False
        return True

    assert opens("2001:db8:1::1")
    assert not opens("2001:db8:1::2")
    for number in range(1, 10):
        assert opens(f"2001:db8:1:{number}::1")
        assert opens(f"2001:db8:1:{number}::2")
    assert not opens("2001:db8:1:ffff::1")
    bound.closed("2001:db8:1:9::1")
    assert opens("2001:db8:1:ffff::1")
    assert opens("2001:db8:2::1")
    assert opens("192.0.2.1")
    assert opens("::ffff:192.0.2.1")
    assert not opens("192.0.2.1")
    assert bound.refused_of_address == 3


OPENING = Limit("connections opened", 10, 10)


def bound_on_openings() -> ConnectionBound:
    limit = Limit("connections per address", 1000, 60)
    return ConnectionBound(1000, limit, OPENING, counts_addresses=True, sessions=lambda _: 0)


def test_an_address_that_opens_connections_too_fast_waits_and_no_other() -> None:
    bound = bound_on_openings()
    assert [bound.pause("192.0.2.1", 0.0) for _ in range(10)] == [0.0] * 10
    assert [bound.pause("192.0.2.1", 0.0) for _ in range(2)] == [2.0, 2.0]
    assert bound.opened_late == 2
    assert bound.pause("192.0.2.2", 0.0) == 0.0
    assert bound.pause(None, 0.0) == 0.0
    assert bound.pause("192.0.2.1", 20.0) == 0.0


def test_addresses_of_an_ipv6_site_wait_once_they_have_opened_ten_times_as_many() -> None:
    bound = bound_on_openings()
    for number in range(100):
        assert not bound.pause(f"2001:db8:1:{number}::1", 0.0)
    assert bound.pause("2001:db8:1:ffff::1", 0.0)
    assert not bound.pause("2001:db8:2::1", 0.0)


def test_of_many_addresses_that_come_and_go_few_are_remembered() -> None:
    bound = bound_on_openings()
    for number in range(3 * MOST_PACES):
        bound.pause(f"192.0.{number >> 8}.{number & 255}", 0.0)
    assert len(bound._paces) == MOST_PACES


async def test_a_connection_that_comes_too_soon_is_answered_all_the_same(tmp_path: Path) -> None:
    settings: dict[str, str | int] = {
        "CHAT_RATE_LIMITS": "on",
        "CHAT_CONNECTIONS_PER_ADDRESS": 1000,
    }
    async with ServerProcess(tmp_path, RUN, **settings) as server:
        peers = [await Peer.connected(server.url) for _ in range(400)]
        for peer in peers:
            assert (await peer.request("GET", "/health/live"))[0] == 200
            peer.cut()
        series = await scraped(server.url, local_address="127.0.0.2")
    assert value(series, "chat_rate_limited_total", limit="connections opened") >= 1
