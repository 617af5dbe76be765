"""The stream of one end: numbers, acknowledgements, order, and what is sent again."""

from __future__ import annotations

import json
import math

import pytest

from ecskit._data_channel.events import Broken, Event, Output
from ecskit._data_channel.frames import ACKNOWLEDGE, INPUT, Acknowledgement, Frame, encode
from ecskit._data_channel.pacing import Pace
from ecskit._data_channel.stream import HELD, Stream

from .support import EPOCH, Agent, acknowledged, client, frames, ids, message, opened, stream_messages


def acknowledgement(number: int, message_type: str = "input_stream_data") -> bytes:
    """Return an acknowledgement by the agent."""
    payload = Acknowledgement(message_type=message_type, message_id=5, number=number).payload()
    return encode(Frame(message_type=ACKNOWLEDGE, message_id=6, created=1, flags=3, payload_type=0, payload=payload))


def test_messages_from_the_future_wait_for_those_before() -> None:
    """They are acknowledged when they arrive, and reported in order."""
    channel = client()
    assert [] == channel.receive([message(2, b"c"), message(1, b"b")], 0.0)
    assert [2, 1] == acknowledged(channel.messages(0.0))
    _, *outputs = channel.receive([message(0, b"a"), message(3, b"d")], 0.1)
    assert [Output(b"a"), Output(b"b"), Output(b"c"), Output(b"d")] == outputs
    assert [0, 3] == acknowledged(channel.messages(0.1))


def test_a_repeated_message_is_acknowledged_again() -> None:
    """Its first acknowledgement may be lost, and the agent sends it again until one arrives."""
    channel = opened()
    for now in (1.0, 2.0):
        assert [] == channel.receive([message(0, b"$ ")], now)
        assert [0] == acknowledged(channel.messages(now))
    channel.receive([message(5, b"from the future")] * 3, 3.0)
    assert [5] == acknowledged(channel.messages(3.0))


def test_what_has_no_room_is_not_acknowledged() -> None:
    """The agent sends it again, when there is room."""
    channel = client(encrypted=True)
    now = 0.0
    taken: list[int] = []
    for number in range(1, HELD + 2):
        channel.receive([message(number, b"x")], now)
        now += 0.01
        taken += acknowledged(channel.messages(now))
    assert list(range(1, HELD + 1)) == taken
    assert HELD + 1 == len(channel.receive([message(0, b"x")], now))
    assert 2 == len(channel.receive([message(HELD + 2, b"y"), message(HELD + 1, b"x")], now))


def test_the_oldest_message_is_sent_again() -> None:
    """After the timeout, the same bytes, alone."""
    channel = opened()
    channel.send_input(b"i" * 3000)
    first, second, third = channel.messages(1.0)
    assert pytest.approx(1.2) == channel.next_wakeup()
    assert [] == channel.messages(1.19)
    assert [first] == channel.messages(1.21)
    assert pytest.approx(1.31) == channel.next_wakeup()
    channel.receive([acknowledgement(0), acknowledgement(2)], 1.3)
    assert [] == channel.messages(1.3)
    assert [second] == channel.messages(1.33)
    channel.receive([acknowledgement(1)], 1.4)
    assert (math.inf, 0) == (channel.next_wakeup(), channel.pending)
    assert third


def test_round_trips_are_measured_of_messages_that_were_sent_once() -> None:
    """The acknowledgement of a repeated one may belong to either."""
    channel = opened()
    channel.send_input(b"i")
    channel.messages(1.0)
    channel.messages(1.2)
    channel.receive([acknowledgement(0)], 1.21)
    channel.send_input(b"i")
    channel.messages(2.0)
    assert pytest.approx(2.2) == channel.next_wakeup()
    channel.receive([acknowledgement(1)], 2.02)
    channel.send_input(b"i")
    channel.messages(3.0)
    assert pytest.approx(3.0 + 0.09 + 4 * 0.02) == channel.next_wakeup()


def test_what_is_refused_is_not_acknowledged() -> None:
    """As the agent does before the terminal has started. The other end sends it again."""
    started = False
    channel, agent = opened(), Agent(takes=lambda _: started)
    channel.resize(80, 24)
    channel.send_input(b"ls\n")
    agent.receive(channel.messages(1.0), 1.0)
    assert [1] == acknowledged(agent.stream.messages(1.0))
    assert [] == agent.taken
    started = True
    agent.receive(channel.messages(1.2), 1.2)
    assert [(3, b'{"cols":80,"rows":24}'), (1, b"ls\n")] == agent.taken
    assert [0] == acknowledged(agent.stream.messages(1.2))


