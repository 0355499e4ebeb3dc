"""One user asks for the costliest that the rates allow, on 16 connections, or does not read it."""

from collections.abc import Iterator

import pytest

from tests.support.attack import Attack, Frame, Frames, Posts, Request, Requests
from tests.support.fuzzed_frames import PING
from tests.support.scene import NEEDS_LINUX, Scene, crowded_scene, rows

pytestmark = NEEDS_LINUX

CONVERSATIONS = 100_000
SIXTEEN = 16
MEDIAN_MS = 100.0
"""Whatever all of them do at one time."""
LIST = Request("GET", "/api/v1/conversations?limit=200")
LONG_PAGE = Request("GET", "/api/v1/conversations/$LONG/messages?limit=200")
GROUP = Request("GET", "/api/v1/conversations/$GROUP")
SEARCH = Request("GET", "/api/v1/users?q=b&limit=200")
BY_IDS = Request("GET", "/api/v1/users?ids=$USERS")
SESSIONS = Request("GET", "/api/v1/sessions")
BLOCKS = Request("GET", "/api/v1/blocks?limit=200")
NAMES = [
    Request("PATCH", "/api/v1/users/me", f'{{"displayName":"{name}"}}') for name in ("Ann", "Bob")
]
TITLES = [
    Request("PATCH", "/api/v1/conversations/$GROUP", f'{{"title":"{title}"}}')
    for title in ("one", "two")
]
SAY = Request("POST", "/api/v1/messages", '{"conversationId":"$GROUP","content":"hello"}')
SYNC = Frame('421["sync",{"conversations":{},"limit":500}]')
SYNC_ONE = Frame('421["sync",{"conversations":{"$LONG":0},"others":"none","limit":500}]')
MARK = Frame('421["mark_read",{"conversationId":"$GROUP","seq":1}]')

COSTLY = [
    Attack("lists", Requests([LIST]), SIXTEEN),
    Attack("long history pages", Requests([LONG_PAGE]), SIXTEEN),
    Attack("a large group", Requests([GROUP]), SIXTEEN),
    Attack("searches", Requests([SEARCH]), SIXTEEN),
    Attack("users by ids", Requests([BY_IDS]), SIXTEEN),
    Attack("sessions", Requests([SESSIONS]), SIXTEEN),
    Attack("blocks", Requests([BLOCKS]), SIXTEEN),
    Attack("display names", Requests(NAMES), SIXTEEN),
    Attack("titles", Requests(TITLES), SIXTEEN),
    Attack("messages to a large group", Requests([SAY]), SIXTEEN),
    Attack("all kinds in turn", Requests([LIST, LONG_PAGE, GROUP, SEARCH, BY_IDS]), SIXTEEN),
    Attack("sync of everything", Frames([SYNC]), per_second=500),
    Attack("sync of long messages", Frames([SYNC_ONE]), per_second=500),
    Attack("marks in a large group", Frames([MARK]), per_second=500),
    Attack("coming and going", Frames([]), hangs_up=True, times=1, per_second=100),
]
UNREAD = [
    Attack("long pages unread", Requests([LONG_PAGE]), 150, reads=False, times=1),
    Attack("long pages unread by one", Requests([LONG_PAGE], waits=False), 1, reads=False),
    Attack("lists unread", Requests([LIST]), 150, reads=False, times=1),
    Attack("sync of everything unread", Frames([SYNC]), reads=False, times=50),
    Attack("sync of long messages unread", Frames([SYNC_ONE]), reads=False, times=50),
]
ALL = COSTLY + UNREAD
SHORT = ["lists", "searches", "sync of everything", "long pages unread"]
TOGETHER = [
    Attack("events", Frames([Frame('42["x"]')], "connected"), bytes_per_second=500_000),
    Attack("pings", Frames([Frame(kind=PING)], "connected"), reads=False, bytes_per_second=500_000),
    Attack("polls", Posts(['42["x"]'] * 200, "connected"), bytes_per_second=500_000),
    Attack(
        "requests",
        Requests([Request("GET", "/x", headers=())], waits=False),
        reads=False,
        bytes_per_second=500_000,
    ),
    Attack("sync", Frames([SYNC]), reads=False, times=50),
    Attack("pages", Requests([LONG_PAGE]), 150, reads=False, times=1),
    Attack("lists", Requests([LIST]), SIXTEEN),
    Attack("searches", Requests([SEARCH]), SIXTEEN),
]
"""At one time."""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with crowded_scene(tmp_path_factory.mktemp("crowded")) as opened:
        yield opened


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with crowded_scene(tmp_path_factory.mktemp("full"), conversations=CONVERSATIONS) as opened:
        yield opened


@rows(ALL, SHORT)
async def test_costly_requests_slow_nobody_else_down(crowded: Scene, attack: Attack) -> None:
    figures = await crowded.judge(attack)
    assert not figures.breaches(), figures


async def test_all_attacks_together_take_little_memory(crowded: Scene) -> None:
    figures = await crowded.judge(*TOGETHER, rounds=1)
    assert not figures.large(), figures
    assert not figures.refusals, figures
    assert max(each.p50 for each in figures.attacked.values()) < MEDIAN_MS, figures


@rows(ALL)
async def test_nor_with_a_hundred_thousand_conversations(full: Scene, attack: Attack) -> None:
    figures = await full.judge(attack)
    assert not figures.breaches(), figures
