"""CloudWatch Logs, as far as the lines of simulated tasks need it: FilterLogEvents and GetLogEvents.

A line becomes visible some time after it was written. Pages continue behind a position in the order of time, so a line
that becomes visible behind that position is in no later page.

Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

import attrs
from botocore.loaders import Loader

from ecskit._simulator.errors import SimulatedError
from ecskit._simulator.log_behaviour import MOST_EVENTS
from ecskit._simulator.wire import Wire

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.log_behaviour import LoggedTask

TARGET_PREFIX = "Logs_20140328"
_INVALID_TOKEN = "The specified nextToken is invalid."  # noqa: S105  # a message

_Position = tuple[int, int, int]
"""Time, ingestion time and number of an event: the order of events."""
_FIRST: _Position = (-1, -1, -1)
_LAST: _Position = (2**62, 0, 0)


@attrs.frozen
class _Event:
    position: _Position
    stream: str
    message: str

    def show(self) -> Wire:
        time, ingested, _ = self.position
        return {"timestamp": time, "message": self.message, "ingestionTime": ingested}


@functools.cache
def load_model() -> dict[str, Any]:
    """Return the service model of CloudWatch Logs in the installed botocore."""
    return cast("dict[str, Any]", Loader().load_service_model("logs", "service-2"))


def _filter_log_events(account: Account, request: Wire) -> Wire:
    group = _group(account, request)
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix", "")
    if names is not None and prefix:
        raise SimulatedError("InvalidParameterException", "Use logStreamNames or logStreamNamePrefix, not both.")
    streams = _streams(account, group)
    if any(name not in streams for name in names or ()):
        raise _not_found("stream")
    picked = [name for name in streams if name.startswith(prefix) and (names is None or name in names)]
    events = sorted((each for name in picked for each in streams[name]), key=attrgetter("position"))
    found = _within(events, request.get("startTime", 0), request.get("endTime", _LAST[0]))
    after, skips = _FIRST, account.log_behaviour.empty_pages
    if "nextToken" in request:
        after, skips = _position_of(account, request["nextToken"])
    if skips:
        return {"events": [], "searchedLogStreams": [], "nextToken": _token(account, after, skips=False)}
    remaining = _after(found, after)
    page = remaining[: _page_size(account, request)]
    shown = [{"logStreamName": each.stream, **each.show(), "eventId": f"{each.position[2]:056d}"} for each in page]
    answer: Wire = {"events": shown, "searchedLogStreams": []}
    if len(page) < len(remaining):
        answer["nextToken"] = _token(account, page[-1].position, skips=account.log_behaviour.empty_pages)
    return answer


def _get_log_events(account: Account, request: Wire) -> Wire:
    streams = _streams(account, _group(account, request))
    if request["logStreamName"] not in streams:
        raise _not_found("stream")
    end = request.get("endTime", _LAST[0]) - 1  # exclusive, other than in FilterLogEvents
    found = _within(streams[request["logStreamName"]], request.get("startTime", 0), end)
    size, token = _page_size(account, request), request.get("nextToken", "")
    direction, _, rest = token.partition("/")
    if not token:
        skips = account.log_behaviour.empty_pages
        direction = "f" if request.get("startFromHead") else "b"
        position = _FIRST if direction == "f" else _LAST
    elif direction in ("f", "b"):
        position, skips = _position_of(account, rest)
    else:
        raise SimulatedError("InvalidParameterException", _INVALID_TOKEN)
    index = len(found) - len(_after(found, position))
    if direction == "b":
        index -= 1 if index and found[index - 1].position == position else 0
        remaining = found[:index]
        page = remaining[-size:]
    else:
        remaining = found[index:]
        page = remaining[:size]
    again = skips and bool(remaining)
    if again:
        page = []
    # An empty page at the end has the token of the request.
    forward = page[-1].position if page else position
    backward = page[0].position if page else position
    marks = account.log_behaviour.empty_pages and not again
    ended = token if token and not page and not again else ""
    return {
        "events": [each.show() for each in page],
        "nextForwardToken": ended if ended and direction == "f" else f"f/{_token(account, forward, skips=marks)}",
        "nextBackwardToken": ended if ended and direction == "b" else f"b/{_token(account, backward, skips=marks)}",
    }


OPERATIONS: Mapping[str, Callable[[Account, Wire], Wire]] = {
    "FilterLogEvents": _filter_log_events,
    "GetLogEvents": _get_log_events,
}


def _not_found(what: str) -> SimulatedError:
    return SimulatedError("ResourceNotFoundException", f"The specified log {what} does not exist.")


def _group(account: Account, request: Wire) -> str:
    name: str = request.get("logGroupName") or request.get("logGroupIdentifier", "")
    if name.startswith("arn:"):
        name = name.split(":", 6)[6]
    bodies = [each.body for each in account.task_definitions.values()] + [each.definition for each in account.logged]
    logs = (each.get("logConfiguration", {}) for body in bodies for each in body["containerDefinitions"])
    groups = {_named(each["options"].get("awslogs-group", "")) for each in logs if "options" in each}
    if name not in groups or name in account.log_behaviour.missing_groups:
        raise _not_found("group")
    return name


def _named(group: str) -> str:
    return group.removesuffix(":*").split(":", 6)[6] if group.startswith("arn:") else group


def _streams(account: Account, group: str) -> dict[str, Sequence[_Event]]:
    """Return the streams of a group that have visible lines, with these."""
    streams: dict[str, list[_Event]] = {}
    now = account.now * 1000
    for logged in account.logged:
        if logged.lines_of is not logged.task.steps:  # otherwise they were made before
            logged.lines, logged.lines_of = list(_lines(logged)), logged.task.steps
        for owner, event in logged.lines:
            if owner == group and event.position[1] <= now:
                streams.setdefault(event.stream, []).append(event)
    return {name: sorted(streams[name], key=attrgetter("position")) for name in sorted(streams)}


def _lines(logged: LoggedTask) -> Iterator[tuple[str, _Event]]:
    """Yield the lines that a task writes until it stops, with their groups."""
    task = logged.task
    moments = {step.task["lastStatus"]: step.at for step in reversed(task.steps) if "lastStatus" in step.task}
    if "RUNNING" not in moments:
        return
    running, stopped = moments["RUNNING"], moments.get("STOPPED", math.inf)
    containers = {each["name"]: each for each in logged.definition["containerDefinitions"]}
    runtime_ids = {each.name: each.when_running.get("runtimeId") for each in task.plan.containers}
    script = task.plan.script
    for number, line in enumerate(script.logs):
        name = line.container or task.plan.first_essential
        log = containers[name].get("logConfiguration", {}) if name in containers else {}
        written = running + line.after
        if log.get("logDriver") != "awslogs" or written > stopped:
            continue
        prefix = log["options"].get("awslogs-stream-prefix")
        stream = f"{prefix}/{name}/{task.arn.rsplit('/', 1)[-1]}" if prefix else runtime_ids[name]
        visible = written + (script.log_delay if line.delay is None else line.delay)
        position = (round(written * 1000), round(visible * 1000), task.ordinal * 1_000_000 + number)
        yield _named(log["options"]["awslogs-group"]), _Event(position, stream or "", line.message)


def _within(events: Sequence[_Event], start: int, end: int) -> list[_Event]:
    return [each for each in events if start <= each.position[0] <= end]


def _after(events: Sequence[_Event], position: _Position) -> Sequence[_Event]:
    return events[bisect_right(events, position, key=attrgetter("position")) :]


def _page_size(account: Account, request: Wire) -> int:
    limit: int = request.get("limit", MOST_EVENTS)
    return min(account.log_behaviour.page_size, limit)


def _token(account: Account, position: _Position, *, skips: bool) -> str:
    return "/".join(map(str, (*position, int(skips), round(account.now * 1000))))


def _position_of(account: Account, token: str) -> tuple[_Position, bool]:
    """Return the position in a token, and whether an empty page comes first."""
    try:
        time, ingested, number, skips, issued = map(int, token.split("/"))
    except ValueError:
        raise SimulatedError("InvalidParameterException", _INVALID_TOKEN) from None
    if account.now * 1000 - issued > account.log_behaviour.token_lifetime * 1000:
        raise SimulatedError("InvalidParameterException", _INVALID_TOKEN)
    return (time, ingested, number), bool(skips)
