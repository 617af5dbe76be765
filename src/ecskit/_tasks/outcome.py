"""How a task ended, as a value: a pure function of what ECS shows of it.

Decides what counts as success and who is to blame. Asks ECS nothing: the task definition, which says which containers
are essential and where their logs are, is handed in.

Source of the codes: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from ecskit._core.errors import RequestError
from ecskit._tasks.errors import TaskFailedError
from ecskit._tasks.reasons import is_passing
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Container, Task

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LogStream", "OutcomeKind", "TaskOutcome"]

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

JudgedBy: TypeAlias = Literal["caller", "task definition", "all containers"]
"""Who says which containers count: the caller, the definition's essential ones, or nobody, so that all do."""

_BY_STOP_CODE: Mapping[str, OutcomeKind] = {
    "TaskFailedToStart": "FAILED_TO_START",
    "SpotInterruption": "INTERRUPTED",
    "TerminationNotice": "INTERRUPTED",
    "InfrastructureHealth": "INTERRUPTED",
    "UserInitiated": "STOPPED_BY_USER",
    "ServiceSchedulerInitiated": "STOPPED_BY_SCHEDULER",
}
_HOST_GONE = re.compile(r"host ec2 .*terminated", re.IGNORECASE)
_TOLD_TO_STOP = {137, 143}
"""Exit codes of containers that are mostly stopped because another one has exited: SIGKILL and SIGTERM."""


@attrs.frozen
class LogStream:
    """Where in CloudWatch Logs a container wrote."""

    container: str
    group: str
    stream: str
    region: str | None = None

    def __str__(self) -> str:
        return f"group {self.group}, stream {self.stream}"


@attrs.frozen(kw_only=True)
class TaskOutcome:
    """How a task ended."""

    kind: OutcomeKind
    task: Task
    """The task as it was last seen."""
    exit_codes: Mapping[str, int | None]
    """The exit code of each container; None of one that has none."""
    container: str | None
    """The container that decided: the one that failed, None where none did or none can be blamed."""
    reasons: Sequence[str]
    """What ECS says about it, the task's reason first, then those of its containers."""
    judged: Sequence[str]
    """The containers whose exit codes count."""
    judged_by: JudgedBy
    retryable: bool
    """Whether running it again may end better with nothing else changed: after an interruption, for example."""
    logs: Sequence[LogStream]
    """The log streams of the containers, where they log to CloudWatch and the task definition is known."""

    @classmethod
    def of(
        cls, task: Task, *, essential: Collection[str] | None = None, definition: TaskDefinition | None = None
    ) -> TaskOutcome:
        """Judge a task that has stopped.

        Args:
            task: The task, with `last_status` STOPPED.
            essential: Names of the containers whose exit codes count; by default the essential ones of `definition`,
                or without one all of them.
            definition: Its task definition, which also tells where its logs are.

        Raises:
            RequestError: The task has not stopped, or a name in `essential` is not one of its containers.
        """
        if task.last_status not in ("STOPPED", "DELETED"):
            problem = f"is {task.last_status}: only a task that has stopped has an outcome"
            raise RequestError("TaskOutcome", [("task", problem)])
        names, judged_by = _judged(task, essential, definition)
        judged = [container for container in task.containers if container.name in names]
        kind, culprit = _verdict(task, judged, complete=len(judged) == len(names), known=judged_by != "all containers")
        reasons = [f"container {c.name}: {c.reason}" for c in task.containers if c.reason]
        told = [task.stopped_reason, *reasons] if task.stopped_reason else reasons
        passing = kind in {"FAILED_TO_START", "NO_EXIT_CODE"} and is_passing(" ".join(told))
        return cls(
            kind=kind,
            task=task,
            exit_codes={container.name or "": container.exit_code for container in task.containers},
            container=culprit.name if culprit else None,
            reasons=told,
            judged=names,
            judged_by=judged_by,
            retryable=kind == "INTERRUPTED" or passing,
            logs=_log_streams(task, definition) if definition else (),
        )

    @property
    def succeeded(self) -> bool:
        """Whether the task did what it was run for."""
        return self.kind == "SUCCEEDED"

    @property
    def exit_code(self) -> int | None:
        """The exit code of the container that decided, 0 after success."""
        return 0 if self.succeeded else self.exit_codes.get(self.container or "")

    @property
    def told(self) -> str:
        """The outcome in a line."""
        task = self.task
        definition = f" of {task.task_definition_arn.rsplit('/', 1)[-1]}" if task.task_definition_arn else ""
        code = f" with code {self.exit_code}" if self.container and self.exit_code is not None else ""
        why = [f"container {self.container}"] if self.container else []
        own = [c.reason for c in task.containers if self.container and c.name == self.container and c.reason]
        said = own or self.reasons
        why += [f'"{"; ".join(said)}"'] if said and not self.succeeded else []
        detail = f" ({': '.join(why)})" if why else ""
        return f"task {task.task_arn.rsplit('/', 1)[-1]}{definition} {self.kind}{code}{detail}"

    def __str__(self) -> str:
        return self.told

    def raise_for_outcome(self) -> Self:
        """Return this outcome if the task succeeded.

        Raises:
            TaskFailedError: It did not.
        """
        if not self.succeeded:
            raise TaskFailedError([self])
        return self


