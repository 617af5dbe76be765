"""The clients for CloudWatch Logs that a client makes: which endpoint, how many, and what closes them."""

from __future__ import annotations

import asyncio
import copy
import gc
import warnings
from typing import Any

import pytest
from aiobotocore.session import AioSession
from botocore.session import Session

from ecskit import AsyncClient, Client
from ecskit._core.effects import Send
from ecskit._transport import others
from ecskit._transport.options import Options
from ecskit.errors import ClientClosedError, ConfigurationError
from ecskit.testing import Simulator, SimulatorServer, attach, attach_async

from .support import furnished
from .test_reading import IN_ORDER, stopped

SEND = Send("FilterLogEvents", {}, service="logs", region="eu-west-1")


def endpoint(url: str | None) -> Any:
    """Return the endpoint of a client for CloudWatch Logs, given that of a client for ECS."""
    options = Options(endpoint_url=url, region_name="us-east-1")
    arguments = others.client_arguments(Session(), options, SEND)
    assert (arguments["service_name"], arguments["region_name"]) == ("logs", "eu-west-1")
    return arguments.get("endpoint_url")


def test_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator serves all services at one address. An endpoint of AWS does not, and configuration comes first."""
    assert endpoint(None) is None
    assert endpoint("http://127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert endpoint("https://vpce-0a1b.ecs.us-east-1.vpce.amazonaws.com") is None
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:6000")
    assert endpoint("http://127.0.0.1:5000") is None


def test_over_http_and_with_a_session_of_the_caller() -> None:
    """A simulator answers both services behind HTTP, and under a session."""
    with SimulatorServer(furnished(prepare=stopped)()) as server, server.client() as client:
        [arn] = [task.arn for task in server.simulator.tasks()]
        assert [line.message for line in client.tasks.logs(arn)] == IN_ORDER
    sim = furnished(prepare=stopped)()
    session = Session()
    session.set_credentials("testing", "testing")
    attached = attach(session, sim)
    with Client(session=session, region_name="us-east-1") as client:
        assert [line.message for line in client.tasks.logs(sim.tasks()[0].arn)] == IN_ORDER
        made = client._transport._others
        assert [line.message for line in client.tasks.logs(sim.tasks()[0].arn)] == IN_ORDER
        assert len(made) == 1
    attached.detach()


def test_wrapped_clients() -> None:
    """A client for CloudWatch Logs can be wrapped, too. It stays open, and a copy uses it."""
    sim = furnished(prepare=stopped)()
    session = Session()
    session.set_credentials("testing", "testing")
    attached = attach(session, sim)
    made: Any = (session.create_client(name, region_name="us-east-1") for name in ("ecs", "logs"))
    ecs, logs = made
    closed: list[str] = []
    logs.close = lambda: closed.append("logs")
    arn = sim.tasks()[0].arn
    for client in (Client.wrap(ecs, logs=logs), copy.copy(Client.wrap(ecs, logs=logs))):
        with client:
            assert [line.message for line in client.tasks.logs(arn)] == IN_ORDER
    assert closed == []
    with pytest.raises(ConfigurationError, match="expected a client for logs, got one for ecs"):
        Client.wrap(ecs, logs=ecs)
    elsewhere = session.create_client("logs", region_name="eu-west-1")
    with Client.wrap(ecs, logs=elsewhere) as client, pytest.raises(ConfigurationError) as raised:
        list(client.tasks.logs(arn))
    assert str(raised.value) == (
        "FilterLogEvents: the log group is in us-east-1, and the client that was passed as logs= is for eu-west-1; pass"
        " one for us-east-1, or make the client with session= in place of `wrap`"
    )
    attached.detach()


def test_wrapped_async_clients() -> None:
    """The same with aiobotocore."""

    async def run() -> list[str]:
        sim = furnished(prepare=stopped)()
        session = AioSession()
        session.set_credentials("testing", "testing")
        attach_async(session, sim)
        made = (session.create_client(name, region_name="us-east-1") for name in ("ecs", "logs"))
        async with next(made) as ecs, next(made) as logs, AsyncClient.wrap(ecs, logs=logs) as client:
            with pytest.raises(ConfigurationError, match="expected a client for logs, got one for ecs"):
                AsyncClient.wrap(ecs, logs=ecs)
            return [line.message async for line in client.tasks.logs(sim.tasks()[0].arn)]

    assert asyncio.run(run()) == IN_ORDER


def test_a_closed_client_refuses() -> None:
    """The client for CloudWatch Logs is closed with it."""
    sim = furnished()()
    client = sim.client()
    stream = client.tasks.logs(sim.tasks()[0].arn, follow=True)
    assert next(stream).message == "start"
    client.close()
    with pytest.raises(ClientClosedError):
        list(stream)


def test_a_cancelled_follower_leaves_nothing_open(sim: Simulator) -> None:
    """The task is cancelled while it waits; nothing is reported as unclosed."""

    async def run() -> list[str]:
        found: list[str] = []

        async def follow(client: AsyncClient) -> None:
            async for line in client.tasks.logs(sim.tasks()[0].arn, follow=True):
                found.append(line.message)
                if len(found) == 2:
                    asyncio.get_running_loop().call_soon(task.cancel)

        async with sim.async_client() as client:
            task = asyncio.ensure_future(follow(client))
            with pytest.raises(asyncio.CancelledError):
                await task
            found += [line.message async for line in client.tasks.logs(sim.tasks()[0].arn)]
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = asyncio.run(run())
        gc.collect()
    assert found[:2] == ["start", "start"]
    assert found.count("start") == 4


@pytest.fixture
def sim() -> Simulator:
    """A simulator with a task that was just launched."""
    return furnished()()
