"""A simulator of services that forgets nothing: every deployment there was, what it was at any moment, and who asked.

Others act in it at moments of their own: they deploy, roll back, stop, scale, delete, create anew, and let alarms fire.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, get_args

import attrs

from ecskit._simulator.fault_injection import FaultInjector
from ecskit._simulator.records.resources import Task
from ecskit._simulator.records.services import Rollout, Service
from ecskit._simulator.records.timeline import Timeline
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.testing import Call, Counting, Fault, Lag, LostAnswerError, SimulatedError, TaskScript

from .world import Clock, World

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
ALARM = "too-many-errors"
BEGINNING = 0.0
POLICIES: tuple[Counting, ...] = get_args(Counting)


class Kept(Timeline):
    """A timeline that forgets nothing."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._moments, self._values = list(timeline._moments), list(timeline._values)

    def forget(self, before: float) -> None:
        """Keep everything."""

    def between(self, since: float, until: float) -> list[tuple[float, dict[str, Any]]]:
        """Return what held at some moment between two, and from when on, that before the first one included."""
        found = [(at, value) for at, value in zip(self._moments, self._values, strict=True) if since < at <= until]
        before = self.at(since)
        return [(since, before), *found] if before is not None else found


class Eventful(Clock):
    """A clock on which things happen at their time, whoever sleeps meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count_of_events = itertools.count()

    def plan(self, at: float, event: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        heapq.heappush(self._events, (self.now() + at, next(self._count_of_events), event))

    def advance(self, seconds: float) -> None:
        """Move the clock by hand."""
        self._happen(self.now() + seconds)
        super().advance(max(0.0, seconds - 0.0))

    def _wake(self, moment: float) -> None:
        self._happen(moment)
        super()._wake(moment)

    def _happen(self, until: float) -> None:
        now = self._now
        while self._events and self._events[0][0] <= until:
            at, _, event = heapq.heappop(self._events)
            self._now = max(now, at)
            event()
        self._now = now


@attrs.frozen(kw_only=True)
class Made:
    """One UpdateService of those who are tested, and what it did."""

    time: float
    service: Service
    request: Mapping[str, Any]
    rollout: Rollout | None
    """The service deployment that it began."""
    current: Rollout | None
    """The newest one behind it, its own or an earlier one."""
    desired: tuple[int, int]
    """How many tasks there were to be before and after."""
    answered: bool
    """Whether there was an answer."""
    open: bool = False
    """Whether its caller cannot find out if it was done."""

    @property
    def effective(self) -> bool:
        return self.rollout is not None or self.desired[0] != self.desired[1]


class Fleet(World):
    """A world of services, and of others that do as they like with them."""

    def __init__(self, *, seed: int = 0, lag: Lag | None = None, counting: Counting | None = None) -> None:
        super().__init__(seed=seed, lag=lag, counting=counting or POLICIES[seed % len(POLICIES)])
        clock = Eventful()
        self.watch: Eventful = clock
        self._now = clock.epoch
        self.made: list[Made] = []
        self.every_service: list[Service] = []
        self.every_rollout: dict[str, Rollout] = {}
        self.every_task: dict[str, Task] = {}
        self._others: set[int] = set()
        self._is_other = False

    @property
    def calls(self) -> list[Call]:
        """The calls of those who are tested."""
        return [call for call in super().calls if id(call) not in self._others]

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("service", "").rsplit("/", 1)[-1]
        before = self.alive(name) if operation == "UpdateService" else None
        newest, desired = (before.rollout, before.desired) if before else (None, 0)
        answered = lost = False
        try:
            answer = super()._answer(operation, request)
        except SimulatedError as error:
            lost = error.status >= 500
            raise
        except LostAnswerError:
            lost = True
            raise
        else:
            answered = True
            return answer
        finally:
            self._keep()
            if self._is_other and self._calls:
                self._others.add(id(self._calls[-1]))
            elif before is not None:
                rollout = before.rollout if before.rollout is not newest else None
                self.made.append(
                    Made(
                        time=self.time(),
                        service=before,
                        request=request,
                        rollout=rollout,
                        current=before.rollout,
                        desired=(desired, before.desired),
                        answered=answered,
                        open=lost,
                    )
                )

    def _keep(self) -> None:
        self.every_task |= self._account.tasks
        for service in self._account.services.values():
            if not isinstance(service.shown, Kept):
                service.shown = Kept(service.shown)
                self.every_service.append(service)
            for rollout in service.rollouts:
                if rollout.arn not in self.every_rollout:
                    rollout.shown = Kept(rollout.shown)
                    self.every_rollout[rollout.arn] = rollout

    def alive(self, name: str) -> Service | None:
        """Return the service of a name that is ACTIVE, as it is now."""
        self._account.advance(self.time())
        found = [each for each in self._account.services.values() if each.name == name and each.status == "ACTIVE"]
        return found[0] if found else None

    def service_of(self, rollout: Rollout) -> Service:
        """Return the service that a deployment is of."""
        return next(each for each in self.every_service if rollout in each.rollouts)

    @contextmanager
    def as_others(self) -> Generator[None, None, None]:
        """Send a request as another process, without faults."""
        trouble, self._faults, self._is_other = self._faults, FaultInjector(), True
        try:
            yield
        finally:
            self._faults, self._is_other = trouble, False

    def settle(self) -> None:
        """Bring everything up to now."""
        with self._lock:
            self._account.advance(self.time())
            self._keep()

    def define(
        self, family: str, script: TaskScript | Sequence[TaskScript], *, fargate: bool, checked: bool = False
    ) -> None:
        """Register a task definition, and choose how its tasks behave."""
        container: dict[str, Any] = {"name": "app", "image": f"{family}:1", "essential": True, "memory": 64, "cpu": 64}
        if checked:
            container["healthCheck"] = {"command": ["CMD", "true"]}
        where: dict[str, Any] = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc"} if fargate else {}
        size = {"cpu": "256", "memory": "512"} if fargate else {}
        with self.as_others():
            definition = {"family": family, "containerDefinitions": [container], **where, **size}
            self.handle("RegisterTaskDefinition", definition)
        self.script(family, script)

    def house(self, count: int) -> None:
        """Register container instances."""
        resources = [
            {"name": "CPU", "type": "INTEGER", "integerValue": 4096},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 8192},
        ]
        with self.as_others():
            for _ in range(count):
                self.handle("RegisterContainerInstance", {"totalResources": resources})

    def create(self, name: str, definition: str, rest: Mapping[str, Any]) -> None:
        """Create a service, as another process."""
        with self.as_others():
            self.handle("CreateService", {"serviceName": name, "taskDefinition": definition, **rest})

    def refuse(self, operations: Sequence[str]) -> None:
        """Let operations be denied to those who are tested, for good."""
        for operation in operations:
            self.fail(operation, Fault.access_denied(), times=None)

    def plan(self, at: float, name: str, what: Sequence[Any], create: Mapping[str, Any]) -> None:
        """Change a service some seconds from now, as another process, if it is possible then."""

        def act() -> None:
            try:
                with self.as_others():
                    self._act(name, what, create)
            except (SimulatedError, LostAnswerError):
                pass  # it could not be done

        self.watch.plan(at, act)

    def _act(self, name: str, what: Sequence[Any], create: Mapping[str, Any]) -> None:
        service = self.alive(name)
        rollout = service.rollout if service else None
        match what:
            case ["update", definition]:
                self.handle("UpdateService", {"service": name, "taskDefinition": definition})
            case ["force"]:
                self.handle("UpdateService", {"service": name, "forceNewDeployment": True})
            case ["scale", count]:
                self.handle("UpdateService", {"service": name, "desiredCount": count})
            case ["stop", how] if rollout is not None:
                self.handle("StopServiceDeployment", {"serviceDeploymentArn": rollout.arn, "stopType": how})
            case ["answer", action] if rollout is not None:
                for hook in rollout.hooks:
                    answer = {"serviceDeploymentArn": rollout.arn, "hookId": hook.id, "action": action}
                    self.handle("ContinueServiceDeployment", answer)
            case ["stop task"] if service is not None and service.live_tasks:
                self.handle("StopTask", {"task": next(iter(service.live_tasks)), "reason": "a user's"})
            case ["rebalance"]:
                with suppress(ValueError):
                    self.rebalance(name)
            case ["alarm"]:
                self.fire_alarm(ALARM)
            case ["delete"]:
                self.handle("DeleteService", {"service": name, "force": True})
            case ["create", definition]:
                self.handle("CreateService", {"serviceName": name, "taskDefinition": definition, **create})
            case _:
                pass


def statuses(rollout: Rollout, since: float, until: float) -> set[str]:
    """Return every status that a deployment had between two moments."""
    assert isinstance(rollout.shown, Kept)
    return {shown["status"] for _, shown in rollout.shown.between(since, until)}


__all__ = ["ALARM", "EPOCH", "Eventful", "Fleet", "Kept", "Made", "statuses"]
