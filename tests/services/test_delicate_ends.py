"""Single conditions on which a verdict or a request hangs, and that no whole story shows: going on, and going back."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Ecs, then

from ecskit.testing import Simulator

from . import support
from .acting import both, deploys, is_ecs
from .delicate import NO_ROLLBACK, REFUSED, SUCCESS_AT_ONCE, by_arn
from .scripted import Script, World, definition, rollout_arn
from .stories import DEPLOYMENT_READS, story


def test_counting_while_a_service_is_rolled_back() -> None:
    """It waits for the tasks: the deployment that the service goes back to is over, and not looked for."""
    script = Script(service={0: "1=I:1back 2=F:0f3 d4", 30: "1=C:4back d4"})
    world = World(before="1=I:1back 2=F:0f3", answer="1=I:1back 2=F:0f3 d4", update=script)
    went = both(lambda ecs: ecs.services.deploy("web", cluster="prod", desired_count=4), world)
    assert "COMPLETED" == went.verdict
    assert 30 <= went.elapsed <= 60
    assert not set(DEPLOYMENT_READS) & set(went.operations)


def test_a_paused_deployment_does_not_stall() -> None:
    """It lacks tasks until the hook is answered, and that is no stall."""
    world = story({0: "2=I:0 1=C"}, {2: {1: "IN_PROGRESS@PRE_SCALE_UP!h1"}})
    assert "WaitTimeout" == both(deploys(stalled_after=50.0, pause_timeout=200), world).verdict


def test_a_rollback_takes_1800_seconds_at_the_most() -> None:
    """What ECS took to stop the deployment is no more there for the one that brings the earlier one back."""
    world = World(
        update=Script(service={0: "2=I:0 1=C"}, rollouts={2: {1: "IN_PROGRESS"}}),
        stopped=Script(service={0: "2=I:0 1=C"}, rollouts={2: {0: "ROLLBACK_IN_PROGRESS", 1000: "STOPPED"}}),
        again=Script(service={0: "4=I:0 2=I:0"}, rollouts={4: {0: "IN_PROGRESS"}}),
    )
    went = both(deploys(on_timeout="rollback", timeout=50), world)
    assert 2 == len(went.sent("UpdateService"))
    assert 1850 <= went.elapsed <= 1860


def test_the_first_deployment_has_nothing_to_be_rolled_back_to() -> None:
    """If only the service shows the failure, no rollback is awaited."""
    world = story({0: "2=I:0", 20: "2=F:0f3"}, before="d2", answer="2=I:0", refused=REFUSED)
    went = both(deploys(), world)
    assert "DeploymentFailed" == went.verdict
    assert 20 <= went.elapsed <= 40


def test_the_one_that_is_followed_is_given_time_to_be_seen() -> None:
    """The grace begins anew, however long ago the wait began."""
    world = story(
        {0: "2=I:0 1=C", 100: "3=I:0 2=I:1", 160: "3=C"},
        {
            2: {0: "IN_PROGRESS", 100: f"STOPPED: Replaced by {rollout_arn(3)}"},
            3: {115: "IN_PROGRESS", 160: "SUCCESSFUL"},
        },
        refused=REFUSED,
    )

    def act(ecs: Ecs) -> Any:
        started = ecs.services.start_deployment("web", cluster="prod", task_definition="web:2")
        return then(started, lambda _: then(by_arn(ecs), lambda handle: handle.wait(on_superseded="follow")))

    assert "SUCCESSFUL" == both(act, world).verdict


def test_a_rollback_that_does_not_come() -> None:
    """Judged by its service, a deployment that stays FAILED is at last taken to have failed."""
    world = story({0: "2=I:0 1=C", 20: "2=F:0f3 1=C"}, refused=REFUSED)
    went = both(deploys(), world)
    assert "DeploymentFailed" == went.verdict
    assert 60 <= went.elapsed <= 120


def test_the_one_that_is_followed_is_looked_for_anew() -> None:
    """Its service deployment is looked for as long as that of the first one was."""
    world = story(
        {0: "2=I:0 1=C", 100: "3=I:0 2=I:1", 160: "3=C"},
        {2: {1: "IN_PROGRESS", 100: "STOPPED"}, 3: {130: "IN_PROGRESS", 160: "SUCCESSFUL"}},
    )
    went = both(deploys(on_superseded="follow"), world)
    assert ("SUCCESSFUL", []) == (went.verdict, went.warnings)


def test_another_process_has_brought_the_earlier_one_back_already() -> None:
    """Then nothing is sent to bring it back."""
    world = story(
        {0: "2=I:0 1=C", 40: "1=I:1back 2=I:1"}, {2: {1: "IN_PROGRESS"}}, refused={"StopServiceDeployment": "denied"}
    )
    went = both(deploys(on_timeout="rollback", timeout=50), world)
    assert ("WaitTimeout", 1) == (went.verdict, len(went.sent("UpdateService")))


def test_the_one_that_is_followed_is_brought_back_to_the_one_before_it() -> None:
    """That is the deployment whose place it took."""
    world = World(
        update=Script(
            service={0: "2=I:0 1=C", 20: "3=I:0 2=I:1"},
            rollouts={2: {1: "IN_PROGRESS", 20: "STOPPED"}, 3: {20: "IN_PROGRESS"}},
        ),
        again=Script(service={0: "2=I:0 3=I:0", 20: "2=C"}, rollouts={2: {0: "IN_PROGRESS", 20: "SUCCESSFUL"}}),
        refused={"StopServiceDeployment": "denied"},
    )
    went = both(deploys(on_superseded="follow", on_timeout="rollback", timeout=60), world)
    assert [definition(2)] == [each["taskDefinition"] for each in went.sent("UpdateService")[1:]]


def test_the_one_that_brings_the_earlier_one_back_is_rolled_back() -> None:
    """Then the rollback of the deployment that was asked for failed."""
    world = World(
        update=Script(
            service={0: "2=I:0 1=C", 20: "2=F:0f3 1=C"}, rollouts={2: {1: "IN_PROGRESS", 20: "STOPPED*: no"}}
        ),
        again=Script(
            service={0: "4=I:0 2=F:0f3", 20: "2=I:0back 4=F:0f3"},
            rollouts={4: {0: "IN_PROGRESS", 20: "ROLLBACK_SUCCESSFUL>2: tripped"}},
        ),
        breaker=NO_ROLLBACK,
    )
    went = both(deploys(on_failure="rollback"), world)
    assert "DeploymentRollbackFailed" == went.verdict
    assert "deployment 2 of prod/web" in str(went.error)


def test_a_rollback_that_comes_late() -> None:
    """Judged by its service, a deployment that FAILED waits for the rollback that its circuit breaker makes."""
    world = story({0: "2=I:0 1=C", 20: "2=F:0f3 1=C", 50: "1=I:2back 2=F:0f3", 70: "1=C:2back"}, refused=REFUSED)
    assert "DeploymentRolledBack" == both(deploys(), world).verdict


def test_the_handle_is_of_the_deployment_that_is_followed_by_now() -> None:
    """And not of the one that it took the place of."""
    world = story({0: "2=I:0 1=C", 20: "3=I:0 2=I:1"}, {2: {1: "IN_PROGRESS", 20: "STOPPED"}, 3: {20: "IN_PROGRESS"}})
    went = both(deploys(on_superseded="follow", timeout=60), world)
    assert "WaitTimeout" == went.verdict
    expected = is_ecs(went.error).story
    assert expected is not None
    assert "ecs-svc/3" == expected.handle.arguments["deployment_id"]


def test_the_latest_of_several_earlier_ones_is_brought_back() -> None:
    """And not the oldest."""

    def prepare(sim: Simulator) -> None:
        support.register(sim, "third")
        for family in ("next", "third"):
            support.update(sim, wait=200, taskDefinition=family)

    went = support.both(lambda ecs: ecs.services.rollback("web"), prepare=prepare)
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs)


@pytest.mark.parametrize(
    ("live", "verdict"),
    [
        ("2 x 1: RUNNING", "DeploymentStalled"),
        ("2 x 1: DEACTIVATING", "WaitTimeout"),
        ("2: PROVISIONING", "WaitTimeout"),
        ("2: PENDING", "WaitTimeout"),
    ],
)
def test_tasks_that_start_or_stop_are_movement(live: str, verdict: str) -> None:
    """Where `stalled_after` is given, a deployment does not stall while a task of its service starts or stops."""
    world = story({0: "2=I:0 1=C:2"}, {2: {0: "IN_PROGRESS"}}, live={0: live})
    assert verdict == both(deploys(stalled_after=50.0, timeout=200), world).verdict


@pytest.mark.parametrize("grace", [30, 90])
def test_a_deployment_that_the_answer_did_not_show_is_given_time(grace: float) -> None:
    """A minute, or the grace where that is longer."""
    went = both(deploys(visibility_grace=grace), story({0: "1=C"}, answer="1=C"))
    assert "NotVisible" == went.verdict
    assert max(grace, 60) <= went.elapsed <= max(grace, 60) + 10


def test_what_is_wrong_with_a_rollback_of_a_deployment_that_was_late() -> None:
    """The reason reports the timeout."""
    world = World(
        update=Script(service={0: "2=I:0 1=C"}, rollouts={2: {1: "IN_PROGRESS"}}),
        stopped=Script(service={0: "1=C:2back"}, rollouts={2: {0: "ROLLBACK_SUCCESSFUL>1: asked for"}}),
    )
    went = both(deploys(on_timeout="rollback", timeout=50), world)
    assert "DeploymentRolledBack" == went.verdict
    assert "timed out: " in str(went.error)


def test_a_deployment_that_is_stopped_is_not_rolled_back() -> None:
    """ECS refuses to roll back a deployment that another process has stopped, and the error is raised."""
    world = World(
        update=Script(
            service={0: "2=I:0 1=C"}, rollouts={2: {1: "IN_PROGRESS", 50.001: "STOP_REQUESTED", 80: "STOPPED: asked"}}
        ),
        faults={"StopServiceDeployment": {0: "reset", 1: "conflict"}},
    )

    def act(ecs: Ecs) -> Any:
        def later(handle: Any) -> Any:
            ecs.clock.advance(50)
            return handle.rollback()

        return then(ecs.services.start_deployment("web", cluster="prod", task_definition="web:2"), later)

    assert "ConflictException" == both(act, world).verdict


def test_stopping_where_service_deployments_are_not_to_be_read() -> None:
    """Where service deployments cannot be read, they are not asked for again and again to stop one."""
    went = both(
        lambda ecs: then(
            ecs.services.start_deployment("web", cluster="prod", task_definition="web:2"), lambda handle: handle.stop()
        ),
        attrs.evolve(SUCCESS_AT_ONCE, refused=REFUSED),
    )
    assert "NotVisible" == went.verdict
    assert 1 == len(went.sent("ListServiceDeployments"))
    assert 2 == len(went.sent("DescribeServices"))


def test_a_failed_deployment_is_not_stalled() -> None:
    """ECS has ended it, although its service deployment does not show that yet."""
    world = story(
        {0: "2=I:0 1=C", 20: "2=F:0f3 1=C"}, {2: {1: "IN_PROGRESS", 60: "STOPPED: an alarm went off"}}, breaker=None
    )
    assert "DeploymentFailed" == both(deploys(), world).verdict


def test_a_rollback_that_is_under_way_is_not_asked_for() -> None:
    """A deployment whose wait was cancelled is already being rolled back: nothing is sent."""
    world = story({0: "1=I:2back 2=F:0f3"}, {2: {0: "ROLLBACK_IN_PROGRESS>1*: tripped"}})

    def interrupts(_: object) -> None:
        raise RuntimeError

    went = both(deploys(on_cancel="rollback", on_poll=interrupts), world)
    assert "RuntimeError" == went.verdict
    assert "DescribeServiceDeployments" in went.operations
    assert "StopServiceDeployment" not in went.operations


def test_one_that_is_deployed_but_not_stable_when_time_is_up() -> None:
    """There is nothing to roll back, but the goal is not reached: WaitTimeout."""
    went = both(
        deploys(until="stable", timeout=50, on_timeout="rollback"),
        story({0: "2=I:0 1=C", 40: "2=C 1=C:2"}, {2: {0: "IN_PROGRESS", 40: "SUCCESSFUL"}}),
    )
    assert "WaitTimeout" == went.verdict
    assert 1 == went.operations.count("UpdateService")
