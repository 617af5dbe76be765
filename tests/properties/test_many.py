"""Many waits and runs at once in one client: each keeps its promises, and those that are cancelled leave the others be.

These go through real botocore and aiobotocore clients. A failure prints one line that repeats its schedule:
`check(Schedule.of(12))`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from random import Random
from threading import Event, Lock, Thread
from typing import Any, TypeAlias

import attrs
import pytest

from ecskit.errors import EcsError
from ecskit.models import Task

from . import test_completions, test_launches, test_waits
from .drivers import Cut, Ending, Verb, everybody_heard
from .schedules import Sky, check_all, near, some_sky
from .world import CLOSE, World

Part: TypeAlias = test_waits.Schedule | test_launches.Schedule | test_completions.Schedule
_CUT = {"WaitCancelled", "CancelledError"}


@attrs.frozen(kw_only=True)
class Schedule:
    """All there is to say about many calls at once and their world."""

    seed: int
    sky: Sky
    head_start: float
    """Seconds from the launch of what is waited for to all calls."""
    parts: tuple[Part, ...]
    cuts: tuple[float | None, ...]
    """When each of them is cancelled, if it is."""

    @classmethod
    def of(cls, seed: int) -> Schedule:
        random = Random(seed)
        sky = attrs.evolve(some_sky(random), fault_rate=random.choice([0.0, 0.1, 0.3]))
        parts = tuple(cls._part(random) for _ in range(random.randrange(20, 51)))
        cuts = tuple(near(random, [1.0, 20.0, 60.0]) + 0.001 if random.random() < 0.25 else None for _ in parts)
        return cls(seed=seed, sky=sky, head_start=near(random, [0.0, 20.0]), parts=parts, cuts=cuts)

    @staticmethod
    def _part(random: Random) -> Part:
        seed = random.randrange(10**6)
        calm: dict[str, Any] = {"faults": (), "latency": 0.0, "cut": None}
        match random.choice(["wait", "wait", "run", "complete"]):
            case "wait":
                return attrs.evolve(test_waits.Schedule.of(seed), clusters=("default",), grace=60.0)
            case "run":
                return attrs.evolve(test_launches.Schedule.of(seed), client_token=None, **calm)
            case _:
                return attrs.evolve(test_completions.Schedule.of(seed), calm_after=None, **calm)

    def prepare(self) -> tuple[World, list[list[Task]], list[Verb]]:
        """Return a world in trouble, what was launched for each call, and the calls."""
        world = self.sky.world(self.seed)
        launched: list[list[Task]] = []
        verbs: list[Verb] = []
        for i, part in enumerate(self.parts):
            if isinstance(part, test_waits.Schedule):
                launched.append(part.launch(world, f"job{i}"))
                verbs.append(part.verb(launched[-1]))
            else:
                launched.append([])
                verbs.append(part.verb(world, f"job{i}"))
        world.watch.advance(self.head_start)
        if self.sky.fault_rate:
            # Reads of definitions are left alone: a wait for health without them has not looked.
            operations = ["DescribeTasks", "RunTask", "StopTask"]
            world.misbehave(rate=self.sky.fault_rate, seed=self.seed, operations=operations)
        world.watch.ended_at.clear()
        return world, launched, verbs


def check(schedule: Schedule) -> None:
    """Run all of it in threads, then in tasks of an event loop, and check each call on its own."""
    check_all_parts(schedule, in_threads)
    check_all_parts(schedule, in_tasks)


def check_all_parts(schedule: Schedule, perform: Callable[[World, Schedule, list[Verb]], list[Ending]]) -> None:
    """Run all of it, and check each call on its own."""
    world, launched, verbs = schedule.prepare()
    began = world.time()
    endings = perform(world, schedule, verbs)
    for i, (part, tasks, ending, cut) in enumerate(zip(schedule.parts, launched, endings, schedule.cuts, strict=True)):
        try:
            _check_part(part, world, f"job{i}", tasks, _own(world, f"job{i}", ending, began), cut)
        except Exception as error:
            raise AssertionError(f"part {i}: {part}, cancelled at {cut}: {error}") from error


def _check_part(part: Part, world: World, family: str, launched: list[Task], ending: Ending, cut: float | None) -> None:
    assert ending.kind not in _CUT or cut is not None, "the cancellation of another one reached it"
    if isinstance(part, test_waits.Schedule):
        if ending.kind in _CUT:
            assert cut is not None
            late = ending.ended - ending.began - cut
            # An iterator is not counted between its last item and its clean-up: the virtual clock may move on there.
            assert abs(late) <= CLOSE or part.wait == "as_stopped", f"it ended {late} s after it was cancelled"
        else:
            test_waits.check_truth(part.wait, part.view(world, launched), ending)
        return
    part = attrs.evolve(part, cut=None if cut is None else Cut(at=cut))
    if isinstance(part, test_launches.Schedule):
        test_launches.check_truth(attrs.evolve(part, fault_rate=1.0), world, ending, family)
    else:
        test_completions.check_truth(part, world, ending, family)


def _own(world: World, family: str, ending: Ending, began: float) -> Ending:
    """Return how a call ended, with its own requests only."""
    ids = {truth.task.arn.rsplit("/", 1)[-1] for truth in world.of_family(family)}
    definition = re.compile(rf"(.*/)?{family}(:\d+)?")

    def is_own(request: dict[str, Any]) -> bool:
        named = {name.rsplit("/", 1)[-1] for name in [request.get("task", ""), *request.get("tasks", [])]}
        return bool(named & ids) or bool(definition.fullmatch(request.get("taskDefinition", "")))

    calls = [call for call in world.calls if call.time >= began and is_own(call.request)]
    return attrs.evolve(ending, calls=calls, looks=[look for look in world.looks if set(look.ids) & ids])


def _ending(world: World, began: float, result: Any, error: BaseException | None, runner: object, cut: Any) -> Ending:
    ended = world.time() - world.watch.now() + world.watch.ended_at[runner]
    return Ending(result, error, began, ended, [], [], cut)


def in_threads(world: World, schedule: Schedule, verbs: list[Verb]) -> list[Ending]:
    """Call everything from a thread each, through one client."""
    clock, began, lock = world.watch, world.time(), Lock()
    events = [Event() for _ in verbs]
    said: dict[int, tuple[Any, BaseException | None]] = {}
    with world.client()._with_runtime(clock, Random(schedule.seed)) as ecs:

        def perform(i: int, verb: Verb) -> None:
            namespace: Any = ecs.wait if verb.name.startswith("tasks_") else ecs.tasks
            result, error = None, None
            try:
                result = getattr(namespace, verb.name)(*verb.arguments, **verb.options, cancel=events[i])
                result = list(result) if verb.name == "as_stopped" else result
            except EcsError as raised:
                error = raised
            with lock:
                said[i] = result, error

        def cancel() -> None:
            for at, event in sorted(
                ((at, event) for at, event in zip(schedule.cuts, events, strict=True) if at is not None),
                key=lambda pair: pair[0],
            ):
                clock.sleep(began - world.time() + at)
                event.set()

        threads = [Thread(target=perform, args=(i, verb)) for i, verb in enumerate(verbs)]
        canceller = Thread(target=_counted, args=(clock, cancel, held := Event()))
        with clock.hold():
            for number, thread in enumerate(threads, 1):
                thread.start()
                clock.await_runners(number)  # each begins after the one before, so that a failure can be reproduced
            canceller.start()
            held.wait()
        for thread in [*threads, canceller]:
            thread.join()
    cuts = [None if at is None else began + at for at in schedule.cuts]
    return [_ending(world, began, *said[i], thread, cuts[i]) for i, thread in enumerate(threads)]


def _counted(clock: Any, run: Callable[[], None], held: Event) -> None:
    with clock.hold():
        held.set()
        run()


def in_tasks(world: World, schedule: Schedule, verbs: list[Verb]) -> list[Ending]:
    """Call everything from a task each, through one client."""
    return asyncio.run(_in_tasks(world, schedule, verbs))


async def _in_tasks(world: World, schedule: Schedule, verbs: list[Verb]) -> list[Ending]:
    clock, began = world.watch, world.time()
    async with world.async_client()._with_runtime(clock, Random(schedule.seed)) as ecs:

        async def perform(verb: Verb) -> tuple[Any, BaseException | None]:
            namespace: Any = ecs.wait if verb.name.startswith("tasks_") else ecs.tasks
            try:
                if verb.name == "as_stopped":
                    return [outcome async for outcome in namespace.as_stopped(*verb.arguments, **verb.options)], None
                return await getattr(namespace, verb.name)(*verb.arguments, **verb.options), None
            except (EcsError, asyncio.CancelledError) as error:
                return None, error

        with clock.hold():
            tasks = [asyncio.ensure_future(perform(verb)) for verb in verbs]
            for at, task in sorted(
                ((at, task) for at, task in zip(schedule.cuts, tasks, strict=True) if at is not None),
                key=lambda pair: pair[0],
            ):
                await clock.asleep(began - world.time() + at)
                task.cancel()
                await everybody_heard()
            with clock.elsewhere():
                said = await asyncio.gather(*tasks)
    cuts = [None if at is None else began + at for at in schedule.cuts]
    return [_ending(world, began, *said[i], task, cuts[i]) for i, task in enumerate(tasks)]


def test_many_at_once() -> None:
    """Twenty to fifty calls of all kinds, a quarter of them cancelled."""
    pytest.importorskip("aiobotocore", reason="needs the extra `async`")
    check_all(check, map(Schedule.of, range(8)), "check(Schedule.of({}))".format)
