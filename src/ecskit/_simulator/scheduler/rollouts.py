"""How a service deployment goes from status to status: begun, failed, rolled back, stopped, replaced, done.

Decides statuses, rollout states, the circuit breaker and its threshold, alarms, early success and what each of them
leads to. Tasks are counted elsewhere: the caller passes how many are healthy and whether the service is settled.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html. That a deployment which is
successful early is COMPLETED, and that its old tasks go at once, as far as they are not protected, is inferred.
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

# How long a ROLLING deployment with alarms is watched after everything runs, unless bakeTimeInMinutes says so.
WATCHED_SECONDS = 60.0

_HALF: Wire = {"type": "BOUNDED_PERCENT", "value": 50}
_TASKS_FAILED = "tasks failed to start."


def threshold(configuration: Wire, desired: int) -> int:
    """Return how many failures trip the circuit breaker: half of the desired count, but 3 to 200, unless configured."""
    chosen: Wire = configuration.get("deploymentCircuitBreaker", {}).get("thresholdConfiguration") or _HALF
    value: int = chosen["value"]
    if chosen["type"] == "COUNT":
        return max(1, value)
    share = math.ceil(desired * value / 100)
    return max(1, share) if chosen["type"] == "UNBOUNDED_PERCENT" else min(200, max(3, share))


def early_success(configuration: Wire, desired: int) -> int | None:
    """Return how many healthy tasks are enough for early success, a share rounded up; None, if all of them are needed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html
    """
    early: Wire = configuration.get("earlySuccessCriteria", {})
    return math.ceil(desired * early["healthyPercent"] / 100) if early.get("enable") else None


def has_circuit_breaker(configuration: Wire) -> bool:
    """Whether the circuit breaker is on: it is for ROLLING deployments only."""
    breaker = configuration.get("deploymentCircuitBreaker", {})
    return bool(breaker.get("enable")) and configuration.get("strategy", "ROLLING") == "ROLLING"


def resets_on_healthy_task(configuration: Wire) -> bool:
    """Whether a task that becomes healthy lets the circuit breaker count from 0 again."""
    return bool(configuration["deploymentCircuitBreaker"].get("resetOnHealthyTask", True))


def begin(account: Account, service: Service) -> Rollout:
    """Begin to deploy what the service is configured to run, in place of what is under way."""
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
    service.stuck = None
    return rollout


def supersede(account: Account, service: Service, reason: str) -> None:
    """End what is under way, because something newer comes or the service goes."""
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
    """Let a deployment take the next step that is due, and return whether there was one.

    Args:
        world: Where it happens.
        service: Whose deployment it is.
        rollout: The deployment.
        healthy: How many tasks of the PRIMARY deployment are healthy.
        settled: Whether as many tasks of the PRIMARY deployment as there are to be are healthy.
        cleaned: Whether no task of another deployment is there that was not told to stop.
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
    """Enough healthy tasks, then the bake time; BLOCKING cleans up before the success, DEFERRED after it."""
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
    """Let the circuit breaker fail a deployment if it has counted enough, and return whether it did."""
    watched = has_circuit_breaker(rollout.configuration) and not rollout.tripped
    if not watched or rollout.failures < threshold(rollout.configuration, service.desired):
        return False
    rollout.tripped = True
    reason = f"ECS deployment circuit breaker: {_TASKS_FAILED}"
    fail(account, service, rollout, reason, rollback=rollout.configuration["deploymentCircuitBreaker"]["rollback"])
    return True


def _is_baked(account: Account, rollout: Rollout, *, settled: bool) -> bool:
    """Whether a deployment was settled for as long as its alarms are watched."""
    if not settled or rollout.deployment.frozen:
        rollout.baked_at = None
        return False
    if rollout.baked_at is None:
        rollout.baked_at = account.now + _watched(rollout.configuration)
    return rollout.baked_at <= account.now


def _watched(configuration: Wire) -> float:
    if "bakeTimeInMinutes" in configuration:
        return float(configuration["bakeTimeInMinutes"]) * 60.0
    return WATCHED_SECONDS if configuration.get("alarms", {}).get("enable") else 0.0


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
    target.set_status(account.now, "FAILED", f"ECS deployment {target.id} failed: {reason}")
    target.frozen = True
    rollout.set_status(account.now, "ROLLBACK_FAILED", f"The rollback failed: {reason}")


def _succeed(account: Account, service: Service, rollout: Rollout) -> None:
    _complete(account, service, rollout.deployment)
    rollout.set_status(account.now, "SUCCESSFUL")
    rollout.stage_ends = None


def _complete(account: Account, service: Service, deployment: Deployment) -> None:
    deployment.set_status(account.now, "COMPLETED", f"ECS deployment {deployment.id} completed.")
    service.completed = deployment
    service.add_event(account.now, account.uuid(), f"(deployment {deployment.id}) deployment completed.")


def fail(account: Account, service: Service, rollout: Rollout, reason: str, *, rollback: bool) -> None:
    """Let a deployment fail: it is rolled back, stalls for want of something to roll back to, or is stopped."""
    deployment = rollout.deployment
    deployment.frozen = True
    rollout.reason, rollout.updated_at = reason, account.now
    if rollback and rollout.source is None:
        if not rollout.stages:
            return
        rollback = False
    deployment.set_status(account.now, "FAILED", reason)
    service.add_event(account.now, account.uuid(), f"(deployment {deployment.id}) deployment failed: {reason}")
    if rollback:
        roll_back(account, service, rollout, reason)
    else:
        _stop(account, rollout, reason)


def abort(account: Account, service: Service, rollout: Rollout, reason: str) -> None:
    """Stop a deployment where it is: what runs goes on to run."""
    fail(account, service, rollout, reason, rollback=False)


def _stop(account: Account, rollout: Rollout, reason: str) -> None:
    rollout.set_status(account.now, "STOP_REQUESTED", reason, until=account.now + rollout.script.stopping_seconds)


def roll_back(account: Account, service: Service, rollout: Rollout, reason: str) -> None:
    """Go back to the deployment that a rollout came from, which becomes PRIMARY again and IN_PROGRESS."""
    target = rollout.source
    if target is None:
        raise ValueError("there is nothing to roll back to")
    rollout.deployment.frozen = True
    if rollout.deployment.state != "FAILED":
        rollout.deployment.set_status(account.now, "FAILED", reason)
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
    target.set_status(
        account.now, "IN_PROGRESS", f"ECS deployment {target.id} in progress: the service is rolled back to it."
    )
    target.failed, target.frozen = 0, False
    service.config = target.revision.config
    service.completed = None
    service.not_before, service.failed_starts, service.is_steady = account.now, 0, False
    service.add_event(account.now, account.uuid(), f"rolling back to (deployment {target.id}).")


def fire_alarm(account: Account, service: Service, alarm: str) -> bool:
    """Let an alarm fire, and return whether it meant anything to the deployment under way."""
    rollout = service.rollout
    if rollout is None or rollout.status not in ("PENDING", "IN_PROGRESS") or rollout.deployment.frozen:
        return False
    alarms = rollout.configuration.get("alarms", {})
    if not alarms.get("enable") or alarm not in alarms["alarmNames"]:
        return False
    rollout.alarms = (*rollout.alarms, alarm)
    fail(account, service, rollout, f"ECS deployment alarm {alarm} fired.", rollback=alarms["rollback"])
    return True