def _judged(
    task: Task, essential: Collection[str] | None, definition: TaskDefinition | None
) -> tuple[list[str], JudgedBy]:
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
    # A container is essential unless its definition says otherwise.
    return [c.name for c in defined if c.name and c.essential is not False], "task definition"


def _verdict(
    task: Task, judged: Sequence[Container], *, complete: bool, known: bool
) -> tuple[OutcomeKind, Container | None]:
    """Return how the task ended and the container that is to blame, if one is."""
    by_code = _BY_STOP_CODE.get(task.stop_code or "")
    if by_code == "FAILED_TO_START":
        return by_code, next((container for container in task.containers if container.reason), None)
    if _HOST_GONE.search(task.stopped_reason or ""):
        return "INTERRUPTED", None
    if by_code:
        return by_code, None
    failed = [container for container in judged if container.exit_code]
    own = [c for c in failed if c.exit_code not in _TOLD_TO_STOP or _is_out_of_memory(c)]
    if known and any(container.exit_code == 0 for container in judged):
        # One that matters ended as it should, whereupon the rest were told to stop. Where nobody says which ones
        # matter, it may be one that does not.
        failed = own
    if failed:
        culprit = next((c for c in failed if c.exit_code not in _TOLD_TO_STOP), (own or failed)[0])
        return ("OUT_OF_MEMORY" if _is_out_of_memory(culprit) else "EXITED"), culprit
    without_code = next((container for container in judged if container.exit_code is None), None)
    if without_code or not judged or not complete:
        return "NO_EXIT_CODE", without_code
    return "SUCCEEDED", None


def _is_out_of_memory(container: Container) -> bool:
    return container.exit_code == 137 and "outofmemory" in (container.reason or "").lower()


def _log_streams(task: Task, definition: TaskDefinition) -> list[LogStream]:
    """Return where the containers log.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    streams: list[LogStream] = []
    seen = {container.name: container for container in task.containers}
    for container in definition.container_definitions:
        log = container.log_configuration
        group = log.options.get("awslogs-group") if log and log.log_driver == "awslogs" else None
        if log is None or group is None or container.name is None:
            continue
        prefix = log.options.get("awslogs-stream-prefix")
        task_id = task.task_arn.rsplit("/", 1)[-1]
        # Without a prefix, which only instances allow, the stream has the container runtime's name of the container.
        runtime_id = seen[container.name].runtime_id if container.name in seen else None
        stream = f"{prefix}/{container.name}/{task_id}" if prefix else runtime_id
        if stream:
            streams.append(LogStream(container.name, group, stream, log.options.get("awslogs-region")))
    return streams
