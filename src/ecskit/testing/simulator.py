"""The simulator itself: one account in one region that answers ECS requests.

Decides the order of things for each request: set the time, check the request against the service model, consume an
injected fault, let the operation act, check the answer, record the call. What operations do is written in the
`operations` package; sockets and clients are elsewhere.
"""

from __future__ import annotations

import copy
import threading
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

from ecskit import _service_model
from ecskit._drive.clock import Clock, SystemClock
from ecskit.testing import clients, operations
from ecskit.testing.arns import Arns
from ecskit.testing.calls import Call
from ecskit.testing.errors import NOT_SIMULATED, SimulatedError, SimulatorBug, not_simulated
from ecskit.testing.lag import Lag
from ecskit.testing.operations import capacity_providers, clusters
from ecskit.testing.validation import check_request, check_response
from ecskit.testing.virtual_clock import VirtualClock
from ecskit.testing.wire import Response, Wire, parse_body, parse_target, render, render_error
from ecskit.testing.world import DEFAULT_CLUSTER, World, seeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecskit.aio import AsyncClient
    from ecskit.client import Client
    from ecskit.testing.script import TaskScript

# Codes that any operation may answer with, beside those that the service model lists for it.
_COMMON_CODES = frozenset({"SerializationException", "ThrottlingException", NOT_SIMULATED})


class Simulator:
    """Answer ECS requests from a made-up account.

    A cluster named "default" exists from the start. Time comes from `now` alone, randomness from `seed` alone: the
    same requests at the same moments get the same answers. Threads may share a simulator.

    Args:
        now: Returns the time in seconds since the epoch. It must not go back. Default: the simulator's own `clock`,
            which moves only when all clients of `client` and `async_client` sleep. With a `now` of yours these clients
            sleep on the machine's clock.
        region: The region in ARNs. Default us-east-1.
        account: The account id in ARNs. Default 123456789012.
        seed: Root of all randomness. Default 0.
        lag: How far task reads are behind the truth. Default: not at all.
        keep_calls: How many of the latest calls `calls` remembers. Default None: all of them.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
        seed: int = 0,
        lag: Lag | None = None,
        keep_calls: int | None = None,
    ) -> None:
        self.clock = VirtualClock()
        self._now = now or self.clock.epoch
        self._naps: Clock = SystemClock() if now else self.clock
        self._region = region
        self._seed = seed
        self._model: dict[str, Any] = _service_model.load()
        self._world = World(arns=Arns(region, account), lag=lag or Lag(), seed=seed)
        self._request_ids = seeded(seed, "requests")
        self._calls: deque[Call] = deque(maxlen=keep_calls)
        self._faults: dict[str, deque[SimulatedError]] = {}
        self._lock = threading.RLock()
        self._world.advance(self._now())
        capacity_providers.predefine(self._world)
        clusters.create(self._world, {"clusterName": DEFAULT_CLUSTER})

    @property
    def calls(self) -> list[Call]:
        """The calls received so far, oldest first."""
        with self._lock:
            return list(self._calls)

    def now(self) -> float:
        """Return the time of the simulator in seconds since the epoch."""
        return self._now()

    def client(self) -> Client:
        """Return a sync client whose requests this simulator answers, in-process and on the simulator's clock.

        It makes one attempt per request, so that injected faults are what is left after the SDK's retries.
        """
        return clients.client(self, self._naps, region=self._region, seed=self._seed)

    def async_client(self) -> AsyncClient:
        """Return an async client whose requests this simulator answers, in-process and on the simulator's clock.

        It makes one attempt per request, so that injected faults are what is left after the SDK's retries.

        Raises:
            MissingExtraError: The extra `async` is not installed.
        """
        return clients.async_client(self, self._naps, region=self._region, seed=self._seed)

    def script(self, family: str, script: TaskScript) -> None:
        """Choose how tasks behave that are launched from now on.

        Args:
            family: A task definition family, or "*" for all families without a script of their own.
            script: The behaviour.
        """
        with self._lock:
            self._world.scripts[family] = script

    def fail(self, operation: str, error: SimulatedError, *, times: int = 1) -> None:
        """Answer the next valid requests for an operation with an error, before they take effect.

        Args:
            operation: The operation, for example `RunTask`.
            error: The answer, for example `SimulatedError("ThrottlingException", "Rate exceeded")`.
            times: How many requests fail. Default 1. Further calls of `fail` queue behind.

        Raises:
            ValueError: The service has no such operation.
        """
        if operation not in self._model["operations"]:
            raise ValueError(f"ECS has no operation {operation!r}")
        if not isinstance(error, SimulatedError):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"error must be a SimulatedError, not {type(error).__name__}")
        with self._lock:
            self._faults.setdefault(operation, deque()).extend([error] * times)

    def handle(self, operation: str, request: Wire) -> Wire:
        """Perform one operation on plain JSON values and return the body of the answer.

        Args:
            operation: The operation, for example `RunTask`.
            request: The request as the wire has it, camelCase.

        Raises:
            SimulatedError: The service refuses. The code is `NotSimulatedException` for an operation that ECS has and
                the simulator lacks.
            SimulatorBug: The simulator built an answer that the service model forbids.
        """
        with self._lock:
            return copy.deepcopy(self._answer(operation, copy.deepcopy(request)))

    def respond(self, target: str, body: bytes) -> Response:
        """Answer one HTTP request, errors included.

        Args:
            target: The `X-Amz-Target` header.
            body: The body of the request.

        Raises:
            SimulatorBug: The simulator built an answer that the service model forbids.
        """
        with self._lock:
            request_id = str(uuid.UUID(int=self._request_ids.getrandbits(128), version=4))
            try:
                operation = parse_target(target, self._model["metadata"]["targetPrefix"])
                return render(200, self._answer(operation, parse_body(body)), request_id)
            except SimulatedError as error:
                return render_error(error, request_id)

    def _answer(self, operation: str, request: Wire) -> Wire:
        now = self._now()
        record = copy.deepcopy(request)
        try:
            answer = self._perform(operation, request, now)
        except SimulatedError as error:
            self._calls.append(
                Call(time=now, operation=operation, request=record, status=error.status, code=error.code)
            )
            raise
        self._calls.append(Call(time=now, operation=operation, request=record, status=200, code=None))
        return answer

    def _perform(self, operation: str, request: Wire, now: float) -> Wire:
        if operation not in self._model["operations"]:
            raise SimulatedError("UnknownOperationException", f"ECS has no operation {operation}.")
        perform = operations.TABLE.get(operation)
        if perform is None:
            raise not_simulated(f"the operation {operation}")
        self._world.advance(now)
        check_request(self._model, operation, request)
        faults = self._faults.get(operation)
        if faults:
            raise faults.popleft()
        try:
            answer = perform(self._world, request)
        except SimulatedError as error:
            self._check_code(operation, error)
            raise
        check_response(self._model, operation, answer)
        return answer

    def _check_code(self, operation: str, error: SimulatedError) -> None:
        """Stop an error that the service model does not list for the operation."""
        listed = {each["shape"] for each in self._model["operations"][operation].get("errors", ())}
        if error.code not in listed | _COMMON_CODES:
            raise SimulatorBug(f"{operation} refused with {error.code}, which the service model does not list")


def simulated_operations() -> frozenset[str]:
    """Return the names of the operations that the simulator implements."""
    return frozenset(operations.TABLE)
