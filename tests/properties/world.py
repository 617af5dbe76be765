"""A simulator that keeps a record: what is true of each task, what each look showed, and when flows came and went.

The truth is the simulator's own timeline of each task, kept beyond the hour after which ECS forgets it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Condition, current_thread
from typing import Any, Literal, TypeAlias

import attrs

from ecskit._simulator.records.resources import Task
from ecskit._simulator.task_lifecycle import latest, snapshot
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit._simulator.wire import Encoded
from ecskit.testing import Counting, Lag, LostAnswerError, Simulator, TaskScript

RANKS = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")
RUNNING, STOPPED = RANKS.index("RUNNING"), RANKS.index("STOPPED")
SHORTEST_NAP = 0.1 * 0.9
"""Seconds between two looks at the least: the shortest nap, less its jitter."""
CLOSE = 1e-5
"""Seconds that do not count: the simulator's times are floats since 1970, which are no more exact."""

Versions: TypeAlias = Literal["true", "none", "flat"]
"""Whether tasks are shown with their versions, with none, or all with the same."""


@attrs.frozen
class Truth:
    """What is true of one task at any moment, whatever reads show."""

    task: Task

    @property
    def id(self) -> str:
        return self.task.arn.rsplit("/", 1)[-1]

    def status(self, at: float) -> str:
        status: str = latest(self.task.steps, max(at, self.task.created_at), "lastStatus")
        return status

    def rank(self, at: float) -> int:
        return RANKS.index(self.status(at))

    def statuses(self, since: float, until: float) -> set[str]:
        """Return every status that it had between two moments."""
        on_the_way = [step.at for step in self.task.steps if since <= step.at <= until]
        return {self.status(at) for at in (since, *on_the_way, until)}

    def wants_to_run(self, at: float) -> bool:
        return bool(latest(self.task.steps, at, "desiredStatus") == "RUNNING")

    def ran(self, at: float) -> bool:
        return any(step.task.get("lastStatus") == "RUNNING" for step in self.task.steps if step.at <= at)

    def gone(self, at: float) -> bool:
        return self.task.purged_at is not None and self.task.purged_at <= at

    @property
    def details_at(self) -> float:
        """When everything about its end can be seen."""
        return self.task.steps[-1].at if self.task.purged_at is not None else float("inf")

    @property
    def health(self) -> Sequence[tuple[float, str]]:
        """When its checked container got which health."""
        reports = [(step.at, step.containers.get("app", {}).get("healthStatus")) for step in self.task.steps]
        return [(at, health) for at, health in reports if health is not None]

    @property
    def kind(self) -> str:
        """How it ends, in the words of outcomes."""
        end = snapshot(self.task.steps, float("inf"))
        match end.task.get("stopCode"):
            case "TaskFailedToStart":
                return "FAILED_TO_START"
            case "UserInitiated":
                return "STOPPED_BY_USER"
            case "SpotInterruption" | "InfrastructureHealth":
                return "INTERRUPTED"
            case "EssentialContainerExited":
                app = end.containers["app"]
                if "OutOfMemory" in app.get("reason", ""):
                    return "OUT_OF_MEMORY"
                return "EXITED" if app["exitCode"] else "SUCCEEDED"
            case _:
                return "NO_END"

    @property
    def exit_code(self) -> int | None:
        code: int | None = snapshot(self.task.steps, float("inf")).containers["app"].get("exitCode")
        return code


@attrs.frozen
class Observations:
    """One DescribeTasks: what was asked, and what the answer showed, None if there was no answer."""

    time: float
    cluster: str
    ids: tuple[str, ...]
    shown: dict[str, dict[str, Any]] | None

    def shows_the_end(self, id_: str) -> bool:
        """Whether there is nothing more to learn about a task."""
        seen = (self.shown or {}).get(id_, {})
        return seen.get("lastStatus") == "STOPPED" and "stopCode" in seen and "stoppedAt" in seen


