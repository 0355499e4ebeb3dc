"""A comparison as a picture: a bar for each target, in SVG."""

import math
from xml.etree import ElementTree as ET

from chat_bench.comparing import Comparison

WIDTH, BAR, GAP, LEFT, RIGHT, TOP, BOTTOM = 720, 22, 14, 170, 60, 40, 30
MOST_TICKS = 6


def svg(comparison: Comparison) -> str:
    """Bars of what each did in a second, with a line from its worst round to its best."""
    compared = comparison.compared
    most = max(each.rate.most for each in compared) or 1.0
    height = TOP + len(compared) * (BAR + GAP) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / most
    picture = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "font-family": "sans-serif",
            "font-size": "12",
        },
    )
    _rectangle(picture, 0, 0, WIDTH, height, "white")
    units = comparison.rounds[0][0].work.units
    _text(picture, LEFT, 20, f"{units} a second, medians of {len(comparison.rounds)} rounds")
    for tick in _ticks(most):
        x = LEFT + tick * scale
        _line(picture, (x, TOP - 8), (x, height - BOTTOM), "#ddd")
        _text(picture, x, height - 12, f"{tick:,.0f}", "middle")
    for place, each in enumerate(compared):
        y = TOP + place * (BAR + GAP)
        middle, end = y + BAR / 2, LEFT + each.rate.most * scale
        _text(picture, LEFT - 8, middle + 4, each.target, "end")
        _rectangle(picture, LEFT, y, each.rate.median * scale, BAR, "#8fb3de")
        _line(picture, (LEFT + each.rate.least * scale, middle), (end, middle), "black")
        _text(picture, end + 6, middle + 4, f"{each.rate.median:,.0f}")
    ET.indent(picture)
    return ET.tostring(picture, encoding="unicode") + "\n"


def _text(picture: ET.Element, x: float, y: float, text: str, anchor: str = "start") -> None:
    where = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    ET.SubElement(picture, "text", where).text = text


def _line(
    picture: ET.Element, begin: tuple[float, float], end: tuple[float, float], colour: str
) -> None:
    ends = zip(("x1", "y1", "x2", "y2"), (*begin, *end), strict=True)
    where = {name: f"{value:.1f}" for name, value in ends}
    ET.SubElement(picture, "line", where, stroke=colour)


def _rectangle(  # noqa: PLR0913, PLR0917  (SVG's own)
    picture: ET.Element, x: float, y: float, width: float, height: float, colour: str
) -> None:
    sides = zip(("x", "y", "width", "height"), (x, y, width, height), strict=True)
    where = {name: f"{value:.1f}" for name, value in sides}
    ET.SubElement(picture, "rect", where, fill=colour)


def _ticks(most: float) -> list[float]:
    """Round numbers up to that one."""
    power = 10.0 ** math.floor(math.log10(most))
    steps = (power / 5, power / 2, power, 2 * power)
    step = next(each for each in steps if most / each <= MOST_TICKS)
    return [step * number for number in range(int(most / step) + 1)]
