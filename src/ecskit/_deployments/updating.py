"""The one UpdateService that makes a change.

An UpdateService that starts a deployment ends the one before, so it must not be sent twice. While it is not known what
became of it, the service tells: a deployment that was not there before is the one that was asked for.
"""

from __future__ import annotations

import logging
from typing import Any

import attrs

from ecskit._core.call import call
from ecskit._core.effects import Cancelled, Flow, Sleep
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.retrying import ATTEMPTS, RetryLimits, back_off, is_transient, may_have_taken_effect
from ecskit._core.wire import encode
from ecskit._deployments.change import Change, task_definition_for
from ecskit._deployments.errors import DeploymentInProgress
from ecskit._deployments.observing import deployments_of, describe_service
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import (
    StartedDeployment,
    check_controller,
    goes_back,
    id_of_revision,
    is_named,
    primary_of,
    started_from,
)
from ecskit.models.services import (
    Deployment,
    DescribeServiceRevisionsRequest,
    Service,
    ServiceDeploymentBrief,
    UpdateServiceRequest,
)

__all__ = ["Update"]

log = logging.getLogger("ecskit")

VISIBLE_WITHIN = 60.0
"""Seconds after which an update whose answer was lost, and that no read shows, has not been made."""
_REVISIONS = 20
"""Revisions that one DescribeServiceRevisions takes."""


