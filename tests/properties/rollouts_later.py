"""The second half of random deployments: counting policies, crash loops, flaky starts, tasks that must stay up.

Drawn by a generator of its own, so that the first half of a plan stays what it was. Plans from `FROM` on have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Literal

import attrs

from ecskit.testing import TaskScript

__all__ = ["FROM", "Later"]

FROM = 100_000
"""The first seed whose plan is drawn in full."""

Counting = Literal["zero_first", "at_once", "stepwise"]


@attrs.frozen(kw_only=True)
class Later:
    """What a plan has beyond its first half."""

    counting: Counting
    counts_behind: float
    deployments_scale_after: float
    families: Mapping[str, TaskScript | Sequence[TaskScript]]
    checked: frozenset[str]
    """Families whose container has a health check."""
    definition: str | None
    """What is deployed in place of what the first half has drawn."""
    configuration: Mapping[str, Any]
    options: Mapping[str, Any]
    others: Sequence[tuple[float, Sequence[Any]]]

    @classmethod
    def of(cls, seed: int, *, strategy: str, daemon: bool, timeout: float | None, least: int) -> Later:
        random = Random(f"later deployment {seed}")
        start = random.uniform(1, 40)
        crash = random.choice([0.5, 5.0, 5.0, 30.0, random.uniform(1, 120)])
        rolling = strategy == "ROLLING" and not daemon
        return cls(
            counting=random.choice(["zero_first", "at_once", "stepwise"]),
            counts_behind=random.choice([0.0, 0.0, 0.0, 5.0, random.uniform(0, 20)]),
            deployments_scale_after=random.choice([0.0, 0.0, 10.0]),
            families={
                "looping": attrs.evolve(TaskScript.exits(random.choice([0, 1, 1]), after=crash), time_to_start=start),
                "late": attrs.evolve(TaskScript.out_of_memory(after=random.uniform(60, 400)), time_to_start=start),
                "ill": attrs.evolve(TaskScript.unhealthy(after=random.uniform(10, 200)), time_to_start=start),
                "flaky": [
                    *[TaskScript.fails_to_pull("timeout")] * random.choice([1, 2, 2, 4]),
                    TaskScript(time_to_start=start),
                ],
                "spotty": [
                    *[attrs.evolve(TaskScript.spot_interrupted(after=crash), time_to_start=start)] * 3,
                    TaskScript(time_to_start=start),
                ],
                "moved": [
                    attrs.evolve(TaskScript.loses_host(after=crash), time_to_start=start),
                    TaskScript(time_to_start=start),
                ],
            },
            checked=frozenset({"ill"}),
            definition=random.choice(
                [None, None, "looping", "late", "ill", "flaky", "spotty", "moved", "slow", "good"]
            ),
            configuration=_configuration(random, rolling=rolling, least=least),
            options=_options(random, staged=strategy in ("BLUE_GREEN", "LINEAR", "CANARY"), timeout=timeout),
            others=_others(random),
        )


def _configuration(random: Random, *, rolling: bool, least: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if random.random() < 0.3:
        kind = random.choice(["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"])
        made["deploymentCircuitBreaker"] = {
            "enable": random.random() < 0.5,
            "rollback": random.random() < 0.7,
            "resetOnHealthyTask": random.random() < 0.7,
            "thresholdConfiguration": {"type": kind, "value": random.choice([1, 2, 5, 50, 100])},
        }
    if rolling and random.random() < 0.2:
        made["earlySuccessCriteria"] = {
            "enable": True,
            "healthyPercent": max(least, random.choice([50, 100])),
            "sourceServiceRevisionCleanup": random.choice(["BLOCKING", "DEFERRED"]),
        }
    return made


def _options(random: Random, *, staged: bool, timeout: float | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if random.random() < 0.5:
        options["stable_for"] = random.choice([0.0, 20.0, 60.0, 120.0, 300.0])
    if staged and random.random() < 0.3:
        options["pause_timeout"] = random.choice([10.0, 100.0, 1000.0])
    if timeout is not None and random.random() < 0.3:
        options["timeout"] = 3000.0  # longer, and crash loops make thousands of tasks
    return options


def _others(random: Random) -> list[tuple[float, Sequence[Any]]]:
    found: list[tuple[float, Sequence[Any]]] = []
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        acts: list[Sequence[Any]] = [["stop task"], ["rebalance"], ["scale", random.choice([1, 2, 5])]]
        what = random.choice(acts)
        found.append((random.uniform(0, 400) + random.random() / 1000, what))
    return found
