"""The OpenAPI document at /schema."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

ROUTES = {
    ("post", "/api/v1/users"),
    ("get", "/api/v1/users"),
    ("post", "/api/v1/users/login"),
    ("post", "/api/v1/users/refresh"),
    ("get", "/api/v1/users/me"),
    ("patch", "/api/v1/users/me"),
    ("get", "/api/v1/users/{user_id}"),
    ("post", "/api/v1/messages"),
    ("get", "/api/v1/conversations"),
    ("get", "/api/v1/conversations/{conversation_id}/messages"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
}
BODIES = {
    ("post", "/api/v1/users"): {"username", "password", "email", "displayName"},
    ("post", "/api/v1/users/login"): {"username", "email", "password", "device"},
    ("patch", "/api/v1/users/me"): {"displayName", "email", "currentPassword"},
    ("post", "/api/v1/messages"): {
        "recipientId",
        "conversationId",
        "content",
        "clientMessageId",
    },
}
PUBLIC = {
    ("post", "/api/v1/users"),
    ("post", "/api/v1/users/login"),
    ("post", "/api/v1/users/refresh"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
}


@pytest.fixture(scope="module")
def schema(server: ServerProcess) -> Any:
    answer = httpx.get(f"{server.url}/schema", timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200
    assert "json" in answer.headers["content-type"]
    return answer.json()


def operations(schema: Any) -> dict[tuple[str, str], Any]:
    return {
        (method, path): operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a part of the document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_it_is_openapi_3_1_and_has_every_route(schema: Any) -> None:
    assert schema["openapi"].startswith("3.1.")
    assert schema["info"]["title"] == "chat-core"
    assert set(operations(schema)) >= ROUTES
    for place, operation in operations(schema).items():
        assert operation["summary"], place


def test_every_body_names_its_fields_and_takes_no_other(schema: Any) -> None:
    found = {}
    for place, operation in operations(schema).items():
        if "requestBody" not in operation:
            continue
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        shape = schema["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        found[place] = set(shape["properties"])
        assert operation["requestBody"]["required"], place
    assert {place: found.get(place) for place in BODIES} == BODIES


def test_every_reference_leads_somewhere(schema: Any) -> None:
    found = set(references(schema))
    assert found
    for reference in found:
        place = schema
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_answers_have_shapes(schema: Any) -> None:
    for place, operation in operations(schema).items():
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, place
        if place[1].startswith("/api/") and good != ["204"]:
            content = operation["responses"][good[0]]["content"]["application/json"]["schema"]
            assert "$ref" in content, place


@pytest.mark.parametrize("path", ["/api/v1/messages", "/api/v1/conversations"])
def test_a_repeat_is_answered_with_another_status_and_the_same_shape(
    schema: Any, path: str
) -> None:
    answers = operations(schema)["post", path]["responses"]
    new, repeat = (answers[status]["content"]["application/json"] for status in ("201", "200"))
    assert new["schema"] == repeat["schema"]
    assert "examples" not in repeat


def test_what_needs_no_token_says_so(schema: Any) -> None:
    for place, operation in operations(schema).items():
        security = operation.get("security", schema.get("security"))
        needs_token = bool(security) and {} not in security
        assert needs_token is (place not in PUBLIC), place
