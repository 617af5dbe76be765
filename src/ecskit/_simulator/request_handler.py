"""Answer one request.

The steps: advance the account, take a token from the quotas, check the request against the service model, choose a
fault, perform the operation, check the answer, record the call.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator import log_events, operations, scalable_targets
from ecskit._simulator.errors import NOT_SIMULATED, LostAnswerError, SimulatedError, SimulatorBug, not_simulated
from ecskit._simulator.exec import key_service, systems_manager
from ecskit._simulator.recorded_calls import Call
from ecskit._simulator.validation import check_request, check_response
from ecskit._simulator.wire import copied

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Generator
    from threading import RLock

    from ecskit._simulator.account import Account
    from ecskit._simulator.event_delivery import Deliveries
    from ecskit._simulator.fault_injection import FaultInjector
    from ecskit._simulator.faults import Fault
    from ecskit._simulator.operations import Operation
    from ecskit._simulator.wire import Wire

OTHERS = (log_events, scalable_targets, systems_manager, key_service)
"""The services besides ECS: the prefix of their targets, their service models and operations."""

# Error codes that any operation may return, besides those that the service model lists for it.
_COMMON_CODES = frozenset({"SerializationException", "ThrottlingException", "ValidationException", NOT_SIMULATED})
_READS = ("Describe", "Filter", "Get", "List")
"""How the names of operations begin that change nothing."""


class RequestHandler:
    """The part of `Simulator` that answers requests. Callers of `_answer` hold the lock."""

    _now: Callable[[], float]
    _model: dict[str, Any]
    _account: Account
    _calls: deque[Call]
    _faults: FaultInjector
    _deliveries: Deliveries
    _lock: RLock

    @contextlib.contextmanager
    def _advanced(self) -> Generator[None, None, None]:
        """Hold the lock, with the account advanced to now."""
        with self._held():
            self._account.advance(self._now())
            yield

    @contextlib.contextmanager
    def _held(self) -> Generator[None, None, None]:
        """Hold the lock. Afterwards, wake the links to which something has happened."""
        try:
            with self._lock:
                yield
        finally:
            self._account.exec.wake_links()

    def _answer(self, operation: str, request: Wire) -> Wire:
        now = self._now()
        call = Call(time=now, operation=operation, request=copied(request), status=200, code=None)
        try:
            perform = self._admit(operation, request, now)
            fault = self._faults.fault_for(operation, request, now)
            call = attrs.evolve(call, fault=fault)
            if fault is None:
                answer = self._perform(perform, operation, request)
            else:
                answer = self._perform_with_fault(perform, operation, request, fault)
        except SimulatedError as error:
            self._calls.append(attrs.evolve(call, status=error.status, code=error.code))
            raise
        except LostAnswerError as lost:
            self._calls.append(attrs.evolve(call, status=0, code=lost.loss))
            raise
        self._calls.append(call)
        return answer

    def _model_of(self, operation: str) -> dict[str, Any]:
        """Return the service model that has an operation."""
        return next((each.load_model() for each in OTHERS if operation in each.OPERATIONS), self._model)

    def _admit(self, operation: str, request: Wire, now: float) -> Operation:
        """Return the function that performs an operation, if the request is valid and not throttled."""
        model = self._model_of(operation)
        if operation not in model["operations"]:
            raise SimulatedError("UnknownOperationException", f"ECS has no operation {operation}.")
        others = (each.OPERATIONS[operation] for each in OTHERS if operation in each.OPERATIONS)
        perform = operations.TABLE.get(operation) or next(others, None)
        if perform is None:
            raise not_simulated(f"the operation {operation}")
        self._account.advance(now)
        self._account.buckets.take(operation, now)
        check_request(model, operation, request)
        return perform

    def _perform_with_fault(self, perform: Operation, operation: str, request: Wire, fault: Fault) -> Wire:
        if fault.shortage is not None:
            self._account.shortage = fault.shortage
            try:
                return self._perform(perform, operation, request)
            finally:
                self._account.shortage = None
        answer: Wire = {}
        if fault.after_effect:
            # An error answer is lost like any other answer.
            with contextlib.suppress(SimulatedError):
                answer = self._perform(perform, operation, request)
        raise fault.exception(answer)

    def _perform(self, perform: Operation, operation: str, request: Wire) -> Wire:
        try:
            answer = perform(self._account, request)
        except SimulatedError as error:
            self._check_code(operation, error)
            raise
        check_response(self._model_of(operation), operation, answer)
        if not operation.startswith(_READS):
            self._account.collect_events()
            self._deliveries.changed()
        return answer

    def _check_code(self, operation: str, error: SimulatedError) -> None:
        """Raise SimulatorBug for an error that the service model does not list for the operation."""
        listed = {each["shape"] for each in self._model_of(operation)["operations"][operation].get("errors", ())}
        if error.code not in listed | _COMMON_CODES:
            raise SimulatorBug(f"{operation} refused with {error.code}, which the service model does not list")
