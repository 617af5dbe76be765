"""Clients in other processes and copies: pickled by their arguments, with a reason where that is not possible."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import pickle
from typing import Any

import boto3
import pytest
from aiobotocore.session import AioSession
from botocore.config import Config

import ecskit

from .model_server import Answer, ModelServer
from .support import COLOURS, REGION, Caller

KEYS = {"aws_access_key_id": "AKIDGIVEN", "aws_secret_access_key": "s", "aws_session_token": "t"}


def make(colour: str, **options: Any) -> Any:
    return (ecskit.Client if colour == "sync" else ecskit.AsyncClient)(region_name=REGION, **options)


@pytest.mark.parametrize("colour", COLOURS)
async def test_a_client_is_pickled_with_its_arguments(colour: str, server: ModelServer) -> None:
    """Credentials that were passed and options are those of the first; both can be used, whichever is closed."""
    config = Config(read_timeout=7, user_agent_extra="mine/1")
    first = Caller(colour, make(colour, endpoint_url=server.url, config=config, **KEYS))
    await first.botocore_client()
    second = Caller(colour, pickle.loads(pickle.dumps(first.client)))
    await first.close()
    reopened = Caller(colour, pickle.loads(pickle.dumps(first.client)))
    for ecs in (second, reopened):
        assert repr(ecs.client) == f"{type(first.client).__name__}(region_name={REGION!r}, endpoint_url={server.url!r})"
        await ecs.call("list_clusters")
        assert "Credential=AKIDGIVEN/" in server.last.headers["authorization"]
        assert "mine/1" in server.last.headers["user-agent"]
        assert 7 == (await ecs.botocore_client()).meta.config.read_timeout
        await ecs.close()


def _used_in_a_child(client: Any, colour: str) -> int:
    async def use() -> int:
        ecs = Caller(colour, client)
        found = await ecs.call("list_clusters")
        await ecs.close()
        return len(found.cluster_arns)

    return asyncio.run(use())


def test_clients_travel_to_a_spawned_process(server: ModelServer) -> None:
    """Both, in one new interpreter."""
    server.will(*[Answer.of({"clusterArns": ["a", "b"]})] * 2)
    clients = [make(colour, endpoint_url=server.url) for colour in COLOURS]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert [2, 2] == pool.starmap_async(_used_in_a_child, zip(clients, COLOURS, strict=True)).get(60)
    clients[0].close()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (
            {"session": boto3.Session()},
            (
                "(session=...) cannot be pickled: a session has event handlers and sources of credentials;"
                " make the client from region_name=, profile_name= and the like, or make it in each process"
            ),
        ),
        ({"config": Config(user_agent_extra=type("Text", (str,), {})())}, "(config=...) cannot be pickled: "),
    ],
)
def test_what_cannot_be_pickled_is_named(colour: str, options: dict[str, Any], reported: str) -> None:
    """With what to do instead."""
    ecs = make(colour, **options)
    with pytest.raises(TypeError) as caught:
        pickle.dumps(ecs)
    assert str(caught.value).startswith(f"{type(ecs).__name__}{reported}")


async def test_a_wrapping_client_cannot_be_pickled_but_copied() -> None:
    """A copy wraps the same client."""
    wrapped = boto3.client("ecs", region_name=REGION)
    async with AioSession().create_client("ecs", region_name=REGION) as aio_wrapped:
        for ecs in (ecskit.Client.wrap(wrapped), ecskit.AsyncClient.wrap(aio_wrapped)):
            with pytest.raises(TypeError) as caught:
                pickle.dumps(ecs)
            assert (
                f"{type(ecs).__name__}.wrap(...) cannot be pickled: the wrapped client has connections and event"
                " handlers; make a client in each process"
            ) == str(caught.value)
            for another in (copy.copy(ecs), copy.deepcopy(ecs)):
                assert another.botocore_client is ecs.botocore_client
                assert another._transport is not ecs._transport
    wrapped.close()


@pytest.mark.parametrize("colour", COLOURS)
async def test_a_copy_has_the_same_arguments(colour: str, server: ModelServer) -> None:
    """Also the session, and the clock of a simulator; closing one leaves the other open."""
    session = boto3.Session(aws_access_key_id="AKIDSESSION", aws_secret_access_key="s")
    first = Caller(colour, make(colour, endpoint_url=server.url, session=session))
    first.client._runtime = first.client._with_runtime(clock := object(), object())._runtime
    for another in (copy.copy(first.client), copy.deepcopy(first.client)):
        assert another._runtime.clock is clock
        assert another._transport is not first.client._transport
    copied = Caller(colour, copy.copy(make(colour, endpoint_url=server.url, session=session)))
    await first.close()
    await copied.call("list_clusters")
    await copied.close()
    assert "Credential=AKIDSESSION/" in server.last.headers["authorization"]


class Labelled(ecskit.Client):
    """A subclass with an attribute of its own."""

    label = ""


def test_a_subclass_keeps_its_attributes() -> None:
    """In copies and pickles."""
    ecs = Labelled(region_name=REGION)
    ecs.label = "mine"
    for another in (copy.copy(ecs), pickle.loads(pickle.dumps(ecs))):
        assert (Labelled, "mine") == (type(another), another.label)
        another.close()
    ecs.close()


@pytest.mark.parametrize("colour", COLOURS)
def test_namespaces_are_copied_with_their_client_but_not_pickled(colour: str) -> None:
    """Paginators, too."""
    ecs = make(colour)
    for part in (ecs.tasks, ecs.wait, ecs.paginate, ecs.paginate.list_tasks()):
        with pytest.raises(TypeError, match=r"hold the connections of their client .* pickle the client"):
            pickle.dumps(part)
        assert copy.deepcopy({"part": part})["part"]._runtime is part._runtime
