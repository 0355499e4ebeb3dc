"""`chat-bench run`: one scenario on a running server."""

import time
from collections.abc import Callable
from typing import Unpack, get_args

import click

from chat_bench import options, plan, report
from chat_bench.accounts import accounts
from chat_bench.dialects import DIALECTS
from chat_bench.running import Result, accounts_needed
from chat_bench.running import run as run_work
from chat_bench.targets import Target


@click.group()
def run() -> None:
    """Measure one scenario on a running server.

    The server must not limit rates: start it with CHAT_RATE_LIMITS=off. The command creates
    accounts first, which takes the server about 50 ms of CPU each; use --accounts to keep them for
    the next run. It checks everything that it counts. If anything is lost, arrives twice or reaches
    the wrong client, the command reports it and ends with exit code 1.

    \b
    Example:
      chat-bench run messages --target http://localhost:5000 --clients 100 --seconds 10 \\
          --server-pid "$(pgrep -of 'chat-server run')" --json result.json
    """  # noqa: D301


@run.command()
@options.at_target
@options.in_flight
@options.content_bytes
@click.option(
    "--via",
    type=click.Choice(["socket", "http"]),
    default="socket",
    show_default=True,
    help="Transport for sending.",
)
@options.rate
def messages(
    clients: int,
    in_flight: int,
    content_bytes: int,
    via: plan.Via,
    rate: float | None,
    **common: Unpack[options.AtTarget],
) -> None:
    """Let pairs of clients write to each other.

    A message counts once its sender has the ack and its recipient's socket has the message. With
    --rate, the command sends messages at fixed times, no matter how many are pending, and measures
    their latency from those times.

    \b
    Examples:
      chat-bench run messages --target http://localhost:5000 --via http
      chat-bench run messages --target http://localhost:5000 --rate 1000 --seconds 60
    """  # noqa: D301
    work = plan.Messages(
        clients=clients, in_flight=in_flight, content_bytes=content_bytes, via=via, rate=rate
    )
    _measure(work, **common)


@run.command()
@options.at_target
@options.in_flight
@options.content_bytes
@options.members
def fanout(
    clients: int,
    in_flight: int,
    content_bytes: int,
    members: int,
    **common: Unpack[options.AtTarget],
) -> None:
    """Let one member of each group write to all the others.

    \b
    Example:
      chat-bench run fanout --target http://localhost:5000 --clients 200 --members 100
    """  # noqa: D301
    _measure(
        plan.Fanout(
            clients=clients, in_flight=in_flight, content_bytes=content_bytes, members=members
        ),
        **common,
    )


@run.command()
@options.at_target
def idle(clients: int, **common: Unpack[options.AtTarget]) -> None:
    """Measure the memory of registered connections that send nothing.

    \b
    Example:
      chat-bench run idle --target http://localhost:5000 --clients 1000 --server-pid 4711
    """  # noqa: D301
    _measure(plan.Idle(clients=clients), **common)


@run.command()
@options.at_target
def reconnect(clients: int, **common: Unpack[options.AtTarget]) -> None:
    """Cut all connections and reconnect them immediately, again and again.

    \b
    Example:
      chat-bench run reconnect --target http://localhost:5000 --clients 500
    """  # noqa: D301
    _measure(plan.Reconnect(clients=clients), **common)


@run.command()
@options.at_target
@options.content_bytes
@options.entries
def sync(
    clients: int, content_bytes: int, entries: int, **common: Unpack[options.AtTarget]
) -> None:
    """Let half of the clients request what they missed from the others.

    \b
    Example:
      chat-bench run sync --target http://localhost:5000 --clients 20 --entries 1000
    """  # noqa: D301
    _measure(plan.Sync(clients=clients, content_bytes=content_bytes, entries=entries), **common)


@run.command()
@options.at_target
def presence(clients: int, **common: Unpack[options.AtTarget]) -> None:
    """Let half of the clients come and go while the others are notified.

    \b
    Example:
      chat-bench run presence --target http://localhost:5000 --clients 100
    """  # noqa: D301
    _measure(plan.Presence(clients=clients), **common)


@run.command()
@options.at_target
@click.option(
    "--ask",
    type=click.Choice(get_args(plan.Ask)),
    default="search",
    show_default=True,
    help="Request: a log-in, the first page of users by a prefix, or up to 100 users by id.",
)
def users(clients: int, ask: plan.Ask, **common: Unpack[options.AtTarget]) -> None:
    """Let clients log in or look up users over HTTP, one request after another.

    A log-in takes the server about 20 ms of CPU, and it refuses more than it can queue: use few
    --clients for log-ins.

    \b
    Example:
      chat-bench run users --target http://localhost:5000 --ask login --clients 4
    """  # noqa: D301
    _measure(plan.Users(clients=clients, ask=ask), **common)


def _measure(work: plan.AnyWork, **common: Unpack[options.AtTarget]) -> None:
    spoken = DIALECTS[common["dialect"]]
    workers = common["workers"]
    options.check(work, spoken, workers)
    times = plan.Times(warmup=common["warmup"], seconds=common["seconds"], grace=common["grace"])
    url = common["target"].rstrip("/")
    target = Target(url, url, spoken, common["server_pid"], common["database_pid"])

    async def measured() -> Result:
        ready = await accounts(
            target, accounts_needed(work, spoken, workers), times, common["accounts_file"]
        )
        click.echo(f"connecting {work.clients} clients …", err=True)
        return await run_work(
            target, work, ready, times, workers=workers, progress=_show_progress(work)
        )

    result = options.guarded(measured())
    options.write(common["json_file"], report.describe(result), result)
    if result.problems:
        raise click.ClickException(report.complain(result))


def _show_progress(work: plan.AnyWork, who: str = "") -> Callable[[float, int], None]:
    """Return a function that prints the progress on standard error."""
    before = [time.monotonic(), 0.0]

    def show(seconds: float, done: int) -> None:
        now = time.monotonic()
        rate = (done - before[1]) / max(0.001, now - before[0])
        before[:] = [now, done]
        click.echo(f"{who}{seconds:5.1f} s  {done:,} {work.units}  {rate:,.0f} a second", err=True)

    return show
