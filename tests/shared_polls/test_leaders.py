"""What a polling leader does, effect by effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import attrs
import pytest

from ecskit._core.effects import Flow, Observe, RawResponse, Reply, Send, Share, Sleep, Waker
from ecskit._drive.aio import AsyncRuntime
from ecskit._polling.batches import Batches, DescribedType, Target
from ecskit._polling.budget import PollBudget
from ecskit._polling.observations import Observations
from ecskit._polling.poll_requests import PollRequest
from ecskit._polling.shared_polls import SharedPolls, poll, poll_next

from . import support

PER_CALL = 2
SECONDS_PER_CALL = 100.0


def describe(_: str, ids: list[str]) -> Flow[Sequence[str]]:
    """Read some ids with one request, which shows all."""
    (yield Send("DescribeTasks", {"tasks": ids})).get()
    return ids


LETTERS: DescribedType[str] = DescribedType(
    noun="letter", state=str, operation="DescribeTasks", batch_size=PER_CALL, describe=describe, id_of=str
)


def observe(ids: str, *, due: float = 0.0, deadline: float = float("inf")) -> Observe:
    """Return a poll of some letters that no other poll makes needless before it is due."""
    query = Batches(LETTERS, {letter: Target("", letter) for letter in ids})
    return Observe(query=query, ids=list(ids), born=0.0, after=due, due=due, deadline=deadline)


@attrs.define
class Hand:
    """Performs flows step by step, on a clock that moves as long as they sleep."""

    now: float = 0.0
    values: dict[Any, Any] = attrs.field(factory=dict[Any, Any])
    slept: list[float] = attrs.field(factory=list[float])

    def shared(self, make: Callable[[], Any]) -> Any:
        """Return a value that flows share."""
        return self.values.setdefault(make, make())

    def perform(self, flow: Flow[Any], woken_at: float | None = None) -> Any:
        """Perform a flow to its end, and return its result. Its first sleep ends at a given time."""
        reply: Any = None
        while True:
            try:
                effect = flow.send(reply)
            except StopIteration as stop:
                return stop.value
            value: Any = None
            if isinstance(effect, Share):
                value = self.shared(effect.make)
            elif isinstance(effect, Send):
                value = RawResponse(b"", {})
            elif isinstance(effect, Sleep) and (effect.waker or effect.seconds > 0):
                self.slept.append(effect.seconds)
                self.now = self.now + effect.seconds if woken_at is None else woken_at
            reply = Reply(self.now, value)

    def use_up(self) -> None:
        """Take the one token of a budget that has the next one after 10 s."""
        self.values[PollBudget] = budget = PollBudget(0.1)
        assert 0 == budget.take("DescribeTasks", self.now)

    def request(self, *args: Any, **options: Any) -> PollRequest:
        """Add a request of another flow."""
        request: PollRequest = self.shared(SharedPolls).add(observe(*args, **options), Waker(), self.now)
        return request


@pytest.mark.parametrize("woken_at", [10.0, 13.0, 500.0])
def test_a_program_that_was_held_up_makes_the_last_poll(woken_at: float) -> None:
    """The budget is full, so nothing but the program made it late."""
    polled: Reply[Observations[str]] = Hand().perform(poll(observe("a", due=10.0, deadline=10.0)), woken_at)
    assert ({"a": "a"}, {}) == (polled.get().observed, polled.get().unanswered)


def test_a_leader_whose_poll_is_left_out_steps_down_at_once() -> None:
    """Its flow may hold the request for long: while the consumer of an iterator has an item."""
    hand = Hand()
    hand.use_up()
    left_out, other = hand.request("a", deadline=0.0), hand.request("b")
    assert 0.0 == hand.perform(poll_next(hand.shared(SharedPolls), [left_out], 0.0))
    assert left_out.reply is not None
    assert ["a"] == [*left_out.reply.get().unanswered]
    assert 0.0 == hand.shared(SharedPolls).lead(other, 0.0)


def test_a_leader_that_waits_for_a_token_returns_when_its_flow_has_other_work() -> None:
    """The token is given back, and another wait leads."""
    hand = Hand()
    hand.use_up()
    own, other = hand.request("a"), hand.request("b")
    assert 3.0 == hand.perform(poll_next(hand.shared(SharedPolls), [own], 0.0, until=3.0))
    assert ([3.0], None) == (hand.slept, own.reply)
    assert 3.0 == hand.shared(SharedPolls).lead(other, 3.0)
    assert 7.0 == pytest.approx(hand.shared(PollBudget).take("DescribeTasks", 3.0))


def test_a_leader_that_waits_for_a_token_returns_for_the_deadlines_of_its_flow() -> None:
    """A poll of the same flow can be left out a second after its deadline."""
    hand = Hand()
    hand.use_up()
    own, last = hand.request("a"), hand.request("b", deadline=2.0)
    last.waker = own.waker
    hand.perform(poll_next(hand.shared(SharedPolls), [own, last], 0.0))
    assert 3.0 == pytest.approx(hand.now, abs=0.01)
    assert None is own.reply


@attrs.frozen
class Slow:
    """A transport whose requests take long."""

    clock: support.Clock
    sent: list[tuple[float, str]] = attrs.field(factory=list[tuple[float, str]])

    async def send(self, send: Send, _: Callable[[], object]) -> RawResponse:
        """Answer after a while."""
        self.sent.append((self.clock.now(), "".join(send.params["tasks"])))
        await self.clock.asleep(SECONDS_PER_CALL)
        return RawResponse(b"", {})


def test_a_poll_of_many_slow_calls_is_sent_once() -> None:
    """It goes on for as long as it sends requests: another leader does not poll for the same wait again."""
    clock = support.Clock()
    transport = Slow(clock)
    runtime = AsyncRuntime(transport, clock, Random(0))

    async def main() -> list[Reply[Observations[str]]]:
        many, one = runtime.run(poll(observe("abcdefghi"))), runtime.run(poll(observe("z", due=130.0)))
        return [*await asyncio.gather(many, one)]

    polled = asyncio.run(main())
    assert [[*"abcdefghi"], ["z"]] == [[*each.get().observed] for each in polled]
    assert [(0, "ab"), (0, "cd"), (0, "ef"), (0, "gh"), (SECONDS_PER_CALL, "i"), (130, "z")] == transport.sent
