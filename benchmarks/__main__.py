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
    return {case: values[0] for case, values in _fresh_lists(cases, url, rounds).items()}


def _fresh_lists(cases: list[str], url: str, rounds: int) -> dict[str, list[float]]:
    """Do the same with cases that print several numbers."""
    seen: dict[str, list[list[float]]] = {case: [] for case in cases}
    for turn in range(rounds + 1):
        for case in cases:
            found = [float(number) for number in _python("benchmarks.start", case, url, str(turn)).split()]
            if turn or rounds == 1:
                seen[case].append(found)
    return {case: [statistics.median(column) for column in zip(*rows, strict=True)] for case, rows in seen.items()}


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
    regions = ["region:boto3", "region:with_options", "region:session"]
    found = _fresh([*cases, *regions], url, rounds=9)
    theirs = found.get("import:import capo_ecs")
    for statement, target in imports.items():
        took = found[f"import:{statement}"]
        what = f"{statement}, beyond botocore.session: CPU"
        yield Row(what, "", took * 1e3, theirs and theirs * 1e3, target, " ms")
    for kind, names in colours.items():
        base = found[f"{kind}:{names[0]}"]
        theirs = found.get(f"{kind}:capo-ecs")
        what = f"cold start to the first answer, {'async' if kind == 'acold' else 'sync'}: CPU"
        target = 0.75 if kind == "acold" else 0.90
        yield Row(what, names[0], found[f"{kind}:ecskit"] / base, theirs and theirs / base, target)
    for case, what in (("with_options", "with_options(region_name=...)"), ("session", "Client(session=...)")):
        ratio = found[f"region:{case}"] / found["region:boto3"]
        yield Row(f"a client of another region, {what}: CPU", "boto3", ratio, None, 0.50)
    everything = f"all models: {found['models:all'] * 1e3:.0f} ms"
    yield Row(
        "import of RunTask's and DescribeTasks' models: CPU", everything, found["models:some"] * 1e3, None, 60, " ms"
    )


def _pieces(url: str) -> str:
    """Return what cold starts consist of, as a table of milliseconds of CPU."""
    names = [
        name for name in ("boto3", "ecskit", "aiobotocore", "async-ecskit") if peers.installed(name.split("-")[-1])
    ]
    found = _fresh_lists([f"pieces:{name}" for name in names], url, rounds=9)
    columns = [found[f"pieces:{name}"] for name in names]
    pieces = ["import botocore.session", "import the rest", "make the client", "first call"]
    lines = [f"{'a cold start, ms of CPU':32}" + "".join(f"{name:>14}" for name in names)]
    for piece, values in zip(pieces, zip(*columns, strict=True), strict=True):
        lines.append(f"{piece:32}" + "".join(f"{value * 1e3:14.0f}" for value in values))
    shares = [column[0] / sum(column) for column in columns]
    lines.append(f"{'share of botocore.session':32}" + "".join(f"{share:14.0%}" for share in shares))
    return "\n".join(lines)


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
        print()
        print(_pieces(url))


if __name__ == "__main__":
    main()
