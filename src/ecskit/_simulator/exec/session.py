"""One session of ECS Exec as the service has it: its tokens, its client's connections, and the way to the agent."""

from __future__ import annotations

import json
import math
import re
from collections import deque
from typing import TYPE_CHECKING

from ecskit._data_channel.frames import CHANNEL_CLOSED, FIN, SYN, Frame, encode, random_uuid, read_json, uuid_text
from ecskit._simulator.exec.pace import RealPace
from ecskit._simulator.exec.ways import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from ecskit._simulator.exec.agent import Agent
    from ecskit._simulator.exec.ways import ChannelFaults

__all__ = ["Connection", "ExecSession", "session_of"]

_IDLE = 20 * 60.0
"""Seconds without data after which a session ends."""
_TIMED_OUT = "The session timed out because it was idle."
_PACKETS_PER_SECOND = 1000
"""Above this many, the service closes the connection."""
_KEPT = 600.0
"""Seconds for which a session that has ended is known."""
_NORMAL, _ABNORMAL, _REFUSED = 1000, 1006, 1008


class Connection:
    """A client's WebSocket to a session. Its user holds the lock of the simulator."""

    def __init__(self, session: ExecSession | None, now: Callable[[], float]) -> None:
        self.arrived: deque[bytes] = deque()
        """What the client has received and not taken yet."""
        self.closed: tuple[int, str] | None = None
        """The code and the reason of its end."""
        self.wake: Callable[[], object] = lambda: None
        """Called after something has happened before the next moment, without the lock of the simulator."""
        self._session, self._now = session, now
        self._admitted = False

    def end(self, code: int, reason: str = "") -> None:
        """End it from the service's side."""
        self.closed = code, reason
        if self._session is not None:
            self._session.changed.append(self)

    def send(self, message: str | bytes) -> None:
        """Take a message of the client."""
        if self.closed is not None:
            return
        session = self._session
        if session is None:
            self.closed = _REFUSED, "there is no such session"
        elif not self._admitted:
            session.advance(self._now())
            self._admitted = isinstance(message, str) and session.admit(message, self)
            if not self._admitted:
                self.closed = _REFUSED, "the token is not valid"
        elif isinstance(message, bytes):
            session.advance(self._now())
            session.take(message, self)

    def take(self) -> list[str | bytes]:
        """Return what has arrived until now."""
        if self._session is not None and self._admitted:
            self._session.advance(self._now())
        taken: list[str | bytes] = list(self.arrived)
        self.arrived.clear()
        return taken

    def next_moment(self) -> float:
        """Return the next moment at which something may arrive."""
        if self.closed is not None or self._session is None or not self._admitted:
            return math.inf
        return self._session.next_moment()

    def close(self) -> None:
        """Close it from the client's side. The session goes on."""
        if self.closed is None:
            self.closed = _NORMAL, ""
            if self._session is not None:
                self._session.leave(self)


