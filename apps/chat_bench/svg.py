"""SVG pictures of the few shapes that charts need."""

import math
from collections.abc import Sequence
from xml.etree import ElementTree as ET

MOST_TICKS = 6

Point = tuple[float, float]


class Picture:
    """A white picture with its origin at the top left, in pixels."""

    def __init__(self, width: float, height: float) -> None:
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width} {height}",
                "font-family": "sans-serif",
                "font-size": "12",
            },
        )
        self.rectangle((0, 0), width, height, "white")

    def text(self, at: Point, text: str, anchor: str = "start") -> None:
        """Add a text that starts, ends or is centered at that point."""
        x, y = at
        where = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
        ET.SubElement(self._root, "text", where).text = text

    def line(self, begin: Point, end: Point, colour: str) -> None:
        """Add a straight line."""
        ends = zip(("x1", "y1", "x2", "y2"), (*begin, *end), strict=True)
        where = {name: f"{value:.1f}" for name, value in ends}
        ET.SubElement(self._root, "line", where, stroke=colour)

    def path(self, points: Sequence[Point], colour: str) -> None:
        """Add a line through these points."""
        where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = {"stroke": colour, "stroke-width": "2", "fill": "none"}
        ET.SubElement(self._root, "polyline", {"points": where, **style})

    def dot(self, at: Point, colour: str) -> None:
        """Add a small dot."""
        x, y = at
        ET.SubElement(self._root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="4", fill=colour)

    def rectangle(self, corner: Point, width: float, height: float, colour: str) -> None:
        """Add a filled rectangle."""
        sides = zip(("x", "y", "width", "height"), (*corner, width, height), strict=True)
        where = {name: f"{value:.1f}" for name, value in sides}
        ET.SubElement(self._root, "rect", where, fill=colour)

    def __str__(self) -> str:
        ET.indent(self._root)
        return ET.tostring(self._root, encoding="unicode") + "\n"


def ticks(most: float) -> list[float]:
    """Return round numbers from 0 up to `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    steps = (power / 5, power / 2, power, 2 * power)
    step = next(each for each in steps if most / each <= MOST_TICKS)
    return [step * number for number in range(int(most / step) + 1)]
