"""Blocks of `mermaid` as pictures, which `make diagrams` has drawn: the site needs no script.

A page that hosts the repository draws the same blocks by itself.
"""

import hashlib
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

THEMES = ("light", "dark")
FOLDER = Path("docs", "images", "diagrams")
"""Seen from the root of the repository."""

BLOCK = re.compile(r"^```mermaid\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^\s*accTitle: *(?P<title>.+)$", re.MULTILINE)


def diagrams(page: Path) -> list[str]:
    """The texts of a page's diagrams."""
    return [found["text"].strip() for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def picture(page: str, text: str, theme: str) -> Path:
    """Where the picture is: another text has another one, so that none can be out of date."""
    digest = hashlib.sha256(text.strip().encode()).hexdigest()[:8]
    return FOLDER / f"{Path(page).stem}-{digest}-{theme}.svg"


class Mermaid(SphinxDirective):
    """A diagram, as one picture for each theme of the site."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """See docutils."""
        text = "\n".join(self.content)
        title = TITLE.search(text)
        if title is None:
            raise self.error("A diagram says what it shows, for who can't see it: accTitle: …")
        pictures: list[nodes.Node] = []
        for theme in THEMES:
            path = picture(self.env.docname, text, theme)
            if not (Path(self.env.srcdir) / path).is_file():
                raise self.error("There is no picture of this diagram yet: run `make diagrams`")
            self.env.note_dependency(path)
            pictures.append(
                nodes.image(
                    uri=f"/{path.as_posix()}", alt=title["title"], classes=[f"only-{theme}"]
                )
            )
        return [nodes.container("", *pictures, classes=["diagram"])]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make this an extension of Sphinx."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
