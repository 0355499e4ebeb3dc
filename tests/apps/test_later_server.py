"""The Python client and a server of a later version, which tells it what it does not know."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat_client import ChatClient, ConversationState
from chat_client.socketio_wire import SocketIoWire
from chat_client.wire import Json
from tests.support.later_server import LATER
from tests.support.server import Api, Person, ServerProcess, answered
from tests.support.waiting import eventually


class CountingWire(SocketIoWire):
    """A wire that counts how often its client asks `sync`."""

    syncs = 0

    async def call(self, event: str, payload: Json) -> Json:
        """See `Wire.call`."""
        self.syncs += event == "sync"
        return await super().call(event, payload)


@pytest.fixture
async def later(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path, LATER) as server:
        yield server


async def patched(api: Api, person: Person, path: str, **body: Any) -> None:
    answered(await api.http.patch(path, json=body, headers=person.bearer), 200)


async def shown(client: ChatClient, conversation_id: str, seq: int) -> ConversationState:
    """The conversation, once the client knows everything up to that place."""

    def arrived() -> bool:
        state = client.state.conversations.get(conversation_id)
        return state is not None and state.seq >= seq

    await eventually(arrived)
    return client.state.conversations[conversation_id]


async def test_unknown_entries_take_their_places_live_and_by_sync(later: ServerProcess) -> None:
    async with Api(later.url) as api:
        ann, bob = await api.people("ann", "bob")
        body = {"kind": "group", "title": "Team", "memberIds": [bob.id]}
        group = answered(await api.post("/conversations", ann, body), 201)["id"]
        path = f"/conversations/{group}"

        async def say(text: str) -> Any:
            told = {"conversationId": group, "content": text}
            return answered(await api.post("/messages", ann, told), 201)

        heard: list[str] = []
        wire = CountingWire(later.url)
        client = ChatClient(wire, on_event=lambda event, _: heard.append(event))
        await client.start(bob.token)
        typist = ChatClient(SocketIoWire(later.url))
        await typist.start(ann.token)
        for typing in (True, False):
            await typist.set_typing(group, typing=typing)
        one = await say("one")  # 2
        await patched(api, ann, f"/messages/{one['id']}", content="ONE")  # 3, reactions_changed
        await patched(api, ann, path, title="Crew")  # 4, metadata_changed
        await patched(api, ann, f"{path}/members/{bob.id}", role="admin")  # 5, moderator
        await say("two")  # 6

        state = await shown(client, group, 6)
        assert [each["content"] for each in state.history()] == ["one", "two"]
        assert state.members == {ann.id: "owner", bob.id: "moderator"}
        assert state.title == "Team"
        assert {"preferences_changed", "reactions_changed"} <= set(heard)
        assert wire.syncs == 1  # at the start: nothing ever seemed to be missing

        await client.stop()
        await patched(api, ann, f"/messages/{one['id']}", content="one!")  # 7
        await say("three")  # 8
        await patched(api, ann, path, title="Club")  # 9
        await client.start(bob.token)
        await say("four")  # 10
        state = await shown(client, group, 10)
        assert [each["content"] for each in state.history()] == ["one", "two", "three", "four"]
        assert state.members == {ann.id: "owner", bob.id: "moderator"}
        assert wire.syncs == 2
        await client.stop()
        await typist.stop()
