"""Flows that use links beside others: they end with their client, and those of a double need no network."""

from __future__ import annotations

import math
import time
from random import Random
from typing import Any

import pytest
from botocore.session import Session

from ecskit import AsyncClient, Client
from ecskit._core.background import Background, stop
from ecskit._core.effects import Beside, Connect, Flow, Invoke, Reply, Sleep
from ecskit._core.links import LinkClosed
from ecskit._drive.clock import SystemClock

from .support import LIMIT, LOGIN, Linked, Peer, change_settings, echo, peer, serving


def receiving(url: str, came: list[object]) -> Flow[None]:
    """Receive until the link ends."""
    opened: Reply[Any] = yield Connect(url)
    link = opened.get()
    try:
        yield Invoke(link.send, ["hello"], caught=True)  # the other end may have closed already
        while True:
            reply: Reply[Any] = yield Invoke(link.receive, math.inf, caught=True, wake=link.wake)
            came.append(reply.value)
            if isinstance(reply.value, LinkClosed):
                return
    finally:
        yield Invoke(link.close, None)
        came.append("closed")


def beside(flow: Flow[None]) -> Flow[Background]:
    """Start a flow beside this one."""
    reply: Reply[Background] = yield Beside(flow, "ecskit-receiving")
    return reply.get()


def wait_for(linked: Linked, came: list[object], count: int = 1) -> None:
    """Wait until something came."""
    end = time.monotonic() + LIMIT
    while len(came) < count:
        assert time.monotonic() < end, came
        linked.pass_time(0.005)


def test_closing_the_client_ends_what_receives(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, although it waits for ever. The link is closed, and its thread or task has ended."""
    change_settings(monkeypatch, close_timeout=4 * LIMIT)
    client, came = linked.client(), list[object]()
    with serving(echo) as url:
        background = linked.run(client._runtime.run(beside(receiving(url, came))))
        wait_for(linked, came)
        begun = time.monotonic()
        linked.run(client.aclose() if linked.is_async else client.close())
        assert time.monotonic() - begun < LIMIT  # less than a close without an answer takes
        linked.check_nothing_is_left()
    assert came[0] == ["hello"]
    assert came[-1] == "closed"
    assert background.error is None


def test_a_flow_stops_what_receives(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a peer that answers nothing, not even the close: after some seconds at most."""
    change_settings(monkeypatch, close_timeout=0.1)
    client, came = linked.client(), list[object]()

    def behaves(peer: Peer) -> None:
        peer.accept()
        peer.socket.sendall(b"\x82\x02ok")
        peer.read_to_end()

    def flow(url: str) -> Flow[None]:
        background = yield from beside(receiving(url, came))
        while not (came or background.error):
            yield Sleep(0.005)
        yield from stop(background)
        assert background.error is None

    with peer(behaves) as url:
        begun = time.monotonic()
        linked.run(client._runtime.run(flow(url)))
        assert time.monotonic() - begun < LIMIT
    assert (came[0], came[-1]) == ([b"ok"], "closed")


def test_what_receives_ends_with_its_peer(linked: Linked) -> None:
    """The end is a value of the flow."""
    client, came = linked.client(), list[object]()
    with serving(lambda connection: connection.recv()) as url:
        linked.run(client._runtime.run(beside(receiving(url, came))))
        wait_for(linked, came, 2)
    assert str(came[0]) == "the connection was closed with code 1000"
    assert came[1:] == ["closed"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_double_opens_the_links(linked: Linked, wrapped: bool) -> None:  # noqa: FBT001  # a case
    """That answers the requests, also of a wrapped client. It needs no extra, and no address that exists."""

    class Double:
        def __call__(self, **_: object) -> None:
            raise AssertionError("nothing is sent")

    double: Any = Double()
    session: Any
    if linked.is_async:

        async def connect(url: str) -> str:
            return f"link to {url}"

        from aiobotocore.session import AioSession

        double.ecskit_connect, session = connect, AioSession()
    else:
        double.ecskit_connect, session = (lambda url: f"link to {url}"), Session()
    session.register("before-send.ecs", double)
    if not wrapped:
        client = linked.client(session=session)
    elif linked.is_async:
        client = AsyncClient.wrap(linked.run(session.create_client("ecs", **LOGIN).__aenter__()))
    else:
        client = Client.wrap(session.create_client("ecs", **LOGIN))
    assert linked.run(client._transport.connect("wss://gone.example")) == "link to wss://gone.example"
    assert linked.run(client._transport.connect(None)) is None
    if wrapped:
        linked.run(client.botocore_client.close())


def test_a_fast_clock_has_fast_links(linked: Linked) -> None:
    """The clock of a served simulator: the waits of links pass at its speed."""

    class Fast(SystemClock):
        speed = 1000.0

    client = linked.client()._with_runtime(Fast(), Random(0))
    with serving(echo) as url:

        def flow() -> Flow[list[object]]:
            link = (yield Connect(url)).get()
            try:
                received: Reply[list[object]] = yield Invoke(link.receive, 50.0)
                return received.get()
            finally:
                yield Invoke(link.close, None)

        begun = time.monotonic()
        assert linked.run(client._runtime.run(flow())) == []
        assert 0.04 < time.monotonic() - begun < LIMIT
