"""What no real client sends: it gets a typed error or its connection ends, and nothing else."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import AsyncClient
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.http_client import http_client
from tests.support.raw_socket import RawSocket, raw_socket
from tests.support.server import Api, Person, ServerProcess, refused
from tests.support.socket_clients import SocketClients
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.mongodb

DEEP = "[" * 100 + "]" * 100
POLLING = "/socket.io/?EIO=4&transport=polling"

BROKEN: list[str | bytes] = [
    "",
    "7",
    "x",
    "0",
    "2probe",
    "3",
    "3probe",
    "5",
    "6",
    "bAAAA",
    "4",
    "47",
    "48",
    "4x",
    "4 2[]",
    "43",
    "431[]",
    "431x",
    "44",
    '44{"message":"x"}',
    "40",
    '40{"token":"x"}',
    "40{",
    "40/admin,",
    "40/,",
    "41/admin,",
    '42/admin,["send_message",{}]',
    '42/admin,1["send_message",{}]',
    "42",
    "421",
    "42[",
    "42[]",
    "421[]",
    "42{}",
    "421{}",
    "42null",
    '42"send_message"',
    "42[1]",
    "421[1]",
    "42[null]",
    "42[{}]",
    '42["send_message"',
    '421["send_message"]',
    '421["send_message",NaN]',
    '421["send_message",Infinity]',
    '421["send_message",{"content":1e999}]',
    f'421["send_message",{{"content":{2**64}}}]',
    f'421["send_message",{{"content":-{2**64}}}]',
    '421["send_message",{"content":"\\ud800","recipientId":"x"}]',
    '421["send_message",{"content":"x","content":"y"}]',
    '421["send_message",{},{}]',
    f'421["send_message",{DEEP}]',
    f"421{DEEP}",
    f'42["send_message",{DEEP}]',
    '42999999999999999999999999["send_message",{}]',
    '42-1["send_message",{}]',
    '42٣["send_message",{}]',
    '451-["send_message",{"_placeholder":true,"num":0}]',
    "461-1[]",
    "450-[]",
    '421["register_user",{"token":"\\u0000"}]',
    '421["__disconnect_final"]',
    '421["*",{}]',
    '421["",{}]',
    '421["\\ud800",{}]',
    b"",
    b"\x00\xff",
    b"4" + b'2["send_message",{}]',
]


@pytest.fixture(autouse=True)
def no_incident(server: ServerProcess) -> Iterator[None]:
    """Whatever the tests of this file do, none of it is the server's mistake."""
    before = len(server.log)
    yield
    log = server.log[before:]
    assert "incident" not in log
    if not server.is_plain_asgi:  # another server's own log is its own business
        assert "Traceback" not in log


