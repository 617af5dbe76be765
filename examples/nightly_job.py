"""Run a batch of tasks to completion, and run interrupted ones a second time.

The exit code is 0 if every task succeeded, 1 if one failed, 2 if not all could be started. Ctrl-C stops the tasks.
"""

from __future__ import annotations

import argparse
import logging
import sys

import ecskit
from ecskit.errors import EcsError, TasksNotStarted
from ecskit.models import AwsVpcConfiguration
from ecskit.tasks import TaskOutcome

log = logging.getLogger("nightly")


def main() -> int:
    """Read the command line and run the job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task_definition")
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--subnets", nargs="+", required=True, metavar="SUBNET")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with ecskit.Client() as ecs:
        return nightly(ecs, options.task_definition, options.cluster, options.count, options.subnets)


def nightly(ecs: ecskit.Client, task_definition: str, cluster: str, count: int, subnets: list[str]) -> int:
    """Run the tasks and return the exit code."""
    try:
        outcomes = run_round(ecs, task_definition, cluster, count, subnets)
        again = [outcome for outcome in outcomes if outcome.retryable]
        if again:
            log.info("%d interrupted, running them again", len(again))
            outcomes = [each for each in outcomes if not each.retryable]
            outcomes += run_round(ecs, task_definition, cluster, len(again), subnets)
    except TasksNotStarted as error:
        log.error("%s", error)  # noqa: TRY400  # the message is enough
        return 2
    failed = [outcome for outcome in outcomes if not outcome.succeeded]
    log.info("%d of %d succeeded", len(outcomes) - len(failed), len(outcomes))
    return 1 if failed else 0


def run_round(
    ecs: ecskit.Client, task_definition: str, cluster: str, count: int, subnets: list[str]
) -> list[TaskOutcome]:
    """Run some tasks and log how each ends. After an error, stop the others."""
    result = ecs.tasks.run(
        task_definition,
        cluster=cluster,
        count=count,
        launch_type="FARGATE",
        network=AwsVpcConfiguration(subnets=subnets),
        capacity_timeout=300,
        on_partial="stop_started",
        on_cancel="stop",
    )
    outcomes: list[TaskOutcome] = []
    try:
        for outcome in ecs.tasks.as_stopped(result, timeout=3600):
            log.info("%s", outcome)
            outcomes += [outcome]
    except (EcsError, KeyboardInterrupt):
        over = {outcome.task.task_arn for outcome in outcomes}
        ecs.tasks.stop(
            [task for task in result.tasks if task.task_arn not in over], reason="given up", until="requested"
        )
        raise
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
