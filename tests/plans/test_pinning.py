"""Pin images: ECR is moto's server, ECS is the simulator's, through botocore and aiobotocore."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from service_definitions.written import FARGATE, prepare
from support.both_clients import then

from ecskit.errors import RequestError
from ecskit.models import RegisterTaskDefinitionRequest
from ecskit.services import Plan
from ecskit.testing import SimulatorServer

from .support import definition

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The endpoint of ECR, with a repository."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    ecr: Any = boto3.client("ecr", endpoint_url=f"http://{host}:{port}", **KEYS)
    ecr.create_repository(repositoryName="team/app")
    yield f"http://{host}:{port}"
    server.stop()


def push(ecr: Any, tag: str, content: str) -> str:
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    layer = {"mediaType": "application/octet-stream", "size": 1, "digest": f"sha256:{content * 64}"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": layer, "layers": [layer]})
    put = ecr.put_image(repositoryName="team/app", imageManifest=manifest, imageTag=tag)
    return str(put["image"]["imageId"]["imageDigest"])


def task(image: str, *others: str) -> RegisterTaskDefinitionRequest:
    containers = [{"name": f"c{i}" if i else "app", "image": each} for i, each in enumerate([image, *others])]
    return RegisterTaskDefinitionRequest.from_dict(
        {
            "family": "web",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "executionRoleArn": "arn:aws:iam::123456789012:role/ecs",
            "memory": "512",
            "containerDefinitions": containers,
        }
    )


def pin(ecs: Any, wanted: RegisterTaskDefinitionRequest) -> Any:
    return ecs.services.plan(definition(FARGATE), task_definition=wanted, pin_images=True)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_pinning(moto: str, monkeypatch: pytest.MonkeyPatch, colour: str) -> None:
    """The digest of the plan is deployed, although the tag has moved since; another plan has the new one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", moto)
    ecr: Any = boto3.client("ecr", endpoint_url=moto, **KEYS)
    first = push(ecr, f"{colour}-1", "a" if colour == "sync" else "c")
    second = ""

    def act(ecs: Any) -> Any:
        wanted = task(f"{REPOSITORY}:{colour}-1", "nginx:1.29", f"{REPOSITORY}@{first}")

        def pushed(plan: Plan) -> Any:
            nonlocal second
            assert plan.notes == (
                f"app: {REPOSITORY}:{colour}-1 is {first}",
                "c1: nginx:1.29 is in no private repository of ECR, and keeps its tag",
            )
            ecr.batch_delete_image(repositoryName="team/app", imageIds=[{"imageTag": f"{colour}-1"}])
            second = push(ecr, f"{colour}-1", "b" if colour == "sync" else "d")
            there = Plan.from_json(plan.to_json())
            applied = ecs.services.apply(there, definition=definition(FARGATE), task_definition=wanted)
            return then(applied, lambda _: pin(ecs, wanted))

        return then(pin(ecs, wanted), pushed)

    with SimulatorServer(speed=1000) as server:
        prepare(server.simulator)
        wrong = task(f"{REPOSITORY}:nope", "123456789012.dkr.ecr.us-east-1.amazonaws.com/none")
        later, caught = run(server, colour, act, lambda ecs: pin(ecs, wrong))
        sent = [call.request for call in server.simulator.calls if call.operation == "RegisterTaskDefinition"][-1]
        assert [each["image"] for each in sent["containerDefinitions"]] == [
            f"{REPOSITORY}@{first}",
            "nginx:1.29",
            f"{REPOSITORY}@{first}",
        ]
        assert second != first
        assert f"~ container_definitions['app'].image: '{REPOSITORY}@{first}' -> '{REPOSITORY}@{second}'" in str(later)
        assert str(caught) == (
            f"services.plan: images['app']: ECR does not have {REPOSITORY}:nope: ImageNotFoundException; images['c1']:"
            " ECR does not have 123456789012.dkr.ecr.us-east-1.amazonaws.com/none: RepositoryNotFoundException"
        )


def run(server: SimulatorServer, colour: str, *acts: Callable[[Any], Any]) -> list[Any]:
    """Perform acts with a client whose ECS is the simulator, and return their results or errors."""
    done: list[Any] = []
    if colour == "sync":
        with server.client() as client:
            for act in acts:
                try:
                    done.append(act(client))
                except RequestError as error:
                    done.append(error)
        return done

    async def performed() -> None:
        async with server.async_client() as client:
            for act in acts:
                try:
                    done.append(await act(client))
                except RequestError as error:
                    done.append(error)

    asyncio.run(performed())
    return done
