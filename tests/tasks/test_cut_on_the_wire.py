"""A launch that is cut short inside botocore: before its request leaves, nothing is sent; after, its fate is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import boto3
import pytest
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session
from services.support import register

import ecskit
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Simulator, attach, attach_async

CLIENT: dict[str, Any] = {"region_name": "us-east-1", "endpoint_url": "http://simulator.invalid"}
OPTIONS: dict[str, Any] = {
    "cluster": "default",
    "launch_type": "FARGATE",
    "network": AwsVpcConfiguration(subnets=["subnet-1"]),
    "on_cancel": "stop",
}
FETCH = "credentials"
"""Not an event of botocore, which has none for it."""


class Fetched(Credentials):
    """Credentials that are fetched anew for each request."""

    fetch: Callable[[], object]

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return them."""
        self.fetch()
        return super().get_frozen_credentials()


class AioFetched(AioCredentials):
    """The same, awaited."""

    fetch: Callable[[], Awaitable[object]]

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:  # type: ignore[override]  # as its base does
        """Return them."""
        await self.fetch()
        return await super().get_frozen_credentials()


def once(act: Callable[[], object]) -> Callable[..., object]:
    """Return a function that does something when it is called for the first time."""
    acts = [act]
    return lambda **_: acts.pop()() if acts else None


def press() -> None:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


async def cancel() -> None:
    """Cancel this very task, and let it notice."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def launch(sim: Simulator, event: str, *, wrapped: bool) -> None:
    """Run a task with a sync client, and press Ctrl-C when its credentials are fetched, or at an event of botocore."""
    cut: Any = once(press)
    session: Any = Session()
    session._credentials = credentials = Fetched("simulator", "simulator")
    credentials.fetch = cut if event == FETCH else lambda: None
    attach(session.get_component("event_emitter"), sim)
    session.register(event, cut)
    if wrapped:
        ecs = ecskit.Client.wrap(boto3.Session(botocore_session=session).client("ecs", **CLIENT))
    else:
        ecs = ecskit.Client(session=session, **CLIENT)
    with ecs._with_runtime(sim.clock, Random(0)), pytest.raises(KeyboardInterrupt):
        ecs.tasks.run("web", **OPTIONS)


async def alaunch(sim: Simulator, event: str, *, wrapped: bool) -> None:
    """Run a task with an async client, and cancel it when its credentials are fetched, or at an event of botocore."""
    cut: Any = once(cancel)
    session: Any = AioSession()

    async def fetch() -> None:
        if event == FETCH and (cancelling := cut()) is not None:
            await cancelling

    session._credentials = credentials = AioFetched("simulator", "simulator")
    credentials.fetch = fetch
    attach_async(session.get_component("event_emitter"), sim)
    session.register(event, cut)
    async with AsyncExitStack() as stack:
        if wrapped:
            client = ecskit.AsyncClient.wrap(await stack.enter_async_context(session.create_client("ecs", **CLIENT)))
        else:
            client = ecskit.AsyncClient(session=session, **CLIENT)
        ecs = await stack.enter_async_context(client._with_runtime(sim.clock, Random(0)))
        with pytest.raises(asyncio.CancelledError):
            await asyncio.ensure_future(ecs.tasks.run("web", **OPTIONS))


def perform(sim: Simulator, colour: str, event: str, *, wrapped: bool) -> list[str]:
    """Run a task, cut it short, and return the operations that reached ECS."""
    register(sim, "web")
    first = len(sim.calls)
    if colour == "sync":
        launch(sim, event, wrapped=wrapped)
    else:
        asyncio.run(alaunch(sim, event, wrapped=wrapped))
    return [call.operation for call in sim.calls[first:]]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("event", [FETCH, "provide-client-params.ecs", "before-call.ecs", "request-created.ecs"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_cut_before_the_request_leaves(colour: str, event: str, *, wrapped: bool) -> None:
    """Nothing is sent, neither RunTask nor StopTask: while credentials are fetched, or anywhere else on the way."""
    sim = Simulator()
    assert [] == perform(sim, colour, event, wrapped=wrapped)
    assert [] == sim.tasks()


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("event", ["before-send.ecs", "before-parse.ecs", "after-call.ecs"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_cut_after_the_request_has_left(colour: str, event: str, *, wrapped: bool) -> None:
    """The request is repeated under its token, and the tasks in the response are stopped."""
    sim = Simulator()
    assert ["RunTask", "RunTask", "StopTask"] == perform(sim, colour, event, wrapped=wrapped)
    tokens = {call.request["clientToken"] for call in sim.calls if call.operation == "RunTask"}
    assert (1, ["STOPPED"]) == (len(tokens), [task.desired_status for task in sim.tasks()])


def answered_first(body: bytes, **options: Any) -> tuple[Simulator, Callable[[], Any]]:
    """Return a simulator whose first response to RunTask has another body, and a launch on it."""
    sim = Simulator()
    register(sim, "web")
    client = boto3.client("ecs", aws_access_key_id="a", aws_secret_access_key="b", **CLIENT)
    bodies = [body]

    def change(response_dict: dict[str, Any], **_: object) -> None:
        response_dict["body"] = bodies.pop() if bodies else response_dict["body"]

    attach(client, sim)
    client.meta.events.register("before-parse.ecs.RunTask", change)
    return sim, lambda: ecskit.Client.wrap(client).tasks.run("web", **OPTIONS, client_token="k", **options)


@pytest.mark.parametrize("body", [b"{}", b'{"tasks": null}', b'{"tasks": [{}], "failures": []}', b'{"tasks": 1}'])
def test_a_response_of_a_wrong_shape_starts_nothing_again(body: bytes) -> None:
    """The error has the token under which tasks may run; they do not count as not started."""
    sim, launch = answered_first(body, on_partial="top_up")
    with pytest.raises(ecskit.errors.MalformedResponseError) as caught:
        launch()
    assert (caught.value.client_token, len(sim.tasks())) == ("k-0-0", 1)
    assert ["RunTask"] == [call.operation for call in sim.calls if call.operation != "RegisterTaskDefinition"]


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b'{"tas', b"[]", b'{"message": "maintenance"}'])
def test_a_body_that_is_no_response_is_requested_again(body: bytes) -> None:
    """Under the same token, so that one task runs."""
    sim, launch = answered_first(body)
    assert launch().task_arns == [task.arn for task in sim.tasks()]
    tokens = [call.request["clientToken"] for call in sim.calls if call.operation == "RunTask"]
    assert ["k-0-0", "k-0-0"] == tokens
