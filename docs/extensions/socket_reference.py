"""An AsyncAPI 3.0 document as Markdown: every event, and the shapes of what goes with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.extensions import json_schema

PAGE = "sockets"
DIRECTIONS = {"receive": "From the client", "send": "From the server"}
"""The document speaks from the server's side."""


def markdown(document: Mapping[str, Any]) -> str:
    """The events of the clients, those of the server, then the shapes."""
    lines = []
    for channel in document["channels"].values():
        lines += [channel["description"], ""]
    for action, direction in DIRECTIONS.items():
        lines += [f"## {direction}", ""]
        for operation in document["operations"].values():
            if operation["action"] == action:
                lines += _event(document, operation)
    lines += ["## Shapes", "", *json_schema.shapes(PAGE, document["components"]["schemas"])]
    return "\n".join(lines)


def _event(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    messages = [_message(document, each) for each in operation["messages"]]
    yield from (f"### `{messages[0]['name']}`", "", operation["summary"], "")
    for message in messages:
        yield f"- **Payload**: {json_schema.kind(PAGE, message['payload'])}"
    for each in operation.get("reply", {}).get("messages", ()):
        yield f"- **Ack**: {json_schema.kind(PAGE, _message(document, each)['payload'])}"
    yield ""


def _message(document: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
    name = reference["$ref"].rpartition("/")[2]
    message: Mapping[str, Any] = document["components"]["messages"][name]
    return message
