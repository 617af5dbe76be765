"""The pure functions, on what no script of the simulator shows, and the text of a diagnosis."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

from tasks.ended import app, ended

from ecskit.models import Deployment, Service, ServiceEvent
from ecskit.tasks import Diagnosis, Evidence, Finding

GROUP = "(target-group arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/555a)"
ARN = "arn:aws:ecs:us-east-1:123456789012:service/prod/web"
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/prod"
HOUR = "(ECS shows stopped tasks for about an hour)"
NOON = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)


def service(*events: str, **members: Any) -> Service:
    """Return the service `web` with events, the newest one first."""
    shown: dict[str, Any] = {"desired_count": 2, "running_count": 0, "status": "ACTIVE", **members}
    made = [ServiceEvent(message=f"(service web) {message}") for message in events]
    return Service(service_arn=ARN, cluster_arn=CLUSTER, service_name="web", events=made, **shown)


def stopped(minute: int, **members: Any) -> Any:
    """Return a task of the service that stopped some minutes after noon."""
    return ended(app(members.pop("code", None)), stopped_at=NOON + timedelta(minutes=minute), **members)


def test_a_failing_load_balancer_check_has_the_code_from_the_event() -> None:
    """The task names the target group, the event the answers; they are one finding."""
    health = f"Task failed ELB health checks in {GROUP}"
    tasks = [stopped(n, stop_code="ServiceSchedulerInitiated", stopped_reason=health, code=137) for n in range(3)]
    reason = f"(port 8000) is unhealthy in {GROUP} due to (reason Health checks failed with these codes: [502])."
    diagnosis = Diagnosis.of_service(service(reason, "has started 1 tasks: (task 01)."), tasks)
    lines = str(diagnosis).splitlines()
    assert lines[:4] == [
        f"web: 0 of 2 tasks run. 3 tasks of job:1 stopped between 12:00 and 12:02 UTC {HOUR}.",
        f"  {health} (3 of 3)",
        f"    event: (service web) {reason}",
        "    The program answers the load balancer with a status code that the check does not accept.",
    ]
    assert lines[4].startswith("    1. The path of the check does not exist, or needs a login.")
    assert len(diagnosis.findings) == 1
    slow = Diagnosis.of_service(service(reason.replace("Health checks failed with these codes: [502]", "timed out")))
    assert ["load-balancer-health"] == [finding.name for finding in slow.findings]


def test_events_before_the_latest_steady_state_are_history() -> None:
    """They had another end."""
    full = "was unable to place a task because no container instance met all of its requirements."
    diagnosis = Diagnosis.of_service(service("has reached a steady state.", full, running_count=2))
    assert () == tuple(diagnosis.findings)


def test_events_that_repeat_are_counted() -> None:
    """ECS repeats them at growing intervals. The newest one is shown."""
    agent = 'was unable to place a task. The closest matching (container-instance {}) encountered error "AGENT".'
    delayed = "is unable to consistently start tasks successfully."
    diagnosis = Diagnosis.of_service(service(delayed, agent.format(2), agent.format(1), "has started 1 tasks."))
    first, second = diagnosis.findings
    assert ("agent-disconnected", 2) == (first.name, first.count)
    assert ("starts-delayed", "consequence") == (second.name, second.weight)
    assert f"  (service web) {agent.format(2)} (2 events)" in str(diagnosis).splitlines()


def test_an_event_that_is_not_in_the_table_is_shown_as_it_is() -> None:
    """If it reports a failure. Others are no findings."""
    diagnosis = Diagnosis.of_service(service("failed to align the stars.", "has started 1 tasks."))
    assert ["unknown"] == [finding.name for finding in diagnosis.findings]
    assert str(diagnosis).splitlines()[1:] == ["  (service web) failed to align the stars."]


def test_a_text_in_three_places_is_one_finding() -> None:
    """Of the task, of its container, and in the event, after the name of the service."""
    pull = "CannotPullContainerError: manifest unknown"
    task = ended(app(None, reason=pull, image="acme/app:1"), stop_code="TaskFailedToStart", stopped_reason=pull)
    event = f"was unable to place a task. Reason: {pull}."
    diagnosis = Diagnosis.of_service(service(event), [task])
    [finding] = diagnosis.findings
    assert ["container", "event"] == [each.place for each in finding.evidence]
    assert str(diagnosis).count(pull) == 1


def test_tasks_of_several_revisions_and_a_failed_deployment() -> None:
    """The heading counts tasks by revision, and names deployments that are not completed."""
    old = "arn:aws:ecs:us-east-1:123456789012:task-definition/job:7"
    tasks = [stopped(0, code=1), stopped(1, code=1), stopped(5, code=1, task_definition_arn=old)]
    failed = Deployment(
        id="ecs-svc/1",
        status="PRIMARY",
        task_definition=old,
        rollout_state="FAILED",
        rollout_state_reason="tasks failed to start.",
    )
    text = str(Diagnosis.of_service(service(deployments=[failed], pending_count=1), tasks))
    assert text.splitlines()[0] == (
        "web: 0 of 2 tasks run, 1 pending. 2 tasks of job:1 and 1 of job:7 stopped between 12:00 and 12:05 UTC (ECS"
        " shows stopped tasks for about an hour). The deployment of job:7 is FAILED: tasks failed to start."
    )


def test_a_service_that_was_deleted() -> None:
    """Its status is the state."""
    text = str(Diagnosis.of_service(service(status="INACTIVE")))
    assert text.startswith("web is INACTIVE. No stopped tasks (ECS shows stopped tasks for about an hour).")


def test_a_diagnosis_is_a_value() -> None:
    """It equals an equal one, and can be pickled."""
    tasks = [stopped(0, code=137)]
    first, second = (Diagnosis.of_service(service(), tasks) for _ in range(2))
    assert first == second == pickle.loads(pickle.dumps(first))  # our own


def test_the_sentence_of_a_finding() -> None:
    """What is wrong, and what to do about the most likely cause; or the text of ECS."""
    [finding] = Diagnosis.of_service(service(), [stopped(0, code=137)]).findings
    assert finding.sentence == "The program was killed (SIGKILL): handle SIGTERM, or raise stopTimeout."
    unknown = Finding(name="unknown", weight="unknown", what="", evidence=[Evidence("task", "MoonError: full")])
    assert unknown.sentence == "ECS reports: MoonError: full"
