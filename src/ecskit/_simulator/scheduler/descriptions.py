"""Describe services, deployments, revisions and task sets as answers show them, and record it for stale reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.fargate import resolved_version
from ecskit._simulator.images import digest
from ecskit._simulator.scheduler.live_tasks import live_tasks_of, of_deployment
from ecskit._simulator.scheduler.rollouts import has_circuit_breaker, threshold
from ecskit._simulator.scheduler.shown_counts import record_counts, shown_desired_count, shown_task_counts
from ecskit._simulator.scheduler.stages import current
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.service_tasks import ServiceTask
    from ecskit._simulator.records.services import Deployment, Revision, Rollout, Service, TaskSet

_DEPLOYED = (
    "taskDefinition",
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "vpcLatticeConfigurations",
)
_REVISED = (*_DEPLOYED, "loadBalancers", "serviceRegistries", "gatewayConnectors", "monitoring")
_SERVED = (
    "taskDefinition",
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "enableExecuteCommand",
)
_OWN = frozenset({"role", "deploymentConfiguration"})
# The deployment configuration of services whose deployments another controller makes (recorded 2024).
_PERCENTAGES = ("maximumPercent", "minimumHealthyPercent")


def record_descriptions(account: Account, service: Service) -> None:
    """Record how reads show a service and its parts from now on."""
    tasks = live_tasks_of(account, service)
    record_counts(account, service, tasks)
    kept = account.now - account.lag.stale_by - account.lag.visible_after
    service.shown.put(account.now, show_service(account, service, tasks))
    service.shown.forget(kept)
    for rollout in service.rollouts:
        if rollout.updated_at == account.now or not rollout.is_over:
            rollout.shown.put(account.now, show_rollout(account, service, rollout, tasks))
            rollout.shown.forget(kept)
    for task_set in service.task_sets:
        task_set.shown.put(account.now, show_task_set(account, service, task_set))
        task_set.shown.forget(kept)


def show_service(account: Account, service: Service, tasks: Sequence[ServiceTask]) -> Wire:
    """Return a service as it is now, without its tags."""
    running, pending = shown_task_counts(account, service)
    rolls = service.controller == "ECS"
    body: Wire = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster.arn,
        "status": service.status,
        "deploymentConfiguration": _configuration(service),
        "deploymentController": {"type": service.controller},
        "resourceManagementType": "CUSTOMER",
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "schedulingStrategy": service.scheduling,
        "createdAt": timestamp(service.created_at),
        "createdBy": account.arns.iam("user/simulator"),
        "events": list(service.events),
        "loadBalancers": [],
        "serviceRegistries": [],
        **{name: value for name, value in service.settings.items() if name not in _OWN},
        **(_picked(service.config, _SERVED) if rolls else show_config(service.config, _SERVED)),
    }
    if body["loadBalancers"]:
        body.setdefault("healthCheckGracePeriodSeconds", 0)
    role = _role(account, service)
    if role is not None:
        body["roleArn"] = role
    if service.controller != "CODE_DEPLOY":
        body["deployments"] = [_show_deployment(account, service, each, tasks) for each in service.deployments]
    if not rolls:
        body["taskSets"] = [{**show_task_set(account, service, each), "tags": each.tags} for each in service.task_sets]
    if service.controller == "EXTERNAL":
        body["launchType"] = "EC2"  # its task sets have launch types of their own
    if service.rollouts:
        body["currentServiceDeployment"] = _current_rollout(account, service).arn
        occupied = [each for each in service.deployments if each is service.primary or of_deployment(tasks, each.id)]
        body["currentServiceRevisions"] = [_show_revision_counts(account, service, each, tasks) for each in occupied]
    return body


def _configuration(service: Service) -> Wire:
    """Return the deployment configuration that a service shows: percentages alone unless ECS makes the deployments."""
    own: Wire = service.settings["deploymentConfiguration"]
    if service.controller != "ECS":
        return _picked(own, _PERCENTAGES)
    # ECS chooses a bake time if there are alarms.
    return own if own.get("alarms", {}).get("enable") else {"bakeTimeInMinutes": 0, **own}


def _role(account: Account, service: Service) -> str | None:
    """Return the service's own role, else the service-linked role if the service needs one."""
    given: str | None = service.settings.get("role")
    if given is not None:
        return given if given.startswith("arn:") else account.arns.iam(f"role/{given}")
    needed = service.config.get("networkConfiguration") or service.config.get("loadBalancers")
    if not needed and service.controller != "EXTERNAL":
        return None
    return account.arns.iam("role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")


