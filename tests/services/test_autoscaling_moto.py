"""`pause_autoscaling` with the Application Auto Scaling of moto, over sockets, beside a simulated ECS.

moto has no tags of scalable targets, so these are scripted in its server. Its own ECS needs a twin of the service.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.server import ThreadedMotoServer
from support.served_simulator import served_simulator

import ecskit
from ecskit._autoscaling.pausing import TAG
from ecskit._autoscaling.requests import OUT
from ecskit.testing import Simulator

from .support import create, register

RESOURCE: Any = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


class Scaling:
    """What moto's server has, and the tags."""

    def __init__(self, url: str) -> None:
        options: Any = {
            "region_name": "us-east-1",
            "endpoint_url": url,
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
        }
        ecs: Any = boto3.client("ecs", **options)
        ecs.create_cluster(clusterName="default")
        ecs.register_task_definition(
            family="web", containerDefinitions=[{"name": "app", "image": "image", "memory": 64}]
        )
        ecs.create_service(cluster="default", serviceName="web", taskDefinition="web", desiredCount=1)
        self.client: Any = boto3.client("application-autoscaling", **options)
        self.client.register_scalable_target(**RESOURCE, MinCapacity=1, MaxCapacity=9)
        self.tags: dict[str, str] = {}
        self.states: list[bool] = []
        """Whether scaling out was suspended, after each change of a tag."""

    def target(self) -> Any:
        """Return the scalable target."""
        [target] = self.client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        return target


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scaling]:
    """Application Auto Scaling with the scalable target of web."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}"
        made = Scaling(url)

        def tag_resource(response: Any) -> str:
            made.tags |= json.loads(response.body)["Tags"]
            return "{}"

        def untag_resource(response: Any) -> str:
            for key in json.loads(response.body)["TagKeys"]:
                made.tags.pop(key, None)
            return "{}"

        def list_tags_for_resource(_: Any) -> str:
            return json.dumps({"Tags": made.tags})

        for method in (tag_resource, untag_resource, list_tags_for_resource):
            monkeypatch.setattr(ApplicationAutoScalingResponse, method.__name__, method, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", url)
        yield made
    finally:
        server.stop()


def furnish(sim: Simulator) -> None:
    """Create the service web."""
    for family in ("web", "next"):
        register(sim, family)
    create(sim)


def check(scaling: Scaling, during: list[tuple[bool, bool]]) -> None:
    """Check that scaling out was suspended during the deployment, and nothing else was changed."""
    assert set(during) == {(True, True)}
    target = scaling.target()
    assert target["SuspendedState"][OUT] is False
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 9)
    assert scaling.tags == {}


def test_sync(scaling: Scaling, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `Client`."""
    during: list[tuple[bool, bool]] = []

    def on_poll(_: object) -> None:
        during.append((scaling.target()["SuspendedState"][OUT], TAG in scaling.tags))

    with served_simulator(monkeypatch) as sim, ecskit.Client(region_name="us-east-1") as ecs:
        furnish(sim)
        ecs.services.deploy("web", task_definition="next", pause_autoscaling=True, on_poll=on_poll)
        check(scaling, during)
        assert ecs.services.resume_autoscaling("web") is False


def test_async(scaling: Scaling, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `AsyncClient`."""
    during: list[tuple[bool, bool]] = []

    def on_poll(_: object) -> None:
        during.append((scaling.target()["SuspendedState"][OUT], TAG in scaling.tags))

    async def run() -> None:
        async with ecskit.AsyncClient(region_name="us-east-1") as ecs:
            await ecs.services.deploy("web", task_definition="next", pause_autoscaling=True, on_poll=on_poll)
            assert await ecs.services.resume_autoscaling("web") is False

    with served_simulator(monkeypatch) as sim:
        furnish(sim)
        asyncio.run(run())
    check(scaling, during)


def test_closing_the_client(scaling: Scaling, monkeypatch: pytest.MonkeyPatch) -> None:
    """What still runs in it is cancelled, and scaling out is resumed before the connections close."""

    async def run() -> None:
        async with ecskit.AsyncClient(region_name="us-east-1") as ecs:
            polled = asyncio.Event()
            deployed = ecs.services.deploy(
                "web", task_definition="next", pause_autoscaling=True, on_poll=lambda _: polled.set()
            )
            task = asyncio.ensure_future(deployed)
            await polled.wait()
            assert scaling.target()["SuspendedState"][OUT]
        with pytest.raises(ecskit.errors.ClientClosedError):
            await task

    with served_simulator(monkeypatch) as sim:
        furnish(sim)
        asyncio.run(run())
    check(scaling, [(True, True)])


def test_a_wrapped_client() -> None:
    """It cannot make a client of another service: an error before anything is sent."""
    wrapped = ecskit.Client.wrap(boto3.client("ecs", region_name="us-east-1"))
    with pytest.raises(ecskit.errors.ConfigurationError, match="application-autoscaling"):
        wrapped.services.resume_autoscaling("web", cluster="default")
