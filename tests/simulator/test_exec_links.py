"""Links in the process: what ends their waits."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from ecskit._core.links import LinkClosed
from ecskit.testing import Simulator

from .test_exec_clients import launched


def opened(simulator: Simulator) -> tuple[str, str, str]:
    """Open a session, and return its id, its URL and the first message of a connection."""
    request = {"cluster": "exec", "task": launched(simulator), "command": "sh", "interactive": True}
    session = simulator.handle("ExecuteCommand", request)["session"]
    return session["sessionId"], session["streamUrl"], f'{{"TokenValue": "{session["tokenValue"]}"}}'


def test_a_request_of_another_thread_ends_the_wait_of_a_link() -> None:
    """It does not wait for the next moment at which something would happen."""
    simulator = Simulator(now=time.time)
    session_id, url, opening = opened(simulator)
    link = simulator._connect(url)
    link.send([opening])
    received: list[Any] = []

    def receive() -> None:
        with pytest.raises(LinkClosed):
            while True:
                received.extend(link.receive(60))
                if any(b"channel_closed" in each for each in received):
                    link.close()

    thread = threading.Thread(target=receive)
    thread.start()
    while link._waker.wake is None:
        time.sleep(0.001)
    simulator.handle("TerminateSession", {"SessionId": session_id})
    thread.join(10)
    assert not thread.is_alive()


async def test_a_wakeup_is_not_lost() -> None:
    """It ends the wait that is under way, or the next one, also if that has messages first."""
    simulator = Simulator()
    session_id, url, opening = opened(simulator)
    link = await simulator._connect_async(url)
    await link.send([opening])
    simulator.clock.advance(5)
    link.wake()
    first = await link.receive(60)
    assert any(b"# " in each for each in first if isinstance(each, bytes))
    assert await link.receive(60) == []
    waiting = asyncio.ensure_future(link.receive(60))
    await asyncio.sleep(0)
    simulator.handle("TerminateSession", {"SessionId": session_id})
    await asyncio.sleep(0)
    link.wake()
    assert await waiting == []
    await link.close()
    await link.close()
    with pytest.raises(LinkClosed, match="code 1000"):
        await link.receive(60)
    with pytest.raises(LinkClosed, match="code 1000"):
        await link.send([b"late"])
