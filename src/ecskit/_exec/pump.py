"""The flow beside the users of a session: it alone uses the link and the data channel.

It opens the session, so that no interruption of a user loses the response; connects, receives, acknowledges and sends;
requests the data key that an agent with KMS needs; resumes the session after a cut; and terminates it on every way out
but the one by the service. Without that, a session would hold one of the two slots of its container for 20 minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

from ecskit._core.effects import Cancelled, Connect, DrawRandom, Flow, GetSpeed, GetTime, Invoke, Reply, Sleep
from ecskit._core.errors import EcsError, MissingExtraError, described
from ecskit._core.links import Link, LinkClosed
from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.events import Broken, Ended, Event, KeyRequested, Output
from ecskit._exec.errors import ExecResponseLost
from ecskit._exec.requests import execute_command, generate_key, is_denied, resume_session, terminate_session, text_of
from ecskit._exec.session import End, Resize, Session

__all__ = ["pump"]

log = logging.getLogger("ecskit")

_RESUMES = 5
"""How often to try to resume a session, before it counts as lost."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before the first try, doubled up to the longest."""
_SETTLED = 10.0
"""Seconds after which a connection counts as one that works, also if nothing has happened in the session."""


def pump(session: Session, command: str, *, encrypted: bool | None) -> Flow[None]:
    """Return the flow that opens a session, and moves its data until it ends.

    Args:
        session: What it shares with the users of the session.
        command: The command that runs in it.
        encrypted: Whether the cluster has a KMS key; None if that is unknown, or does not matter.
    """
    session.pumping = True
    if session.closing is not None:  # before the request that would open it
        session.finish(session.closing)
        session.finish_clean_up()
        return
    try:
        opened = yield from execute_command(session.place, command, lambda: session.closing is None)
        session.session_id, session.url, token = opened
        session.finish((yield from _converse(session, token, encrypted)))
    except Cancelled:
        session.finish(End("local", "it was closed"))
        raise
    except BaseException as error:
        session.finish(End("failed", str(error), error))
        if not isinstance(error, EcsError):
            raise  # users get this error; the driver also has those that are no errors of ecskit
    finally:
        try:
            yield from _clean_up(session)
        except Cancelled:
            yield from _clean_up(session)  # what was not done yet
            raise
        finally:
            session.finish_clean_up()


def _clean_up(session: Session) -> Flow[None]:
    """Close the link, and terminate the session unless the service has closed it."""
    if session.link is not None:
        yield Invoke(session.link.close, None, caught=True)
        session.link = None
    if session.session_id and not session.terminated and (session.end is None or session.end.cause != "closed"):
        try:
            yield from terminate_session(session.session_id)
        finally:
            session.terminated = True


def _converse(session: Session, token: str, encrypted: bool | None) -> Flow[End]:  # noqa: FBT001  # private
    """Exchange data over one link after the other, and return how the session ended."""
    reply = yield GetTime()
    session.begin(reply.now)
    drawn: int = (yield DrawRandom()).get()
    speed: float = (yield GetSpeed()).get()
    epoch = reply.get() - reply.now
    channel = DataChannel(ids=_ids(drawn), epoch=epoch, encrypted=encrypted, speed=speed)
    if session.closing is not None:
        return session.closing
    session.link = link = yield from _connect(session)
    tries = 0
    while True:
        channel.connect(token)
        end, has_worked = yield from _exchange(session, channel, link)
        if end.cause != "lost" or channel.ended:
            return end
        tries = 0 if has_worked else tries
        log.info("session %s: %s; it is resumed", session.session_id, end.reason)
        yield Invoke(link.close, None, caught=True)
        while True:
            if tries == _RESUMES:
                return End("lost", f"{end.reason}; {_RESUMES} tries to resume it failed")
            session.waker.roused = False
            if session.closing is None:
                yield Sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries), session.waker)
            if session.closing is not None:
                return session.closing
            tries += 1
            resumed = yield from _resume(session, end.reason)
            if isinstance(resumed, End):
                return resumed
            if resumed is not None:
                link, token = resumed
                session.link = link
                break