def _current_rollout(account: Account, service: Service) -> Rollout:
    """Return the service deployment that `currentServiceDeployment` names, which can lag."""
    named = [each for each in service.rollouts if each.created_at + account.lag.current_deployment_after <= account.now]
    return named[-1] if named else service.rollouts[0]


def _picked(source: Wire, names: Sequence[str]) -> Wire:
    return {name: source[name] for name in names if name in source}


def show_config(config: Wire, names: Sequence[str]) -> Wire:
    """Return the members of a revision as deployments and task sets show them: with a resolved platform version."""
    shown = _picked(config, names)
    if "platformVersion" in shown:
        shown["platformVersion"] = resolved_version(shown["platformVersion"], config["platformFamily"])
    return shown


def _show_deployment(account: Account, service: Service, deployment: Deployment, tasks: Sequence[ServiceTask]) -> Wire:
    running, pending = shown_task_counts(account, service, deployment.id)
    return {
        "id": deployment.id,
        "status": "PRIMARY" if deployment is service.primary else "ACTIVE",
        "desiredCount": shown_desired_count(account, service, deployment, tasks),
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": deployment.failed,
        "createdAt": timestamp(deployment.created_at),
        "updatedAt": timestamp(deployment.updated_at),
        "rolloutState": deployment.state,
        "rolloutStateReason": deployment.reason,
        **show_config(deployment.revision.config, _DEPLOYED),
    }


def _show_revision_counts(
    account: Account, service: Service, deployment: Deployment, tasks: Sequence[ServiceTask]
) -> Wire:
    running, pending = shown_task_counts(account, service, deployment.id)
    return {
        "arn": deployment.revision.arn,
        "requestedTaskCount": shown_desired_count(account, service, deployment, tasks),
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    }


def show_rollout(account: Account, service: Service, rollout: Rollout, tasks: Sequence[ServiceTask]) -> Wire:
    """Return a service deployment as it is now."""
    target = _show_revision_counts(account, service, rollout.deployment, tasks)
    source = None if rollout.source is None else _show_revision_counts(account, service, rollout.source, tasks)
    stage = current(rollout)
    if stage is not None:
        shifted = rollout.status == "SUCCESSFUL" or not rollout.hooks or all(hook.is_over for hook in rollout.hooks)
        traffic = (
            stage.traffic if shifted and stage.name != "PRE_PRODUCTION_TRAFFIC_SHIFT" else _traffic_before(rollout)
        )
        traffic = 0.0 if rollout.rollback is not None else traffic
        target |= {"requestedProductionTrafficWeight": float(traffic), "requestedTestTrafficWeight": float(stage.tests)}
        if source is not None:
            source |= {
                "requestedProductionTrafficWeight": 100.0 - traffic,
                "requestedTestTrafficWeight": 100.0 - stage.tests,
            }
    body: Wire = {
        "serviceDeploymentArn": rollout.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": timestamp(rollout.created_at),
        "updatedAt": timestamp(rollout.updated_at),
        "sourceServiceRevisions": [] if source is None else [source],
        "targetServiceRevision": target,
        "status": rollout.status,
        "deploymentConfiguration": rollout.configuration,
        "deploymentCircuitBreaker": _breaker(service, rollout),
        "alarms": _alarms(rollout),
    }
    for name, moment in (
        ("startedAt", rollout.started_at),
        ("finishedAt", rollout.finished_at),
        ("stoppedAt", rollout.stopped_at),
    ):
        if moment is not None:
            body[name] = timestamp(moment)
    if rollout.reason is not None:
        body["statusReason"] = rollout.reason
    if rollout.rollback is not None:
        body["rollback"] = rollout.rollback
    if stage is not None:
        body["lifecycleStage"] = stage.shown
        body["lifecycleHookDetails"] = [_hook(rollout, index) for index in range(len(rollout.hooks))]
    return body


