"""Two servers store into the same conversations: one log each, and everybody's place in it."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live_socket import live_socket
from tests.support.mongod import fresh_database
from tests.support.server import Api, Person, ServerProcess, answered

WRITERS = 50
"""At each server."""
CONVERSATIONS = 5
TITLES = 5
"""At each server, for each conversation."""


async def test_a_hundred_writers_at_two_servers(tmp_path: Path) -> None:
    await write_at_two_servers(tmp_path, messages=6)


@pytest.mark.prove
async def test_a_hundred_writers_at_two_servers_for_long(tmp_path: Path) -> None:
    await write_at_two_servers(tmp_path, messages=100)


@dataclass(slots=True)
class Written:
    """What the servers have acked."""

    messages: list[Any] = field(default_factory=list)
    edited: list[Any] = field(default_factory=list)
    titles: list[tuple[str, str]] = field(default_factory=list)
    """Of which conversation, and what."""
    refused: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def write(self, api: Api, person: Person, groups: list[str], *, messages: int) -> None:
        """Send so many, to one conversation after the other, and edit every fifth."""
        for number in range(messages):
            client_id = f"{next(self._numbers)}"
            body = {
                "conversationId": groups[number % len(groups)],
                "content": f"content of {client_id}",
                "clientMessageId": client_id,
            }
            message = await self._done(lambda: api.post("/messages", person, body))  # noqa: B023
            self.messages.append(message)
            if number % 5 == 4:
                await self._edit(api, person, message["id"], f"edited {client_id}")

    async def name(self, api: Api, owner: Person, group: str) -> None:
        """Give the conversation one title after the other."""
        for _ in range(TITLES):
            title = f"title {next(self._numbers)}"
            path, headers = f"/conversations/{group}", owner.bearer
            await self._done(lambda: api.http.patch(path, json={"title": title}, headers=headers))  # noqa: B023
            self.titles.append((group, title))

    async def _edit(self, api: Api, person: Person, message_id: str, content: str) -> None:
        path, body, headers = f"/messages/{message_id}", {"content": content}, person.bearer
        self.edited.append(
            await self._done(lambda: api.http.patch(path, json=body, headers=headers))
        )

    async def _done(self, ask: Callable[[], Any]) -> Any:
        """What is answered; asked again as long as the server has too much to do."""
        while True:
            answer: httpx.Response = await ask()
            if answer.status_code != 503:
                assert answer.status_code in {200, 201}, answer.text
                return answer.json()
            self.refused += 1


async def write_at_two_servers(folder: Path, *, messages: int) -> None:
    """Let everyone write, and compare the logs with what everyone was told."""
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    written = Written()
    with fresh_database() as url:
        async with (
            ServerProcess(folder / "one", DATABASE_URL=url) as one,
            ServerProcess(folder / "two", DATABASE_URL=url) as two,
            AsyncExitStack() as opened,
        ):
            apis = [await opened.enter_async_context(Api(each.url)) for each in (one, two)]
            owner, *others = await apis[0].people(*["someone"] * 10)
            groups = [await make_group(apis[0], owner, others) for _ in range(CONVERSATIONS)]
            async with asyncio.TaskGroup() as tasks:
                for number, api in itertools.product(range(WRITERS), apis):
                    first = number % len(groups)
                    order = groups[first:] + groups[:first]
                    person = others[number % len(others)]
                    tasks.create_task(written.write(api, person, order, messages=messages))
                for group, api in itertools.product(groups, apis):
                    tasks.create_task(written.name(api, owner, group))
            assert len(written.messages) == 2 * WRITERS * messages
            async with live_socket(two.url, owner) as live:
                logs = {group: await live.log(group) for group in groups}
        for server in (one, two):
            assert "Traceback" not in server.log
    check(logs, written)


def check(logs: dict[str, list[Any]], written: Written) -> None:
    """Each log is without holes, and holds what was acked, where it was said to be, and no more."""
    for entries in logs.values():
        assert [each["seq"] for each in entries] == list(range(1, len(entries) + 1))
    stored = [
        (each["event"], group, each["seq"], each["data"])
        for group, entries in logs.items()
        for each in entries
    ]
    assert sorted(
        (group, seq, data["id"]) for event, group, seq, data in stored if event == "new_message"
    ) == sorted((each["conversationId"], each["seq"], each["id"]) for each in written.messages)
    assert sorted(
        (group, seq, data["message"]["id"], data["message"]["content"])
        for event, group, seq, data in stored
        if event == "message_updated"
    ) == sorted(
        (each["conversationId"], each["updatedSeq"], each["id"], each["content"])
        for each in written.edited
    )
    assert sorted(
        (group, data["title"])
        for event, group, _, data in stored
        if event == "conversation_updated" and data["change"] == "title_changed"
    ) == sorted(written.titles)


async def make_group(api: Api, owner: Person, others: list[Person]) -> str:
    """A group of all of them; its id."""
    members = [each.id for each in others]
    body = {"kind": "group", "title": "all", "memberIds": members}
    return str(answered(await api.post("/conversations", owner, body), 201)["id"])
