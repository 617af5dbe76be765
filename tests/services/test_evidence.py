"""What counts against a deployment, by what ECS shows of its tasks and events; and at which moment it does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from support.both_clients import Ecs, then

from ecskit import converter
from ecskit._deployments.evidence import (
    UNPLACED_EVENTS,
    UNPLACED_FOR,
    counts_against,
    placement_failure,
    rebalanced,
)
from ecskit.errors import DeploymentUnstable
from ecskit.models.services import Service
from ecskit.models.tasks import Task
from ecskit.services import DeploymentProgress, StartedDeployment

from .acting import both, deploys, perform, variants
from .scripted import Script, World
from .stories import DEPLOYMENT_READS, story

BEGAN = datetime(2025, 1, 1, tzinfo=timezone.utc)
ID = "0123456789abcdef0123456789abcdef"
EXIT = "*EssentialContainerExited 1"


def task(code: str | None, reason: str | None) -> Task:
    text = {"taskArn": f"arn:aws:ecs:eu-west-1:1:task/prod/{ID}", "stopCode": code, "stoppedReason": reason}
    text |= {"lastStatus": "STOPPED", "desiredStatus": "STOPPED"}
    return converter.structure({name: value for name, value in text.items() if value}, Task)


@pytest.mark.parametrize(
    ("code", "reason", "counts"),
    [
        ("TaskFailedToStart", "CannotPullContainerError: manifest unknown", True),
        ("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets", True),
        ("EssentialContainerExited", "Essential container in task exited", True),
        ("EssentialContainerExited", None, True),
        ("ServiceSchedulerInitiated", "Task failed container health checks", True),
        ("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group arn:aws:x)", True),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", False),
        ("ServiceSchedulerInitiated", "Service rebalancing", False),
        ("ServiceSchedulerInitiated", None, False),
        ("UserInitiated", "Task stopped by user", False),
        ("SpotInterruption", "Your Spot Task was interrupted.", False),
        ("TerminationNotice", "The instance is terminated.", False),
        ("InfrastructureHealth", "The host is impaired.", False),
        (None, "Host EC2 (instance i-0123456789abcdef0) terminated.", False),
        (None, "Host EC2 (instance i-0123456789abcdef0) stopped.", False),
        ("TaskFailedToStart", "Host EC2 (instance i-0123456789abcdef0) terminated.", False),
        (None, "Essential container in task exited", True),
        (None, None, False),
    ],
)
def test_what_counts(code: str | None, reason: str | None, counts: bool) -> None:  # noqa: FBT001  # a column of a table
    """A task that fails, exits or is unhealthy counts; one that is ended from outside does not."""
    assert counts is counts_against(task(code, reason))


def progress(events: list[tuple[float, str]], **members: Any) -> DeploymentProgress:
    """Return the progress of a deployment of two tasks, with events by the minute in which they came."""
    deployment = {"id": "ecs-svc/2", "status": "PRIMARY", "runningCount": 0, "pendingCount": 0, **members}
    said = [
        {"id": str(at), "createdAt": BEGAN + timedelta(minutes=at), "message": f"(service web) {message}"}
        for at, message in events
    ]
    service = {
        "serviceArn": "web",
        "serviceName": "web",
        "clusterArn": "prod",
        "status": "ACTIVE",
        "desiredCount": 2,
        "deployments": [deployment],
        "events": said[::-1],
    }
    started = StartedDeployment(service="web", deployment_id="ecs-svc/2", created_at=BEGAN)
    return DeploymentProgress(started=started, service=converter.structure(service, Service))


NO_ROOM = "was unable to place a task because no container instance met all of its requirements."
STARTED = "has started 1 tasks: (task 1)."
BOUND = UNPLACED_FOR / timedelta(minutes=1)


@pytest.mark.parametrize(
    ("events", "members", "is_evidence"),
    [
        ([(0, NO_ROOM), (1, NO_ROOM), (BOUND, NO_ROOM)], {}, True),
        ([(0, NO_ROOM), (1, NO_ROOM), (BOUND - 0.1, NO_ROOM)], {}, False),
        ([(0, NO_ROOM), (BOUND, NO_ROOM)], {}, False),
        ([(0, NO_ROOM)] * 5, {}, False),
        ([(0, NO_ROOM), (1, NO_ROOM), (BOUND, NO_ROOM), (BOUND + 1, STARTED)], {}, False),
        ([(0, NO_ROOM), (1, STARTED), (2, NO_ROOM), (BOUND, NO_ROOM)], {}, False),
        ([(0, STARTED), (1, NO_ROOM), (2, NO_ROOM), (BOUND + 1, NO_ROOM)], {"runningCount": 1}, True),
        ([(0, NO_ROOM), (1, NO_ROOM), (BOUND, NO_ROOM)], {"pendingCount": 1}, False),
        ([(0, NO_ROOM), (1, NO_ROOM), (BOUND, NO_ROOM)], {"runningCount": 2}, False),
        ([(-5, NO_ROOM), (-4, NO_ROOM), (BOUND, NO_ROOM)], {}, False),  # of the deployment before
        ([(0, STARTED), (1, STARTED), (BOUND, STARTED)], {}, False),
        ([], {}, False),
    ],
)
def test_placements_that_fail(events: list[tuple[float, str]], members: dict[str, int], is_evidence: bool) -> None:  # noqa: FBT001  # the same
    """Three events over ten minutes, with no task started between or on its way, mean that no room comes."""
    assert 3 == UNPLACED_EVENTS
    expected = f"(service web) {NO_ROOM}" if is_evidence else None
    shown = progress(events, **members)
    assert expected == placement_failure(shown.deployment, shown.events, shown.desired)


def test_rebalanced_tasks() -> None:
    """Events name the tasks that are stopped for rebalancing; the tasks that replace them are named, too."""
    other = ID[::-1]
    events = progress(
        [
            (0, f"web has started 1 tasks in eu-west-1b to AZ Rebalance: (task {other})."),
            (1, f"web has stopped 1 running tasks in eu-west-1a due to AZ rebalancing: (task {ID})."),
            (2, f"web has stopped 1 running tasks: (task {other})."),
        ]
    ).events
    assert frozenset({ID}) == rebalanced(events)
    assert not counts_against(task("EssentialContainerExited", None), rebalanced(events))
    assert counts_against(task("EssentialContainerExited", None), frozenset({other}))


# Moments, with `stable_for`. The deployment succeeds after 40 s.


def after_success(tasks: dict[float, str], live: dict[float, str] | None = None, **more: Any) -> World:
    return story(
        {0: "2=I:0 1=C", 20: "2=I:2 1=C:1", 40: "2=C", **more.pop("service", {})},
        {2: {0: "IN_PROGRESS", 40: "SUCCESSFUL", **more.pop("rollout", {})}},
        tasks=tasks,
        live={0: "2 x 2: RUNNING HEALTHY", **(live or {})},
        **more,
    )


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (39, "SUCCESSFUL"),
        (40, "SUCCESSFUL"),
        (41, "DeploymentUnstable"),
        (99, "DeploymentUnstable"),
        (120, "SUCCESSFUL"),
    ],
)
@pytest.mark.parametrize("refused", [(), DEPLOYMENT_READS])
def test_when_a_stop_counts(at: float, verdict: str, refused: tuple[str, ...]) -> None:
    """From the success on, by the times of ECS, until the stretch is over."""
    world = after_success({at: f"2: {EXIT}"}, refused=dict.fromkeys(refused, "denied"))
    went = both(deploys(stable_for=60, max_failed_tasks=1), world)
    assert verdict == ("SUCCESSFUL" if went.error is None else went.verdict), repr(went.error)


@pytest.mark.parametrize(("count", "verdict"), [(2, "SUCCESSFUL"), (3, "DeploymentUnstable")])
def test_how_many_stops_are_too_many(count: int, verdict: str) -> None:
    """Half of the desired count, 3 at least."""
    went = both(deploys(stable_for=30), after_success({50: f"{count} x 2: {EXIT}"}))
    assert verdict == went.verdict, repr(went.error)


def test_tasks_of_other_deployments() -> None:
    """Those of the earlier one, which go, do not count."""
    went = both(deploys(stable_for=30, max_failed_tasks=1), after_success({50: f"2 x 1: {EXIT}"}))
    assert ("SUCCESSFUL", 0) == (went.verdict, went.result.observed_stability.stops)


def test_each_stop_counts_once() -> None:
    """However often polls show it."""
    went = both(deploys(stable_for=60), after_success({45: f"2: {EXIT}", 50: f"2: {EXIT}"}))
    assert ("SUCCESSFUL", 2) == (went.verdict, went.result.observed_stability.stops)
    assert 110 <= went.elapsed <= 125


def test_stops_just_often_enough_to_have_no_quiet_stretch() -> None:
    """One each 50 s, below the threshold: unstable after 180 s, with all of their reasons."""
    world = after_success(dict.fromkeys((80, 130, 180), f"2: {EXIT}"))
    went = both(deploys(stable_for=60, max_failed_tasks=9), world)
    assert isinstance(went.error, DeploymentUnstable)
    assert 220 <= went.elapsed <= 230
    assert "SUCCESSFUL, but 3 tasks stopped within 140 s: container app exited with 1 (3 of 3)" in str(went.error)


SICK: dict[float, str] = {42: "2: RUNNING HEALTHY, 2: RUNNING UNHEALTHY"}


def test_tasks_that_stay_unhealthy() -> None:
    """They do not stop, but are not healthy either."""
    went = both(deploys(stable_for=30), after_success({}, SICK))
    assert isinstance(went.error, DeploymentUnstable)
    assert "SUCCESSFUL, but tasks were unhealthy within " in str(went.error)
    assert 130 <= went.elapsed <= 140


def test_tasks_that_recover() -> None:
    """The stretch begins when all are healthy."""
    went = both(deploys(stable_for=30), after_success({}, {**SICK, 70: "2 x 2: RUNNING HEALTHY"}))
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.result.stability)
    assert 100 <= went.elapsed <= 112


def test_tasks_that_are_lacking() -> None:
    """The stretch begins when all tasks run; nothing counts against the deployment."""
    world = after_success({}, service={45: "2=C:1", 90: "2=C:2"})
    went = both(deploys(stable_for=30, on_failure="rollback"), world)
    assert ("SUCCESSFUL", True) == (went.verdict, 120 <= went.elapsed <= 130), repr(went.error)


@pytest.mark.parametrize(("tasks", "verdict"), [({}, "SUCCESSFUL"), ({50: f"3 x 2: {EXIT}"}, "DeploymentUnstable")])
def test_answers_that_are_lost_or_behind(tasks: dict[float, str], verdict: str) -> None:
    """Throttled, with errors, and with a replica that is behind at any read: the same verdict."""
    wrong, act, plain = dict[str, str](), deploys(stable_for=30), after_success(tasks)
    for how, world in {"as it is": plain, **variants(act, plain)}.items():
        went = perform(act, world)
        if verdict != went.verdict:
            wrong[how] = f"{went.verdict}: {went.error}"
    assert {} == wrong


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks"])
def test_reads_of_tasks_that_fail_for_a_while(operation: str) -> None:
    """Polls that show only a part prove nothing: the stretch is observed again, or goes on."""
    world = after_success({50: f"3 x 2: {EXIT}"}, faults={operation: dict.fromkeys(range(2, 8), "throttle")})
    assert "DeploymentUnstable" == both(deploys(stable_for=30), world).verdict


def test_a_service_that_is_deleted_meanwhile() -> None:
    """ServiceGone, and nothing is rolled back."""
    went = both(
        deploys(stable_for=60, on_failure="rollback"),
        after_success({}, service={60: "DRAINING 2=C:0", 80: "INACTIVE"}),
    )
    assert ("ServiceGone", 1) == (went.verdict, len(went.sent("UpdateService")))


def test_a_first_deployment_that_is_unstable() -> None:
    """There is nothing to go back to: DeploymentUnstable, and nothing is sent."""
    first = Script(
        service={0: "2=I:0", 40: "2=C"},
        rollouts={2: {0: "IN_PROGRESS", 40: "SUCCESSFUL"}},
        tasks={50: f"3 x 2: {EXIT}"},
    )
    world = World(before="d2", answer="2=I:0", update=first)
    went = both(deploys(stable_for=60, on_failure="rollback"), world)
    assert ("DeploymentUnstable", 1) == (went.verdict, len(went.sent("UpdateService")))


@pytest.mark.parametrize("on_cancel", ["leave", "rollback"])
def test_a_callback_that_raises_while_tasks_are_observed(on_cancel: str) -> None:
    """Its error is raised; what has succeeded is not rolled back."""

    def on_poll(story: Any) -> None:
        if story.elapsed > 60:
            raise ZeroDivisionError("mine")

    went = both(deploys(stable_for=60, on_cancel=on_cancel, on_poll=on_poll), after_success({}))
    assert ("ZeroDivisionError", 1) == (went.verdict, len(went.sent("UpdateService")))
    assert [] == went.sent("StopServiceDeployment")


def test_a_wait_that_begins_after_the_success() -> None:
    """What had stopped before is not counted; what stops from then on is."""

    def late(seconds: float) -> Any:
        def act(ecs: Ecs) -> Any:
            def waited(handle: Any) -> Any:
                ecs.clock.advance(seconds)
                return handle.wait(stable_for=60, max_failed_tasks=1)

            return then(ecs.services.start_deployment("web", cluster="prod", task_definition="web:2"), waited)

        return act

    world = after_success({100: f"2: {EXIT}"})
    assert "DeploymentUnstable" == both(late(80), world).verdict
    went = both(late(120), world)
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.result.stability)
