"""The status of a service deployment: begin it, succeed, fail, roll back, stop or supersede it.

This includes rollout states, the circuit breaker, alarms, bake time and early success. The caller counts the tasks.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html. Inferred: a deployment with
early success is COMPLETED, and all its old tasks that are not protected stop at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecskit._simulator.deployment_script import DeploymentScript
from ecskit._simulator.records.services import Deployment, Revision, Rollout
from ecskit._simulator.scheduler.stages import current, enter, expire, stages_of
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Service

# The bake time of a ROLLING deployment with alarms and without bakeTimeInMinutes.
DEFAULT_BAKE_SECONDS = 60.0

_HALF: Wire = {"type": "BOUNDED_PERCENT", "value": 50}
_TASKS_FAILED = "tasks failed to start."


def threshold(configuration: Wire, desired: int) -> int:
    """Return the failures that trip the circuit breaker: as configured, else half of the desired count, 3 to 200."""
    chosen: Wire = configuration.get("deploymentCircuitBreaker", {}).get("thresholdConfiguration") or _HALF
    value: int = chosen["value"]
    if chosen["type"] == "COUNT":
        return max(1, value)
    share = math.ceil(desired * value / 100)
    return max(1, share) if chosen["type"] == "UNBOUNDED_PERCENT" else min(200, max(3, share))


def early_success(configuration: Wire, desired: int) -> int | None:
    """Return the number of healthy tasks for early success, rounded up; None if the criteria are not enabled.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html
    """
    early: Wire = configuration.get("earlySuccessCriteria", {})
    return math.ceil(desired * early["healthyPercent"] / 100) if early.get("enable") else None


def has_circuit_breaker(configuration: Wire) -> bool:
    """Whether the circuit breaker is on. It applies to ROLLING deployments only."""
    breaker = configuration.get("deploymentCircuitBreaker", {})
    return bool(breaker.get("enable")) and configuration.get("strategy", "ROLLING") == "ROLLING"


def resets_on_healthy_task(configuration: Wire) -> bool:
    """Whether a task that becomes healthy resets the circuit breaker's count."""
    return bool(configuration["deploymentCircuitBreaker"].get("resetOnHealthyTask", True))


def begin(account: Account, service: Service) -> Rollout:
    """Begin a deployment of the service's configuration, and stop the one in progress."""
    number = str(account.identifiers.randrange(10**18, 9 * 10**18))
    path = f"{service.cluster.name}/{service.name}"
    revision = Revision(
        arn=account.arns.ecs("service-revision", f"{path}/{number}"), config=service.config, created_at=account.now
    )
    deployment = Deployment(
        id=f"ecs-svc/{number}",
        revision=revision,
        created_at=account.now,
        updated_at=account.now,
        reason=f"ECS deployment ecs-svc/{number} in progress.",
    )
    configuration: Wire = service.settings["deploymentConfiguration"]
    script = account.deployment_scripts.get(service.name) or account.deployment_scripts.get("*") or DeploymentScript()
    rollout = Rollout(
        arn=account.arns.ecs("service-deployment", f"{path}/{account.hex(21)}"),
        deployment=deployment,
        source=service.completed,
        created_at=account.now,
        updated_at=account.now,
        configuration=configuration,
        script=script,
        stages=stages_of(configuration),
        until=account.now + (script.pending_seconds if service.desired else 0.0),
    )
    supersede(account, service, f"Replaced by {rollout.arn}.")
    service.revisions[revision.arn] = revision
    service.deployments.insert(0, deployment)
    service.rollouts.append(rollout)
    service.not_before, service.retry_at, service.failed_starts, service.is_steady = account.now, None, 0, False
    service.stuck_event = None
    return rollout


def supersede(account: Account, service: Service, reason: str) -> None:
    """End the deployment in progress, because a newer one begins or the service is deleted."""
    rollout = service.rollout
    if rollout is None or rollout.is_over:
        return
    if rollout.status in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
        rollout.set_status(account.now, "ROLLBACK_FAILED", reason)
    elif rollout.status == "STOP_REQUESTED":
        rollout.set_status(account.now, "STOPPED")
    else:
        rollout.set_status(account.now, "STOP_REQUESTED", reason, until=account.now + rollout.script.stopping_seconds)