def test_after_a_cut_all_is_sent_again_that_was_not_acknowledged() -> None:
    """With the same numbers and bytes, behind the opening, which keeps the id of the client."""
    channel = client()
    channel.connect("the token")
    channel.receive([message(0)], 0.0)
    channel.send_input(b"i" * 3000)
    opening, _, first, second, third = channel.messages(0.0)
    channel.receive([acknowledgement(1)], 0.1)
    channel.connect("the next token")
    again, *resent = channel.messages(0.15)
    assert [first, third] == resent
    channel.send_input(b"more")
    assert [3] == [frame.number for frame in stream_messages(channel.messages(0.16))]
    before, after = json.loads(str(opening)), json.loads(str(again))
    assert ("the token", "the next token") == (before["TokenValue"], after["TokenValue"])
    assert before["ClientId"] == after["ClientId"]
    assert before["RequestId"] != after["RequestId"]
    assert second


def test_an_acknowledgement_after_a_cut_counts() -> None:
    """What it acknowledges is not sent again, though it was to be."""
    channel = opened()
    channel.send_input(b"i" * 2000)
    channel.messages(1.0)
    channel.connect("the next token")
    channel.receive([acknowledgement(0)], 1.1)
    _, resent = channel.messages(1.1)
    assert [1] == [frame.number for frame in stream_messages([resent])]


def test_the_time_of_a_cut_is_no_round_trip() -> None:
    """A message that was sent over the last connection is not measured."""
    channel = opened()
    channel.send_input(b"i")
    channel.messages(1.0)
    channel.connect("the next token")
    channel.receive([acknowledgement(0)], 1.9)
    channel.send_input(b"i")
    channel.messages(2.0)
    assert pytest.approx(2.2) == channel.next_wakeup()


@pytest.mark.parametrize("number", [60, 61, 7000, -1])
def test_acknowledgements_of_what_was_not_sent_are_ignored(number: int) -> None:
    """Neither messages that wait for the pace count, nor those that do not exist, nor other types."""
    channel = opened()
    channel.send_input(b"i" * 1024 * 61)
    assert 50 == len(channel.messages(1.0))
    channel.receive([acknowledgement(number), acknowledgement(0, "output_stream_data")], 1.0)
    assert 1024 * 61 == channel.pending
    assert 11 == len(channel.messages(1.1))


def test_messages_that_are_late_are_not_all_sent_again() -> None:
    """When acknowledgements are late together, at most one message in 100 ms is sent again."""
    channel = opened()
    channel.send_input(b"i" * 1024 * 40)
    channel.messages(1.0)
    again = 0
    for number in range(40):
        now = 2.5 + number / 1000
        channel.receive([acknowledgement(number)], now)
        again += len(channel.messages(now))
    assert 1 == again


def test_the_agent_is_given_up_after_5_minutes() -> None:
    """Counted from its last acknowledgement."""
    channel = opened()
    channel.send_input(b"i" * 3000)
    now, sent = 1.0, 0
    events: list[Event] = []
    channel.messages(now)
    while not events and now < 1000:
        now = channel.next_wakeup()
        if 200.0 < now < 200.2:
            channel.receive([acknowledgement(1)], now)
        events = channel.receive([], now)
        sent += len(channel.messages(now))
    assert [Broken("The agent has acknowledged nothing for 5 minutes")] == events
    assert 500 <= now < 501
    assert 4000 < sent < 5100
    assert channel.ended
    assert [] == channel.receive([], 2000.0)
    assert math.inf == channel.next_wakeup()


def test_an_agent_that_sends_output_is_not_given_up() -> None:
    """It is there. The acknowledgement may be lost for good."""
    channel = opened()
    channel.send_input(b"i")
    channel.messages(1.0)
    assert [Output(b"o")] == channel.receive([message(1, b"o")], 299.0)
    assert [] == channel.receive([], 598.0)
    assert [Broken("The agent has acknowledged nothing for 5 minutes")] == channel.receive([], 599.0)


