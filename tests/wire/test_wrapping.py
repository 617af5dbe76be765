"""Wrapped clients: their owner and ecskit use them at the same time, without side effects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import MagicMock, Mock

import boto3
import pytest
from aiobotocore.session import AioSession
from botocore.exceptions import ParamValidationError
from moto import mock_aws
from moto.server import ThreadedMotoServer

import ecskit
from ecskit import errors, models
from ecskit._core.effects import Send
from ecskit.errors import ServerException

from .model_server import Answer, ModelServer
from .support import REGION


@pytest.fixture
def mocked() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("ecs", region_name=REGION)
        yield client
        client.close()


def test_a_client_under_mock_aws_works() -> None:
    """`mock_aws` catches what ecskit's own client sends."""
    with mock_aws(), ecskit.Client(region_name=REGION) as ecs:
        created = ecs.create_cluster(cluster_name="prod")
        assert [created.cluster.cluster_arn] == list(ecs.paginate.list_clusters())
        with pytest.raises(errors.ClusterNotFoundException):
            ecs.list_tasks(cluster="nowhere")


def test_both_see_the_same_through_their_own_eyes(mocked: Any) -> None:
    """ecskit's answers are models, the owner's are boto3's dicts, in full."""
    ecs = ecskit.Client.wrap(mocked)
    created = ecs.create_cluster(cluster_name="prod")
    theirs = mocked.describe_clusters(clusters=["prod"])
    assert ["prod"] == [cluster["clusterName"] for cluster in theirs["clusters"]]
    assert 200 == theirs["ResponseMetadata"]["HTTPStatusCode"]
    mine = ecs.describe_clusters(clusters=["prod"])
    assert [created.cluster.cluster_arn] == [cluster.cluster_arn for cluster in mine.clusters]
    assert mine == ecskit.converter.structure(theirs, models.DescribeClustersResponse)
    ecs.close()


def test_the_wrapped_client_is_the_one_used(mocked: Any) -> None:
    """And can be had back."""
    assert ecskit.Client.wrap(mocked).botocore_client is mocked


def test_the_owners_errors_are_boto3s(mocked: Any) -> None:
    """With message and class as ever, also right after one of ecskit's."""
    ecs = ecskit.Client.wrap(mocked)
    with pytest.raises(errors.ClusterNotFoundException):
        ecs.list_tasks(cluster="nowhere")
    with pytest.raises(mocked.exceptions.ClusterNotFoundException) as caught:
        mocked.list_tasks(cluster="nowhere")
    assert not isinstance(caught.value, errors.EcsError)
    assert "Cluster not found." == caught.value.response["Error"]["Message"]
    ecs.close()


def test_threads_do_not_mix_the_two_up(mocked: Any) -> None:
    """Many calls of both at once: everybody gets the kind of answer they asked for."""
    ecs = ecskit.Client.wrap(mocked)
    for i in range(8):
        ecs.create_cluster(cluster_name=f"c{i}")

    def one(i: int) -> bool:
        name = f"c{i % 8}"
        if i % 2:
            return [c["clusterName"] for c in mocked.describe_clusters(clusters=[name])["clusters"]] == [name]
        return [c.cluster_name for c in ecs.describe_clusters(clusters=[name]).clusters] == [name]

    with ThreadPoolExecutor(8) as threads:
        assert [True] * 64 == list(threads.map(one, range(64)))
    ecs.close()


def test_closing_leaves_the_client_open_and_as_it_was(mocked: Any) -> None:
    """Its handlers are gone, its owner goes on."""
    before = handlers(mocked)
    ecs = ecskit.Client.wrap(mocked)
    assert before != handlers(mocked)
    ecs.close()
    assert before == handlers(mocked)
    assert [] == mocked.list_clusters()["clusterArns"]
    with pytest.raises(errors.ClientClosedError):
        ecs.list_clusters()


def test_a_client_can_be_wrapped_twice(mocked: Any) -> None:
    """Closing one of the two leaves the other working."""
    one, two = ecskit.Client.wrap(mocked), ecskit.Client.wrap(mocked)
    one.close()
    assert () == tuple(two.list_clusters().cluster_arns)
    two.close()
    assert [] == mocked.list_clusters()["clusterArns"]


def test_the_owners_handlers_still_run(mocked: Any) -> None:
    """They see what ecskit sends and that it was answered."""
    seen: list[str] = []
    mocked.meta.events.register("before-call.ecs.*", lambda params, **_: seen.append(params["headers"]["X-Amz-Target"]))
    mocked.meta.events.register(
        "after-call.ecs.*", lambda http_response, **_: seen.append(str(http_response.status_code))
    )
    ecskit.Client.wrap(mocked).list_clusters()
    assert ["AmazonEC2ContainerServiceV20141113.ListClusters", "200"] == seen


@pytest.mark.parametrize(
    "event", ["provide-client-params", "before-call", "request-created", "before-send", "after-call"]
)
def test_the_owner_may_call_from_a_handler(server: ModelServer, event: str) -> None:
    """A call of the owner's in the middle of one of ecskit's is answered as the owner's, and ours goes on."""
    owner: Any = boto3.client("ecs", region_name=REGION, endpoint_url=server.url)
    server.full = True
    found: list[Any] = []

    def ask(**_: Any) -> None:
        with pytest.raises(owner.exceptions.ClusterNotFoundException):
            server.will(Answer.error("ClusterNotFoundException"))
            owner.list_tasks(cluster="nowhere")
        found.append(owner.describe_clusters(clusters=["c"]))

    owner.meta.events.register(f"{event}.ecs.ListClusters", ask)
    mine = ecskit.Client.wrap(owner).list_clusters()
    assert len(mine.cluster_arns) == 2
    assert len(found[0]["clusters"]) == 2
    owner.close()


