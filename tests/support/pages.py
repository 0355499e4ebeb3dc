"""The pages of the documentation: their code blocks, tables, headings and links."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"^```(?P<language>\w*) ?(?P<note>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CELL_END = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code; `note` is what stands after its language."""

    language: str
    note: str
    text: str


def pages() -> Sequence[Path]:
    """Every page that a reader is offered."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def name(page: Path) -> str:
    """How a test calls the page."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Sequence[Block]:
    """The blocks of code, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(*found.group("language", "note", "text")) for found in _BLOCK.finditer(text)]


def table(page: Path, heading: str) -> Sequence[Sequence[str]]:
    """The rows of the tables under a heading, their head left out."""
    _, _, section = page.read_text(encoding="utf-8").partition(f"# {heading}\n")
    assert section, f"{name(page)} has no heading {heading!r}"
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in _CELL_END.split(line)[1:-1]] for line in lines]
    rules = [place for place, row in enumerate(rows) if set("".join(row)) <= {"-", ":"}]
    assert rules, f"{name(page)} has no table under {heading!r}"
    heads = {place - 1 for place in rules}
    return [row for place, row in enumerate(rows) if place not in heads | set(rules)]


def code(cell: str) -> Sequence[str]:
    """What a cell of a table shows as code."""
    return re.findall(r"`([^`]+)`", cell)


def inline_code(page: Path) -> Sequence[str]:
    """What its text, tables included, shows as code."""
    return code(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def links(page: Path) -> Iterator[str]:
    """Where its links lead to."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    yield from _LINK.findall(re.sub(r"`[^`\n]*`", "", text))


def anchors(page: Path) -> set[str]:
    """What a link may name after its `#`, as GitHub makes it of a heading."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in kept}