class ExecSession:
    """One session, from ExecuteCommand until some minutes after its end.

    Args:
        session_id: Its id.
        container: The ARN of its container.
        agent: The agent's side.
        created: The moment of ExecuteCommand.
        dies_at: Returns the moment at which the container and its agent are gone.
        faults: What happens to its messages.
        random: The source of these faults.
        ids: Random numbers of 128 bits.
        changed: Gets the connections to which something has happened before their next moment.
        pace: What differs for a fast clock.
    """

    def __init__(
        self,
        session_id: str,
        container: str,
        agent: Agent,
        *,
        created: float,
        dies_at: Callable[[], float],
        faults: ChannelFaults,
        random: Random,
        ids: Iterator[int],
        changed: deque[Connection],
        pace: RealPace,
    ) -> None:
        self.changed = changed
        self._pace = pace
        self.id, self.container, self.agent = session_id, container, agent
        self.ended_at: float | None = None
        self.tokens: set[str] = set()
        """Those that were not used."""
        self._client: Connection | None = None
        self._random, self._ids = random, ids
        self._faults = faults
        self._to_agent = Way(faults, random)
        self._to_client = Way(faults, random)
        self._cuts: list[float] = []
        self._dies_at = dies_at
        self._lives = True
        self._now = created
        self._active_at = created
        self._packets: deque[float] = deque()

    def begin(self, now: float) -> None:
        """Start the agent's side, and count the seconds until the connection is cut."""
        self.agent.begin(now)
        self._cuts = sorted(now + each for each in self._faults.cut_at)

    def is_forgotten(self, now: float) -> bool:
        """Whether it ended long ago."""
        return self.ended_at is not None and self.ended_at + _KEPT <= now

    def admit(self, message: str, connection: Connection) -> bool:
        """Take the first message of a connection. Return whether its token is valid, which it then is no more."""
        token = read_json(message.encode()).get("TokenValue")
        if self.ended_at is not None or token not in self.tokens:
            return False
        self.tokens.discard(token)
        if self._client is not None:
            self._client.end(_NORMAL, "another connection has taken its place")
        self._client = connection
        if self.agent.connected_at == math.inf:
            self.begin(self._now)
        return True

    def take(self, message: bytes, connection: Connection) -> None:
        """Take a further message of a connection."""
        self._packets.append(self._now)
        counted = self._pace.limit(1.0)  # packets are late by real time
        while self._packets[0] <= self._now - counted:
            self._packets.popleft()
        if len(self._packets) > _PACKETS_PER_SECOND * counted:
            connection.end(_REFUSED, "there were more than 1,000 packets in a second")
            self.leave(connection)
        elif self._random.random() < self._faults.cut:
            self._cut()
        else:
            self._active_at = self._now
            self._to_agent.put(message, self._now)

    def leave(self, connection: Connection) -> None:
        """Go on without a connection."""
        if self._client is connection:
            self._client = None
            self._packets.clear()

    def terminate(self, now: float) -> None:
        """End the session from outside."""
        self.advance(now)
        if self.ended_at is None:
            self.agent.hang_up()
            self._end("")

    def cut(self, now: float) -> bool:
        """Cut the connection of the client. Return whether there was one."""
        self.advance(now)
        return self._cut()

    def next_moment(self) -> float:
        """Return when something happens next."""
        if self.ended_at is not None:
            return self._to_client.next_moment()
        moments = [self._to_client.next_moment(), self._cuts[0] if self._cuts else math.inf, self._active_at + _IDLE]
        if self._lives:
            moments += [self._to_agent.next_moment(), self.agent.next_wakeup(), self._dies_at()]
        return max(self._now, min(moments))

    def advance(self, now: float) -> None:
        """Do what happens until a moment."""
        while (moment := self.next_moment()) <= now:
            self._now = moment
            self._step()
        self._now = max(self._now, now)

    def _step(self) -> None:
        now = self._now
        if self._cuts and self._cuts[0] <= now:
            self._cuts.pop(0)
            self._cut()
        if self.ended_at is None and self._lives:
            self._lives = self._dies_at() > now
            if self._lives:
                self._step_agent()
            else:
                self.agent.die()
        if self.ended_at is None and self._active_at + _IDLE <= now:
            self.agent.hang_up()
            self._end(_TIMED_OUT)
        arrived = self._to_client.take(now)
        if self._client is not None:
            self._client.arrived += arrived

    def _step_agent(self) -> None:
        now = self._now
        for message in self._to_agent.take(now):
            if self.agent.connected_at <= now:
                self.agent.receive(message)
        for message in self.agent.messages(now):
            if self._client is None:
                continue  # it is lost, and sent again later
            self._active_at = now
            if self._random.random() < self._faults.cut:
                self._cut()
            else:
                self._to_client.put(message, now)
        if self.agent.closing_text is not None:
            self._end(self.agent.closing_text)

    def _end(self, text: str) -> None:
        """Send `channel_closed` to the client."""
        self.ended_at = self._now
        self.tokens.clear()
        if self._client is None:
            return
        number = random_uuid(next(self._ids))
        content = {
            "MessageId": uuid_text(number),
            "CreatedDate": str(int(self._now * 1000)),
            "DestinationId": uuid_text(random_uuid(next(self._ids))),
            "SessionId": self.id,
            "MessageType": CHANNEL_CLOSED,
            "SchemaVersion": 1,
            "Output": text,
        }
        frame = Frame(
            message_type=CHANNEL_CLOSED,
            message_id=number,
            created=int(self._now * 1000),
            flags=SYN | FIN,
            payload=json.dumps(content).encode(),
        )
        self._to_client.put(encode(frame), self._now, ordered=True)
        self.changed.append(self._client)

    def _cut(self) -> bool:
        self._to_client.clear()
        self._to_agent.clear()
        client, self._client = self._client, None
        self._packets.clear()
        if client is not None:
            client.end(_ABNORMAL)
        return client is not None


def session_of(url: str) -> str:
    """Return the id of the session in the URL of a stream; an empty one if there is none."""
    found = re.search(r"/data-channel/([^/?]+)", url)
    return found[1] if found else ""
