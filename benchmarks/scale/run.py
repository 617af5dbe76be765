"""Measure one arm in this process, and print its figures as JSON: `python -m benchmarks.scale.run ARM COUNT`."""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys

import attrs

from benchmarks.scale import deployments, memory
from benchmarks.scale.account import Account
from benchmarks.scale.arms import ARMS, NotYetError
from benchmarks.scale.figures import Figures, figures


def observe(arm: str, count: int, *, seed: int, quotas: bool) -> Figures:
    """Observe tasks with one arm.

    Raises:
        NotYetError: This version of ecskit cannot.
    """
    account = Account(seed=seed, quotas=quotas)
    arns = account.launch(count, seed=seed)
    ends = ARMS[arm].observe(account, arns)
    delays = [end - account.stopped_at(arn) for arn, end in ends.items()]
    found = figures(arm, count, account, delays, quotas=quotas)
    after = [end - account.heard[arn] for arn, end in ends.items() if arn in account.heard]
    return attrs.evolve(found, after_event=max(after, default=None))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure one arm.")
    parser.add_argument("arm", choices=[*ARMS, *deployments.ARMS])
    parser.add_argument("count", type=int, help="tasks or services")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quotas", action="store_true", help="throttle by the published quotas")
    parser.add_argument("--memory", action="store_true", help="measure the memory of the waits in bytes")
    parser.add_argument("--profile", action="store_true", help="print where the CPU time goes, on standard error")
    options = parser.parse_args()
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    try:
        if options.memory:
            print(json.dumps(memory.beyond_tasks(options.count, seed=options.seed)))
        else:
            measure = observe if options.arm in ARMS else deployments.deploy
            print(
                json.dumps(attrs.asdict(measure(options.arm, options.count, seed=options.seed, quotas=options.quotas)))
            )
    except NotYetError as error:
        print(json.dumps({"skipped": str(error)}))
    if options.profile:
        profile.disable()
        for order in ("tottime", "cumulative"):
            pstats.Stats(profile, stream=sys.stderr).strip_dirs().sort_stats(order).print_stats(60)


if __name__ == "__main__":
    main()
