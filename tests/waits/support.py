"""A scripted ECS for waits for tasks: a timeline or a function answers DescribeTasks.

`support/poll_words.py` explains the words of timelines. Key: `P`, `R`, `S` ... states of a task, `R5` with a version,
`S~` without stop details, `-` MISSING, `R/-` two tasks, `!500` an error.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from support import scripted_ecs
from support.poll_words import TASK_STATES, at, error_of, states_of

from ecskit._core.effects import Flow, RawResponse, Send
from ecskit._core.errors import EcsError
from ecskit._polling.options import WaitOptions
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit._waits import tasks as flows
from ecskit._waits.task_identifiers import Tasks
from ecskit.models import Task

CLUSTER = "prod"


def _with_options(flow: Callable[..., Flow[list[Task]]]) -> Callable[..., Flow[list[Task]]]:
    def wait(
        tasks: Tasks, *, cluster: Any = None, allow_partial: bool = False, **wait_options: Any
    ) -> Flow[list[Task]]:
        return flow(tasks, cluster=cluster, allow_partial=allow_partial, wait_options=WaitOptions(**wait_options))

    wait.__name__ = flow.__name__
    return wait


tasks_running = _with_options(flows.tasks_running)
tasks_started = _with_options(flows.tasks_started)
tasks_healthy = _with_options(flows.tasks_healthy)
tasks_stopped = _with_options(flows.tasks_stopped)


def arn(id_: str, cluster: str = CLUSTER) -> str:
    """Return the ARN of a task."""
    return f"arn:aws:ecs:eu-west-1:123456789012:task/{cluster}/{id_}"


def task(status: str, version: int | None = None, id_: str = "a", **members: Any) -> dict[str, Any]:
    """Return a task as responses hold it; a stopped one has its stop details."""
    wire = {"taskArn": arn(id_), "lastStatus": status, "desiredStatus": "RUNNING", **members}
    if version is not None:
        wire["version"] = version
    if status in {"STOPPED", "DELETED"}:
        wire = {"stopCode": "EssentialContainerExited", "stoppedAt": 1.0, **wire}
    return {key: value for key, value in wire.items() if value is not None}


def look(word: str) -> Answer:
    """Return the answer that a word of a timeline stands for."""
    if (error := error_of(word, "DescribeTasks")) is not None:
        return error
    shown: list[dict[str, Any]] = []
    for id_, state in states_of(word).items():
        letter, version, late = state[0], state[1:].rstrip("~"), state.endswith("~")
        details = {"stopCode": None, "stoppedAt": None} if late else {}
        shown.append(task(TASK_STATES[letter], int(version) if version else None, id_, **details))
    return shown


def timeline(words: str) -> list[Answer]:
    """Return the answers of the polls, in order."""
    return [look(word) for word in words.split()]


Answer = Sequence[dict[str, Any]] | EcsError
"""The tasks that one DescribeTasks shows, or its error."""


@attrs.frozen
class Ask:
    """One DescribeTasks."""

    now: float
    cluster: str
    ids: tuple[str, ...]


Script = Sequence[Answer] | Callable[[Ask], Answer]
"""The answers of the polls, the last one to all later ones; or a function that answers each request."""


@attrs.define
class Scripted(scripted_ecs.Scripted):
    """A transport that answers DescribeTasks by a script."""

    clock: VirtualClock
    script: Script
    calls: list[Ask] = attrs.field(factory=list[Ask])
    latency: float = 0.0

    def answer(self, send: Send) -> RawResponse:
        """Answer without taking time."""
        assert send.operation == "DescribeTasks"
        assert send.single_attempt
        assert set(send.params) == {"cluster", "tasks"}
        ask = Ask(self.clock.now(), send.params["cluster"], tuple(send.params["tasks"]))
        assert 0 < len(ask.ids) <= 100
        assert len(set(ask.ids)) == len(ask.ids)
        script = self.script
        answer = script(ask) if callable(script) else at(script, len(self.calls))
        self.calls.append(ask)
        if isinstance(answer, EcsError):
            raise answer
        shown = [t for t in answer if t["taskArn"].rsplit("/", 1)[-1] in ask.ids]
        return RawResponse(json.dumps({"tasks": shown, "failures": []}).encode(), {})


@attrs.frozen
class Run(scripted_ecs.Run):
    """The result of a wait."""

    @property
    def times(self) -> list[float]:
        """When it polled."""
        return sorted({ask.now for ask in self.calls})

    @property
    def naps(self) -> list[float]:
        """The seconds between its polls."""
        return [later - earlier for earlier, later in itertools.pairwise(self.times)]

    @property
    def verdict(self) -> str:
        """The states it ended with, or the name of its error."""
        if self.error is not None:
            return type(self.error).__name__
        return "/".join(task.last_status for task in self.result)


def run_both(script: Script, flow: Callable[[], Flow[Any]], *, seed: int = 0, latency: float = 0.0) -> Run:
    """Run a flow under both drivers, check that they did the same, and return the result."""
    run, _ = scripted_ecs.run_both(lambda: Scripted(VirtualClock(), script, latency=latency), flow, seed=seed)
    return Run(run.result, run.error, run.items, run.calls, run.elapsed)
