"""The value of an explanation: a heading, the findings, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import escaped
from ecskit._explain.finding import Finding
from ecskit._explain.task import findings_of_task, short
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["Diagnosis"]


@attrs.frozen(kw_only=True)
class Diagnosis(Documented):
    """Why a task or a service failed, as far as ECS shows it. `print` shows it as text."""

    subject: str
    """What it is about: the id of a task, or the name of a service."""
    summary: str
    """The state of the subject, in one line."""
    findings: Sequence[Finding]
    """The findings, the one that explains most first. Empty if ECS shows nothing that is wrong."""
    notes: Sequence[str] = ()
    """What could not be read, and why."""

    @classmethod
    def of_task(
        cls,
        task: Task,
        *,
        definition: TaskDefinition | None = None,
        log_lines: Iterable[str] = (),
        notes: Sequence[str] = (),
    ) -> Diagnosis:
        """Return why a task stopped or is unhealthy. Nothing is sent.

        Args:
            task: The task.
            definition: Its task definition. Without it, all containers count as essential.
            log_lines: The last log lines of its containers. Lines are compared with the table, and not kept.
            notes: What could not be read, and why.
        """
        findings = findings_of_task(task, definition=definition, log_lines=log_lines)
        return cls(subject=short(task.task_arn), summary=_state_of(task), findings=findings, notes=notes)

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
        return "\n".join([*lines, *(f"  Note: {escaped(note)}" for note in self.notes)])


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
