"""A program that was held up, by a blocked event loop or a machine that slept, still makes the last poll of a wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from ecskit._core.effects import Flow, Observe, Reply, Share
from ecskit._polling.batches import Target
from ecskit._polling.observations import Observations
from ecskit._polling.shared_polls import poll


@attrs.frozen
class Shows:
    """A query that shows whatever it is polled for."""

    kind: object = "kind"
    describes: object = None
    by_events: bool = False
    operation: str = "DescribeTasks"
    batch_size: int = 100

    def targets(self, ids: Sequence[str]) -> Sequence[Target]:
        """Return the ids, in one scope."""
        return [Target("", id_) for id_ in ids]

    concerned = targets

    def poll(self, ids: Sequence[str], _by: float) -> Flow[Observations[str]]:
        """Show each id."""
        yield from ()
        return Observations({id_: id_ for id_ in ids}, {})


@pytest.mark.parametrize("woken_at", [10.0, 13.0, 500.0])
def test_the_last_poll_is_made(woken_at: float) -> None:
    """The budget is full, so nothing but the program made it late."""
    flow = poll(Observe(query=Shows(), ids=["a"], born=0.0, after=10.0, due=10.0, deadline=10.0))
    shared: dict[Any, Any] = {}
    effect, now = next(flow), 0.0
    while True:
        if isinstance(effect, Share):
            value = shared.setdefault(effect.make, effect.make())
        elif isinstance(effect, Observe):
            value = None
        else:
            value, now = None, woken_at
        try:
            effect = flow.send(Reply(now, value))
        except StopIteration as stop:
            polled: Observations[str] = stop.value.get()
            break
    assert ({"a": "a"}, {}) == (polled.observed, polled.unanswered)
