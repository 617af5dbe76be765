"""When a deployment is stalled: by evidence, never by quiet, and not where a circuit breaker can end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs, Went, then
from support.simulated_ecs import nothing

from ecskit._deployments.evidence import threshold
from ecskit.errors import DeploymentFailed, DeploymentStalled
from ecskit.models.services import (
    CanaryConfiguration,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    LinearConfiguration,
    ThresholdConfiguration,
)
from ecskit.testing import Fault, Simulator, TaskScript

from .support import BARE_BREAKER, BREAKER, both, create, in_turn

Prepare = Callable[[Simulator], object]
STEADY = TaskScript.healthy()
FAILS = TaskScript.fails_to_pull("manifest unknown")
SLOW = attrs.evolve(STEADY, time_to_start=1500)
LATE = attrs.evolve(STEADY, time_to_start=400)
REMEDIES = {"on_failure": "rollback", "on_timeout": "rollback"}


def deploys(**options: Any) -> Act:
    return lambda ecs: ecs.services.deploy("web", task_definition="next", **{"timeout": 7200, **options})


def first(configuration: Any, **options: Any) -> Act:
    """Return the act that creates the service web, and follows its first deployment."""

    def act(ecs: Ecs) -> Any:
        create(ecs.sim, wait=0, taskDefinition="next", deploymentConfiguration=configuration)
        return then(
            ecs.services.describe("web"),
            lambda services: then(
                ecs.services.deployment(services[0]), lambda handle: handle.wait(**{"timeout": 7200, **options})
            ),
        )

    return act


def scripted(*scripts: TaskScript) -> Prepare:
    return lambda sim: sim.script("next", scripts)


def refused(sim: Simulator) -> None:
    for operation in ("ListServiceDeployments", "DescribeServiceDeployments"):
        sim.fail(operation, Fault.access_denied(), times=None)


def breaker(
    *,
    enable: bool = False,
    rollback: bool = False,
    threshold: tuple[str, int] | None = None,
    resets: bool | None = None,
) -> dict[str, Any]:
    text: dict[str, Any] = {"enable": enable, "rollback": rollback}
    if threshold:
        text["thresholdConfiguration"] = {"type": threshold[0], "value": threshold[1]}
    if resets is not None:
        text["resetOnHealthyTask"] = resets
    return {"deploymentCircuitBreaker": text}


BREAKERS = {"no breaker": None, "breaker": BREAKER, "breaker without rollback": BARE_BREAKER}


# Slow starts.


@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])
@pytest.mark.parametrize("scripts", [[LATE], [STEADY, STEADY, LATE, STEADY]])
def test_slow_tasks_under_each_strategy(scripts: Sequence[TaskScript], strategy: Any) -> None:
    """All tasks are slow, or one of four: it is deployed."""
    configuration = DeploymentConfiguration(
        strategy=strategy,
        linear_configuration=LinearConfiguration(step_percent=50, step_bake_time_in_minutes=0)
        if strategy == "LINEAR"
        else None,
        canary_configuration=CanaryConfiguration(canary_percent=50, canary_bake_time_in_minutes=0)
        if strategy == "CANARY"
        else None,
    )
    went = both(
        deploys(deployment_configuration=configuration, stable_for=15, **REMEDIES),
        prepare=scripted(*scripts),
        service={"desiredCount": 4, "deploymentConfiguration": None},
    )
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability)
    assert 1 == len(went.requests("UpdateService"))


@pytest.mark.parametrize("reads", [nothing, refused])
@pytest.mark.parametrize("breaker", BREAKERS)
def test_a_first_deployment_whose_tasks_are_slow(breaker: str, reads: Prepare) -> None:
    """It has nothing to go back to, and succeeds."""
    went = both(
        first(BREAKERS[breaker], **REMEDIES),
        prepare=in_turn(scripted(SLOW), reads),
        service=None,
    )
    assert went.verdict in ("SUCCESSFUL", "COMPLETED"), repr(went.error)


def test_quiet_ends_nothing() -> None:
    """Tasks that never get to run are waited for until time is up; the message has the counts."""
    never = attrs.evolve(STEADY, time_to_start=10**6)
    went = both(deploys(timeout=1500), prepare=scripted(never), service={"deploymentConfiguration": None})
    assert ("WaitTimeout", 1500.0) == (went.verdict, went.elapsed)
    assert "0 of 2 tasks running, 2 pending" in str(went.error)


# Thresholds.

THRESHOLDS = [
    (8, None, 4),
    (1, None, 3),
    (8, ("COUNT", 1), 1),
    (8, ("COUNT", 2), 2),
    (8, ("COUNT", 7), 7),
    (8, ("BOUNDED_PERCENT", 10), 3),
    (8, ("BOUNDED_PERCENT", 80), 7),
    (8, ("UNBOUNDED_PERCENT", 10), 1),
    (8, ("UNBOUNDED_PERCENT", 100), 8),
]
BY_NUMBERS = [
    *THRESHOLDS,
    (0, None, 3),
    (7, None, 4),
    (400, None, 200),
    (500, None, 200),
    (500, ("COUNT", 450), 450),
    (500, ("BOUNDED_PERCENT", 50), 200),
    (500, ("UNBOUNDED_PERCENT", 50), 250),
    (10, ("UNBOUNDED_PERCENT", 1), 1),
    (0, ("UNBOUNDED_PERCENT", 50), 1),
    (3, ("UNBOUNDED_PERCENT", 50), 2),
]


@pytest.mark.parametrize(("desired", "configured", "expected"), BY_NUMBERS)
def test_thresholds(desired: int, configured: tuple[Any, int] | None, expected: int) -> None:
    """COUNT, BOUNDED_PERCENT between 3 and 200, UNBOUNDED_PERCENT; half of the desired count, bounded, without."""
    breaker = DeploymentCircuitBreaker(
        enable=False,
        rollback=False,
        threshold_configuration=ThresholdConfiguration(type=configured[0], value=configured[1]) if configured else None,
    )
    assert expected == threshold(breaker, desired)


def failing(
    count: int, *, desired: int = 8, configuration: Any = None, prepare: Prepare = nothing, **options: Any
) -> Went:
    """Deploy tasks of which some fail at first, and the others take a while."""
    slow = attrs.evolve(STEADY, time_to_start=200)
    return both(
        deploys(**options),
        prepare=in_turn(scripted(*[FAILS] * count, slow), prepare),
        service={"desiredCount": desired, "deploymentConfiguration": configuration},
    )


@pytest.mark.parametrize("reads", [nothing, refused])
@pytest.mark.parametrize(("desired", "configured", "most"), THRESHOLDS)
def test_failures_up_to_a_threshold(
    desired: int, configured: tuple[str, int] | None, most: int, reads: Prepare
) -> None:
    """As many failed tasks as the threshold are a stall, one less is none; a breaker that is off still has one."""
    configuration = breaker(threshold=configured) if configured else None
    went = failing(most, desired=desired, configuration=configuration, prepare=reads)
    text = f"stalled: {most} task{'s' if most > 1 else ''} failed, and no circuit breaker ends it"
    assert text in str(went.raised(DeploymentStalled))
    fewer = failing(most - 1, desired=desired, configuration=configuration, prepare=reads)
    assert fewer.verdict in ("SUCCESSFUL", "COMPLETED"), repr(fewer.error)


@pytest.mark.parametrize("configured", [None, ("COUNT", 2), ("COUNT", 8)])
@pytest.mark.parametrize("most", [1, 5])
def test_max_failed_tasks_replaces_the_threshold(most: int, configured: tuple[str, int] | None) -> None:
    """Whatever is configured."""
    configuration = breaker(threshold=configured) if configured else None
    assert "DeploymentStalled" == failing(most, configuration=configuration, max_failed_tasks=most).verdict
    assert "SUCCESSFUL" == failing(most - 1, configuration=configuration, max_failed_tasks=most).verdict


# A healthy task.


def in_two_waves(*, resets: bool | None) -> Went:
    """Deploy ten tasks: three fail, five run, then three more fail."""
    wave = [FAILS] * 3
    quick, slow = attrs.evolve(STEADY, time_to_start=40), attrs.evolve(STEADY, time_to_start=300)
    late = attrs.evolve(FAILS, time_to_start=60)
    return both(
        deploys(),
        prepare=scripted(*wave, *[quick] * 5, slow, slow, *[late] * 3, slow),
        service={"desiredCount": 10, "deploymentConfiguration": breaker(resets=resets)},
    )


@pytest.mark.parametrize("resets", [None, True])
def test_a_healthy_task_resets_the_count(resets: bool | None) -> None:  # noqa: FBT001  # a parameter of a test
    """Three failures, tasks that run, three failures: never five in a row."""
    went = in_two_waves(resets=resets)
    assert "SUCCESSFUL" == went.verdict, repr(went.error)


def test_a_healthy_task_that_resets_nothing() -> None:
    """With resetOnHealthyTask off, three failures and three more are six."""
    error = in_two_waves(resets=False).raised(DeploymentStalled)
    assert "6 tasks failed, and no circuit breaker ends it" in str(error)


# A circuit breaker that can end it.


@pytest.mark.parametrize("reads", [nothing, refused])
@pytest.mark.parametrize(("rollback", "verdict"), [(True, "DeploymentRolledBack"), (False, "DeploymentFailed")])
def test_the_verdict_of_a_breaker_is_awaited(rollback: bool, verdict: str, reads: Prepare) -> None:  # noqa: FBT001  # the same
    """With a high threshold and a low max_failed_tasks, the breaker ends it, not the evidence."""
    configuration = breaker(enable=True, rollback=rollback, threshold=("COUNT", 8))
    went = failing(8, configuration=configuration, prepare=reads, max_failed_tasks=1)
    assert verdict == went.verdict, repr(went.error)
    assert "circuit breaker" in str(went.error)
    fewer = failing(7, configuration=configuration, prepare=reads, max_failed_tasks=1)
    assert fewer.verdict in ("SUCCESSFUL", "COMPLETED"), repr(fewer.error)


@pytest.mark.parametrize("reads", [nothing, refused])
def test_a_first_deployment_with_a_breaker_that_rolls_back(reads: Prepare) -> None:
    """There is nothing to go back to, so that the breaker cannot end it: it is stalled."""
    went = both(
        first(BREAKER, **REMEDIES),
        prepare=in_turn(scripted(FAILS), reads),
        service=None,
    )
    error = went.raised(DeploymentStalled)
    assert "no circuit breaker ends it: " in str(error)
    assert "CannotPullContainerError: manifest unknown" in str(error)
    assert [] == went.requests("UpdateService")


@pytest.mark.parametrize("reads", [nothing, refused])
def test_a_first_deployment_with_a_breaker_that_does_not_roll_back(reads: Prepare) -> None:
    """The breaker ends it: it has failed."""
    went = both(
        first(BARE_BREAKER),
        prepare=in_turn(scripted(FAILS), reads),
        service=None,
    )
    assert "DeploymentFailed" == went.verdict, repr(went.error)


@pytest.mark.parametrize("on_failure", ["leave", "rollback"])
@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_a_breaker_of_another_strategy(strategy: str, on_failure: str) -> None:
    """Circuit breakers are for rolling deployments: with another strategy the evidence ends it."""
    went = both(deploys(strategy=strategy, on_failure=on_failure), prepare=scripted(FAILS), service={"desiredCount": 4})
    assert isinstance(went.error, DeploymentFailed)
    if on_failure == "leave":
        assert ("DeploymentStalled", "next:1") == (went.verdict, went.runs)
    else:
        assert ("DeploymentRolledBack", "web:1") == (went.verdict, went.runs)
        assert isinstance(went.error.__cause__, DeploymentStalled)
    assert "CannotPullContainerError: manifest unknown" in str(went.error)
