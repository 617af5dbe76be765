"""`Update`: the one UpdateService that makes a change, and the deployment that it starts.

An UpdateService that starts a deployment ends the one before, so it must not take effect twice. If its response is
lost, reads of the service show whether it took effect: a deployment that was not there before is the one it started.
"""

from __future__ import annotations

import logging
from typing import Any

import attrs

from ecskit._core.call import call
from ecskit._core.effects import Cancelled, Flow, Sleep
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._core.retrying import Retrying, RetryLimits, back_off, is_retryable, may_have_taken_effect, retry
from ecskit._core.turns import await_turn
from ecskit._core.wire import encode
from ecskit._deployments.arguments import Change
from ecskit._deployments.errors import DeploymentInProgress
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.read import deployments_of, describe_service
from ecskit._deployments.reference import (
    ServiceRef,
    StartedDeployment,
    check_controller,
    goes_back,
    id_of_revision,
    is_named,
    primary_of,
    primary_started,
)
from ecskit._task_definitions.deriving import derive
from ecskit._task_definitions.registering import register_if_changed
from ecskit.models.services import (
    Deployment,
    DescribeServiceRevisionsRequest,
    Service,
    ServiceDeploymentBrief,
    UpdateServiceRequest,
)
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["STARTS_DEPLOYMENT", "Update", "wanted_definition"]

log = logging.getLogger("ecskit")

