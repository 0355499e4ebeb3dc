"""The site's navigation: the lists of links on docs/README.md, heading by heading."""

import posixpath
import re

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

SITE = re.compile(r"^## (?P<caption>.+)\n(?P<section>(?:(?!^## ).*\n)*)", re.MULTILINE)
LISTED = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<target>[^)#]+)\)", re.MULTILINE)
"""A page is listed by a line that begins with the link to it; a folder stands for its pages."""


def navigation(text: str, page: str) -> str:
    """The `toctree` of each heading that lists pages; `page` is where the text stands."""
    return "\n".join(
        _toctree(found["caption"], _entries(found["section"], posixpath.dirname(page)))
        for found in SITE.finditer(text)
        if LISTED.search(found["section"])
    )


def _entries(section: str, folder: str) -> list[str]:
    entries = []
    for listed in LISTED.finditer(section):
        target = "/" + posixpath.normpath(posixpath.join(folder, listed["target"]))
        is_page = target.endswith(".md")
        entries.append(
            f"{listed['title']} <{target.removesuffix('.md')}>" if is_page else f"{target}/*"
        )
    return entries


def _toctree(caption: str, entries: list[str]) -> str:
    return "\n".join(
        ["```{toctree}", ":hidden:", ":glob:", f":caption: {caption}", "", *entries, "```", ""]
    )


def _append(app: Sphinx, page: str, source: list[str]) -> None:
    if page == app.config.root_doc:
        source[0] += "\n" + navigation(source[0], page)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension of Sphinx."""
    app.connect("source-read", _append)
    return {"parallel_read_safe": True}
