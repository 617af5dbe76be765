"""What events have shown: how many are merged, how few are kept, and when polls may be spread."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

import pytest

from ecskit._core.effects import Observe, Reply, Waker
from ecskit._polling.batches import Batches, Target
from ecskit._polling.observations import Observations, ResourceState
from ecskit._polling.poll_requests import PollRequest
from ecskit._polling.received_events import ANY, Reported
from ecskit._polling.shared_polls import SharedPolls, reply_of
from ecskit._tasks.watching import _Round
from ecskit._waits.tasks import TASKS
from ecskit.models import Task


def reported(name: str, version: int, scope: str = "c") -> Reported:
    """Return what an event shows of a task."""
    members: dict[str, Any] = {
        "version": version,
        "last_status": "RUNNING",
        "desired_status": "RUNNING",
        "cluster_arn": scope,
    }
    return Reported(Target(scope, name), TASKS, Task(task_arn=f"task/{scope}/{name}", **members))


def streamed(shared: SharedPolls, query: _Round, merged: int) -> PollRequest:
    """Add the request of a stream of all tasks, which polled at the moment 0."""
    known = ChainMap(query.tasks, query.gone)
    members: dict[str, Any] = {
        "born": 0.0,
        "after": 30.0,
        "due": 60.0,
        "known": known,
        "merged": merged,
        "resync": True,
    }
    return shared.add(Observe(query=query, ids=[ANY], **members), Waker(), 1.0)


def test_each_event_reaches_a_stream_once() -> None:
    """Also if the stream leaves the task out, between two requests, and during a poll that is lost."""
    shared, query, merged = SharedPolls(), _Round("c", {}), 0
    shared.begin_events(0.0)
    seen: list[list[str]] = []
    for batch in ["a", "b"], ["c"], ["d"]:
        request = streamed(shared, query, merged)
        assert shared.take(request, 40.0) == [request]
        shared.receive([reported(name, 1) for name in batch], 0.0, 40.0)
        shared.untake([request])
        assert shared.answer_by_events(request, 40.0)
        shared.remove(request)
        shown = reply_of(request).get()
        merged = shown.merged
        seen.append(list(shown.observed))
        shared.receive([reported(f"after-{batch[0]}", 1)], 0.0, 40.0)
    assert seen == [["a", "b"], ["after-a", "c"], ["after-c", "d"]]


def waiting(shared: SharedPolls, scope: str, now: float, version: int = 1) -> PollRequest:
    """Add the request of a wait for the task `t` that polled before, and polls again in 15 s."""
    query, known = Batches(TASKS, {"t": Target(scope, "t")}), {"t": ResourceState(reported("t", version).resource)}
    members: dict[str, Any] = {"born": now, "after": now + 7, "due": now + 15, "known": known, "resync": True}
    return shared.add(Observe(query=query, ids=["t"], **members), Waker(), now)


def miss(shared: SharedPolls, now: float) -> None:
    """Let a poll show a change that no event shows, and another event come after the time of that event."""
    request = waiting(shared, "c", now)
    shared.answer(request, Reply(now + 1, Observations({"t": reported("t", 2).resource}, {})))
    shared.remove(request)
    shared.receive([reported("other", int(now), "c")], 0.0, now + 32)


def flows(shared: SharedPolls, scope: str, now: float) -> bool:
    """Whether polls are spread after the next event."""
    shared.receive([reported("other", int(now), scope)], 0.0, now)
    request = waiting(shared, scope, now)
    shared.remove(request)
    return request.due > now + 15


def test_a_cluster_whose_events_are_incomplete_flows_for_a_smaller_and_smaller_share(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each event counts all the same. A single event that was lost is forgotten after an hour."""
    shared, now = SharedPolls(), 1000.0
    shared.begin_events(now)
    for pause in 300, 600, 1200, 2400, 3600, 3600:
        assert flows(shared, "c", now)
        caplog.clear()
        miss(shared, now)
        assert caplog.messages == [f"no event of a change in c has arrived; for {pause} s, polls go on as without"]
        assert not flows(shared, "c", now + 33)
        assert flows(shared, "d", now + 33)
        assert not flows(shared, "c", now + 31 + pause)
        now += 32 + pause
    assert flows(shared, "c", now)
    caplog.clear()
    miss(shared, now + 3600)
    assert "for 300 s" in caplog.text


def test_only_the_waits_of_the_cluster_poll_now_and_their_polls_are_not_late() -> None:
    """A poll that would have been due long ago is due when events stop."""
    shared = SharedPolls()
    shared.begin_events(0.0)
    for scope in "c", "d":
        assert flows(shared, scope, 0.0)
    other, own = waiting(shared, "d", 1.0), waiting(shared, "c", 1.0)
    assert [other.due, own.due] == [61.0, 61.0]
    miss(shared, 2.0)
    assert [other.due, own.due] == [61.0, 34.0]
    shared.fail_events(OSError(), 50.0)
    assert [other.due, own.due] == [50.0, 34.0]
    assert shared.lead(other, 50.0) == 50.0
    shared.take(other, 50.0)
    shared.answer(other, Reply(50.5, Observations({}, {})))
    assert reply_of(other).get().late == 0


def test_one_report_is_for_the_waits_that_name_the_default_cluster_and_for_those_that_name_none() -> None:
    """It is kept once."""
    shared = SharedPolls()
    shared.begin_events(0.0)
    requests = [waiting(shared, scope, 1.0) for scope in ("", "default", "c")]
    shared.receive([reported("t", 2, "default")], 0.0, 2.0)
    assert [shared.answer_by_events(request, 2.0) for request in requests] == [True, True, False]
    later = [waiting(shared, scope, 3.0) for scope in ("", "default", "c")]
    assert [[*request.news] for request in later] == [["t"], ["t"], []]
