"""ECS Exec over real WebSockets and TLS, through a proxy: a command, a session, and what is left of them."""

from __future__ import annotations

import subprocess
import sys
from random import Random
from typing import Any

from botocore.config import Config
from support import definitions
from support.connect_proxy import connect_proxy
from support.definitions import NETWORK

from ecskit.testing import ExecScript, Simulator, SimulatorServer, TaskScript

from .support import Authority, Linked

LAUNCH: dict[str, Any] = {"launchType": "FARGATE", "networkConfiguration": NETWORK, "enableExecuteCommand": True}


def launched(simulator: Simulator) -> str:
    """Launch a task that runs at once, and return its ARN."""
    simulator.script("web", TaskScript(time_to_start=0))
    definitions.register(simulator, "web", {"name": "app", "image": "i"})
    (task,) = simulator.handle("RunTask", {"taskDefinition": "web", **LAUNCH})["tasks"]
    arn: str = task["taskArn"]
    return arn


def test_a_command_and_a_session_through_a_proxy(linked: Linked, authority: Authority) -> None:
    """Its output is whole, its exit code right, and the session that is closed is terminated."""
    lines = "".join(f"line {number}\n" for number in range(20_000))
    with SimulatorServer(speed=20, ssl_context=authority.server()) as server, connect_proxy() as proxy:
        simulator = server.simulator
        simulator.script_exec("./manage.py check", ExecScript(lines, exit_code=3))
        simulator.script_exec("*", ExecScript.echoing())
        task = launched(simulator)
        config = Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"})
        client = linked.client(
            endpoint_url=server.url, region_name="us-east-1", config=config, verify=str(authority.bundle)
        )._with_runtime(simulator._client_clock, Random(0))
        result = linked.run(client.tasks.execute(task, "./manage.py check", max_output=1 << 20))
        assert (result.kind, result.exit_code, result.output) == ("EXITED", 3, lines)
        session = linked.run(_opened(client, task))
        linked.run(session.send(b"hello\n"))
        assert b"hello" in linked.run(session.read())
        linked.run(session.close())
        linked.check_nothing_is_left()
        assert [call.code for call in simulator.calls if call.operation == "TerminateSession"] == [None]
        assert len(proxy.requests) == 2
        linked.close_clients()


PROGRAM = """
import ecskit, sys
ecs = ecskit.Client(endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
session = ecs.tasks.open_session(sys.argv[2], "cat")
sys.exit(3)
"""


def test_a_program_that_closes_nothing_ends_its_sessions() -> None:
    """Otherwise they would hold their places in the container for 20 minutes."""
    with SimulatorServer(speed=20) as server:
        simulator = server.simulator
        simulator.script_exec("*", ExecScript.echoing())
        program = [sys.executable, "-c", PROGRAM, server.url, launched(simulator)]
        ran = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
        assert (ran.returncode, ran.stderr) == (3, "")
        assert [call.code for call in simulator.calls if call.operation == "TerminateSession"] == [None]


def _opened(client: Any, task: str) -> Any:
    opening = client.tasks.open_session(task, "cat")
    if not hasattr(opening, "__await__"):
        return opening

    async def run() -> Any:
        return await opening

    return run()
