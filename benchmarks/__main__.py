"""Run everything and print the table."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks import peers


class Row(NamedTuple):
    """One line of the table. None means that it could not be measured."""

    what: str
    baseline: str
    ecskit: float
    capo: float | None
    target: float
    unit: str = ""


def _python(*arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=_environment()).stdout


@functools.cache
def _environment() -> dict[str, str]:
    # Users import bytecode, so imports are measured with it, even if the environment turns off writing it.
    caches = tempfile.TemporaryDirectory(prefix="ecskit-benchmarks-")
    atexit.register(caches.cleanup)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": caches.name}


@contextlib.contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def _fresh(cases: list[str], url: str, rounds: int) -> dict[str, float]:
    """Return the median of each case. Each runs in fresh processes, in turn; a first process fills the caches."""
    seen: dict[str, list[float]] = {case: [] for case in cases}
    for turn in range(rounds + 1):
        for case in cases:
            found = float(_python("benchmarks.start", case, url, str(turn)))
            if turn or rounds == 1:
                seen[case].append(found)
    return {case: statistics.median(values) for case, values in seen.items()}


def _calls(url: str) -> Iterator[Row]:
    measured: dict[str, dict[str, dict[str, float]]] = {}
    for parser in ("stdlib", "orjson"):
        if parser == "stdlib" or peers.installed("orjson"):
            measured[parser] = json.loads(_python("benchmarks.calls", url, parser))
    for count, targets in ((100, {"stdlib": 0.35, "orjson": 0.27}), (1, {"stdlib": 0.75, "orjson": 0.75})):
        for colour, baseline in (("sync", peers.SYNC[0]), ("async", peers.ASYNC[0])):
            for parser, found in measured.items():
                ratios = found[f"{colour} {count}"]
                what = f"DescribeTasks, {count} task{'s' * (count > 1)}, {colour}, {parser}: CPU"
                yield Row(what, baseline, ratios["ecskit"], ratios.get("capo-ecs"), targets[parser])


def _starts(url: str) -> Iterator[Row]:
    imports = {"import ecskit": 25.0, "from ecskit import Client": 25.0}
    cases = [f"import:{statement}" for statement in imports]
    capo = peers.installed("capo-ecs")
    if capo:
        cases.append("import:import capo_ecs")
    cases += ["models:some", "models:all"]
    colours = {"cold": peers.SYNC, "acold": peers.ASYNC}
    cases += [f"{kind}:{peer}" for kind, names in colours.items() for peer in names if peers.installed(peer)]
    found = _fresh(cases, url, rounds=9)
    theirs = found.get("import:import capo_ecs")
    for statement, target in imports.items():
        took = found[f"import:{statement}"]
        what = f"{statement}, beyond botocore.session: CPU"
        yield Row(what, "", took * 1e3, theirs and theirs * 1e3, target, " ms")
    for kind, names in colours.items():
        base = found[f"{kind}:{names[0]}"]
        theirs = found.get(f"{kind}:capo-ecs")
        what = f"cold start to the first answer, {'async' if kind == 'acold' else 'sync'}: CPU"
        yield Row(what, names[0], found[f"{kind}:ecskit"] / base, theirs and theirs / base, 1.0)
    everything = f"all models: {found['models:all'] * 1e3:.0f} ms"
    yield Row(
        "import of RunTask's and DescribeTasks' models: CPU", everything, found["models:some"] * 1e3, None, 60, " ms"
    )


def _memory(url: str) -> Iterator[Row]:
    found = _fresh([f"memory:{peer}" for peer in peers.SYNC if peers.installed(peer)], url, rounds=1)
    base = found["memory:boto3"]
    capo = found.get("memory:capo-ecs")
    yield Row("10,000 decoded tasks: memory", "boto3", found["memory:ecskit"] / base, capo and capo / base, 0.60)


def _table(rows: list[Row]) -> str:
    def number(value: float | None, unit: str) -> str:
        return "not run" if value is None else f"{value:.0f}{unit}" if unit else f"{value:.2f}"

    lines = [("what", "1.00 is", "ecskit", "capo-ecs", "target", "")]
    for row in rows:
        met = "met" if row.ecskit <= row.target else "MISSED"
        values = [number(value, row.unit) for value in (row.ecskit, row.capo, row.target)]
        lines.append((row.what, row.baseline, values[0], values[1], f"<= {values[2]}", met))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    align: list[Callable[[str, int], str]] = [str.ljust, str.ljust, str.rjust, str.rjust, str.rjust, str.ljust]
    return "\n".join(
        "  ".join(put(cell, width) for put, cell, width in zip(align, line, widths, strict=True)).rstrip()
        for line in lines
    )


def main() -> None:
    for peer in ("orjson", "capo-ecs"):
        if not peers.installed(peer):
            print(f"{peer} is not installed: it is left out", file=sys.stderr)
    with serving() as url:
        print(_table([*_calls(url), *_starts(url), *_memory(url)]))


if __name__ == "__main__":
    main()
