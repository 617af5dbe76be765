"""Transports into a simulator, without botocore in between, and with hooks around each request."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs

from ecskit import errors
from ecskit._core.effects import RawResponse, Send
from ecskit._transport import failures
from ecskit.testing import LostAnswerError, SimulatedError, Simulator

Hook = Callable[[int, str], object]
"""Called with the number of a request, from 0, and its operation."""


def nothing(*_: object) -> None:
    """Do nothing."""


def service_error(operation: str, refusal: SimulatedError) -> errors.ServiceError:
    """Return the error that a client raises for a refusal."""
    error = {"Code": refusal.code, "Message": refusal.message}
    return failures.service_error({"Error": error, **refusal.details}, operation, None)


def answer(sim: Simulator, send: Send) -> RawResponse:
    """Answer a request, or raise what a transport would raise."""
    try:
        body = sim.handle(send.operation, _plain(send.params))
    except SimulatedError as refusal:
        raise service_error(send.operation, refusal) from None
    except LostAnswerError as lost:
        kinds = {"reset": errors.ConnectionFailedError, "timeout": errors.TimedOutError}
        raise kinds.get(lost.loss, errors.MalformedResponseError)(send.operation, lost.loss) from None
    if send.service != "ecs":
        return RawResponse(b"", {}, parsed=body)
    return RawResponse(json.dumps(body).encode(), {})


def _plain(params: Any) -> Any:
    """Return parameters as they travel: times are seconds."""
    if isinstance(params, Mapping):
        return {name: _plain(value) for name, value in params.items()}
    if isinstance(params, (list, tuple)):
        return [_plain(value) for value in params]
    return params.timestamp() if isinstance(params, datetime) else params


@attrs.define
class Sends:
    """A transport into a simulator, with hooks around each request: before it takes effect, and after."""

    sim: Simulator
    before: Hook = nothing
    after: Hook = nothing
    answer: Callable[[Simulator, Send], RawResponse] = answer
    count: int = 0
    lock: Any = attrs.field(factory=threading.Lock)

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
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
