"""A process of clients that reads a plan from standard input and prints its measurements.

Input and output are lines of JSON with the types of `plan`.
"""

import asyncio
import resource
import signal
import sys

import msgspec
import uvloop

from chat_bench.connections import ConnectionFailed
from chat_bench.dialects import DIALECTS
from chat_bench.plan import (
    Begin,
    Failed,
    Fanout,
    Idle,
    Messages,
    Plan,
    Presence,
    Progress,
    Ready,
    Reconnect,
    Sync,
    Told,
    Users,
)
from chat_bench.scenarios.fanout import FanoutScenario
from chat_bench.scenarios.idle import IdleScenario
from chat_bench.scenarios.messages import MessagesScenario
from chat_bench.scenarios.presence import PresenceScenario
from chat_bench.scenarios.reconnect import ReconnectScenario
from chat_bench.scenarios.scenario import Scenario, Stage
from chat_bench.scenarios.sync import SyncScenario
from chat_bench.scenarios.users import UsersScenario
from chat_bench.tally import Tally

PROGRESS_SECONDS = 0.5


def main() -> None:
    """Carry out one plan."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    allow_many_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work())


def allow_many_files() -> None:
    """Raise the limit on open files, which include connections, to the allowed maximum."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _work() -> None:
    lines = await _standard_input()
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    tally = Tally()
    scenario = _scenario(Stage(plan, DIALECTS[plan.dialect], tally))
    try:
        await scenario.prepare()
        _tell(Ready())
        tally.begin(msgspec.json.decode(await lines.readline(), type=Begin))
        progress = asyncio.create_task(_tell_progress(tally))
        await scenario.run()
        progress.cancel()
        _tell(tally.outcome())
        await lines.read()  # keep the process alive, so that it can be measured
    except* (ConnectionFailed, OSError, TimeoutError, msgspec.ValidationError) as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        _tell(Failed(str(first) or type(first).__name__))
    finally:
        scenario.close()


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**26)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


def _scenario(stage: Stage) -> Scenario:  # noqa: PLR0911  (one return for each scenario)
    match stage.plan.work:
        case Messages() as work:
            return MessagesScenario(stage, work)
        case Fanout() as work:
            return FanoutScenario(stage, work)
        case Idle() as work:
            return IdleScenario(stage, work)
        case Reconnect() as work:
            return ReconnectScenario(stage, work)
        case Sync() as work:
            return SyncScenario(stage, work)
        case Presence() as work:
            return PresenceScenario(stage, work)
        case Users() as work:
            return UsersScenario(stage, work)


async def _tell_progress(tally: Tally) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        _tell(Progress(tally.done))


def _tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
