"""What can be done with a task while it runs: protect it from scaling in, execute a command in it.

Decides preconditions. Protection is for tasks of services, and there are none yet: every task is refused. A session of
ECS Exec is announced, but nothing listens at its address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit.testing.errors import SimulatedError, invalid
from ecskit.testing.limits import check_count
from ecskit.testing.task_life import snapshot

if TYPE_CHECKING:
    from ecskit.testing.wire import Wire
    from ecskit.testing.world import World

_MAX_PROTECTION_MINUTES = 2880


def _get_protection(world: World, request: Wire) -> Wire:
    check_count("tasks", request.get("tasks", []), least=0, most=100)
    return _refuse_protection(world, request)


def _update_protection(world: World, request: Wire) -> Wire:
    check_count("tasks", request["tasks"], most=10)
    minutes = request.get("expiresInMinutes", 1)
    if not 1 <= minutes <= _MAX_PROTECTION_MINUTES:
        raise invalid(f"expiresInMinutes must be between 1 and {_MAX_PROTECTION_MINUTES}, not {minutes}.")
    return _refuse_protection(world, request)


def _refuse_protection(world: World, request: Wire) -> Wire:
    cluster = world.cluster(request["cluster"])
    failures: list[Wire] = []
    for reference in dict.fromkeys(request.get("tasks", [])):
        arn = world.arns.in_cluster("task", reference, cluster.name)
        known = world.find_task(cluster, reference) is not None
        failures.append({"arn": arn, "reason": "TASK_NOT_VALID" if known else "MISSING"})
    return {"protectedTasks": [], "failures": failures}


def _execute(world: World, request: Wire) -> Wire:
    cluster = world.cluster(request.get("cluster"))
    if not request["interactive"]:
        raise invalid("ECS Exec runs interactive commands only.")
    task = world.find_task(cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    state = snapshot(task.steps, world.now)
    if not task.plan.has_exec_agent:
        raise invalid("The task was launched without enableExecuteCommand.")
    if state.task["desiredStatus"] == "STOPPED":
        raise invalid("The task is stopping or stopped.")
    names = [container["name"] for container in task.containers]
    if "container" not in request and len(names) > 1:
        raise invalid("The task has several containers: name one.")
    name = request.get("container", names[0])
    if name not in names:
        raise invalid(f"The task has no container named {name}.")
    if state.containers[name]["managedAgents"][0]["lastStatus"] != "RUNNING":
        raise SimulatedError("TargetNotConnectedException", "The agent of ECS Exec does not run in the container.")
    session = f"ecs-execute-command-{world.hex(17)}"
    container = next(each for each in task.containers if each["name"] == name)
    return {
        "clusterArn": cluster.arn,
        "containerArn": container["containerArn"],
        "containerName": name,
        "interactive": True,
        "session": {
            "sessionId": session,
            "streamUrl": f"wss://ssmmessages.{world.arns.region}.amazonaws.com/v1/data-channel/{session}?role=publish",
            "tokenValue": world.hex(64),
        },
        "taskArn": task.arn,
    }


OPERATIONS = {
    "GetTaskProtection": _get_protection,
    "UpdateTaskProtection": _update_protection,
    "ExecuteCommand": _execute,
}
