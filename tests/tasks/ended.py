"""Tasks that have stopped, in as few words as tables want."""

from __future__ import annotations

from typing import Any

from ecskit.models import Container, ContainerDefinition, Task, TaskDefinition

ID = "a"
ARN = f"arn:aws:ecs:us-east-1:123456789012:task/prod/{ID}"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/job:1"
KILLED = "OutOfMemoryError: Container killed due to memory usage"


def app(exit_code: int | None, name: str = "app", **members: Any) -> Container:
    """Return a container that has stopped."""
    return Container(name=name, exit_code=exit_code, last_status="STOPPED", **members)


def ended(*containers: Container, **members: Any) -> Task:
    """Return a task that has stopped."""
    shown: dict[str, Any] = {
        "task_arn": ARN,
        "last_status": "STOPPED",
        "desired_status": "STOPPED",
        "task_definition_arn": DEFINITION,
        "stop_code": "EssentialContainerExited",
        "containers": list(containers),
        **members,
    }
    return Task(**shown)


def containers_of(words: str) -> list[Container]:
    """Return containers from words: `name=code`, `name!` for 137 for want of memory, `name-` without a code."""
    made: list[Container] = []
    for word in words.split():
        name, equals, code = word.partition("=")
        if equals:
            made.append(app(int(code), name))
        else:
            out_of_memory = word.endswith("!")
            made.append(app(137, word[:-1], reason=KILLED) if out_of_memory else app(None, word[:-1]))
    return made


def essential_of(words: str, *essential: str) -> TaskDefinition:
    """Return a definition of the containers in words and of those that are essential."""
    names = dict.fromkeys([*(word.rstrip("-!").partition("=")[0] for word in words.split()), *essential])
    containers = [ContainerDefinition(name=name, essential=name in essential) for name in names]
    return defined(*containers)


def defined(*containers: ContainerDefinition) -> TaskDefinition:
    """Return the task definition of these tasks."""
    return TaskDefinition(task_definition_arn=DEFINITION, family="job", revision=1, container_definitions=containers)
