"""Floods over websockets and polling: what one client sends slows nobody else down."""

from collections.abc import Iterator

import pytest

from tests.support.attack import Attack, Frame, Frames, Posts
from tests.support.fuzzed_frames import BINARY, CLOSE, CONTINUATION, PING, PONG
from tests.support.scene import NEEDS_LINUX, Scene, rows, scene

pytestmark = NEEDS_LINUX

REFUSED = Frame('42["x"]')
LONG_PING = Frame("x" * 125, PING)
TYPING = '["typing",{"conversationId":"$CONVERSATION","typing":true}]'
READ = '["mark_read",{"conversationId":"$CONVERSATION","seq":1}]'
SEND = '["send_message",{"conversationId":"$CONVERSATION","content":"hello"}]'
TO_64_KIB = "a" * 65_000

EVENTS = [
    Attack("refused events", Frames([REFUSED])),
    Attack("refused events of one connection", Frames([REFUSED]), connections=1),
    Attack("refused events before registering", Frames([REFUSED], "connected")),
    Attack("refused events before CONNECT", Frames([REFUSED], "opened")),
    Attack("refused events that ask for an ack", Frames([Frame('421["x"]')])),
    Attack("acks that nobody reads", Frames([Frame('421["x"]')]), reads=False),
    Attack("acks that one does not read", Frames([Frame('421["x"]')]), connections=1, reads=False),
    Attack("unknown events", Frames([Frame('42["no_such_event",{"a":1}]')])),
    Attack("typing", Frames([Frame("42" + TYPING)])),
    Attack("read marks", Frames([Frame("42" + READ)])),
    Attack("messages without an ack", Frames([Frame("42" + SEND)])),
    Attack("messages with an ack", Frames([Frame("421" + SEND)])),
    Attack("sync", Frames([Frame('421["sync",{"conversations":{}}]')])),
    Attack("wrong tokens", Frames([Frame('421["register_user",{"token":"x"}]')], "connected")),
    Attack("the right token", Frames([Frame('421["register_user",{"token":"$TOKEN"}]')])),
    Attack("events of 64 KiB", Frames([Frame(f'42["x","{TO_64_KIB}"]')])),
    Attack("messages of 64 KiB", Frames([Frame("42" + SEND.replace("hello", TO_64_KIB))])),
    Attack("deep events", Frames([Frame('42["x",' + "[" * 30_000 + "]" * 30_000 + "]")])),
    Attack("events of numbers", Frames([Frame('421["x",[' + "1," * 32_000 + "1]]")])),
    Attack("events of objects", Frames([Frame('421["typing",[' + "{}," * 21_000 + "{}]]")])),
]

PACKETS = [
    Attack("empty texts", Frames([Frame()])),
    Attack("Engine.IO pongs", Frames([Frame("3")])),
    Attack("Engine.IO pings", Frames([Frame("2")])),
    Attack("Engine.IO no-ops", Frames([Frame("6")])),
    Attack("upgrades", Frames([Frame("5")])),
    Attack("CONNECT again", Frames([Frame("40")])),
    Attack("CONNECT to a namespace", Frames([Frame("40/x,")])),
    Attack("acks of nothing", Frames([Frame("431[]")])),
    Attack("disconnects", Frames([Frame("41")])),
    Attack("malformed events", Frames([Frame("42{")])),
    Attack("malformed events before CONNECT", Frames([Frame("42{")], "opened")),
    Attack("connects that hang up", Frames([], "connected"), hangs_up=True, times=1),
]

FRAMES = [
    Attack("pongs", Frames([Frame(kind=PONG)])),
    Attack("pings", Frames([Frame(kind=PING)])),
    Attack("pings that nobody reads", Frames([Frame(kind=PING)]), reads=False),
    Attack("pings that one does not read", Frames([Frame(kind=PING)]), connections=1, reads=False),
    Attack("long pings that nobody reads", Frames([LONG_PING]), reads=False),
    Attack("long pings that one does not read", Frames([LONG_PING]), connections=1, reads=False),
    Attack(
        "pings of six before CONNECT",
        Frames([Frame(kind=PING)], "opened"),
        connections=6,
        reads=False,
    ),
    Attack("closes", Frames([Frame("\x03", CLOSE)])),
    Attack("binary", Frames([Frame("x", BINARY)])),
    Attack(
        "fragments of one byte",
        Frames([Frame("x", CONTINUATION, fin=False)], first=[Frame("4", fin=False)]),
    ),
    Attack(
        "empty fragments",
        Frames([Frame("", CONTINUATION, fin=False)], first=[Frame("4", fin=False)]),
    ),
    Attack(
        "messages in two fragments",
        Frames([Frame("4", fin=False), Frame('2["x"]', CONTINUATION)]),
    ),
    Attack("frames out of order", Frames([Frame("x", CONTINUATION)])),
]

POLLS = [
    Attack("polls of 8,190 refused events", Posts(['42["x"]'] * 8190)),
    Attack("polls of 200 refused events", Posts(['42["x"]'] * 200)),
    Attack("polls of one refused event", Posts(['42["x"]'])),
    Attack("polls of 200 that ask for acks", Posts(['421["x"]'] * 200)),
    Attack("polls before registering", Posts(['42["x"]'] * 200, "connected")),
    Attack("polls before CONNECT", Posts(['42["x"]'] * 200, "opened")),
    Attack("polls of 60,000 separators", Posts([""] * 60_000)),
    Attack("empty polls", Posts([])),
    Attack("polls of pongs", Posts(["3"] * 200)),
]

ALL = EVENTS + PACKETS + FRAMES + POLLS
SHORT = [
    "refused events",
    "CONNECT to a namespace",
    "malformed events",
    "pings that nobody reads",
    "polls of 200 refused events",
]


@pytest.fixture(scope="module")
def scene_of_floods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("floods")) as opened:
        yield opened


@rows(ALL, SHORT)
async def test_a_flood_slows_nobody_else_down(scene_of_floods: Scene, attack: Attack) -> None:
    figures = await scene_of_floods.judge(attack)
    assert not figures.breaches(), figures
