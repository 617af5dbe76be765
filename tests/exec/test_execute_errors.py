"""What `tasks.execute` and `tasks.open_session` raise, and that nothing runs then, or that it is said."""

from __future__ import annotations

import logging
import pickle
import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from ecskit import errors
from ecskit._core.errors import MissingExtraError
from ecskit._simulator.exec.exec_script import ExecScript
from ecskit.tasks import ExecResult
from ecskit.testing import Fault, SimulatedError, TaskScript

from .worlds import COLOURS, REFUSED, World, perform, simulator

AGENT = (
    "the agent needs a task role with ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and"
    " OpenDataChannel, a way to ssmmessages over the network, a file system that it can write to, and no"
    " AWS_ACCESS_KEY_ID in the environment of the container"
)
UNCONNECTED = SimulatedError("TargetNotConnectedException", "The execute command failed due to an internal error.")
NOT_ENABLED = SimulatedError(
    "InvalidParameterException",
    "The execute command failed because execute command was not enabled when the task was run or the execute command"
    " agent isn't running.",
)
MISSING = MissingExtraError("sessions of ECS Exec need websockets: pip install 'ecskit[exec]'")


NEEDS_SHELL = "needs exit_code=True: the shell around the command provides it"


def _nothing(_: World) -> None:
    pass


@attrs.frozen(kw_only=True)
class Case:
    """A call that fails."""

    name: str
    error: type[Exception]
    says: str
    """The message; ID for ids of tasks, SESSION for those of sessions."""
    task: dict[str, Any] = attrs.field(factory=dict)
    options: dict[str, Any] = attrs.field(factory=dict)
    before: Callable[[World], object] = _nothing
    sent: int = 0
    """How often ExecuteCommand was sent."""


def _fail(operation: str, fault: Fault | SimulatedError, times: int | None = None) -> Callable[[World], object]:
    return lambda world: world.sim.fail(operation, fault, times=times)


def _open_two(world: World) -> None:
    request = {"cluster": "default", "task": world.task, "command": "run it", "interactive": True}
    for _ in range(2):
        world.sim.handle("ExecuteCommand", request)


def _refuse(world: World) -> None:
    world.missing = MISSING


def _break(world: World) -> None:
    world.refuse = errors.ConnectionFailedError("connect", "no route to host")


