"""Where the lines of a container are: the log drivers and their options."""

from __future__ import annotations

from typing import Any

import pytest

from ecskit.models import Task, TaskDefinition
from ecskit.tasks import LogsElsewhere, LogStream, TaskOutcome, log_places

ID = "0123456789abcdef0123456789abcdef"
ARN = f"arn:aws:ecs:eu-west-1:123456789012:task/prod/{ID}"
GROUP_ARN = "arn:aws:logs:eu-north-1:123456789012:log-group:/ecs/app"
SECRET = "hunter2"


def defined(*containers: Any) -> TaskDefinition:
    """Return a task definition."""
    body = {"taskDefinitionArn": f"{ARN}:1", "family": "job", "revision": 1, "status": "ACTIVE"}
    return TaskDefinition.from_dict({**body, "containerDefinitions": [*containers]})


def of(*containers: Any, status: str = "RUNNING") -> Task:
    """Return a task."""
    body = {"taskArn": ARN, "clusterArn": "prod", "taskDefinitionArn": f"{ARN}:1", "desiredStatus": status}
    return Task.from_dict({**body, "lastStatus": status, "containers": [*containers]})


def places(driver: str | None, *, runtime_id: str | None = None, **options: str) -> list[Any]:
    """Return the places of the one container of a task."""
    log = {"logDriver": driver, "options": {name.replace("_", "-"): value for name, value in options.items()}}
    container = {"name": "app", **({"logConfiguration": log} if driver else {})}
    definition = defined(container)
    shown = {"name": "app", **({"runtimeId": runtime_id} if runtime_id else {})}
    return list(log_places(of(shown), definition))


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (
            {"awslogs_group": "g", "awslogs_stream_prefix": "run", "awslogs_region": "eu-west-3"},
            LogStream("app", "g", f"run/app/{ID}", "eu-west-3"),
        ),
        ({"awslogs_group": "g", "awslogs_stream_prefix": "run"}, LogStream("app", "g", f"run/app/{ID}", None)),
        ({"awslogs_group": "g", "runtime_id": "d" * 64}, LogStream("app", "g", "d" * 64, None)),
        (
            {"awslogs_group": f"{GROUP_ARN}:*", "awslogs_stream_prefix": "run", "awslogs_region": "eu-west-3"},
            LogStream("app", GROUP_ARN, f"run/app/{ID}", "eu-north-1"),
        ),
        ({"awslogs_group": GROUP_ARN, "runtime_id": "d"}, LogStream("app", GROUP_ARN, "d", "eu-north-1")),
    ],
)
def test_awslogs(options: dict[str, Any], place: LogStream) -> None:
    """The stream is named by prefix, container and task, or by the container runtime. An ARN names the region."""
    assert [place] == places("awslogs", **options)


def test_without_prefix_the_stream_is_unknown_until_the_container_has_started() -> None:
    """The container runtime names it."""
    assert [] == places("awslogs", awslogs_group="g")


@pytest.mark.parametrize(
    ("driver", "options", "text"),
    [
        (None, {}, "the task definition names no log driver: on Fargate its lines are lost, on EC2 it keeps the lines"),
        ("awslogs", {}, "its log driver awslogs has no option awslogs-group; add it"),
        ("splunk", {"splunk_token": SECRET}, "its log driver is splunk: it sends the lines to the Splunk instance in"),
        ("fluentd", {}, "its log driver is fluentd: it sends the lines to the address in its option fluentd-address"),
        ("gelf", {}, "its log driver is gelf: it sends the lines to the address in its option gelf-address"),
        ("syslog", {}, "its log driver is syslog: it sends the lines to the address in its option syslog-address"),
        ("json-file", {}, "it keeps the lines on the container instance; read them there with `docker logs`"),
        ("journald", {}, "it keeps the lines on the container instance; read them there with `journalctl`"),
        ("novel", {}, "its log driver is novel: ecskit reads from CloudWatch Logs only"),
        (
            "awsfirelens",
            {"Name": "datadog", "apikey": SECRET},
            "its log driver is awsfirelens: the log router sends the lines to its output datadog; read them there",
        ),
        (
            "awsfirelens",
            {"Name": "cloudwatch_logs", "log_group_name": "g"},
            "the log router sends the lines to CloudWatch Logs; read them there",
        ),
        ("awsfirelens", {}, "the log router sends the lines as its own configuration says; read them there"),
    ],
)
def test_other_drivers_are_named_with_where_to_look(driver: str | None, options: dict[str, str], text: str) -> None:
    """No value of an option is shown: many are secrets."""
    [place] = places(driver, **options)
    assert isinstance(place, LogsElsewhere)
    assert place.driver == driver
    assert str(place).startswith("container app: ")
    assert text in str(place)
    assert SECRET not in str(place) + repr(place)


def test_firelens_names_a_log_group() -> None:
    """Options of Fluent Bit have underscores."""
    log = {"logDriver": "awsfirelens", "options": {"Name": "cloudwatch_logs", "log_group_name": "/ecs/fire"}}
    definition = defined({"name": "app", "logConfiguration": log})
    [place] = log_places(of({"name": "app"}), definition)
    assert "sends the lines to the log group /ecs/fire of CloudWatch Logs" in str(place)


def test_outcomes_have_the_streams() -> None:
    """They leave out containers that log elsewhere."""
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-stream-prefix": "run"}}
    containers = [{"name": "app", "logConfiguration": log}, {"name": "side", "logConfiguration": {"logDriver": "gelf"}}]
    definition = defined(*containers)
    shown = [{"name": "app", "exitCode": 0}, {"name": "side", "exitCode": 0}]
    task = of(*shown, status="STOPPED")
    assert [LogStream("app", "g", f"run/app/{ID}")] == list(TaskOutcome.of(task, definition=definition).logs)
