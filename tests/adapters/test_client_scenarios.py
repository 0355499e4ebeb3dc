"""What the Python client makes of what it is told: a table that the web client runs, too."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from chat_client import ChatState, ConversationState

Json = dict[str, Any]

TABLE: Json = json.loads(
    (Path(__file__).parents[1] / "scenarios" / "reducer.json").read_text(encoding="utf-8")
)
DEFAULTS: Json = TABLE["defaults"]


def data_of(told: Json) -> Json:
    """The whole payload of a push or an entry."""
    if "change" in told:
        return {**DEFAULTS["change"], **told["change"]}
    if "message" not in told:
        data: Json = told["data"]
        return data
    message = {**DEFAULTS["message"], **told["message"]}
    if told.get("event", told.get("push")) == "new_message":
        return message
    return {"conversationId": message["conversationId"], "seq": told["seq"], "message": message}


def part_of(told: Json) -> Json:
    """A whole part of an answer of `sync`."""
    entries = [
        {"seq": each["seq"], "event": each["event"], "data": data_of(each)}
        for each in told.get("entries", [])
    ]
    return {**DEFAULTS["part"], **told, "entries": entries}


def take(state: ChatState, told: Json) -> Json:
    """Feed the state; what it asks for."""
    if "sync" in told:
        return {"more": state.synced(part_of(told["sync"]))}
    if "ack" in told:
        return {"missing": state.push("new_message", {**DEFAULTS["message"], **told["ack"]})}
    return {"missing": state.push(told["push"], data_of(told))}


def shown(conversation: ConversationState, names: Iterable[str]) -> Json:
    """What a scenario names of a conversation."""
    everything = {
        "base": conversation.base,
        "seq": conversation.seq,
        "title": conversation.title,
        "members": conversation.members,
        "messages": conversation.history(),
        "readSeq": conversation.read_seq,
        "unreadCount": conversation.unread_count,
        "receipts": {user: list(marks) for user, marks in conversation.receipts.items()},
        "typing": sorted(conversation.typing),
    }
    return {name: everything[name] for name in names}


@pytest.mark.parametrize("scenario", TABLE["scenarios"], ids=lambda scenario: scenario["name"])
def test_the_state_after(scenario: Json) -> None:
    state = ChatState()
    for told in scenario.get("given", []):
        take(state, told)
    for told in scenario["inputs"]:
        asked = {name: told[name] for name in ("missing", "more") if name in told}
        assert take(state, told) == asked

    expected = scenario["expected"]
    assert state.conversations.keys() == expected["conversations"].keys()
    for id_, told in expected["conversations"].items():
        found = shown(state.conversations[id_], told)
        if "messages" in told:
            assert len(found["messages"]) == len(told["messages"])
            pairs = zip(found["messages"], told["messages"], strict=True)
            found["messages"] = [{name: have[name] for name in named} for have, named in pairs]
        assert found == told
    assert state.online == expected.get("online", {})
