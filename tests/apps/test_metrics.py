"""What an operator sees at /metrics, and how much of it there is."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chat_core.ids import UserId
from chat_core.measures import Histogram
from chat_core.testing.clock import ManualClock
from chat_core.testing.makers import direct, draft, stored_users
from chat_server.metrics import LAG_SECONDS, HttpRequests, LoopLag
from chat_sqlite import SqliteDatabase
from tests.support import pages
from tests.support.http_client import http_client
from tests.support.live_socket import live_socket
from tests.support.metrics import risen, scraped, value
from tests.support.server import Api, Person, ServerProcess
from tests.support.stores import sqlite_stores_in

OPERATIONS = pages.ROOT / "docs" / "operations.md"
ALERTS = pages.ROOT / "deploy" / "prometheus-alerts.yaml"
PROMETHEUS_OWN = {"up"}
SQLITE_ONLY = {"chat_disk_free_bytes"}


# -------------------------------------------------------------------------------- what is counted
async def test_what_users_do_is_counted(server: ServerProcess, api: Api) -> None:
    alice, bob = await api.person("alice"), await api.person("bob")
    before = await scraped(server.url)
    message = {"recipientId": bob.id, "content": "hi", "clientMessageId": "1"}

    async with live_socket(server.url, alice) as alices, live_socket(server.url, bob) as bobs:
        await alices.call("send_message", message)
        await alices.call("send_message", message)
        await alices.call("send_message", {"recipientId": bob.id, "content": ""})
        await alices.call("send_message", {"recipientId": "nobody", "content": "hi"})
        await bobs.wait_for("new_message", content="hi")
        await bobs.call("sync", {"conversations": {}})
        after = await scraped(server.url)

    for result in ("stored", "duplicate", "refused_invalid", "refused_not_found"):
        assert risen(before, after, "chat_messages_total", result=result) == 1, result
    assert risen(before, after, "chat_sync_answers_total") == 1
    assert risen(before, after, "chat_sync_entries_total") == 1
    assert risen(before, after, "chat_connections") == 2
    assert risen(before, after, "chat_users_online") == 2
    assert risen(before, after, "chat_pushes_total") >= 1
    assert risen(before, after, "chat_commit_size_count") >= 1
    assert risen(before, after, "chat_commit_seconds_sum") > 0
    assert risen(before, after, "chat_push_lag_seconds_sum") > 0
    assert risen(before, after, "chat_database_call_seconds_count") >= 1
    assert risen(before, after, "chat_incidents_total") == 0
    assert value(after, "chat_ready", part="database") == 1
    assert value(after, "chat_ready", part="revocations") == 1
    assert value(after, "chat_revocations_age_seconds") < 10


async def test_http_requests_are_counted_by_template_and_class(
    server: ServerProcess, api: Api
) -> None:
    alice = await api.person("alice")
    labels = {"route": "/api/v1/users/{user_id}", "method": "GET"}
    before = await scraped(server.url)
    headers = {"Authorization": f"Bearer {alice.token}"}
    async with http_client(server.url, headers=headers) as http:
        await http.get(f"/api/v1/users/{alice.id}")
        await http.get("/api/v1/users/nobody")
        await http.get("/nowhere/at/all")
        await http.get("/")
        await http.get("/socket.io/", params={"EIO": 4, "transport": "polling"})
        await http.request("PROPFIND", "/nowhere")
    after = await scraped(server.url)

    count = "chat_http_request_seconds_count"
    assert risen(before, after, count, **labels, status="2xx") == 1
    assert risen(before, after, count, **labels, status="4xx") == 1
    assert risen(before, after, count, route="unmatched", method="GET", status="4xx") == 1
    assert risen(before, after, count, route="/", method="GET", status="2xx") == 1
    assert risen(before, after, count, route="/socket.io", method="GET", status="2xx") == 1
    assert risen(before, after, count, route="unmatched", method="other", status="4xx") == 1


async def test_what_a_rate_refuses_is_counted_by_its_limit(tmp_path: Path) -> None:
    settings: dict[str, str | int] = {
        "CHAT_RATE_LIMITS": "on",
        "CHAT_MESSAGE_BURST": 1,
        "CHAT_MESSAGES_PER_SECOND": 1,
    }
    async with ServerProcess(tmp_path, **settings) as server, Api(server.url) as api:
        alice, bob = await api.person("alice"), await api.person("bob")
        async with live_socket(server.url, alice) as alices:
            acks = [
                await alices.call("send_message", {"recipientId": bob.id, "content": "hi"})
                for _ in range(3)
            ]
        after = await scraped(server.url)

    refused = [ack for ack in acks if not ack["ok"]]
    assert refused
    assert value(after, "chat_rate_limited_total", limit="messages") == len(refused)
    assert value(after, "chat_messages_total", result="refused_rate_limited") == len(refused)


async def test_what_the_disk_of_a_file_has_left_is_told(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        told = value(await scraped(server.url), "chat_disk_free_bytes")
    assert told == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.5)


@pytest.mark.prove
async def test_ten_thousand_users_and_conversations_make_no_more_series(tmp_path: Path) -> None:
    """One user has a conversation with each of them, and asks for every user and conversation."""
    async with ServerProcess(tmp_path) as server:
        async with Api(server.url) as api:
            hub, one = await api.people("hub", "one")
            first = (await api.send(hub, one, "hi"))["conversationId"]
            await look_at(api, hub, [one.id], [first])
            before = await scraped(server.url)
        await server.stop()
        users, conversations = await add_friends(tmp_path / "chat.db", UserId(hub.id), 10_000)
        await server.start()
        async with Api(server.url) as api:
            hub = await api.log_in(hub.username)
            await api.sign_up("somebody-else")
            await api.send(hub, one, "hi again")
            await look_at(api, hub, users, conversations)
            after = await scraped(server.url)

    assert value(after, "chat_http_request_seconds_count", **OF_USER) == 10_000
    assert after.keys() == before.keys()


OF_USER = {"route": "/api/v1/users/{user_id}", "method": "GET", "status": "2xx"}


async def add_friends(path: Path, hub: UserId, number: int) -> tuple[list[str], list[str]]:
    """So many users, each with a message to that one: their ids, and those of conversations."""
    database = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(database)
    names = [f"friend-{place}" for place in range(number)]
    friends = await stored_users(stores.users, *names)
    me = (await stores.users.get([hub]))[hub]
    appends = [stores.log.append(draft(direct(each, me), each)) for each in friends]
    appended = await asyncio.gather(*appends)
    await database.close()
    return [each.id for each in friends], [each.message.conversation_id for each in appended]


async def look_at(api: Api, person: Person, users: list[str], conversations: list[str]) -> None:
    """Ask for each of them, ten at a time."""
    paths = [f"/users/{each}" for each in users] + [
        f"/conversations/{each}" for each in conversations
    ]
    for start in range(0, len(paths), 10):
        await asyncio.gather(*(api.get(path, person) for path in paths[start : start + 10]))


async def test_more_users_and_conversations_make_no_more_series(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:

        async def talk() -> None:
            people = [await api.person(name) for name in ("ann", "ben", "cat")]
            async with live_socket(server.url, people[0]) as anns:
                for other in people[1:]:
                    ack = await anns.call("send_message", {"recipientId": other.id, "content": "."})
                    assert ack["ok"]
                    headers = {"Authorization": f"Bearer {other.token}"}
                    async with http_client(server.url, headers=headers) as http:
                        conversation = ack["message"]["conversationId"]
                        (await http.get(f"/api/v1/users/{other.id}")).raise_for_status()
                        (await http.get(f"/api/v1/conversations/{conversation}")).raise_for_status()

        await talk()
        await scraped(server.url)
        before = await scraped(server.url)
        for _ in range(10):
            await talk()
        after = await scraped(server.url)

    assert after.keys() == before.keys()


def test_a_histogram_counts_a_value_at_its_bound_below_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for each in (0.5, 1.0, 1.5, 2.0, 3.0):
        histogram.observe(each)

    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 8.0


async def test_a_late_event_loop_is_seen() -> None:
    clock = ManualClock()
    lag = LoopLag(clock)
    running = asyncio.create_task(lag.run())
    await asyncio.sleep(0)

    clock.advance(LAG_SECONDS + 0.3)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()

    assert sum(lag.seconds.counts) == 1
    assert lag.seconds.total == pytest.approx(0.3)


def test_an_unknown_method_and_no_route_have_one_name_each() -> None:
    requests = HttpRequests()
    for number in range(100):
        requests.observe(None, f"M{number}", 404, 0.1)

    assert list(requests.seconds) == [("unmatched", "other", "4xx")]


# --------------------------------------------------------------------------- what is written of it
@pytest.fixture
async def exposed(server: ServerProcess) -> set[str]:
    """The names of all metrics, as in a query."""
    await scraped(server.url)
    return {name for name, _ in await scraped(server.url)} | SQLITE_ONLY


def families(names: set[str]) -> set[str]:
    """A histogram has several names in queries, and one in the documentation."""
    return {re.sub("_(bucket|count|sum)$", "", name) for name in names}


async def test_every_metric_is_explained_and_every_one_that_is_exists(exposed: set[str]) -> None:
    explained = {pages.code(row[0])[0] for row in pages.table(OPERATIONS, "Metrics")}

    assert explained == {name for name in families(exposed) if name.startswith("chat_")}


async def test_alerts_and_what_to_do_name_metrics_that_exist(exposed: set[str]) -> None:
    rules = ALERTS.read_text(encoding="utf-8")
    expressions = re.findall(r"^ +expr: (.+)$", rules, re.MULTILINE)
    named = {
        name
        for each in expressions
        for name in re.findall(r"\b(?:up|(?:chat|process)_\w+)", re.sub(r'"[^"]*"', "", each))
    }
    told = set(re.findall(r"`((?:chat|process)_\w+[a-z])`", OPERATIONS.read_text(encoding="utf-8")))

    assert len(expressions) == len(re.findall("- alert:", rules))
    assert named <= exposed | PROMETHEUS_OWN
    assert told <= exposed | families(exposed)


def test_every_alert_has_a_sentence_on_what_to_do() -> None:
    named = re.findall(r"- alert: (\w+)$", ALERTS.read_text(encoding="utf-8"), re.MULTILINE)
    rows = pages.table(OPERATIONS, "Alerts")

    assert [pages.code(alert)[0] for alert, _ in rows] == named
    assert all(sentence.endswith(".") for _, sentence in rows)


# ------------------------------------------------------------------------------ as Prometheus reads
def test_promtool_has_nothing_to_say_against_the_rules() -> None:
    done = subprocess.run(
        [promtool(), "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


async def test_promtool_has_nothing_to_say_against_the_metrics(server: ServerProcess) -> None:
    async with http_client() as http:
        text = (await http.get(f"{server.url}/metrics")).text
    done = await asyncio.to_thread(
        subprocess.run,
        [promtool(), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def promtool() -> str:
    """Prometheus's own check, where this machine has it; the parser above is always there."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    return found


async def test_the_metrics_are_as_strict_a_reader_wants_them(server: ServerProcess) -> None:
    """Each family is told once, with its help and type before its samples, and no series twice."""
    async with http_client() as http:
        text = (await http.get(f"{server.url}/metrics")).text
    assert text.endswith("\n")
    seen: set[str] = set()
    helped: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.append(line.split()[2])
            assert len(line.split()) > 3, line
        elif line.startswith("# TYPE "):
            assert line.split()[2] == helped[-1]
        else:
            series, _, number = line.rpartition(" ")
            float(number)
            assert re.match(rf"{helped[-1]}(_bucket|_count|_sum|_total)?(\{{|$)", series), line
            assert series not in seen
            seen.add(series)
    assert len(helped) == len(set(helped))
