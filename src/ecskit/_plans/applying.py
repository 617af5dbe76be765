"""The method `services.apply`: carry out a plan, with the verbs that there are.

The plan is made again first. So a plan of another process needs no requests in its JSON, what was applied before is
not applied twice, and what has changed since is found.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from os import PathLike

import attrs

from ecskit._autoscaling.pausing import check_pause, paused, resource_id_of, resume
from ecskit._core.documented import Documented
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._core.wording import escaped
from ecskit._deployments.arguments import FollowOptions, RollbackOptions
from ecskit._deployments.deploy import follow_to_end, make_and_follow
from ecskit._deployments.errors import DeploymentFailed, DeploymentRolledBack
from ecskit._deployments.follow import Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import primary_of, primary_started
from ecskit._deployments.update import Update
from ecskit._plans.errors import PlanOutdated
from ecskit._plans.given import check_region, inputs_of
from ecskit._plans.leaving import logged
from ecskit._plans.making import make_plan
from ecskit._plans.plan import Plan, Steps, differences
from ecskit._polling.errors import NotVisible, WaitError, WaitTimeout
from ecskit._polling.options import WaitOptions
from ecskit._services.creating import create
from ecskit._task_definitions.registering import register_if_changed
from ecskit._waits.stability import has_task_sets
from ecskit.models.common import Tag
from ecskit.models.services import CreateServiceRequest, Service, UpdateServiceRequest
from ecskit.models.tags import TagResourceRequest
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["Applied", "apply"]

log = logging.getLogger("ecskit")


@attrs.frozen(kw_only=True)
class Applied(Documented):
    """The result of `services.apply`."""

    plan: Plan
    """The plan that was carried out; empty if the service was as planned already."""
    service: Service
    """The service, as the last poll or response showed it."""
    task_definition: str | None
    """ARN of the task definition that the plan names, or that was registered; None if it stayed as it was."""
    progress: DeploymentProgress | None
    """The last progress of the deployment; None after a creation, and if none was followed."""

    @property
    def changed(self) -> bool:
        """Whether this call changed anything."""
        return self.plan.changed

    def __str__(self) -> str:
        """Return what was done, and the state of the service, in one line."""
        service = self.service
        done = "was as planned already"
        if self.changed:
            done = "was created" if self.plan.action == "create" else "was changed"
        state = f"{service.running_count or 0} of {service.desired_count or 0} tasks running"
        runs = f"{str(service.task_definition).rsplit('/', 1)[-1]}, " if service.task_definition else ""
        return escaped(f"service {self.plan.service} {done}: {self.progress or runs + state}")


def apply(
    plan: Plan,
    *,
    definition: CreateServiceRequest | str | PathLike[str] | None = None,
    task_definition: str | PathLike[str] | TaskDefinition | RegisterTaskDefinitionRequest | None = None,
    variables: Mapping[str, str] | None = None,
    require_unchanged: bool = True,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
    pause_autoscaling: bool = False,
) -> Flow[Applied]:
    """Carry out a plan, and wait until the deployment that follows has succeeded.

    Registers the task definition, sets tags, and sends one CreateService or UpdateService. If the service is as planned
    already, nothing is sent; a deployment that is in progress is followed. So a call can be repeated after it was
    interrupted. After a creation there is no earlier revision: with `on_failure="rollback"` the service is left as it
    is, and the error reports that. For services with the controller EXTERNAL or CODE_DEPLOY, the call returns when ECS
    has accepted the change.

    Args:
        plan: What `services.plan` or `Plan.from_json` returned.
        definition: The definition again, or the path of its file, after `Plan.from_json`. It must be the same, with the
            same values of its placeholders.
        task_definition: The task definition again, after `Plan.from_json`: what was passed to `services.plan`, or the
            path of its file, which ends in .json, .yaml or .yml.
        variables: The values of placeholders, if `definition` or `task_definition` are paths.
        require_unchanged: Whether to raise PlanOutdated, and change nothing, if the service or the latest revision of
            its task definition has changed since the plan was made. Otherwise what the definition states is applied to
            the service as it is now.
        follow_options: How far, and how, to follow the deployment.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait, from the change of the service, and how often to poll.
        pause_autoscaling: Whether to suspend scaling out by Application Auto Scaling during the deployment, and resume
            it on every way out. ECS itself stops scaling in. A program that is killed leaves it suspended; the next
            call with this argument, or `services.resume_autoscaling`, resumes it.

    Returns:
        What was done, the service, and the last progress of the deployment.

    Raises:
        AutoscalingNotResumed: The plan was carried out, but scaling out could not be resumed.
        PlanOutdated: The service has changed since the plan was made; nothing was changed.
        RequestError: An argument is wrong, the plan is for another account or region, or the definitions are not those
            of the plan; nothing was sent.
        ServiceError: ECS refuses a request. If the service was changed, `story.handle` of the error is the handle of
            the deployment.
        TransportError: ECS could not be reached. If it is unknown whether the service was changed, `story.handle` of
            the error waits for a deployment that may never appear.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    verb = "services.apply"
    inputs = inputs_of(verb, plan, definition, task_definition, variables)
    if not isinstance(require_unchanged, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected True or False, got {type(require_unchanged).__name__}"
        raise RequestError(verb, [("require_unchanged", problem)])
    rollback_options.check(verb)
    follow_options.check(verb)
    wait_options.check(verb)
    if pause_autoscaling is not False:
        check_pause(verb, pause_autoscaling)

    def flow() -> Flow[Applied]:
        yield from check_region(verb, plan)
        now = yield from make_plan(verb, inputs, plan.salt)
        if now.cluster != plan.cluster:
            problem = f"is for {plan.cluster}, and the credentials of this client are for {now.cluster}"
            raise RequestError(verb, [("plan", problem)])
        if now.changed and require_unchanged:
            found = differences(plan, now)
            if found:
                raise PlanOutdated(plan, now, found)
        carried_out = _carry_out(now, verb, follow_options, rollback_options, wait_options)
        service = now.steps.before if now.steps else None
        if service is None or not pause_autoscaling:
            return (yield from carried_out)
        if now.changed or _is_under_way(service):
            return (yield from paused(service, carried_out))
        yield from resume(resource_id_of(service))  # a program that was killed may have left it suspended
        return (yield from carried_out)

    return logged(f"service {plan.service}", flow())


def _carry_out(
    plan: Plan, verb: str, follow_options: FollowOptions, rollback_options: RollbackOptions, wait_options: WaitOptions
) -> Flow[Applied]:
    steps: Steps = plan.steps or Steps()
    definition, request = plan.task_definition, steps.request
    if steps.registration is not None:
        definition = (yield from register_if_changed(steps.registration)).definition.task_definition_arn
        request = request and attrs.evolve(request, task_definition=definition)
    service = steps.before
    progress: DeploymentProgress | None = None
    if service is not None and steps.tags:  # before the update, whose tasks may take the tags of the service
        tags = [Tag(key=key, value=value) for key, value in steps.tags.items()]
        yield from Retrying(TagResourceRequest(resource_arn=service.service_arn, tags=tags)).send()
    if isinstance(request, CreateServiceRequest):
        request = attrs.evolve(request, client_token=request.client_token or plan.salt)
        service = yield from _create(request, follow_options, rollback_options, wait_options)
    elif isinstance(request, UpdateServiceRequest) and service is not None:
        update = Update(before=service, request=request)
        if has_task_sets(service):  # ECS deploys nothing
            yield from update.make()
        else:
            progress = yield from make_and_follow(update, follow_options, rollback_options, wait_options, verb)
        service = (progress and progress.service) or update.after or service
    elif service is not None and _is_under_way(service):
        tracker = Tracker.of(primary_started(service), follow_options, wait_options, verb=verb)
        yield from follow_to_end(tracker, rollback_options)
        progress = tracker.progress
        service = progress.service or service
    assert service is not None  # it was read, or created
    return Applied(plan=plan, service=service, task_definition=definition, progress=progress)


def _is_under_way(service: Service) -> bool:
    """Whether the service is being deployed, by what was read before."""
    primary = None if has_task_sets(service) else primary_of(service)
    return primary is not None and primary.rollout_state == "IN_PROGRESS"


def _create(
    request: CreateServiceRequest,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Flow[Service]:
    try:
        return (yield from create(request, follow_options=follow_options, wait_options=wait_options))
    except WaitError as error:
        failed = isinstance(error, DeploymentFailed) and rollback_options.on_failure == "rollback"
        late = isinstance(error, (WaitTimeout, NotVisible)) and rollback_options.on_timeout == "rollback"
        if isinstance(error, DeploymentRolledBack) or not (failed or late):
            raise
        left = "the service was created and is left as it is, because there is no earlier revision to roll back to"
        log.warning("%s: %s", request.service_name, left)
        reasons = {key: f"{why}; {left}" for key, why in error.story.reasons.items()}
        raise type(error)(attrs.evolve(error.story, reasons=reasons)) from error
