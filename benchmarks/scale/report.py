"""The tables and the targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from benchmarks.scale import chart
from benchmarks.scale.arms import ARMS
from benchmarks.scale.figures import Figures

Row = Sequence[str]
Of = Callable[[str, int, Callable[[Figures], "float | None"]], "float | None"]
"""Returns a number of an arm with a number of tasks; None if that was not run."""
JUDGED = 1_000
"""The number of tasks of most targets."""
MANY = 10_000
SERVICES = 50
BYTES_PER_WAIT = 15_000
"""The target is 150 MB for 10,000 waits."""


@attrs.define
class Results:
    """What was measured."""

    plain: dict[tuple[str, int], Figures] = attrs.field(factory=dict[tuple[str, int], Figures])
    """Without quotas, by arm and number of tasks."""
    quotas: dict[tuple[str, int], Figures] = attrs.field(factory=dict[tuple[str, int], Figures])
    memory: dict[int, float] = attrs.field(factory=dict[int, float])
    """Bytes beyond the decoded tasks, by number of waits."""
    skipped: dict[str, str] = attrs.field(factory=dict[str, str])


def costs(results: Results) -> Iterator[Row]:
    """Yield the table of all arms."""
    yield (
        "waits",
        "tasks",
        "calls",
        "peak/min",
        "throttled",
        "delay, median",
        "p95",
        "max",
        "CPU, s",
        "us per task read",
    )
    for (arm, count), each in results.plain.items():
        if arm in ARMS:
            yield (
                ARMS[arm].name,
                f"{count:,}",
                f"{each.calls:,}",
                f"{each.peak:,}",
                f"{each.beyond:,}",
                *_delays(each),
                f"{each.cpu:.2f}",
                f"{each.microseconds:.0f}",
            )


def throttled(results: Results) -> Iterator[Row]:
    """Yield the table of the runs under quotas."""
    yield ("waits", "tasks", "calls", "throttled", "no verdict", "delay, median", "p95", "max")
    for (arm, count), each in results.quotas.items():
        if arm in ARMS:
            numbers = (f"{each.calls:,}", f"{each.beyond:,}", f"{each.gave_up:,}")
            yield (ARMS[arm].name, f"{count:,}", *numbers, *_delays(each))


def deployments(results: Results) -> Iterator[Row]:
    """Yield the table of deployments: the calls of each operation."""
    names = {"deployments": "one client", "deployments-separate": "one client per service"}
    found = {names[arm]: each for (arm, _), each in results.plain.items() if arm in names}
    operations = list(dict.fromkeys(name for each in found.values() for name in each.operations))
    yield ("deployments", "services", "calls", *operations, "delay, median", "p95", "max")
    for name, each in found.items():
        by_operation = [f"{each.operations.get(operation, 0):,}" for operation in operations]
        yield (name, f"{each.count:,}", f"{each.calls:,}", *by_operation, *_delays(each))


def _delays(each: Figures) -> tuple[str, str, str]:
    median, p95, most = (
        "-" if math.isnan(found := each.delay(share)) else f"{found:.2f}" for share in (0.5, 0.95, 1.0)
    )
    return median, p95, most


@attrs.frozen
class Target:
    """One number and its bound; None if it was not measured."""

    what: str
    found: float | None
    bound: float
    unit: str = ""
    digits: int = 0

    def row(self) -> Row:
        bound = f"<= {self.bound:,.{self.digits}f}{self.unit}"
        if self.found is None:
            return (self.what, "not run", bound, "")
        met = "met" if self.found <= self.bound else "MISSED"
        return (self.what, f"{self.found:,.{self.digits}f}{self.unit}", bound, met)


def targets(results: Results) -> Iterator[Row]:
    """Yield every target, met or missed."""
    yield ("target", "measured", "bound", "")
    yield from (target.row() for target in _targets(results))


def _targets(results: Results) -> Iterator[Target]:
    def of(arm: str, count: int, value: Callable[[Figures], float | None]) -> float | None:
        found = results.plain.get((arm, count))
        return None if found is None else value(found)

    waits = f"{JUDGED:,} waits"
    yield Target(f"{waits}: calls", of("shared", JUDGED, _calls), 600)
    yield from _no_later(waits, "shared", "separate", JUDGED, of)
    limited = results.quotas.get(("shared", JUDGED))
    yield Target(f"{waits}: calls throttled by the published quotas", None if limited is None else limited.beyond, 0)
    yield Target(f"{waits}: CPU per task read", of("shared", JUDGED, lambda each: each.microseconds), 250, " us")
    yield Target(f"{waits} with events: calls", of("events", JUDGED, _calls), 100)
    late = of("events", JUDGED, lambda each: each.after_event)
    yield Target(f"{waits} with events: delay after the event, max", late, 1, " s", 2)
    yield Target(f"{MANY:,} waits: delay, p95", of("shared", MANY, lambda each: each.delay(0.95)), 6, " s", 2)
    yield Target(f"{MANY:,} waits: delay, max", of("shared", MANY, lambda each: each.delay(1.0)), 15, " s", 2)
    for count, held in results.memory.items():
        yield Target(f"{count:,} waits: memory beyond their tasks", held / 1e6, count * BYTES_PER_WAIT / 1e6, " MB", 1)
    yield Target("300 threads on a sync client: calls", of("threads", 300, _calls), 700)
    yield Target(f"{SERVICES} deployments: calls", of("deployments", SERVICES, _calls), 300)
    yield from _no_later(f"{SERVICES} deployments", "deployments", "deployments-separate", SERVICES, of)


def _no_later(what: str, together: str, apart: str, count: int, of: Of) -> Iterator[Target]:
    for name, share in (("median", 0.5), ("p95", 0.95)):

        def delay(each: Figures, share: float = share) -> float:
            return each.delay(share)

        bound = of(apart, count, delay)
        if bound is not None:
            yield Target(
                f"{what}: delay, {name}, against clients of their own", of(together, count, delay), bound, " s", 2
            )


def _calls(each: Figures) -> float:
    return each.calls


def plot(results: Results) -> str:
    """Return the plot of all arms as SVG."""
    by_arm: dict[str, list[Figures]] = {}
    for (arm, _), each in results.plain.items():
        if arm in ARMS:
            by_arm.setdefault(ARMS[arm].label, []).append(each)
    return chart.svg(
        {label: [(each.count, each.calls) for each in some] for label, some in by_arm.items()},
        {label: [(each.count, each.delay(0.95)) for each in some] for label, some in by_arm.items()},
    )


def markdown(rows: Sequence[Row]) -> str:
    """Return a table as Markdown. All columns but the first are numbers."""
    head, *rest = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rest))


def sections(results: Results) -> Mapping[str, Sequence[Row]]:
    """Return all tables by their titles."""
    return {
        "Without quotas": list(costs(results)),
        "Under the published quotas": list(throttled(results)),
        "Deployments side by side": list(deployments(results)),
        "Targets": list(targets(results)),
    }
