"""Run a worker, or print the report: `python -m fleet work --help`, `python -m fleet report --help`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import re
import signal
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from aiobotocore.session import get_session
from tenacity import wait_fixed

import ecskit

from .sqs import JobQueue
from .store import JobStore
from .worker import Worker


def main() -> int:
    """Read the command line and run the command."""
    parser = argparse.ArgumentParser(prog="fleet", description=__doc__)
    commands = parser.add_subparsers(required=True)
    worker = commands.add_parser("work", help="take jobs from the queue until SIGTERM or Ctrl-C")
    worker.set_defaults(command=run_worker)
    worker.add_argument("--queue-url", required=True)
    worker.add_argument("--cluster", required=True)
    worker.add_argument("--task-definition", required=True, type=revision, metavar="FAMILY:REVISION")
    worker.add_argument("--subnets", required=True, nargs="+", metavar="SUBNET")
    worker.add_argument("--parallel", type=positive, default=100, help="jobs in work at once (default: %(default)s)")
    worker.add_argument("--visibility", type=positive, default=300, help="seconds, 60 to 900 (default: %(default)s)")
    worker.add_argument(
        "--retry-after", type=positive, default=60, help="seconds until a launch is tried again (default: 60)"
    )
    worker.add_argument("--poll", type=float, help="seconds between polls of a task (default: by its status)")
    report = commands.add_parser("report", help="print how the jobs ended; the exit code is 1 if some are unknown")
    report.set_defaults(command=print_report)
    for command in (worker, report):
        command.add_argument("--store", required=True, type=Path, help="the SQLite file of all workers")
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(process)d %(message)s")
    logging.getLogger("fleet").setLevel(logging.INFO)
    code: int = options.command(options)
    return code


def revision(text: str) -> str:
    """Return a task definition that names its revision. A family would name another one after the next release."""
    if not re.search(r":\d+$", text):
        raise argparse.ArgumentTypeError(f"name a revision, such as {text}:7")
    return text


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text}")
    return int(text)


def run_worker(options: argparse.Namespace) -> int:
    """Work until the process gets SIGTERM or SIGINT."""
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(work(options))
    return 0


async def work(options: argparse.Namespace) -> None:
    """Make the clients, and work."""
    working = asyncio.current_task()
    assert working is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    poll = None if options.poll is None else wait_fixed(options.poll)
    async with ecskit.AsyncClient(poll=poll) as ecs, get_session().create_client("sqs") as sqs:
        described = await ecs.describe_task_definition(task_definition=options.task_definition)
        with closing(JobStore(options.store)) as store:
            await Worker(
                ecs=ecs,
                queue=JobQueue(sqs, options.queue_url, options.visibility),
                store=store,
                cluster=options.cluster,
                definition=described.task_definition,
                subnets=options.subnets,
                parallel=options.parallel,
                retry_after=options.retry_after,
            ).work()


def print_report(options: argparse.Namespace) -> int:
    """Print the number of jobs in each state, and each job that did not succeed."""
    with closing(JobStore(options.store)) as store:
        results = list(store.results())
    for job, result in results:
        if result is not None and result.state != "succeeded":
            print(f"{result.state} {job}: {result.detail}")
    counts = Counter(result.state if result else "unfinished" for _, result in results)
    print(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no jobs")
    return 1 if counts["unknown"] else 0


if __name__ == "__main__":
    sys.exit(main())
