"""Systems Manager, as far as sessions of ECS Exec need it: ResumeSession and TerminateSession.

Sources: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ResumeSession.html,
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_TerminateSession.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore.loaders import Loader

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

TARGET_PREFIX = "AmazonSSM"


@functools.cache
def load_model() -> dict[str, Any]:
    """Return the service model of Systems Manager in the installed botocore."""
    return cast("dict[str, Any]", Loader().load_service_model("ssm", "service-2"))


def _resume(account: Account, request: Wire) -> Wire:
    """Return a new token for a session; none if it has ended."""
    session = account.exec.sessions.get(request["SessionId"])
    if session is None:
        raise SimulatedError("DoesNotExistException", f"Session {request['SessionId']} does not exist.")
    session.advance(account.now)
    if session.ended_at is not None:
        return {"SessionId": session.id}
    token = account.hex(64)
    session.tokens.add(token)
    return {"SessionId": session.id, "TokenValue": token, "StreamUrl": account.exec.stream_url(session.id)}


def _terminate(account: Account, request: Wire) -> Wire:
    """End a session. One that has ended, or that does not exist, is answered alike."""
    session = account.exec.sessions.get(request["SessionId"])
    if session is not None:
        session.terminate(account.now)
    return {"SessionId": request["SessionId"]}


OPERATIONS: Mapping[str, Callable[[Account, Wire], Wire]] = {
    "ResumeSession": _resume,
    "TerminateSession": _terminate,
}
