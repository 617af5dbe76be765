"""Many deployments at once through one client, of different services and of the same one, as threads and as tasks.

A failure prints one line that repeats its fleet: `check(Schedule.of(3))`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random
from threading import Lock, Thread
from typing import Any

import attrs

from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit.errors import EcsError
from ecskit.testing import Lag

from .deploying import REMEDIES, Ask, Heard, asked_of_async, asked_of_sync
from .drivers import AsyncTransport, Ending, Steady, Transport
from .fleet import EPOCH, NETWORK, Fleet
from .rollout_truths import Case, check_update, check_verdict
from .rollouts import Plan
from .schedules import check_all

Said = tuple[Any, BaseException | None, Heard, object]


@attrs.frozen(kw_only=True)
class Schedule:
    """Some services, and who deploys them at the same time."""

    seed: int
    plans: Sequence[Plan]
    """One for each service."""
    rivals: Sequence[Ask]
    """Others who deploy the first service, each something of its own."""
    lag: Lag

    @classmethod
    def of(cls, seed: int) -> Schedule:
        random = Random(f"many deployments {seed}")
        plans = [_plan(Plan.of(1000 * seed + i, service=f"s{i}")) for i in range(random.randrange(3, 8))]
        rivals = [
            Ask(how=random.choice(["deploy", "start", "update"]), service="s0", change={"task_definition": definition})
            for definition in random.sample(["slow", "other", "unpullable"], random.randrange(3))
            if definition != plans[0].ask.change.get("task_definition")
        ]
        if rivals:
            options = {name: value for name, value in plans[0].ask.options.items() if name not in REMEDIES}
            plans[0] = attrs.evolve(plans[0], ask=attrs.evolve(plans[0].ask, options=options))
        return cls(seed=seed, plans=plans, rivals=rivals, lag=plans[0].lag)

    @property
    def asks(self) -> list[Ask]:
        return [*(plan.ask for plan in self.plans), *self.rivals]

    def world(self) -> Fleet:
        fleet = Fleet(seed=self.seed, lag=self.lag)
        self.plans[0].furnish(fleet)
        for plan in self.plans:
            plan.open(fleet)
        fleet.watch.advance(max(plan.head_start for plan in self.plans) + 60)
        for plan in self.plans:
            for at, what in plan.others:
                fleet.plan(at, plan.ask.service, what, plan.rest)
        fleet.watch.ended_at.clear()
        return fleet


def _plan(plan: Plan) -> Plan:
    """Return the same without what makes calls alike: definitions that are derived, and DAEMON services."""
    change = plan.ask.change if "images" not in plan.ask.change else {"task_definition": "good"}
    ask = attrs.evolve(plan.ask, change={n: v for n, v in change.items() if n != "desired_count"} or {"force": True})
    # A stream is not counted between its items: the virtual clock may move on there.
    ask = attrs.evolve(ask, how="deploy") if ask.how in ("scale", "refresh", "events") else ask
    rest = plan.create
    if plan.daemon:
        rest = {"taskDefinition": "old", "launchType": "FARGATE", "networkConfiguration": NETWORK, "desiredCount": 2}
    return attrs.evolve(plan, daemon=False, create=rest, ask=ask, denied=(), update_faults=())


def check(schedule: Schedule) -> None:
    """Deploy all of it in threads, then in tasks of an event loop, and check each on its own."""
    for perform in (in_threads, in_tasks):
        check_each(schedule, perform)


def check_each(schedule: Schedule, perform: Callable[[Fleet, Sequence[Ask]], Sequence[Said]]) -> None:
    """Deploy all of it at once, and check each on its own."""
    fleet = schedule.world()
    began = fleet.time()
    for i, (ask, said) in enumerate(zip(schedule.asks, perform(fleet, schedule.asks), strict=True)):
        result, error, heard, runner = said
        ended = EPOCH + fleet.watch.ended_at[runner]
        calls = [call for call in fleet.calls if call.time >= began and _is_about(call.request, ask.service)]
        case = Case(
            fleet=fleet,
            ask=ask,
            ending=Ending(result, error, began, ended, calls, []),
            heard=heard,
            made=_made(fleet, ask, schedule),
            refused=False,
            faulty=False,
            raw=ask.how == "update",
        )
        try:
            check_update(case)
            check_verdict(case)
        except AssertionError as wrong:
            raise AssertionError(f"{perform.__name__}, {i}: {ask}: {wrong}") from wrong


def _made(fleet: Fleet, ask: Ask, schedule: Schedule) -> list[Any]:
    """Return the updates of one of those who deploy: rivals ask for something of their own, and bring nothing back."""
    of_service = [made for made in fleet.made if made.request["service"].rsplit("/", 1)[-1] == ask.service]
    if ask.service != "s0" or not schedule.rivals:
        return of_service
    return [made for made in of_service if made.request.get("taskDefinition") == ask.change.get("task_definition")]


def _is_about(request: dict[str, Any], service: str) -> bool:
    body = json.dumps(request, default=str)
    return f"/{service}/" in body or f'{service}"' in body


def in_threads(fleet: Fleet, asks: Sequence[Ask]) -> list[Said]:
    """Ask everything from a thread each."""
    runtime = Runtime(Transport(fleet), fleet.watch, Steady(1))
    said: dict[int, Said] = {}
    lock = Lock()

    def perform(i: int, ask: Ask) -> None:
        heard, result, error = Heard(fleet), None, None
        try:
            result = asked_of_sync(runtime, ask, heard)
        except EcsError as raised:
            error = raised
        with lock:
            said[i] = result, error, heard, threads[i]

    threads = [Thread(target=perform, args=(i, ask)) for i, ask in enumerate(asks)]
    with fleet.watch.hold():
        for thread in threads:
            thread.start()
        fleet.watch.await_runners(len(threads))
    for thread in threads:
        thread.join()
    return [said[i] for i in range(len(asks))]


def in_tasks(fleet: Fleet, asks: Sequence[Ask]) -> list[Said]:
    """Ask everything from a task each."""
    return asyncio.run(_in_tasks(fleet, asks))


async def _in_tasks(fleet: Fleet, asks: Sequence[Ask]) -> list[Said]:
    runtime = AsyncRuntime(AsyncTransport(Transport(fleet)), fleet.watch, Steady(1))

    async def perform(ask: Ask) -> Said:
        heard, result, error = Heard(fleet), None, None
        try:
            result = await asked_of_async(runtime, ask, heard)
        except EcsError as raised:
            error = raised
        return result, error, heard, asyncio.current_task()

    with fleet.watch.hold():
        tasks = [asyncio.ensure_future(perform(ask)) for ask in asks]
        with fleet.watch.elsewhere():
            return list(await asyncio.gather(*tasks))


def test_many_deployments_at_once() -> None:
    """Each gets the verdict of its own deployment, also where deployments supersede each other."""
    check_all(check, map(Schedule.of, range(12)), "check(Schedule.of({}))".format)
