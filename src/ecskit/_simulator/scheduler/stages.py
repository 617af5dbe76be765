"""The lifecycle stages of BLUE_GREEN, LINEAR and CANARY deployments, and their hooks.

This module has the order of the stages, the share of traffic and the least duration of each, and the timeouts of hooks.
`rollouts` decides when a stage ends and what a failure leads to.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.records.services import Hook, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Rollout
    from ecskit._simulator.wire import Wire

STAGED = frozenset({"BLUE_GREEN", "LINEAR", "CANARY"})

_LAMBDA_SECONDS = 2.0
_PAUSE_MINUTES = 1440
_BEFORE = ("RECONCILE_SERVICE", "PRE_SCALE_UP")
_TESTED = ("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT")


def stages_of(configuration: Wire) -> tuple[Stage, ...]:
    """Return the stages of a deployment; none for ROLLING."""
    if configuration.get("strategy") not in STAGED:
        return ()
    bake = configuration.get("bakeTimeInMinutes", 0) * 60.0
    return (
        *(Stage(name, 0, 0, scaled=False) for name in _BEFORE),
        Stage("SCALE_UP", 0, 0, scaled=True),
        Stage("POST_SCALE_UP", 0, 0, scaled=True),
        *(Stage(name, 0, 100, scaled=True) for name in _TESTED),
        *_shifts(configuration),
        Stage("BAKE_TIME", 100, 100, scaled=True, extra=bake),
        Stage("CLEAN_UP", 100, 100, scaled=True),
    )


def _shifts(configuration: Wire) -> Iterator[Stage]:
    """Yield the stages of each traffic shift. All shifts but the last end with the bake time of a step."""
    steps, wait = _steps(configuration)
    for share in steps:
        yield Stage("PRE_PRODUCTION_TRAFFIC_SHIFT", share, 100, scaled=True)
        yield Stage("PRODUCTION_TRAFFIC_SHIFT", share, 100, scaled=True)
        extra = 0.0 if share == steps[-1] else wait
        yield Stage("POST_PRODUCTION_TRAFFIC_SHIFT", share, 100, scaled=True, extra=extra)


def _steps(configuration: Wire) -> tuple[list[float], float]:
    if configuration["strategy"] == "LINEAR":
        linear = configuration.get("linearConfiguration", {})
        step = linear.get("stepPercent", 10.0)
        whole = int(100 / step - 1e-9)
        return [*(step * number for number in range(1, whole + 1)), 100.0], linear.get("stepBakeTimeInMinutes", 6) * 60
    if configuration["strategy"] == "CANARY":
        canary = configuration.get("canaryConfiguration", {})
        return [canary.get("canaryPercent", 5.0), 100.0], canary.get("canaryBakeTimeInMinutes", 10) * 60
    return [100.0], 0.0


def current(rollout: Rollout) -> Stage | None:
    """Return the stage of a deployment; None before the first, and for ROLLING."""
    return rollout.stages[rollout.stage] if rollout.stage >= 0 else None


def enter(account: Account, rollout: Rollout) -> None:
    """Begin the next stage and its hooks."""
    rollout.stage += 1
    stage = rollout.stages[rollout.stage]
    rollout.stage_ends = account.now + rollout.script.seconds_in(stage.name) + stage.extra
    rollout.updated_at = account.now
    hooks = rollout.configuration.get("lifecycleHooks", [])
    rollout.hooks = [_hook(account, stage, each) for each in hooks if stage.name in each.get("lifecycleStages", [])]


def _hook(account: Account, stage: Stage, hook: Wire) -> Hook:
    target_type = hook.get("targetType", "AWS_LAMBDA")
    timeout = hook.get("timeoutConfiguration", {})
    if target_type == "PAUSE":
        expires = account.now + timeout.get("timeoutInMinutes", _PAUSE_MINUTES) * 60.0
        status = "AWAITING_ACTION"
    else:
        expires, status = account.now + _LAMBDA_SECONDS, "IN_PROGRESS"
    return Hook(
        id=account.uuid(),
        stage=stage.shown,
        began_at=account.now,
        target_type=target_type,
        status=status,
        target=hook.get("hookTargetArn"),
        expires_at=expires,
        timeout_action=timeout.get("action", "ROLLBACK"),
    )


def expire(account: Account, rollout: Rollout) -> Hook | None:
    """End the hooks that are due, and return one whose timeout rolls the deployment back, if any."""
    for hook in rollout.hooks:
        if hook.is_over or hook.expires_at is None or hook.expires_at > account.now:
            continue
        hook.status = "TIMED_OUT" if hook.target_type == "PAUSE" else "SUCCEEDED"
        rollout.updated_at = account.now
        if hook.target_type == "PAUSE" and hook.timeout_action == "ROLLBACK":
            return hook
    return None


def due_moments(rollout: Rollout) -> Iterator[float]:
    """Yield the moments at which the stage or one of its hooks can end."""
    if rollout.stage_ends is not None:
        yield rollout.stage_ends
    for hook in rollout.hooks:
        if not hook.is_over and hook.expires_at is not None:
            yield hook.expires_at
