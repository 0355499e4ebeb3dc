"""The AsyncAPI document, held against all that the clients of the tests hear.

The clients note what they hear; `check_what_was_heard` is for a fixture around every test.
"""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs

from chat_wire.asyncapi import acked, document, told

CLIENTS_OWN = "$"
"""How the names begin by which a client tells of itself."""

_noted: list[tuple[str, Any]] = []


def heard(event: str, *arguments: Any) -> None:
    """A server has sent that event."""
    if not event.startswith(CLIENTS_OWN):
        (payload,) = arguments
        _noted.append((told(event), payload))


def answered(event: str, ack: Any) -> None:
    """A server has answered that event; what was no event gets the ack of any that fails."""
    name = acked(event)
    _noted.append((name if name in _validators() else acked("typing"), ack))


def check_what_was_heard() -> Iterator[None]:
    """Hold everything that was heard in a test against the document, at its end."""
    _noted.clear()
    yield
    misfits = [misfit for message, payload in _noted for misfit in misfits_of(message, payload)]
    _noted.clear()
    assert misfits == []


def misfits_of(message: str, payload: Any) -> list[str]:
    """In what a payload is not as the document says of that message."""
    validator = _validators().get(message)
    if validator is None:
        return [f"{message} is not in the document"]
    if validator.is_valid(payload):
        return []
    return [f"{message}: {error.message}" for error in validator.iter_errors(payload)]


@cache
def _validators() -> dict[str, jsonschema_rs.Validator]:
    """By message; as strict as a server has to be: it adds nothing that it does not list."""
    components = copy.deepcopy(
        document(version="1", host="localhost:5000", path="/socket.io")["components"]
    )
    for schema in components["schemas"].values():
        for each in (schema, *schema.get("oneOf", ())):
            if "properties" in each:
                each["additionalProperties"] = False
    return {
        name: jsonschema_rs.Draft7Validator(
            {"allOf": [message["payload"]], "components": components}
        )
        for name, message in components["messages"].items()
    }
