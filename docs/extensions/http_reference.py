"""An OpenAPI document as Markdown: every call, and the shapes of what goes with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.extensions import json_schema

PAGE = "http"


def markdown(document: Mapping[str, Any]) -> str:
    """The calls by tag, in the order of the document, then the shapes."""
    calls: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            part = calls.setdefault(operation["tags"][0], [])
            part += _call(f"{method.upper()} {path}", operation)
    lines = []
    for tag, part in calls.items():
        lines += [f"## {tag.capitalize()}", "", *part]
    lines += ["## Shapes", "", *json_schema.shapes(PAGE, document["components"]["schemas"])]
    return "\n".join(lines)


def _call(call: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### {operation['summary']}", "", f"`{call}`", "")
    if "description" in operation:
        yield from (operation["description"], "")
    yield from (f"- **Token**: {'none' if operation.get('security') == [] else 'needed'}",)
    body = operation.get("requestBody")
    if body:
        yield f"- **Body**: {_content(body)}"
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            default = parameter["schema"].get("default")
            yield (
                f"- **Query** `{parameter['name']}`: {json_schema.kind(PAGE, parameter['schema'])}"
                + (f", `{default}` if left out" if default else "")
            )
    for status, answer in operation["responses"].items():
        if status == "default":
            yield f"- **Any error**: {_content(answer)}"
        else:
            yield f"- **{status}**: {_content(answer) or 'no content'}"
    yield ""


def _content(part: Mapping[str, Any]) -> str:
    return " or ".join(
        json_schema.kind(PAGE, content["schema"]) for content in part.get("content", {}).values()
    )
