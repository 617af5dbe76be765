"""Run any number of flows side by side in one flow: no thread and no task for each, and polls of several in one call.

`Parallel` takes a thread or a task for each flow under way, so it suits a few calls. Here thousands of flows may sleep
at the same time. The calls that are due are sent together, a few at once, and each flow goes on with its own reply.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import attrs

from ecskit._core.effects import DrawRandom, Effect, Flow, GetRegion, Invoke, Observe, Parallel, Reply, Share, Sleep
from ecskit._core.errors import EcsError
from ecskit._polling.batches import Batches, Target, names_only
from ecskit._polling.observations import Observations

__all__ = ["PARALLEL_CALLS", "side_by_side"]

PARALLEL_CALLS = 4
"""How many calls run at the same time, by default."""
EARLIEST = 1.0
"""A poll may begin this many seconds early, if a call for others is sent then."""
EARLIEST_SHARE = 0.5
"""No poll begins before this share of its interval: one that sees the same state twice needs distance."""

OnEnded: TypeAlias = Callable[[int, Reply[Any]], Flow[None]]
"""Returns a flow to run when a flow has ended, given its index and its result or error."""


@attrs.define(eq=False)
class _Turn:
    """A flow, and the effect for which it waits."""

    index: int
    flow: Flow[Any]
    effect: Effect = attrs.field(factory=lambda: Sleep(0))
    at: float = -math.inf
    """The monotonic time at which the effect is due."""
    after: float = -math.inf
    """The monotonic time from which on the effect may be performed."""


def side_by_side(
    flows: Sequence[Flow[Any]], on_ended: OnEnded, *, limit: int = PARALLEL_CALLS, most: int | None = None
) -> Flow[list[Reply[Any]]]:
    """Run flows to their ends, and return the result or the error of each, in order.

    A flow that fails does not stop the others. Callbacks are called one after the other.

    Args:
        flows: The flows. They emit nothing.
        on_ended: Returns a flow to run after the end of each.
        limit: How many calls run at the same time.
        most: How many flows may be under way at the same time; the others begin as these end. None: all.
    """
    waiting = [_Turn(index, flow) for index, flow in reversed([*enumerate(flows)])]
    turns: list[_Turn] = []
    ended: dict[int, Reply[Any]] = {}
    replies: list[tuple[_Turn, Reply[Any] | None]] = []
    try:
        while len(ended) < len(flows):
            for turn, reply in replies:
                if end := (yield from _advance(turn, reply)):
                    ended[turn.index] = end
                    yield from on_ended(turn.index, end)
            turns = [turn for turn in turns if turn.index not in ended]
            begun = [waiting.pop() for _ in range(min(len(waiting), (most or len(flows)) - len(turns)))]
            turns += begun
            if begun:
                replies = [(turn, None) for turn in begun]
            elif turns:
                now = (yield Sleep(0)).now
                first = min(turn.at for turn in turns)
                if first > now:
                    now = max(first, (yield Sleep(first - now)).now)
                replies = yield from _perform([turn for turn in turns if turn.after <= now], now, limit)
        return [ended[index] for index in range(len(flows))]
    finally:
        for turn in [*turns, *waiting]:
            turn.flow.close()


def _advance(turn: _Turn, reply: Reply[Any] | None) -> Flow[Reply[Any] | None]:
    """Run a flow up to the next effect that takes time, and set its turn. Return its result or error at its end."""
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
        turn.effect = effect
        if isinstance(effect, Sleep):
            turn.at = turn.after = now + max(0.0, effect.seconds)
        elif isinstance(effect, Observe):
            turn.at = effect.due
            turn.after = max(effect.due - EARLIEST, now + EARLIEST_SHARE * (effect.due - now))
        else:
            turn.at = turn.after = now
        return None


def _perform(turns: Sequence[_Turn], now: float, limit: int) -> Flow[list[tuple[_Turn, Reply[Any] | None]]]:
    """Perform the effects of turns that are due, and return the reply to each, in order of the turns."""
    by_index: dict[int, Reply[Any]] = {}
    calls: list[Flow[dict[int, Reply[Any]]]] = []
    polls: list[_Turn] = []
    for turn in turns:
        match turn.effect:
            case Sleep():
                by_index[turn.index] = Reply(now)
            case Observe(query=Batches()):
                polls.append(turn)
            case _:
                calls.append(_alone([turn]))
    calls += [_together(group) for group in _groups(polls)]
    if len(calls) == 1:
        by_index |= yield from calls[0]  # one call needs no thread
    elif calls:
        replies: Reply[list[Reply[dict[int, Reply[Any]]]]] = yield Parallel(calls, limit)
        for reply in replies.get():
            by_index |= reply.get()
    return [(turn, by_index[turn.index]) for turn in turns]


def _alone(turns: Sequence[_Turn]) -> Flow[dict[int, Reply[Any]]]:
    """Perform the effects of turns one after the other."""
    done: dict[int, Reply[Any]] = {}
    for turn in turns:
        effect = turn.effect
        done[turn.index] = yield attrs.evolve(effect, due=-math.inf) if isinstance(effect, Observe) else effect
    return done


def _groups(turns: Sequence[_Turn]) -> Iterator[list[_Turn]]:
    """Yield the polls that fit into one call, those with the earliest deadlines first. A larger poll is alone."""
    open_groups: dict[Any, tuple[list[_Turn], set[str]]] = {}  # what each holds, and the ids in it
    for turn in sorted(turns, key=_deadline):
        effect: Any = turn.effect
        batches: Batches[Any] = effect.query
        targets = [batches.by_name[name] for name in effect.ids]
        ids = {target.id for target in targets}
        scopes = {names_only(target.scope) for target in targets}
        most = batches.resource_type.batch_size
        if len(scopes) != 1 or len(ids) > most:
            yield [turn]
            continue
        key = (batches.resource_type.describe, scopes.pop())
        group, taken = open_groups.get(key, ([], set[str]()))
        if len(taken | ids) > most:
            yield group
            group, taken = [], set()
        group.append(turn)
        taken |= ids
        open_groups[key] = group, taken
    for group, _ in open_groups.values():
        yield group


def _deadline(turn: _Turn) -> float:
    return turn.effect.deadline if isinstance(turn.effect, Observe) else math.inf


def _together(turns: Sequence[_Turn]) -> Flow[dict[int, Reply[Any]]]:
    """Poll for several flows in one call.

    If ECS refuses the call, one of them is the cause. Each is then polled alone, so that only that one gets the error.
    """
    if len(turns) == 1:
        return (yield from _alone(turns))
    by_name: dict[str, Target] = {}
    for turn in turns:
        effect: Any = turn.effect
        by_name |= {_key(turn, name): effect.query.by_name[name] for name in effect.ids}
    first: Any = turns[0].effect
    try:
        seen = yield from Batches[Any](first.query.resource_type, by_name).poll(list(by_name))
    except EcsError:
        return (yield from _alone(turns))
    now = (yield Sleep(0)).now
    return {turn.index: Reply(now, _own(turn, seen)) for turn in turns}


def _own(turn: _Turn, seen: Observations[Any]) -> Observations[Any]:
    """Return what a poll for several flows showed of the targets of one."""
    effect: Any = turn.effect
    keys = {name: _key(turn, name) for name in effect.ids}
    return Observations(
        {name: seen.observed[key] for name, key in keys.items() if key in seen.observed},
        {name: seen.unanswered[key] for name, key in keys.items() if key in seen.unanswered},
    )


def _key(turn: _Turn, name: str) -> str:
    return f"{turn.index} {name}"
