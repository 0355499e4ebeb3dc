"""Links from the pages to files and folders of the repository lead to pages of the site, too.

The site can be read without the repository: each file that a page links to is shown on a page of
its own, and a folder is a list of what is in it.
"""

import posixpath
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers import find_lexer_class_for_filename
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.typing import ExtensionMetadata

SITE_FOLDER = "files"
UNSEEN = {"__pycache__"}

PageOfSite = tuple[str, dict[str, Any], str]


class SourcePages:
    """The files and folders that the pages of one build link to."""

    def __init__(self) -> None:
        self._linked: set[str] = set()

    def relink(self, app: Sphinx, doctree: nodes.document) -> None:
        """Turn a page's links to files and folders into links to their pages."""
        folder = posixpath.dirname(app.env.docname)
        for node in [*doctree.findall(download_reference), *doctree.findall(pending_xref)]:
            path = posixpath.normpath(posixpath.join(folder, node["reftarget"]))
            is_link = isinstance(node, download_reference) or node.get("reftype") == "myst"
            if is_link and (Path(app.srcdir) / path).exists():
                self._linked.add(path)
                uri = "../" * app.env.docname.count("/") + _page(path) + ".html"
                link = nodes.reference("", "", refuri=uri, internal=True)
                link += [child.deepcopy() for child in node.children]
                node.replace_self(link)

    def pages(self, app: Sphinx) -> Iterator[PageOfSite]:
        """The pages of what was linked to."""
        for path in sorted(self._linked):
            is_folder = (Path(app.srcdir) / path).is_dir()
            body = self._folder(app, path) if is_folder else _file(app, path)
            title = escape(path)
            yield _page(path), {"title": title, "body": f"<h1>{title}</h1>\n{body}"}, "page.html"

    def _folder(self, app: Sphinx, folder: str) -> str:
        """What is in it; what has no page of the site is only named."""
        lines = []
        for each in sorted((Path(app.srcdir) / folder).iterdir()):
            if each.name in UNSEEN or each.name.startswith("."):
                continue
            path = posixpath.join(folder, each.name)
            document = path.removesuffix(".md")
            text, page = escape(each.name), _page(path) if path in self._linked else None
            if document in app.env.found_docs:
                text, page = escape(app.env.titles[document].astext()), document
            if page:
                uri = app.builder.get_relative_uri(_page(folder), page)
                text = f'<a href="{escape(uri)}">{text}</a>'
            lines.append(f"<li>{text}</li>")
        return "\n".join(["<ul>", *lines, "</ul>"])


def _page(path: str) -> str:
    """The page of the site that shows what is at this path of the repository."""
    return posixpath.join(SITE_FOLDER, path)


def _file(app: Sphinx, path: str) -> str:
    assert isinstance(app.builder, StandaloneHTMLBuilder)  # noqa: S101  (it is in no other build)
    text = (Path(app.srcdir) / path).read_text(encoding="utf-8")
    lexer = find_lexer_class_for_filename(path)
    return app.builder.highlighter.highlight_block(text, lexer.aliases[0] if lexer else "none")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension of Sphinx."""
    sources = SourcePages()
    # Before Sphinx collects what is to be downloaded, with priority 500.
    app.connect("doctree-read", sources.relink, priority=400)
    app.connect("html-collect-pages", sources.pages)
    return {"parallel_read_safe": False}
