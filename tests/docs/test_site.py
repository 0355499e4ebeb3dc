"""`make docs` makes a site without a warning, which has everything and asks no network for it."""

import ast
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import chat_client
import chat_core
import chat_core.memory
import chat_core.ports
from chat_core import testing
from chat_core.errors import ChatError
from docs.extensions.api_documents import ASYNCAPI, OPENAPI, documents
from docs.extensions.diagrams import FOLDER, THEMES, diagrams, picture
from tests.support import pages

FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
"""What a browser gets by itself; of links only those that are no links for a person."""
FETCHING_RELATIONS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch"}
OUTSIDE = re.compile(r"(https?:)?//")
FETCHED_BY_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what a browser fetches for it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if tag == "link" and FETCHING_RELATIONS & set(given.get("rel", "").split()):
            self.fetched.add(given["href"])
        self.fetched |= {given[name] for kind, name in FETCHED if kind == tag and name in given}


def build(site: Path, doctrees: Path) -> str:
    """Build as `make docs` does: what it says."""
    command = ("-W", "--keep-going", "-q", "-E", "-b", "html", "-c", "docs", "-d", doctrees)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *command, ".", site],
        cwd=pages.ROOT,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def dead_links(site: Path) -> set[str]:
    """The links within the site that lead nowhere, as `page: link`."""
    read = {path: Page(path) for path in site.rglob("*.html")}
    dead = set()
    for path, page in read.items():
        for link in page.links | page.fetched:
            if re.match(r"[a-z]+:", link):
                continue
            target, anchor = urldefrag(link)
            leads = path if not target else (path.parent / unquote(target.partition("?")[0]))
            leads = leads.resolve()
            is_there = leads.is_file()
            if is_there and anchor and leads in read:
                is_there = unquote(anchor) in read[leads].anchors
            if not is_there:
                dead.add(f"{path.relative_to(site)}: {link}")
    return dead


def fetched_from_outside(site: Path) -> set[str]:
    """What a browser would ask others for, to show the site."""
    asked = {
        link for path in site.rglob("*.html") for link in Page(path).fetched if OUTSIDE.match(link)
    }
    for path in site.rglob("*.css"):
        asked |= set(FETCHED_BY_STYLE.findall(path.read_text(encoding="utf-8")))
    return asked


def listed_names(site: Path) -> set[str]:
    """All that the reference explains."""
    *_, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    entries = zlib.decompress(packed).decode().splitlines()
    return {name for name, kind, *_ in map(str.split, entries) if kind.startswith("py:")}


def public_names() -> set[str]:
    """All that the reference has to explain."""
    exported = {
        f"{package.__name__}.{name}"
        for package in (chat_client, chat_core, chat_core.memory, chat_core.ports, testing)
        for name in getattr(package, "__all__", ())
    }
    ports = {
        f"chat_core.ports.{module.stem}.{node.name}"
        for module in (pages.ROOT / "chat_core" / "ports").glob("*.py")
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
    errors = {f"{each.__module__}.{each.__name__}" for each in ChatError.classes()}
    return exported | ports | errors


def headings(site: Path) -> set[str]:
    """The calls, and the names of the events, that the two references explain."""
    http, sockets = (
        re.sub(r"<[^>]*>", "", (site / "docs" / "reference" / name).read_text(encoding="utf-8"))
        for name in ("http.html", "sockets.html")
    )
    calls = re.findall(r"^(?:GET|POST|PUT|PATCH|DELETE) /\S+$", http, re.MULTILINE)
    return {*calls, *re.findall(r"^([a-z_]+)#$", sockets, re.MULTILINE)}


def calls_and_events() -> set[str]:
    """What the service says of itself that it takes and sends."""
    calls = {
        f"{method.upper()} {path}"
        for path, operations in documents()[OPENAPI]["paths"].items()
        for method in operations
    }
    messages = documents()[ASYNCAPI]["components"]["messages"].values()
    return calls | {message["name"] for message in messages} - {"ack"}


def test_the_site_is_built_without_a_warning_and_complete_and_needs_no_network(
    tmp_path: Path,
) -> None:
    site = tmp_path / "site"

    assert build(site, tmp_path / "doctrees").strip() == ""

    assert dead_links(site) == set()
    assert fetched_from_outside(site) == set()
    assert public_names() - listed_names(site) == set()
    shown = {path.relative_to(site).with_suffix(".md").as_posix() for path in site.rglob("*.html")}
    assert {pages.name(page) for page in pages.pages()} - shown == set()
    assert calls_and_events() - headings(site) == set()
    assert (site / "searchindex.js").stat().st_size > 100_000


def test_a_dead_link_and_what_comes_from_outside_are_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<h1 id="top"></h1><a href="#top">.</a><a href="page.html#none">.</a><a href="gone.html">.'
        '</a><script src="//cdn.example/a.js"></script><a href="https://example.org">.</a>'
        '<link rel="stylesheet" href="style.css">'
    )
    (tmp_path / "style.css").write_text("@import 'https://fonts.example/a.css';")

    assert dead_links(tmp_path) == {
        "page.html: page.html#none",
        "page.html: gone.html",
        "page.html: //cdn.example/a.js",
    }
    assert fetched_from_outside(tmp_path) == {
        "//cdn.example/a.js",
        "https://fonts.example/a.css",
    }


def test_there_is_a_picture_of_each_diagram_and_no_other() -> None:
    wanted = {
        picture(page.stem, text, theme)
        for page in pages.pages()
        for text in diagrams(page)
        for theme in THEMES
    }
    drawn = {path.relative_to(pages.ROOT) for path in (pages.ROOT / FOLDER).iterdir()}

    assert wanted == drawn, "run `make diagrams`"
