"""Line charts as SVG: a logarithmic axis of sizes below, figures from zero on the left. Nothing but text."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 34, 40
COLOURS = ("#1f6fb2", "#c2571a", "#3a8f4d")

STYLE = """<style>
text { font: 11px sans-serif; fill: #444 } .title { font-weight: bold; fill: #111 }
.left { text-anchor: end } .mid { text-anchor: middle } .grid { stroke: #ddd }
</style>"""


class Line(NamedTuple):
    """One figure over the sizes."""

    title: str
    points: Sequence[tuple[float, float]]


def chart(title: str, below: str, lines: Sequence[Line]) -> str:
    """One chart as an SVG group, `WIDTH` by `HEIGHT`."""
    sizes = [math.log10(max(1, x)) for line in lines for x, _ in line.points]
    least, most = min(sizes), max(sizes)
    top = _ceiling(max(y for line in lines for _, y in line.points))

    def place(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(max(1, x)) - least) / ((most - least) or 1)
        across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + share * across, HEIGHT - BOTTOM - y / top * up

    parts = [f'<text x="{LEFT}" y="16" class="title">{escape(title)}</text>']
    for step in range(5):
        value = top * step / 4
        _, y = place(1, value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="left">{value:,.0f}</text>')
    for x, _ in lines[0].points:
        across, _ = place(x, 0)
        parts.append(f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 16}" class="mid">{_short(x)}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 6}" class="mid">{escape(below)}</text>')
    for colour, line in zip(COLOURS, lines, strict=False):
        points = [place(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return "\n".join(parts)


def page(charts: Sequence[str], *, columns: int = 2) -> str:
    """Charts side by side as one SVG file."""
    rows = -(-len(charts) // columns)
    groups = [
        f'<g transform="translate({index % columns * WIDTH},{index // columns * HEIGHT})">\n{body}\n</g>'
        for index, body in enumerate(charts)
    ]
    width, height = WIDTH * columns, HEIGHT * rows
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
            STYLE,
            '<rect width="100%" height="100%" fill="white"/>',
            *groups,
            "</svg>\n",
        ]
    )


def _ceiling(value: float) -> float:
    """A round number at or above the value."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return float(next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value))


def _short(value: float) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
