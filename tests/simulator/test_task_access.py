from __future__ import annotations

from typing import Any

import pytest

from .support import ARN, Wire, World

TWO = ({"name": "app", "image": "i"}, {"name": "side", "image": "i"})


def test_standalone_tasks_are_not_protected(world: World) -> None:
    """Only tasks of services can be protected: others and unknown tasks are failures."""
    world.register()
    arn = world.run_one()
    expected = [
        {"arn": arn, "reason": "TASK_NOT_VALID"},
        {"arn": f"{ARN}task/default/nope", "reason": "MISSING"},
    ]
    request: Wire = {"cluster": "default", "tasks": [arn, "nope"]}
    assert world.do("UpdateTaskProtection", **request, protectionEnabled=True)["failures"] == expected
    assert world.do("GetTaskProtection", **request)["failures"] == expected


@pytest.mark.parametrize(
    "members", [{"tasks": ["x"] * 11}, {"tasks": []}, {"expiresInMinutes": 0}, {"expiresInMinutes": 2881}]
)
def test_protection_limits(world: World, members: Wire) -> None:
    """A call protects 1 to 10 tasks for 1 to 2880 minutes."""
    request: Wire = {"cluster": "default", "tasks": ["x"], "protectionEnabled": True, **members}
    assert world.refusal("UpdateTaskProtection", **request).code == "InvalidParameterException"


def execute(world: World, **members: Any) -> Wire:
    return world.do("ExecuteCommand", command="sh", interactive=True, **members)


def test_a_command_gets_a_session(world: World) -> None:
    """A running task with ECS Exec answers with a session in the named container."""
    world.register("web", *TWO)
    arn = world.run_one(enableExecuteCommand=True)
    world.pass_(30)
    answer = execute(world, task=arn, container="side")
    assert (answer["containerName"], answer["taskArn"]) == ("side", arn)
    assert answer["session"]["sessionId"].startswith("ecs-execute-command-")


def test_a_command_needs_a_running_agent(world: World) -> None:
    """Before the agent runs, its target is not connected; once the task stops, it is refused."""
    world.register()
    arn = world.run_one(enableExecuteCommand=True)
    refused = {"command": "sh", "interactive": True, "task": arn}
    assert world.refusal("ExecuteCommand", **refused).code == "TargetNotConnectedException"
    world.pass_(30)
    agent = world.task(arn)["containers"][0]["managedAgents"][0]
    assert (agent["name"], agent["lastStatus"]) == ("ExecuteCommandAgent", "RUNNING")
    world.do("StopTask", task=arn)
    assert world.refusal("ExecuteCommand", **refused).code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"task": "nope"}, "not found"),
        ({"interactive": False}, "Interactive is the only mode"),
        ({"container": None}, "several containers"),
        ({"container": "nope"}, "no container named nope"),
    ],
)
def test_refused_commands(world: World, members: Wire, message: str) -> None:
    """A command needs a task, a container if there are several, and an interactive session."""
    world.register("web", *TWO)
    arn = world.run_one(enableExecuteCommand=True)
    world.pass_(30)
    request = {"command": "sh", "interactive": True, "task": arn, "container": "app", **members}
    refusal = world.refusal("ExecuteCommand", **{name: value for name, value in request.items() if value is not None})
    assert refusal.code == "InvalidParameterException"
    assert message in refusal.message


def test_a_command_needs_enabling(world: World) -> None:
    """A task that was launched without ECS Exec refuses commands."""
    world.register()
    arn = world.run_one()
    world.pass_(30)
    refusal = world.refusal("ExecuteCommand", command="sh", interactive=True, task=arn)
    assert "execute command was not enabled when the task was run" in refusal.message


def test_reports_of_the_agent_are_acknowledged(world: World) -> None:
    """The operations of the ECS agent are answered and change nothing."""
    world.register()
    arn = world.run_one()
    before = world.task(arn)
    for operation, members in (
        ("SubmitTaskStateChange", {"task": arn, "status": "STOPPED"}),
        ("SubmitContainerStateChange", {"task": arn, "containerName": "app", "exitCode": 1}),
        ("SubmitAttachmentStateChanges", {"attachments": [{"attachmentArn": "a", "status": "ATTACHED"}]}),
    ):
        assert world.do(operation, **members) == {"acknowledgment": "ACK"}
    assert world.do("DiscoverPollEndpoint")["endpoint"].startswith("https://")
    assert world.task(arn) == before
