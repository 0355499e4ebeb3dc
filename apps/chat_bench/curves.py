"""Line charts of costs and times."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat_bench.svg import Picture, Point, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 320, 70, 40, 40, 50
COLOURS = ("#3465a4", "#cc5500", "#4e9a06", "#75507b", "#a40000")
LETTER_WIDTH = 6.2


@dataclass(frozen=True, slots=True)
class Curve:
    """Points from left to right; `spans` has the lowest and highest measurement of each."""

    name: str
    """Name in the legend; empty for a single curve."""
    points: Sequence[Point]
    spans: Sequence[Point] = ()
    is_measured: bool = True
    """Measured points have dots; computed curves are only lines."""


@dataclass(frozen=True, slots=True)
class Axes:
    """The chart's title, the label of the horizontal axis, and whether that axis is logarithmic."""

    title: str
    below: str
    logarithmic: bool = False
    most: float | None = None
    """End of the vertical axis, or None for a little above the highest point."""


def plot(axes: Axes, curves: Sequence[Curve]) -> str:
    """Return all curves as an SVG. The vertical axis begins at 0, so that flat curves look flat."""
    xs = [x for curve in curves for x, _ in curve.points]
    tops = [y for curve in curves for _, y in (*curve.points, *curve.spans)]
    most = axes.most or max(tops, default=1.0) * 1.1 or 1.0
    place = _placing(axes, min(xs), max(xs))

    def at(x: float, y: float) -> Point:
        height = HEIGHT - TOP - BOTTOM
        return LEFT + place(x) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - height * y / most

    picture = Picture(WIDTH, HEIGHT)
    picture.text((LEFT, 20), axes.title)
    for tick in ticks(most):
        _, y = at(xs[0], tick)
        picture.line((LEFT, y), (WIDTH - RIGHT, y), "#ddd")
        picture.text((LEFT - 8, y + 4), f"{tick:,g}", "end")
    for tick in sorted(set(xs)) if axes.logarithmic else ticks(max(xs)):
        x, y = at(tick, 0)
        picture.text((x, y + 18), f"{tick:,.0f}", "middle")
    picture.text(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10), axes.below, "middle")
    right: float = WIDTH - RIGHT
    for curve, colour in reversed(list(zip(curves, COLOURS, strict=False))):
        for (x, _), (low, high) in zip(curve.points, curve.spans, strict=False):
            picture.line(at(x, low), at(x, high), colour)
        picture.path([at(x, min(y, most)) for x, y in curve.points], colour)
        for x, y in curve.points if curve.is_measured else ():
            picture.dot(at(x, y), colour)
        if curve.name:
            picture.text((right, TOP - 8), curve.name, "end")
            right -= LETTER_WIDTH * len(curve.name) + 8
            picture.rectangle((right, TOP - 14), 6, 6, colour)
            right -= 16
    return str(picture)


def _placing(axes: Axes, least: float, most: float) -> Callable[[float], float]:
    """Return a function from a number to its horizontal position, from 0 to 1."""
    if not axes.logarithmic:
        return lambda x: x / (most or 1.0)
    decades = math.log10(most / least) or 1.0
    return lambda x: math.log10(x / least) / decades
