"""Registering if changed over moto's server: an independent opinion of what ECS gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

import ecskit
from ecskit.models import Tag
from ecskit.task_definitions import derive

from .support import container, fargate, request
from .table import CHECK, EFS, LOGS, ROLE

WEB = request(
    fargate(
        container(
            environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
            portMappings=[{"containerPort": 80}],
            healthCheck=CHECK,
            logConfiguration=LOGS,
            mountPoints=[{"sourceVolume": "efs", "containerPath": "/data"}],
            dependsOn=[{"containerName": "sidecar", "condition": "START"}],
        ),
        container("sidecar", essential=False),
        cpu="1 vCPU",
        memory="2 GB",
        volumes=[{"name": "efs", "efsVolumeConfiguration": EFS}],
        executionRoleArn=ROLE,
        runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        tags=[{"key": "team", "value": "data"}],
    )
)


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Return the endpoint of moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "region_name": "eu-central-1",
        "endpoint_url": f"http://{host}:{port}",
        "config": Config(retries={"total_max_attempts": 1}),
    }
    server.stop()


async def test_moto_is_asked_once(options: dict[str, Any]) -> None:
    """The second time nothing differs; a new image does; to an async client too, nothing differs then."""
    with ecskit.Client(**options) as ecs:
        first, again = (ecs.task_definitions.register_if_changed(WEB) for _ in range(2))
        changed = ecs.task_definitions.register_if_changed(derive(WEB, images={"app": "nginx:2"}))
        tagged = ecs.task_definitions.register_if_changed(derive(WEB, images={"app": "nginx:2"}, tags=[Tag(key="x")]))
    async with ecskit.AsyncClient(**options) as aio:
        same = await aio.task_definitions.register_if_changed(derive(tagged.definition))
        back = await aio.task_definitions.register_if_changed(WEB)
    results = (first, again, changed, tagged, same, back)
    assert [(each.definition.revision, each.changed) for each in results] == [
        (1, True),
        (1, False),
        (2, True),
        (3, True),
        (3, False),
        (4, True),
    ], json.dumps([str(each.changes) for each in results], indent=1)
    assert [each.path for each in tagged.changes] == ["tags['team']", "tags['x']"]
