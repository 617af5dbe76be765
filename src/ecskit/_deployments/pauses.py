"""Hooks that pause a deployment, and the time that their pauses take.

A pause counts from the poll that first showed it to the first one that does not. Only hooks that are AWAITING_ACTION
pause a deployment.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from ecskit.models.services import DeploymentLifecycleHookDetail

if TYPE_CHECKING:
    from ecskit._deployments.progress import DeploymentProgress

__all__ = ["after_answer", "deadline", "key_of", "pause_of", "with_pause"]

_ACTIONS = {"ROLLBACK": "rolls back", "CONTINUE": "continues"}


def pause_of(hook: DeploymentLifecycleHookDetail) -> str:
    """Return which hook pauses a deployment, until when, and what ECS does then, in words."""
    if hook.expires_at is None:
        return f"hook {hook.hook_id}"
    action = _ACTIONS.get(hook.timeout_action or "")
    return (
        f"hook {hook.hook_id} until {hook.expires_at:%Y-%m-%d %H:%M:%S} UTC{f', when ECS {action}' if action else ''}"
    )


def key_of(hook: DeploymentLifecycleHookDetail) -> tuple[str | None, datetime | None]:
    """Return by what a pause is known again: a hook may pause a deployment more than once, until another time."""
    return hook.hook_id, hook.expires_at


def with_pause(progress: DeploymentProgress, now: float) -> DeploymentProgress:
    """Return the progress with the begin or the end of a pause noted; one may follow another without a poll between."""
    signs, hooks = progress.signs, frozenset(map(key_of, progress.paused))
    if hooks == signs.paused_by:
        return progress
    if hooks & signs.paused_by:
        return attrs.evolve(progress, signs=attrs.evolve(signs, paused_by=hooks))
    over = signs.paused_for + (0.0 if signs.paused_since is None else now - signs.paused_since)
    since = now if hooks else None
    return attrs.evolve(progress, signs=attrs.evolve(signs, paused_by=hooks, paused_since=since, paused_for=over))


def after_answer(progress: DeploymentProgress, hook: DeploymentLifecycleHookDetail) -> DeploymentProgress:
    """Return the progress with a hook that was answered: reads may go on to show it as waiting."""
    answered = progress.signs.answered | {key_of(hook)}
    return attrs.evolve(progress, signs=attrs.evolve(progress.signs, answered=answered))


def deadline(progress: DeploymentProgress, usual: float, pause_timeout: float | None) -> float:
    """Return when time is up, in monotonic seconds, given when it would be without pauses.

    Args:
        progress: What was observed of the deployment.
        usual: The deadline without pauses.
        pause_timeout: Seconds that one pause may take; None for as long as ECS lets it.
    """
    since = progress.signs.paused_since
    if since is None:
        return usual + progress.signs.paused_for
    return math.inf if pause_timeout is None else since + pause_timeout
