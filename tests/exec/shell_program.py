"""A program that calls `shell` in its terminal, with real programs behind a simulated agent. Run by `test_shell.py`.

Its argument is the command. SIGUSR1 closes the client, from a thread.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from support.real_terminals import RealTerminal

from ecskit.errors import ClientClosedError
from ecskit.models import AwsVpcConfiguration, ContainerDefinition
from ecskit.testing import ExecScript, ScaledClock, Simulator, TaskScript

simulator = Simulator(now=ScaledClock(speed=10.0))  # a clean-up may take 10 s of it
simulator.script("web", TaskScript(time_to_start=0))
simulator.script_exec("*", ExecScript.in_terminal(lambda words, _: RealTerminal.start(words, os.environ["PATH"])))
with simulator.client() as ecs:
    ecs.register_task_definition(
        family="web",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        task_role_arn="arn:aws:iam::123456789012:role/web",
        container_definitions=[ContainerDefinition(name="app", image="registry.example.com/web:1")],
    )
    network = AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"])
    task = ecs.tasks.run("web", launch_type="FARGATE", network=network, enable_execute_command=True).tasks[0]
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=ecs.close).start())
    try:
        print("the exit code is", ecs.tasks.shell(task, sys.argv[1]))
    except ClientClosedError as error:
        print("closed:", error)
    finally:
        print("requests:", *[call.operation for call in simulator.calls][-1:])
        print("threads:", [thread.name for thread in threading.enumerate() if "ecskit" in thread.name])
