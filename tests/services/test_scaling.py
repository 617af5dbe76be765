"""`services.scale` and `services.refresh`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support import simulated_ecs
from support.both_clients import Ecs
from support.definitions import NETWORK

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import EcsError, RequestError
from ecskit.testing import Fault, Lag, Simulator

from .support import both, create, daemon, in_turn, register, update


def scale(count: int, **options: Any) -> Any:
    return lambda ecs: ecs.services.scale("web", desired_count=count, **options)


@pytest.mark.parametrize("lag", [None, Lag(visible_after=4, stale_by=6)], ids=["", "lag"])
@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_scaling(count: int, lag: Lag | None) -> None:
    """It ends when the desired count runs, after one update with no other member."""
    went = both(scale(count), lag=lag)
    assert (count, count) == (went.returned().running_count, went.returned().desired_count)
    [request] = went.requests("UpdateService")
    assert {"service", "cluster", "desiredCount"} == set(request)
    assert 1 == len(went.sim.deployments("web"))


def test_until_requested() -> None:
    """Without waiting."""
    went = both(scale(6, until="requested"))
    assert (0, 6) == (went.elapsed, went.returned().desired_count)


def test_while_it_is_deployed() -> None:
    """The deployment goes on, with the new count, and is waited for."""
    went = both(scale(4), prepare=lambda sim: update(sim, wait=5, taskDefinition="next"))
    assert (None, "next:1", 4) == (went.error, went.runs, went.sim.services("web")[0].desired_count)
    assert "SUCCESSFUL" == went.sim.deployments("web")[-1].status


def test_while_something_fails_to_be_deployed() -> None:
    """The error is that of the deployment; the desired count is the requested one."""
    went = both(scale(3), prepare=lambda sim: update(sim, wait=5, taskDefinition="bad"))
    assert ("DeploymentRolledBack", 3) == (went.verdict, went.sim.services("web")[0].desired_count)
    assert isinstance(went.error, EcsError)
    assert went.error.story is not None


def test_daemon() -> None:
    """It has no desired count."""
    went = both(scale(3), prepare=daemon, service=None)
    assert "desired_count" in str(went.raised(RequestError))
    assert ["DescribeServices"] == went.operations


def _code_deploy(sim: Simulator) -> None:
    """Create the service web, whose deployments CodeDeploy controls, with two tasks in its PRIMARY task set."""
    register(sim, "web", portMappings=[{"containerPort": 80}])
    group = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1"
    balancer = {"targetGroupArn": group, "containerName": "app", "containerPort": 80}
    controller: dict[str, Any] = {"deploymentController": {"type": "CODE_DEPLOY"}, "deploymentConfiguration": None}
    create(sim, **controller, loadBalancers=[balancer])


def _external(sim: Simulator) -> None:
    """Create the service web with two tasks in a PRIMARY task set that another controller has created."""
    sim.handle("CreateService", {"serviceName": "web", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}})
    service = {"service": "web", "cluster": "default"}
    request = {
        **service,
        "taskDefinition": "web",
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
        "scale": {"value": 100, "unit": "PERCENT"},
    }
    task_set = sim.handle("CreateTaskSet", request)["taskSet"]
    sim.handle("UpdateServicePrimaryTaskSet", {**service, "primaryTaskSet": task_set["taskSetArn"]})
    sim.clock.advance(100)


@pytest.mark.parametrize("fault", [None, Fault.reset(after_effect=True)], ids=["", "lost"])
@pytest.mark.parametrize("prepare", [_code_deploy, _external])
def test_services_with_task_sets(prepare: Callable[[Simulator], None], fault: Fault | None) -> None:
    """ECS scales them, whatever controls their deployments; the wait ends when all task sets are steady."""
    steps = [prepare] if fault is None else [prepare, lambda sim: sim.fail("UpdateService", fault)]
    went = both(scale(5), prepare=in_turn(*steps), service=None)
    assert (5, 5) == (went.returned().running_count, went.returned().desired_count)
    assert ["STEADY_STATE"] == [each.stability_status for each in went.returned().task_sets]
    [request] = went.requests("UpdateService")
    assert {"service", "cluster", "desiredCount"} == set(request)
    assert went.elapsed > 0


def test_task_sets_whose_counts_are_behind_are_awaited() -> None:
    """ECS may show the new count of the service before it has computed the counts of the task sets."""

    def hooks() -> Mapping[str, Any]:
        left = [5]

        def answer(sim: Simulator, send: Send) -> RawResponse:
            answered = simulated_ecs.answer(sim, send)
            body = json.loads(answered.body)
            if any(call.operation == "UpdateService" for call in sim.calls) and left[0]:
                left[0] -= 1
                for task_set in body["services"][0]["taskSets"] if "services" in body else body["service"]["taskSets"]:
                    task_set.update(computedDesiredCount=2, runningCount=2, pendingCount=0)
                    task_set.update(stabilityStatus="STEADY_STATE")
            return RawResponse(json.dumps(body).encode(), {})

        return {"answer": answer}

    went = both(scale(5), prepare=_code_deploy, service=None, hooks=hooks)
    assert (5, 5) == (went.returned().running_count, went.returned().desired_count)


@pytest.mark.parametrize("until", ["settled", "requested"])
def test_a_code_deploy_service_whose_tasks_do_not_come(until: str) -> None:
    """The error names the task set and its counts."""
    went = both(scale(9, until=until, timeout=1), prepare=_code_deploy, service=None)
    if until == "requested":
        assert 9 == went.returned().desired_count
        return
    assert "WaitTimeout" == went.verdict
    assert re.search(r"task set ecs-svc/\d+ is STABILIZING, 2 of 9 tasks running, 7 pending", went.message)


def test_what_is_refused_for_code_deploy_names_what_works() -> None:
    """All but the desired count is changed through CodeDeploy."""
    went = both(lambda ecs: ecs.services.refresh("web"), prepare=_code_deploy, service=None)
    assert went.message == (
        "deployments of service web are controlled by CODE_DEPLOY: deploy and wait with the CodeDeploy API, scale with"
        " `ecs.services.scale`"
    )


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_lost_answer(*, after: bool) -> None:
    """The desired count is the requested one."""
    went = both(scale(5), prepare=lambda sim: sim.fail("UpdateService", Fault.reset(after_effect=after)))
    assert 5 == went.returned().running_count


def test_another_count_meanwhile() -> None:
    """Another process scales on: the requested count never runs, and the wait does not report that it does."""

    def act(ecs: Ecs) -> Any:
        return ecs.services.scale("web", desired_count=4, timeout=60, on_poll=lambda _: once(ecs))

    done: list[Any] = []

    def once(ecs: Ecs) -> None:
        if ecs not in done:
            done.append(ecs)
            update(ecs.sim, desiredCount=3)

    went = both(act)
    assert "WaitTimeout" == went.verdict
    assert "3" in str(went.error)


def test_refresh() -> None:
    """A forced deployment of the same."""
    went = both(lambda ecs: ecs.services.refresh("web"))
    [request] = went.requests("UpdateService")
    assert {"service", "cluster", "forceNewDeployment"} == set(request)
    assert ("SUCCESSFUL", "web:1", 2) == (went.verdict, went.runs, len(went.sim.deployments("web")))
