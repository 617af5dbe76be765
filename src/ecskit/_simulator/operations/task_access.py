"""Task protection and ECS Exec. Only tasks of services can be protected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid
from ecskit._simulator.exec.requests import execute_command
from ecskit._simulator.limits import check_count
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster, Task

_PROTECTION_MINUTES = 120
_MAX_PROTECTION_MINUTES = 2880


def _get_protection(account: Account, request: Wire) -> Wire:
    check_count("tasks", request.get("tasks", []), least=0, most=100)
    cluster = account.cluster(request["cluster"])
    all_arns = [arn for service in account.services_of(cluster) for arn in service.live_tasks]
    tasks, failures = _protectable(account, cluster, request.get("tasks") or all_arns)
    return {"protectedTasks": [_show_protection(account, task) for task in tasks], "failures": failures}


def _update_protection(account: Account, request: Wire) -> Wire:
    check_count("tasks", request["tasks"], most=10)
    minutes = request.get("expiresInMinutes", _PROTECTION_MINUTES)
    if not 1 <= minutes <= _MAX_PROTECTION_MINUTES:
        raise invalid(f"expiresInMinutes must be between 1 and {_MAX_PROTECTION_MINUTES}, not {minutes}.")
    tasks, failures = _protectable(account, account.cluster(request["cluster"]), request["tasks"])
    for task in tasks:
        if request["protectionEnabled"]:
            account.protected[task.arn] = account.now + 60.0 * minutes
        else:
            account.protected.pop(task.arn, None)
            account.wake_service_of(task)
    return {"protectedTasks": [_show_protection(account, task) for task in tasks], "failures": failures}


def _protectable(account: Account, cluster: Cluster, references: list[str]) -> tuple[list[Task], list[Wire]]:
    """Return the requested tasks that belong to services, and failures for the others."""
    tasks: list[Task] = []
    failures: list[Wire] = []
    service_tasks = {arn for service in account.services_of(cluster) for arn in service.live_tasks}
    for reference in dict.fromkeys(references):
        task = account.find_task(cluster, reference)
        if task is None:
            failures.append({"arn": account.arns.in_cluster("task", reference, cluster.name), "reason": "MISSING"})
        elif task.arn not in service_tasks:
            failures.append({"arn": task.arn, "reason": "TASK_NOT_VALID"})
        else:
            tasks.append(task)
    return tasks, failures


def _show_protection(account: Account, task: Task) -> Wire:
    until = account.protected.get(task.arn, account.now)
    if until <= account.now:
        return {"taskArn": task.arn, "protectionEnabled": False}
    return {"taskArn": task.arn, "protectionEnabled": True, "expirationDate": timestamp(until)}


OPERATIONS = {
    "GetTaskProtection": _get_protection,
    "UpdateTaskProtection": _update_protection,
    "ExecuteCommand": execute_command,
}
