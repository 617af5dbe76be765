"""The flow beside the users of a session: it alone uses the link and the data channel.

It connects, receives, acknowledges and sends; requests the data key that an agent with KMS needs; resumes the session
after a cut; and terminates it on every way out but the one by the service. Without that, a session would hold one of
the two slots of its container for 20 minutes.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ecskit._core.effects import Cancelled, Connect, Flow, Invoke, RawResponse, Reply, Send, Sleep
from ecskit._core.errors import AccessDeniedError, EcsError, MissingExtraError, ServiceError, described
from ecskit._core.links import Link, LinkClosed
from ecskit._core.retrying import RetryLimits, retry
from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.events import Broken, Ended, Event, KeyRequested, Output
from ecskit._exec.session import End, Resize, Session

__all__ = ["pump", "terminate"]

log = logging.getLogger("ecskit")

_RESUMES = 5
"""How often to try to resume a session, before it counts as lost."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before the first try, doubled up to the longest."""
_TERMINATE_LIMITS = RetryLimits(attempts=3, longest_pause=1.0)
_KEY_BYTES = 64


def pump(session: Session, channel: DataChannel, token: str) -> Flow[None]:
    """Return the flow that moves the data of a session until it ends.

    Args:
        session: The session, which ExecuteCommand has opened.
        channel: Its data channel.
        token: The token of ExecuteCommand.
    """
    session.pumping = True
    try:
        session.finish((yield from _converse(session, channel, token)))
    except Cancelled:
        session.finish(End("local", "it was closed"))
        raise
    except BaseException as error:
        session.finish(End("failed", str(error), error))
        if not isinstance(error, EcsError):
            raise  # users get this error; the driver also has those that are no errors of ecskit
    finally:
        if session.link is not None:
            yield Invoke(session.link.close, None, caught=True)
        if session.end is None or session.end.cause != "closed":
            try:
                yield from terminate(session)
            except Cancelled:
                yield from terminate(session)  # the request may not have been sent
                raise
        session.finish_clean_up()


def terminate(session: Session) -> Flow[None]:
    """Terminate a session. If AWS refuses, log one warning."""

    def attempt() -> Flow[None]:
        yield from _request("ssm", "TerminateSession", {"SessionId": session.session_id})

    try:
        yield from retry(attempt, _TERMINATE_LIMITS)
    except EcsError as error:
        if isinstance(error, ServiceError) and error.code == "DoesNotExistException":
            return  # it has ended
        needs = "the credentials need ssm:TerminateSession on it; " if isinstance(error, AccessDeniedError) else ""
        log.warning(
            "session %s was not terminated, and may hold one of the slots of its container for 20 minutes: %s%s",
            session.session_id,
            needs,
            described(error),
        )


def _request(service: str, operation: str, params: Mapping[str, Any], region: str | None = None) -> Flow[Any]:
    reply: Reply[RawResponse] = yield Send(operation, params, service=service, region=region)
    return reply.get().parsed or {}


def _converse(session: Session, channel: DataChannel, token: str) -> Flow[End]:
    """Exchange data over one link after the other, and return how the session ended."""
    session.link = (yield Connect(session.url)).get()
    tries = 0
    while True:
        channel.connect(token)
        end, is_alive = yield from _exchange(session, channel, session.link)
        if end.cause != "lost" or session.closing is not None:
            return session.closing or end
        tries = 0 if is_alive else tries
        log.info("session %s: %s; it is resumed", session.session_id, end.reason)
        yield Invoke(session.link.close, None, caught=True)
        while True:
            if tries == _RESUMES:
                return End("lost", f"{end.reason}; {_RESUMES} tries to resume it failed")
            yield Sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))
            tries += 1
            resumed = yield from _resume(session, end.reason)
            if isinstance(resumed, End):
                return resumed
            if resumed is not None:
                session.link, token = resumed
                break


