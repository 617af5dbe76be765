"""Services as responses hold them, written in a word.

A state is parts with `+` between them: the status (A is ACTIVE, D DRAINING, I INACTIVE), then the deployments, the
PRIMARY one first: `2=C` is ecs-svc/2 that is COMPLETED (I is IN_PROGRESS, F FAILED, `-` without a rollout state), which
was created at 200. `t1=P.S` is a task set that is PRIMARY (A, D) and in STEADY_STATE (U is STABILIZING). `r1`, `p1` and
`d1` are counts, 2 tasks running and desired otherwise. `u250` is when the PRIMARY deployment was updated, `e250` an
event of that time. `sparse` leaves out the times of updates, `bare` all times of deployments.
"""

from __future__ import annotations

from ecskit._core.structuring import structure_hook
from ecskit.models import Service

from .other_support import HOME, Family, Wire

STATUSES = {"A": "ACTIVE", "D": "DRAINING", "I": "INACTIVE"}
ROLLOUTS = {"C": "COMPLETED", "I": "IN_PROGRESS", "F": "FAILED"}
SETS = {"P": "PRIMARY", "A": "ACTIVE", "D": "DRAINING"}
COUNTS = {"r": "runningCount", "p": "pendingCount", "d": "desiredCount"}


def _deployment(number: str, state: str, status: str) -> Wire:
    created = int(number) * 100
    wire: Wire = {"id": f"ecs-svc/{number}", "status": status, "createdAt": created, "updatedAt": created}
    if state in ROLLOUTS:
        wire |= {"rolloutState": ROLLOUTS[state], "rolloutStateReason": f"because of {number}"}
    return wire


def _task_set(number: str, state: str) -> Wire:
    status, _, steady = state.partition(".")
    wire = {"id": f"ecs-svc/{number}", "taskSetArn": f"{HOME}task-set/prod/a/ecs-svc/{number}", "status": SETS[status]}
    steady, wanted = ("STEADY_STATE" if steady[0] == "S" else "STABILIZING"), int(steady[1:] or 2)
    return {**wire, "stabilityStatus": steady, "computedDesiredCount": wanted, "runningCount": 2, "pendingCount": 0}


def _service(id_: str, status: str, *parts: str) -> Wire:
    deployments: list[Wire] = []
    task_sets: list[Wire] = []
    wire: Wire = {
        "serviceArn": f"{HOME}service/prod/{id_}",
        "serviceName": id_,
        "clusterArn": f"{HOME}cluster/prod",
        "status": STATUSES.get(status, status),
        "deploymentController": {"type": "EXTERNAL" if any(part[0] == "t" for part in parts) else "ECS"},
        "desiredCount": 2,
        "runningCount": 2,
        "createdAt": 10,
        "events": [],
    }
    for part in parts:
        name, _, value = part.partition("=")
        if name == "born":
            wire["createdAt"] = int(value)
        elif name == "by":
            wire["deploymentController"] = {"type": value}
        elif name[0] == "t":
            task_sets.append(_task_set(name[1:], value))
        elif value:
            status = "ACTIVE" if deployments else "PRIMARY"
            deployments.append(_deployment(name, value, status))
        elif name == "inactive":
            deployments[-1]["status"] = "INACTIVE"
        elif name == "back":
            deployments[0]["rolloutStateReason"] = "circuit breaker: rolling back to deployment ecs-svc/1."
        elif name[0] in COUNTS:
            wire[COUNTS[name[0]]] = int(name[1:])
        elif name[0] == "u":
            deployments[0]["updatedAt"] = int(name[1:])
        elif name[0] == "e":
            message = f"(service {id_}) deployment failed: tasks failed to start."
            wire["events"] = [{"id": "e", "createdAt": int(name[1:]), "message": message}]
    if "sparse" in parts or "bare" in parts:
        for each in deployments:
            del each["updatedAt"]
            if "bare" in parts:
                del each["createdAt"]
    return wire | ({"taskSets": task_sets} if task_sets else {"deployments": deployments})


SERVICES = Family("DescribeServices", "services", "services", _service)


def model(word: str, id_: str = "a") -> Service:
    """Return a service as the caller passes it."""
    service: Service = structure_hook(Service)(_service(id_, *word.split("+")), Service)
    return service
