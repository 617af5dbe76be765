"""The pace of packets, and the estimate of the time until an acknowledgement arrives."""

from __future__ import annotations

import bisect
import random

import pytest
from hypothesis import given, settings, strategies as st

from ecskit._data_channel.events import Output
from ecskit._data_channel.pacing import Pace, RoundTrip

from .support import Agent, Network, acknowledged, client, message, opened, stream_messages


def most_in_a_second(times: list[float]) -> int:
    """Return the largest number of packets in any second."""
    return max(bisect.bisect_left(times, begin + 1.0) - n for n, begin in enumerate(times))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 400)), max_size=60), st.sampled_from([0.0, 1e6, 1.7e9]))
def test_no_second_has_more_packets_than_the_pace(steps: list[tuple[float, int]], now: float) -> None:
    """However the demand is spread."""
    pace = Pace()
    times: list[float] = []
    for seconds, wanted in steps:
        now += seconds / 10
        taken = min(wanted, pace.granted(now))
        pace.take(taken, now)
        times += [now] * taken
    assert not times or most_in_a_second(times) <= 900


@pytest.mark.parametrize("start", [0.0, 1.7e9 + 0.1])
def test_the_pace_is_ready_when_it_says_so(start: float) -> None:
    """Whoever wakes up then gets the packets, also where floats are coarse."""
    pace = Pace()
    now = start
    for _ in range(500):
        packets = max(1, pace.granted(now))
        pace.take(pace.granted(now), now)
        now = pace.ready_at(packets)
        assert pace.granted(now) >= min(packets, 50)
    assert 300 / 900 < now - start < 50


def test_a_channel_keeps_the_pace() -> None:
    """With 2,000 messages of output and 1 MB of input at once; it comes close to the limit."""
    channel, agent = client(), Agent()
    channel.send_input(b"i" * 1_000_000)
    agent.send(*[b"o"] * 2000)
    network = Network(channel, agent, random.Random(1))
    network.run()
    assert (b"o" * 2000, b"i" * 1_000_000) == (network.output(), agent.input())
    assert 800 <= most_in_a_second(network.sent_at) <= 900
    assert network.now < 6


def test_the_opening_is_a_packet() -> None:
    """It counts as one."""
    channel = opened()
    channel.send_input(b"i" * 100_000)
    channel.connect("the next token")
    assert 50 == len(channel.messages(1.0))


def test_acknowledgements_go_first() -> None:
    """Input that was queued before waits for them."""
    channel = opened()
    channel.send_input(b"i" * 100_000)
    channel.receive([message(number) for number in range(1, 31)], 1.0)
    sent = channel.messages(1.0)
    assert list(range(1, 31)) == acknowledged(sent[:30])
    assert 20 == len(stream_messages(sent[30:]))
    assert 1.0 < channel.next_wakeup() < 1.1


def test_output_is_reported_before_it_is_acknowledged() -> None:
    """The pace holds back acknowledgements, not output."""
    channel = opened()
    outputs = channel.receive([message(number, b"o") for number in range(1, 201)], 1.0)
    assert [Output(b"o")] * 200 == outputs
    assert 50 == len(channel.messages(1.0))


def test_the_timeout_follows_the_round_trips() -> None:
    """As in TCP, between 10 ms above the mean and one second."""
    estimate = RoundTrip()
    assert 0.2 == estimate.timeout
    estimate.measure(0.1)
    assert pytest.approx(0.11) == estimate.timeout
    estimate.measure(0.3)
    assert pytest.approx(0.125 + 4 * 0.05) == estimate.timeout
    for _ in range(50):
        estimate.measure(5.0)
    assert 1.0 == estimate.timeout
    for _ in range(200):
        estimate.measure(0.001)
    assert pytest.approx(0.011, abs=1e-3) == estimate.timeout
