"""What DescribeTasks shows, look by look, in words, while everything else is the simulator's.

A letter is the state of each task that is asked about (`-` is MISSING), `R5` has a version, `S0` has stopped with an
exit code; `!throttle` is an error in place of an answer.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.testing import Fault, Simulator

STATES = {"P": "PENDING", "R": "RUNNING", "D": "DEPROVISIONING", "H": "HIBERNATING", "S": "STOPPED"}
FAULTS = {
    "!throttle": Fault.throttled(),
    "!500": Fault.server_error(),
    "!reset": Fault.reset(),
    "!timeout": Fault.timeout(),
    "!garbled": Fault.garbled(),
    "!expired": Fault.expired_credentials(),
    "!denied": Fault.access_denied(),
}


def shown(arn: str, word: str) -> dict[str, Any] | None:
    """Return a task as a word has it, None for MISSING."""
    if word == "-":
        return None
    status, number = STATES[word[0]], int(word[1:]) if word[1:] else None
    task: dict[str, Any] = {"taskArn": arn, "lastStatus": status, "desiredStatus": "RUNNING"}
    if status != "STOPPED":
        return task if number is None else {**task, "version": number}
    container = {"name": "app", "lastStatus": "STOPPED", "exitCode": number or 0}
    ended = {"stopCode": "EssentialContainerExited", "stoppedAt": 1.0, "version": 99}
    return {**task, "desiredStatus": "STOPPED", **ended, "containers": [container]}


@attrs.define
class Timeline:
    """Answers each look at tasks with the next word, the last for ever after."""

    words: str
    looks: int = 0

    def __call__(self, sim: Simulator, send: Send) -> RawResponse:
        """Answer a request."""
        if send.operation != "DescribeTasks":
            return answer(sim, send)
        words = self.words.split()
        word = words[min(self.looks, len(words) - 1)]
        self.looks += 1
        if word in FAULTS:
            sim.fail("DescribeTasks", FAULTS[word])
        answer(sim, send)  # which also keeps the call
        tasks = [task for arn in send.params["tasks"] if (task := shown(_arn(sim, arn), word)) is not None]
        return RawResponse(json.dumps({"tasks": tasks, "failures": []}).encode(), {})


def _arn(sim: Simulator, id_: str) -> str:
    return next(task.arn for task in sim.tasks() if task.arn.endswith(id_))