ARN = "arn:aws:ecs:us-east-1:123456789012:task/default/ID"
CANNOT = f"ECS Exec cannot be used in task {ARN}"
MAY_RUN = f"the command may run in container app of task {ARN}, so the request was not sent again"
CASES = [
    Case(
        name="several containers",
        task={"containers": ["app", "proxy"]},
        error=errors.RequestError,
        says="tasks.execute: container: the task has 2 containers: pass one of app, proxy",
    ),
    Case(
        name="no such container",
        options={"container": "db"},
        error=errors.RequestError,
        says="tasks.execute: container: the task has no container 'db'; it has app",
    ),
    Case(
        name="not enabled",
        task={"enabled": False},
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: it was started without ECS Exec; start tasks with"
        " enable_execute_command=True: an argument of `tasks.run`, and of the service, whose tasks have to be replaced"
        " after that",
    ),
    Case(
        name="stopped",
        before=World.stop_task,
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: it is stopping; choose a task that runs",
    ),
    Case(
        name="Windows",
        task={
            "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
            "cpu": "1024",
            "memory": "2048",
        },
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: it runs on Windows; ecskit runs commands in Linux containers only; use the AWS CLI",
    ),
    Case(
        name="the agent has stopped",
        task={"script": TaskScript(exec_agent="STOPPED")},
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: it is RUNNING, but the agent in container app is STOPPED; {AGENT}",
    ),
    Case(
        name="the agent does not start",
        task={"script": TaskScript(exec_agent="PENDING")},
        options={"start_timeout": 20},
        error=errors.WaitTimeout,
        says="exec_agents_running: timed out after 20 s: task ID is RUNNING, but the agent in container app is PENDING;"
        " 5 polls: RUNNING x5",
    ),
    Case(
        name="stops before its agent runs",
        task={"script": TaskScript(run_time=45, exec_agent="PENDING")},
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: it is stopping; choose a task that runs",
    ),
    Case(
        name="no such task",
        options={"task": "0" * 32, "cluster": "default"},
        error=errors.TaskNotVisible,
        says="tasks.execute: never visible after 60 s: task ID in cluster 'default' was not visible within 60 s"
        " (visibility_grace); 15 polls: MISSING x15",
    ),
    Case(
        name="the agent is not connected",
        before=_fail("ExecuteCommand", UNCONNECTED),
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: its agent was not connected for 15 s"
        " (TargetNotConnectedException: The execute command failed due to an internal error);"
        f" {AGENT}",
        sent=7,
    ),
    Case(
        name="two sessions are open",
        before=_open_two,
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: ClientException: Unable to start new execute sessions because the maximum session limit of 2"
        " has been reached; wait until a session in the container has ended, or end one by ssm:TerminateSession",
        sent=3,
    ),
    Case(
        name="the service refuses the task",
        before=_fail("ExecuteCommand", NOT_ENABLED),
        error=errors.ExecUnavailable,
        says=f"{CANNOT}: InvalidParameterException: The execute command failed because"
        " execute command was not enabled when the task was run or the execute command agent isn't running;"
        f" {AGENT}",
        sent=1,
    ),
    Case(
        name="no permission",
        before=_fail("ExecuteCommand", REFUSED),
        error=errors.AccessDeniedException,
        says="ExecuteCommand: User: me is not authorized to perform this action (cluster"
        f" 'arn:aws:ecs:us-east-1:123456789012:cluster/default', task '{ARN}', container 'app')",
        sent=1,
    ),
    Case(
        name="a lost response",
        before=_fail("ExecuteCommand", Fault.reset(after_effect=False)),
        error=errors.ExecResponseLost,
        says=f"ExecuteCommand: no valid response (reset); {MAY_RUN}",
        sent=1,
    ),
    Case(
        name="a failure of the service",
        before=_fail("ExecuteCommand", Fault.server_error()),
        error=errors.ExecResponseLost,
        says="ExecuteCommand: no valid response (ServerException: Service Unavailable. Please try again later);"
        f" {MAY_RUN}",
        sent=1,
    ),
    Case(
        name="no websockets",
        before=_refuse,
        error=errors.MissingExtraError,
        says="sessions of ECS Exec need websockets: pip install 'ecskit[exec]'",
    ),
    Case(
        name="no connection",
        before=_break,
        error=errors.ExecResponseLost,
        says=f"ExecuteCommand: the connection to the session could not be opened (no route to host); {MAY_RUN}",
        sent=1,
    ),
]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_call_raises(case: Case, colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """One error, which says what to change. If nothing was sent, nothing runs."""
    caplog.set_level(logging.WARNING)

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("hello\n"))
        case.before(world)
        return await world.execute("run it", **case.options)

    world, error = perform(colour, act, leaves=case.before is _open_two, **case.task)
    assert type(error) is case.error, repr(error)
    shown = str(error).replace(world.task.rsplit("/", 1)[-1], "ID").replace("0" * 32, "ID")
    assert case.says == shown
    assert case.sent == world.count("ExecuteCommand")
    assert [] == caplog.messages


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"command": ["x", 1]}, "command: expected words that are str, but word 1 is int"),
        ({"command": 1, "exit_code": False}, "command: expected a str or a list of str, got int"),
        ({"command": " "}, "command: expected a command, got an empty one"),
        ({"input": 1}, "input: expected bytes or str, got int"),
        ({"input": "\ud800"}, "input: it holds a lone surrogate, which UTF-8 cannot encode; pass bytes"),
        ({"timeout": 10**400}, f"timeout: expected seconds, 0 or more, or None for no limit, got {10**400}"),
        ({"timeout": -1}, "timeout: expected seconds, 0 or more, or None for no limit, got -1"),
        ({"start_timeout": "1"}, "start_timeout: expected seconds, 0 or more, or None for no limit, got '1'"),
        ({"max_output": 0}, "max_output: expected a whole number, 1 or more, or None for no limit, got 0"),
        ({"on_output": 1}, "on_output: expected a function, got int"),
        ({"container": ""}, "container: expected the name of a container, got ''"),
        ({"task": ["a"]}, "task: expected one task, its id or its ARN, got list; call tasks.execute for each task"),
        ({"task": "a b", "cluster": "default"}, "task: 'a b' is not the id or ARN of a task"),
        ({"task": "a"}, "task: the cluster of 'a' is unknown; pass cluster="),
        (
            {"exit_code": False, "check": True, "input": b"x"},
            f"input: {NEEDS_SHELL}; check: {NEEDS_SHELL}",
        ),
    ],
)
def test_wrong_arguments(options: dict[str, Any], problem: str) -> None:
    """One error each, which names the argument. Nothing is sent."""
    world = World("sync", *simulator())
    arguments: dict[str, Any] = {"task": world.task, "command": "run it", **options}
    with pytest.raises(errors.RequestError) as raised:
        world.tasks.execute(arguments.pop("task"), arguments.pop("command"), **arguments)
    assert f"tasks.execute: {problem}" == str(raised.value)
    assert ["RegisterTaskDefinition", "RunTask"] == [call.operation for call in world.sim.calls]


@pytest.mark.parametrize("colour", COLOURS)
def test_what_encryption_needs_is_missing(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the cluster has a key is read then, and found out before anything runs."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", "hello\n")
        assert (await world.execute("run it")).succeeded
        settings = {"executeCommandConfiguration": {"kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/abc"}}
        world.sim.handle("UpdateCluster", {"cluster": "default", "configuration": settings})
        return await world.execute("run it")

    world, error = perform(colour, act)
    assert isinstance(error, errors.MissingExtraError)
    assert (2, 1) == (world.count("DescribeClusters"), world.count("ExecuteCommand"))


@pytest.mark.parametrize(
    ("kind", "code", "succeeded", "signal"),
    [("EXITED", 0, True, None), ("TIMED_OUT", 0, False, None), ("EXITED", 137, False, 9), ("EXITED", 255, False, None)],
)
def test_what_a_result_means(kind: Any, code: int, *, succeeded: bool, signal: int | None) -> None:
    """Only EXITED with 0 is success. 255 is no signal."""
    result = ExecResult(
        kind=kind, exit_code=code, output="", truncated=False, task_arn="t", container="c", session_id="s", reason=None
    )
    assert (succeeded, signal) == (result.succeeded, result.signal)


@pytest.mark.parametrize("colour", COLOURS)
def test_check_raises_what_has_the_result(colour: str) -> None:
    """The message is the summary of the result, without its output. It survives pickle."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("secret\n", exit_code=139))
        return await world.execute("run it", check=True)

    world, error = perform(colour, act)
    assert type(error) is errors.ExecFailed
    name = world.task.rsplit("/", 1)[-1]
    assert f"the command in container app of task {name} EXITED with code 139" == str(error)
    assert ("secret\n", 11, False) == (error.result.output, error.result.signal, error.result.succeeded)
    assert str(error) == str(pickle.loads(pickle.dumps(error)))
    assert "secret" not in repr(error.result)
