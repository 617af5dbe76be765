"""Read lines of CloudWatch Logs from moto's server, through botocore and aiobotocore: no late lines there.

moto's tasks write no lines, so the tests write them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from wire.test_forks import in_a_child

from ecskit import AsyncClient, Client
from ecskit.errors import LogsUnavailable

KEYS: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
START = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=5)
LOGS: dict[str, Any] = {"logDriver": "awslogs", "options": {"awslogs-group": "/moto", "awslogs-stream-prefix": "run"}}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def task(moto: str) -> str:
    """The ARN of a stopped task with two containers, whose 25 lines are in a group."""
    ecs: Any = boto3.client("ecs", endpoint_url=moto, **KEYS)
    watch: Any = boto3.client("logs", endpoint_url=moto, **KEYS)
    ecs.create_cluster(clusterName="default")
    containers = [{"name": name, "image": "i", "memory": 64, "logConfiguration": LOGS} for name in ("app", "side")]
    ecs.register_task_definition(family="job", containerDefinitions=containers)
    ecs.register_task_definition(
        family="lost",
        containerDefinitions=[
            {**containers[0], "logConfiguration": {**LOGS, "options": {**LOGS["options"], "awslogs-group": "/lost"}}}
        ],
    )
    network = {"awsvpcConfiguration": {"subnets": [_subnet(moto)]}}
    arn: str = ecs.run_task(taskDefinition="job", launchType="FARGATE", networkConfiguration=network)["tasks"][0][
        "taskArn"
    ]
    ecs.stop_task(task=arn)
    watch.create_log_group(logGroupName="/moto")
    for name in ("app", "side"):
        stream = f"run/{name}/{arn.rsplit('/', 1)[-1]}"
        watch.create_log_stream(logGroupName="/moto", logStreamName=stream)
        events = [
            {"timestamp": round(START.timestamp() * 1000) + n // 2 * 1000, "message": f"{n}"}
            for n in range(25)
            if (n % 5 == 0) == (name == "side")
        ]
        watch.put_log_events(logGroupName="/moto", logStreamName=stream, logEvents=events)
    for each in (ecs, watch):
        each.close()
    return arn


def _subnet(moto: str) -> str:
    ec2: Any = boto3.client("ec2", endpoint_url=moto, **KEYS)
    subnet: str = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.close()
    return subnet


def read(moto: str, task: str, colour: str, **options: Any) -> list[str]:
    """Return the texts of the lines, in the order in which a client yields them."""
    since = options.pop("since", START)
    if colour == "sync":
        with Client(endpoint_url=moto, **KEYS) as client:
            return [line.message for line in client.tasks.logs(task, since=since, **options)]

    async def run() -> list[str]:
        async with AsyncClient(endpoint_url=moto, **KEYS) as client:
            return [line.message async for line in client.tasks.logs(task, since=since, **options)]

    return asyncio.run(run())


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_lines(moto: str, task: str, colour: str) -> None:
    """Both containers are read, and merged by time; the last lines of each; until a moment."""
    found = read(moto, task, colour)
    assert sorted(found, key=int) == [str(n) for n in range(25)]
    assert [int(n) // 2 for n in found] == sorted(int(n) // 2 for n in found)
    assert read(moto, task, colour, tail=2) == ["15", "20", "23", "24"]
    until = START + timedelta(seconds=1)
    assert sorted(read(moto, task, colour, until=until)) == ["0", "1", "2", "3"]
    assert read(moto, task, colour, containers=["side"]) == ["0", "5", "10", "15", "20"]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_following_ends_at_the_timeout(moto: str, task: str, colour: str) -> None:
    """The lines that are there are yielded. No line is yielded twice, also after the last lines of each container."""
    assert sorted(read(moto, task, colour, follow=True, timeout=1.1), key=int) == [str(n) for n in range(25)]
    assert read(moto, task, colour, follow=True, timeout=1.1, tail=2) == ["15", "20", "23", "24"]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_group_that_does_not_exist(moto: str, task: str, colour: str) -> None:
    """The error of moto is the one of CloudWatch Logs."""
    assert task
    ecs: Any = boto3.client("ecs", endpoint_url=moto, **KEYS)
    network = {"awsvpcConfiguration": {"subnets": [_subnet(moto)]}}
    [lost] = ecs.run_task(taskDefinition="lost", launchType="FARGATE", networkConfiguration=network)["tasks"]
    ecs.close()
    with pytest.raises(LogsUnavailable) as raised:
        read(moto, lost["taskArn"], colour)
    assert "the log group /lost does not exist" in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_connections_of_its_own(moto: str, task: str) -> None:
    """It makes a client for CloudWatch Logs anew, and the one of the parent goes on."""
    with Client(endpoint_url=moto, **KEYS) as client:

        def lines() -> tuple[int, bool]:
            found = [line.message for line in client.tasks.logs(task, since=START)]
            return len(found), client._transport._others == parents

        parents: object = {}
        assert lines() == (25, False)
        parents = dict(client._transport._others)
        assert in_a_child(lines) == (25, False)
        assert lines() == (25, True)
