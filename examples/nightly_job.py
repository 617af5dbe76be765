"""Run a batch of tasks to completion, and run those a second time that were interrupted or did not start.

The exit code is 0 if every task succeeded, 1 if one failed, 2 if not all could be started. Ctrl-C stops the tasks.
"""

from __future__ import annotations

import argparse
import logging
import sys

import ecskit
from ecskit.errors import TaskFailedError, TasksNotStarted
from ecskit.models import AwsVpcConfiguration

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
    """Run the tasks, log how each ends, and return the exit code."""
    try:
        outcomes = ecs.tasks.run_to_completion(
            task_definition,
            cluster=cluster,
            count=count,
            launch_type="FARGATE",
            network=AwsVpcConfiguration(subnets=subnets),
            capacity_timeout=300,
            on_partial="stop_started",
            start_timeout=600,
            retries=1,
            retry_interrupted=True,
            timeout=3600,
            on_timeout="stop",
            on_cancel="stop",
        )
    except TaskFailedError as error:
        outcomes = list(error.outcomes)
    except TasksNotStarted as error:
        log.error("%s", error)  # noqa: TRY400  # the message is enough
        return 2
    for outcome in outcomes:
        log.info("%s", outcome)
    failed = [outcome for outcome in outcomes if not outcome.succeeded]
    log.info("%d of %d succeeded", len(outcomes) - len(failed), len(outcomes))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
