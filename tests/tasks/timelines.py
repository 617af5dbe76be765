"""A timeline answers DescribeTasks, and the simulator everything else.

`support/poll_words.py` explains the words of timelines. Key: `-` MISSING, `P`, `R`, `H` ... states of each task, `R5`
with a version, `S0` STOPPED with this exit code, `!500` an error.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
from support.poll_words import TASK_STATES, at, error_of
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.testing import Simulator


def shown(arn: str, word: str) -> dict[str, Any] | None:
    """Return a task as a word has it, None for MISSING."""
    if word == "-":
        return None
    status, number = TASK_STATES[word[0]], int(word[1:]) if word[1:] else None
    task: dict[str, Any] = {"taskArn": arn, "lastStatus": status, "desiredStatus": "RUNNING"}
    if status != "STOPPED":
        return task if number is None else {**task, "version": number}
    container = {"name": "app", "lastStatus": "STOPPED", "exitCode": number or 0}
    ended = {"stopCode": "EssentialContainerExited", "stoppedAt": 1.0, "version": 99}
    return {**task, "desiredStatus": "STOPPED", **ended, "containers": [container]}


@attrs.define
class Timeline:
    """Answers each DescribeTasks with the next word, and all further ones with the last word."""

    words: str
    polls: int = 0

    def __call__(self, sim: Simulator, send: Send) -> RawResponse:
        """Answer a request."""
        if send.operation != "DescribeTasks":
            return answer(sim, send)
        word = at(self.words.split(), self.polls)
        self.polls += 1
        answer(sim, send)  # which keeps the call
        if (error := error_of(word, send.operation)) is not None:
            raise error
        tasks = [task for arn in send.params["tasks"] if (task := shown(_arn(sim, arn), word)) is not None]
        return RawResponse(json.dumps({"tasks": tasks, "failures": []}).encode(), {})


def _arn(sim: Simulator, id_: str) -> str:
    return next(task.arn for task in sim.tasks() if task.arn.endswith(id_))
