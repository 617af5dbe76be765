"""The ways to observe tasks until each has stopped. Each returns the moments of its verdicts, on the virtual clock.

All begin at the same moment, and get the ARNs of the tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import aiobotocore.endpoint
import aiobotocore.session
import aiobotocore.waiter
import attrs
from botocore.exceptions import WaiterError

from benchmarks.bodies import REGION
from benchmarks.scale.account import Account
from benchmarks.waiting import DELAY, botocore_client
from ecskit import AsyncClient
from ecskit.errors import EcsError
from ecskit.events import AsyncEventReceiver, EventBatch, EventReceiver, EventSource, TaskStateChange
from ecskit.testing import attach, attach_async

PER_CALL = 100
"""The most tasks that one DescribeTasks reads."""
EVENTS_LATE = (0.5, 2.5)
"""The least and the most seconds from a change to the arrival of its event."""

Ends = Mapping[str, float]
"""The moment of the verdict of each task; a wait that gave up has none."""


class NotYetError(Exception):
    """The arm needs something that this version of ecskit does not have."""


@attrs.define
class Verdicts:
    """The moments of the verdicts so far. The account counts from the moment at which this is made."""

    account: Account
    ends: dict[str, float] = attrs.field(factory=dict[str, float])

    def __attrs_post_init__(self) -> None:
        self.account.begin()

    def note(self, arn: str) -> None:
        self.ends[arn] = self.account.clock.now()


def _all(arns: Sequence[str], wait: Callable[[str], Awaitable[object]], verdicts: Verdicts) -> Awaitable[object]:
    async def one(arn: str) -> None:
        with contextlib.suppress(EcsError):  # a wait that gives up has no verdict
            await wait(arn)
            verdicts.note(arn)

    return asyncio.gather(*map(one, arns))


# ecskit. Waits have no timeout: the figures are those of the polls alone.


def one_client(account: Account, arns: Sequence[str]) -> Ends:
    """Run one wait for each task on one async client."""

    async def run() -> Ends:
        async with account.async_client() as ecs:
            await ecs.describe_clusters()
            verdicts = Verdicts(account)
            await _all(arns, lambda arn: ecs.wait.tasks_stopped(arn, timeout=None), verdicts)
        return verdicts.ends

    return asyncio.run(run())


def client_each(account: Account, arns: Sequence[str]) -> Ends:
    """Run one wait for each task, each on a client of its own over the same connections: they share no polls."""

    async def run() -> Ends:
        async with aiobotocore_client(account, attempts=1) as raw:
            clients = {
                arn: AsyncClient.wrap(raw)._with_runtime(account.clock, Random(f"client {turn}"))
                for turn, arn in enumerate(arns)
            }
            await next(iter(clients.values())).describe_clusters()
            verdicts = Verdicts(account)
            await _all(arns, lambda arn: clients[arn].wait.tasks_stopped(arn, timeout=None), verdicts)
        return verdicts.ends

    return asyncio.run(run())


def with_events(account: Any, arns: Sequence[str]) -> Ends:
    """Run one wait for each task on one async client that observes events."""
    if not hasattr(AsyncClient, "observing"):
        raise NotYetError("AsyncClient.observing does not exist in this version")

    async def run() -> Ends:
        source = Noted(account, account.event_source(late=EVENTS_LATE))
        ecs: Any = account.async_client()
        async with ecs, ecs.observing(source):
            await ecs.describe_clusters()
            verdicts = Verdicts(account)
            await _all(arns, lambda arn: ecs.wait.tasks_stopped(arn, timeout=None), verdicts)
        account.heard.update(source.heard)
        return verdicts.ends

    return asyncio.run(run())


@attrs.define
class Noted:
    """A source of events that notes when it passes on that a task has STOPPED."""

    account: Account
    source: EventSource
    heard: dict[str, float] = attrs.field(factory=dict[str, float])

    def open(self) -> EventReceiver:
        return self.source.open()

    def open_async(self) -> AsyncEventReceiver:
        receiver = self.source.open_async()
        receive = receiver.receive

        async def noted() -> EventBatch:
            batch = await receive()
            for event in batch.events:
                if isinstance(event, TaskStateChange) and event.task.last_status == "STOPPED":
                    self.heard.setdefault(event.task.task_arn, self.account.clock.now())
            return batch

        vars(receiver)["receive"] = noted
        return receiver


def threads(account: Account, arns: Sequence[str]) -> Ends:
    """Run one wait for each task, each in a thread of its own, on one sync client."""
    with account.client() as ecs, ThreadPoolExecutor(len(arns)) as pool:
        ecs.describe_clusters()
        verdicts = Verdicts(account)

        def one(arn: str) -> None:
            ecs.wait.tasks_stopped(arn, timeout=None)
            verdicts.ends[arn] = account.flows.ended.at

        with account.clock.flow():  # the clock stands until all waits have begun
            begun, started = threading.Event(), account.flows.begun
            running = [pool.submit(one, arn) for arn in arns]
            while account.flows.begun < started + len(arns) and not any(each.done() for each in running):
                begun.wait(0.001)
        for each in running:
            each.result()
    return verdicts.ends


# Others


def waiters(account: Account, arns: Sequence[str]) -> Ends:
    """Run botocore's waiter for each task, with its default interval, on one client of aiobotocore.

    It makes as many attempts as botocore does by default. Only its limit of ten minutes is lifted.
    """

    async def run() -> Ends:
        async with aiobotocore_client(account, attempts=None) as raw:
            await raw.describe_clusters()
            waiter = raw.get_waiter("tasks_stopped")
            options = {"Delay": DELAY, "MaxAttempts": 10**6}
            verdicts = Verdicts(account)

            async def one(arn: str) -> None:
                with account.clock.flow():
                    try:
                        await waiter.wait(tasks=[arn], WaiterConfig=options)
                    except WaiterError:
                        return
                    verdicts.note(arn)

            await asyncio.gather(*map(one, arns))
        return verdicts.ends

    asleep = SimpleNamespace(sleep=account.clock.asleep)
    with patch.object(aiobotocore.waiter, "asyncio", asleep), patch.object(aiobotocore.endpoint, "asyncio", asleep):
        return asyncio.run(run())


def loop(account: Account, arns: Sequence[str]) -> Ends:
    """Describe all tasks that are left, 100 per call, then sleep for 6 s, with botocore."""
    client = botocore_client()
    attach(client, account)
    client.describe_clusters()
    verdicts, left = Verdicts(account), list(arns)
    while left:
        for first in range(0, len(left), PER_CALL):
            for task in client.describe_tasks(tasks=left[first : first + PER_CALL])["tasks"]:
                if task["lastStatus"] == "STOPPED":
                    verdicts.note(task["taskArn"])
        left = [arn for arn in left if arn not in verdicts.ends]
        account.clock.advance(DELAY)
    return verdicts.ends


@asynccontextmanager
async def aiobotocore_client(account: Account, *, attempts: int | None) -> AsyncIterator[Any]:
    from aiobotocore.config import AioConfig

    session: Any = aiobotocore.session.AioSession(session_vars={"profile": (None, None, None, None)})
    session.set_credentials("simulator", "simulator")
    config = AioConfig(retries={"total_max_attempts": attempts, "mode": "standard"} if attempts else None)
    options = {"region_name": REGION, "endpoint_url": "http://simulator.invalid", "config": config}
    async with session.create_client("ecs", **options) as client:
        attach_async(client, account)
        yield client


@attrs.frozen
class Arm:
    """One way to observe tasks."""

    name: str
    label: str
    """The name in the plot."""
    observe: Callable[[Account, Sequence[str]], Ends]
    most: int = 10_000
    """The most tasks with which it is measured."""
    counts: Sequence[int] = ()
    """The numbers of tasks, if they are not the usual ones."""


ARMS = {
    "shared": Arm("ecskit, one wait per task", "ecskit", one_client),
    "events": Arm("the same, with events", "with events", with_events),
    "threads": Arm("ecskit, one thread per task", "threads", threads, counts=(1, 10, 100, 300)),
    "separate": Arm("ecskit, one client per task", "a client per task", client_each, most=1_000),
    "waiters": Arm("botocore's waiters", "botocore's waiters", waiters, most=1_000),
    "loop": Arm("a loop, 100 per call every 6 s", "loop", loop),
}
