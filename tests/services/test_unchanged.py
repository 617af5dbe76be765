"""Changes that change nothing: `progress.changed`, and the status of the deployment that runs."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs, Went, then
from support.simulated_ecs import nothing

from ecskit.errors import DeploymentUnstable
from ecskit.models.services import DeploymentConfiguration
from ecskit.services import DeploymentProgress, StartedDeployment
from ecskit.testing import Fault, Simulator, TaskScript

from . import acting
from .acting import deploys as deploys_scripted
from .scripted import World
from .stories import story
from .support import BREAKER, both, create, in_turn, register, update

REMEDIES = {"on_failure": "rollback", "on_timeout": "rollback"}


def deploys(**change: Any) -> Act:
    return lambda ecs: ecs.services.deploy("web", **change)


def refused(sim: Simulator) -> None:
    for operation in ("ListServiceDeployments", "DescribeServiceDeployments"):
        sim.fail(operation, Fault.access_denied(), times=None)


def outcome(went: Went) -> tuple[bool, str]:
    progress = went.returned()
    return progress.changed, progress.status


NOTHING: dict[str, dict[str, Any]] = {
    "the same revision": {"task_definition": "web:1"},
    "the same family": {"task_definition": "web"},
    "the same image": {"images": {"app": "image:1"}},
    "the same count": {"desired_count": 2},
    "the same configuration": {"deployment_configuration": DeploymentConfiguration()},
    "the same of all": {"task_definition": "web:1", "desired_count": 2},
}


@pytest.mark.parametrize("prepare", [nothing, refused])
@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("options", [{}, {"until": "stable"}, REMEDIES])
def test_nothing_changes(name: str, options: dict[str, str], prepare: Any) -> None:
    """It is not changed, its status is that of what runs, and the service deployment is not looked for."""
    went = both(deploys(**NOTHING[name], **options), prepare=prepare)
    assert (False, "COMPLETED") == outcome(went)
    assert "web:1" == went.runs
    assert went.elapsed <= 15
    assert 1 == len(went.sim.deployments("web"))
    assert 0 == len(went.requests("ListServiceDeployments"))


@pytest.mark.parametrize("prepare", [nothing, refused])
@pytest.mark.parametrize("name", NOTHING)
def test_nothing_changes_and_tasks_stay_up(name: str, prepare: Any) -> None:
    """With stable_for, the tasks that run are observed all the same."""
    went = both(deploys(**NOTHING[name], stable_for=60, **REMEDIES), prepare=prepare)
    assert (False, "COMPLETED") == outcome(went)
    assert ("stable", True) == (went.result.stability, 60 <= went.elapsed <= 70)


@pytest.mark.parametrize("change", [{"task_definition": "web"}, {"desired_count": 4}, {"desired_count": 5}])
def test_a_second_attempt_at_a_crash_loop(change: dict[str, Any]) -> None:
    """What crashed before is not called good because it is deployed already; there is nothing to go back to."""

    def prepare(sim: Simulator) -> None:
        sim.script("web", TaskScript.exits(1, after=5))
        create(sim, taskDefinition="web", desiredCount=4)

    went = both(deploys(**change, stable_for=60, timeout=300, **REMEDIES), prepare=prepare, service=None)
    assert "container app exited with 1" in str(went.raised(DeploymentUnstable))
    assert 1 == len(went.requests("UpdateService"))


def test_scaling_with_tasks_that_stay_up() -> None:
    """The stretch begins when all tasks run."""
    went = both(deploys(desired_count=4, stable_for=60, **REMEDIES))
    assert (True, "COMPLETED") == outcome(went)
    assert ("stable", True) == (went.result.stability, 80 <= went.elapsed <= 95)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "another revision": ({"task_definition": "next"}, "SUCCESSFUL"),
    "another image": ({"images": {"app": "image:2"}}, "SUCCESSFUL"),
    "forced": ({"force": True}, "SUCCESSFUL"),
    "the same revision, forced": ({"task_definition": "web:1", "force": True}, "SUCCESSFUL"),
    "more tasks": ({"desired_count": 4}, "COMPLETED"),
    "less tasks": ({"desired_count": 1}, "COMPLETED"),
    "no tasks": ({"desired_count": 0}, "COMPLETED"),
    "the same revision, more tasks": ({"task_definition": "web:1", "desired_count": 4}, "COMPLETED"),
    "another configuration": (
        {"deployment_configuration": DeploymentConfiguration(maximum_percent=150, minimum_healthy_percent=50)},
        "COMPLETED",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_something_changes(name: str) -> None:
    """It is changed, also where that brings no deployment."""
    change, status = CHANGES[name]
    assert (True, status) == outcome(both(deploys(**change)))


@pytest.mark.parametrize("prepare", [nothing, refused])
@pytest.mark.parametrize("loss", ["before", "after"])
def test_an_answer_that_is_lost(loss: str, prepare: Any) -> None:
    """What was changed is known from reads then."""
    lost = in_turn(prepare, lambda sim: sim.fail("UpdateService", Fault.reset(after_effect=loss == "after")))
    changed, status = outcome(both(deploys(task_definition="next"), prepare=lost))
    assert (True, True) == (changed, status in ("SUCCESSFUL", "COMPLETED"))
    assert (True, "COMPLETED") == outcome(both(deploys(desired_count=3), prepare=lost))
    assert (False, "COMPLETED") == outcome(both(deploys(desired_count=2), prepare=lost))


def test_what_is_under_way_already() -> None:
    """The deployment of another process that does the same is followed to its end; this one changed nothing."""
    went = both(deploys(task_definition="next"), prepare=lambda sim: update(sim, wait=5, taskDefinition="next"))
    assert (False, "SUCCESSFUL") == outcome(went)
    assert 1 == len([each for each in went.sim.deployments("web") if each.status == "SUCCESSFUL"][1:])


def test_a_handle_of_nothing() -> None:
    """The handle shows it, and so does what another process makes of its text."""
    went = both(lambda ecs: ecs.services.start_deployment("web", task_definition="web:1"))
    started = went.returned().started
    assert isinstance(started, StartedDeployment)
    assert (False, False) == (started.changed, StartedDeployment.from_json(started.to_json()).changed)
    assert DeploymentProgress(started=started).changed is False


def test_a_handle_of_an_earlier_version_has_changed() -> None:
    """A text without the member is of something that changed."""
    text = StartedDeployment(service="web", deployment_id="ecs-svc/1").to_json().replace(', "changed": true', "")
    assert "changed" not in text
    assert StartedDeployment.from_json(text).changed


def test_events_of_nothing() -> None:
    """The stream shows the state and the counts once, and ends."""

    def act(ecs: Ecs) -> Any:
        if ecs.colour == "sync":
            return ecs.services.start_deployment("web", task_definition="web:1").events(timeout=60)

        async def events() -> Any:
            async for event in (await ecs.services.start_deployment("web", task_definition="web:1")).events(timeout=60):
                yield event

        return events()

    went = both(act)
    assert None is went.error
    shown = [(type(each).__name__, getattr(each, "status", "")) for each in went.items]
    assert [("StatusChanged", "COMPLETED"), ("CountsChanged", "")] == shown
    assert not any("ACTIVE" in str(each) for each in went.items)


def test_nothing_is_rolled_back_where_nothing_changed() -> None:
    """Tasks are lacking, and time is up: there is nothing to go back to, and nothing is sent."""

    def prepare(sim: Simulator) -> None:
        create(sim, taskDefinition="bad", deploymentConfiguration=None)

    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="bad:1", timeout=60, **REMEDIES),
        prepare=prepare,
        service=None,
    )
    assert went.error is not None
    assert (1, "bad:1") == (len(went.requests("UpdateService")), went.runs)


# Other services.


@pytest.mark.parametrize(("count", "changed"), [(2, False), (3, True)])
def test_external_services(count: int, changed: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001  # a parameter of a test
    """Their state is that of the task sets, never the service's ACTIVE."""

    def prepare(sim: Simulator) -> None:
        sim.handle(
            "CreateService", {"serviceName": "web", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}}
        )
        request = {
            "service": "web",
            "cluster": "default",
            "taskDefinition": "web",
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            "scale": {"value": 100, "unit": "PERCENT"},
        }
        created = sim.handle("CreateTaskSet", request)["taskSet"]
        primary = {"cluster": "default", "service": "web", "primaryTaskSet": created["taskSetArn"]}
        sim.handle("UpdateServicePrimaryTaskSet", primary)
        sim.clock.advance(100)

    def act(ecs: Ecs) -> Any:
        def waited(started: Any) -> Any:
            return started.wait(timeout=300)

        return then(ecs.services.start_deployment("web", desired_count=count), waited)

    with caplog.at_level("WARNING", "ecskit"):
        assert (changed, "STEADY_STATE") == outcome(both(act, prepare=prepare, service=None))
    assert [] == caplog.messages


