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
class _Member:
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
    waiting = [_Member(index, flow) for index, flow in reversed([*enumerate(flows)])]
    members: list[_Member] = []
    ended: set[int] = set()
    go_on = True
    waker = Waker()
    reply: Reply[SharedPolls] = yield Share(SharedPolls)
    shared, now = reply.get(), reply.now
    try:
        while go_on and len(ended) < len(flows):
            begun = [waiting.pop() for _ in range(min(len(waiting), (most or len(flows)) - len(members)))]
            replies: list[tuple[_Member, Reply[Any] | None]] = [(member, None) for member in begun]
            members += begun
            if not begun:
                replies = yield from _replies(members, shared, now, limit)
            for member, own in replies:
                if end := (yield from _advance(member, own, shared, waker)):
                    ended.add(member.index)
                    go_on = (yield from on_ended(member.index, end)) and go_on
            members = [member for member in members if member.index not in ended]
            now = (yield Sleep(0)).now
    finally:
        for member in [*members, *waiting]:
            if member.request is not None:
                shared.remove(member.request)
            member.flow.close()


def _advance(member: _Member, reply: Reply[Any] | None, shared: SharedPolls, waker: Waker) -> Flow[Reply[Any] | None]:
    """Run a flow up to the next effect that takes time, which is due then. Return its result or error at its end."""
    if member.request is not None:
        shared.remove(member.request)
        member.request = None
    while True:
        try:
            effect: Any = next(member.flow) if reply is None else member.flow.send(reply)
        except StopIteration as stop:
            return Reply((yield Sleep(0)).now, stop.value)
        except EcsError as error:
            return Reply((yield Sleep(0)).now, error=error)
        if isinstance(effect, (DrawRandom, Invoke, Share, GetRegion)):
            reply = yield effect
            continue
        now = (yield Sleep(0)).now
        member.effect, member.at = effect, now
        if isinstance(effect, Sleep):
            member.at = now + max(0.0, effect.seconds)
        elif isinstance(effect, Observe):
            member.at = math.inf
            member.request = shared.add(effect, waker, now)
        return None


def _replies(
    members: Sequence[_Member], shared: SharedPolls, now: float, limit: int
) -> Flow[list[tuple[_Member, Reply[Any] | None]]]:
    """Perform what is due first, and return the replies. There may be none yet."""
    answered = [
        (member, member.request)
        for member in members
        if member.request is not None and member.request.reply is not None
    ]
    if answered:
        return [(member, reply_of(request)) for member, request in answered]
    due = [member for member in members if member.at <= now]
    if due:
        sleeps = [member for member in due if isinstance(member.effect, Sleep)]
        calls = [member for member in due if not isinstance(member.effect, Sleep)]
        replies = yield from _perform([member.effect for member in calls], limit)
        return [*((member, Reply(now)) for member in sleeps), *zip(calls, replies, strict=True)]
    first = min(member.at for member in members)
    requests = [member.request for member in members if member.request is not None]
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
