"""Floods over websockets and polling: what one client sends slows nobody else down."""

import sys
from collections.abc import Iterator

import pytest

from tests.support.attack import Attack, Frame, Frames
from tests.support.fuzzed_frames import PING, PONG
from tests.support.scene import Scene, scene

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells how much memory another process holds"
)

LONG_PING = Frame("x" * 125, PING)

FLOODS = [
    Attack("pongs", Frames([Frame(kind=PONG)])),
    Attack("long pings that nobody reads", Frames([LONG_PING]), reads=False),
]


@pytest.fixture(scope="module")
def scene_of_floods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("floods")) as opened:
        yield opened


@pytest.mark.parametrize("attack", FLOODS, ids=[attack.name for attack in FLOODS])
async def test_a_flood_slows_nobody_else_down(scene_of_floods: Scene, attack: Attack) -> None:
    figures = await scene_of_floods.judge(attack)
    assert not figures.breaches(), figures