def _traffic_before(rollout: Rollout) -> float:
    """Return the share of production traffic at the end of the stage before."""
    earlier = [each for each in rollout.stages[: rollout.stage] if each.name != "PRE_PRODUCTION_TRAFFIC_SHIFT"]
    return earlier[-1].traffic if earlier else 0.0


def _hook(rollout: Rollout, index: int) -> Wire:
    hook = rollout.hooks[index]
    body: Wire = {
        "hookId": hook.id,
        "targetType": hook.target_type,
        "status": hook.status,
        "timeoutAction": hook.timeout_action,
    }
    if hook.target is not None:
        body["targetArn"] = hook.target
    if hook.target_type == "PAUSE" and hook.expires_at is not None:
        body["expiresAt"] = timestamp(hook.expires_at)
    return body


def _watch(rollout: Rollout, *, on: bool, triggered: bool) -> str:
    if not on:
        return "DISABLED"
    if triggered:
        return "TRIGGERED"
    return "MONITORING_COMPLETE" if rollout.is_over else "MONITORING"


def _breaker(service: Service, rollout: Rollout) -> Wire:
    on = has_circuit_breaker(rollout.configuration)
    return {
        "status": _watch(rollout, on=on, triggered=rollout.tripped),
        "failureCount": rollout.failures if on else 0,
        "threshold": threshold(rollout.configuration, service.desired) if on else 0,
    }


def _alarms(rollout: Rollout) -> Wire:
    alarms = rollout.configuration.get("alarms", {})
    body: Wire = {
        "status": _watch(rollout, on=bool(alarms.get("enable")), triggered=bool(rollout.alarms)),
        "alarmNames": alarms.get("alarmNames", []),
    }
    if rollout.alarms:
        body["triggeredAlarmNames"] = list(rollout.alarms)
    return body


def show_summary(shown: Wire) -> Wire:
    """Return the members of a service deployment that a list shows."""
    names = (
        "serviceDeploymentArn",
        "serviceArn",
        "clusterArn",
        "startedAt",
        "createdAt",
        "finishedAt",
        "status",
        "statusReason",
    )
    return {**_picked(shown, names), "targetServiceRevisionArn": shown["targetServiceRevision"]["arn"]}


def show_revision(account: Account, service: Service, revision: Revision) -> Wire:
    """Return a service revision, which never changes."""
    definition = account.task_definitions.get(revision.config["taskDefinition"])
    containers = definition.body["containerDefinitions"] if definition is not None else []
    return {
        "serviceRevisionArn": revision.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": timestamp(revision.created_at),
        "guardDutyEnabled": False,
        "containerImages": [
            {"containerName": each["name"], "image": each["image"], "imageDigest": digest(each["image"])}
            for each in containers
        ],
        **show_config(revision.config, _REVISED),
    }


def show_task_set(account: Account, service: Service, task_set: TaskSet) -> Wire:
    """Return a task set as it is now, without its tags."""
    running, pending = shown_task_counts(account, service, task_set.id)
    return {
        **task_set.body,
        "status": task_set.status,
        "computedDesiredCount": task_set.computed,
        "runningCount": running,
        "pendingCount": pending,
        "updatedAt": timestamp(task_set.updated_at),
        "scale": {"value": task_set.scale, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if task_set.steady else "STABILIZING",
        "stabilityStatusAt": timestamp(task_set.steady_at),
    }


def computed_desired_count(service: Service, scale: float) -> int:
    """Return the computed desired count of a task set: its share of the service's desired count, rounded up."""
    return -int(-service.desired * scale // 100)
