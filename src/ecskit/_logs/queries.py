"""Read log streams in passes, page by page: FilterLogEvents, and GetLogEvents where that is refused.

A pass begins some seconds before the newest event of the pass before, because events may become visible after later
ones. What it shows again is left out.

Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import AccessDeniedError, InvalidRequestError, NotFoundError, described
from ecskit._logs.errors import LogsUnavailable
from ecskit._logs.lines import OVERLAP, Followed
from ecskit._logs.requests import Requests

__all__ = ["Query", "queries_of", "read_tail"]

_OWN = 5
"""Up to so many streams of one prefix are read one by one; more are read together, with others of that prefix."""
_RESTARTS = 3
"""How often a pass begins again after an expired token without a newer event."""
_PAGE = 10_000
"""The most events that a page can have."""
_Event = Mapping[str, Any]
_time = itemgetter("timestamp")


@attrs.define(eq=False)
class Query:
    """What one FilterLogEvents request can read: streams of one group with a common prefix."""

    streams: Mapping[str, Followed]
    """The streams, by their names."""
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
    _newest: int = -1

    @property
    def group(self) -> str:
        """The log group: its name or its ARN."""
        return next(iter(self.streams.values())).stream.group

    @property
    def region(self) -> str | None:
        """The region of the group; None for that of the client."""
        return next(iter(self.streams.values())).stream.region

    def begin(self) -> None:
        """Begin a pass."""
        self.done, self._token = False, None
        self._newest = max(each.newest for each in self.streams.values())
        for each in self.streams.values():
            each.begin()

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
            before = self._newest
            self.begin()  # the token has expired
            self._restarts = 0 if self._newest > before else self._restarts + 1
            return ()
        self.missing = False
        self._take(answer["events"])
        token = answer.get("nextForwardToken" if self.by_stream else "nextToken")
        # GetLogEvents returns the token of the request at the end. Empty pages are not the end.
        self.done = token is None or (self.by_stream and token == self._token)
        self._token = token
        return ()

    def _take(self, events: Iterable[_Event]) -> None:
        for event in sorted(events, key=_time):
            followed = self._owner(event)
            if followed is not None and followed.take(event):
                self.buffer.append((event, followed))
        for each in self.streams.values():
            each.forget()

    def _owner(self, event: _Event) -> Followed | None:
        if self.by_stream:
            return next(iter(self.streams.values()))
        return self.streams.get(event["logStreamName"])

    def _params(self) -> dict[str, Any]:
        start = max(self.start, self._newest - OVERLAP)
        if self.by_stream:
            # `endTime` is exclusive here, and inclusive in FilterLogEvents.
            end = None if self.end is None else self.end + 1
            own = {"logStreamName": self.prefix, "startFromHead": True}
        else:
            end, own = self.end, {"logStreamNamePrefix": self.prefix}
        return {**_named(self.group), **own, "startTime": start, "endTime": end, "nextToken": self._token}

    def _of_one(self, name: str, followed: Followed) -> Query:
        query = Query({name: followed}, name, self.start, self.end, by_stream=True)
        query.begin()
        return query

    def refused(self, error: AccessDeniedError) -> LogsUnavailable:
        """Return the error for a refusal of both operations."""
        needs = "the credentials need logs:FilterLogEvents, or logs:GetLogEvents, on it"
        return LogsUnavailable([f"the log group {self.group}: {needs} ({described(error)})"])


def queries_of(streams: Sequence[Followed], start: int, end: int | None) -> list[Query]:
    """Return queries that read some streams: one each, or together if many have a group and a prefix in common."""
    together: dict[tuple[str | None, str, str], list[Followed]] = {}
    for each in streams:
        prefix = each.stream.stream.rpartition("/")[0]
        key = each.stream.region, each.stream.group, f"{prefix}/" if prefix else each.stream.stream
        together.setdefault(key, []).append(each)
    queries: list[Query] = []
    for (_, _, prefix), members in together.items():
        if len(members) > _OWN:
            queries.append(Query({each.stream.stream: each for each in members}, prefix, start, end))
        else:
            queries += [Query({each.stream.stream: each}, each.stream.stream, start, end) for each in members]
    return queries


def read_tail(query: Query, requests: Requests, count: int) -> Flow[AccessDeniedError | None]:
    """Read the last events of the streams of a query into its buffer, and leave earlier ones out of later passes.

    Returns:
        The refusal, if GetLogEvents is refused. FilterLogEvents may be allowed all the same.
    """
    found: list[tuple[_Event, Followed]] = []
    for name, followed in query.streams.items():
        params: dict[str, Any] = {**_named(query.group), "logStreamName": name, "startFromHead": False}
        params |= {"startTime": query.start, "endTime": None if query.end is None else query.end + 1}
        params["limit"] = min(_PAGE, max(count, 100))
        events: list[_Event] = []
        while True:
            try:
                answer = yield from requests.send("GetLogEvents", params, query.region)
            except AccessDeniedError as error:
                return error
            except NotFoundError as error:
                query.missing = "log group" in error.message
                break
            events = [*sorted(answer["events"], key=_time), *events]
            token = answer.get("nextBackwardToken")
            # All of the overlap is read, so that a later pass does not take its beginning for late lines.
            enough = len(events) >= count and events and _time(events[0]) < _time(events[-1]) - OVERLAP
            if enough or token is None or token == params.get("nextToken"):
                break
            params["nextToken"] = token
        followed.begin()
        for event in events:
            followed.take(event)
        followed.forget()
        found += [(event, followed) for event in events[max(0, len(events) - count) :]]
    query.buffer.extend(sorted(found, key=lambda each: _time(each[0])))
    return None


def _named(group: str) -> dict[str, str]:
    return {"logGroupIdentifier" if group.startswith("arn:") else "logGroupName": group}
