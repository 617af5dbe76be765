"""What is said about a deployment, by tables."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import attrs
import pytest

from ecskit._deployments.stability import ObservedStability, StabilityGoal
from ecskit.errors import AccessDeniedException
from ecskit.models import Deployment, Service
from ecskit.progress.words import duration, one_line, revisions, service_message, stability, verdict
from ecskit.services import DeploymentProgress, StartedDeployment

ARN = "arn:aws:ecs:us-east-1:123456789012"
TASK = "(task 0123456789abcdef0123456789abcdef)"
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


def deployment(number: int, definition: str, **members: Any) -> Deployment:
    arn = f"{ARN}:task-definition/{definition}"
    return Deployment(id=f"ecs-svc/{number}", status="ACTIVE", task_definition=arn, **members)


def progress(*deployments: Deployment, desired: int = 2) -> DeploymentProgress:
    service = Service(
        service_arn=f"{ARN}:service/prod/web",
        service_name="web",
        cluster_arn=f"{ARN}:cluster/prod",
        status="ACTIVE",
        desired_count=desired,
        deployments=deployments,
    )
    started = StartedDeployment(
        service=service.service_arn,
        cluster="prod",
        deployment_id="ecs-svc/2",
        task_definition=f"{ARN}:task-definition/web:2",
        created_at=NOW,
    )
    return DeploymentProgress(started=started, service=service)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"(service web) has started 2 tasks: {TASK} {TASK}.", "has started 2 tasks"),
        (f"(service web) has stopped 1 running tasks: {TASK}.", "has stopped 1 running tasks"),
        (f"(service web) {TASK} failed container health checks.", f"{TASK} failed container health checks."),
        ("(service web) (deployment ecs-svc/2) deployment completed.", "deployment completed."),
        ("(service web) rolling back to (deployment ecs-svc/1).", "rolling back to deployment 1."),
        (
            "(service web) registered 1 targets in (target-group arn:aws:elb:us:1:targetgroup/front/0123456789abcdef)",
            "registered 1 targets in target group front",
        ),
        ("(service web, taskSet ecs-svc/7) updated state to STEADY_STATE.", "updated state to STEADY_STATE."),
        ("(service web) one\n\x1b[31mtwo\tthree", "one [31mtwo three"),
        ("no prefix at all", "no prefix at all"),
        ("", ""),
    ],
)
def test_messages_are_reported_without_what_machines_need(message: str, expected: str) -> None:
    """The service's own name, lists of tasks and the number of this deployment go; what is about one task stays."""
    assert expected == service_message(message, progress())


def test_a_long_message_is_cut() -> None:
    """At a length that fits a log, with a sign that something is missing."""
    assert (240, "x...") == (len(one_line("x" * 5000)), one_line("x" * 5000)[-4:])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0 s"), (59.9, "59 s"), (60, "1:00"), (3599, "59:59"), (3720, "1:02:00"), (-1, "0 s")],
)
def test_durations(seconds: float, expected: str) -> None:
    """Seconds, minutes and hours, as a clock shows them."""
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("deployments", "expected"),
    [
        ([deployment(2, "web:2", running_count=1, pending_count=1)], ["web:2 1/2 running, 1 pending"]),
        # The one that is watched comes first, whatever the order of ECS is.
        (
            [deployment(1, "web:1", running_count=2), deployment(2, "web:2", failed_tasks=3)],
            ["web:2 0/2 running, 3 failed", "web:1 2 running"],
        ),
        # What has no tasks any more is not worth a word.
        ([deployment(2, "web:2", running_count=2), deployment(1, "web:1", running_count=0)], ["web:2 2/2 running"]),
        # Two of the same name are distinguished.
        (
            [deployment(2, "web:2", running_count=0), deployment(11234, "web:2", running_count=2)],
            ["web:2 (new) 0/2 running", "web:2 (..1234) 2 running"],
        ),
        ([], []),
    ],
)
def test_revisions_are_counted(deployments: list[Deployment], expected: list[str]) -> None:
    """Each once, the new one with the number that it is to have."""
    assert expected == [str(each) for each in revisions(deployments, progress())]


def observed(**members: Any) -> DeploymentProgress:
    """Return what 30 seconds after a success have shown, of which 20 were quiet."""
    known = ObservedStability(goal=StabilityGoal(60, 180), began=100, desired=2, observed=130, quiet_since=110, most=3)
    return attrs.evolve(progress(deployment(2, "web:2")), observed_stability=attrs.evolve(known, **members))


@pytest.mark.parametrize(
    ("shown", "later", "expected"),
    [
        (progress(deployment(2, "web:2")), 0, ""),
        (observed(), 0, "checking that tasks stay up: quiet for 20 of 60 s"),
        (observed(), 15, "checking that tasks stay up: quiet for 35 of 60 s"),
        # No longer than was asked for.
        (observed(), 500, "checking that tasks stay up: quiet for 60 of 60 s"),
        (observed(quiet_since=None), 15, "checking that tasks stay up: quiet for 0 of 60 s"),
        (observed(stops=1), 0, "checking that tasks stay up: quiet for 20 of 60 s, 1 task stopped since it succeeded"),
        (
            observed(quiet_since=None, stops=2, unhealthy=1),
            0,
            "checking that tasks stay up: quiet for 0 of 60 s, 1 unhealthy, 2 tasks stopped since it succeeded",
        ),
        (observed(tasks_refused=True), 0, "it is unknown whether tasks stay up: reading tasks is refused"),
        # The verdict has it.
        (observed(stops=3), 0, ""),
        (observed(quiet_since=70), 0, ""),
    ],
)
def test_how_long_tasks_have_stayed_up(shown: DeploymentProgress, later: float, expected: str) -> None:
    """As far as it was observed, or may be taken from there; nothing before the success, and after the end of it."""
    assert expected == stability(shown, later)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "IN PROGRESS web:2 after 5 s: 1 of 2 tasks running"),
        (KeyboardInterrupt(), "INTERRUPTED after 5 s: the last status was IN_PROGRESS"),
        (SystemExit(143), "INTERRUPTED after 5 s: the last status was IN_PROGRESS"),
        (ValueError("in a\ncallback"), "ValueError after 5 s: in a callback"),
        (
            AccessDeniedException({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeServices"),
            "ERROR after 5 s: DescribeServices: AccessDeniedException: no",
        ),
    ],
)
def test_verdicts_without_an_end_of_the_deployment(error: BaseException | None, expected: str) -> None:
    """The caller stopped following it; the last state is shown."""
    shown = progress(deployment(2, "web:2", running_count=1, rollout_state="IN_PROGRESS"))
    assert expected == str(verdict(error, shown, 5.0))


def test_nothing_was_seen() -> None:
    """A block that saw no event, and no error, claims nothing."""
    assert "ENDED after 0 s: nothing was observed" == str(verdict(None, None, 0.0))
