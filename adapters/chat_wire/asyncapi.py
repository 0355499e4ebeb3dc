"""The socket API as an AsyncAPI 3.0 document, generated from the types of the messages.

See https://www.asyncapi.com/docs/reference/specification/v3.0.0. The specification takes the
server's point of view: `receive` is what a client sends, `send` is what the server sends.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from chat_core.errors import ChatError
from chat_wire import events
from chat_wire.catalogue import CLIENT_EVENTS, LOG_EVENTS, SERVER_EVENTS
from chat_wire.problems import Problem, status_of

NAMESPACE = "/"
"""The only channel: the default Socket.IO namespace."""

Part = dict[str, Any]
"""A part of the document."""

_SCHEMA = "#/components/schemas/{name}"
_CHANNEL = "namespace"
_PYTHON_NAME = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


def document(*, version: str, host: str, path: str) -> Part:
    """Return the document of the server at that `host:port`, with its sockets at that path."""
    messages = dict(_messages())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chat-core",
            "version": version,
            "description": (
                "The live connection of a chat service. The stored log is the truth, every push "
                "is a hint: a client that missed one calls `sync`."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"service": _server(host, path)},
        "channels": {_CHANNEL: _channel(messages)},
        "operations": dict(_operations()),
        "components": {"messages": messages, "schemas": _schemas()},
        "x-error-codes": [
            {
                "code": each.code,
                "kind": each.kind.value,
                "status": status_of(each()),
                "title": each().title,
            }
            for each in ChatError.classes()
        ],
    }


def _server(host: str, path: str) -> Part:
    return {
        "host": "{host}",
        "pathname": path,
        "protocol": "socket.io",
        "protocolVersion": "5",
        "description": "Socket.IO, over websocket or polling. Text only.",
        "variables": {"host": {"default": host, "description": "Host and port of the service."}},
    }


def _channel(messages: Mapping[str, Part]) -> Part:
    return {
        "address": NAMESPACE,
        "title": "The default namespace",
        "description": (
            "Register the connection first: call `register_user`, or send its payload as the "
            "`auth` of CONNECT. Each event that a client sends takes one object; the server "
            "acknowledges it if the client asks for an ack. Ignore fields and events that are not "
            "listed here, with one exception: an event with both `conversationId` and `seq` is an "
            "entry of that conversation's log, so remember its place."
        ),
        "servers": [{"$ref": "#/servers/service"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def asked(event: str) -> str:
    """Return the document's name for the message that carries a client's event."""
    return f"client.{event}"


def acked(event: str) -> str:
    """Return the document's name for the ack of a client's event."""
    return f"client.{event}.ack"


def told(event: str) -> str:
    """Return the document's name for the message that carries a server's event."""
    return f"server.{event}"


def _messages() -> Iterator[tuple[str, Part]]:
    for name, event in CLIENT_EVENTS.items():
        yield asked(name), {"name": name, "payload": _reference(event.payload)}
        answers = [_reference(event.ack), _reference(events.ErrorAck)]
        yield acked(name), {"name": "ack", "title": f"Ack of {name}", "payload": {"oneOf": answers}}
    for name, payload in SERVER_EVENTS.items():
        yield told(name), {"name": name, "payload": _reference(payload)}


def _operations() -> Iterator[tuple[str, Part]]:
    channel = {"$ref": f"#/channels/{_CHANNEL}"}
    for name, event in CLIENT_EVENTS.items():
        yield (
            f"receive.{name}",
            {
                "action": "receive",
                "channel": channel,
                "summary": _first_line(event.payload),
                "messages": [_in_channel(asked(name))],
                "reply": {"channel": channel, "messages": [_in_channel(acked(name))]},
            },
        )
    for name, payload in SERVER_EVENTS.items():
        yield (
            f"send.{name}",
            {
                "action": "send",
                "channel": channel,
                "summary": _first_line(payload),
                "messages": [_in_channel(told(name))],
            },
        )


def _schemas() -> Part:
    received = [event.payload for event in CLIENT_EVENTS.values()]
    acks = [event.ack for event in CLIENT_EVENTS.values()]
    sent: list[type[msgspec.Struct]] = [Problem, events.ErrorAck, *acks, *SERVER_EVENTS.values()]
    schemas = _components(received) | {
        name: _as_sent(schema) for name, schema in _components(sent).items()
    }
    # No type lists the events of a log, because they come from all parts of this package.
    schemas[events.Entry.__name__] = {
        "title": events.Entry.__name__,
        "description": events.Entry.__doc__,
        "oneOf": [_entry(name, payload) for name, payload in LOG_EVENTS.items()],
    }
    del schemas[msgspec.Struct.__name__]
    return dict(sorted(schemas.items()))


def _components(types: Iterable[type[msgspec.Struct]]) -> Part:
    _, schemas = msgspec.json.schema_components(types, ref_template=_SCHEMA)
    return {name: _in_words_of_the_wire(schema) for name, schema in schemas.items()}


def _in_words_of_the_wire(schema: Part) -> Part:
    """Return the schema with the wire's field names; docstrings use Python's field names."""

    def renamed(match: re.Match[str]) -> str:
        first, *rest = match[1].split("_")
        name = first + "".join(map(str.capitalize, rest))
        return f"`{name}`" if name in schema["properties"] else match[0]

    return schema | {"description": _PYTHON_NAME.sub(renamed, schema["description"])}


def _as_sent(schema: Part) -> Part:
    """Mark fields with a default as required: requests may omit them, the server never does."""
    given = {name for name, each in schema["properties"].items() if "default" in each}
    required = set(schema["required"]) | given
    return schema | {"required": [name for name in schema["properties"] if name in required]}


def _entry(name: str, payload: type[msgspec.Struct]) -> Part:
    properties = {
        "seq": {"type": "integer"},
        "event": {"type": "string", "const": name},
        "data": _reference(payload),
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _reference(type_: type[msgspec.Struct]) -> Part:
    return {"$ref": _SCHEMA.format(name=type_.__name__)}


def _in_channel(message: str) -> Part:
    return {"$ref": f"#/channels/{_CHANNEL}/messages/{message}"}


def _first_line(type_: type[msgspec.Struct]) -> str:
    return (type_.__doc__ or "").partition("\n")[0]
