"""No verdict depends on how ECS counts: slow starts, crash loops and images that cannot be pulled, however counted.

`both` performs each act under the three policies of counting and compares verdicts, messages and operations. Here the
services are of many kinds, and the counts are behind the tasks as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Act, Wire
from support.simulated_ecs import nothing

from ecskit.testing import Fault, Lag, Simulator, TaskScript

from .support import BARE_BREAKER, BREAKER, both, in_turn

SERVICES: dict[str, Wire] = {
    "rolling": {},
    "with a breaker": BREAKER,
    "with a breaker that does not roll back": BARE_BREAKER,
    "by halves": {"minimumHealthyPercent": 50, "maximumPercent": 150},
    "all at a time": {"minimumHealthyPercent": 0, "maximumPercent": 100},
    "blue/green": {"strategy": "BLUE_GREEN"},
    "linear": {"strategy": "LINEAR"},
    "canary": {"strategy": "CANARY"},
    "early": {
        "minimumHealthyPercent": 50,
        "earlySuccessCriteria": {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"},
    },
}
LAGS = {"": Lag(), "counts behind": Lag(counts_behind=60), "scaled later": Lag(deployments_scale_after=20)}
READS = ("ListServiceDeployments", "DescribeServiceDeployments")


def deploys(family: str, **options: Any) -> Act:
    return lambda ecs: ecs.services.deploy("web", task_definition=family, timeout=7200, **options)


def scripted(script: TaskScript) -> Callable[[Simulator], object]:
    """Return what lets tasks of the family next behave like that."""
    return lambda sim: sim.script("next", script)


def refused(sim: Simulator) -> None:
    """Refuse to read service deployments."""
    for operation in READS:
        sim.fail(operation, Fault.access_denied(), times=None)


@pytest.mark.parametrize("reads", [nothing, refused])
@pytest.mark.parametrize("service", SERVICES)
def test_slow_starts_are_deployed(service: str, reads: Callable[[Simulator], object]) -> None:
    """Tasks that are pending for 25 minutes are movement: the deployment is stable in the end, and not rolled back."""
    options: Wire = {"on_failure": "rollback", "on_timeout": "rollback"}
    if reads is nothing:
        options["until"] = "stable"
    prepare = in_turn(scripted(TaskScript(time_to_start=1500)), reads)
    went = both(deploys("next", **options), prepare=prepare, service={"deploymentConfiguration": SERVICES[service]})
    assert went.verdict in ("SUCCESSFUL", "COMPLETED"), repr(went.error)
    assert ("next:1", True) == (went.runs, went.elapsed >= 1500)
    assert (1, 0) == (len(went.requests("UpdateService")), len(went.requests("StopServiceDeployment")))


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_good_deployment(service: str, lag: str) -> None:
    """It succeeds under each policy, also with counts that are behind."""
    went = both(deploys("next"), lag=LAGS[lag], service={"deploymentConfiguration": SERVICES[service]})
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs), repr(went.error)


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("service", [name for name in SERVICES if name != "linear"])
def test_a_bad_deployment(service: str, lag: str) -> None:
    """It fails under each policy, and is rolled back when asked for; going back LINEAR takes longer than is waited."""
    act = deploys("bad", on_failure="rollback")
    went = both(act, lag=LAGS[lag], service={"deploymentConfiguration": SERVICES[service]})
    assert ("DeploymentRolledBack", "web:1") == (went.verdict, went.runs), repr(went.error)


@pytest.mark.parametrize("until", ["deployed", "stable"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_crash_loop(service: str, until: str) -> None:
    """The verdict is the same under each policy."""
    prepare = scripted(TaskScript.exits(1, after=5))
    went = both(deploys("next", until=until), prepare=prepare, service={"deploymentConfiguration": SERVICES[service]})
    assert 1 == went.operations.count("UpdateService")


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("seconds", [20, 1500])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_scaling(count: int, seconds: int, lag: str) -> None:
    """It ends when as many tasks run, however late the deployment shows the new count."""

    def act(ecs: Any) -> Any:
        return ecs.services.scale("web", desired_count=count, timeout=7200)

    went = both(act, prepare=lambda sim: sim.script("web", TaskScript(time_to_start=seconds)), lag=LAGS[lag])
    assert (None, count) == (went.error, went.sim.services("web")[0].running_count)