def _connect(session: Session) -> Flow[Link]:
    """Open the first link. The agent does not wait for it: the command runs with or without one."""
    connected: Reply[Link] = yield Connect(session.url)
    if connected.error is not None:
        reason = f"the connection to the session could not be opened ({text_of(connected.error)})"
        raise ExecResponseLost(session.place.task_arn, session.place.container, reason) from connected.error
    return connected.get()


def _ids(drawn: int) -> Iterator[int]:
    """Return random numbers of 128 bits, from one that was drawn. No part of them may repeat: nonces are made of it."""
    return iter(partial(Random(drawn).getrandbits, 128), None)


def _resume(session: Session, reason: str) -> Flow[tuple[Link, str] | End | None]:
    """Return a new link and its token, the end of the session if it cannot be resumed, or None if that may pass."""
    try:
        token = yield from resume_session(session.session_id)
    except EcsError as error:
        if is_denied(error):
            return End("lost", f"{reason}; to resume it, the credentials need ssm:ResumeSession ({described(error)})")
        return None if error.retryable else End("lost", f"{reason}; it cannot be resumed: {described(error)}")
    if token is None:
        return End("lost", f"{reason}, and the session has timed out meanwhile")
    connected: Reply[Link] = yield Connect(session.url)
    return None if connected.error is not None else (connected.get(), token)


def _exchange(session: Session, channel: DataChannel, link: Link) -> Flow[tuple[End, bool]]:
    """Exchange data until the session or the link ends. Return how, and whether the link has worked before."""
    now = began = (yield Sleep(0)).now
    events: Sequence[Event] = ()
    has_worked, failed = False, None
    while True:
        while session.commands:
            command = session.commands.popleft()
            if isinstance(command, Resize):
                channel.resize(command.columns, command.rows)
            else:
                channel.send_input(command)
        # Acknowledgements go before all else: the agent waits for them. What was acknowledged is always passed on.
        if messages := channel.messages(now):
            sent: Reply[Any] = yield Invoke(link.send, messages, caught=True, wake=link.wake)
            now, failed = sent.now, sent.value
        session.report_pending(channel.pending)
        for event in events:
            end = yield from _handle(session, channel, event, now)
            if end is not None:
                yield Invoke(link.send, channel.messages(now), caught=True, wake=link.wake)  # such as a refusal
                return end, has_worked
        if isinstance(failed, Exception):
            return _lost(failed), has_worked
        if session.closing is not None:
            return session.closing, has_worked
        seconds = max(0.0, channel.next_wakeup() - now)
        came: Reply[Any] = yield Invoke(link.receive, seconds, caught=True, wake=link.wake)
        now = came.now
        if isinstance(came.value, Exception):
            return _lost(came.value), has_worked or now - began >= _SETTLED
        pending = channel.pending
        events = channel.receive(came.value or (), now)
        has_worked = has_worked or bool(events) or channel.pending < pending


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
            return End("closed", text, is_complete=not channel.has_gap)
        case Broken(reason):
            return End("lost", reason)
        case _:
            pass
    return None


def _provide_key(session: Session, channel: DataChannel, event: KeyRequested) -> Flow[End | None]:
    """Give the channel a data key of KMS. If there is none, refuse, and return the end of the session."""
    try:
        key = yield from generate_key(session.session_id, session.place, event.key_id, event.challenge)
        channel.provide_key(*key)
    except EcsError as error:
        channel.refuse_key("The client has no data key.")
        if isinstance(error, MissingExtraError):
            return End("refused", str(error), error)
        why = f"the cluster encrypts sessions: there is no data key of {event.key_id}"
        if is_denied(error):
            why = f"the cluster encrypts sessions: the credentials need kms:GenerateDataKey on {event.key_id}"
        return End("refused", f"{why} ({described(error)})")
    return None
