"""The client's end: the gate, the handshake, and what ends the channel."""

from __future__ import annotations

from ecskit._data_channel.events import Ended, Opened, Output

from .support import Agent, client, message
from .vectors import VECTORS


def test_output_is_acknowledged_and_opens_the_gate() -> None:
    """Input waits for the first output; all of it arrives, in pieces."""
    channel, agent = client(), Agent()
    channel.send_input(b"x" * 1500)
    channel.resize(80, 24)
    assert [] == channel.messages(0.0)
    agent.stream.queue(1, b"$ ")
    assert [Opened(), Output(b"$ ")] == channel.receive(list(agent.stream.messages(0.1)), 0.1)
    agent.receive(channel.messages(0.1), 0.2)
    assert [(3, b'{"cols":80,"rows":24}'), (1, b"x" * 1024), (1, b"x" * 476)] == agent.taken
    assert 0 == agent.stream.unacknowledged
    channel.receive(list(agent.stream.messages(0.2)), 0.3)
    assert 0 == channel.pending


def test_the_service_closes_the_channel() -> None:
    """Nothing is taken in after it."""
    channel = client()
    assert [Ended("")] == channel.receive([VECTORS["channel_closed"][0], message(0, b"late")], 1.0)
    assert channel.ended
