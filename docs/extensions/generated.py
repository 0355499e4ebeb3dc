"""Parts of pages that are made when the site is, each in the place of a comment.

    <!-- generated: names chat_core -->

Where the page is read as a file, the comment does not show.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from docs.extensions import http_reference, public_names, socket_reference
from docs.extensions.api_documents import ASYNCAPI, OPENAPI, documents

PLACE = re.compile(r"^<!-- generated: (?P<what>[a-z]+)(?: (?P<of>\S+))? -->$", re.MULTILINE)


def _commands(path: str) -> str:
    program = path.rpartition(":")[2].replace("_", "-")
    options = (f"   :prog: {program}", "   :nested: full")
    return "\n".join(["```{eval-rst}", f".. click:: {path}", *options, "```"])


GENERATORS: Mapping[str, Callable[[str], str]] = {
    "asyncapi": lambda _: socket_reference.markdown(documents()[ASYNCAPI]),
    "commands": _commands,
    "names": public_names.markdown,
    "openapi": lambda _: http_reference.markdown(documents()[OPENAPI]),
}
"""By what the comment says first; they are given what it says next."""


def filled(text: str) -> str:
    """The text of a page with its generated parts in it."""
    return PLACE.sub(lambda found: GENERATORS[found["what"]](found["of"] or ""), text)


def _fill(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def _add_documents(app: Sphinx, error: Exception | None) -> None:
    """Put the two documents beside the pages that show them, for programs to read."""
    if error is None:
        folder = Path(app.outdir, "docs", "reference")
        for name, path in (("openapi.json", OPENAPI), ("asyncapi.json", ASYNCAPI)):
            text = json.dumps(documents()[path], indent=2)
            (folder / name).write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension of Sphinx."""
    app.connect("source-read", _fill)
    app.connect("build-finished", _add_documents)
    return {"parallel_read_safe": True}
