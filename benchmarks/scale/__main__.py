"""Run the arms, each in a process of its own, and print the tables."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks.scale import report
from benchmarks.scale.arms import ARMS, Arm
from benchmarks.scale.figures import Figures
from benchmarks.waits import table

COUNTS = (1, 10, 100, 1_000, 10_000)
UNDER_QUOTAS = ("shared", "separate", "waiters", "loop")
SEEDS = 5
"""Deployments are short and few: their figures are those of several accounts."""
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def _run(arm: str, count: int, *options: str) -> Any:
    print(f"{arm}, {count:,} {' '.join(options)}", file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.scale.run", arm, str(count), *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _counts(arm: Arm, most: int) -> list[int]:
    return [count for count in arm.counts or COUNTS if count <= min(arm.most, most)]


def measure(arms: Sequence[str], most: int) -> report.Results:
    """Measure arms with up to this many tasks."""
    results = report.Results()
    for name in arms:
        for count in _counts(ARMS[name], most):
            found = _run(name, count)
            if "skipped" in found:
                results.skipped[name] = found["skipped"]
                break
            results.plain[name, count] = Figures(**found)
    count = min(most, report.JUDGED)
    for name in UNDER_QUOTAS:
        if name in arms:
            results.quotas[name, count] = Figures(**_run(name, count, "--quotas"))
    if "shared" in arms and most >= report.JUDGED:  # with fewer, what is held once would count
        results.memory[most] = _run("shared", most, "--memory")
    for name in ("deployments", "deployments-separate"):
        found = [Figures(**_run(name, report.SERVICES, f"--seed={seed}")) for seed in range(SEEDS)]
        worst = max(found, key=lambda each: each.calls)
        delays = [delay for each in found for delay in each.delays]
        results.plain[name, report.SERVICES] = attrs.evolve(worst, delays=delays)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--most", type=int, default=1_000, choices=COUNTS, help="the most tasks (default 1000)")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), help="default: all")
    parser.add_argument("--docs", type=Path, help="also write the tables into scale.md of this folder, and scale.svg")
    options = parser.parse_args()
    results = measure(options.arms, options.most)
    sections = report.sections(results)
    print("\n\n".join(f"{title}\n\n{table(rows)}" for title, rows in sections.items()))
    for name, why in results.skipped.items():
        print(f"\n{ARMS[name].name}: not run, because {why}")
    if options.docs:
        write(options.docs, results)


def write(docs: Path, results: report.Results) -> None:
    """Write the tables into `scale.md` of a folder, between two marks, and the plot beside it."""
    (docs / "scale.svg").write_text(report.plot(results), "utf-8")
    page = docs / "scale.md"
    before, rest = page.read_text("utf-8").split(BEGIN)
    tables = [f"## {title}\n\n{report.markdown(rows)}" for title, rows in report.sections(results).items()]
    page.write_text("\n\n".join([before + BEGIN, *tables, END + rest.split(END)[1]]), "utf-8")


if __name__ == "__main__":
    main()
