"""Tasks: describe, list, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count, check_length
from ecskit._simulator.pagination import paginate
from ecskit._simulator.task_lifecycle import latest, stopped_lifecycle

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Encoded, Wire

_STOPPED_BY_USER = "Task stopped by user"
# Seen: https://github.com/aws/aws-sdk-go-v2/issues/1893 (`startedBy` with `family` or `launchType`; the API reference
# calls it the only filter), https://github.com/boto/boto3/issues/874 (`serviceName` with `containerInstance`), and
# https://github.com/fujiwara/ecsta/pull/119 (`serviceName` with `family`).
_NOT_COMBINED = {
    "startedBy": ("family", "launchType", "serviceName", "containerInstance"),
    "serviceName": ("family", "containerInstance"),
}
"""Filters of ListTasks that ECS refuses together."""


def _describe(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    check_count("tasks", request["tasks"], most=100)
    at = account.read_moment()
    tags = "TAGS" in request.get("include", [])
    shown: list[Encoded] = []
    failures: list[Wire] = []
    for reference in dict.fromkeys(request["tasks"]):
        task = account.find_task(cluster, reference)
        if task is not None and account.is_visible(task, at):
            shown.append(task.encoded(at, tags=tags))
        else:
            arn = account.arns.in_cluster("task", reference, cluster.name)
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"tasks": shown, "failures": failures}


def _list(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    for one, others in _NOT_COMBINED.items():
        if one in request and any(other in request for other in others):
            raise invalid(f"cannot specify {one} with other arguments")
    service = None
    if "serviceName" in request:
        service = account.find_service(cluster, request["serviceName"])
        if service is None:
            raise SimulatedError("ServiceNotFoundException", "Service not found.")
    instance_arn = None
    if "containerInstance" in request:
        instance = account.find_container_instance(cluster, request["containerInstance"])
        if instance is None:
            raise invalid("The specified container instance was not found.")
        instance_arn = instance.arn
    at = account.read_moment()
    wanted = request.get("desiredStatus", "RUNNING")
    rows = [
        (task.ordinal, task.arn)
        for task in account.tasks_of(cluster)
        if account.is_visible(task, at)
        and latest(task.steps, at, "desiredStatus") == wanted
        and request.get("family", task.family) == task.family
        and request.get("startedBy", task.body.get("startedBy")) == task.body.get("startedBy")
        and request.get("launchType", task.body["launchType"]) == task.body["launchType"]
        and instance_arn in (None, task.instance_arn)
        and "daemonName" not in request
        and (
            service is None
            or (task.body["group"] == f"service:{service.name}" and task.created_at >= service.created_at)
        )
    ]
    page, more = paginate("ListTasks", request, rows)
    return {"taskArns": page, **more}


def _stop(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    check_length("reason", request.get("reason"), 1024)
    task = account.find_task(cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    reason = request.get("reason", _STOPPED_BY_USER)
    steps = stopped_lifecycle(task.plan, task.steps, account.now, stop_code="UserInitiated", reason=reason)
    account.change_steps(task, steps)
    account.wake_service_of(task)
    return {"task": task.show(account.now)}


OPERATIONS = {"DescribeTasks": _describe, "ListTasks": _list, "StopTask": _stop}