STARTS_DEPLOYMENT = frozenset(
    "taskDefinition networkConfiguration platformVersion loadBalancers serviceRegistries serviceConnectConfiguration"
    " volumeConfigurations vpcLatticeConfigurations".split()
)
"""Members of UpdateService whose change starts a deployment.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""
VISIBLE_WITHIN = 60.0
"""Seconds to poll for the effect of an update whose response was lost. If no read shows one, there was none."""
_REVISIONS = 20
"""Service revisions in one DescribeServiceRevisions."""


@attrs.define(kw_only=True)
class Update:
    """One change of a service. `pending` and `after` change while it is made, because a clean-up needs them."""

    before: Service
    """The service before the change."""
    request: UpdateServiceRequest
    pending: bool = False
    """Whether the request was sent, and its effect is unknown."""
    after: Service | None = None
    """The service, as the response showed it."""
    _replaced: bool = attrs.field(default=False, init=False)
    """Whether the service was deleted during the update."""
    _ambiguous: bool = attrs.field(default=False, init=False)
    """Whether another process has changed the service, so that reads do not show the effect of this request."""

    @classmethod
    def of(cls, change: Change, before: Service, verb: str) -> Flow[Update]:
        """Return the update that makes a change, after registering the task definition.

        Raises:
            UnsupportedController: ECS does not control the deployments of the service.
            DeploymentInProgress: The service is being deployed, and the change has `require_idle`.
            RequestError: A service of this kind does not take the change.
        """
        check_controller(before, *(["EXTERNAL", "CODE_DEPLOY"] if change.counts_only else []))
        if change.require_idle:
            busy = next(filter(_is_under_way, before.deployments), None)
            if busy is not None:
                raise DeploymentInProgress(before.service_name, before.current_service_deployment or busy.id)
        if change.desired_count is not None and before.scheduling_strategy == "DAEMON":
            problem = "does not apply to a DAEMON service, which runs one task on each container instance; leave it out"
            raise RequestError(verb, [("desired_count", problem)])
        definition = yield from _task_definition_for(change, before)
        request = change.request(before.service_arn, definition, before)
        return cls(before=before, request=attrs.evolve(request, cluster=before.cluster_arn))

    def make(self) -> Flow[StartedDeployment]:
        """Make the change once, and return the deployment that it started.

        Raises:
            EcsError: ECS refuses the request, or its effect is unknown. In the second case `story` has a handle.
        """
        lost = False
        failed: EcsError | None = None

        def attempt() -> Flow[StartedDeployment]:
            nonlocal lost, failed
            yield from await_turn({self.request._operation: 1}, first=failed is not None)
            self.pending = True
            try:
                # The transport must not repeat it: a second UpdateService can end the deployment of the first one.
                response = yield from call(self.request, single_attempt=True)
            except Cancelled as cancelled:
                self.pending = cancelled.sent
                raise
            except EcsError as error:
                failed, self.pending = error, may_have_taken_effect(error)
                lost = lost or self.pending
                if lost:
                    # From now on every error leaves the effect of an earlier attempt unknown.
                    error.story = error.story or DeploymentProgress(started=self.unconfirmed).story()
                found = None
                if self.pending:
                    found = (yield from self.find_effect()) or (yield from self._find_ended())
                if found is None:
                    raise
                return found
            self.pending = False
            return self.started(response.service)

        def may_pass(error: EcsError, _: int) -> bool:
            if error is not failed:
                return False  # the effect cannot be read
            return not (self.request.force_new_deployment or self._ambiguous) if self.pending else is_retryable(error)

        return retry(attempt, may_pass=may_pass)

    def find_effect(self, within: float = VISIBLE_WITHIN) -> Flow[StartedDeployment | None]:
        """Return the deployment that a request without a response started; None if no read shows one in time."""
        if not self._would_show():
            return None
        service, until = ServiceRef.of(self.before), (yield Sleep(0)).now + within
        attempt = 1
        while True:
            try:
                after = yield from describe_service(service)
            except EcsError as error:
                if not error.retryable:
                    error.story = error.story or DeploymentProgress(started=self.unconfirmed).story()
                    raise
            else:
                if after is not None and not self._is_successor(after) and self._shows(after):
                    self.pending = False
                    return self.started(after)
                now, before = after and primary_of(after), primary_of(self.before)
                self._ambiguous = self._ambiguous or bool(now and before and _is_later(now, before))
                counts = (self.before.desired_count, self.request.desired_count)
                if after is not None and not self._starts_deployment() and after.desired_count not in counts:
                    self._ambiguous = True
                if after is not None and (self._is_successor(after) or after.status in ("DRAINING", "INACTIVE")):
                    self._ambiguous = self._replaced = True
            if (yield from back_off(attempt, RetryLimits(until=until))) >= until:
                return None
            attempt += 1

    def _find_ended(self) -> Flow[StartedDeployment | None]:
        """Return the deployment that a request without a response started and that ended before a read showed it."""
        primary = primary_of(self.before)
        if primary is None or not self._starts_deployment() or not self._would_show():
            return None
        try:
            return (yield from retry(lambda: self._find_in_history(primary)))
        except EcsError as error:
            log.info("the effect of the update of %s cannot be read: %s", self.before.service_name, described(error))
            self._ambiguous = self._ambiguous or error.retryable
            return None

    def _find_in_history(self, primary: Deployment) -> Flow[StartedDeployment | None]:
        earlier = {each.id for each in self.before.deployments}
        listed = yield from deployments_of(ServiceRef.of(self.before), primary.created_at)
        new = {
            each.target_service_revision_arn: each
            for each in listed
            if each.target_service_revision_arn
            and id_of_revision(each.target_service_revision_arn) not in earlier
            and _is_later(each, primary)
        }
        if not new:
            self._ambiguous = self._replaced
            return None
        request = DescribeServiceRevisionsRequest(service_revision_arns=list(new)[-_REVISIONS:])
        revisions = (yield from call(request, single_attempt=True)).service_revisions
        self._ambiguous = self._replaced
        definition = self.request.task_definition or self.before.task_definition
        for revision in revisions:
            brief = new.get(revision.service_revision_arn)
            if brief is not None and is_named(definition, revision.task_definition):
                self.pending = False
                return attrs.evolve(
                    self.unconfirmed,
                    deployment_id=id_of_revision(brief.target_service_revision_arn),
                    service_deployment_arn=brief.service_deployment_arn,
                    created_at=brief.created_at,
                    task_definition=revision.task_definition,
                )
        return None

    def _is_successor(self, after: Service) -> bool:
        """Whether a read shows a later service of the same name."""
        created, before = after.created_at, self.before.created_at
        return bool(created and before and created > before)

    @property
    def unconfirmed(self) -> StartedDeployment:
        """The deployment that the request may have started, with what is known without a response."""
        primary = primary_of(self.before)
        named = self.request.task_definition
        return StartedDeployment(
            service=self.before.service_arn,
            cluster=self.before.cluster_arn,
            task_definition=named,
            service_created_at=self.before.created_at,
            previous_id=primary.id if primary else None,
            previous_arn=self.before.current_service_deployment,
            previous_task_definition=self.before.task_definition,
        )

    def _starts_deployment(self) -> bool:
        """Whether the request can start a deployment. Another desired count or deployment configuration starts none."""
        return bool(encode(self.request).keys() - {"service", "cluster", "desiredCount", "deploymentConfiguration"})

    def _changes_revision(self) -> bool:
        """Whether the request changes another member of a revision than the task definition."""
        return bool(encode(self.request).keys() & STARTS_DEPLOYMENT - {"taskDefinition"})

    def _would_show(self) -> bool:
        """Whether reads can show that the request took effect."""
        requested = self.request
        return (
            bool(requested.force_new_deployment)
            or requested.task_definition not in (None, self.before.task_definition)
            or requested.desired_count not in (None, self.before.desired_count)
        )

    def _shows(self, after: Service) -> bool:
        """Whether a read shows the effect of the request, and not of another one."""
        primary, before = primary_of(after), primary_of(self.before)
        requested = self.request
        if requested.force_new_deployment or requested.task_definition not in (None, self.before.task_definition):
            if primary is None or (before is not None and not _is_later(primary, before)):
                return False
            return is_named(requested.task_definition or self.before.task_definition, primary.task_definition)
        return requested.desired_count == after.desired_count

    def started(self, after: Service) -> StartedDeployment:
        """Return the deployment that the update started, as the service shows it."""
        self.after = after
        before = primary_of(self.before)
        primary = primary_of(after) or before  # a response without one is outdated
        if primary is None:
            return attrs.evolve(primary_started(after), changed=self._differs(after, None))
        expected: Any = "deployment"
        definition = after.task_definition or primary.task_definition
        if before is not None and not _is_later(primary, before):  # the same, or the target of a rollback
            requested = self.request.task_definition
            differs = after.task_definition not in (None, self.before.task_definition)
            starts = self.request.force_new_deployment or self._changes_revision()
            if differs or not is_named(requested, self.before.task_definition) or starts:
                expected = "either"
                if not differs and requested is not None:
                    # A short name does not name one revision.
                    definition = requested if requested.startswith("arn:") else None
            elif primary.rollout_state != "IN_PROGRESS" or goes_back(primary) or primary.id != before.id:
                expected = "scaling"
        elif goes_back(primary) or (primary.rollout_state != "IN_PROGRESS" and not self._starts_deployment()):
            expected = "scaling"  # another process has deployed or rolled back since
        return StartedDeployment(
            service=after.service_arn,
            cluster=after.cluster_arn,
            deployment_id=primary.id,
            task_definition=definition,
            created_at=primary.created_at,
            service_created_at=after.created_at,
            # Another process may change a count that was not requested.
            desired_count=after.desired_count
            if expected != "scaling" or self.request.desired_count is not None
            else None,
            expected=expected,
            changed=expected == "either" or self._differs(after, primary.id),
            previous_id=before.id if before else None,
            previous_arn=self.before.current_service_deployment,
            previous_task_definition=self.before.task_definition,
        )

    def _differs(self, after: Service, primary: str | None) -> bool:
        """Whether the response shows another state of the service than before."""
        before = primary_of(self.before)
        same = primary == (before.id if before else None)
        members = ("desired_count", "task_definition", "deployment_configuration")
        return not same or any(getattr(after, name) != getattr(self.before, name) for name in members)


def _is_later(one: Deployment | ServiceDeploymentBrief, other: Deployment) -> bool:
    """Whether a deployment began after another one. If not, the read is outdated."""
    if isinstance(one, Deployment) and one.id == other.id:
        return False
    return one.created_at is None or other.created_at is None or one.created_at >= other.created_at


def _is_under_way(deployment: Deployment) -> bool:
    """Whether it is in progress. Behind Classic Load Balancers ECS shows no rollout state: then ACTIVE means so."""
    state = deployment.rollout_state
    return state == "IN_PROGRESS" or (state is None and deployment.status == "ACTIVE")


def _task_definition_for(change: Change, before: Service) -> Flow[str | None]:
    """Return the task definition to deploy, after registering it if needed; None if it stays as it is."""
    wanted = yield from wanted_definition(change, before.task_definition, "services.deploy")
    if isinstance(wanted, RegisterTaskDefinitionRequest):
        return (yield from register_if_changed(wanted)).definition.task_definition_arn
    return wanted


def wanted_definition(
    change: Change, current: str | None, verb: str
) -> Flow[str | RegisterTaskDefinitionRequest | None]:
    """Return the task definition to deploy: one that exists, or a request to register one; None if it stays as it is.

    Args:
        change: The task definition, and what to derive from it.
        current: The task definition of the service.
        verb: The name of the method, for messages.

    Raises:
        RequestError: There is no task definition to derive from, or it has not the containers that the change names.
    """
    given = change.task_definition
    if not change.derives:
        return given.task_definition_arn if isinstance(given, TaskDefinition) else given
    tags: Any = None
    if given is None or isinstance(given, str):
        name = given or current
        if name is None:
            raise RequestError(verb, [("images", "there is no task definition to change; pass `task_definition`")])
        described = DescribeTaskDefinitionRequest(task_definition=name, include=["TAGS"])
        read = yield from Retrying(described, single_attempt=True).send()
        given = read.task_definition
        tags = [tag for tag in read.tags if not (tag.key or "").startswith("aws:")] or None
    return derive(given, images=change.images, environment=change.environment, secrets=change.secrets, tags=tags)
