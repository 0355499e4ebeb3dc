"""A bar chart of a comparison, with one bar for each target."""

from chat_bench.comparing import Comparison
from chat_bench.svg import Picture, ticks

WIDTH, BAR, GAP, LEFT, RIGHT, TOP, BOTTOM = 720, 22, 14, 170, 60, 40, 30


def bars(comparison: Comparison) -> str:
    """Return the rates as an SVG; a line shows each target's worst and best round."""
    compared = comparison.compared
    most = max(each.rate.most for each in compared) or 1.0
    height = TOP + len(compared) * (BAR + GAP) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / most
    picture = Picture(WIDTH, height)
    units = comparison.rounds[0][0].work.units
    picture.text((LEFT, 20), f"{units} a second, medians of {len(comparison.rounds)} rounds")
    for tick in ticks(most):
        x = LEFT + tick * scale
        picture.line((x, TOP - 8), (x, height - BOTTOM), "#ddd")
        picture.text((x, height - 12), f"{tick:,.0f}", "middle")
    for place, each in enumerate(compared):
        y = TOP + place * (BAR + GAP)
        middle, end = y + BAR / 2, LEFT + each.rate.most * scale
        picture.text((LEFT - 8, middle + 4), each.target, "end")
        picture.rectangle((LEFT, y), each.rate.median * scale, BAR, "#8fb3de")
        picture.line((LEFT + each.rate.least * scale, middle), (end, middle), "black")
        picture.text((end + 6, middle + 4), f"{each.rate.median:,.0f}")
    return str(picture)
