"""Deployments that are successful before all of their tasks run: `earlySuccessCriteria`."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Act
from support.simulated_ecs import nothing

from ecskit.errors import DeploymentUnstable
from ecskit.testing import Fault, Simulator, TaskScript

from .support import both, in_turn

QUICK = TaskScript.healthy()
SLOW = attrs.evolve(QUICK, time_to_start=100)
REMEDIES = {"on_failure": "rollback", "on_timeout": "rollback"}


def refused(sim: Simulator) -> None:
    for operation in ("ListServiceDeployments", "DescribeServiceDeployments"):
        sim.fail(operation, Fault.access_denied(), times=None)


def early(percent: int, cleanup: str, **more: Any) -> dict[str, Any]:
    criteria = {"enable": True, "healthyPercent": percent, "sourceServiceRevisionCleanup": cleanup}
    return {"earlySuccessCriteria": criteria, "minimumHealthyPercent": 50, **more}


def deploys(**options: Any) -> Act:
    return lambda ecs: ecs.services.deploy("web", task_definition="next", **{"timeout": 1200, **REMEDIES, **options})


def tasks(*scripts: TaskScript) -> Any:
    return lambda sim: sim.script("next", scripts)


CLEANUPS = ["BLOCKING", "DEFERRED"]


@pytest.mark.parametrize("reads", [nothing, refused])
@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_deployed_at_the_criteria(cleanup: str, reads: Any) -> None:
    """Two of four tasks are enough: it is deployed long before the other two run."""
    went = both(
        deploys(),
        prepare=in_turn(tasks(QUICK, QUICK, SLOW), reads),
        service={"desiredCount": 4, "deploymentConfiguration": early(50, cleanup)},
    )
    assert went.verdict in ("SUCCESSFUL", "COMPLETED"), repr(went.error)
    assert went.elapsed < 60
    assert 1 == len(went.requests("UpdateService"))


@pytest.mark.parametrize("reads", [nothing, refused])
@pytest.mark.parametrize("options", [{"until": "stable"}, {"until": "stable", "stable_for": 20}])
@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_stable_when_all_run(cleanup: str, options: dict[str, Any], reads: Any) -> None:
    """until="stable" waits for the other two, and until nothing of the earlier deployment is left."""
    went = both(
        deploys(**options),
        prepare=in_turn(tasks(QUICK, QUICK, SLOW), reads),
        service={"desiredCount": 4, "deploymentConfiguration": early(50, cleanup)},
    )
    assert went.verdict in ("SUCCESSFUL", "COMPLETED"), repr(went.error)
    assert (4, 1) == (went.result.service.running_count, len(went.result.service.deployments))
    assert 100 <= went.elapsed <= 180
    assert "stable" == went.result.stability


@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_criteria_that_are_not_met(cleanup: str) -> None:
    """With 75 percent of four tasks, two are not enough, and quiet meanwhile is no stall."""
    went = both(
        deploys(),
        prepare=tasks(QUICK, QUICK, SLOW),
        service={"desiredCount": 4, "deploymentConfiguration": early(75, cleanup)},
    )
    assert ("SUCCESSFUL", True) == (went.verdict, went.elapsed >= 100)


@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_the_rest_that_crashes(cleanup: str) -> None:
    """Deployed at the criteria; with stable_for, the other tasks that crash are found, and end it."""
    configuration = early(50, cleanup)
    scripts = tasks(QUICK, QUICK, TaskScript.exits(1, after=10))
    service = {"desiredCount": 4, "deploymentConfiguration": configuration}
    plain = both(deploys(), prepare=scripts, service=service)
    assert "SUCCESSFUL" == plain.verdict
    went = both(deploys(stable_for=120, on_failure="leave"), prepare=scripts, service=service)
    error = went.raised(DeploymentUnstable)
    assert "container app exited with 1 (" in str(error)


@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_the_rest_that_is_slow_is_observed(cleanup: str) -> None:
    """Tasks that start for a while are lacking: the quiet stretch begins when they run."""
    slow = attrs.evolve(QUICK, time_to_start=60)
    went = both(
        deploys(stable_for=60),
        prepare=tasks(QUICK, QUICK, slow),
        service={"desiredCount": 4, "deploymentConfiguration": early(50, cleanup)},
    )
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability), repr(went.error)
    assert 120 <= went.elapsed <= 145


@pytest.mark.parametrize(("timeout", "verdict"), [(1200, "SUCCESSFUL"), (80, "WaitTimeout"), (30, "WaitTimeout")])
@pytest.mark.parametrize("cleanup", CLEANUPS)
def test_the_rest_that_takes_longer_than_the_observation(cleanup: str, timeout: float, verdict: str) -> None:
    """Nothing counts against tasks that start: they have until time is up, and nothing good is rolled back."""
    went = both(
        deploys(stable_for=20, timeout=timeout),
        prepare=tasks(QUICK, QUICK, SLOW),
        service={"desiredCount": 4, "deploymentConfiguration": early(50, cleanup)},
    )
    assert (verdict, "next:1") == (went.verdict, went.runs), repr(went.error)
    assert 1 == len(went.requests("UpdateService"))
    assert went.error is None or "2 of 4 tasks running, 2 pending" in str(went.error)


@pytest.mark.parametrize("percent", [50, 100])
def test_failures_before_the_criteria(percent: int) -> None:
    """Without a breaker the threshold ends it as ever."""
    went = both(
        deploys(on_failure="leave"),
        prepare=tasks(TaskScript.fails_to_pull("manifest unknown")),
        service={"desiredCount": 4, "deploymentConfiguration": early(percent, "BLOCKING")},
    )
    assert "DeploymentStalled" == went.verdict
