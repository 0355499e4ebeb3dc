"""`make diagrams`: draw the diagrams of all pages in a browser, and remove what belongs to none."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from docs.extensions.diagrams import FOLDER, THEMES, diagrams, picture

ROOT = Path(__file__).parents[2]
MERMAID = ROOT / "build" / "diagrams" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"

# The labels are SVG's own text: a picture in a page shows no HTML.
DRAW = """async ([text, dark]) => {
  mermaid.initialize({
    startOnLoad: false,
    theme: dark ? "dark" : "neutral",
    fontFamily: "system-ui, sans-serif",
    htmlLabels: false,
    flowchart: { htmlLabels: false, useMaxWidth: false, wrappingWidth: 480 },
    sequence: { useMaxWidth: false, mirrorActors: false },
    deterministicIds: true,
  });
  return (await mermaid.render("diagram", text)).svg;
}"""


def wanted() -> Iterator[tuple[Path, str, str]]:
    """Each picture that the pages show, with the text and the theme to draw it by."""
    for page in sorted(ROOT.glob("docs/**/*.md")):
        for text in diagrams(page):
            for theme in THEMES:
                yield picture(page.stem, text, theme), text, theme


def draw(page: Page, text: str, theme: str) -> str:
    """The diagram as SVG."""
    svg: str = page.evaluate(DRAW, [text, theme == "dark"])
    return svg + "\n"


def main() -> None:
    """Draw what is missing or may look otherwise by now, and say what there is."""
    folder = ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_script_tag(path=MERMAID)
        drawn = {}
        for path, text, theme in wanted():
            drawn[ROOT / path] = draw(page, text, theme)
        browser.close()
    for old in set(folder.glob("*.svg")) - drawn.keys():
        old.unlink()
    for path, svg in drawn.items():
        path.write_text(svg, encoding="utf-8")
    print(f"{len(drawn)} pictures in {FOLDER}")  # noqa: T201  (what a command says)


if __name__ == "__main__":
    main()
