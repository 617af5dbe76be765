"""Read log streams in passes, page by page: FilterLogEvents, and GetLogEvents where that is refused.

A pass begins some seconds before the newest event of the pass before, because events may become visible after later
ones. What it shows again is left out. A round is one pass of each query.

Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import attrs

from ecskit._core.effects import Flow, Sleep
from ecskit._core.errors import AccessDeniedError, InvalidRequestError, NotFoundError, described
from ecskit._logs.errors import LogsUnavailable
from ecskit._logs.lines import OVERLAP, Followed
from ecskit._logs.requests import Requests

__all__ = ["Query", "joined", "queries_of", "read_tail", "without"]

_OWN = 5
"""Up to so many streams of one prefix are read one by one; more are read together, with others of that prefix."""
_RESTARTS = 10
"""How often a pass continues after an expired token without an event that is new or later."""
_PAGE = 10_000
"""The most events that a page can have."""
_Event = Mapping[str, Any]
_time = itemgetter("timestamp")


@attrs.define(eq=False)
class Query:
    """What one FilterLogEvents request can read: streams of one group with a common prefix."""

    streams: Mapping[str, Followed]
    """The streams, by their names; at least one."""
    prefix: str
    start: int
    """The first moment, in milliseconds since the epoch."""
    end: int | None
    """The last moment; None for no end."""
    by_stream: bool = False
    """Whether GetLogEvents is used. Then there is one stream only."""
    buffer: deque[tuple[_Event, Followed]] = attrs.field(factory=deque[Any])
    """New events that were read and not yielded yet."""
    missing: bool = False
    """Whether the group was missing at the last request."""
    done: bool = True
    """Whether the pass has ended."""
    _token: str | None = None
    _restarts: int = 0
    """The restarts without an event that is new or later."""
    _reached: int = -1
    """The time of the last event that the pass has read; at first, where it begins."""
    _floor: int = -1
    """Where the requests with the token begin."""
    _began: float = 0.0

    @property
    def group(self) -> str:
        """The log group: its name or its ARN."""
        return next(iter(self.streams.values())).stream.group

    @property
    def region(self) -> str | None:
        """The region of the group; None for that of the client."""
        return next(iter(self.streams.values())).stream.region

    def begin(self, now: float) -> None:
        """Begin a pass of a round that began at a monotonic time."""
        self._began, self._restarts = now, 0
        self._reached = max(each.floor for each in self.streams.values())
        for each in self.streams.values():
            each.begin()
        self.go_on()

    def go_on(self) -> None:
        """Continue the pass without a token. The events at the time of the last one come again."""
        self.done, self._token, self._floor = False, None, self._reached
        for each in self.streams.values():
            each.begin(self._reached)

    def read_page(self, requests: Requests) -> Flow[Sequence[Query]]:
        """Read a page of the pass into the buffer.

        Returns:
            The queries that continue in place of this one, if FilterLogEvents is refused; otherwise none.

        Raises:
            LogsUnavailable: The credentials may not read the group.
            EcsError: A request failed.
        """
        operation = "GetLogEvents" if self.by_stream else "FilterLogEvents"
        try:
            answer = yield from requests.send(operation, self._params(), self.region)
        except AccessDeniedError as error:
            if self.by_stream:
                raise self.refused(error) from error
            return [self._of_one(name, followed) for name, followed in self.streams.items()]
        except NotFoundError as error:
            # The group or the stream appears with the first line.
            self.done, self.missing = True, "log group" in error.message
            return ()
        except InvalidRequestError:
            if self._token is None or self._restarts >= _RESTARTS:
                raise
            self._restarts += 1  # the token has expired
            self.go_on()
            return ()
        self.missing = False
        token = answer.get("nextForwardToken" if self.by_stream else "nextToken")
        # GetLogEvents returns the token of the request at the end. Empty pages are not the end.
        self.done = token is None or (self.by_stream and token == self._token)
        self._token = token
        self._take(sorted(answer["events"], key=_time), (yield Sleep(0)).now - self._began)
        return ()

    def _take(self, events: Sequence[_Event], elapsed: float) -> None:
        for event in events:
            followed = self._owner(event)
            if followed is not None and followed.take(event):
                self.buffer.append((event, followed))
                self._restarts = 0
        if events and _time(events[-1]) > self._reached:
            self._reached, self._restarts = _time(events[-1]), 0
        for each in self.streams.values():
            each.forget(elapsed, math.inf if self.done else self._reached)

    def _owner(self, event: _Event) -> Followed | None:
        if self.by_stream:
            return next(iter(self.streams.values()))
        return self.streams.get(event["logStreamName"])

    def _params(self) -> dict[str, Any]:
        start = max(self.start, self._floor)
        if self.by_stream:
            # `endTime` is exclusive here, and inclusive in FilterLogEvents.
            end = None if self.end is None else self.end + 1
            own = {"logStreamName": self.prefix, "startFromHead": True}
        else:
            end, own = self.end, {"logStreamNamePrefix": self.prefix}
        return {**_named(self.group), **own, "startTime": start, "endTime": end, "nextToken": self._token}

    def _of_one(self, name: str, followed: Followed) -> Query:
        query = attrs.evolve(self, streams={name: followed}, prefix=name, by_stream=True, buffer=deque[Any]())
        query.go_on()
        return query

    def refused(self, error: AccessDeniedError) -> LogsUnavailable:
        """Return the error for a refusal of both operations."""
        needs = "the credentials need logs:FilterLogEvents, or logs:GetLogEvents, on it"
        return LogsUnavailable([f"the log group {self.group}: {needs} ({described(error)})"])


def queries_of(streams: Sequence[Followed], start: int, end: int | None) -> list[Query]:
    """Return queries that read some streams: one each, or together if many have a group and a prefix in common."""
    return joined([Query({each.stream.stream: each}, each.stream.stream, start, end) for each in streams])


def joined(queries: Sequence[Query]) -> list[Query]:
    """Return the queries, those between two passes joined where many have a group and a prefix in common.

    A stream that is new has to be read in a pass of its own before: the others may be ahead of it.
    """
    together: dict[tuple[str | None, str, str], list[Query]] = {}
    for query in queries:
        parent = query.prefix.rpartition("/")[0]
        key = query.region, query.group, f"{parent}/" if parent and not query.by_stream else query.prefix
        together.setdefault(key, []).append(query)
    result: list[Query] = []
    for (_, _, prefix), members in together.items():
        streams = {name: each for query in members for name, each in query.streams.items()}
        if len(members) > 1 and len(streams) > _OWN:
            result.append(Query(streams, prefix, min(query.start for query in members), members[0].end))
        else:
            result += members
    return result


def without(queries: Sequence[Query], tasks: Collection[str]) -> list[Query]:
    """Return the queries without the streams of some tasks, by ARN."""
    left = [(query, {n: each for n, each in query.streams.items() if each.task_arn not in tasks}) for query in queries]
    return [attrs.evolve(query, streams=streams) for query, streams in left if streams]


def read_tail(query: Query, requests: Requests, count: int, began: float) -> Flow[AccessDeniedError | None]:
    """Read the last events of the streams of a query into its buffer, and leave earlier ones out of later passes.

    `began` is the monotonic time before the first such request of all queries.

    Returns:
        The refusal, if GetLogEvents is refused. FilterLogEvents may be allowed all the same.
    """
    found: list[tuple[_Event, Followed]] = []
    for name, followed in query.streams.items():
        params: dict[str, Any] = {**_named(query.group), "logStreamName": name, "startFromHead": False}
        params |= {"startTime": query.start, "endTime": None if query.end is None else query.end + 1}
        params["limit"] = min(_PAGE, max(count, 100))
        events: list[_Event] = []
        elapsed = 0.0
        while True:
            try:
                answer = yield from requests.send("GetLogEvents", params, query.region)
            except AccessDeniedError as error:
                return error
            except NotFoundError as error:
                query.missing = "log group" in error.message
                break
            if not events:
                elapsed = (yield Sleep(0)).now - began
            events = [*sorted(answer["events"], key=_time), *events]
            token = answer.get("nextBackwardToken")
            # All of the overlap is read, so that a later pass does not take its beginning for late lines.
            enough = len(events) >= count and events and _time(events[0]) < _time(events[-1]) - OVERLAP - elapsed * 1000
            if enough or token is None or token == params.get("nextToken"):
                break
            params["nextToken"] = token
        followed.begin()
        for event in events:
            followed.take(event)
        followed.forget(elapsed)
        found += [(event, followed) for event in events[max(0, len(events) - count) :]]
    query.buffer.extend(sorted(found, key=lambda each: _time(each[0])))
    return None


def _named(group: str) -> dict[str, str]:
    return {"logGroupIdentifier" if group.startswith("arn:") else "logGroupName": group}
