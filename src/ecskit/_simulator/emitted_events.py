"""The events that ECS sends to EventBridge, and how they arrive: late, twice, in another order, or never.

Events are derived from the records when they are taken: task states from the steps of a task, rollout states from the
history of a deployment, service actions from the events of a service. So they cost nothing until then.
"""

from __future__ import annotations

import heapq
import itertools
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator.account import seeded
from ecskit._simulator.operations.container_instances import show_instance
from ecskit._simulator.wire import Wire, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Task
    from ecskit._simulator.records.services import Service

__all__ = ["EmittedEvents"]

_HIDDEN = frozenset({"healthStatus", "tags"})
"""Members that events of tasks lack."""
# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
_ACTIONS = (
    (" has reached a steady state.", "INFO", "SERVICE_STEADY_STATE"),
    (" updated state to STEADY_STATE.", "INFO", "TASKSET_STEADY_STATE"),
    (" was unable to place a task ", "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE"),
)
"""The texts of the events of a service that are service actions, too, with type and name."""


@attrs.frozen(order=True)
class _Change:
    at: float
    detail_type: str
    resource: str
    detail: Wire = attrs.field(order=False)


class EmittedEvents:
    """The events of a simulated account from one moment on, as a rule of EventBridge passes them to a target.

    `Simulator.emit_events` makes it.
    """

    def __init__(
        self,
        account: Account,
        advanced: Callable[[], AbstractContextManager[None]],
        *,
        late: tuple[float, float],
        twice: float,
        lost: float,
        seed: int,
    ) -> None:
        least, most = late
        if not 0 <= least <= most:
            raise ValueError(f"late must be two numbers of seconds, the least and the most: {late!r}")
        for name, share in (("twice", twice), ("lost", lost)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be a share from 0 to 1: {share!r}")
        self._account, self._advanced = account, advanced
        self._late, self._twice, self._lost = late, twice, lost
        self._random = seeded(seed, "events")
        self._arriving: list[tuple[float, int, Wire]] = []
        self._order = itertools.count()
        self._seen: dict[str, Any] = {}
        with advanced():
            list(self._changes())  # what has happened already is no event

    def take(self) -> list[Wire]:
        """Return the envelopes that have arrived since the last call, in the order of their arrival."""
        arrived: list[Wire] = []
        with self._advanced():
            self.collect()
            while self._arriving and self._arriving[0][0] <= self._account.now:
                arrived.append(heapq.heappop(self._arriving)[2])
        return arrived

    def collect(self) -> None:
        """Send what has happened until now. The account calls it; see `Account.collect_events`."""
        for change in sorted(self._changes()):
            envelope = self._envelope(change)
            copies = 0 if self._random.random() < self._lost else 1 + (self._random.random() < self._twice)
            for _ in range(copies):
                arrival = change.at + self._random.uniform(*self._late)
                heapq.heappush(self._arriving, (arrival, next(self._order), copied(envelope)))

    def _envelope(self, change: _Change) -> Wire:
        return {
            "version": "0",
            "id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "detail-type": change.detail_type,
            "source": "aws.ecs",
            "account": self._account.arns.account,
            "time": _text(change.at, "seconds"),
            "region": self._account.arns.region,
            "resources": [change.resource],
            "detail": _with_text_times(change.detail),
        }

    def _changes(self) -> Iterator[_Change]:
        """Yield what has happened since the last call, and remember it."""
        for task in self._account.tasks.values():
            yield from self._of_task(task)
        for service in self._account.services.values():
            yield from self._of_deployments(service)
            yield from self._of_service(service)
        for instance in self._account.container_instances.values():
            if self._seen.get(instance.arn) != instance.version:
                self._seen[instance.arn] = instance.version
                detail = {name: item for name, item in show_instance(self._account, instance).items() if name != "tags"}
                yield _Change(self._account.now, "ECS Container Instance State Change", instance.arn, detail)

    def _of_task(self, task: Task) -> Iterator[_Change]:
        """Yield one change for each moment at which the task got a new version."""
        past = [step for step in task.steps if step.at <= self._account.now]
        moments = dict.fromkeys(step.at for step in past[self._seen.get(task.arn, 0) :] if step.counts)
        self._seen[task.arn] = len(past)
        for at in moments:
            detail = {name: item for name, item in task.show(at).items() if name not in _HIDDEN}
            yield _Change(at, "ECS Task State Change", task.arn, detail)

    def _of_deployments(self, service: Service) -> Iterator[_Change]:
        deployments = [*service.deployments, *(rollout.deployment for rollout in service.rollouts)]
        for deployment in {each.id: each for each in deployments}.values():
            key = f"{service.arn} {deployment.id}"
            for at, state, reason in deployment.history[self._seen.get(key, 0) :]:
                yield _Change(
                    at,
                    "ECS Deployment State Change",
                    service.arn,
                    {
                        "eventType": "ERROR" if state == "FAILED" else "INFO",
                        "eventName": f"SERVICE_DEPLOYMENT_{state}",
                        "deploymentId": deployment.id,
                        "updatedAt": at,
                        "reason": reason,
                    },
                )
            self._seen[key] = len(deployment.history)

    def _of_service(self, service: Service) -> Iterator[_Change]:
        last = self._seen.get(service.arn)
        new = list(itertools.takewhile(lambda event: event["id"] != last, service.events))
        if new:
            self._seen[service.arn] = new[0]["id"]
        for event in reversed(new):
            for text, event_type, name in _ACTIONS:
                if text in event["message"]:
                    at = event["createdAt"]
                    detail = {"eventType": event_type, "eventName": name, "clusterArn": service.cluster.arn}
                    yield _Change(at, "ECS Service Action", service.arn, {**detail, "createdAt": at})


def _text(seconds: float, precision: str) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    return f"{moment.isoformat(timespec=precision)}Z"


def _with_text_times(value: Any) -> Any:
    """Return a detail with its times as ISO text. Their names end in `At`."""
    if isinstance(value, dict):
        return {
            name: _text(item, "milliseconds")
            if name.endswith("At") and isinstance(item, float)
            else _with_text_times(item)
            for name, item in value.items()
        }
    return [_with_text_times(item) for item in value] if isinstance(value, list) else value