class Clock(VirtualClock):
    """A virtual clock that records when flows began, and when those of each thread or task ended."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.ended_at: dict[object, float] = {}
        self._came = Condition()

    @contextmanager
    def flow(self) -> Generator[None, None, None]:
        with super().flow():
            with self._came:
                self.begun += 1
                self.ended_at.setdefault(whoever_runs(), 0.0)
                self._came.notify_all()
            try:
                yield
            finally:
                self.ended_at[whoever_runs()] = self.now()  # while it is counted: afterwards time may move on

    def hold(self) -> Any:
        """Hold the clock still without being taken for a flow."""
        return super().flow()

    def await_flows(self, count: int) -> None:
        """Return when so many flows have begun."""
        with self._came:
            self._came.wait_for(lambda: self.begun >= count)

    def await_runners(self, count: int) -> None:
        """Return when so many threads have begun a flow."""
        with self._came:
            self._came.wait_for(lambda: len(self.ended_at) >= count)


def whoever_runs() -> object:
    """Return the task of an event loop that runs here, or else the thread."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return current_thread()


class World(Simulator):
    """A simulator that remembers what is true and what it showed."""

    def __init__(
        self,
        *,
        seed: int = 0,
        lag: Lag | None = None,
        versions: Versions = "true",
        bare_replays: bool = False,
        counting: Counting = "zero_first",
    ) -> None:
        self.watch = Clock()
        super().__init__(now=self.watch.epoch, seed=seed, lag=lag, bare_replays=bare_replays, counting=counting)
        self.lag = lag or Lag()
        self.truths: dict[str, Truth] = {}
        self.looks: list[Observations] = []
        self.named: set[str] = set()
        """Ids of the tasks in responses to RunTask. Other tasks are unknown to the client."""
        self.cut_at: float | None = None
        """When a call was cut short."""
        self.calm_after: float | None = None
        """Seconds of its clock after which nothing goes wrong any more."""
        self.unreadable_after: tuple[str, float] | None = None
        """A cluster, and the seconds of the clock after which no read of its tasks is answered."""
        self.versions: Versions = versions
        self._seen: dict[Encoded, tuple[dict[str, Any], Encoded]] = {}

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, dict[str, Any]] | None = None
        if self.calm_after is not None and self.watch.now() >= self.calm_after:
            self.heal()
        if operation == "DescribeTasks" and self._is_unreadable(request.get("cluster")):
            raise LostAnswerError("timeout", {})
        try:
            answer: dict[str, Any] = {**super()._answer(operation, request)}
            if operation == "DescribeTasks":
                found = [self._look(task) for task in answer["tasks"]]
                answer["tasks"] = list[Any](encoded for _, encoded in found)
                shown = {task["taskArn"].rsplit("/", 1)[-1]: task for task, _ in found}
            elif "tasks" in answer:
                answer["tasks"] = [self._with_version(task) for task in answer["tasks"]]
            if "task" in answer:
                answer["task"] = self._with_version(answer["task"])
            if operation == "RunTask":
                self.named |= {task["taskArn"].rsplit("/", 1)[-1] for task in answer["tasks"]}
            return answer
        finally:
            if operation == "DescribeTasks":
                ids = tuple(task.rsplit("/", 1)[-1] for task in request["tasks"])
                cluster = request.get("cluster", "default").rsplit("/", 1)[-1]
                self.looks.append(Observations(self.time(), cluster, ids, shown))
            if operation == "RunTask":
                for arn, task in self._account.tasks.items():
                    self.truths.setdefault(arn.rsplit("/", 1)[-1], Truth(task))

    def _is_unreadable(self, cluster: str | None) -> bool:
        name, after = self.unreadable_after or ("", 0.0)
        return cluster == name and self.watch.now() >= after

    def _look(self, found: Encoded) -> tuple[dict[str, Any], Encoded]:
        """Return what a read shows of a task, as an object and as text. Most reads show what earlier ones did."""
        if found not in self._seen:
            shown = self._with_version(found.value())
            self._seen[found] = shown, found if self.versions == "true" else Encoded(shown)
        return self._seen[found]

    def _with_version(self, task: dict[str, Any]) -> dict[str, Any]:
        if self.versions == "true":
            return task
        shown = {name: value for name, value in task.items() if name != "version"}
        return shown if self.versions == "none" else {**shown, "version": 7}

    def of_family(self, family: str) -> list[Truth]:
        """Return every task of a family that there ever was."""
        return [truth for truth in self.truths.values() if truth.task.family == family]

    def register(self, family: str, scripts: Sequence[TaskScript]) -> None:
        """Register a task definition: `app` decides and is checked, `side` does not; and how its tasks behave."""
        app = {"name": "app", "image": "app", "essential": True, "healthCheck": {"command": ["CMD", "true"]}}
        request = {
            "family": family,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [app, {"name": "side", "image": "side", "essential": False}],
        }
        self.handle("RegisterTaskDefinition", request)
        self.script(family, scripts)
