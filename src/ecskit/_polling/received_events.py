"""What events have shown, and whether they show each change, so that polls need only reconcile.

`SharedPolls` holds it, and its lock for each method.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ecskit._polling.batches import DescribedType, Target
from ecskit._polling.observations import Observations, ResourceState, is_newer_version
from ecskit._polling.poll_requests import Feed, PollRequest

__all__ = ["ANY", "LATE_EVENT", "RESYNC", "ReceivedEvents", "Reported", "restore_pace"]

RESYNC = 60.0
"""Seconds between polls while events show each change."""
LATE_EVENT = 30.0
"""Seconds after which the event of a change that a poll showed counts as missing, and a message as late."""
_FIRST_PAUSE, _LONGEST_PAUSE = 300.0, 3600.0
"""Seconds for which a feed does not flow after a missing event: twice as many each time, unless it flowed for long."""
_MANY, _COLLECTING = 100, 0.5
"""A wait for more targets than this is given the events of so many seconds at once: each decision looks at all."""
_KEPT = 10_000
"""How many resources the newest event is kept of."""
_KEPT_FOR = 300.0
"""Seconds for which it is kept, for a wait that begins after it, such as one whose RunTask has not returned yet."""

ANY = "*"
"""The id in the target of a query that follows all resources of a scope."""

Key: TypeAlias = "tuple[object, Target]"
"""How polls read a resource, and which it is."""
_ACCOUNT = re.compile(r"arn:[^:]+:ecs:[^:]*:(\d+):")
_DEFAULT = "default"
"""The cluster of a resource in no cluster. Types without clusters have no events."""


@attrs.frozen
class Reported:
    """What an event is about: a resource as it is, or as a hint to poll it."""

    target: Target
    resource_type: DescribedType[Any] | None = None
    resource: Any = None
    """The resource as the event shows it, with a version; None for a hint."""
    account: str | None = None
    """The account of the event; None if it does not matter."""

    @property
    def key(self) -> Key:
        """The key of the resource."""
        return (self.resource_type.describe if self.resource_type else None), self.target


@attrs.define(eq=False)
class ReceivedEvents:
    """The newest event of each resource, and which feeds show each change."""

    sources: int = 0
    """How many sources are open."""
    error: Exception | None = None
    """The latest error of a source that has received nothing since."""
    flowing: dict[Feed, float] = attrs.field(factory=dict)
    """The feeds whose events arrive in time, and since when. What a poll showed after that is followed by events."""
    number: int = 0
    """The number of the latest event."""
    account: str | None = None
    """The account of the client, once it is known from a resource. Clusters of other accounts have the same names."""
    _pauses: dict[Feed, tuple[float, float]] = attrs.field(factory=dict)
    """How many seconds a feed does not flow after the latest missing event, and until when."""
    _newest: OrderedDict[Key, tuple[Reported, float, int]] = attrs.field(factory=OrderedDict)
    """The newest event of each resource, when it came, and its number; the latest one last."""
    _expected: deque[tuple[float, Key, int]] = attrs.field(factory=deque)
    """Versions that polls have shown before events did, and until when their events may come."""

    _about: dict[Target, dict[PollRequest, str]] = attrs.field(factory=dict)
    """The requests that each resource concerns, with its id in them."""

    def follow(self, request: PollRequest, now: float) -> None:
        """Find a request by the resources that concern it, and give it what events have shown already."""
        observe, query = request.observe, request.observe.query
        request.concerned = [_placed(target) for target in query.concerned(observe.ids)]
        self.learn(state.last for state in observe.known.values())
        if len(request.concerned) > _MANY:
            request.news_at = now + _COLLECTING
        for name, target in zip(observe.ids, request.concerned, strict=True):
            self._about.setdefault(target, {})[request] = name
            if target.id == ANY:
                for reported in self.since(query.describes, target.scope, observe.born, observe.merged):
                    if self._is_own(reported):
                        _bring(request, reported.target.id, reported, now)
            elif (newest := self.newest(query.describes, target, now)) is not None:
                _bring(request, name, newest, now)
        if observe.resync and query.by_events and self.follows(query.describes, request.concerned, observe.born):
            request.due = max(observe.due, min(observe.born + RESYNC, observe.deadline))
            request.after = request.due - (request.due - observe.born) / 2

    def leave(self, request: PollRequest) -> None:
        """Forget a request."""
        for target in request.concerned:
            requests = self._about.get(target)
            if requests is not None:
                requests.pop(request, None)
                if not requests:
                    self._about.pop(target, None)

    def receive(self, reports: Sequence[Reported], age: float, now: float) -> None:
        """Pass on what events are about to the requests that it concerns."""
        self.error = None
        if age > LATE_EVENT:
            self.stop()
        for reported in reports:
            if self.account and not self._is_own(reported):
                continue
            requests = [*self._about.get(reported.target, {}).items()]
            if reported.resource is None:
                for request, _ in requests:
                    _hint(request, now)
            elif self.add(reported, age, now):
                # Without a known account, they get it after their next poll, which shows the account.
                of_all = [*self._about.get(Target(reported.target.scope, ANY), {})] if self._is_own(reported) else []
                for request, name in [*requests, *((each, reported.target.id) for each in of_all)]:
                    _bring(request, name, reported, now)

    def expect(self, request: PollRequest, shown: Observations[Any], now: float) -> None:
        """Expect the events of changes that a poll showed."""
        observe, query = request.observe, request.observe.query
        if not query.by_events or not self.flowing:
            return
        for name, one in shown.observed.items():
            known = observe.known.get(name)
            if one is not None and known is not None and known.last is not None and known.last is not one:
                [target] = query.targets([name])
                self._expect(query.resource_type, _placed(target), known.last, one, (observe.born, now))

    def add(self, reported: Reported, age: float, now: float) -> bool:
        """Keep an event if it is newer than the one before. Return whether it is."""
        assert reported.resource_type is not None  # hints are not kept
        kept = self._newest.get(reported.key)
        if age <= LATE_EVENT and self._is_own(reported):
            kind, target = reported.key
            feed = kind, target.scope
            if now >= self._pauses.get(feed, (0.0, now))[1]:
                self.flowing.setdefault(feed, now)
        if kept is not None and not is_newer_version(reported.resource, kept[0].resource, reported.resource_type):
            return False
        self.number += 1
        self._newest[reported.key] = reported, now, self.number
        self._newest.move_to_end(reported.key)
        while len(self._newest) > _KEPT or now - next(iter(self._newest.values()))[1] > _KEPT_FOR:
            self._newest.popitem(last=False)
        return True

    def learn(self, resources: Iterable[Any]) -> None:
        """Learn the account from resources that ECS has shown, and forget what events of others have shown."""
        for one in () if self.account else resources:
            if found := _ACCOUNT.match(getattr(one, "cluster_arn", None) or ""):
                self.account = found[1]
                for key in [key for key, kept in self._newest.items() if not self._is_own(kept[0])]:
                    del self._newest[key]
                return

    def _is_own(self, reported: Reported) -> bool:
        """Whether an event is of the account of the client. False while that is unknown."""
        return reported.account in (None, self.account)

    def since(self, kind: object, scope: str, moment: float, merged: int) -> Iterator[Reported]:
        """Yield the newest events of resources of a scope that have arrived since a moment, after those merged."""
        for reported, at, number in reversed(self._newest.values()):
            if at < moment or number <= merged:
                return
            if reported.key[0] == kind and reported.target.scope == scope:
                yield reported

    def newest(self, kind: object, target: Target, now: float) -> Reported | None:
        """Return the newest event of a resource, if there is one."""
        kept = self._newest.get((kind, target))
        return None if kept is None or now - kept[1] > _KEPT_FOR else kept[0]

    def follows(self, kind: object, targets: Sequence[Target], since: float) -> bool:
        """Whether events show each change of some resources that comes after a poll."""
        if not self.flowing:
            return False
        return all(self.flowing.get((kind, scope), since + 1) <= since for scope in {each.scope for each in targets})

    def _expect(
        self, resource_type: DescribedType[Any], target: Target, before: Any, shown: Any, polled: tuple[float, float]
    ) -> None:
        """Expect the event of a change that a poll showed, if events have shown each change since the poll before.

        Args:
            resource_type: The resource type.
            target: The resource.
            before: What was known of it.
            shown: What the poll showed.
            polled: When the poll before ended, and this one.
        """
        key = resource_type.describe, target
        since, now = polled
        if self.flowing.get((key[0], target.scope), since + 1) > since:
            return
        kept = self._newest.get(key)
        if is_newer_version(shown, before, resource_type) and (
            kept is None or is_newer_version(shown, kept[0].resource, resource_type)
        ):
            self._expected.append((now + LATE_EVENT, key, resource_type.rank(shown)[0] or 0))

    def missing(self, now: float) -> dict[Feed, float]:
        """Return the feeds of which an event is missing, and for how many seconds they do not flow."""
        feeds: dict[Feed, float] = {}
        while self._expected and self._expected[0][0] <= now:
            _, key, version = self._expected.popleft()
            feed = key[0], key[1].scope
            if feed in self.flowing and not self._has(key, version):
                flowed = now - self.flowing.pop(feed)
                before = self._pauses[feed][0] if feed in self._pauses and flowed < _LONGEST_PAUSE else 0.0
                feeds[feed] = pause = min(_LONGEST_PAUSE, 2 * before or _FIRST_PAUSE)
                self._pauses[feed] = pause, now + pause
        return feeds

    def stop(self) -> None:
        """Forget what flows: events have failed, or are late."""
        self.flowing.clear()
        self._expected.clear()

    def forget(self) -> None:
        """Forget everything, because no source is open any more."""
        self.stop()
        self._pauses.clear()
        self._newest.clear()
        self._about.clear()
        self.error = None

    def _has(self, key: Key, version: int) -> bool:
        kept = self._newest.get(key)
        if kept is None or kept[0].resource_type is None:
            return False
        return (kept[0].resource_type.rank(kept[0].resource)[0] or 0) >= version


def restore_pace(requests: Iterable[PollRequest], now: float, feeds: Mapping[Feed, object] | None = None) -> None:
    """Let polls be due when their waits asked for them, or now: all of them, or those that some feeds concern."""
    for request in requests:
        observe = request.observe
        due = max(observe.due, now)
        if request.due > due and (feeds is None or feeds.keys() & request.feeds()):
            request.due, request.after = due, observe.after
            request.waker.rouse()


def _placed(target: Target) -> Target:
    return target if target.scope else Target(_DEFAULT, target.id)


def _is_news(reported: Reported, known: ResourceState[Any] | None) -> bool:
    """Whether an event shows a higher version of a resource than a wait knows."""
    assert reported.resource_type is not None  # hints bring no news
    if known is None or known.last is None:
        return True
    return is_newer_version(reported.resource, known.last, reported.resource_type)


def _bring(request: PollRequest, name: str, reported: Reported, now: float) -> None:
    """Give a request what an event showed, if its wait does not know that yet. A poll under way may show more."""
    observe = request.observe
    if observe.query.describes == reported.key[0] and _is_news(reported, observe.known.get(name)):
        request.news[name] = reported.resource
        if request.is_open(now):
            request.waker.rouse()


def _hint(request: PollRequest, now: float) -> None:
    """Let a poll be due now, unless it confirms what was seen before."""
    observe = request.observe
    if observe.after < observe.due and request.is_open(now):
        request.due = request.after = min(request.due, now)
        request.waker.rouse()
