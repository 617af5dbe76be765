"""Run any number of flows side by side in one flow: no thread and no task for each.

`Parallel` takes a thread or a task for each flow under way, so it suits a few calls. Here thousands of flows may sleep
at the same time. Their polls are shared with those of all waits of the client; other calls that are due are sent a few
at once. Each flow goes on with its own reply.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import attrs

from ecskit._core.effects import (
    DrawRandom,
    Effect,
    Flow,
    GetRegion,
    Invoke,
    Observe,
    Parallel,
    Reply,
    Share,
    Sleep,
    Waker,
)
from ecskit._core.errors import EcsError
from ecskit._polling.poll_requests import PollRequest
from ecskit._polling.shared_polls import SharedPolls, poll_next, reply_of

__all__ = ["PARALLEL_CALLS", "side_by_side"]

PARALLEL_CALLS = 4
"""How many calls run at the same time, by default."""
OnEnded: TypeAlias = Callable[[int, Reply[Any]], Flow[bool]]
"""Returns a flow to run when a flow has ended, given its index and its result or error. False ends all others."""


@attrs.define(eq=False)
class _Turn:
    """A flow, and the effect for which it waits."""

    index: int
    flow: Flow[Any]
    effect: Effect = attrs.field(factory=lambda: Sleep(0))
    at: float = -math.inf
    """The monotonic time at which the effect is due. A poll has a request instead."""
    request: PollRequest | None = None


def side_by_side(
    flows: Sequence[Flow[Any]], on_ended: OnEnded, *, limit: int = PARALLEL_CALLS, most: int | None = None
) -> Flow[None]:
    """Run flows to their ends.

    A flow that fails does not stop the others. Callbacks are called one after the other.

    Args:
        flows: The flows. They emit nothing.
        on_ended: Returns a flow to run after the end of each.
        limit: How many calls run at the same time.
        most: How many flows may be under way at the same time; the others begin as these end. None: all.
    """
    waiting = [_Turn(index, flow) for index, flow in reversed([*enumerate(flows)])]
    turns: list[_Turn] = []
    ended: set[int] = set()
    go_on = True
    waker = Waker()
    reply: Reply[SharedPolls] = yield Share(SharedPolls)
    shared, now = reply.get(), reply.now
    try:
        while go_on and len(ended) < len(flows):
            begun = [waiting.pop() for _ in range(min(len(waiting), (most or len(flows)) - len(turns)))]
            replies: list[tuple[_Turn, Reply[Any] | None]] = [(turn, None) for turn in begun]
            turns += begun
            if not begun:
                replies = yield from _replies(turns, shared, now, limit)
            for turn, own in replies:
                if end := (yield from _advance(turn, own, shared, waker)):
                    ended.add(turn.index)
                    go_on = (yield from on_ended(turn.index, end)) and go_on
            turns = [turn for turn in turns if turn.index not in ended]
            now = (yield Sleep(0)).now
    finally:
        for turn in [*turns, *waiting]:
            if turn.request is not None:
                shared.remove(turn.request)
            turn.flow.close()


def _advance(turn: _Turn, reply: Reply[Any] | None, shared: SharedPolls, waker: Waker) -> Flow[Reply[Any] | None]:
    """Run a flow up to the next effect that takes time, and set its turn. Return its result or error at its end."""
    if turn.request is not None:
        shared.remove(turn.request)
        turn.request = None
    while True:
        try:
            effect: Any = next(turn.flow) if reply is None else turn.flow.send(reply)
        except StopIteration as stop:
            return Reply((yield Sleep(0)).now, stop.value)
        except EcsError as error:
            return Reply((yield Sleep(0)).now, error=error)
        if isinstance(effect, DrawRandom | Invoke | Share | GetRegion):
            reply = yield effect
            continue
        now = (yield Sleep(0)).now
        turn.effect, turn.at = effect, now
        if isinstance(effect, Sleep):
            turn.at = now + max(0.0, effect.seconds)
        elif isinstance(effect, Observe):
            turn.at = math.inf
            turn.request = shared.add(effect, waker, now)
        return None


def _replies(
    turns: Sequence[_Turn], shared: SharedPolls, now: float, limit: int
) -> Flow[list[tuple[_Turn, Reply[Any] | None]]]:
    """Perform what is due first, and return the replies. There may be none yet."""
    answered = [(turn, turn.request) for turn in turns if turn.request is not None and turn.request.reply is not None]
    if answered:
        return [(turn, reply_of(request)) for turn, request in answered]
    due = [turn for turn in turns if turn.at <= now]
    if due:
        sleeps = [turn for turn in due if isinstance(turn.effect, Sleep)]
        calls = [turn for turn in due if not isinstance(turn.effect, Sleep)]
        replies = yield from _perform([turn.effect for turn in calls], limit)
        return [*((turn, Reply(now)) for turn in sleeps), *zip(calls, replies, strict=True)]
    first = min(turn.at for turn in turns)
    requests = [turn.request for turn in turns if turn.request is not None]
    if requests:
        yield from poll_next(shared, requests, now, first)
    else:
        yield Sleep(first - now)
    return []


def _perform(effects: Sequence[Effect], limit: int) -> Flow[list[Reply[Any]]]:
    """Perform effects, a few at the same time, and return the replies."""
    if len(effects) == 1:
        return [(yield effects[0])]  # one call needs no thread
    if not effects:
        return []
    replies: Reply[list[Reply[Reply[Any]]]] = yield Parallel([_alone(effect) for effect in effects], limit)
    return [reply.get() for reply in replies.get()]


def _alone(effect: Effect) -> Flow[Reply[Any]]:
    return (yield effect)
