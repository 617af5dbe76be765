"""The lifecycle of one task: the steps at which its statuses, timestamps, exit codes and stop code change.

A step holds the members that change. The state at a moment is all steps up to it, applied in order, so reads can show
the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator.task_script import SIGKILL_EXIT_CODE, TaskScript
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seconds from STOPPED until ECS no longer shows a task.
PURGED_AFTER = 3600.0

# The members that `TaskScript.stop_details_after` delays.
_STOP_DETAILS = frozenset({"stopCode", "stoppedReason", "stoppedAt"})
_EXIT_DETAILS = frozenset({"exitCode", "reason"})

_NOTHING: Mapping[str, Any] = MappingProxyType({})
"""Shared by all steps that change nothing there: there are thousands of tasks with ten steps each."""


@attrs.frozen(kw_only=True)
class ContainerPlan:
    """The properties of one container that its steps depend on.

    Args:
        name: Its name.
        essential: Whether its exit ends the task.
        stop_timeout: Seconds between SIGTERM and SIGKILL.
        has_health_check: Whether it has a health check.
        when_attached: Members that it gets with the network interface.
        when_running: Members that it gets when it starts.
    """

    name: str
    essential: bool
    stop_timeout: float
    has_health_check: bool
    when_attached: Wire
    when_running: Wire


@attrs.frozen(kw_only=True)
class TaskPlan:
    """The properties of one task that its steps depend on.

    Args:
        script: Its script.
        fargate: Whether it runs on Fargate, which has other default durations.
        containers: Its containers.
        interface_details: The details of its network interface after it is attached; None if it has none.
        has_exec_agent: Whether its containers have the agent of ECS Exec.
    """

    script: TaskScript
    fargate: bool
    containers: tuple[ContainerPlan, ...]
    interface_details: list[dict[str, str]] | None
    has_exec_agent: bool

    @property
    def first_essential(self) -> str:
        """The name of the first essential container."""
        return next(container.name for container in self.containers if container.essential)


@attrs.frozen(kw_only=True)
class Step:
    """The changes at one moment.

    Args:
        at: The moment, in seconds since the epoch.
        task: Members of the task that get new values.
        containers: The same for containers, by name.
        interface: The same for the attachment of the network interface.
        counts: Whether the step increments the task's `version`.
    """

    at: float
    task: Mapping[str, Any] = _NOTHING
    containers: Mapping[str, Wire] = _NOTHING
    interface: Mapping[str, Any] = _NOTHING
    counts: bool = True


@attrs.frozen
class Snapshot:
    """The changing members of a task at one moment."""

    task: Wire
    containers: dict[str, Wire]
    interface: Wire


def snapshot(steps: Sequence[Step], at: float) -> Snapshot:
    """Return the state at a moment. Before the first step it is the state of the first step."""
    seen = [step for step in steps if step.at <= at] or list(steps[:1])
    task: Wire = {}
    containers: dict[str, Wire] = {}
    interface: Wire = {}
    for step in seen:
        task.update(step.task)
        interface.update(step.interface)
        for name, members in step.containers.items():
            containers.setdefault(name, {}).update(members)
    task["version"] = sum(step.counts for step in seen)
    return Snapshot(task, containers, interface)


def latest(steps: Sequence[Step], at: float, member: str) -> Any:
    """Return one member of the task at a moment, or None if absent."""
    for step in reversed(steps):
        if step.at <= at and member in step.task:
            return step.task[member]
    return None


def purged_at(steps: Sequence[Step]) -> float | None:
    """Return when ECS stops showing the task, or None while it has no end."""
    return steps[-1].at + PURGED_AFTER if steps[-1].task.get("lastStatus") == "STOPPED" else None


def scripted_lifecycle(plan: TaskPlan, created: float) -> tuple[Step, ...]:
    """Return all steps of a task that is not stopped from outside its script."""
    script = plan.script
    ready = created + script.seconds_to_start(fargate=plan.fargate)
    if script.start_failure is not None:
        steps = _starting(plan, created, ready)[:-1]
        return (*steps, *_delay_details(plan, _failing_to_start(plan, steps, ready, script.start_failure)))
    steps = _starting(plan, created, ready)
    if script.run_time is None:
        return (*steps, *_health_reports(plan, ready))
    end = ready + script.run_time
    steps = (*steps, *(step for step in _health_reports(plan, ready) if step.at < end))
    names = [container.name for container in plan.containers]
    exits = {name: code for name, code in script.own_exits(plan.first_essential).items() if name in names}
    if script.stop_code == "EssentialContainerExited" and not _ends_task(plan, exits):
        return (*steps, Step(at=end, containers=_own_exits(plan, exits))) if exits else steps
    ending = _ending(plan, steps, end, exits, stop_code=script.stop_code, reason=script.ending_reason)
    if not script.reports_exit_codes:
        ending = tuple(_split(step, containers=frozenset({"exitCode"}))[0] for step in ending)
    return (*steps, *_delay_details(plan, ending))


def stopped_lifecycle(
    plan: TaskPlan, steps: tuple[Step, ...], at: float, *, stop_code: str, reason: str
) -> tuple[Step, ...]:
    """Return the steps of a task that is stopped at a moment. They are unchanged if it is already stopping."""
    if latest(steps, at, "desiredStatus") == "STOPPED":
        return steps
    past = tuple(step for step in steps if step.at <= at)
    return (*past, *_delay_details(plan, _ending(plan, past, at, {}, stop_code=stop_code, reason=reason)))


def _starting(plan: TaskPlan, created: float, ready: float) -> tuple[Step, ...]:
    """Return the steps from the launch to RUNNING, RUNNING last."""

    def after(share: float) -> float:
        return created + (ready - created) * share

    pulling, pulled = after(0.5), after(0.85)
    first: Wire = {
        "lastStatus": "PENDING" if plan.interface_details is None else "PROVISIONING",
        "desiredStatus": "RUNNING",
        "createdAt": timestamp(created),
    }
    # The examples of run-task in the CLI reference have neither health nor network bindings.
    connected: Wire = {
        "lastStatus": "PENDING",
        "connectivity": "CONNECTED",
        "connectivityAt": timestamp(after(0.35)),
        "healthStatus": "UNKNOWN",
    }
    reported: Wire = {"healthStatus": "UNKNOWN", "networkBindings": []}
    pulls: Wire = {"pullStartedAt": timestamp(pulling), "pullStoppedAt": timestamp(pulled)}
    return (
        Step(
            at=created,
            task=first,
            containers={container.name: _new(plan) for container in plan.containers},
            interface={"status": "PRECREATED"},
        ),
        Step(
            at=after(0.35),
            task=connected,
            containers={container.name: {**container.when_attached, **reported} for container in plan.containers},
            interface={"status": "ATTACHED", "details": plan.interface_details},
        ),
        # Running tasks have the version 3 (recorded 2018 and 2023), and healthy ones 4 (published 2023 and 2026).
        Step(at=pulled, task={"lastStatus": "ACTIVATING", **pulls}, counts=False),
        Step(
            at=ready,
            task={"lastStatus": "RUNNING", "startedAt": timestamp(ready)},
            containers={
                container.name: {
                    "lastStatus": "RUNNING",
                    **container.when_running,
                    **_agent(plan, plan.script.exec_agent, ready),
                }
                for container in plan.containers
            },
        ),
    )


def _new(plan: TaskPlan) -> Wire:
    return {"lastStatus": "PENDING", **_agent(plan, "PENDING")}


def _agent(plan: TaskPlan, status: str, started: float | None = None) -> Wire:
    if not plan.has_exec_agent:
        return {}
    agent: Wire = {"name": "ExecuteCommandAgent", "lastStatus": status}
    if started is not None and status == "RUNNING":
        agent["lastStartedAt"] = timestamp(started)
    return {"managedAgents": [agent]}


def _health_reports(plan: TaskPlan, ready: float) -> tuple[Step, ...]:
    checked = [container for container in plan.containers if container.has_health_check]
    if not checked:
        return ()
    counts_for_task = any(container.essential for container in checked)
    return tuple(
        Step(
            at=ready + seconds,
            task={"healthStatus": health} if counts_for_task else {},
            containers={container.name: {"healthStatus": health} for container in checked},
        )
        for seconds, health in plan.script.health_reports()
    )


def _ends_task(plan: TaskPlan, exits: Mapping[str, int]) -> bool:
    return any(container.essential and container.name in exits for container in plan.containers)


def _exited(plan: TaskPlan, exits: Mapping[str, int]) -> dict[str, Wire]:
    return {
        name: {"lastStatus": "STOPPED", "exitCode": code, **_agent(plan, "STOPPED")} for name, code in exits.items()
    }


def _own_exits(plan: TaskPlan, exits: Mapping[str, int]) -> dict[str, Wire]:
    """Return the changes of containers that exit by themselves, with their reasons."""
    exited = _exited(plan, exits)
    for name, members in exited.items():
        reason = plan.script.exit_reason(name, plan.first_essential)
        if reason is not None:
            members["reason"] = reason
    return exited


def _failing_to_start(plan: TaskPlan, past: Sequence[Step], at: float, reason: str) -> tuple[Step, ...]:
    steps = _ending(plan, past, at, {}, stop_code="TaskFailedToStart", reason=reason)
    blamed = {plan.first_essential: {**steps[-1].containers[plan.first_essential], "reason": reason}}
    return (*steps[:-1], attrs.evolve(steps[-1], containers={**steps[-1].containers, **blamed}))


def _ending(
    plan: TaskPlan, past: Sequence[Step], at: float, exits: Mapping[str, int], *, stop_code: str, reason: str
) -> tuple[Step, ...]:
    """Return the steps from the decision to stop, at `at`, to STOPPED.

    `exits` has the exit codes of containers that exit by themselves. The others are sent SIGTERM if they run.
    """
    decision: Wire = {
        "desiredStatus": "STOPPED",
        "stopCode": stop_code,
        "stoppedReason": reason,
        "stoppingAt": timestamp(at),
    }
    before = snapshot(past, at)
    seconds = plan.script.seconds_to_stop(fargate=plan.fargate)
    deprovisions = plan.interface_details is not None
    decided = Step(at=at, task=decision, containers=_own_exits(plan, exits))
    if before.task["lastStatus"] != "RUNNING":
        never_ran = {container.name: {"lastStatus": "STOPPED"} for container in plan.containers}
        middle = (Step(at=at + 0.2 * seconds, task={"lastStatus": "DEPROVISIONING"}),) if deprovisions else ()
        return (decided, *middle, _stopped(at + seconds, never_ran))

    signalled = {
        container.name: plan.script.sigterm_exit(container.name)
        for container in plan.containers
        if container.name not in exits and before.containers[container.name]["lastStatus"] != "STOPPED"
    }
    stopping = at + 0.2 * seconds
    exited = stopping + (0.4 if deprovisions else 0.8) * seconds
    if SIGKILL_EXIT_CODE in signalled.values():
        exited = stopping + max(
            container.stop_timeout
            for container in plan.containers
            if signalled.get(container.name) == SIGKILL_EXIT_CODE
        )
    ended = _exited(plan, signalled)
    execution_stopped: Wire = {"executionStoppedAt": timestamp(exited)}
    steps = (
        decided,
        Step(at=at + 0.1 * seconds, task={"lastStatus": "DEACTIVATING"}),
        Step(at=stopping, task={"lastStatus": "STOPPING"}),
    )
    if not deprovisions:
        return (*steps, _stopped(exited, ended, execution_stopped))
    deprovisioning = Step(at=exited, task={"lastStatus": "DEPROVISIONING", **execution_stopped}, containers=ended)
    return (*steps, deprovisioning, _stopped(exited + 0.4 * seconds))


def _stopped(at: float, containers: Mapping[str, Wire] | None = None, task: Wire | None = None) -> Step:
    return Step(
        at=at,
        task={"lastStatus": "STOPPED", "stoppedAt": timestamp(at), **(task or {})},
        containers=containers or _NOTHING,
        interface={"status": "DELETED"},
    )


def _delay_details(plan: TaskPlan, ending: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps of an end. If the script delays stop details and exit codes, they are in a step of their own."""
    if not plan.script.stop_details_after:
        return ending
    task: Wire = {"lastStatus": "STOPPED"}
    containers: dict[str, Wire] = {}
    kept: list[Step] = []
    for step in ending:
        rest, details = _split(step, _STOP_DETAILS, _EXIT_DETAILS)
        kept.append(rest)
        task.update(details.task)
        for name, members in details.containers.items():
            containers.setdefault(name, {}).update(members)
    return (*kept, Step(at=ending[-1].at + plan.script.stop_details_after, task=task, containers=containers))


def _split(
    step: Step, task: frozenset[str] = frozenset(), containers: frozenset[str] = frozenset()
) -> tuple[Step, Step]:
    """Return a step without the given members of the task and its containers, and a step with these members alone."""
    rest, picked = _divide(step.task, task)
    divided = {name: _divide(members, containers) for name, members in step.containers.items()}
    return (
        attrs.evolve(step, task=rest, containers={name: without for name, (without, _) in divided.items()}),
        attrs.evolve(step, task=picked, containers={name: only for name, (_, only) in divided.items()}),
    )


def _divide(members: Mapping[str, Any], names: frozenset[str]) -> tuple[Wire, Wire]:
    return (
        {name: value for name, value in members.items() if name not in names},
        {name: value for name, value in members.items() if name in names},
    )
