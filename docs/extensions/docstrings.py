"""Docstrings are written for who reads the code; here they become what Sphinx reads.

One pair of backticks marks a name. Where the reference has it, it becomes a link.
"""

import dataclasses
import inspect
import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.inspect import stringify_signature
from sphinx.util.typing import ExtensionMetadata

NAME = re.compile(r"(?<![`\w:])`(?P<name>[^`]+)`(?!`)")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
CLASS = re.compile(r"(?:\w+\.)*?(?P<name>[A-Z]\w*(?:\.\w+)?)")


def marked(lines: list[str]) -> list[str]:
    """The lines, with names and code marked as reStructuredText does, and lists set apart."""
    marked_lines: list[str] = []
    for line in lines:
        begins_list = line.lstrip().startswith("- ")
        before = marked_lines[-1] if marked_lines else ""
        if begins_list and before.strip() and not _in_list(marked_lines):
            marked_lines.append("")
        marked_lines.append(NAME.sub(_mark, line))
    return marked_lines


def _in_list(lines: list[str]) -> bool:
    """Whether the last paragraph is part of a list."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if line.lstrip().startswith("- "):
            return True
    return False


def _mark(found: re.Match[str]) -> str:
    name = found["name"]
    return f":py:obj:`{name}`" if IDENTIFIER.fullmatch(name) else f"``{name}``"


def _process(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    lines[:] = marked(lines)


class _Default:
    """A default that is no plain value: its text would be longer than it helps."""

    def __repr__(self) -> str:
        return "…"


def signature_of(value: type) -> str:
    """How a class is made, without what is only for itself."""
    signature = inspect.signature(value)
    shown = [
        parameter
        if isinstance(parameter.default, (bool, int, float, str, type(None), type))
        else parameter.replace(default=_Default())
        for parameter in signature.parameters.values()
        if not parameter.name.startswith("_")
    ]
    return stringify_signature(signature.replace(parameters=shown), unqualified_typehints=True)


def _process_signature(
    _app: Sphinx,
    _what: str,
    _name: str,
    value: object,
    _options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    if inspect.isclass(value) and dataclasses.is_dataclass(value) and signature:
        return signature_of(value).removesuffix(" -> None"), returned
    return signature, returned


def _find(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """The link to a class, or its member, that is named without the module it is listed under."""
    named = CLASS.fullmatch(node["reftarget"])
    if node.get("refdomain") != "py" or named is None:
        return None
    python = env.domains.python_domain
    found = python.find_obj(env, None, None, named["name"], None, searchmode=1)  # type: ignore[arg-type]
    places = {(entry.docname, entry.node_id) for _, entry in found if not entry.aliased}
    if len(places) != 1:
        return None
    ((page, anchor),) = places
    uri = app.builder.get_relative_uri(node["refdoc"], page)
    return nodes.reference("", "", content, refuri=f"{uri}#{anchor}", internal=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension of Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-process-signature", _process_signature)
    app.connect("missing-reference", _find)
    return {"parallel_read_safe": True}
