"""Run a deployment while scaling out is suspended, and resume it on every way out.

ECS itself stops scaling in while it deploys. How scaling out stood before is kept in a tag of the scalable target,
which is written first: if the program is killed, the next one, or `resume_autoscaling`, finds it there.
"""

from __future__ import annotations

import logging
from typing import TypeVar

from ecskit._autoscaling import requests
from ecskit._autoscaling.errors import AutoscalingNotResumed
from ecskit._autoscaling.requests import FLAGS, OUT
from ecskit._core.effects import INTERRUPTS, CallbackRaised, Cancelled, Flow
from ecskit._core.errors import EcsError, described
from ecskit._core.retrying import CLEANUP_LIMITS, DEFAULT_LIMITS, RetryLimits

__all__ = ["TAG", "paused", "resume", "suspend"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

TAG = "ecskit:autoscaling-before"
"""The key of the tag. Its value is the suspended state before, such as `DynamicScalingOutSuspended=false`."""


def paused(resource_id: str, flow: Flow[T]) -> Flow[T]:
    """Run a flow while scaling out of a service is suspended.

    Args:
        resource_id: The service: `service/CLUSTER/NAME`.
        flow: The flow.

    Raises:
        AutoscalingNotResumed: The flow succeeded, but scaling out could not be resumed.
        EcsError: The error of the flow, or scaling out could not be suspended: then the flow was not run.
    """
    try:
        yield from suspend(resource_id)
        result = yield from flow
    except GeneratorExit:
        log.warning("%s: the program was cut short; %s", resource_id, _advice(resource_id))
        raise
    except (Exception, Cancelled, CallbackRaised, *INTERRUPTS):
        yield from _resume_after_error(resource_id)
        raise
    try:
        yield from resume(resource_id)
    except EcsError as error:
        raise AutoscalingNotResumed(resource_id) from error
    return result


def suspend(resource_id: str, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[bool]:
    """Suspend scaling out of a service. Return False if nothing scales it out anyway."""
    target = yield from requests.find(resource_id, limits)
    if target is None:
        log.info("%s is no scalable target: there is no scaling to pause", resource_id)
        return False
    left = TAG in (yield from requests.tags_of(target, limits))  # by a program that was killed, or that still runs
    if target.suspended[OUT] and not left:
        return False  # its owner has suspended it
    if not left:
        before = " ".join(f"{name}={str(target.suspended[name]).lower()}" for name in FLAGS)
        yield from requests.tag(target, TAG, before, limits)
    yield from requests.register(target, {**target.suspended, OUT: True}, limits)
    log.info("scaling out of %s is suspended during the deployment", resource_id)
    return True


def resume(resource_id: str, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[bool]:
    """Resume scaling out of a service as it was before `suspend`. Return False if nothing was suspended by it.

    What others have suspended or resumed meanwhile stays as it is.
    """
    target = yield from requests.find(resource_id, limits)
    if target is None:
        return False
    before = (yield from requests.tags_of(target, limits)).get(TAG)
    if before is None:
        return False
    yield from requests.register(target, {**target.suspended, OUT: f"{OUT}=true" in before.split()}, limits)
    yield from requests.untag(target, TAG, limits)
    log.info("scaling out of %s is resumed", resource_id)
    return True


def _resume_after_error(resource_id: str) -> Flow[None]:
    """Resume scaling out after a flow has failed or was cancelled: its error is raised, so this one is logged."""
    try:
        yield from resume(resource_id, CLEANUP_LIMITS)
    except EcsError as error:
        log.warning("%s: %s; %s", resource_id, described(error), _advice(resource_id))
    except (GeneratorExit, Cancelled):
        log.warning("%s: the clean-up was cut short; %s", resource_id, _advice(resource_id))
        raise


def _advice(resource_id: str) -> str:
    _, cluster, name = resource_id.split("/")
    return (
        "scaling out may stay suspended until the next deployment that pauses it, or until"
        f" `ecs.services.resume_autoscaling({name!r}, cluster={cluster!r})`"
    )
