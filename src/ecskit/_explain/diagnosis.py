"""The value of an explanation: a heading, the findings, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import EcsError, FailuresError, ServiceError, described
from ecskit._core.wording import escaped
from ecskit._explain.finding import Evidence, Finding, merged
from ecskit._explain.service import findings_of_service, state_of_service
from ecskit._explain.table import row_of
from ecskit._explain.task import findings_of_task, optional_containers, short
from ecskit.models.services import Service
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["Diagnosis"]


@attrs.frozen(kw_only=True)
class Diagnosis(Documented):
    """Why a task, a service or a deployment failed, as far as ECS shows it. `print` shows it as text."""

    subject: str
    """What it is about: the id of a task, the name of a service, or the id of a deployment."""
    summary: str
    """The state of the subject, in one line."""
    findings: Sequence[Finding]
    """The findings, the one that explains most first. Empty if ECS shows nothing that is wrong."""
    notes: Sequence[str] = ()
    """What could not be read, and why."""
    log_lines: Sequence[str] = attrs.field(default=(), repr=False)
    """The last log lines, if the caller asked for them: `container | text`. They may hold secrets."""

    @classmethod
    def of_task(
        cls,
        task: Task,
        *,
        definition: TaskDefinition | None = None,
        log_lines: Iterable[str] = (),
        notes: Sequence[str] = (),
    ) -> Diagnosis:
        """Return why a task stopped, does not run yet, or is unhealthy. Nothing is sent.

        Args:
            task: The task.
            definition: Its task definition. Without it, all containers count as essential.
            log_lines: The last log lines of its containers. Lines are compared with the table, and not kept.
            notes: What could not be read, and why.
        """
        findings = findings_of_task(task, optional=optional_containers(definition), log_lines=log_lines)
        return cls(subject=short(task.task_arn), summary=_state_of(task), findings=findings, notes=notes)

    @classmethod
    def of_service(
        cls,
        service: Service,
        stopped: Sequence[Task] = (),
        *,
        running: Sequence[Task] = (),
        definitions: Mapping[str, TaskDefinition] | None = None,
        notes: Sequence[str] = (),
    ) -> Diagnosis:
        """Return why tasks of a service stopped, are unhealthy or are not placed. Nothing is sent.

        Args:
            service: The service, with its events.
            stopped: Its stopped tasks. They are counted by finding, not listed.
            running: Its tasks that run or start.
            definitions: Their task definitions, by ARN. Without them, all containers count as essential.
            notes: What could not be read, and why.
        """
        optional = {arn: optional_containers(definition) for arn, definition in (definitions or {}).items()}
        findings = findings_of_service(service.events, stopped, optional, running)
        summary = state_of_service(service, stopped)
        return cls(subject=service.service_name, summary=summary, findings=findings, notes=notes)

    @classmethod
    def of_error(cls, error: EcsError) -> Diagnosis:
        """Return why a call failed: by the error that ECS returned, or by the `failures` in its response.

        Args:
            error: An error of ecskit, such as `TasksNotStarted`.
        """
        texts: list[str] = []
        if isinstance(error, FailuresError):
            texts += [": ".join(filter(None, (each.reason, each.detail))) for each in error.failures]
        if isinstance(error, ServiceError):
            texts.append(f"{error.code}: {error.message}")
        found = [row.finding(Evidence("call", text)) for text in texts if (row := row_of("call", text))]
        subject = getattr(error, "operation", type(error).__name__)
        return cls(subject=subject, summary=described(error), findings=merged(found))

    @property
    def first(self) -> Finding | None:
        """The finding that explains most; None if there is none."""
        return self.findings[0] if self.findings else None

    def __str__(self) -> str:
        lines = [escaped(self.summary)]
        for finding in self.findings:
            lines += finding.lines()
        if not self.findings:
            lines.append("  ECS shows nothing that is wrong.")
        lines += [f"  Note: {escaped(note)}" for note in self.notes]
        if self.log_lines:
            lines += ["  The last log lines:", *(f"    {line}" for line in self.log_lines)]
        return "\n".join(lines)


def _state_of(task: Task) -> str:
    """Return the state of a task in one line."""
    definition = f" of {short(task.task_definition_arn)}" if task.task_definition_arn else ""
    name = f"task {short(task.task_arn)}{definition}"
    if task.last_status not in ("STOPPED", "DELETED"):
        return f"{name} is {task.last_status}, and not stopped."
    if task.stop_code == "TaskFailedToStart":
        return f"{name} failed to start."
    codes = ", ".join(f"{c.name}: {c.exit_code}" for c in task.containers if c.exit_code is not None)
    return f"{name} stopped ({task.stop_code or 'no stop code'}{f'; exit codes {codes}' if codes else ''})."
