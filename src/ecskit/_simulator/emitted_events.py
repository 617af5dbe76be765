"""The events that ECS sends to EventBridge, and how they arrive: late, twice, in another order, or never."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from ecskit._simulator.account import seeded
from ecskit._simulator.mailbox import Mailbox, Message
from ecskit._simulator.wire import copied

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ecskit._simulator.arns import Arns
    from ecskit._simulator.disturbances import Disturbances
    from ecskit._simulator.event_changes import Change
    from ecskit._simulator.event_delivery import Deliveries
    from ecskit._simulator.wire import Wire

__all__ = ["EmittedEvents", "Route"]

log = logging.getLogger("ecskit")


class Route:
    """The way of events from the account into a mailbox, with disturbances."""

    def __init__(self, arns: Arns, disturbances: Disturbances) -> None:
        self.mailbox = Mailbox()
        self._arns, self._disturbances = arns, disturbances
        self._random = seeded(disturbances.seed, "events")

    def add(self, change: Change) -> None:
        """Send one change on its way."""
        envelope = self._envelope(change)
        lost, twice = self._disturbances.lost, self._disturbances.twice
        copies = 0 if self._random.random() < lost else 1 + (self._random.random() < twice)
        for _ in range(copies):
            arrival = change.at + self._random.uniform(*self._disturbances.late)
            self.mailbox.put(arrival, Message(envelope, arrival))

    def _envelope(self, change: Change) -> Wire:
        return {
            "version": "0",
            "id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "detail-type": change.detail_type,
            "source": "aws.ecs",
            "account": self._arns.account,
            "time": _text(change.at, "seconds"),
            "region": self._arns.region,
            "resources": [change.resource],
            "detail": _with_text_times(change.detail),
        }


class EmittedEvents:
    """The events of a simulated account from one moment on, as a rule of EventBridge passes them to a target.

    `Simulator.emit_events` makes it. It is a context manager, which stops emitting at the end.
    """

    def __init__(self, deliveries: Deliveries, route: Route, to: Callable[[Wire], object] | None) -> None:
        self._deliveries, self._route, self._to = deliveries, route, to
        self._failed: Exception | None = None
        deliveries.add(route, None if to is None else self._push)

    def take(self) -> list[Wire]:
        """Return the envelopes that have arrived since the last call, in the order of their arrival.

        Raises:
            RuntimeError: They are passed to `to`.
        """
        if self._to is not None:
            raise RuntimeError("these events are passed to the `to` of emit_events, and cannot be taken")
        with self._deliveries.collected() as now:
            return [copied(message.envelope) for message in self._route.mailbox.take(now)]

    def close(self) -> None:
        """Emit no further events. A second call does nothing.

        Raises:
            Exception: `to` raised it. It was called no more after that.
        """
        self._deliveries.remove(self._route)
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def _push(self, envelopes: list[Wire]) -> bool:
        assert self._to is not None
        for envelope in envelopes:
            try:
                self._to(copied(envelope))
            except Exception as error:
                # Raised here, it would end the flow that moves the clock, which has no part in it.
                log.exception("emit_events: no further events are passed to %r, because it failed", self._to)
                self._failed = error
                return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _text(seconds: float, precision: str) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    return f"{moment.isoformat(timespec=precision)}Z"


def _with_text_times(value: Any) -> Any:
    """Return a detail with its times as ISO text. Their names end in `At`."""
    if isinstance(value, dict):
        return {
            name: _text(item, "milliseconds")
            if name.endswith("At") and isinstance(item, float)
            else _with_text_times(item)
            for name, item in value.items()
        }
    return [_with_text_times(item) for item in value] if isinstance(value, list) else value
