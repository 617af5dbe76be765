"""What goes wrong inside the simulator: answers that ECS would refuse with, lost answers, and defects of its own.

Decides how a refusal is described as a value. Does not know how it is rendered on the wire, nor which operation
may raise which code: the service model says that, and `simulator` checks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_SIMULATED = "NotSimulatedException"


class SimulatedError(Exception):
    """Stand for one error answer of the simulated service.

    Args:
        code: The error code as the wire carries it, for example `ClusterNotFoundException`.
        message: The text that the client reads.
        status: The HTTP status: 400 for what the caller did wrong, 500 for what the service did.
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
    """Tell that a fault lost the answer to a request, or damaged it; the request may have taken effect.

    Only `Simulator.handle` and `Simulator.respond` raise it. A client meets what such a loss looks like to it.

    Args:
        loss: What became of the answer: `reset`, `timeout`, `cut` or `garbled`.
        answer: The body of the answer that did not come through; empty if the request did not take effect.
    """

    def __init__(self, loss: str, answer: Mapping[str, Any]) -> None:
        super().__init__(loss, answer)
        self.loss = loss
        self.answer = answer

    def __str__(self) -> str:
        return f"the answer was lost: {self.loss}"


class SimulatorBug(AssertionError):  # a defect here, not an error of whoever sees it
    """Tell that the simulator was about to send something that the service model forbids.

    Never caused by the code under test: report it against ecskit.
    """


def invalid(message: str) -> SimulatedError:
    """Return an `InvalidParameterException` with this message."""
    return SimulatedError("InvalidParameterException", message)


def refused(message: str) -> SimulatedError:
    """Return a `ClientException` with this message."""
    return SimulatedError("ClientException", message)


def not_simulated(what: str) -> SimulatedError:
    """Return the error that says which operation or feature this simulator lacks."""
    return SimulatedError(NOT_SIMULATED, f"The ecskit simulator does not implement {what}.")
