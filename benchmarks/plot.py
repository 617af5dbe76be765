"""A plot of delay against requests as SVG: labelled points in panels side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

WIDTH, HEIGHT = 400, 340
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 40, 48
INK, PALE = "#444", "#ddd"


@attrs.frozen
class Point:
    """One setting: its requests as a share of the baseline's, and its delay in seconds."""

    label: str
    calls: float
    median: float
    p95: float
    colour: str
    stands_out: bool = False


@attrs.frozen
class _Panel:
    title: str
    points: Sequence[Point]
    left: int
    most_calls: float
    most_seconds: float

    def x(self, calls: float) -> float:
        return self.left + LEFT + calls / self.most_calls * (WIDTH - LEFT - RIGHT)

    def y(self, seconds: float) -> float:
        return HEIGHT - BOTTOM - seconds / self.most_seconds * (HEIGHT - TOP - BOTTOM)

    def draw(self) -> Iterator[str]:
        yield text(self.left + WIDTH / 2, 20, self.title, size=14)
        for tenths in range(0, int(self.most_calls * 10) + 1, 2):
            yield text(self.x(tenths / 10), HEIGHT - BOTTOM + 16, f"{tenths / 10:.1f}")
        for seconds in range(0, int(self.most_seconds) + 1, 2):
            yield line(self.x(0), self.y(seconds), self.x(self.most_calls), self.y(seconds))
            yield text(self.x(0) - 6, self.y(seconds) + 4, f"{seconds} s", anchor="end")
        yield text(self.left + WIDTH / 2, HEIGHT - 10, "calls, as a share of botocore's")
        for point in self.points:
            yield from self._point(point)

    def _point(self, point: Point) -> Iterator[str]:
        x, size = self.x(point.calls), 5 if point.stands_out else 3.5
        yield line(x, self.y(point.median), x, self.y(point.p95), point.colour)
        yield f'<circle cx="{x:.1f}" cy="{self.y(point.median):.1f}" r="{size}" fill="{point.colour}"/>'
        corner, side = size * 0.9, size * 1.8
        yield (
            f'<rect x="{x - corner:.1f}" y="{self.y(point.p95) - corner:.1f}" '
            f'width="{side:.1f}" height="{side:.1f}" fill="{point.colour}"/>'
        )
        above = 24 if point.stands_out else 9  # the labels of its neighbours
        yield text(x, self.y(point.p95) - above, point.label, colour=point.colour)


def svg(panels: Sequence[tuple[str, Sequence[Point]]]) -> str:
    """Return the plot: a circle for the median of each setting, a square for its 95th percentile."""
    points = [point for _, some in panels for point in some]
    most_calls = max(point.calls for point in points) * 1.08
    most_seconds = max(point.p95 for point in points) * 1.08
    drawn = [
        part
        for i, (title, some) in enumerate(panels)
        for part in _Panel(title, some, i * WIDTH, most_calls, most_seconds).draw()
    ]
    return document(WIDTH * len(panels), drawn)


def document(width: float, drawn: Sequence[str]) -> str:
    """Return an SVG document of one row of panels."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif">',
            f'<rect width="{width}" height="{HEIGHT}" fill="white"/>',
            *drawn,
            "</svg>",
            "",
        ]
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str = PALE) -> str:
    """Return a line from one point to another."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def text(x: float, y: float, written: str, *, size: int = 11, anchor: str = "middle", colour: str = INK) -> str:
    """Return a text at a point."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{written}</text>'
