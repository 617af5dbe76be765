"""Run a deployment while scaling out is suspended, and resume it on every way out.

ECS itself stops scaling in while it deploys. How scaling stood before is kept in a tag of the scalable target, which is
written first: if the program is killed, the next deployment, or `resume_autoscaling`, finds it there.
"""

from __future__ import annotations

import logging
from typing import TypeVar

from ecskit._autoscaling import requests
from ecskit._autoscaling.errors import AutoscalingNotResumed
from ecskit._autoscaling.requests import FLAGS, OUT, ScalableTarget
from ecskit._core.effects import INTERRUPTS, CallbackRaised, Cancelled, Flow
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._core.retrying import CLEANUP_LIMITS, DEFAULT_LIMITS, RetryLimits
from ecskit.models.services import Service

__all__ = ["TAG", "check_pause", "paused", "resource_id_of", "resume"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

TAG = "ecskit:autoscaling-before"
"""The key of the tag. Its value is the suspended state before, such as `DynamicScalingOutSuspended=false`."""


def check_pause(verb: str, pause_autoscaling: object) -> None:
    """Raise RequestError if the argument is no bool."""
    if not isinstance(pause_autoscaling, bool):
        problem = f"expected True or False, got {type(pause_autoscaling).__name__}"
        raise RequestError(verb, [("pause_autoscaling", problem)])


def resource_id_of(service: Service) -> str:
    """Return what Application Auto Scaling calls a service: `service/CLUSTER/NAME`."""
    return f"service/{service.cluster_arn.rsplit('/', 1)[-1]}/{service.service_name}"


def paused(service: Service, flow: Flow[T]) -> Flow[T]:
    """Run a flow while scaling out of a service is suspended. A service that nothing scales out is left as it is.

    Raises:
        AutoscalingNotResumed: The flow succeeded, but scaling out could not be resumed.
        EcsError: The error of the flow; or scaling out could not be suspended, and the flow was not run.
    """
    resource_id = resource_id_of(service)
    target = yield from requests.find(resource_id, DEFAULT_LIMITS)
    # The tag is there if a program was killed, or still runs.
    before = (yield from requests.tags_of(target, DEFAULT_LIMITS)).get(TAG) if target else None
    if target is None or (target.suspended[OUT] and before is None):
        log.info("%s: nothing scales it out, so nothing is suspended", resource_id)
        return (yield from flow)
    done: list[T] = []
    try:
        if before is None:
            yield from _remember(target)
        yield from requests.register(target, {**target.suspended, OUT: True}, DEFAULT_LIMITS)
        log.info("%s: scaling out is suspended during the deployment", resource_id)
        done.append((yield from flow))
        yield from resume(resource_id)
    except GeneratorExit:
        log.warning("%s: the program was cut short; %s", resource_id, _advice(resource_id))
        raise
    except (Exception, Cancelled, CallbackRaised, *INTERRUPTS) as raised:
        resumed = yield from _resume_after_error(resource_id, again=not isinstance(raised, Cancelled))
        if not done or not isinstance(raised, EcsError):
            raise
        if not resumed:
            raise AutoscalingNotResumed(resource_id) from raised
    return done[0]


def _remember(target: ScalableTarget) -> Flow[None]:
    state = " ".join(f"{name}={str(target.suspended[name]).lower()}" for name in FLAGS)
    yield from requests.tag(target, TAG, state, DEFAULT_LIMITS)


def resume(resource_id: str, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[bool]:
    """Resume scaling out of a service as it was before `paused`. Return False if no program has suspended it so.

    What others have suspended or resumed meanwhile stays as it is. The tag is removed last.
    """
    target = yield from requests.find(resource_id, limits)
    before = (yield from requests.tags_of(target, limits)).get(TAG) if target else None
    if target is None or before is None:
        return False
    yield from requests.register(target, {**target.suspended, OUT: f"{OUT}=true" in before.split()}, limits)
    yield from requests.untag(target, TAG, limits)
    log.info("%s: scaling out is resumed", resource_id)
    return True


def _resume_after_error(resource_id: str, *, again: bool) -> Flow[bool]:
    """Resume scaling out after an error, which is raised: so an error of this is logged. Return whether it was resumed.

    If this is cancelled itself, it is done `again`, in the time that drivers give clean-ups.
    """
    try:
        yield from resume(resource_id, CLEANUP_LIMITS)
    except EcsError as error:
        log.warning("%s: %s; %s", resource_id, described(error), _advice(resource_id))
        return False
    except GeneratorExit:
        log.warning("%s: the clean-up was cut short; %s", resource_id, _advice(resource_id))
        raise
    except Cancelled:
        if again:
            yield from _resume_after_error(resource_id, again=False)
        raise
    return True


def _advice(resource_id: str) -> str:
    _, cluster, name = resource_id.split("/")
    return (
        "scaling out may stay suspended until the next deployment with `pause_autoscaling`, or until"
        f" `ecs.services.resume_autoscaling({name!r}, cluster={cluster!r})`"
    )
