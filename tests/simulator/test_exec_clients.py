"""ECS Exec with clients of ecskit and of boto3, over each way to a simulator."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import definitions
from support.definitions import NETWORK
from support.pty_program import bin_folder
from support.real_terminals import RealTerminal

from ecskit.errors import EcsError, ServiceError
from ecskit.testing import ExecDialog, ExecScript, Fault, ScaledClock, Simulator, SimulatorServer, TaskScript, attach

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
SPEED = 20.0


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    """Return each colour of a client."""
    found: str = request.param
    if found == "async":
        pytest.importorskip("aiobotocore", reason="needs the extra `async`")
    return found


def launched(simulator: Simulator, *, key: str | None = None) -> str:
    """Launch a task that runs at once, in a cluster with or without a key, and return its ARN."""
    configuration = {"executeCommandConfiguration": {"kmsKeyId": key} if key else {}}
    simulator.handle("CreateCluster", {"clusterName": "exec", "configuration": configuration})
    simulator.script("web", TaskScript(time_to_start=0))
    definitions.register(simulator, "web", {"name": "app", "image": "i"})
    launch: dict[str, Any] = {"launchType": "FARGATE", "networkConfiguration": NETWORK, "enableExecuteCommand": True}
    (task,) = simulator.handle("RunTask", {"cluster": "exec", "taskDefinition": "web", **launch})["tasks"]
    arn: str = task["taskArn"]
    return arn


def execute(world: Simulator | SimulatorServer, colour: str, *arguments: Any, **options: Any) -> Any:
    """Execute a command with a client of either colour."""
    if colour == "sync":
        with world.client() as client:
            return client.tasks.execute(*arguments, **options)

    async def run() -> Any:
        async with world.async_client() as client:
            return await client.tasks.execute(*arguments, **options)

    return asyncio.run(run())


@pytest.mark.parametrize("key", [None, KEY], ids=["clear", "sealed"])
@pytest.mark.parametrize("served", [False, True], ids=["in process", "served"])
def test_a_command_runs(colour: str, key: str | None, *, served: bool) -> None:
    """In the process on a virtual clock, and over HTTP and WebSockets, with a KMS key and without."""
    world = SimulatorServer(speed=SPEED) if served else None
    simulator = world.simulator if world is not None else Simulator()
    simulator.script_exec("./manage.py check", ExecScript("2 issues.\n", exit_code=3))
    task = launched(simulator, key=key)
    try:
        result = execute(world or simulator, colour, task, "./manage.py check")
    finally:
        if world is not None:
            world.close()
    assert (result.exit_code, result.output) == (3, "2 issues.\n")
    assert [call.code for call in simulator.calls if call.operation == "TerminateSession"] == []
    assert [call.code for call in simulator.calls if call.operation == "GenerateDataKey"] == ([None] if key else [])


def _received(simulator: Simulator) -> ExecDialog:
    """Let time pass until the client has received all output: the agent waits for no more than two seconds."""
    (session,) = simulator._account.exec.sessions.values()
    while len(session.agent._stream):
        yield 0.1
    return 0


def test_ten_megabytes_over_loopback(colour: str) -> None:
    """All messages are acknowledged, in less than 5 s of CPU for client and server together."""
    lines = [f"{each:06d}{'.' * 1015}\n" for each in range(10_240)]
    with SimulatorServer(speed=SPEED) as server:
        simulator = server.simulator

        def dialog(_: object) -> ExecDialog:
            for start in range(0, len(lines), 60):
                yield "".join(lines[start : start + 60])
                yield 0.1  # seconds: 600 messages in each
            yield from _received(simulator)
            return 0

        simulator.script_exec("cat content", ExecScript.running(dialog))
        task = launched(simulator)
        before = time.process_time()
        result = execute(server, colour, task, "cat content")
        used = time.process_time() - before
    assert (result.kind, result.exit_code, result.output == "".join(lines)) == ("EXITED", 0, True)
    assert used < 5


def test_cuts_over_websockets_are_resumed(colour: str) -> None:
    """Nothing is lost and nothing repeated, in both directions."""
    lines = [f"line {each}\n" for each in range(24)]
    with SimulatorServer(speed=SPEED) as server:
        simulator = server.simulator
        simulator.disturb_exec(cut_at=[2.0, 4.0])

        def dialog(_: object) -> ExecDialog:
            for line in lines:
                yield line
                yield 0.25
            yield from _received(simulator)
            return 3

        simulator.script_exec("watch", ExecScript.running(dialog))
        result = execute(server, colour, launched(simulator), "watch")
    assert (result.kind, result.exit_code, result.reason) == ("EXITED", 3, None)
    assert result.output == "".join(lines)
    resumed = [call.code for call in simulator.calls if call.operation == "ResumeSession"]
    assert {None} == set(resumed)


def test_a_refused_key(colour: str) -> None:
    """A fault refuses it as any request."""
    simulator = Simulator()
    simulator.script_exec("date", "now\n")
    simulator.fail("GenerateDataKey", Fault.access_denied())
    with pytest.raises(Exception, match="GenerateDataKey"):
        execute(simulator, colour, launched(simulator, key=KEY), "date")


def test_a_real_shell(tmp_path: Path, colour: str) -> None:
    """With a program of the test in the terminal, the wrapper of `execute` runs on a real shell."""
    simulator = Simulator(now=ScaledClock(speed=SPEED))
    path = bin_folder(tmp_path / "bin", "dash")
    simulator.script_exec("*", ExecScript.in_terminal(lambda words, _: RealTerminal.start(words, path)))
    task = launched(simulator)
    result = execute(simulator, colour, task, 'echo $((6 * 7)); read line; echo "$line"; exit 3', input=b"x y\n")
    assert (result.exit_code, result.output) == (3, "42\nx y\n")


def test_no_time_passes_for_an_open_session_alone() -> None:
    """Nor while the client observes events. Otherwise a virtual clock would move to the end of the idle session."""
    simulator = Simulator()
    task = launched(simulator)
    with simulator.client() as client, client.observing(simulator.event_source()):
        with client.tasks.open_session(task, "sh") as session:
            assert session.read(timeout=5) == b"# "
            before = simulator.clock.now()
            time.sleep(0.05)
            assert simulator.clock.now() == before < 5
            session.send(b"exit 4\n")
            assert session.read(timeout=5)
        assert simulator.clock.now() < 10


def test_an_unscripted_command_names_the_call_that_is_missing() -> None:
    """The error of the client has the call."""
    simulator = Simulator()
    with pytest.raises(ServiceError, match=r"call simulator.script_exec\('make -j', 'what it writes'\) before"):
        execute(simulator, "sync", launched(simulator), ["make", "-j"])


def test_clients_of_boto3_get_sessions() -> None:
    """Attached clients of ECS, Systems Manager and KMS are answered."""
    simulator = Simulator()
    task = launched(simulator, key=KEY)
    simulator.clock.advance(30)
    session: Any = boto3.Session("x", "x", region_name="us-east-1")
    ecs, ssm, kms = (session.client(name) for name in ("ecs", "ssm", "kms"))
    for client in (ecs, ssm, kms):
        attach(client, simulator)
    opened = ecs.execute_command(cluster="exec", task=task, command="sh", interactive=True)["session"]
    resumed = ssm.resume_session(SessionId=opened["sessionId"])
    assert (resumed["StreamUrl"], resumed["TokenValue"] != opened["tokenValue"]) == (opened["streamUrl"], True)
    key = kms.generate_data_key(KeyId=KEY, NumberOfBytes=64, EncryptionContext={"a": "b"})
    assert (len(key["Plaintext"]), key["KeyId"]) == (64, KEY)
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.generate_data_key(KeyId="other", NumberOfBytes=64)
    assert ssm.terminate_session(SessionId=opened["sessionId"])["SessionId"] == opened["sessionId"]
    assert "TokenValue" not in ssm.resume_session(SessionId=opened["sessionId"])


def test_which_commands_ran(colour: str) -> None:
    """They are recorded as they were passed, with their input, also without a script of their own."""
    simulator = Simulator()
    simulator.script_exec("*", ExecScript.echoing())
    task = launched(simulator)
    for command, given in ((["cat", "a b"], b"x\n"), ("cat && true", None)):
        execute(simulator, colour, task, command, input=given)
    ran = simulator.exec_commands
    assert [(each.command, each.input) for each in ran] == [("cat 'a b'", b"x\n"), ("cat && true", b"")]
    assert {(each.task, each.container) for each in ran} == {(task, "app")}
    assert "input" not in repr(ran)


@pytest.mark.parametrize(
    ("fault", "text", "served"),
    [
        (Fault.access_denied(), "answered HTTP 403 in place of a WebSocket", False),
        (Fault.access_denied(), "answered HTTP 403 in place of a WebSocket", True),
        (Fault.reset(), "the connection to the session could not be opened", False),
        (Fault.reset(), "the connection to the session could not be opened", True),
    ],
)
def test_a_stream_that_cannot_be_opened(colour: str, fault: Fault, text: str, *, served: bool) -> None:
    """A fault of `OpenDataChannel` refuses it, once. The session is terminated, and no command has started."""
    world = SimulatorServer(speed=SPEED) if served else None
    simulator = world.simulator if world is not None else Simulator()
    simulator.script_exec("date", "now\n")
    task = launched(simulator)
    simulator.fail("OpenDataChannel", fault)
    try:
        with pytest.raises(EcsError, match=text):
            execute(world or simulator, colour, task, "date")
        assert simulator._account.exec.live(simulator.time()) == []
        assert execute(world or simulator, colour, task, "date").output == "now\n"
    finally:
        if world is not None:
            world.close()


def test_what_is_no_script() -> None:
    """The error shows what it may be."""
    for wrong in (3, None, [3]):
        with pytest.raises(TypeError, match="script must be an ExecScript or the output, not "):
            Simulator().script_exec("date", wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="script must not be an empty sequence"):
        Simulator().script_exec("date", [])
