"""The AsyncAPI document at /asyncapi.json. What servers send is held against it in every test."""

import ast
import json
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import jsonschema_rs
import pytest

from chat_core.errors import ChatError
from chat_socketio import handlers, pipelined
from chat_socketio import server as socketio_server
from chat_socketio.dispatcher import REGISTER
from chat_wire import asyncapi, catalogue, encode
from chat_wire import events as wire_events
from chat_wire.asyncapi import acked, asked, told
from chat_wire.problems import STATUS
from tests.support.asyncapi import misfits_of
from tests.support.server import ServerProcess
from tests.support.services import missing
from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
OFFICIAL = ROOT / "tests" / "js" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
HANDLERS = ROOT / "adapters" / "chat_socketio" / "handlers.py"

MESSAGE = {
    "id": "m",
    "conversationId": "c",
    "seq": 1,
    "updatedSeq": 1,
    "senderId": "a",
    "recipientId": "b",
    "content": "hi",
    "clientMessageId": None,
    "createdAt": "2026-01-31T08:15:00.250Z",
    "editedAt": None,
    "deletedAt": None,
}


@pytest.fixture(scope="module")
def document(server: ServerProcess) -> Any:
    answer = httpx.get(f"{server.url}/asyncapi.json", timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json()


@pytest.fixture
def made() -> Any:
    return asyncapi.document(version="1", host="localhost:5000", path="/socket.io")


def resolved(document: Any, reference: str) -> Any:
    place = document
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        found = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return found.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


# ------------------------------------------------------------------------------------ what it is
def test_it_fits_the_schema_of_asyncapi_3(document: Any) -> None:
    if not OFFICIAL.is_file():
        missing("@asyncapi/specs is not installed: run `make test`")
    official = jsonschema_rs.validator_for(json.loads(OFFICIAL.read_text(encoding="utf-8")))

    assert [error.message for error in official.iter_errors(document)] == []


def test_every_reference_leads_somewhere(document: Any) -> None:
    found = references(document)

    assert found
    for reference in found:
        resolved(document, reference)


def test_every_schema_is_one(document: Any) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_it_is_what_the_types_say_and_where_the_sockets_are(document: Any) -> None:
    host = document["servers"]["service"]["variables"]["host"]["default"]
    version = document["info"]["version"]
    path = document["servers"]["service"]["pathname"]
    expected = asyncapi.document(version=version, host=host, path=path)

    assert document == json.loads(encode(expected))
    assert path == "/socket.io"
    assert asyncapi.NAMESPACE == socketio_server.NAMESPACE


def test_every_event_goes_one_way_and_only_those_of_clients_are_answered(document: Any) -> None:
    ways: dict[str, set[str]] = {"receive": set(), "send": set()}
    for operation in document["operations"].values():
        (message,) = (resolved(document, each["$ref"]) for each in operation["messages"])
        name = resolved(document, message["$ref"])["name"]
        ways[operation["action"]].add(name)
        assert ("reply" in operation) is (operation["action"] == "receive"), name
        assert operation["summary"], name

    assert ways == {
        "receive": set(catalogue.CLIENT_EVENTS),
        "send": set(catalogue.SERVER_EVENTS),
    }


def test_every_schema_says_what_it_is_in_the_words_of_the_wire(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
    assert "`clientMessageId`" in document["components"]["schemas"]["Message"]["description"]


def test_every_code_of_an_error_is_listed_with_its_kind(document: Any) -> None:
    listed = {each["code"]: each["kind"] for each in document["x-error-codes"]}

    assert listed == {each.code: each.kind.value for each in ChatError.classes()}
    assert set(listed.values()) == {kind.value for kind in STATUS}


# -------------------------------------------------------------------- the catalogue and the code
def decoded_by_handlers() -> dict[str, str]:
    """What each function in the table of handlers decodes its payload as."""
    return {
        function.name: argument.attr
        for function in ast.walk(ast.parse(HANDLERS.read_text(encoding="utf-8")))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "decode"
        for argument in call.args
        if isinstance(argument, ast.Attribute)
    }


def test_handlers_take_and_give_what_the_catalogue_says() -> None:
    nothing: Any = None
    decoded = decoded_by_handlers()
    found = {
        name: (decoded[handler.__name__], get_type_hints(handler)["return"])
        for name, handler in handlers(
            synchronising=nothing, receipts=nothing, typing=nothing
        ).items()
    }
    for name, event in pipelined(nothing).items():
        found[name] = (event.request.__name__, wire_events.SentAck)
    found[REGISTER] = ("Register", wire_events.RegisteredAck)

    assert found == {
        name: (event.payload.__name__, event.ack) for name, event in catalogue.CLIENT_EVENTS.items()
    }


# -------------------------------------------------------------------------- what it lets through
def test_a_push_fits_and_one_with_another_field_or_without_one_does_not() -> None:
    short = {name: value for name, value in MESSAGE.items() if name != "editedAt"}

    assert misfits_of(told("new_message"), MESSAGE) == []
    assert misfits_of(told("new_message"), MESSAGE | {"more": 1})
    assert misfits_of(told("new_message"), short)
    assert misfits_of(told("new_message"), MESSAGE | {"seq": "1"})
    assert misfits_of(told("news"), MESSAGE)


def test_an_ack_is_what_was_asked_for_or_a_problem() -> None:
    problem = {"type": "urn:x", "title": "No", "status": 422, "code": "invalid"}

    assert misfits_of(acked("typing"), {"ok": True}) == []
    assert misfits_of(acked("typing"), {"ok": False, "error": problem}) == []
    assert misfits_of(acked("typing"), {"ok": False})
    assert misfits_of(acked("typing"), {"ok": True, "error": problem})
    assert misfits_of(acked("send_message"), {"ok": True})


def test_an_entry_of_a_log_is_the_push_of_its_name() -> None:
    part = {
        "conversationId": "c",
        "firstSeq": 1,
        "lastSeq": 1,
        "hasMore": False,
        "reset": False,
        "readSeq": 0,
        "unreadCount": 1,
        "receipts": [],
    }

    def ack(event: str) -> Any:
        entries = [{"seq": 1, "event": event, "data": MESSAGE}]
        return {"ok": True, "conversations": [part | {"entries": entries}], "nextCursor": None}

    assert misfits_of(acked("sync"), ack("new_message")) == []
    assert misfits_of(acked("sync"), ack("message_updated"))
    assert misfits_of(acked("sync"), ack("typing"))


def test_what_a_client_sends_fits_as_the_server_takes_it(made: Any) -> None:
    payload = made["components"]["messages"][asked("send_message")]["payload"]
    validator = jsonschema_rs.Draft7Validator(
        {"allOf": [payload], "components": made["components"]}
    )

    assert validator.is_valid({"recipientId": "b", "content": "hi"})
    assert not validator.is_valid({"recipientId": "b"})
    assert not validator.is_valid({"recipientId": "b", "content": "hi", "more": 1})