def test_the_5_minutes_are_real_ones() -> None:
    """For a clock that is ten times as fast, they are 3000 s."""
    channel = opened(speed=10.0)
    channel.send_input(b"i")
    channel.messages(1.0)
    assert [] == channel.receive([], 3000.0)
    assert [Broken("The agent has acknowledged nothing for 5 minutes")] == channel.receive([], 3001.0)


def test_the_5_minutes_are_those_of_messages_that_were_sent_over_one_connection() -> None:
    """The acknowledgement of another message may be lost with its connection. Agents acknowledge it once."""
    channel = opened()
    channel.send_input(b"i")
    channel.messages(1.0)
    channel.connect("the next token")
    channel.messages(2.0)
    assert [] == channel.receive([], 4000.0)
    channel.send_input(b"i")
    channel.messages(4000.0)
    assert [] == channel.receive([], 4299.0)
    assert [Broken("The agent has acknowledged nothing for 5 minutes")] == channel.receive([], 4300.0)


def test_an_acknowledgement_overtakes_those_before() -> None:
    """The agent is there, so an older message without one ends nothing. It is sent again from time to time."""
    channel = opened()
    channel.send_input(b"i" * 2000)
    channel.messages(1.0)
    channel.receive([acknowledgement(1)], 1.1)
    assert 0 == channel.pending
    assert [] == channel.receive([], 4000.0)
    assert [0] == [frame.number for frame in stream_messages(channel.messages(4000.0))]
    channel.receive([acknowledgement(0)], 4000.1)
    assert (math.inf, 0) == (channel.next_wakeup(), channel.pending)


def test_messages_are_sent_again_in_turn() -> None:
    """One whose acknowledgement is lost for good does not keep others from being sent again."""
    channel = opened()
    channel.send_input(b"i" * 3000)
    channel.messages(1.0)
    again: list[int] = []
    for step in range(50):
        again += [frame.number for frame in stream_messages(channel.messages(1.0 + step / 20))]
        if 10 == len(again):
            break
    assert [0, 1, 2, 0, 1, 2, 0, 1, 2, 0] == again
    channel.connect("the next token")
    assert [0, 1, 2] == [frame.number for frame in stream_messages(channel.messages(4.1))]


def test_acknowledgements_that_are_lost_for_good_hold_nothing_up() -> None:
    """Those of a full window are lost with the connection, and the agent does not repeat them."""
    channel, agent = opened(), Agent()
    channel.send_input(b"i" * 600 * 1024)
    now = 1.0
    while now < 2.0:
        agent.receive(channel.messages(now), now)
        now += 0.01
    assert 256 == len(acknowledged(agent.stream.messages(now)))
    channel.connect("the next token")
    assert 344 * 1024 == channel.pending
    while now < 4.0:
        agent.receive(channel.messages(now), now)
        acknowledgements = agent.stream.messages(now)
        assert all(number >= 256 for number in acknowledged(acknowledgements))
        channel.receive(acknowledgements, now)
        now += 0.01
    assert (600 * 1024, 0) == (len(agent.input()), channel.pending)


def test_what_was_not_sent_before_a_cut_is_still_under_way() -> None:
    """The pace held it back."""
    channel = opened()
    channel.send_input(b"i" * 1024 * 60)
    assert 50 == len(channel.messages(1.0))
    channel.connect("the next token")
    assert 10 * 1024 == channel.pending


def test_the_first_message_of_an_agent_has_the_flag_syn() -> None:
    """Those of the client have no flags. Dates are milliseconds since the epoch."""
    channel, agent = opened(), Agent()
    agent.send(b"a", b"b")
    assert [1, 0] == [frame.flags for frame in frames(agent.stream.messages(2.0))]
    channel.send_input(b"i")
    (frame,) = frames(channel.messages(2.0))
    assert ("input_stream_data", 0, 1_700_000_002_000) == (frame.message_type, frame.flags, frame.created)


def test_a_message_that_is_due_again_waits_for_its_turn() -> None:
    """The next wake-up is no moment at which nothing can be sent: a pump would not come to rest."""
    pace = Pace()
    stream = Stream(sends=INPUT, ids=ids(1), epoch=EPOCH, pace=pace)
    stream.queue(1, b"x")
    assert 1 == len(stream.messages(0.0))
    pace.take(pace.granted(5.0), 5.0)  # as after many acknowledgements
    assert [] == stream.messages(5.0)
    assert stream.next_wakeup() > 5.0
    assert 1 == len(stream.messages(stream.next_wakeup()))
