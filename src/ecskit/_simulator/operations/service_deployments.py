"""Service deployments and revisions: describe, list, stop, continue.

Decides what readers see and when a deployment can still be stopped. Its course is decided in `services.rollouts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count
from ecskit._simulator.managed import checked_arn
from ecskit._simulator.operations.services import seen
from ecskit._simulator.pages import paginate
from ecskit._simulator.scheduler import rollouts, schedule
from ecskit._simulator.scheduler.rules import service_not_found
from ecskit._simulator.scheduler.showing import show_brief, show_revision

if TYPE_CHECKING:
    from ecskit._simulator.records.services import Rollout, Service
    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World

KIND = "service-deployment"
REVISION = "service-revision"

_PER_CALL = 20
_HISTORY = 90 * 24 * 3600.0


def _describe(world: World, request: Wire) -> Wire:
    check_count("serviceDeploymentArns", request["serviceDeploymentArns"], most=_PER_CALL)
    at = world.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for arn in dict.fromkeys(request["serviceDeploymentArns"]):
        pair = _find(world, checked_arn(world, KIND, arn))
        shown = None if pair is None else _seen(world, pair[1], at)
        if shown is None:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(shown)
    return {"serviceDeployments": found, "failures": failures}


def _find(world: World, arn: str) -> tuple[Service, Rollout] | None:
    for service in world.services.values():
        for rollout in service.rollouts:
            if rollout.arn == arn and rollout.created_at + _HISTORY > world.now:
                return service, rollout
    return None


def _seen(world: World, rollout: Rollout, at: float) -> Wire | None:
    return rollout.shown.at(at) if rollout.created_at + world.lag.visible_after <= at else None


def _list(world: World, request: Wire) -> Wire:
    reference = request["service"]
    inside = request.get("cluster")
    if reference.startswith("arn:") and inside is None:
        inside = world.arns.name("service", reference).split("/")[0]
    cluster = world.cluster(inside)
    service = world.find_service(cluster, reference)
    at = world.read_moment()
    if service is None or seen(world, service, at) is None:
        raise service_not_found()
    created: Wire = request.get("createdAt", {})
    after, before = created.get("after", 0), created.get("before", float("inf"))
    if after > before:
        raise invalid("createdAt.after must not be later than createdAt.before.")
    rows: list[tuple[int, Wire]] = []
    for index, rollout in enumerate(service.rollouts):
        shown = _seen(world, rollout, at)
        if shown is None or rollout.created_at + _HISTORY <= world.now:
            continue
        if after <= shown["createdAt"] <= before and shown["status"] in (request.get("status") or [shown["status"]]):
            rows.append((index, show_brief(shown)))
    page, more = paginate("ListServiceDeployments", request, rows, default=20, descending=True)
    return {"serviceDeployments": page, **more}


def _describe_revisions(world: World, request: Wire) -> Wire:
    check_count("serviceRevisionArns", request["serviceRevisionArns"], most=_PER_CALL)
    at = world.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for arn in dict.fromkeys(request["serviceRevisionArns"]):
        checked_arn(world, REVISION, arn)
        for service in world.services.values():
            revision = service.revisions.get(arn)
            if revision is not None and revision.created_at + world.lag.visible_after <= at:
                found.append(show_revision(world, service, revision))
                break
        else:
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"serviceRevisions": found, "failures": failures}


def _present(world: World, request: Wire) -> tuple[Service, Rollout]:
    pair = _find(world, checked_arn(world, KIND, request["serviceDeploymentArn"]))
    if pair is None:
        raise SimulatedError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    return pair


def _stop(world: World, request: Wire) -> Wire:
    service, rollout = _present(world, request)
    if rollout.is_over:
        raise SimulatedError("ConflictException", f"The service deployment is {rollout.status}: it cannot be stopped.")
    if rollout.status in ("PENDING", "IN_PROGRESS"):
        if request.get("stopType", "ROLLBACK") == "ABORT":
            rollouts.abort(world, service, rollout, "The deployment was stopped by a request.")
        elif rollout.source is None:
            raise invalid("The service has no deployment that completed, so there is nothing to roll back to.")
        else:
            rollouts.roll_back(world, service, rollout, "A rollback was requested.")
        schedule.look(world, service)
    return {"serviceDeploymentArn": rollout.arn}


def _continue(world: World, request: Wire) -> Wire:
    service, rollout = _present(world, request)
    hook = next((each for each in rollout.hooks if each.id == request["hookId"]), None)
    if hook is None or hook.status != "AWAITING_ACTION" or rollout.is_over:
        raise invalid(f"The service deployment does not wait for an answer to the hook {request['hookId']}.")
    hook.status = "SUCCEEDED"
    rollout.updated_at = world.now
    if request.get("action", "CONTINUE") == "ROLLBACK":
        hook.status = "FAILED"
        rollouts.fail(world, service, rollout, "A lifecycle hook was answered with ROLLBACK.", rollback=True)
    schedule.look(world, service)
    return {"serviceDeploymentArn": rollout.arn}


OPERATIONS = {
    "DescribeServiceDeployments": _describe,
    "ListServiceDeployments": _list,
    "DescribeServiceRevisions": _describe_revisions,
    "StopServiceDeployment": _stop,
    "ContinueServiceDeployment": _continue,
}
