"""What an account has of ECS Exec: scripts, sessions, data keys, and faults."""

from __future__ import annotations

import itertools
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.exec.exec_script import ScriptedCommands
from ecskit._simulator.exec.pace import RealPace
from ecskit._simulator.exec.ways import ChannelFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ecskit._simulator.exec.executed import Started
    from ecskit._simulator.exec.session import Connection, ExecSession

__all__ = ["ExecState"]


@attrs.define
class ExecState:
    """The sessions of an account, and what they depend on.

    Args:
        streams: Returns the scheme and the host of the URLs of streams. It may begin to serve them.
        scripts: The scripts of commands.
        faults: What happens to the messages of sessions that begin from now on.
        pace: What differs for sessions of a clock that is faster than real time.
        repeats_acknowledgements: Whether agents acknowledge a message again that arrives again.
        sessions: The sessions by their ids, also some that have ended.
        started: The commands that have started.
        numbers: The numbers of sessions.
        changed: The connections to which something has happened before their next moment.
        data_keys: Data keys and their encryption contexts, by their ciphertexts.
    """

    streams: Callable[[], str]
    scripts: ScriptedCommands = attrs.field(factory=ScriptedCommands)
    faults: ChannelFaults = attrs.field(factory=ChannelFaults)
    pace: RealPace = attrs.field(factory=RealPace)
    repeats_acknowledgements: bool = False
    sessions: dict[str, ExecSession] = attrs.field(factory=dict)
    started: list[Started] = attrs.field(factory=list)
    numbers: Iterator[int] = attrs.field(factory=itertools.count)
    changed: deque[Connection] = attrs.field(factory=deque)
    data_keys: dict[bytes, tuple[bytes, Mapping[str, str]]] = attrs.field(factory=dict)

    def stream_url(self, session_id: str) -> str:
        """Return the URL of a session's stream."""
        return f"{self.streams()}/v1/data-channel/{session_id}?role=publish_subscribe"

    def wake_links(self) -> None:
        """Wake the links of the changed connections. The caller does not hold the lock, which they may need."""
        with suppress(IndexError):
            while True:
                self.changed.popleft().wake()

    def live(self, now: float) -> list[ExecSession]:
        """Return the sessions that have not ended, and forget those that ended long ago."""
        for session in list(self.sessions.values()):
            session.advance(now)
            if session.is_forgotten(now):
                del self.sessions[session.id]
        return [each for each in self.sessions.values() if each.ended_at is None]