@attrs.define(kw_only=True)
class Update:
    """One change of a service, and what is known of it: also for whoever has to clean up behind it."""

    before: Service
    request: UpdateServiceRequest
    pending: bool = False
    """Whether it was sent without anybody having seen the answer."""
    after: Service | None = None
    """The service, as the answer showed it."""
    _replaced: bool = attrs.field(default=False, init=False)
    """Whether the service was deleted meanwhile."""
    _doubtful: bool = attrs.field(default=False, init=False)
    """Whether somebody else has deployed something, so that it cannot be told what became of this."""

    @classmethod
    def of(cls, change: Change, before: Service, verb: str) -> Flow[Update]:
        """Return the update that makes a change, with the task definition registered.

        Raises:
            UnsupportedController: It is not ECS that controls the deployments of the service.
            DeploymentInProgress: The service is being deployed, and must not be.
            RequestError: The service does not take such a change.
        """
        check_controller(before, *(["EXTERNAL"] if change.counts_only else []))
        if change.require_idle:
            busy = next(filter(_is_under_way, before.deployments), None)
            if busy is not None:
                raise DeploymentInProgress(before.service_name, before.current_service_deployment or busy.id)
        if change.desired_count is not None and before.scheduling_strategy == "DAEMON":
            problem = "means nothing to a DAEMON service, which runs one task on each container instance; leave it out"
            raise RequestError(verb, [("desired_count", problem)])
        definition = yield from task_definition_for(change, before)
        request = change.request(before.service_arn, definition, before)
        return cls(before=before, request=attrs.evolve(request, cluster=before.cluster_arn))

    def make(self) -> Flow[StartedDeployment]:
        """Send the update, once, and return the deployment that it led to.

        Raises:
            EcsError: ECS refuses, or it is not known what became of it; then it holds a handle.
        """
        attempt, lost = 1, False
        while True:
            self.pending = True
            try:
                # Through the client that makes one attempt: a second UpdateService may end what the first one began.
                answer = yield from call(self.request, single_attempt=True)
            except Cancelled as cancelled:
                self.pending = cancelled.sent
                raise
            except EcsError as error:
                self.pending = may_have_taken_effect(error)
                lost = lost or self.pending
                if lost:
                    # What ends this from now on leaves it open whether the service was changed.
                    error.story = error.story or DeploymentProgress(started=self.unanswered).story()
                if self.pending:
                    found = (yield from self.found()) or (yield from self._passed())
                    if found is not None:
                        return found
                    if self.request.force_new_deployment or self._doubtful or attempt >= ATTEMPTS:
                        raise
                elif not is_transient(error) or attempt >= ATTEMPTS:
                    raise
                yield from back_off(attempt)
                attempt += 1
                continue
            self.pending = False
            return self.started(answer.service)

    def found(self, within: float = VISIBLE_WITHIN) -> Flow[StartedDeployment | None]:
        """Return the deployment that an update without an answer led to, if reads show one in time."""
        if not self._would_show():
            return None
        until = (yield Sleep(0)).now + within
        attempt = 1
        while True:
            try:
                after = yield from describe_service(self.unanswered)
            except EcsError as error:
                if not error.retryable:
                    error.story = error.story or DeploymentProgress(started=self.unanswered).story()
                    raise
            else:
                if after is not None and not self._is_successor(after) and self._shows(after):
                    self.pending = False
                    return self.started(after)
                now, before = after and primary_of(after), primary_of(self.before)
                self._doubtful = self._doubtful or bool(now and before and _is_later(now, before))
                known = (self.before.desired_count, self.request.desired_count)
                if after is not None and not self._begins() and after.desired_count not in known:
                    self._doubtful = True
                if after is not None and (self._is_successor(after) or after.status in ("DRAINING", "INACTIVE")):
                    self._doubtful = self._replaced = True
            if (yield from back_off(attempt, RetryLimits(until=until))) >= until:
                return None
            attempt += 1

    def _passed(self) -> Flow[StartedDeployment | None]:
        """Return the deployment of an update without an answer that was over before a read showed it as PRIMARY."""
        primary = primary_of(self.before)
        if primary is None or not self._begins() or not self._would_show():
            return None
        attempt = 1
        while True:
            try:
                return (yield from self._passed_by_history(primary))
            except EcsError as error:
                log.info("what became of the update of %s cannot be looked up: %s", self.before.service_name, error)
                if not error.retryable:
                    return None
                if attempt >= ATTEMPTS:
                    self._doubtful = True
                    return None
            yield from back_off(attempt)
            attempt += 1

    def _passed_by_history(self, primary: Deployment) -> Flow[StartedDeployment | None]:
        known = {each.id for each in self.before.deployments}
        listed = yield from deployments_of(attrs.evolve(self.unanswered, created_at=primary.created_at))
        new = {
            each.target_service_revision_arn: each
            for each in listed
            if each.target_service_revision_arn
            and id_of_revision(each.target_service_revision_arn) not in known
            and _is_later(each, primary)
        }
        if not new:
            self._doubtful = self._replaced
            return None
        request = DescribeServiceRevisionsRequest(service_revision_arns=list(new)[-_REVISIONS:])
        revisions = (yield from call(request, single_attempt=True)).service_revisions
        self._doubtful = self._replaced
        wanted = self.request.task_definition or self.before.task_definition
        for revision in revisions:
            brief = new.get(revision.service_revision_arn)
            if brief is not None and is_named(wanted, revision.task_definition):
                self.pending = False
                return attrs.evolve(
                    self.unanswered,
                    deployment_id=id_of_revision(brief.target_service_revision_arn),
                    service_deployment_arn=brief.service_deployment_arn,
                    created_at=brief.created_at,
                    task_definition=revision.task_definition,
                )
        return None

    def _is_successor(self, after: Service) -> bool:
        """Whether a read shows another service of the same name, created since."""
        created, before = after.created_at, self.before.created_at
        return bool(created and before and created > before)

    @property
    def unanswered(self) -> StartedDeployment:
        """The deployment that comes of it, if one comes: that of which there was no answer."""
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

    def _begins(self) -> bool:
        """Whether it can have begun a deployment: counts, and how deployments go, begin none."""
        return bool(encode(self.request).keys() - {"service", "cluster", "desiredCount", "deploymentConfiguration"})

    def _would_show(self) -> bool:
        """Whether reads can tell that it was made."""
        wanted = self.request
        return (
            bool(wanted.force_new_deployment)
            or wanted.task_definition not in (None, self.before.task_definition)
            or wanted.desired_count not in (None, self.before.desired_count)
        )

    def _shows(self, after: Service) -> bool:
        """Whether a read shows that it was made, and not something else by somebody else."""
        primary, before = primary_of(after), primary_of(self.before)
        wanted = self.request
        if wanted.force_new_deployment or wanted.task_definition not in (None, self.before.task_definition):
            if primary is None or (before is not None and not _is_later(primary, before)):
                return False
            return is_named(wanted.task_definition or self.before.task_definition, primary.task_definition)
        return wanted.desired_count == after.desired_count

    def started(self, after: Service) -> StartedDeployment:
        """Return the deployment that the update led to, as the service shows it."""
        self.after = after
        before = primary_of(self.before)
        primary = primary_of(after) or before  # an answer that shows none has not caught up
        if primary is None:
            return attrs.evolve(started_from("services.deploy", after), changed=self._differs(after, None))
        expected: Any = "deployment"
        definition = after.task_definition or primary.task_definition
        if before is not None and not _is_later(primary, before):  # the same, or what a rollback went back to
            wanted = self.request.task_definition
            differs = after.task_definition not in (None, self.before.task_definition)
            if differs or not is_named(wanted, self.before.task_definition) or self.request.force_new_deployment:
                expected = "either"
                if not differs and wanted is not None:
                    definition = wanted if wanted.startswith("arn:") else None  # by a short name it is not known
            elif primary.rollout_state != "IN_PROGRESS" or goes_back(primary) or primary.id != before.id:
                expected = "scaling"
        elif goes_back(primary) or (primary.rollout_state != "IN_PROGRESS" and not self._begins()):
            expected = "scaling"  # somebody else has deployed, or rolled back, meanwhile
        return StartedDeployment(
            service=after.service_arn,
            cluster=after.cluster_arn,
            deployment_id=primary.id,
            task_definition=definition,
            created_at=primary.created_at,
            service_created_at=after.created_at,
            # Others may change what was not asked for.
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
        """Whether the answer shows another service than there was before."""
        before = primary_of(self.before)
        same = primary == (before.id if before else None)
        members = ("desired_count", "task_definition", "deployment_configuration")
        return not same or any(getattr(after, name) != getattr(self.before, name) for name in members)


def _is_later(one: Deployment | ServiceDeploymentBrief, other: Deployment) -> bool:
    """Whether something was begun after a deployment: what was not is an old read."""
    if isinstance(one, Deployment) and one.id == other.id:
        return False
    return one.created_at is None or other.created_at is None or one.created_at >= other.created_at


def _is_under_way(deployment: Deployment) -> bool:
    """Whether it is being deployed, or replaced where there are no rollout states: behind Classic Load Balancers."""
    state = deployment.rollout_state
    return state == "IN_PROGRESS" or (state is None and deployment.status == "ACTIVE")
