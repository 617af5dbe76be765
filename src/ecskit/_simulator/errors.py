"""The errors of the simulator: error answers of ECS, lost answers, and defects of the simulator itself.

`wire` renders an error answer. `request_handler` checks that the service model lists its code for the operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_SIMULATED = "NotSimulatedException"


class SimulatedError(Exception):
    """One error answer of the simulated service.

    Args:
        code: The error code as the wire carries it, for example `ClusterNotFoundException`.
        message: The message.
        status: The HTTP status: 400 for an error of the caller, 500 for an error of the service. Default 400.
        details: Further members of the error body, for example `resourceIds` of a `ConflictException`.
    """

    def __init__(self, code: str, message: str, status: int = 400, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, message, status, details)
        self.code = code
        self.message = message
        self.status = status
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.code} ({self.status}): {self.message}"


class LostAnswerError(Exception):
    """A fault lost or damaged the answer to a request. The request may have taken effect.

    Only `Simulator.handle` and `Simulator.respond` raise it. A client gets a connection error instead.

    Args:
        loss: How the answer was lost: `reset`, `timeout`, `cut` or `garbled`.
        answer: The body of the lost answer; empty if the request did not take effect.
    """

    def __init__(self, loss: str, answer: Mapping[str, Any]) -> None:
        super().__init__(loss, answer)
        self.loss = loss
        self.answer = answer

    def __str__(self) -> str:
        return f"the answer was lost: {self.loss}"


class SimulatorBug(AssertionError):
    """The simulator built an answer that the service model forbids.

    The code under test never causes it: report it against ecskit.
    """


def invalid(message: str) -> SimulatedError:
    """Return an `InvalidParameterException` with this message."""
    return SimulatedError("InvalidParameterException", message)


def refused(message: str) -> SimulatedError:
    """Return a `ClientException` with this message."""
    return SimulatedError("ClientException", message)


def not_simulated(what: str) -> SimulatedError:
    """Return the error for an operation or feature that the simulator does not implement."""
    return SimulatedError(NOT_SIMULATED, f"The ecskit simulator does not implement {what}.")
