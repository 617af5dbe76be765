"""Check many random deployments on all cores: `python -m tests.properties.worlds 20000 [--from SEED]`.

Prints a line for each plan that fails, and a summary. A plan that does not end within a minute fails, too.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from types import FrameType

from .rollouts import Plan
from .rollouts_later import FROM
from .test_deployments import check

LIMIT = 60
"""Seconds that one plan may take."""
BLOCK = 50


class _TooLongError(BaseException):
    """A plan took longer than its limit: no handler of the code under test catches it."""


def failures(seeds: range) -> list[tuple[int, str]]:
    """Return the seeds whose plans fail, each with the reason."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _ring)
    found: list[tuple[int, str]] = []
    for seed in seeds:
        signal.alarm(LIMIT)
        try:
            check(Plan.of(seed))
        except (Exception, _TooLongError) as error:  # noqa: BLE001  # whatever it is, it is a finding
            found.append((seed, f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"))
        finally:
            signal.alarm(0)
    return found


def _ring(_: int, __: FrameType | None) -> None:
    raise _TooLongError(f"it took more than {LIMIT} s")


def main() -> int:
    """Check the plans, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=2000, help="how many plans, 2000 unless given")
    parser.add_argument("--from", type=int, default=FROM, dest="first", help="the first seed")
    options = parser.parse_args()
    began, failed = time.monotonic(), 0
    seeds = range(options.first, options.first + options.count)
    blocks = [seeds[start : start + BLOCK] for start in range(0, len(seeds), BLOCK)]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for found in processes.map(failures, blocks):
            for seed, reason in found:
                print(f"check(Plan.of({seed})): {reason}", flush=True)
            failed += len(found)
    took = time.monotonic() - began
    print(f"{len(seeds)} plans from seed {seeds.start}: {failed} failed; {took:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
