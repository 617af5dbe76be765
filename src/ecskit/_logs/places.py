"""Where the log lines of a task are, by the log drivers of its task definition. Nothing is sent.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import escaped
from ecskit.models.task_definitions import ContainerDefinition, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["LogPlace", "LogStream", "LogsElsewhere", "log_places", "streams_of"]


@attrs.frozen
class LogStream(Documented):
    """The log stream of a container in CloudWatch Logs."""

    container: str
    """Name of the container."""
    group: str
    """Name of the log group, or its ARN if the task definition names it so."""
    stream: str
    """Name of the log stream."""
    region: str | None = None
    """Region of the log group, if the log driver or the ARN of the group names one."""

    def __str__(self) -> str:
        return f"group {self.group}, stream {self.stream}"


@attrs.frozen
class LogsElsewhere(Documented):
    """A container whose log lines cannot be read from CloudWatch Logs."""

    container: str
    """Name of the container."""
    driver: str | None
    """Its log driver; None if the task definition names none."""
    reason: str
    """Why, and where to look instead."""

    def __str__(self) -> str:
        return escaped(f"container {self.container}: {self.reason}")


LogPlace = LogStream | LogsElsewhere
"""Where the lines of a container are."""

_INSTANCE = "it keeps the lines on the container instance; read them there"
_ELSEWHERE: Mapping[str, str] = {
    "fluentd": "it sends the lines to the address in its option fluentd-address; read them there",
    "gelf": "it sends the lines to the address in its option gelf-address; read them there",
    "journald": f"{_INSTANCE} with `journalctl`",
    "json-file": f"{_INSTANCE} with `docker logs`",
    "logentries": "it sends the lines to Rapid7; read them there",
    "splunk": "it sends the lines to the Splunk instance in its option splunk-url; read them there",
    "syslog": "it sends the lines to the address in its option syslog-address; read them there",
}
"""Where to look, by log driver. The values of options may be secrets, so they are left out."""
_LITERAL = {"cloudwatch", "cloudwatch_logs"}
"""Outputs of Fluent Bit that send to CloudWatch Logs."""


def log_places(task: Task, definition: TaskDefinition) -> list[LogPlace]:
    """Return where the log lines of the containers of a task are, in the order of the task definition.

    A container without `awslogs-stream-prefix`, which only EC2 allows, has its stream named by the container runtime.
    It is left out until the container has started.

    Args:
        task: The task.
        definition: The task definition of the task: its own revision, because revisions may log to other places.
    """
    runtime_ids = {container.name: container.runtime_id for container in task.containers}
    places = [
        _place(container, task.task_arn.rsplit("/", 1)[-1], runtime_ids.get(container.name))
        for container in definition.container_definitions
    ]
    return [place for place in places if place is not None]


def streams_of(task: Task, definition: TaskDefinition) -> Sequence[LogStream]:
    """Return the log streams of a task in CloudWatch Logs."""
    return [place for place in log_places(task, definition) if isinstance(place, LogStream)]


def _place(container: ContainerDefinition, task_id: str, runtime_id: str | None) -> LogPlace | None:
    log, name = container.log_configuration, container.name or ""
    if log is None:
        return LogsElsewhere(
            name, None, f"the task definition names no log driver: on Fargate its lines are lost, on EC2 {_INSTANCE}"
        )
    if log.log_driver == "awsfirelens":
        return LogsElsewhere(name, log.log_driver, _firelens(log.options))
    if log.log_driver != "awslogs":
        where = _ELSEWHERE.get(log.log_driver, "ecskit reads from CloudWatch Logs only")
        return LogsElsewhere(name, log.log_driver, f"its log driver is {log.log_driver}: {where}")
    group = log.options.get("awslogs-group")
    if not group:
        return LogsElsewhere(name, log.log_driver, "its log driver awslogs has no option awslogs-group; add it")
    region = log.options.get("awslogs-region")
    if group.startswith("arn:"):
        group = group.removesuffix(":*")
        region = group.split(":")[3] or region
    prefix = log.options.get("awslogs-stream-prefix")
    stream = f"{prefix}/{name}/{task_id}" if prefix else runtime_id
    return LogStream(name, group, stream, region) if stream else None


def _firelens(options: Mapping[str, str]) -> str:
    """Return where FireLens sends lines. Its options may hold keys, so only these are shown."""
    known = {name.lower(): value for name, value in options.items()}
    output = known.get("name")
    if output in _LITERAL:
        group = known.get("log_group_name")
        where = f"to the log group {group} of CloudWatch Logs" if group else "to CloudWatch Logs"
        return f"its log driver is awsfirelens: the log router sends the lines {where}; read them there"
    sent = f"to its output {output}" if output else "as its own configuration says"
    return f"its log driver is awsfirelens: the log router sends the lines {sent}; read them there"
