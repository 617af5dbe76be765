"""Mistakes in what is read from answers and put into requests."""

from __future__ import annotations

import attrs

from ecskit import errors, models
from ecskit.models import Container, ContainerDefinition, RunTaskResponse, Tag, Task


def reading(response: RunTaskResponse, task: Task, container: Container) -> None:
    print(response.task)  # E: attr-defined / reportAttributeAccessIssue
    print(response["tasks"])  # E: index / reportIndexIssue
    print(task.taskArn)  # E: attr-defined / reportAttributeAccessIssue
    print(task.last_statu)  # E: attr-defined / reportAttributeAccessIssue
    print(container.exit_code + 1)  # E: operator / reportOptionalOperand
    print(task.started_at.isoformat())  # E: union-attr / reportOptionalMemberAccess


def changing(task: Task) -> None:
    task.stopped_reason = "none"  # E: misc / reportAttributeAccessIssue
    task.tags.append(Tag(key="team"))  # E: attr-defined / reportAttributeAccessIssue
    attrs.evolve(task, last_statu="RUNNING")  # E: call-arg / -


def building() -> None:
    ContainerDefinition(name="app", image="nginx", comand=["sh"])  # E: call-arg / reportCallIssue
    ContainerDefinition(name="app", cpu="256")  # E: arg-type / reportArgumentType
    ContainerDefinition(name="app", command="sh")  # E: arg-type / reportArgumentType
    models.RunTasksRequest()  # E: attr-defined / reportAttributeAccessIssue
    models.PortMapping(container_port=80, protocol="tpc")  # E: arg-type / reportArgumentType


def names() -> None:
    try:
        pass
    except errors.ClusterNotFound:  # E: attr-defined / reportAttributeAccessIssue
        pass
