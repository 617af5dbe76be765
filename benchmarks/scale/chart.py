"""The plot of the figures: calls and delays against the number of tasks, a line for each arm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import attrs

from benchmarks.plot import HEIGHT, LEFT, TOP, document, line, text

WIDTH, RIGHT, BOTTOM = 480, 130, 48
"""Of one panel. The labels of the lines are on the right."""
COLOURS = ("#06c", "#080", "#b60", "#888", "#c00", "#808")
LABEL = 12
"""The least distance of two labels."""

Points = Sequence[tuple[float, float]]


@attrs.frozen
class _Scale:
    """Places values on an axis, in powers of ten or evenly."""

    least: float
    most: float
    begin: float
    end: float
    logarithmic: bool

    def at(self, value: float) -> float:
        least, most, value = (
            (math.log10(number) for number in (self.least, self.most, max(value, self.least)))
            if self.logarithmic
            else (self.least, self.most, value)
        )
        return self.begin + (value - least) / ((most - least) or 1.0) * (self.end - self.begin)

    def ticks(self) -> Iterator[float]:
        if self.logarithmic:
            yield from (10.0**power for power in range(int(math.log10(self.most)) + 1))
        else:
            step = max(1, round(self.most / 6))
            yield from range(0, int(self.most) + 1, step)


def _panel(title: str, left: int, lines: Mapping[str, Points], *, logarithmic: bool) -> Iterator[str]:
    counts = [count for points in lines.values() for count, _ in points]
    values = [value for points in lines.values() for _, value in points]
    across = _Scale(1, max(counts), left + LEFT, left + WIDTH - RIGHT, logarithmic=True)
    most = max(values) * 1.05
    up = _Scale(1.0 if logarithmic else 0.0, most, HEIGHT - BOTTOM, TOP, logarithmic=logarithmic)
    yield text(left + (LEFT + WIDTH - RIGHT) / 2, 20, title, size=14)
    for tick in up.ticks():
        yield line(across.begin, up.at(tick), across.end, up.at(tick))
        yield text(across.begin - 6, up.at(tick) + 4, f"{tick:,.0f}", anchor="end")
    for tick in across.ticks():
        yield text(across.at(tick), HEIGHT - BOTTOM + 16, f"{tick:,.0f}")
    yield text((across.begin + across.end) / 2, HEIGHT - 10, "tasks at the same time")
    below: float = HEIGHT - BOTTOM + LABEL
    for name, points, colour in sorted(_coloured(lines), key=lambda each: each[1][-1][1]):
        places = [(across.at(count), up.at(value)) for count, value in points]
        for (x1, y1), (x2, y2) in pairwise(places):
            yield line(x1, y1, x2, y2, colour)
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        below = min(places[-1][1], below - LABEL)
        yield text(across.end + 8, below + 4, name, anchor="start", colour=colour)


def _coloured(lines: Mapping[str, Points]) -> Iterator[tuple[str, Points, str]]:
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        yield name, points, colour


def svg(calls: Mapping[str, Points], delays: Mapping[str, Points]) -> str:
    """Return the plot of calls and delays: for each label pairs of a number of tasks and a value."""
    drawn = [
        *_panel("calls until all tasks have stopped", 0, calls, logarithmic=True),
        *_panel("delay of the verdict in seconds, p95", WIDTH, delays, logarithmic=False),
    ]
    return document(WIDTH * 2, drawn)
