"""The waits for services against the simulator: deployments that succeed, fail, are rolled back or replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, get_args

import attrs
import pytest
from support.both_clients import Ecs, Ended, aend_of, end_of

from ecskit._core.structuring import structure_hook
from ecskit.errors import EcsError, ServiceGone, WaitFailed, WaitTimeout
from ecskit.models import CreateServiceResponse, DeleteServiceResponse, Service, UpdateServiceResponse
from ecskit.testing import Counting, Fault, Lag, Simulator, TaskScript
from ecskit.waits import WaitStory

from .other_support import Wire

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
FARGATE: Wire = {"launchType": "FARGATE", "networkConfiguration": NETWORK}
_, *OTHERS = get_args(Counting)
LAGS = [Lag(), Lag(visible_after=3, stale_by=8), Lag(stale_by=25, stale_share=0.8)]
BREAKS: Wire = {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}}
STAYS: Wire = {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}}


def shop(**options: Any) -> Simulator:
    """Return a simulator with the families web, next and bad, of which the last cannot be pulled."""
    sim = Simulator(**options)
    for family in ("web", "next", "bad"):
        container = {"name": "app", "image": "image:1"}
        sizes = {"cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}
        sim.handle("RegisterTaskDefinition", {"family": family, "containerDefinitions": [container], **sizes})
    sim.script("bad", TaskScript.fails_to_pull())
    return sim


def create(sim: Simulator, **members: Any) -> CreateServiceResponse:
    """Create the service web."""
    request = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 2, **FARGATE, **members}
    answer = sim.handle("CreateService", request)
    response: CreateServiceResponse = structure_hook(CreateServiceResponse)(answer, CreateServiceResponse)
    return response


def update(sim: Simulator, **members: Any) -> UpdateServiceResponse:
    """Update the service web."""
    answer = sim.handle("UpdateService", {"service": "web", **members})
    response: UpdateServiceResponse = structure_hook(UpdateServiceResponse)(answer, UpdateServiceResponse)
    return response


def existing(sim: Simulator, **members: Any) -> None:
    """Create the service web, and let it become steady."""
    create(sim, **members)
    sim.clock.advance(100)


@attrs.frozen
class Went:
    """How a wait went on the simulator."""

    sim: Simulator
    result: list[Service] | None
    error: EcsError | None

    @classmethod
    def of(cls, sim: Simulator, ended: Ended) -> Went:
        assert ended.error is None or isinstance(ended.error, EcsError)
        return cls(sim, ended.result, ended.error)

    @property
    def verdict(self) -> str:
        """The name of the error, or ok."""
        return type(self.error).__name__ if self.error else "ok"

    @property
    def judged(self) -> Any:
        """The verdict and the times of requests."""
        return self.verdict, str(self.error), [(call.time, call.operation) for call in self.sim.calls]


Scene = Callable[[Simulator], Any]


def both(wait: str, scene: Scene, after: Callable[[Simulator], object] | None = None, **options: Any) -> Went:
    """Set up the scene in two simulators, wait under both drivers, and check that the results are the same.

    The sync colour waits under each other policy of counting, too, and has to come to the same verdict.

    Args:
        wait: The wait.
        scene: What is done before, and returns what to wait for.
        after: What is done after the third look.
        options: Arguments of the simulators.
    """

    def act(sim: Simulator) -> Callable[[Any], Any]:
        thing = scene(sim)

        def on_poll(story: WaitStory) -> None:
            if after is not None and story.polls == 3:
                after(sim)

        return lambda ecs: getattr(ecs.wait, wait)(thing, on_poll=on_poll, timeout=900.0)

    def run(sim: Simulator) -> Went:
        return Went.of(sim, end_of(act(sim), Ecs.sync(sim), EcsError))

    async def arun(sim: Simulator) -> Went:
        return Went.of(sim, await aend_of(act(sim), Ecs.aio(sim), EcsError))

    went, other = run(shop(**options)), asyncio.run(arun(shop(**options)))
    assert (went.result, went.judged) == (other.result, other.judged)
    for counting in OTHERS:
        assert went.judged == run(shop(counting=counting, **options)).judged
    return went


def running(went: Went) -> list[str]:
    """Return the families that the tasks of the service run."""
    return sorted({task.family for task in went.sim.tasks() if task.last_status == "RUNNING"})


def new(sim: Simulator) -> CreateServiceResponse:
    return create(sim)


def deployed(sim: Simulator) -> UpdateServiceResponse:
    existing(sim)
    return update(sim, taskDefinition="next")


def forced(sim: Simulator) -> UpdateServiceResponse:
    existing(sim)
    return update(sim, forceNewDeployment=True)


def scaled(sim: Simulator) -> UpdateServiceResponse:
    existing(sim)
    return update(sim, desiredCount=4)


def shrunk(sim: Simulator) -> UpdateServiceResponse:
    existing(sim)
    return update(sim, desiredCount=0)


def blue_green(sim: Simulator) -> UpdateServiceResponse:
    existing(sim, deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1})
    return update(sim, taskDefinition="next")


GOOD: dict[str, tuple[Scene, int, list[str]]] = {
    "new": (new, 2, ["web"]),
    "deployed": (deployed, 2, ["next"]),
    "forced": (forced, 2, ["web"]),
    "scaled": (scaled, 4, ["web"]),
    "shrunk": (shrunk, 0, []),
    "blue/green": (blue_green, 2, ["next"]),
}


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize(("scene", "count", "families"), GOOD.values(), ids=GOOD)
def test_a_deployment_that_succeeds(scene: Scene, count: int, families: list[str], lag: Lag) -> None:
    """The wait succeeds only when the desired tasks of the new revision run, however far reads lag."""
    went = both("services_stable", scene, lag=lag)
    assert went.verdict == "ok", went.error
    assert went.result is not None
    [service] = went.result
    assert (service.running_count, service.desired_count, len(service.deployments)) == (count, count, 1)
    assert running(went) == families
    assert went.sim.services("web")[0].rollout_state == "COMPLETED"


def breaking(sim: Simulator) -> UpdateServiceResponse:
    existing(sim, **BREAKS)
    return update(sim, taskDefinition="bad")


def breaking_by_name(sim: Simulator) -> str:
    breaking(sim)
    sim.clock.advance(26)  # the new deployment is visible and in progress
    return "web"


def failing(sim: Simulator) -> UpdateServiceResponse:
    existing(sim, **STAYS)
    return update(sim, taskDefinition="bad")


def stopped(sim: Simulator) -> UpdateServiceResponse:
    existing(sim)
    answer = update(sim, taskDefinition="bad")
    sim.clock.advance(5)
    sim.handle("StopServiceDeployment", {"serviceDeploymentArn": sim.deployments("web")[-1].arn})
    return answer


BAD: dict[str, tuple[Scene, str]] = {
    "circuit breaker": (breaking, r"went back from deployment ecs-svc/\d+ to ecs-svc/\d+ \(.*tasks failed to start"),
    "circuit breaker, by name": (breaking_by_name, "went back from deployment ecs-svc/"),
    "without rollback": (failing, "failed to deploy ecs-svc/.*tasks failed to start"),
    "stopped by another process": (stopped, "went back from deployment ecs-svc/"),
}


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("scene", "why"), BAD.values(), ids=BAD)
def test_a_deployment_that_is_rolled_back(scene: Scene, why: str, lag: Lag, seed: int) -> None:
    """A rollback fails the wait, although the service is stable again."""
    went = both("services_stable", scene, lag=lag, seed=seed)
    assert went.verdict == "WaitFailed", went.error
    with pytest.raises(WaitFailed, match=why):
        raise went.error or AssertionError


def test_a_first_deployment_that_never_succeeds() -> None:
    """Without a revision to roll back to, the wait times out with the reason."""
    went = both("services_stable", lambda sim: create(sim, taskDefinition="bad", **BREAKS))
    assert isinstance(went.error, WaitTimeout)
    assert "4 tasks failed; 0 of 2 tasks running, 0 pending" in str(went.error)


@pytest.mark.parametrize("lag", LAGS)
def test_a_newer_deployment_is_followed(lag: Lag) -> None:
    """The wait follows a newer deployment, even if the first one would have failed."""

    def scene(sim: Simulator) -> UpdateServiceResponse:
        existing(sim)
        return update(sim, taskDefinition="bad")

    went = both("services_stable", scene, lambda sim: update(sim, taskDefinition="next"), lag=lag)
    assert (went.verdict, running(went)) == ("ok", ["next"]), went.error


@pytest.mark.parametrize("lag", LAGS)
def test_a_service_that_is_deleted_during_the_wait(lag: Lag) -> None:
    """S29: a deleted service is ServiceGone."""

    def delete(sim: Simulator) -> None:
        sim.handle("DeleteService", {"service": "web", "force": True})

    went = both("services_stable", deployed, delete, lag=lag)
    assert isinstance(went.error, ServiceGone)


@pytest.mark.parametrize("lag", LAGS)
def test_a_deleted_service_becomes_inactive(lag: Lag) -> None:
    """A new service of the same name becomes stable, even if reads still show the old one."""

    def deleted(sim: Simulator) -> DeleteServiceResponse:
        existing(sim)
        answer = sim.handle("DeleteService", {"service": "web", "force": True})
        response: DeleteServiceResponse = structure_hook(DeleteServiceResponse)(answer, DeleteServiceResponse)
        return response

    went = both("services_inactive", deleted, lag=lag)
    assert went.result is not None
    assert [service.status for service in went.result] == ["INACTIVE"]
    assert running(went) == []

    def successor(sim: Simulator) -> CreateServiceResponse:
        deleted(sim)
        sim.clock.advance(60)
        return create(sim)

    went = both("services_stable", successor, lag=lag)
    assert (went.verdict, running(went)) == ("ok", ["web"]), went.error


def test_a_service_of_an_external_controller() -> None:
    """A service with an external controller needs a PRIMARY task set in STEADY_STATE."""

    def scene(sim: Simulator) -> str:
        request = {"serviceName": "web", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}}
        sim.handle("CreateService", request)
        task_set = sim.handle("CreateTaskSet", {**SET, "taskDefinition": "web", "scale": FULL, **FARGATE})["taskSet"]
        sim.handle("UpdateServicePrimaryTaskSet", {**SET, "primaryTaskSet": task_set["id"]})
        return "web"

    went = both("services_stable", scene)
    assert (went.verdict, running(went)) == ("ok", ["web"]), went.error


SET = {"cluster": "default", "service": "web"}
FULL = {"value": 100, "unit": "PERCENT"}


def test_a_service_of_code_deploy() -> None:
    """S28: CodeDeploy is detected with one poll by name, and without a request from a response."""

    def scene(sim: Simulator) -> Any:
        return create(sim, deploymentController={"type": "CODE_DEPLOY"})

    def by_name(sim: Simulator) -> list[str]:
        create(sim)
        create(sim, deploymentController={"type": "CODE_DEPLOY"}, serviceName="other")
        return ["web", "other"]

    for given, looks in ((scene, 0), (by_name, 1)):
        went = both("services_stable", given)
        assert went.verdict == "UnsupportedController"
        assert [call.operation for call in went.sim.calls].count("DescribeServices") == looks


def test_reads_that_fail_are_no_observation() -> None:
    """Throttled and reset requests do not change the verdict."""

    def scene(sim: Simulator) -> UpdateServiceResponse:
        answer = breaking(sim)
        for fault in (Fault.throttled(), Fault.reset(), Fault.server_error()):
            sim.fail("DescribeServices", fault, times=2)
        return answer

    assert both("services_stable", scene).verdict == "WaitFailed"
