"""The outcome of a stopped task: whether it succeeded, which container decided that, and where its logs are.

The outcome is computed from the task, and from its task definition if the caller passes it. Nothing is sent.

Source of the codes: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import RequestError
from ecskit._core.reasons import find, passes
from ecskit._core.wording import escaped, listed
from ecskit._logs.places import LogStream, streams_of
from ecskit._tasks.errors import TaskFailedError
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Container, Task

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["EssentialSource", "OutcomeKind", "TaskOutcome"]

OutcomeKind: TypeAlias = Literal[
    "SUCCEEDED",
    "EXITED",
    "OUT_OF_MEMORY",
    "FAILED_TO_START",
    "INTERRUPTED",
    "STOPPED_BY_USER",
    "STOPPED_BY_SCHEDULER",
    "NO_EXIT_CODE",
]
"""The ways in which a task can end. Only SUCCEEDED is success."""

EssentialSource: TypeAlias = Literal["caller", "task definition", "all containers"]
"""Where `TaskOutcome.essential` comes from. Without argument and task definition, all containers count."""

_BY_STOP_CODE: Mapping[str, OutcomeKind] = {
    "TaskFailedToStart": "FAILED_TO_START",
    "SpotInterruption": "INTERRUPTED",
    "TerminationNotice": "INTERRUPTED",
    "InfrastructureHealth": "INTERRUPTED",
    "UserInitiated": "STOPPED_BY_USER",
    "ServiceSchedulerInitiated": "STOPPED_BY_SCHEDULER",
}
_STOP_CODES = {137, 143}
"""Exit codes after SIGKILL and SIGTERM, which containers receive when another container has exited."""


@attrs.frozen(kw_only=True)
class TaskOutcome(Documented):
    """The outcome of a stopped task."""

    kind: OutcomeKind
    """How the task ended, such as `SUCCEEDED` or `EXITED`."""
    task: Task
    """The last observation of the task."""
    exit_codes: Mapping[str, int | None]
    """The exit code of each container; None for a container without one."""
    container: str | None
    """The container that failed; None if none failed, or the cause was outside the containers."""
    reasons: Sequence[str]
    """The reasons that ECS gives: that of the task first, then those of its containers."""
    essential: Sequence[str]
    """The containers whose exit codes count."""
    essential_source: EssentialSource
    """Where `essential` comes from."""
    retryable: bool
    """Whether the task may succeed when it is run again with nothing else changed, as after an interruption."""
    logs: Sequence[LogStream]
    """The log streams of containers that log to CloudWatch; empty without the task definition."""
    earlier: Sequence[TaskOutcome] = ()
    """The outcomes of the tasks in whose place this one was started, oldest first, if `retries` was passed."""

    @classmethod
    def of(
        cls, task: Task, *, essential: Collection[str] | None = None, definition: TaskDefinition | None = None
    ) -> TaskOutcome:
        """Return the outcome of a stopped task.

        Args:
            task: The task, with `last_status` STOPPED.
            essential: Names of the containers whose exit codes count; by default the essential containers of
                `definition`, or all containers without a definition.
            definition: The task definition of the task. It also locates the logs.

        Raises:
            RequestError: The task has not stopped, or has no container of a name in `essential`.
        """
        if task.last_status not in ("STOPPED", "DELETED"):
            problem = f"expected a STOPPED task, got one that is {task.last_status}"
            raise RequestError("TaskOutcome", [("task", problem)])
        names, source = _essential(task, essential, definition)
        counted = [container for container in task.containers if container.name in names]
        kind, failed = _verdict(task, counted, complete=len(counted) == len(names), known=source != "all containers")
        reasons = [f"container {c.name}: {c.reason}" for c in task.containers if c.reason]
        if task.stopped_reason:
            reasons.insert(0, task.stopped_reason)
        given = (task.stopped_reason, *(container.reason for container in task.containers))
        passing = kind in {"FAILED_TO_START", "NO_EXIT_CODE"} and passes(*given, general=True)
        return cls(
            kind=kind,
            task=task,
            exit_codes={container.name or "": container.exit_code for container in task.containers},
            container=failed.name if failed else None,
            reasons=reasons,
            essential=names,
            essential_source=source,
            retryable=kind == "INTERRUPTED" or passing,
            logs=streams_of(task, definition) if definition else (),
        )

    @property
    def succeeded(self) -> bool:
        """Whether the task succeeded: all containers that count exited with code 0."""
        return self.kind == "SUCCEEDED"

    # `succeeded` cannot narrow this to int: pyright narrows no object by the truth of its property, and mypy narrows
    # only a union of classes, which TaskOutcome would have to become. After success the code is 0.
    @property
    def exit_code(self) -> int | None:
        """The exit code of the container that failed, None if it has none; 0 after success.

        `sys.exit(None)` means success, so a program ends with `sys.exit(0 if outcome.succeeded else outcome.exit_code
        or 1)`.
        """
        return 0 if self.succeeded else self.exit_codes.get(self.container or "")

    @property
    def attempts(self) -> Sequence[TaskOutcome]:
        """The outcomes of all attempts, oldest first; the last one is this outcome."""
        return (*self.earlier, self)

    @property
    def summary(self) -> str:
        """The outcome in one line."""
        task = self.task
        definition = f" of {task.task_definition_arn.rsplit('/', 1)[-1]}" if task.task_definition_arn else ""
        code = f" with code {self.exit_code}" if self.container and self.exit_code is not None else ""
        details = [f"container {self.container}"] if self.container else []
        own = [c.reason for c in task.containers if self.container and c.name == self.container and c.reason]
        reasons = own or self.reasons
        details += [f'"{"; ".join(reasons)}"'] if reasons and not self.succeeded else []
        detail = f" ({': '.join(details)})" if details else ""
        text = escaped(f"task {task.task_arn.rsplit('/', 1)[-1]}{definition} {self.kind}{code}{detail}")
        earlier = [attrs.evolve(each, earlier=()).summary for each in self.earlier]
        return f"{text}, in place of {listed(earlier, 3)}" if earlier else text

    def __str__(self) -> str:
        return self.summary

    def raise_for_outcome(self) -> Self:
        """Return this outcome if the task succeeded.

        Raises:
            TaskFailedError: The task did not succeed; the error holds this outcome.
        """
        if not self.succeeded:
            raise TaskFailedError([self])
        return self


def _essential(
    task: Task, essential: Collection[str] | None, definition: TaskDefinition | None
) -> tuple[list[str], EssentialSource]:
    """Return the names of the containers whose exit codes count, and where they come from."""
    names = [container.name for container in task.containers if container.name]
    if essential is not None:
        if isinstance(essential, str):
            problem = f"expected names of containers, got a str; pass [{essential!r}]"
            raise RequestError("TaskOutcome", [("essential", problem)])
        unknown = [name for name in essential if names and name not in names]
        if unknown:
            problem = f"{unknown[0]!r} is not a container of the task; it has {', '.join(names)}"
            raise RequestError("TaskOutcome", [("essential", problem)])
        return list(dict.fromkeys(essential)), "caller"
    if definition is None:
        return names, "all containers"
    defined = definition.container_definitions
    # A container is essential by default.
    return [c.name for c in defined if c.name and c.essential is not False], "task definition"


def _verdict(
    task: Task, counted: Sequence[Container], *, complete: bool, known: bool
) -> tuple[OutcomeKind, Container | None]:
    """Return the kind of outcome, and the container that failed, if one did."""
    by_code = _BY_STOP_CODE.get(task.stop_code or "")
    if by_code == "FAILED_TO_START":
        return by_code, next((container for container in task.containers if container.reason), None)
    if find(task.stopped_reason, "interruption"):
        return "INTERRUPTED", None
    if by_code:
        return by_code, None
    failed = [container for container in counted if container.exit_code]
    own = [c for c in failed if c.exit_code not in _STOP_CODES or _is_out_of_memory(c)]
    if known and any(container.exit_code == 0 for container in counted):
        # An essential container exited with 0, and ECS stopped the others. If the essential containers are unknown,
        # the container that exited with 0 may be a sidecar, and the stop codes count.
        failed = own
    if failed:
        first = next((c for c in failed if c.exit_code not in _STOP_CODES), (own or failed)[0])
        return ("OUT_OF_MEMORY" if _is_out_of_memory(first) else "EXITED"), first
    without_code = next((container for container in counted if container.exit_code is None), None)
    if without_code or not counted or not complete:
        return "NO_EXIT_CODE", without_code
    return "SUCCEEDED", None


def _is_out_of_memory(container: Container) -> bool:
    return container.exit_code == 137 and "outofmemory" in (container.reason or "").lower()
