"""How a deployment is followed, and what is done when it does not succeed: arguments that several methods share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

import attrs

from ecskit._core.errors import RequestError
from ecskit._deployments.goal import Until
from ecskit._deployments.progress import STAGES
from ecskit._polling.options import is_count, is_seconds
from ecskit.models.literals import DeploymentLifecycleHookAction
from ecskit.models.services import DeploymentLifecycleHookDetail

__all__ = ["AsyncOnPause", "Fallback", "FollowOptions", "OnPause", "OnSuperseded", "PauseAnswer", "RollbackOptions"]

OnSuperseded: TypeAlias = Literal["raise", "follow"]
"""What to do when a newer deployment replaces this one."""
PauseAnswer: TypeAlias = DeploymentLifecycleHookAction | None
"""The answer to a hook: "CONTINUE", "ROLLBACK", or None to leave the deployment paused."""
OnPause: TypeAlias = Literal["wait", "raise"] | Callable[[DeploymentLifecycleHookDetail], PauseAnswer]
"""What to do when a hook pauses the deployment. A function is called with the hook and returns the answer."""
AsyncOnPause: TypeAlias = OnPause | Callable[[DeploymentLifecycleHookDetail], Awaitable[PauseAnswer]]
"""The same for async clients, which also take a coroutine function."""
Fallback: TypeAlias = Literal["leave", "rollback"]
"""What to do with a service whose deployment did not succeed."""

_UNTIL = ("deployed", "stable", "paused", *STAGES)


@attrs.frozen(kw_only=True)
class FollowOptions:
    """How far, and how, a deployment is followed.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.

    Raises:
        DeploymentFailed: The deployment failed. Unless one of these subclasses is raised, nothing was rolled back:
        DeploymentRolledBack: It failed, and the service runs again what it ran before.
        DeploymentRollbackFailed: It failed, and so did the rollback.
        DeploymentStalled: Its tasks fail or cannot be placed, and ECS will not end it.
        DeploymentUnstable: It succeeded, but its tasks did not stay up; only with `stable_for` or `until="stable"`.
        DeploymentSuperseded: A newer deployment replaced it.
        DeploymentPaused: A hook paused it, and `on_pause` is "raise".
        ServiceGone: The service was deleted.
        NotVisible: No read ever showed the deployment.
    """

    until: Until = "deployed"
    """How far to follow the deployment: "deployed" until it is SUCCESSFUL; "stable" until it also runs alone, with the
    desired count; "paused" until a hook pauses it; or a lifecycle stage of BLUE_GREEN, LINEAR and CANARY deployments,
    until it reaches that stage or a later one. Without a pause, or without stages, it is followed to its end."""
    on_superseded: OnSuperseded = "raise"
    """What to do when a newer deployment replaces it: "raise" DeploymentSuperseded, or "follow" the newer one."""
    on_pause: AsyncOnPause = "wait"
    """What to do when a hook pauses it: "wait" until the hook is answered or expires; "raise" DeploymentPaused; or a
    function that is called once with each hook and returns "CONTINUE", "ROLLBACK", or None to wait. An async client
    also takes a coroutine function."""
    stalled_after: float | None = None
    """Seconds without any change, after which a deployment with fewer running tasks than desired is stalled. A task
    that starts or stops is a change. None sets no limit."""
    max_failed_tasks: int | None = None
    """The number of failed tasks in a row at which a deployment that no circuit breaker can end is stalled, and of
    stopped tasks at which a successful one is unstable. The default is the configured threshold of the circuit
    breaker, or half of the desired count, but at least 3 and at most 200."""
    stable_for: float | None = None
    """Seconds for which the tasks must stay up after the deployment has succeeded: all run, none is unhealthy, and none
    stops by its own fault. A task that stops restarts the count. The deployment is unstable after too many stopped
    tasks, or if three times as long passes without such a stretch. If tasks are only missing, WaitTimeout is raised
    when both this time and `timeout` are over. These seconds do not count against `timeout`. With None or 0 the wait
    ends at the success. Tasks are also observed if the request changed nothing."""
    pause_timeout: float | None = None
    """Seconds that each pause may take before WaitTimeout is raised; None waits until the hook is answered or expires.
    Pauses do not count against `timeout`."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The options that a handle can hold: all but functions."""
        members = attrs.asdict(self, recurse=False)
        return {name: value for name, value in members.items() if not callable(value)}

    def check(self, verb: str) -> None:
        """Raise RequestError if an option is wrong."""
        problems: list[tuple[str, str]] = []
        if self.until not in _UNTIL:
            problems.append(("until", f"expected one of {', '.join(_UNTIL)}, got {self.until!r}"))
        if self.on_superseded not in get_args(OnSuperseded):
            problems.append(("on_superseded", f"expected raise or follow, got {self.on_superseded!r}"))
        if self.on_pause not in ("wait", "raise") and not callable(self.on_pause):
            problems.append(("on_pause", f"expected wait, raise or a function, got {self.on_pause!r}"))
        if self.stalled_after is not None and not is_seconds(self.stalled_after):
            problem = f"expected seconds, 0 or more, or None for no limit, got {self.stalled_after!r}"
            problems.append(("stalled_after", problem))
        for name, given in (("stable_for", self.stable_for), ("pause_timeout", self.pause_timeout)):
            if given is not None and not is_seconds(given):
                problems.append((name, f"expected seconds, 0 or more, or None, got {given!r}"))
        if self.max_failed_tasks is not None and not is_count(self.max_failed_tasks):
            problems.append(("max_failed_tasks", f"expected a whole number, 1 or more, got {self.max_failed_tasks!r}"))
        if problems:
            raise RequestError(verb, problems)


@attrs.frozen(kw_only=True)
class RollbackOptions:
    """What to do when a deployment does not succeed.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.
    """

    on_failure: Fallback = "leave"
    """What to do when the deployment fails, stalls or is unstable, and ECS does not roll it back: "leave" the service
    as it is; or "rollback" to what it ran before, wait at most 1800 s more for that, and raise DeploymentRolledBack."""
    on_timeout: Fallback = "leave"
    """The same when `timeout` or `max_polls` is reached, or no read ever showed the deployment."""
    on_cancel: Fallback = "leave"
    """The same when the call is cancelled or interrupted, or a callback raises. Then the rollback is started but not
    waited for."""

    def check(self, verb: str) -> None:
        """Raise RequestError if an option is wrong."""
        problems = [
            (field.name, f"expected leave or rollback, got {getattr(self, field.name)!r}")
            for field in attrs.fields(RollbackOptions)
            if getattr(self, field.name) not in get_args(Fallback)
        ]
        if problems:
            raise RequestError(verb, problems)
