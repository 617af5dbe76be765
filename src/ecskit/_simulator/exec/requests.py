"""ExecuteCommand: its checks, and what runs the command.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommand.html
"""

from __future__ import annotations

import errno
import math
import os
import shlex
from functools import partial
from typing import TYPE_CHECKING

from ecskit._exec.wrapper import unwrap
from ecskit._simulator.account import seeded
from ecskit._simulator.errors import SimulatedError, invalid, not_simulated, refused
from ecskit._simulator.exec.agent import Agent, KeyTerms
from ecskit._simulator.exec.executed import Started
from ecskit._simulator.exec.key_service import decrypt, key_of
from ecskit._simulator.exec.session import ExecSession
from ecskit._simulator.exec.shell import shell
from ecskit._simulator.exec.terminal import Terminal
from ecskit._simulator.exec.wrapped import in_wrapper, lingering
from ecskit._simulator.task_lifecycle import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from ecskit._simulator.account import Account
    from ecskit._simulator.exec.programs import ExecProgram
    from ecskit._simulator.records.resources import Cluster, Task
    from ecskit._simulator.wire import Wire

__all__ = ["execute_command"]

_SESSIONS = 2
"""Sessions at a time in one container."""
_NO_AGENT = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command"
    " agent isn\u2019t running. Wait and try again or run a new task with execute command enabled and try again."
)
_INTERNAL = "The execute command failed due to an internal error. Try again later."
_FULL = f"Unable to start new execute sessions because the maximum session limit of {_SESSIONS} has been reached."
_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")


def execute_command(account: Account, request: Wire) -> Wire:
    """Open a session in a container of a task."""
    cluster = account.cluster(request.get("cluster"))
    if not request["interactive"]:
        raise invalid("Interactive is the only mode supported currently.")
    task = account.find_task(cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    state = snapshot(task.steps, account.now)
    if not task.plan.has_exec_agent:
        raise invalid(_NO_AGENT)
    if state.task["desiredStatus"] == "STOPPED":
        raise invalid("The task is stopping or stopped.")
    names = [container["name"] for container in task.containers]
    if "container" not in request and len(names) > 1:
        raise invalid("The task has several containers: name one.")
    name = request.get("container", names[0])
    if name not in names:
        raise invalid(f"The task has no container named {name}.")
    status = state.containers[name]["managedAgents"][0]["lastStatus"]
    if status == "STOPPED":
        raise invalid(_NO_AGENT)
    container = next(each for each in task.containers if each["name"] == name)
    runs_since = (step.at for step in task.steps if step.task.get("lastStatus") == "RUNNING")
    connects_at = next(runs_since, math.inf) + task.plan.script.exec_connects_after
    if status != "RUNNING" or account.now < connects_at:
        raise SimulatedError("TargetNotConnectedException", _INTERNAL)
    live = [each for each in account.exec.live(account.now) if each.container == container["containerArn"]]
    if len(live) >= _SESSIONS:
        raise refused(_FULL)
    account.exec.streams()
    session = _open(account, cluster, task, container, request["command"])
    token = account.hex(64)
    session.tokens.add(token)
    account.exec.sessions[session.id] = session
    return {
        "clusterArn": cluster.arn,
        "containerArn": container["containerArn"],
        "containerName": name,
        "interactive": True,
        "session": {"sessionId": session.id, "streamUrl": account.exec.stream_url(session.id), "tokenValue": token},
        "taskArn": task.arn,
    }


def _open(account: Account, cluster: Cluster, task: Task, container: Wire, command: str) -> ExecSession:
    name, arn = container["name"], container["containerArn"]
    session_id = f"ecs-execute-command-{account.hex(34)}"
    random = seeded(account.seed, f"session {session_id}")
    ids = _numbers(random)
    key = key_of(cluster)
    terms = None
    if key is not None:
        runtime_id = next(each.when_running["runtimeId"] for each in task.plan.containers if each.name == name)
        target = f"ecs:{cluster.name}_{task.arn.rsplit('/', 1)[-1]}_{runtime_id}"
        context = {"aws:ssm:SessionId": session_id, "aws:ssm:TargetId": target}
        terms = KeyTerms(key, context, partial(decrypt, account))
    shown, program = _starter(account, command)

    def start(now: float) -> ExecProgram:
        started = Started(at=now, task=task.arn, container=name, command=shown, typed=agent.typed)
        account.exec.started.append(started)
        return program(now)

    agent = Agent(
        start,
        ids=ids,
        key=terms,
        repeats_acknowledgements=account.exec.repeats_acknowledgements,
        pace=account.exec.pace,
    )
    session = ExecSession(
        session_id,
        arn,
        agent,
        created=account.now,
        dies_at=lambda: _stopped_at(task, name),
        faults=account.exec.faults,
        random=seeded(account.exec.faults.seed, f"channel {next(account.exec.numbers)}"),
        ids=ids,
        changed=account.exec.changed,
        pace=account.exec.pace,
    )
    if not account.exec.pace.waits_for_clients:
        session.begin(account.now)
    return session


def _numbers(random: Random) -> Iterator[int]:
    while True:
        yield random.getrandbits(128)


def _stopped_at(task: Task, name: str) -> float:
    """Return the moment at which a container stops."""
    stops = (
        step.at
        for step in task.steps
        if step.task.get("lastStatus") == "STOPPED" or step.containers.get(name, {}).get("lastStatus") == "STOPPED"
    )
    return min(stops, default=math.inf)


def _starter(account: Account, command: str) -> tuple[str, Callable[[float], ExecProgram]]:
    """Return a command without the wrapper of `execute`, and what starts it in a terminal.

    Raises:
        SimulatedError: `NotSimulatedException` for a command without a script.
    """
    scripts = account.exec.scripts
    wrapped = unwrap(command)
    try:
        words = shlex.split(command, comments=True) or ["sh"]
    except ValueError as error:
        raise invalid(f"The command cannot be cut into words: {error}.") from error
    asked: Sequence[str] = words if wrapped is None else wrapped.argv
    shown = asked[2] if len(asked) == 3 and tuple(asked[:2]) == ("sh", "-c") else shlex.join(asked)
    script = scripts.next(asked)
    if script is None and shown not in _SHELLS:
        raise not_simulated(
            f"the command {shown!r} of ECS Exec without a script; call"
            f" simulator.script_exec({shown!r}, 'what it writes') before"
        )
    if script is not None and script.program is not None:
        return shown, partial(script.program, words)
    dialog = shell(scripts) if script is None else script.run(asked)
    lacks = () if script is None else tuple(script.lacks)
    if "sh" in lacks and (wrapped is not None or words[0] in ("sh", "/bin/sh")):
        return shown, partial(_fail_to_start, "sh")
    if wrapped is not None:
        dialog = in_wrapper(wrapped, dialog, lacks=lacks)
    if script is not None and script.lingers:
        dialog = lingering(dialog, script.lingers)
    return shown, partial(Terminal, dialog)


def _fail_to_start(program: str, now: float) -> ExecProgram:  # noqa: ARG001
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
