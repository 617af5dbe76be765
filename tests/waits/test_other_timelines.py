"""Timelines and verdicts of the waits for other resources than tasks and services."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from .other_support import OTHERS, family_of, flow_of, run_both

NO_PERMISSION = "AccessDeniedException"


@attrs.frozen
class Row:
    """One scenario."""

    wait: str
    timeline: str
    verdict: str
    looks: int
    """The number of polls; 0 if it does not matter."""
    says: str = ""
    """Parts of the error's message, separated by ` | `."""
    options: dict[str, Any] = attrs.field(factory=dict[str, Any])


def rows(wait: str, *table: tuple[Any, ...]) -> list[Any]:
    return [pytest.param(Row(wait, *row), id=f"{wait}: {row[0]}") for row in table]


ROWS = [
    *rows(
        "clusters_active",
        ("ACTIVE", "ok", 1),
        ("- - PROVISIONING ACTIVE", "ok", 4),
        ("DEPROVISIONING ACTIVE", "ok", 2),
        ("PROVISIONING FAILED", "WaitFailed", 2, "cluster a is FAILED"),
        ("INACTIVE ACTIVE", "ok", 2),
        ("INACTIVE", "WaitFailed", 2, "cluster a is INACTIVE; 2 polls"),
        ("TOMORROW ACTIVE", "ok", 2),
        ("TOMORROW", "WaitTimeout", 0, "is TOMORROW"),
        ("ACTIVE/PROVISIONING ACTIVE/ACTIVE", "ok", 2),
        ("ACTIVE/-", "NotVisible", 0, "cluster b was not visible within 60 s (visibility_grace)"),
        ("PROVISIONING -", "Vanished", 0, "was PROVISIONING, then not found for"),
        ("PROVISIONING - ACTIVE", "ok", 3),
    ),
    *rows(
        "clusters_inactive",
        ("INACTIVE", "ok", 1),
        ("ACTIVE DEPROVISIONING INACTIVE", "ok", 3),
        ("ACTIVE -", "ok", 0),
        ("ACTIVE/- -/-", "NotVisible", 0, "cluster b"),
        ("-", "NotVisible", 0, "cluster a was not visible within 60 s (visibility_grace)"),
        ("FAILED INACTIVE", "ok", 2),
        ("ACTIVE - ACTIVE INACTIVE", "ok", 4),
    ),
    *rows(
        "container_instances_registered",
        ("ACTIVE", "ok", 1),
        ("DRAINING", "ok", 1),
        ("- REGISTERING ACTIVE", "ok", 3),
        ("REGISTERING REGISTRATION_FAILED+why=ENI", "WaitFailed", 2, "instance a is REGISTRATION_FAILED (ENI)"),
        ("INACTIVE", "WaitFailed", 1, "is INACTIVE"),
        ("REGISTERING+v3/REGISTERING ACTIVE+v2/ACTIVE ACTIVE+v4/ACTIVE", "ok", 3),
        ("REGISTERING -", "Vanished", 0),
    ),
    *rows(
        "container_instances_connected",
        ("ACTIVE+connected", "ok", 1),
        ("REGISTERING ACTIVE ACTIVE+connected", "ok", 3),
        ("ACTIVE", "WaitTimeout", 0, "is ACTIVE disconnected"),
        ("ACTIVE DEREGISTERING", "WaitFailed", 2, "is DEREGISTERING disconnected"),
        ("INACTIVE+connected", "WaitFailed", 1),
    ),
    *rows(
        "container_instances_drained",
        ("DRAINING+running=2 DRAINING+running=1 DRAINING DRAINING", "ok", 4),
        ("DRAINING DRAINING", "ok", 2),
        ("DRAINING DRAINING+running=1 DRAINING DRAINING", "ok", 4),
        ("ACTIVE ACTIVE", "WaitTimeout", 0, "is ACTIVE"),
        ("ACTIVE DRAINING DRAINING", "ok", 3),
        ("DRAINING+pending=1", "WaitTimeout", 0, "DRAINING busy (0 running, 1 pending tasks)"),
        ("DRAINING+running=1 INACTIVE", "WaitFailed", 2, "is INACTIVE"),
        ("DRAINING+running=1+v5 DRAINING+v4 DRAINING+v6 DRAINING+v6", "ok", 4),
    ),
    *rows(
        "container_agents_updated",
        ("ACTIVE+agent=UPDATED", "ok", 2),
        ("ACTIVE+agent=UPDATED ACTIVE+agent=PENDING ACTIVE+agent=UPDATED ACTIVE+agent=UPDATED", "ok", 4),
        ("ACTIVE ACTIVE+agent=STAGED ACTIVE+agent=UPDATING ACTIVE+agent=UPDATED", "ok", 5),
        ("ACTIVE+agent=FAILED ACTIVE+agent=UPDATING ACTIVE+agent=UPDATED", "ok", 4),
        ("ACTIVE+agent=UPDATING ACTIVE+agent=FAILED", "WaitFailed", 3, "is ACTIVE FAILED"),
        ("INACTIVE+agent=UPDATED", "WaitFailed", 1),
    ),
    *rows(
        "capacity_providers_active",
        ("ACTIVE", "ok", 1),
        ("PROVISIONING+CREATE_IN_PROGRESS ACTIVE+CREATE_COMPLETE", "ok", 2),
        ("PROVISIONING PROVISIONING+CREATE_FAILED+role", "WaitFailed", 3, "is PROVISIONING CREATE_FAILED (role)"),
        ("INACTIVE+DELETE_COMPLETE - ACTIVE", "ok", 3),
        ("INACTIVE+DELETE_COMPLETE", "WaitFailed", 2, "INACTIVE DELETE_COMPLETE"),
        ("ACTIVE+UPDATE_FAILED", "ok", 1),
        ("ACTIVE+DELETE_FAILED", "ok", 1),
        ("ACTIVE+DELETE_IN_PROGRESS", "WaitFailed", 2),
    ),
    *rows(
        "capacity_providers_updated",
        ("ACTIVE+UPDATE_COMPLETE ACTIVE+UPDATE_COMPLETE", "ok", 2),
        ("ACTIVE+UPDATE_COMPLETE ACTIVE+UPDATE_IN_PROGRESS ACTIVE+UPDATE_COMPLETE", "ok", 4),
        ("ACTIVE+UPDATE_FAILED+old ACTIVE+UPDATE_IN_PROGRESS ACTIVE+UPDATE_COMPLETE", "ok", 4),
        ("ACTIVE+UPDATE_IN_PROGRESS ACTIVE+UPDATE_FAILED+quota", "WaitFailed", 3, "is ACTIVE UPDATE_FAILED (quota)"),
        ("ACTIVE+CREATE_COMPLETE", "WaitTimeout", 0, "is ACTIVE CREATE_COMPLETE"),
        ("ACTIVE+DELETE_IN_PROGRESS", "WaitFailed", 2),
    ),
    *rows(
        "capacity_providers_deleted",
        ("ACTIVE+DELETE_IN_PROGRESS INACTIVE+DELETE_COMPLETE", "ok", 2),
        ("ACTIVE+DELETE_IN_PROGRESS -", "ok", 0),
        ("ACTIVE+DELETE_FAILED+busy ACTIVE+DELETE_IN_PROGRESS -", "ok", 0),
        ("ACTIVE+DELETE_IN_PROGRESS ACTIVE+DELETE_FAILED+busy", "WaitFailed", 3, "is ACTIVE DELETE_FAILED (busy)"),
        ("-", "NotVisible", 0),
    ),
    *rows(
        "task_definitions_deleted",
        ("DELETE_IN_PROGRESS DELETE_IN_PROGRESS -", "ok", 0),
        ("INACTIVE -", "ok", 0),
        ("DELETE_IN_PROGRESS/DELETE_IN_PROGRESS -/DELETE_IN_PROGRESS", "WaitTimeout", 0, "definition b:1 is DELETE_IN"),
        ("-", "NotVisible", 0, "task definition a:1"),
        ("DELETE_IN_PROGRESS - DELETE_IN_PROGRESS", "WaitTimeout", 0, "is DELETE_IN_PROGRESS"),
    ),
    *rows(
        "task_sets_steady",
        ("ACTIVE+STEADY_STATE", "ok", 2),
        ("- ACTIVE+STABILIZING PRIMARY+STABILIZING PRIMARY+STEADY_STATE", "ok", 5),
        ("ACTIVE+STEADY_STATE ACTIVE+STABILIZING ACTIVE+STEADY_STATE", "ok", 4),
        ("ACTIVE+STABILIZING", "WaitTimeout", 0, "task set a is ACTIVE STABILIZING (1 of 2 tasks running, 0 pending)"),
        ("DRAINING+STEADY_STATE", "WaitFailed", 1, "is DRAINING"),
        ("ACTIVE+STABILIZING -", "Vanished", 0),
        ("ACTIVE+STEADY_STATE+50+2", "ok", 2, "", {"scale": 50}),
        ("ACTIVE+STEADY_STATE+100+2 ACTIVE+STEADY_STATE+50+2", "ok", 3, "", {"scale": 50}),
        ("ACTIVE+STEADY_STATE+50+1 ACTIVE+STEADY_STATE+50+2", "ok", 2, "", {"scale": 50}),
        ("ACTIVE+STEADY_STATE+100+2", "WaitTimeout", 0, "at 100%, not at 50% yet", {"scale": 50}),
        ("ACTIVE+STEADY_STATE+50+1", "WaitTimeout", 0, "is ACTIVE STEADY_STATE (1 of 2 tasks", {"scale": 50}),
        ("DRAINING+STEADY_STATE+50+2", "WaitFailed", 1, "is DRAINING", {"scale": 50}),
        ("ACTIVE+STABILIZING+50+2+9 ACTIVE+STEADY_STATE+100+2+8 ACTIVE+STEADY_STATE+50+2+9", "ok", 4),
    ),
    *rows(
        "task_sets_primary",
        ("PRIMARY+STABILIZING", "ok", 1),
        ("ACTIVE+STEADY_STATE PRIMARY+STEADY_STATE", "ok", 2),
        ("- ACTIVE PRIMARY", "ok", 3),
        ("ACTIVE", "WaitTimeout", 0, "task set a is ACTIVE"),
        ("DRAINING", "WaitFailed", 1, "is DRAINING"),
        ("ACTIVE -", "Vanished", 0),
    ),
    *rows(
        "task_sets_deleted",
        ("DRAINING+STEADY_STATE -", "ok", 0),
        ("ACTIVE DRAINING -", "ok", 0),
        ("DRAINING - DRAINING -", "ok", 0),
        ("DRAINING/DRAINING -/DRAINING", "WaitTimeout", 0, "task set b is DRAINING (1 of 2 tasks running, 0 pending)"),
        ("-", "NotVisible", 0),
    ),
    *rows(
        "exec_agents_running",
        ("RUNNING+app=RUNNING", "ok", 1),
        ("- PENDING ACTIVATING+app=PENDING RUNNING+app=PENDING RUNNING+app=RUNNING", "ok", 5),
        ("RUNNING+app=RUNNING+log=PENDING RUNNING+app=RUNNING+log=RUNNING", "ok", 2),
        ("RUNNING+app=RUNNING+log=PENDING", "ok", 1, "", {"containers": "app"}),
        ("RUNNING+app=RUNNING+init=exited:STOPPED", "ok", 1),
        ("RUNNING+app=RUNNING+init=exited:STOPPED", "WaitFailed", 1, "init is STOPPED", {"containers": ["init"]}),
        ("RUNNING+app=PENDING RUNNING+app=STOPPED", "WaitFailed", 2, "app is STOPPED (out of sorts)"),
        ("RUNNING+app= RUNNING+app=RUNNING", "ok", 2),
        ("RUNNING+app=", "WaitTimeout", 0, "the agent in container app is not visible yet"),
        ("RUNNING RUNNING+app=RUNNING", "ok", 2),
        ("RUNNING", "WaitTimeout", 0, "its containers are not visible yet"),
        ("PENDING+noexec", "WaitFailed", 1, "task a was started without"),
        ("RUNNING RUNNING+app=RUNNING", "ok", 2, "", {"containers": "app"}),
        (
            "RUNNING+app=STOPPED/STOPPED",
            "TaskStoppedEarly",
            1,
            "the agent in container app is STOPPED (out of sorts) | task b is STOPPED",
        ),
        ("RUNNING+noexec+app=", "WaitFailed", 1, "was started without `enable_execute_command`"),
        ("RUNNING+app=RUNNING", "WaitFailed", 1, "has no container web", {"containers": ["web", "app"]}),
        ("RUNNING+app=PENDING STOPPED+app=STOPPED", "TaskStoppedEarly", 2, "task a is STOPPED (Essential"),
        ("RUNNING+app=PENDING -", "TaskPurged", 0),
        ("-", "TaskNotVisible", 0),
    ),
    *rows(
        "daemons_active",
        ("ACTIVE", "ok", 1),
        ("- - ACTIVE", "ok", 3),
        ("DELETE_IN_PROGRESS ACTIVE", "ok", 2),
        ("DELETE_IN_PROGRESS", "WaitFailed", 2, "daemon a is DELETE_IN_PROGRESS"),
        ("ACTIVE/- ACTIVE/ACTIVE", "ok", 2),
    ),
    *rows(
        "daemons_deleted",
        ("ACTIVE DELETE_IN_PROGRESS -", "ok", 0),
        ("ACTIVE", "WaitTimeout", 0, "is ACTIVE"),
        ("-", "NotVisible", 0),
    ),
    *rows(
        "daemon_deployments_successful",
        ("SUCCESSFUL", "ok", 1),
        ("- PENDING IN_PROGRESS SUCCESSFUL", "ok", 4),
        ("IN_PROGRESS SUCCESSFUL/IN_PROGRESS IN_PROGRESS/SUCCESSFUL", "ok", 3),
        ("IN_PROGRESS STOP_REQUESTED STOPPED+replaced", "WaitFailed", 3, "deployment a is STOPPED (replaced)"),
        ("IN_PROGRESS ROLLBACK_IN_PROGRESS ROLLBACK_SUCCESSFUL", "WaitFailed", 3, "is ROLLBACK_SUCCESSFUL"),
        ("ROLLBACK_IN_PROGRESS ROLLBACK_FAILED+alarm", "WaitFailed", 2, "is ROLLBACK_FAILED (alarm)"),
        ("ROLLBACK_IN_PROGRESS", "WaitTimeout", 0, "is ROLLBACK_IN_PROGRESS"),
        ("SUCCESSFUL/- -/IN_PROGRESS PENDING/SUCCESSFUL", "ok", 3),
        ("-", "NotVisible", 0),
        ("IN_PROGRESS -", "Vanished", 0),
    ),
    *rows(
        "daemon_deployments_stopped",
        ("IN_PROGRESS STOP_REQUESTED STOPPED", "ok", 3),
        ("- STOPPED", "ok", 2),
        ("STOPPED/-", "NotVisible", 0, "daemon deployment b"),
        ("IN_PROGRESS SUCCESSFUL", "WaitFailed", 2, "is SUCCESSFUL"),
        ("ROLLBACK_SUCCESSFUL", "WaitFailed", 1),
    ),
    *rows(
        "daemon_task_definitions_active",
        ("- ACTIVE", "ok", 2),
        ("DELETE_IN_PROGRESS", "WaitFailed", 1, "definition a:1 is DELETE_IN_PROGRESS"),
        ("DELETED", "WaitFailed", 1),
    ),
    *rows(
        "daemon_task_definitions_deleted",
        ("ACTIVE DELETE_IN_PROGRESS DELETED", "ok", 3),
        ("DELETE_IN_PROGRESS -", "ok", 0),
        ("-", "NotVisible", 0),
    ),
    *rows(
        "gateways_active",
        ("- ACTIVE", "ok", 2),
        ("UPDATE_IN_PROGRESS UPDATE_COMPLETE", "ok", 2),
        ("UPDATE_FAILED UPDATE_IN_PROGRESS UPDATE_COMPLETE", "ok", 3),
        ("UPDATE_IN_PROGRESS UPDATE_FAILED+subnet", "WaitFailed", 3, "gateway a is UPDATE_FAILED (subnet)"),
        ("DELETED", "WaitFailed", 1),
    ),
    *rows(
        "gateways_updated",
        ("UPDATE_COMPLETE UPDATE_IN_PROGRESS UPDATE_COMPLETE", "ok", 4),
        ("ACTIVE UPDATE_COMPLETE", "ok", 3),
        ("ACTIVE", "WaitTimeout", 0),
        ("UPDATE_IN_PROGRESS UPDATE_FAILED+subnet", "WaitFailed", 3, "is UPDATE_FAILED (subnet)"),
    ),
    *rows(
        "gateways_deleted",
        ("DELETED", "ok", 1),
        ("ACTIVE -", "ok", 0),
        ("ACTIVE/ACTIVE -/ACTIVE", "WaitTimeout", 0, "gateway b is ACTIVE"),
        ("-", "NotVisible", 0),
    ),
    *rows(
        "gateway_routes_active",
        ("- CREATE_IN_PROGRESS ACTIVE", "ok", 4),
        ("ACTIVE UPDATE_IN_PROGRESS ACTIVE", "ok", 4),
        ("CREATE_IN_PROGRESS CREATE_FAILED", "WaitFailed", 2, "gateway route a is CREATE_FAILED"),
        ("UPDATE_FAILED UPDATE_IN_PROGRESS ACTIVE", "ok", 4),
        ("UPDATE_FAILED", "WaitFailed", 2),
        ("DELETE_IN_PROGRESS", "WaitFailed", 2),
    ),
    *rows(
        "gateway_routes_deleted",
        ("ACTIVE DELETE_IN_PROGRESS -", "ok", 0),
        ("DELETE_IN_PROGRESS DELETE_FAILED", "WaitFailed", 3, "is DELETE_FAILED"),
        ("-", "NotVisible", 0),
    ),
    *rows(
        "express_gateway_services_active",
        ("- ACTIVE", "ok", 2),
        ("INACTIVE ACTIVE", "ok", 2),
        ("DRAINING+asked", "WaitFailed", 2, "express gateway service a is DRAINING (asked)"),
    ),
    *rows(
        "express_gateway_services_inactive",
        ("ACTIVE DRAINING INACTIVE", "ok", 3),
        ("DRAINING -", "ok", 0),
        ("-", "NotVisible", 0),
    ),
]