@pytest.mark.parametrize("event", ["before-parameter-build", "before-call", "request-created"])
def test_a_call_from_a_handler_may_fail(server: ModelServer, event: str) -> None:
    """It ends without its last event. Ours goes on: a single attempt stays one, and is reported as sent."""
    owner: Any = boto3.client("ecs", region_name=REGION, endpoint_url=server.url)

    def ask(**_: Any) -> None:
        with pytest.raises(ParamValidationError):
            owner.tag_resource(resourceArn="arn", tags="no list")

    owner.meta.events.register(f"{event}.ecs.DescribeTasks", ask)
    server.will(Answer.error("ServerException", status=500))
    sent: list[bool] = []
    poll = Send("DescribeTasks", {"tasks": ["t"]}, single_attempt=True)
    with pytest.raises(ServerException):
        ecskit.Client.wrap(owner)._transport.send(poll, lambda: sent.append(True))
    assert (1, [True]) == (len(server.seen), sent)
    owner.close()


@pytest.mark.parametrize("handler", [Mock(return_value=None), MagicMock(return_value=None)], ids=["Mock", "MagicMock"])
def test_a_mock_may_be_a_handler(server: ModelServer, handler: Any) -> None:
    """It has every attribute that is looked for."""
    owner: Any = boto3.client("ecs", region_name=REGION, endpoint_url=server.url)
    owner.meta.events.register("before-send.ecs", handler)
    ecskit.Client.wrap(owner).list_clusters()
    assert 1 == handler.call_count
    owner.close()


@pytest.mark.usefixtures("mocked")
async def test_moto_inside_the_process_is_for_sync_clients() -> None:
    """aiobotocore awaits what moto returns as bytes. The error names the server, which both clients can use."""
    reported = (
        "ListClusters: the request was answered inside this process, by a double for sync clients such as moto's"
        " mock_aws; aiobotocore cannot read such an answer. Use moto's server: start moto.server.ThreadedMotoServer"
        " and pass its address as endpoint_url"
    )
    async with ecskit.AsyncClient(region_name=REGION) as ecs:
        with pytest.raises(errors.ConfigurationError) as caught:
            await ecs.list_clusters()
    assert reported == str(caught.value)
    async with AioSession().create_client("ecs", region_name=REGION) as owned:
        with pytest.raises(errors.ConfigurationError, match="ThreadedMotoServer"):
            await ecskit.AsyncClient.wrap(owned).list_clusters()
    with ecskit.Client(region_name=REGION) as sync:
        assert () == tuple(sync.list_clusters().cluster_arns)


EVENTS = [f"{event}.ecs.X" for event in ("provide-client-params", "before-call", "before-parse", "after-call")]


def handlers(client: Any) -> Any:
    emitter = client.meta.events._emitter
    return [emitter._handlers.prefix_search(event) for event in EVENTS]


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestAsync:
    """The same with aiobotocore, against moto's server."""

    @pytest.fixture
    async def owned(self, moto_url: str) -> AsyncIterator[Any]:
        async with AioSession().create_client("ecs", region_name=REGION, endpoint_url=moto_url) as client:
            yield client

    async def test_both_see_the_same_through_their_own_eyes(self, owned: Any) -> None:
        """ecskit's answers are models, the owner's are dicts."""
        ecs = ecskit.AsyncClient.wrap(owned)
        await ecs.create_cluster(cluster_name="prod")
        theirs = await owned.describe_clusters(clusters=["prod"])
        assert ["prod"] == [cluster["clusterName"] for cluster in theirs["clusters"]]
        mine = await ecs.describe_clusters(clusters=["prod"])
        assert mine == ecskit.converter.structure(theirs, models.DescribeClustersResponse)
        await ecs.aclose()

    async def test_tasks_do_not_mix_the_two_up(self, owned: Any) -> None:
        """Interleaved in one event loop: everybody gets the kind of answer they asked for."""
        ecs = ecskit.AsyncClient.wrap(owned)
        await asyncio.gather(*[ecs.create_cluster(cluster_name=f"c{i}") for i in range(4)])

        async def one(i: int) -> bool:
            name = f"c{i % 4}"
            if i % 2:
                return [c["clusterName"] for c in (await owned.describe_clusters(clusters=[name]))["clusters"]] == [
                    name
                ]
            return [c.cluster_name for c in (await ecs.describe_clusters(clusters=[name])).clusters] == [name]

        assert [True] * 40 == list(await asyncio.gather(*map(one, range(40))))
        await ecs.aclose()

    async def test_closing_leaves_the_client_open_and_as_it_was(self, owned: Any) -> None:
        """Its handlers are gone, its owner goes on."""
        before = handlers(owned)
        async with ecskit.AsyncClient.wrap(owned) as ecs:
            await ecs.list_clusters()
            assert before != handlers(owned)
        assert before == handlers(owned)
        assert "clusterArns" in await owned.list_clusters()
        with pytest.raises(errors.ClientClosedError):
            await ecs.list_clusters()

    async def test_a_task_that_a_call_leaves_behind_does_not_count(self, owned: Any) -> None:
        """A task started by a handler inside a call, which asks as the owner, is answered as the owner."""
        later: list[asyncio.Task[Any]] = []

        async def ask() -> Any:
            return await owned.list_clusters()

        def start(**_: Any) -> None:
            later.append(asyncio.create_task(ask()))

        owned.meta.events.register_first("before-call.ecs.DescribeClusters", start)
        ecs = ecskit.AsyncClient.wrap(owned)
        await ecs.describe_clusters()
        owned.meta.events.unregister("before-call.ecs.DescribeClusters", start)
        assert "clusterArns" in await later[0]
        await ecs.aclose()