def _resume(session: Session, reason: str) -> Flow[tuple[Link, str] | End | None]:
    """Return a new link and its token, the end of the session if it cannot be resumed, or None if that may pass."""
    try:
        answer = yield from _request("ssm", "ResumeSession", {"SessionId": session.session_id})
    except EcsError as error:
        if isinstance(error, AccessDeniedError):
            return End("lost", f"{reason}; to resume it, the credentials need ssm:ResumeSession ({described(error)})")
        return None if error.retryable else End("lost", f"{reason}; it cannot be resumed: {described(error)}")
    token: str | None = answer.get("TokenValue")
    if not token:
        return End("lost", f"{reason}, and the session has timed out meanwhile")
    connected: Reply[Link] = yield Connect(session.url)
    return None if connected.error is not None else (connected.get(), token)


def _exchange(session: Session, channel: DataChannel, link: Link) -> Flow[tuple[End, bool]]:
    """Exchange data until the session or the link ends. Return how, and whether anything arrived."""
    now = (yield Sleep(0)).now
    events: Sequence[Event] = ()
    is_alive = False
    while True:
        while session.commands:
            command = session.commands.popleft()
            if isinstance(command, Resize):
                channel.resize(command.columns, command.rows)
            else:
                channel.send_input(command)
        # Acknowledgements go before all else: the agent waits for them.
        if messages := channel.messages(now):
            sent: Reply[Any] = yield Invoke(link.send, messages, caught=True, wake=link.wake)
            now = sent.now
            if isinstance(sent.value, Exception):
                return _lost(sent.value), is_alive
        session.report_pending(channel.pending)
        for event in events:
            end = yield from _handle(session, channel, event, now)
            if end is not None:
                yield Invoke(link.send, channel.messages(now), caught=True, wake=link.wake)  # such as a refusal
                return end, is_alive
        if session.closing is not None:
            return session.closing, is_alive
        seconds = max(0.0, channel.next_wakeup() - now)
        came: Reply[Any] = yield Invoke(link.receive, seconds, caught=True, wake=link.wake)
        now = came.now
        if isinstance(came.value, Exception):
            return _lost(came.value), is_alive
        is_alive = is_alive or bool(came.value)
        events = channel.receive(came.value or (), now)


def _lost(error: Exception) -> End:
    if not isinstance(error, (LinkClosed, EcsError)):
        raise error
    return End("lost", str(error))


def _handle(session: Session, channel: DataChannel, event: Event, now: float) -> Flow[End | None]:
    """Return how an event ends the session; None if it goes on."""
    match event:
        case Output(data):
            if not session.deliver(data, now):
                return End("overflow", "64 MiB of output waited to be read; read it faster, or write less")
        case KeyRequested():
            return (yield from _provide_key(session, channel, event))
        case Ended(text):
            return End("closed", text)
        case Broken(reason):
            return End("lost", reason)
        case _:
            pass
    return None


def _provide_key(session: Session, channel: DataChannel, event: KeyRequested) -> Flow[End | None]:
    """Give the channel a data key of KMS. If there is none, refuse, and return the end of the session."""
    context = {"aws:ssm:SessionId": session.session_id, "aws:ssm:TargetId": session.place.ssm_target}
    if event.challenge is not None:
        context["aws:ssm:RandomChallenge"] = event.challenge
    params = {"KeyId": event.key_id, "NumberOfBytes": _KEY_BYTES, "EncryptionContext": context}
    parts = event.key_id.split(":")
    region = parts[3] if parts[0] == "arn" and len(parts) > 5 else None
    try:
        answer = yield from _request("kms", "GenerateDataKey", params, region)
        channel.provide_key(_bytes(answer["Plaintext"]), _bytes(answer["CiphertextBlob"]))
    except EcsError as error:
        channel.refuse_key("The client has no data key.")
        if isinstance(error, MissingExtraError):
            return End("refused", str(error), error)
        needs = f"the cluster encrypts sessions: the credentials need kms:GenerateDataKey on {event.key_id}"
        return End("refused", f"{needs} ({described(error)})")
    return None


def _bytes(value: bytes | str) -> bytes:
    """Return the bytes that a parsed response holds; a double may hold base64, as the service sends it."""
    return base64.b64decode(value) if isinstance(value, str) else value
