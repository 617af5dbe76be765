"""What events have shown: how many are merged, how few are kept, and when polls may be spread."""

from __future__ import annotations

from collections import ChainMap

from ecskit._core.effects import Observe, Waker
from ecskit._polling.batches import Target
from ecskit._polling.received_events import ANY, Reported
from ecskit._polling.shared_polls import PollRequest, SharedPolls, poll, reply_of
from ecskit._tasks.watching import _Round
from ecskit._waits.tasks import TASKS
from ecskit.models import Task


def reported(name: str, version: int, scope: str = "c") -> Reported:
    """Return what an event shows of a task."""
    members = {"version": version, "last_status": "RUNNING", "desired_status": "RUNNING", "cluster_arn": scope}
    return Reported(Target(scope, name), TASKS, Task(task_arn=f"task/{scope}/{name}", **members))


def streamed(shared: SharedPolls, query: _Round, merged: int) -> PollRequest:
    """Add the request of a stream of all tasks, which polled at the moment 0."""
    known = ChainMap(query.tasks, query.gone)
    members = {"born": 0.0, "after": 30.0, "due": 60.0, "known": known, "merged": merged, "resync": True}
    return shared.add(Observe(alone=poll, query=query, ids=[ANY], **members), Waker(), 1.0)


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
