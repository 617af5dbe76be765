"""Compare ecskit's waits with botocore's: `python -m benchmarks.waits [--runs N] [--plot FILE]` prints three tables.

The first has the correct and wrong verdicts, the second requests and delays, the third the cost of other intervals
while a task is RUNNING. `--plot` also draws the third. Every run prints the same numbers.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from benchmarks import plot, timelines, verdicts
from benchmarks.timelines import Costs, percentile
from benchmarks.waiting import PEERS
from ecskit._polling.conditions import Pace
from ecskit._waits import tasks

BOTH = " | ".join(PEERS)
SWEPT = [*(Pace(seconds, most=seconds) for seconds in (4, 5, 6, 7, 8, 10, 12, 15)), Pace(most=15)]
PLACES = ("Fargate", "EC2")

Row = Sequence[str]


def pair(values: Sequence[float], digits: int = 0) -> str:
    return " | ".join(f"{value:.{digits}f}" for value in values)


def _verdicts(runs: int) -> Iterator[Row]:
    yield ("wait", "schedule", "false success", "false failure", "calls, median", "delay, median", "delay, p95")
    total = dict.fromkeys(PEERS, 0)
    for wait, what, made in verdicts.tallies(runs):
        by_peer = [made[peer] for peer in PEERS]
        for peer in PEERS:
            total[peer] += made[peer].false_successes + made[peer].false_failures
        yield (
            wait,
            what,
            pair([tally.false_successes for tally in by_peer]),
            pair([tally.false_failures for tally in by_peer]),
            pair([statistics.median(tally.calls) for tally in by_peer]),
            _delays(by_peer, 0.5),
            _delays(by_peer, 0.95),
        )
    yield ("", f"wrong, of {runs * len(verdicts.KINDS)}", pair(list(total.values())), "", "", "", "")


def _delays(tallies: Sequence[verdicts.Tally], share: float) -> str:
    """Return a percentile of the delays for each peer, or a dash if most of its verdicts are wrong."""
    return " | ".join(
        f"{percentile(tally.delays, share):.1f}" if len(tally.delays) * 2 >= len(tally.calls) else "-"
        for tally in tallies
    )


def _costs(runs: int) -> Iterator[Row]:
    yield ("tasks", "wait", "calls, mean", "median", "p95", "delay, median", "p95", "")
    waits = [("tasks_running", False), ("tasks_stopped", False), ("tasks_stopped", True)]
    for where in timelines.STARTS:
        lives = timelines.lives(where, runs)
        for wait, from_running in waits if where in PLACES else waits[:1]:
            measured = timelines.measure(lives, wait, from_running=from_running)
            calls = [[cost.calls for cost in measured[peer]] for peer in PEERS]
            delays = [[cost.delay for cost in measured[peer]] for peer in PEERS]
            cells = [
                [statistics.mean(one) for one in calls],
                *([percentile(one, share) for one in of] for of in (calls, delays) for share in (0.5, 0.95)),
            ]
            better = all(ours < theirs for theirs, ours in cells)
            yield (
                where,
                f"{wait}, from {'RUNNING' if from_running else 'the launch'}",
                *(pair(cell, digits) for cell, digits in zip(cells, (1, 0, 0, 2, 2), strict=True)),
                "better" if better else "MISSED",
            )


def _name(pace: Pace) -> str:
    return f"{pace.first:g} s" if pace.first == pace.most else f"{pace.first:g} to {pace.most:g} s"


def _point(label: str, costs: Sequence[Costs], base: float, colour: str, *, stands_out: bool = False) -> plot.Point:
    delays = [cost.delay for cost in costs]
    calls = sum(cost.calls for cost in costs) / base
    return plot.Point(label, calls, percentile(delays, 0.5), percentile(delays, 0.95), colour, stands_out)


def _swept(where: str, runs: int) -> list[plot.Point]:
    lives = timelines.lives(where, runs)
    costs = timelines.measure(lives, "tasks_stopped", from_running=True)
    base = sum(cost.calls for cost in costs["botocore"])
    points: list[plot.Point] = []
    for pace in SWEPT:
        with patch.dict(tasks.PACES, {"RUNNING": pace}), patch.object(tasks, "RUNNING_ON_FARGATE", pace):
            tried = timelines.measure(lives, "tasks_stopped", from_running=True)["ecskit"]
        points.append(_point(_name(pace), tried, base, "#888" if pace.first == pace.most else "#b60"))
    points.append(_point("botocore", costs["botocore"], base, "#c00", stands_out=True))
    points.append(_point("ecskit", costs["ecskit"], base, "#06c", stands_out=True))
    return points


def _sweep(panels: Sequence[tuple[str, Sequence[plot.Point]]]) -> Iterator[Row]:
    yield ("tasks", "while RUNNING", "calls", "delay, median", "p95")
    for where, points in panels:
        for point in points:
            yield (where, point.label, f"{point.calls:.2f}", f"{point.median:.2f}", f"{point.p95:.2f}")


def table(rows: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    align: list[Callable[[str, int], str]] = [str.ljust, str.ljust, *[str.rjust] * (len(widths) - 2)]
    return "\n".join(
        "  ".join(put(cell, width) for put, cell, width in zip(align, row, widths, strict=True)).rstrip()
        for row in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare ecskit's waits with botocore's.")
    parser.add_argument("--runs", type=int, default=300, help="schedules of each kind, and half the lives")
    parser.add_argument("--plot", type=Path, help="write the plot of the intervals to this SVG file")
    options = parser.parse_args()
    print(f"Verdicts: {BOTH}\n")
    print(table(list(_verdicts(options.runs))))
    print(f"\nCost: {BOTH}\n")
    print(table(list(_costs(options.runs * 2))))
    print("\nOther intervals while a task runs, tasks_stopped from RUNNING; calls as a share of botocore's\n")
    panels = [(where, _swept(where, options.runs * 2)) for where in PLACES]
    print(table(list(_sweep(panels))))
    if options.plot:
        options.plot.write_text(plot.svg(panels), "utf-8")


if __name__ == "__main__":
    main()