def advance(
    account: Account, service: Service, rollout: Rollout, *, healthy: int, settled: bool, cleaned: bool
) -> bool:
    """Advance a deployment if something is due, and return whether it changed.

    Args:
        account: The account.
        service: The service.
        rollout: The deployment.
        healthy: The number of healthy tasks of the PRIMARY deployment.
        settled: Whether that is the desired count.
        cleaned: Whether all tasks of other deployments are stopping or STOPPED.
    """
    due = rollout.until is not None and rollout.until <= account.now
    if rollout.status == "PENDING" and due:
        rollout.set_status(account.now, "IN_PROGRESS")
        rollout.started_at = account.now
        if rollout.stages:
            enter(account, rollout)
        return True
    if rollout.status == "IN_PROGRESS" and rollout is service.rollout:
        if rollout.stages:
            return _advance_stage(account, service, rollout, settled=settled, cleaned=cleaned)
        enough = early_success(rollout.configuration, service.desired)
        if enough is not None:
            return _advance_early(account, service, rollout, reached=healthy >= enough, cleaned=cleaned)
        return _advance_rolling(account, service, rollout, settled=settled and cleaned)
    if rollout.status == "ROLLBACK_IN_PROGRESS":
        return _advance_rollback(account, service, rollout, settled=due and settled and cleaned, due=due)
    if due and rollout.status == "STOP_REQUESTED":
        rollout.set_status(account.now, "STOPPED")
    elif due:
        rollout.set_status(account.now, "ROLLBACK_IN_PROGRESS", until=account.now + rollout.script.rollback_seconds)
    return due


def _advance_rolling(account: Account, service: Service, rollout: Rollout, *, settled: bool) -> bool:
    if _trips(account, service, rollout):
        return True
    if not _is_baked(account, rollout, settled=settled):
        return False
    _succeed(account, service, rollout)
    return True


def _advance_early(account: Account, service: Service, rollout: Rollout, *, reached: bool, cleaned: bool) -> bool:
    """Succeed after enough healthy tasks and the bake time: BLOCKING stops old tasks before it, DEFERRED after it."""
    if _trips(account, service, rollout):
        return True
    if not rollout.cleans_up:
        rollout.cleans_up = _is_baked(account, rollout, settled=reached)
        if not rollout.cleans_up:
            return False
        if rollout.configuration["earlySuccessCriteria"]["sourceServiceRevisionCleanup"] == "BLOCKING":
            return True
    elif not (reached and cleaned) or rollout.deployment.frozen:
        return False
    _succeed(account, service, rollout)
    return True


def _trips(account: Account, service: Service, rollout: Rollout) -> bool:
    """Fail a deployment if the circuit breaker trips, and return whether it did."""
    watched = has_circuit_breaker(rollout.configuration) and not rollout.tripped
    if not watched or rollout.failures < threshold(rollout.configuration, service.desired):
        return False
    rollout.tripped = True
    reason = f"ECS deployment circuit breaker: {_TASKS_FAILED}"
    fail(account, service, rollout, reason, rollback=rollout.configuration["deploymentCircuitBreaker"]["rollback"])
    return True


def _is_baked(account: Account, rollout: Rollout, *, settled: bool) -> bool:
    """Whether a deployment has been settled for its bake time."""
    if not settled or rollout.deployment.frozen:
        rollout.baked_at = None
        return False
    if rollout.baked_at is None:
        rollout.baked_at = account.now + _bake_seconds(rollout.configuration)
    return rollout.baked_at <= account.now


def _bake_seconds(configuration: Wire) -> float:
    if "bakeTimeInMinutes" in configuration:
        return float(configuration["bakeTimeInMinutes"]) * 60.0
    return DEFAULT_BAKE_SECONDS if configuration.get("alarms", {}).get("enable") else 0.0


def _advance_stage(account: Account, service: Service, rollout: Rollout, *, settled: bool, cleaned: bool) -> bool:
    expired = expire(account, rollout)
    if expired is not None:
        fail(account, service, rollout, f"The lifecycle hook {expired.id} timed out.", rollback=True)
        return True
    stage = current(rollout)
    over = rollout.stage_ends is not None and rollout.stage_ends <= account.now
    if stage is None or rollout.deployment.frozen or not over or any(not hook.is_over for hook in rollout.hooks):
        return False
    ready = {"SCALE_UP": settled, "CLEAN_UP": settled and cleaned}.get(stage.name, True)
    if stage.name == rollout.script.fails_at:
        fail(account, service, rollout, rollout.script.fails, rollback=True)
    elif ready and stage.name == "CLEAN_UP":
        _succeed(account, service, rollout)
    elif ready:
        enter(account, rollout)
    return ready or rollout.deployment.frozen