CLASSIC = World(before="1=-", answer="1=-", update=story({0: "1=-"}).update)


@pytest.mark.parametrize("options", [{}, {"until": "stable"}])
def test_a_service_without_rollout_states(options: dict[str, Any]) -> None:
    """Behind a Classic Load Balancer, what runs as it is to run is COMPLETED."""
    went = acting.both(
        lambda ecs: ecs.services.deploy("web", cluster="prod", task_definition="web:1", **options), CLASSIC
    )
    assert ("COMPLETED", False) == (went.verdict, went.result.changed)


def test_a_service_without_rollout_states_that_lacks_tasks() -> None:
    """It is IN_PROGRESS until all tasks run, twice in a row."""
    world = World(before="1=-:1", answer="1=-:1", update=story({0: "1=-:1", 30: "1=-:2"}).update)
    shown: list[str] = []

    def on_poll(story: Any) -> None:
        [progress] = story.last.values()
        shown.append(progress.status)

    went = acting.both(
        lambda ecs: ecs.services.deploy("web", cluster="prod", task_definition="web:1", on_poll=on_poll), world
    )
    assert ("COMPLETED", True) == (went.verdict, went.elapsed >= 30)
    assert {"IN_PROGRESS", "COMPLETED"} == set(shown)


def test_a_change_of_a_service_without_rollout_states() -> None:
    """A new deployment is a change."""
    world = story({0: "2=-:0 1=-", 40: "2=-"}, {})
    went = acting.both(deploys_scripted(), attrs.evolve(world, answer="2=-:0 1=-"))
    assert went.error is None
    assert went.result.changed
    assert "ACTIVE" != went.result.status


@pytest.mark.parametrize("count", [2, 3])
def test_scaling_returns_the_service(count: int) -> None:
    """Also to the count that it has."""
    went = both(lambda ecs: ecs.services.scale("web", desired_count=count))
    assert (count, count) == (went.returned().desired_count, went.result.running_count)


def test_scaling_to_the_same_count_while_tasks_crash() -> None:
    """It waits for the tasks, and the timeout has the reason why they are lacking."""

    def prepare(sim: Simulator) -> None:
        register(sim, "web")
        sim.script("web", TaskScript.exits(3, after=1))
        create(sim, wait=100, taskDefinition="web", deploymentConfiguration=BREAKER)

    went = both(lambda ecs: ecs.services.scale("web", desired_count=2, timeout=300), prepare=prepare, service=None)
    assert "WaitTimeout" == went.verdict
    assert "of 2 tasks running" in str(went.error)
    assert "container app exited with 3" in str(went.error)
