"""Both ends, with a network between them that loses, repeats, delays and damages messages, and is cut."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings, strategies as st

from ecskit._data_channel.events import Broken, Ended, Event, Output

from .support import KEY_ACTIONS, Agent, Network, agent_stream, client

SHARES = st.sampled_from([0.0, 0.05, 0.3])


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    lost=SHARES,
    repeated=SHARES,
    damaged=st.sampled_from([0.0, 0.05]),
    jitter=st.sampled_from([0.0, 0.05, 2.0]),
    cuts=st.lists(st.floats(0.0, 5.0), max_size=3),
    encrypted=st.booleans(),
    repeats=st.booleans(),
    sizes=st.lists(st.integers(1, 3000), max_size=40),
)
def test_all_bytes_arrive_once_and_in_order(
    *,
    seed: int,
    lost: float,
    repeated: float,
    damaged: float,
    jitter: float,
    cuts: list[float],
    encrypted: bool,
    repeats: bool,
    sizes: list[int],
) -> None:
    """Both ways. All is acknowledged in the end, so that nothing is due any more, if the agent repeats that."""
    source = random.Random(seed)
    outputs = [b"$ ", *(source.randbytes(min(size, 1024)) for size in sizes)]
    inputs = [source.randbytes(size) for size in sizes]
    channel = client(encrypted=encrypted or None)
    agent = Agent(queued=outputs, stream=agent_stream(repeats=repeats))
    if encrypted:
        agent.begin_handshake(KEY_ACTIONS)
    else:
        agent.send(*outputs)

    def on_event(event: Event) -> None:
        if isinstance(event, Output) and inputs:
            channel.send_input(inputs.pop())

    expected = b"".join(reversed(inputs))
    network = Network(
        channel,
        agent,
        source,
        lost=lost,
        repeated=repeated,
        damaged=damaged,
        jitter=jitter,
        cuts=cuts,
        on_event=on_event,
    )
    network.run(until=3600.0 if repeats else 60.0)
    assert not [event for event in network.events if isinstance(event, Broken | Ended)]
    assert b"".join(outputs) == network.output()
    assert expected == agent.input()
    assert not len(agent.stream)
    if repeats:
        assert (0, math.inf) == (channel.pending, channel.next_wakeup())
        assert network.now < 300


def test_without_faults_each_message_is_sent_once() -> None:
    """Messages and acknowledgements are equal in number: nothing is sent again."""
    channel, agent = client(), Agent()
    agent.send(*[b"o" * 1024] * 500)
    channel.send_input(b"i" * 1024 * 500)
    network = Network(channel, agent, random.Random(1), jitter=0.005)
    network.run()
    assert 1000 == len(network.sent_at)


@pytest.mark.parametrize("repeats", [True, False])
def test_a_full_window_survives_a_cut_quickly(repeats: bool) -> None:  # noqa: FBT001  # a case
    """All that is not acknowledged is sent at once, and new input does not wait for acknowledgements that are lost."""
    channel, agent = client(), Agent(stream=agent_stream(repeats=repeats))
    agent.send(b"$ ", *[b"o" * 1024] * 300)
    channel.send_input(b"i" * 1024 * 700)
    network = Network(channel, agent, random.Random(1), cuts=[0.05, 0.3, 0.35])
    network.run(until=3.0)
    assert 700 * 1024 == len(agent.input())
    assert 2 + 300 * 1024 == len(network.output())
    assert 0 == channel.pending