def _advance_rollback(account: Account, service: Service, rollout: Rollout, *, settled: bool, due: bool) -> bool:
    target = service.deployments[0]
    if due and rollout.script.rollback_fails is not None:
        _fail_rollback(account, rollout, target, rollout.script.rollback_fails)
        return True
    if target.failed >= threshold({}, service.desired):
        _fail_rollback(account, rollout, target, _TASKS_FAILED)
        return True
    if not settled:
        return False
    _complete(account, service, target)
    rollout.set_status(account.now, "ROLLBACK_SUCCESSFUL")
    return True


def _fail_rollback(account: Account, rollout: Rollout, target: Deployment, reason: str) -> None:
    target.set_state(account.now, "FAILED", f"ECS deployment {target.id} failed: {reason}")
    target.frozen = True
    rollout.set_status(account.now, "ROLLBACK_FAILED", f"The rollback failed: {reason}")


def _succeed(account: Account, service: Service, rollout: Rollout) -> None:
    _complete(account, service, rollout.deployment)
    rollout.set_status(account.now, "SUCCESSFUL")
    rollout.stage_ends = None


def _complete(account: Account, service: Service, deployment: Deployment) -> None:
    deployment.set_state(account.now, "COMPLETED", f"ECS deployment {deployment.id} completed.")
    service.completed = deployment
    deployment.failed = 0
    service.add_event(account.now, account.uuid(), f"(deployment {deployment.id}) deployment completed.")


def fail(account: Account, service: Service, rollout: Rollout, reason: str, *, rollback: bool) -> None:
    """Fail a deployment: roll it back, or stop it. A ROLLING one without a source to roll back to stays IN_PROGRESS."""
    deployment = rollout.deployment
    deployment.frozen = True
    rollout.reason, rollout.updated_at = reason, account.now
    if rollback and rollout.source is None:
        if not rollout.stages:
            return
        rollback = False
    deployment.set_state(account.now, "FAILED", reason)
    service.add_event(account.now, account.uuid(), f"(deployment {deployment.id}) deployment failed: {reason}")
    if rollback:
        roll_back(account, service, rollout, reason)
    else:
        _stop(account, rollout, reason)


def abort(account: Account, service: Service, rollout: Rollout, reason: str) -> None:
    """Stop a deployment without a rollback. All running tasks keep running."""
    fail(account, service, rollout, reason, rollback=False)


def _stop(account: Account, rollout: Rollout, reason: str) -> None:
    rollout.set_status(account.now, "STOP_REQUESTED", reason, until=account.now + rollout.script.stopping_seconds)


def roll_back(account: Account, service: Service, rollout: Rollout, reason: str) -> None:
    """Roll back to the source of a rollout, which becomes PRIMARY and IN_PROGRESS again."""
    target = rollout.source
    if target is None:
        raise ValueError("there is nothing to roll back to")
    rollout.deployment.frozen = True
    if rollout.deployment.state != "FAILED":
        rollout.deployment.set_state(account.now, "FAILED", reason)
    rollout.rollback = {
        "reason": reason,
        "startedAt": timestamp(account.now),
        "serviceRevisionArn": target.revision.arn,
    }
    rollout.hooks = [hook for hook in rollout.hooks if hook.is_over]
    rollout.stage_ends = None
    rollout.set_status(
        account.now, "ROLLBACK_REQUESTED", reason, until=account.now + rollout.script.rollback_requested_seconds
    )
    service.deployments = [target, *(each for each in service.deployments if each is not target)]
    target.set_state(
        account.now, "IN_PROGRESS", f"ECS deployment {target.id} in progress: the service is rolled back to it."
    )
    target.failed, target.frozen = 0, False
    service.config = target.revision.config
    service.completed = None
    service.not_before, service.failed_starts, service.is_steady = account.now, 0, False
    service.add_event(account.now, account.uuid(), f"rolling back to (deployment {target.id}).")


def fire_alarm(account: Account, service: Service, alarm: str) -> bool:
    """Fail the deployment in progress if it watches the alarm, and return whether it does."""
    rollout = service.rollout
    if rollout is None or rollout.status not in ("PENDING", "IN_PROGRESS") or rollout.deployment.frozen:
        return False
    alarms = rollout.configuration.get("alarms", {})
    if not alarms.get("enable") or alarm not in alarms["alarmNames"]:
        return False
    rollout.alarms = (*rollout.alarms, alarm)
    fail(account, service, rollout, f"ECS deployment alarm {alarm} fired.", rollback=alarms["rollback"])
    return True
