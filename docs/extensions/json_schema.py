"""JSON Schemas as Markdown: what a field holds, in words, and a table for each shape."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_PAGE = re.compile(r"Page_(?:\w+\.)*(\w+?)_")
"""How the framework names the schema of a page of something."""

_WORD = re.compile(r"[A-Z]?[a-z]+")


def title(name: str) -> str:
    """A schema's name, as a person writes it."""
    page = _PAGE.fullmatch(name)
    return f"Page of {page[1]}" if page else name


def anchor(page: str, name: str) -> str:
    """What a link on that page leads to."""
    words = _WORD.findall(title(name))
    return "-".join([page, *words]).lower()


def linked(page: str, reference: str) -> str:
    """A link to the schema that a `$ref` names."""
    name = reference.rpartition("/")[2]
    return f"[{title(name)}](#{anchor(page, name)})"


def kind(page: str, schema: Schema) -> str:
    """What fits the schema, in words."""
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        words = [kind(page, choice) for choice in choices]
    elif "enum" in schema or "const" in schema:
        words = [f"`{json.dumps(value)}`" for value in schema.get("enum", [schema.get("const")])]
    else:
        words = [_one_kind(page, schema)]
    return " or ".join(words)


def _one_kind(page: str, schema: Schema) -> str:
    if "$ref" in schema:
        return linked(page, schema["$ref"])
    if schema.get("type") == "array":
        return f"array of {kind(page, schema['items'])}"
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping) and others:
        return f"object of {kind(page, others)}"
    return str(schema.get("type", "anything"))


def shapes(page: str, schemas: Mapping[str, Schema]) -> Iterator[str]:
    """A part for each schema, by name."""
    for name in sorted(schemas, key=title):
        schema = schemas[name]
        yield from (f"({anchor(page, name)})=", f"### {title(name)}", "")
        if "description" in schema:
            yield from (schema["description"], "")
        if schema.get("properties"):
            yield from table(page, schema)
        else:
            for choice in schema.get("oneOf", ()):
                yield from table(page, choice)


def table(page: str, schema: Schema) -> Iterator[str]:
    """The fields of an object."""
    required = set(schema.get("required", ()))
    yield from ("| field | holds | |", "| --- | --- | --- |")
    for name, field in schema["properties"].items():
        notes = [field["description"]] if "description" in field else []
        if name not in required:
            default = field.get("default")
            notes.insert(0, "optional" + (f", `{json.dumps(default)}`" if default else ""))
        yield f"| `{name}` | {kind(page, field)} | {'; '.join(notes)} |"
    yield ""
