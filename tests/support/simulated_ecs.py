"""Transports into a simulator, without botocore in between, and with hooks around each request."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs

from ecskit import errors
from ecskit._core.effects import RawResponse, Send
from ecskit._transport import failures
from ecskit.testing import LostAnswerError, SimulatedError, Simulator

from .in_order import InOrder

Hook = Callable[[int, str], object]
"""Called with the number of a request, from 0, and its operation."""


_PREFIX = "AmazonEC2ContainerServiceV20141113"


def nothing(*_: object) -> None:
    """Do nothing."""


def answer(sim: Simulator, send: Send) -> RawResponse:
    """Answer a request, or raise what a transport would raise."""
    body = json.dumps(send.params, default=_seconds).encode()
    try:
        if send.service != "ecs":
            return RawResponse(b"", {}, parsed=sim.handle(send.operation, json.loads(body)))
        response = sim.respond(f"{_PREFIX}.{send.operation}", body)
    except SimulatedError as refusal:
        raise _service_error(send, refusal.code, refusal.message) from None
    except LostAnswerError as lost:
        kind = errors.TimedOutError if lost.loss == "timeout" else errors.ConnectionFailedError
        raise kind(send.operation, lost.loss) from None
    if response.status != 200:
        refused = json.loads(response.body)
        raise _service_error(send, refused.pop("__type"), refused.pop("message"), **refused)
    return RawResponse(response.body, {})


def _service_error(send: Send, code: str, message: str, **details: Any) -> errors.ServiceError:
    """Return the error that a client raises for a refusal."""
    return failures.service_error({**details, "Error": {"Code": code, "Message": message}}, send.operation, None)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())  # as botocore does: fractions are lost


@attrs.define
class Sends:
    """A transport into a simulator, with hooks around each request: before it takes effect, and after."""

    sim: Simulator
    before: Hook = nothing
    after: Hook = nothing
    answer: Callable[[Simulator, Send], RawResponse] = answer
    count: int = 0
    lock: Any = attrs.field(factory=threading.Lock)
    order: InOrder | None = None
    """What puts the requests of parallel threads in order; None for that in which they come."""

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        if self.order is not None:
            self.order.wait()
        number = self.number()
        self.before(number, send.operation)
        begin()
        try:
            return self.answer(self.sim, send)
        finally:
            self.after(number, send.operation)

    @property
    def region(self) -> str:
        """The region of the client."""
        return self.sim._region

    def number(self) -> int:
        """Return the number of the next request."""
        with self.lock:
            self.count += 1
            return self.count - 1


@attrs.define
class AsyncSends:
    """The same for the async driver: it yields to the event loop before the effect and after it."""

    sends: Sends

    @property
    def region(self) -> str:
        """The region of the client."""
        return self.sends.region

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        number = self.sends.number()
        self.sends.before(number, send.operation)
        await asyncio.sleep(0)
        begin()
        try:
            return self.sends.answer(self.sends.sim, send)
        finally:
            self.sends.after(number, send.operation)
            await asyncio.sleep(0)
