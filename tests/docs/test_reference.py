"""The pages that list things list what the code has, and every link leads somewhere."""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chat_core.errors import ChatError
from chat_core.events import ChangeKind
from chat_server.settings import load_settings, variables_by_field
from chat_socketio.dispatcher import REGISTER
from chat_wire import catalogue, events, problems, requests, shapes
from tests.support import pages
from tests.support.http_client import http_client
from tests.support.server import ServerProcess

DOCS = pages.ROOT / "docs"
ERRORS, PORTS, SETTINGS, WIRE = (
    DOCS / name for name in ("errors.md", "ports.md", "settings.md", "wire.md")
)
SOCKETIO = pages.ROOT / "adapters" / "chat_socketio"
DISPATCHER, HANDLERS = SOCKETIO / "dispatcher.py", SOCKETIO / "handlers.py"


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start in an empty folder, with none of the settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for variable in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(variable, raising=False)


# ----------------------------------------------------------------------------------------- errors
def test_every_code_is_listed_with_its_kind_and_status() -> None:
    listed = [
        (*pages.code(code), *pages.code(kind), int(status))
        for code, kind, status, *_ in pages.table(ERRORS, "Codes")
    ]

    known = [
        (each.code, each.kind.value, problems.status_of(each())) for each in ChatError.classes()
    ]
    internal = problems.internal_problem("id")
    assert sorted(listed) == sorted([*known, (internal.code, "internal", internal.status)])


# --------------------------------------------------------------------------------------- settings
def test_every_setting_is_listed_with_its_default() -> None:
    rows = [
        row for heading in ("Where and how", "Limits") for row in pages.table(SETTINGS, heading)
    ]
    listed = {pages.code(name)[0]: "".join(pages.code(default)) for name, default, _ in rows}

    described = load_settings().describe()
    assert len(rows) == len(listed)
    assert listed == {
        name: "" if value is None else str(value) for name, value in described.items()
    }


# ------------------------------------------------------------------------------------------- wire
def _takes(operation: Mapping[str, Any]) -> set[str]:
    """What is in a call's query or body; what a body may lack ends in a question mark."""
    taken = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        struct = getattr(requests, content["schema"]["$ref"].rpartition("/")[2])
        for field in msgspec.structs.fields(struct):
            taken.add(field.encode_name + ("" if field.required else "?"))
    return taken


def _unnamed(call: str) -> str:
    """A call with its path's parameters, whatever they are named."""
    return re.sub(r"{.*?}", "{id}", call)


CALL = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) (/[\w/{}.]*[\w}])")
BESIDE = {"/schema", "/asyncapi.json", "/metrics", "/socket.io"}
"""Paths that are no calls of the API."""


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_every_call_that_a_page_names_is_there(page: Path) -> None:
    calls = {_unnamed(pages.code(row[0])[0]) for row in pages.table(WIRE, "Calls")}
    named = {
        _unnamed(each.replace("/api/v1", ""))
        for piece in pages.inline_code(page)
        for each in [found[0] for found in CALL.finditer(piece)]
        if CALL.fullmatch(each) and not each.endswith(tuple(BESIDE))
    }

    assert named - calls == set()


async def test_every_call_is_listed_with_what_it_takes(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, http_client() as http:
        paths = (await http.get(f"{server.url}/schema")).json()["paths"]
    known = {
        _unnamed(f"{method.upper()} {path.removeprefix('/api/v1')}"): _takes(call)
        for path, calls in paths.items()
        for method, call in calls.items()
    }

    rows = pages.table(WIRE, "Calls")
    assert {
        _unnamed(pages.code(call)[0]): set(re.findall(r"\w+\??", "".join(pages.code(taken))))
        for call, taken, _ in rows
    } == known
    assert len(rows) == len(known)


def _texts_of_calls(module: Path, *names: str) -> set[str]:
    """The texts that are handed over in calls of functions of these names."""
    return {
        argument.value
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in names
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def _handled() -> set[str]:
    """The names of events that there is a handler for."""
    names: set[str] = set()
    for node in ast.parse(HANDLERS.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name in {"handlers", "pipelined"}:
            returned = node.body[-1]
            assert isinstance(returned, ast.Return)
            assert isinstance(returned.value, ast.Dict)
            names |= {
                str(key.value) for key in returned.value.keys if isinstance(key, ast.Constant)
            }
    return names


def test_every_event_of_a_client_is_listed() -> None:
    listed = [pages.code(event)[0] for event, *_ in pages.table(WIRE, "From the client")]

    assert sorted(listed) == sorted({REGISTER, *_handled()})


def test_every_event_of_the_server_is_listed() -> None:
    pushed = _texts_of_calls(Path(events.__file__), "Push")
    told = _texts_of_calls(DISPATCHER, "_tell")
    listed = [pages.code(event)[0] for event, *_ in pages.table(WIRE, "From the server")]

    assert pushed
    assert told
    assert sorted(listed) == sorted(pushed | told)
    assert pushed | told == set(catalogue.SERVER_EVENTS)


def test_every_change_of_a_conversation_is_listed() -> None:
    listed = [pages.code(change)[0] for change, _ in pages.table(WIRE, "Changes")]

    assert sorted(listed) == sorted(ChangeKind)


SHOWN = [
    pytest.param(block, id=f"{pages.name(page)}: {block.note}")
    for page in pages.pages()
    for block in pages.blocks(page)
    if block.language == "json"
]


@pytest.mark.parametrize("block", SHOWN)
def test_a_shape_has_the_fields_that_its_example_shows(block: pages.Block) -> None:
    structs = vars(problems) | vars(events) | vars(shapes)

    read = msgspec.json.decode(block.text, type=structs[block.note])

    assert msgspec.to_builtins(read) == json.loads(block.text)


# ------------------------------------------------------------------------------------------ ports
def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def test_every_port_is_listed() -> None:
    listed = {name for port, *_ in pages.table(PORTS, "Ports") for name in pages.code(port)}

    known = {
        node.name
        for module in (pages.ROOT / "chat_core" / "ports").glob("*.py")
        for node in parsed(module).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
    assert listed == known


def test_every_contract_suite_is_listed() -> None:
    rows = [*pages.table(PORTS, "Ports"), *pages.table(PORTS, "The log and its drafts")]
    listed = {name for _, _, suite, *_ in rows for name in pages.code(suite)}

    known = {
        f"{module.stem}.{node.name}"
        for module in (pages.ROOT / "chat_core" / "testing").glob("*_contract*.py")
        for node in parsed(module).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Contract")
    }
    assert listed == known


def test_a_suite_that_fails_says_what_it_compared() -> None:
    """Pytest rewrites the assertions of the modules that it is told of, and of no other."""
    folder = pages.ROOT / "chat_core" / "testing"
    asserting = {
        f"chat_core.testing.{module.stem}"
        for module in folder.glob("*.py")
        if any(isinstance(each, ast.Assert) for each in ast.walk(parsed(module)))
    }
    registered = {
        node.value
        for node in ast.walk(parsed(folder / "__init__.py"))
        if isinstance(node, ast.Constant) and str(node.value).startswith("chat_core.testing.")
    }
    assert asserting
    assert asserting - registered == set()


# ------------------------------------------------------------------------------------------ links
@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in pages.links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in pages.anchors(target)):
            dead.append(link)

    assert dead == []
