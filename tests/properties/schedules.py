"""Random lives and skies, as values whose text makes them again, with a bias towards trouble.

Trouble is where times meet: a deadline near a transition, a grace near the moment of becoming visible, a look near the
moment of being forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Literal, TypeAlias

import attrs

from ecskit._simulator.task_lifecycle import PURGED_AFTER
from ecskit.testing import Fault, Lag, TaskScript

from .drivers import Cut
from .world import Versions, World

End: TypeAlias = Literal["exits 0", "exits 1", "exits 137", "oom", "spot", "host", "fails", "never"]

ENDS: Sequence[End] = ("exits 0", "exits 0", "exits 1", "exits 137", "oom", "spot", "host", "fails", "never")
_HEALTH: Sequence[Any] = ("HEALTHY", "HEALTHY", "HEALTHY", "UNHEALTHY", {3.0: "UNHEALTHY", 20.0: "HEALTHY"})


@attrs.frozen
class Life:
    """How one task behaves."""

    start: float
    run: float
    stop: float
    end: End
    details_after: float = 0.0
    health: Any = "HEALTHY"
    side: int = 143
    """The exit code of the container that does not count, when it is stopped."""

    @property
    def script(self) -> TaskScript:
        match self.end:
            case "fails":
                made = TaskScript.fails_to_pull()
            case "oom":
                made = TaskScript.out_of_memory(after=self.run)
            case "spot":
                made = TaskScript.spot_interrupted(after=self.run)
            case "host":
                made = TaskScript.loses_host(after=self.run)
            case "never":
                made = TaskScript()
            case _:
                made = TaskScript.exits(int(self.end.split()[1]), after=self.run)
        return attrs.evolve(
            made,
            time_to_start=self.start,
            time_to_stop=self.stop,
            stop_details_after=self.details_after,
            health=self.health,
            sigterm_exit_codes={"side": self.side},
        )

    @property
    def moments(self) -> list[float]:
        """When something happens, in seconds from its launch."""
        running = self.start
        if self.end == "never":
            return [0.0, running]
        ending = running if self.end == "fails" else running + self.run
        stopped = ending + self.stop + self.details_after
        return [0.0, running, ending, stopped, stopped + PURGED_AFTER]


@attrs.frozen
class Sky:
    """What lies between a task and those who look at it."""

    visible_after: float = 0.0
    stale_by: float = 0.0
    stale_share: float = 0.5
    versions: Versions = "true"
    fault_rate: float = 0.0

    @property
    def lag(self) -> Lag:
        return Lag(visible_after=self.visible_after, stale_by=self.stale_by, stale_share=self.stale_share)

    def world(self, seed: int, *, bare_replays: bool = False) -> World:
        """Return a world under this sky, calm so far, with the clusters `default` and `other`."""
        world = World(seed=seed, lag=self.lag, versions=self.versions, bare_replays=bare_replays)
        world.handle("CreateCluster", {"clusterName": "other"})
        return world


def some_life(random: Random) -> Life:
    return Life(
        start=random.choice([0.0, 1.0, 20.0, random.random() * 90]),
        run=random.choice([0.0, 0.5, random.random() * 10, random.random() * 300]),
        stop=random.choice([0.0, 2.0, 10.0, random.random() * 60]),
        end=random.choice(ENDS),
        details_after=random.choice([0.0, 0.0, 0.0, 0.5, random.random() * 20]),
        health=random.choice(_HEALTH),
        side=random.choice([143, 143, 0, 3]),
    )


def some_sky(random: Random, *, visible_after: Sequence[float] = (0.0, 2.0, 12.0, 28.0)) -> Sky:
    stale_by = random.choice([0.0, 0.0, 1.0, 8.0, random.random() * 25])
    return Sky(
        # Together less than what a task has to be missing for to count as forgotten.
        visible_after=min(random.choice(visible_after), 29.0 - stale_by) if random.random() < 0.9 else 0.0,
        stale_by=stale_by,
        stale_share=random.choice([0.1, 0.5, 0.9]),
        versions=random.choice(["true", "true", "none", "flat"]),
        fault_rate=random.choice([0.0, 0.0, 0.05, 0.3, 0.8]),
    )


def near(random: Random, moments: Iterable[float]) -> float:
    """Return a time at one of these moments, or close to one."""
    moment = random.choice(list(moments))
    return max(0.0, moment + random.choice([0.0, random.uniform(-0.5, 0.5), random.uniform(-15, 15)]))


def check_all(check: Callable[[Any], None], schedules: Iterable[Any], how: Callable[[int], str]) -> None:
    """Check schedules one after the other. A failure names its schedule, and how to repeat it."""
    for schedule in schedules:
        try:
            check(schedule)
        except (Exception, KeyboardInterrupt) as error:
            message = f"{type(error).__name__}: {error}\nreproduce with: {how(schedule.seed)}\n{schedule}"
            raise AssertionError(message) from error


REASONS = ("RESOURCE:MEMORY", "AGENT", "Capacity is unavailable at this time. Please try again later", "ATTRIBUTE")


def some_launch_fault(random: Random) -> Fault:
    """Return something that happens to RunTask."""
    return random.choice(
        [
            Fault.throttled(),
            Fault.disguised_throttle(),
            Fault.server_error(),
            Fault.server_error(after_effect=True),
            Fault.reset(),
            Fault.reset(after_effect=True),
            Fault.timeout(after_effect=True),
            Fault.cut(),
            Fault.garbled(),
            Fault.no_capacity(random.choice(REASONS)),
            Fault.no_capacity(random.choice(REASONS), last=random.choice([1, 3, 7])),
            Fault.no_capacity(random.choice(REASONS), last=random.choice([1, 3, 7])),
        ]
    )


def some_cut(random: Random, moments: Iterable[float], *, waits: bool) -> Cut | None:
    """Return how a call is cut short; half of the calls are not."""
    kind = random.choice(["", "", "", "at", "at", "request", "poll", "raising"] if waits else ["", "", "at", "request"])
    match kind:
        case "at":
            return Cut(at=near(random, [0.0, 1.0, *moments]) + random.random() / 1000)
        case "request":
            return Cut(request=random.choice([1, 1, 2, 3, 5, 8]), after_effect=random.random() < 0.5)
        case "poll":
            return Cut(poll=random.choice([1, 2, 4]))
        case "raising":
            return Cut(raising=random.choice([1, 2, 4]))
        case _:
            return None