@pytest.mark.parametrize("row", ROWS)
def test_timeline(row: Row) -> None:
    """A timeline has the verdict of its row, under both drivers, after that number of polls."""
    family = family_of(row.wait)
    arns = [family.arn(id_) for id_ in "abcdefgh"[: max(word.count("/") + 1 for word in row.timeline.split())]]
    run = run_both(family, row.timeline, lambda: flow_of(row.wait, arns, **row.options))
    assert run.verdict == row.verdict, str(run.error)
    assert run.looks == row.looks or not row.looks, [ask.now for ask in run.calls]
    for part in row.says.split(" | "):
        assert part in str(run.error)
    assert {ask.operation for ask in run.calls} == {family.operation}
    if run.result is not None:
        assert len(run.result) == len(arns)


def test_every_wait_has_timelines() -> None:
    """Each wait has rows."""
    assert sorted({row.values[0].wait for row in ROWS}) == sorted(OTHERS)


PENDING = {"clusters_inactive": "ACTIVE", "exec_agents_running": "PENDING", "container_instances_connected": "ACTIVE"}
"""States in which a wait continues; for the others the unknown status TOMORROW."""


@pytest.mark.parametrize("wait", OTHERS)
def test_errors_that_can_pass_are_no_observation(wait: str) -> None:
    """A failed request is neither an observation nor an absence; the timeout holds its error."""
    family, state = family_of(wait), PENDING.get(wait, "TOMORROW")
    words = f"{state} !throttle !500 !reset !timeout {state} !throttle"
    run = run_both(family, words, lambda: flow_of(wait, family.arn(), timeout=300))
    assert run.verdict == "WaitTimeout"
    assert run.elapsed == 300
    assert f"last error: {family_of(wait).operation}: ThrottlingException" in str(run.error)
    assert "MISSING" not in run.story.states


@pytest.mark.parametrize("wait", OTHERS)
@pytest.mark.parametrize(("word", "verdict"), [("!denied", NO_PERMISSION), ("!credentials", "CredentialsError")])
def test_a_denied_poll_ends_the_wait_with_its_story(wait: str, word: str, verdict: str) -> None:
    """The error is raised at once, and the wait can be resumed from its handle."""
    family, state = family_of(wait), PENDING.get(wait, "TOMORROW")
    run = run_both(family, f"{state} {word}", lambda: flow_of(wait, family.arn()))
    assert (run.verdict, run.looks) == (verdict, 2)
    assert run.story.handle.wait == wait
    assert [*run.story.handle.observed] == [family.arn()]


@pytest.mark.parametrize("wait", OTHERS)
def test_a_target_that_is_never_visible_has_the_grace(wait: str) -> None:
    """A target that was never visible is NotVisible when the grace ends, in waits for deletions, too."""
    family = family_of(wait)
    run = run_both(family, "-", lambda: flow_of(wait, family.arn(), visibility_grace=7.5))
    assert run.verdict in ("NotVisible", "TaskNotVisible")
    assert run.elapsed == 7.5
