"""Service deployments and revisions: describe, list, stop, continue.

`scheduler.rollouts` has the statuses of a deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count
from ecskit._simulator.operations.services import visible_service
from ecskit._simulator.pagination import paginate
from ecskit._simulator.resource_access import checked_arn
from ecskit._simulator.scheduler import loop, rollouts
from ecskit._simulator.scheduler.descriptions import show_revision, show_summary
from ecskit._simulator.scheduler.service_rules import service_not_found

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Rollout, Service
    from ecskit._simulator.wire import Wire

RESOURCE_TYPE = "service-deployment"
REVISION = "service-revision"

_PER_CALL = 20
_HISTORY = 90 * 24 * 3600.0


def _describe(account: Account, request: Wire) -> Wire:
    check_count("serviceDeploymentArns", request["serviceDeploymentArns"], most=_PER_CALL)
    at = account.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for arn in dict.fromkeys(request["serviceDeploymentArns"]):
        pair = _find(account, checked_arn(account, RESOURCE_TYPE, arn))
        shown = None if pair is None else _seen(account, pair[1], at)
        if shown is None:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(shown)
    return {"serviceDeployments": found, "failures": failures}


def _find(account: Account, arn: str) -> tuple[Service, Rollout] | None:
    for service in account.services.values():
        for rollout in service.rollouts:
            if rollout.arn == arn and rollout.created_at + _HISTORY > account.now:
                return service, rollout
    return None


def _seen(account: Account, rollout: Rollout, at: float) -> Wire | None:
    return rollout.shown.at(at) if rollout.created_at + account.lag.visible_after <= at else None


def _list(account: Account, request: Wire) -> Wire:
    reference = request["service"]
    inside = request.get("cluster")
    if reference.startswith("arn:") and inside is None:
        inside = account.arns.name("service", reference).split("/")[0]
    cluster = account.cluster(inside)
    service = account.find_service(cluster, reference)
    at = account.read_moment()
    if service is None or visible_service(account, service, at) is None:
        raise service_not_found()
    created: Wire = request.get("createdAt", {})
    after, before = created.get("after", 0), created.get("before", float("inf"))
    if after > before:
        raise invalid("createdAt.after must not be later than createdAt.before.")
    rows: list[tuple[int, Wire]] = []
    for index, rollout in enumerate(service.rollouts):
        shown = _seen(account, rollout, at)
        if shown is None or rollout.created_at + _HISTORY <= account.now:
            continue
        if after <= shown["createdAt"] <= before and shown["status"] in (request.get("status") or [shown["status"]]):
            rows.append((index, show_summary(shown)))
    page, more = paginate("ListServiceDeployments", request, rows, default=20, descending=True)
    return {"serviceDeployments": page, **more}


def _describe_revisions(account: Account, request: Wire) -> Wire:
    check_count("serviceRevisionArns", request["serviceRevisionArns"], most=_PER_CALL)
    at = account.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for arn in dict.fromkeys(request["serviceRevisionArns"]):
        checked_arn(account, REVISION, arn)
        for service in account.services.values():
            revision = service.revisions.get(arn)
            if revision is not None and revision.created_at + account.lag.visible_after <= at:
                found.append(show_revision(account, service, revision))
                break
        else:
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"serviceRevisions": found, "failures": failures}


def _present(account: Account, request: Wire) -> tuple[Service, Rollout]:
    pair = _find(account, checked_arn(account, RESOURCE_TYPE, request["serviceDeploymentArn"]))
    if pair is None:
        raise SimulatedError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    return pair


def _stop(account: Account, request: Wire) -> Wire:
    service, rollout = _present(account, request)
    if rollout.is_over:
        raise SimulatedError("ConflictException", f"The service deployment is {rollout.status}: it cannot be stopped.")
    if rollout.status in ("PENDING", "IN_PROGRESS"):
        if request.get("stopType", "ROLLBACK") == "ABORT":
            rollouts.abort(account, service, rollout, "The deployment was stopped by a request.")
        elif rollout.source is None:
            raise invalid("The service has no deployment that completed, so there is nothing to roll back to.")
        else:
            rollouts.roll_back(account, service, rollout, "A rollback was requested.")
        loop.run_service(account, service)
    return {"serviceDeploymentArn": rollout.arn}


def _continue(account: Account, request: Wire) -> Wire:
    service, rollout = _present(account, request)
    hook = next((each for each in rollout.hooks if each.id == request["hookId"]), None)
    if hook is None or hook.status != "AWAITING_ACTION" or rollout.is_over:
        raise invalid(f"The service deployment does not wait for an answer to the hook {request['hookId']}.")
    hook.status = "SUCCEEDED"
    rollout.updated_at = account.now
    if request.get("action", "CONTINUE") == "ROLLBACK":
        hook.status = "FAILED"
        rollouts.fail(account, service, rollout, "A lifecycle hook was answered with ROLLBACK.", rollback=True)
    loop.run_service(account, service)
    return {"serviceDeploymentArn": rollout.arn}


OPERATIONS = {
    "DescribeServiceDeployments": _describe,
    "ListServiceDeployments": _list,
    "DescribeServiceRevisions": _describe_revisions,
    "StopServiceDeployment": _stop,
    "ContinueServiceDeployment": _continue,
}
