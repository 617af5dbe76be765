"""What happened in the account, as the details of the events that ECS sends to EventBridge.

Changes are derived from the records: task states from the steps of a task, rollout states from the history of a
deployment, service actions from the events of a service. So they cost nothing without a subscriber.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import attrs

from ecskit._simulator.operations.container_instances import show_instance
from ecskit._simulator.scheduler.loop import next_moment
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Task
    from ecskit._simulator.records.services import Service

__all__ = ["Change", "ChangeFeed", "Subscriber"]

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
class Change:
    """One change, which is one event."""

    at: float
    detail_type: str
    resource: str
    detail: Wire = attrs.field(order=False)


class Subscriber(Protocol):
    """Receives the changes of an account."""

    def add(self, change: Change) -> None:
        """Receive one change, in the order in which they happened."""


class ChangeFeed:
    """The changes of an account from one moment on. Each goes to every subscriber once."""

    def __init__(self, account: Account) -> None:
        self.subscribers: WeakKeyDictionary[Subscriber, None] = WeakKeyDictionary()
        """Events end for those that nothing else refers to."""
        self._account = account
        self._seen: dict[str, Any] = {}
        self._steps: list[tuple[float, int, Task]] = []
        for task in account.tasks.values():
            task.emitted = sum(step.at <= account.now for step in task.steps)  # what has happened already is no event
            self.watch(task)
        list(self._changes())

    def watch(self, task: Task) -> None:
        """Expect the next step of a task: after its launch, and whenever its steps are replaced."""
        if task.emitted < len(task.steps):
            heapq.heappush(self._steps, (task.steps[task.emitted].at, task.ordinal, task))

    def next_moment(self) -> float | None:
        """Return the next moment at which something can change without a request, or None."""
        moments = (self._steps[0][0] if self._steps else None, next_moment(self._account))
        return min((moment for moment in moments if moment is not None), default=None)

    def collect(self) -> None:
        """Send what has happened until now to the subscribers."""
        for change in sorted(self._changes()):
            for subscriber in list(self.subscribers):
                subscriber.add(change)

    def _changes(self) -> Iterator[Change]:
        """Yield what has happened since the last call, and remember it."""
        now = self._account.now
        while self._steps and self._steps[0][0] <= now:
            yield from self._of_task(heapq.heappop(self._steps)[2])
        for service in self._account.services.values():
            yield from self._of_deployments(service)
            yield from self._of_hooks(service)
            yield from self._of_service(service)
        for instance in self._account.container_instances.values():
            if self._seen.get(instance.arn) != instance.version:
                self._seen[instance.arn] = instance.version
                detail = {name: item for name, item in show_instance(self._account, instance).items() if name != "tags"}
                yield Change(now, "ECS Container Instance State Change", instance.arn, detail)

    def _of_task(self, task: Task) -> Iterator[Change]:
        """Yield one change for each moment at which the task got a new version."""
        new = list(itertools.takewhile(lambda step: step.at <= self._account.now, task.steps[task.emitted :]))
        if not new:
            return  # its steps were replaced, and the new ones are expected at their own moments
        task.emitted += len(new)
        self.watch(task)
        for at in dict.fromkeys(step.at for step in new if step.counts):
            detail = {name: item for name, item in task.show(at).items() if name not in _HIDDEN}
            yield Change(at, "ECS Task State Change", task.arn, detail)

    def _of_deployments(self, service: Service) -> Iterator[Change]:
        deployments = [*service.deployments, *(rollout.deployment for rollout in service.rollouts)]
        for deployment in {each.id: each for each in deployments}.values():
            key = f"{service.arn} {deployment.id}"
            for at, state, reason in deployment.history[self._seen.get(key, 0) :]:
                detail = {
                    "eventType": "ERROR" if state == "FAILED" else "INFO",
                    "eventName": f"SERVICE_DEPLOYMENT_{state}",
                    "deploymentId": deployment.id,
                    "updatedAt": at,
                    "reason": reason,
                }
                yield Change(at, "ECS Deployment State Change", service.arn, detail)
            self._seen[key] = len(deployment.history)

    def _of_hooks(self, service: Service) -> Iterator[Change]:
        """Yield one change for each hook that begins to await an action."""
        for rollout in service.rollouts:
            for hook in rollout.hooks:
                if hook.target_type != "PAUSE" or hook.id in self._seen:
                    continue
                self._seen[hook.id] = True
                detail: Wire = {
                    "eventType": "INFO",
                    "eventName": "HOOK_AWAITING_ACTION",
                    "clusterArn": service.cluster.arn,
                    "serviceArn": service.arn,
                    "serviceDeploymentArn": rollout.arn,
                    "hookId": hook.id,
                    "hookType": hook.target_type,
                    "lifecycleStage": hook.stage,
                    "updatedAt": timestamp(hook.began_at),
                }
                if hook.expires_at is not None:
                    detail["expiresAt"] = timestamp(hook.expires_at)
                yield Change(hook.began_at, "ECS Hook State Change", service.arn, detail)

    def _of_service(self, service: Service) -> Iterator[Change]:
        last = self._seen.get(service.arn)
        new = list(itertools.takewhile(lambda event: event["id"] != last, service.events))
        if new:
            self._seen[service.arn] = new[0]["id"]
        for event in reversed(new):
            for text, event_type, name in _ACTIONS:
                if text in event["message"]:
                    at = event["createdAt"]
                    detail = {"eventType": event_type, "eventName": name, "clusterArn": service.cluster.arn}
                    yield Change(at, "ECS Service Action", service.arn, {**detail, "createdAt": at})
