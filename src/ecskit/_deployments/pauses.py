"""Hooks that pause a deployment: how to recognize and describe one, and how to answer it.

Only hooks that are AWAITING_ACTION pause a deployment.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html
"""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from ecskit._core.effects import Flow
from ecskit._core.errors import AccessDeniedError, RequestError, ServiceError
from ecskit._core.retrying import Retrying
from ecskit.models.literals import DeploymentLifecycleHookAction
from ecskit.models.services import ContinueServiceDeploymentRequest, DeploymentLifecycleHookDetail

__all__ = ["answer_hook", "check_answer", "describe_hook", "key_of_hook"]

_ACTIONS = {"ROLLBACK": "rolls back", "CONTINUE": "continues"}


def describe_hook(hook: DeploymentLifecycleHookDetail) -> str:
    """Return the id of a hook, when its pause expires, and what ECS does then, in words."""
    if hook.expires_at is None:
        return f"hook {hook.hook_id}"
    action = _ACTIONS.get(hook.timeout_action or "")
    return (
        f"hook {hook.hook_id} until {hook.expires_at:%Y-%m-%d %H:%M:%S} UTC{f', when ECS {action}' if action else ''}"
    )


def key_of_hook(hook: DeploymentLifecycleHookDetail) -> tuple[str | None, datetime | None]:
    """Return the key of a pause. A hook can pause a deployment more than once, with a later expiry each time."""
    return hook.hook_id, hook.expires_at


def check_answer(verb: str, hook: object, action: object) -> str:
    """Return the id of a hook.

    Raises:
        RequestError: `hook` is neither a hook nor an id, or `action` is not an answer.
    """
    hook_id: object = hook.hook_id if isinstance(hook, DeploymentLifecycleHookDetail) else hook
    if not isinstance(hook_id, str) or not hook_id:
        shown = repr(hook) if isinstance(hook, str) else type(hook).__name__
        raise RequestError(verb, [("hook", f"expected a hook, or its id, got {shown}")])
    if action not in get_args(DeploymentLifecycleHookAction):
        problem = f"expected {' or '.join(get_args(DeploymentLifecycleHookAction))}, got {action!r}"
        raise RequestError(verb, [("action", problem)])
    return hook_id


def answer_hook(service_deployment_arn: str | None, hook_id: str, action: object) -> Flow[None]:
    """Continue a paused deployment, or roll it back."""
    check_answer("on_pause", hook_id, action)
    request = ContinueServiceDeploymentRequest(
        service_deployment_arn=service_deployment_arn or "",
        hook_id=hook_id,
        action=action,  # type: ignore[arg-type]  # checked above
    )
    answer = Retrying(request, single_attempt=True)
    try:
        yield from answer.send()
    except ServiceError as error:
        if not answer.may_have_taken_effect or isinstance(error, AccessDeniedError):
            raise
        # A call whose response was lost has answered the hook, and the hook no longer waits.
