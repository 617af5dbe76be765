"""Check many random worlds on all cores: `PYTHONPATH=tests python -m properties.worlds 20000 [--of KIND]`.

Prints a line for each world that fails, and a summary of each kind. A world that takes more than a minute fails, too.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from types import FrameType
from typing import Any

from waits import test_random_lives

from . import test_completions, test_deployments, test_launches, test_waits
from .rollouts import Plan
from .rollouts_later import FROM

LIMIT = 60
"""Seconds that one world may take."""
BLOCK = 50
KINDS: Mapping[str, tuple[Callable[[int], Any], Callable[[Any], None]]] = {
    "deployments": (Plan.of, test_deployments.check),
    "waits": (test_waits.Schedule.of, test_waits.check),
    "launches": (test_launches.Schedule.of, test_launches.check),
    "completions": (test_completions.Schedule.of, test_completions.check),
    "lives": (test_random_lives.random_schedule, test_random_lives.check),
}
"""How the world of a seed is made, and how it is checked. The tests check the first seeds of each kind."""


class _TooLongError(BaseException):
    """A world took longer than its limit: no handler of the code under test catches it."""


def failures(kind: str, seeds: range) -> list[tuple[int, str]]:
    """Return the seeds whose worlds fail, each with the reason."""
    make, check = KINDS[kind]
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _ring)
    found: list[tuple[int, str]] = []
    for seed in seeds:
        signal.alarm(LIMIT)
        try:
            check(make(seed))
        except (Exception, _TooLongError) as error:  # noqa: BLE001  # whatever it is, it is a finding
            found.append((seed, f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"))
        finally:
            signal.alarm(0)
    return found


def _ring(_: int, __: FrameType | None) -> None:
    raise _TooLongError(f"it took more than {LIMIT} s")


def main() -> int:
    """Check the worlds, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=2000, help="how many worlds of a kind, 2000 unless given")
    parser.add_argument("--of", choices=KINDS, action="append", help="the kind, all unless given")
    parser.add_argument("--from", type=int, default=FROM, dest="first", help="the first seed")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.count)
    failed = 0
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for kind in options.of or KINDS:
            began, of_kind = time.monotonic(), 0
            blocks = [seeds[start : start + BLOCK] for start in range(0, len(seeds), BLOCK)]
            for found in processes.map(failures, [kind] * len(blocks), blocks):
                for seed, reason in found:
                    print(f"{kind} of seed {seed}: {reason}", flush=True)
                of_kind += len(found)
            took = time.monotonic() - began
            print(f"{len(seeds)} {kind} from seed {seeds.start}: {of_kind} failed; {took:.0f} s", flush=True)
            failed += of_kind
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