async def test_whatever_is_sent_is_answered_with_a_typed_error_or_the_end(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with raw_socket(server.url) as bystander:
        await bystander.register(bob)
        for frame in BROKEN:
            async with raw_socket(server.url) as raw:
                await raw.register(alice)
                before = len(raw.packets)
                await raw.send(frame)
                await well_or_ended(raw, alice)
                came = raw.packets[before:]
                assert all(is_error_or_end(packet, alice) for packet in came), (frame, came)
            await api.devices(alice, bob, 0)
        assert (await bystander.call("register_user", {"token": bob.token}))["devices"] == 1


async def test_whatever_is_sent_before_connect_changes_nothing(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    for frame in [*BROKEN, '421["register_user",{"token":"%s"}]' % alice.token]:  # noqa: UP031
        async with raw_socket(server.url) as raw:
            await raw.send(frame)
            await raw.send("1")
            packets = await raw.closed()
            assert all(not packet.startswith('42["registration_success"') for packet in packets)
    assert (await api.presence(alice, bob))["devices"] == 0


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "message", "*"])
@pytest.mark.parametrize("kind", ["js-websocket", "py-websocket"])
async def test_an_event_with_a_reserved_name_changes_nothing(
    server: ServerProcess, api: Api, name: str, kind: str
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with SocketClients(kind) as clients, raw_socket(server.url) as raw:
        device = await clients.device(server.url, alice)
        await raw.register(bob)
        before = len(raw.packets)
        for arguments in ([], ["x"], [alice.id], [{"userId": alice.id}], [alice.id, "transport"]):
            await raw.send(f"42{json.dumps([name, *arguments])}")
            ack = await raw.call_text(json.dumps([name, *arguments]))
            assert ack["error"]["code"] == "invalid"
            if kind == "py-websocket":
                await device.emit(name, *arguments)

        assert len(raw.packets) == before + 5
        assert (await api.presence(alice, bob))["devices"] == 1
        assert (await api.presence(bob, alice))["devices"] == 1
        message = await api.send(bob, alice, "still here?")
        assert await device.wait_for("new_message") == [message]


async def test_a_frame_up_to_the_bound_is_read_and_one_past_it_ends_the_connection(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with raw_socket(server.url) as raw:
        await raw.register(alice)
        text = json.dumps(["send_message", {"recipientId": bob.id, "content": ""}])
        room = 65_536 - len(f"422{text}")
        fits = json.dumps(["send_message", {"recipientId": bob.id, "content": "x" * room}])
        assert len(f"422{fits}") == 65_536
        assert (await raw.call_text(fits))["error"]["code"] == "invalid"

        await raw.send(f"423{fits}x")
        await raw.closed()
    await api.devices(alice, bob, 0)


async def test_a_frame_in_many_fragments_is_bounded_as_a_whole(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with raw_socket(server.url) as raw:
        await raw.register(alice)
        body = json.dumps({"recipientId": bob.id, "content": "in pieces"})
        await raw.send_fragments(["421", '["send_message",', body, "]"])
        assert '"ok":true' in await raw.receive("431[")

        await raw.send_fragments(["42", *["x" * 1000] * 100])
        await raw.closed()
    await api.devices(alice, bob, 0)


async def test_text_that_is_no_utf_8_ends_the_connection(server: ServerProcess, api: Api) -> None:
    alice, bob = await api.people("alice", "bob")
    async with raw_socket(server.url) as raw:
        await raw.register(alice)
        await raw.send_broken_text(b'42["send_message",{"content":"\xff\xfe"}]')
        await raw.closed()
    await api.devices(alice, bob, 0)


# ------------------------------------------------------------------------------------- polling
async def test_polling_refuses_what_is_no_packet(server: ServerProcess, api: Api) -> None:
    alice, bob = await api.people("alice", "bob")
    bodies = [
        b"\xff\xfe",
        b"b" + base64.b64encode(b"binary"),
        b"x",
        b"42",
        b"4" + b"2" + b"\x1e" * 10,
        b"d=42[]",
        b"x" * 70_000,
    ]
    for body in bodies:
        async with http_client(server.url) as http:
            path = await registered(http, alice)
            answer = await http.post(path, content=body)
            assert answer.status_code in {200, 400, 413}, body
            await ended_by_polling(http, path)
        await api.devices(alice, bob, 0)


async def test_an_oversized_body_is_refused_while_no_poll_waits(server: ServerProcess) -> None:
    async with http_client(server.url) as http:
        opened = await http.get(POLLING)
        path = f"{POLLING}&sid={json.loads(opened.text[1:])['sid']}"
        answer = await http.post(path, content=b"40" + b"x" * 100_000)
        assert answer.status_code in {400, 413}


async def test_forty_packets_in_one_body_all_count_and_keep_their_order(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with http_client(server.url) as http:
        path = await registered(http, alice)
        sends = [
            f"42{number}"
            + json.dumps(["send_message", {"recipientId": bob.id, "content": f"{number}"}])
            for number in range(40)
        ]
        assert (await http.post(path, content="\x1e".join(sends))).text == "OK"

        async def all_stored() -> bool:
            listed = (await api.get("/conversations", bob))["items"]
            return bool(listed and listed[0]["lastSeq"] == 40)

        await eventually(all_stored)
        came: list[str] = []
        while len(came) < 40:
            answer = (await http.get(path)).text.split("\x1e")
            assert len(answer) <= 16, "Python's client takes no more at once"
            came += answer

    acks = [json.loads(packet[packet.index("[") :])[0]["message"] for packet in came]
    assert [packet.partition("[")[0] for packet in came] == [f"43{n}" for n in range(40)]
    assert [(ack["content"], ack["seq"]) for ack in acks] == [(f"{n}", n + 1) for n in range(40)]
    stored = await api.history(bob, acks[0]["conversationId"])
    assert [message["content"] for message in stored] == [f"{n}" for n in range(40)]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?EIO=3&transport=polling",
        "?EIO=4&transport=carrier-pigeon",
        "?EIO=4&transport=polling&sid=unknown",
        "?EIO=4&transport=websocket",
        "?EIO=4&transport=polling&j=0",
    ],
)
async def test_a_handshake_that_is_none_is_a_bad_request(server: ServerProcess, query: str) -> None:
    async with http_client(server.url) as http:
        assert (await http.get(f"/socket.io/{query}")).status_code == 400
        assert (await http.post(f"/socket.io/{query}", content="40")).status_code == 400
        assert (await http.delete(f"/socket.io/{query}")).status_code in {400, 405}


async def test_a_second_upgrade_does_not_take_over_the_first(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with http_client(server.url) as http:
        path = await registered(http, alice)
        sid = path.rpartition("=")[2]
        async with raw_socket(server.url, upgrade=sid) as first:
            await first.send("2probe")
            assert await first.receive() == "3probe"
            with pytest.raises(InvalidStatus):
                async with raw_socket(server.url, upgrade=sid):
                    pass
            await first.send("5")
            assert (await first.call("register_user", {"token": alice.token}))["devices"] == 1
            with pytest.raises(InvalidStatus):
                async with raw_socket(server.url, upgrade=sid):
                    pass
            message = await api.send(bob, alice, "who gets it?")
            pushed = await first.receive('42["new_message"')
            assert json.loads(pushed[2:])[1] == message
    await api.devices(alice, bob, 0)


async def test_a_crowd_that_breaks_off_in_every_state_leaves_nothing_behind(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    register = json.dumps(["register_user", {"token": alice.token}])
    auth = json.dumps({"token": alice.token})

    async def break_off(frames: list[str]) -> None:
        async with raw_socket(server.url) as raw:
            for frame in frames:
                await raw.send(frame)
            raw.cut()

    for _ in range(10):
        await asyncio.gather(
            break_off([]),
            break_off(["40"]),
            break_off([f"40{auth}"]),
            break_off(["40", f"421{register}"]),
            break_off(["40", f"42{register}", "41"]),
            break_off(["40", f"42{register}", "1"]),
            break_off(["40", f"42{register}", f"42{register}", "x"]),
        )
    await api.devices(alice, bob, 0)
    async with raw_socket(server.url) as raw:
        await raw.register(alice)
        assert (await api.presence(alice, bob))["devices"] == 1


# ---------------------------------------------------------------------------------------- http
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"\xff", "malformed"),
        (b'{"content": NaN}', "malformed"),
        (b'{"content": 1e999}', "invalid"),
        (DEEP.encode(), "malformed"),
        (b'{"content": "\\ud800", "recipientId": "x"}', "malformed"),
        (b"null", "invalid"),
        (b"17", "invalid"),
        (b"[]", "invalid"),
        (b"{}", "invalid"),
        (b'{"content": "x", "recipientId": "x", "more": 1}', "invalid"),
        (b'{"content": "' + b"x" * 70_000 + b'"}', "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:30]),
)
async def test_http_refuses_a_body_that_is_none(
    server: ServerProcess, api: Api, body: bytes, code: str
) -> None:
    alice = await api.person("alice")
    headers = alice.bearer | {"Content-Type": "application/json"}
    answer = await api.http.post("/messages", content=body, headers=headers)
    refused(answer, {"malformed": 400, "invalid": 422, "too_large": 413}[code], code)


async def test_http_refuses_a_body_that_grows_past_the_bound_without_saying_so(
    server: ServerProcess, api: Api
) -> None:
    alice = await api.person("alice")

    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    headers = alice.bearer | {"Content-Type": "application/json"}
    answer = await api.http.post("/messages", content=endless(), headers=headers)
    refused(answer, 413, "too_large")


async def well_or_ended(raw: RawSocket, person: Person) -> None:
    """Either the connection has ended, or it does what it did before."""
    try:
        ack = await raw.call_text(
            json.dumps(["register_user", {"token": person.token}]), ack_id="777"
        )
        assert (ack["ok"], ack["userId"], ack["devices"]) == (True, person.id, 1)
    except ConnectionClosed:
        return


def is_error_or_end(packet: str, person: Person) -> bool:
    """Nothing that a client could take for a success, but that of `well_or_ended`."""
    if packet.startswith(('42["registration_success"', "43777[")):
        return person.id in packet
    if packet.startswith("43"):
        (ack,) = json.loads(packet[packet.index("[") :])
        return ack["ok"] is False and ack["error"]["code"] in {
            "invalid",
            "malformed",
            "token_invalid",
        }
    return packet in {"41", "6"} or packet.startswith(('42["auth_error"', "44"))


async def registered(http: AsyncClient, person: Person) -> str:
    """Register as a client that polls; the path of its session."""
    opened = await http.get(POLLING)
    path = f"{POLLING}&sid={json.loads(opened.text[1:])['sid']}"
    register = json.dumps(["register_user", {"token": person.token}])
    assert (await http.post(path, content=f"40\x1e420{register}")).text == "OK"
    came = ""
    while "430[" not in came:
        came += (await http.get(path)).text
    return path


async def ended_by_polling(http: AsyncClient, path: str) -> None:
    """Poll until the session is no more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await http.get(path)).status_code == 200:
            pass
