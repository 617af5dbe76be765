"""The requests of ECS Exec: to open a session, to resume and to terminate it, and for its data key."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from typing import Any

from ecskit._api.service_errors import TargetNotConnectedException
from ecskit._core.call import call
from ecskit._core.effects import Cancelled, Flow, GetSpeed, RawResponse, Reply, Send, Sleep
from ecskit._core.errors import (
    AccessDeniedError,
    EcsError,
    InvalidRequestError,
    MalformedResponseError,
    ServiceError,
    TransportError,
    described,
)
from ecskit._core.retrying import RetryLimits, may_have_taken_effect, retry
from ecskit._core.turns import await_turn
from ecskit._exec.errors import AGENT_REMEDY, ExecResponseLost, ExecUnavailable
from ecskit._exec.session import Place
from ecskit.models.tasks import ExecuteCommandRequest, ExecuteCommandResponse

__all__ = ["Opened", "execute_command", "generate_key", "is_denied", "resume_session", "terminate_session", "text_of"]

log = logging.getLogger("ecskit")

_CONNECTING = 15.0
"""Seconds for which ExecuteCommand is repeated while ECS reports that the agent is not connected. The error is often
transient, also after ECS has shown the agent as RUNNING, and means that the command was not run."""
_TERMINATE_LIMITS = RetryLimits(attempts=3, longest_pause=1.0)
_NOT_TERMINATED = "session %s was not terminated, and may hold one of the slots of its container for 20 minutes: %s"
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized")
_KEY_BYTES = 64
_HANDSHAKE = 12.0
"""Seconds for the data key, repeated requests included. The agent waits for 15 s."""

Opened = tuple[str, str, str]
"""The id, the address and the token of a session."""


def execute_command(place: Place, command: str, is_wanted: Callable[[], bool]) -> Flow[Opened]:
    """Send ExecuteCommand.

    It has no client token, so that a repeat would run the command twice. Only a refusal because of the agent's
    connection is repeated.

    Args:
        place: Where to run the command.
        command: The command, as the agent splits it into words.
        is_wanted: Returns whether to go on repeating.

    Raises:
        ExecUnavailable: The agent is not connected, or ECS Exec was not enabled.
        ExecResponseLost: The command may run.
        EcsError: ECS refuses.
    """
    request = ExecuteCommandRequest(
        cluster=place.cluster, task=place.task_arn, container=place.container or None, command=command, interactive=True
    )

    def attempt() -> Flow[ExecuteCommandResponse]:
        yield from await_turn({request._operation: 1.0})
        return (yield from call(request, single_attempt=True, completes=True))

    def may_pass(error: EcsError, _: int) -> bool:
        return isinstance(error, TargetNotConnectedException) and is_wanted()

    limits = RetryLimits(attempts=100, longest_pause=4.0, until=(yield Sleep(0)).now + _CONNECTING)
    try:
        session = (yield from retry(attempt, limits, may_pass=may_pass)).session
    except Cancelled as cancelled:
        if cancelled.sent:
            log.warning("ExecuteCommand was cancelled; the command may run in task %s", place.task_arn)
        raise
    except EcsError as error:
        explained = _explained(error, place)
        if explained is None:
            raise
        raise explained from error
    if not (session.session_id and session.stream_url and session.token_value):
        raise ExecResponseLost(place.task_arn, place.container, "no valid response (it names no session)")
    return session.session_id, session.stream_url, session.token_value


def _explained(error: EcsError, place: Place) -> EcsError | None:
    """Return what an error of ExecuteCommand means; None if its own text shows that."""
    if isinstance(error, TargetNotConnectedException):
        reason = f"its agent was not connected for {_CONNECTING:.0f} s ({text_of(error)})"
        return ExecUnavailable(place.task_arn, reason, AGENT_REMEDY)
    if isinstance(error, ServiceError) and "session limit" in error.message.lower():
        remedy = "wait until a session in the container has ended, or end one by ssm:TerminateSession"
        return ExecUnavailable(place.task_arn, text_of(error), remedy)
    if isinstance(error, InvalidRequestError) and "execute command" in error.message.lower():
        return ExecUnavailable(place.task_arn, text_of(error), AGENT_REMEDY)
    if not may_have_taken_effect(error):
        return None
    return ExecResponseLost(place.task_arn, place.container, f"no valid response ({text_of(error)})")


def text_of(error: EcsError) -> str:
    """Return the code and the message of an error, without its targets: errors of ecskit name them."""
    code = f"{error.code}: " if isinstance(error, ServiceError) else ""
    return f"{code}{getattr(error, 'message', str(error)).removesuffix('.')}"


def terminate_session(session_id: str) -> Flow[None]:
    """Terminate a session. If AWS refuses or cannot be reached, log one warning.

    After a cancellation the request is sent again, because it may have been stopped before it arrived. One that has
    failed to reach AWS is not: that may take minutes.
    """
    unreachable: TransportError | None = None

    def attempt() -> Flow[None]:
        nonlocal unreachable
        try:
            yield from _request("ssm", "TerminateSession", {"SessionId": session_id})
        except TransportError as error:
            unreachable = error
            raise

    try:
        yield from retry(attempt, _TERMINATE_LIMITS)
    except Cancelled:
        if unreachable is None:
            yield from terminate_session(session_id)
        else:
            log.warning(_NOT_TERMINATED, session_id, described(unreachable))
        raise
    except EcsError as error:
        if isinstance(error, ServiceError) and error.code == "DoesNotExistException":
            return  # it has ended
        needs = "the credentials need ssm:TerminateSession on it; " if is_denied(error) else ""
        log.warning(_NOT_TERMINATED, session_id, f"{needs}{described(error)}")


def is_denied(error: EcsError) -> bool:
    """Return whether a permission is missing. Expired credentials have the same class, and lack none."""
    return isinstance(error, AccessDeniedError) and error.code in _DENIED


def resume_session(session_id: str) -> Flow[str | None]:
    """Return a new token for a session; None if it has timed out.

    Raises:
        EcsError: AWS refuses, or the exchange failed.
    """
    answer = yield from _request("ssm", "ResumeSession", {"SessionId": session_id})
    token: str | None = answer.get("TokenValue")
    return token or None


def generate_key(session_id: str, place: Place, key_id: str, challenge: str | None) -> Flow[tuple[bytes, bytes]]:
    """Return a data key of KMS: its plaintext and its ciphertext. The agent decrypts it with the same context.

    Raises:
        EcsError: AWS KMS refuses, or the exchange failed.
    """
    context = {"aws:ssm:SessionId": session_id, "aws:ssm:TargetId": place.ssm_target}
    if challenge is not None:
        context["aws:ssm:RandomChallenge"] = challenge
    params = {"KeyId": key_id, "NumberOfBytes": _KEY_BYTES, "EncryptionContext": context}
    parts = key_id.split(":")
    region = parts[3] if parts[0] == "arn" and len(parts) > 5 else None
    speed: Reply[float] = yield GetSpeed()
    limits = RetryLimits(attempts=4, longest_pause=2.0, until=speed.now + _HANDSHAKE * speed.get())
    answer = yield from retry(lambda: _request("kms", "GenerateDataKey", params, region), limits)
    plaintext, ciphertext = (_bytes(answer.get(name)) for name in ("Plaintext", "CiphertextBlob"))
    if len(plaintext) != _KEY_BYTES or not ciphertext:
        raise MalformedResponseError("GenerateDataKey", "the response has no data key of 64 bytes")
    return plaintext, ciphertext


def _request(service: str, operation: str, params: Mapping[str, Any], region: str | None = None) -> Flow[Any]:
    reply: Reply[RawResponse] = yield Send(operation, params, service=service, region=region)
    return reply.get().parsed or {}


def _bytes(value: object) -> bytes:
    """Return the bytes that a parsed response holds, also as base64, as doubles may have it; b"" for anything else."""
    if not isinstance(value, str):
        return value if isinstance(value, bytes) else b""
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""
