"""Changing a service: what is to become of it, and the one UpdateService that says so.

An UpdateService that starts a deployment ends the one before, so it must not be sent twice. While it is not known what
became of it, the service tells: a deployment that was not there before is the one that was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ecskit._core.backing_off import ATTEMPTS, back_off
from ecskit._core.call import call
from ecskit._core.deployment_errors import DeploymentInProgress
from ecskit._core.effects import Cancelled, Flow, Sleep
from ecskit._core.errors import CredentialsError, EcsError, RequestError, ServerError, TransportError
from ecskit._core.model import Model
from ecskit._core.service_errors import ServicesMissing
from ecskit._core.wire import encode
from ecskit._generated.operations import OPERATIONS
from ecskit.models.literals import DeploymentStrategy
from ecskit.models.services import (
    Deployment,
    DeploymentConfiguration,
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
from ecskit.services.progress import DeploymentProgress
from ecskit.services.started import (
    StartedDeployment,
    check_controller,
    goes_back,
    id_of_revision,
    primary_of,
    started_from,
)
from ecskit.services.watching import deployments_of, describe_service
from ecskit.task_definitions.deriving import derive
from ecskit.task_definitions.registering import register_if_changed
from ecskit.tasks.insisting import Insisting
from ecskit.tasks.reasons import is_throttle_in_disguise
from ecskit.waits.asking import asked_for
from ecskit.waits.services import SERVICE

__all__ = ["Change", "Update", "check_service", "read_service"]

log = logging.getLogger("ecskit")

VISIBLE_WITHIN = 60.0
"""Seconds after which an update whose answer was lost, and that no read shows, has not been made."""
_READS = 4
"""How often a service is looked for that ECS does not show: it may have just been made."""
_REVISIONS = 20
"""Revisions that one DescribeServiceRevisions takes."""


@attrs.frozen(kw_only=True, repr=False)  # an environment may hold secrets
class Change:
    """What is to become of a service.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.

    Raises:
        DeploymentInProgress: The service is being deployed already, and `require_idle` is set; nothing was changed.
        UnsupportedController: It is not ECS that controls the deployments of the service; nothing was changed.
        ServicesMissing: There is no such service.
        RequestError: An argument is wrong, or there is nothing to deploy; nothing was changed.
        ServiceError: ECS refuses. If it did so after the service was changed, `story.handle` of the error is the
            deployment's.
        TransportError: ECS could not be reached. If it is not known whether the service was changed, `story.handle` of
            the error waits for a deployment that may never come.
    """

    cluster: str | None = None
    """Name or ARN of the cluster; ECS uses `default` where it is absent."""
    images: Mapping[str, str] | None = None
    """The new image of each of these containers, by the container's name."""
    environment: Mapping[str, Mapping[str, str | None]] | None = None
    """Environment variables to set, by the container's name and then their own. Others stay; None takes one away."""
    secrets: Mapping[str, Mapping[str, str | None]] | None = None
    """Secrets to set, by the container's name and then that of the variable. Others stay; None takes one away."""
    task_definition: str | TaskDefinition | RegisterTaskDefinitionRequest | None = None
    """The task definition to deploy: family, family:revision or ARN, one that ECS described, or a request to register
    it, which is done if it differs from the latest revision. With images, environment or secrets it is what they
    change; else they change the one that the service has."""
    force: bool = False
    """Whether to start a deployment even if nothing differs: to pull an image again whose tag moved, for example."""
    desired_count: int | None = None
    """How many tasks there are to be; it stays as it is where this is absent."""
    strategy: DeploymentStrategy | None = None
    """ROLLING, BLUE_GREEN, LINEAR or CANARY; the rest of the service's deployment configuration stays."""
    deployment_configuration: DeploymentConfiguration | None = None
    """The deployment configuration, in place of the one that the service has."""
    require_idle: bool = False
    """Whether to change nothing, and raise, if the service is being deployed already."""

    def check(self, verb: str) -> None:
        """Raise RequestError if something is not what it must be, or if there is nothing to deploy."""
        wanted = (self.images, self.environment, self.secrets, self.task_definition, self.desired_count)
        if all(each is None for each in (*wanted, self.strategy, self.deployment_configuration)) and not self.force:
            told = "there is nothing to deploy: give images, environment, secrets, a task definition, or force=True"
            raise RequestError(verb, [("images", told)])
        problems: list[tuple[str, str]] = []
        definition: Any = self.task_definition
        if definition == "" or not isinstance(
            definition, (str, TaskDefinition, RegisterTaskDefinitionRequest, type(None))
        ):
            told = repr(definition) if definition == "" else type(definition).__name__
            expected = "expected a family, family:revision, ARN, TaskDefinition or RegisterTaskDefinitionRequest"
            problems.append(("task_definition", f"{expected}, got {told}"))
        if self.strategy is not None and self.deployment_configuration is not None:
            problems.append(("strategy", "cannot be combined with deployment_configuration; put it in there"))
        for name, given in (("images", self.images), ("environment", self.environment), ("secrets", self.secrets)):
            problems += _problems_of(name, given)
        if not _is_count(self.desired_count):
            problems.append(("desired_count", f"expected a whole number, 0 or more, got {self.desired_count!r}"))
        for name, flag in (("force", self.force), ("require_idle", self.require_idle)):
            if not isinstance(flag, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
                problems.append((name, f"expected True or False, got {type(flag).__name__}"))
        if problems:
            raise RequestError(verb, problems)
        encode(self.request("service", None))

    @property
    def derives(self) -> bool:
        """Whether the task definition is made from another one."""
        return any(each is not None for each in (self.images, self.environment, self.secrets))

    @property
    def counts_only(self) -> bool:
        """Whether nothing is asked for but another desired count."""
        definition = self.derives or self.force or self.task_definition is not None
        return not (definition or self.strategy or self.deployment_configuration)

    def request(self, service: str, definition: str | None, before: Service | None = None) -> UpdateServiceRequest:
        """Return the request that makes the change; what was not asked for is not in it."""
        configuration = self.deployment_configuration
        if self.strategy is not None:
            known = before.deployment_configuration if before else None
            configuration = attrs.evolve(known or DeploymentConfiguration(), strategy=self.strategy)
        return UpdateServiceRequest(
            service=service,
            cluster=self.cluster,
            task_definition=definition,
            desired_count=self.desired_count,
            deployment_configuration=configuration,
            force_new_deployment=True if self.force else None,
        )


def _is_count(given: object) -> bool:
    return given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 0)


def _problems_of(name: str, given: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what is given for containers; values may be secret, and are not told."""
    if given is not None and not isinstance(given, Mapping):
        yield name, f"expected a mapping from names of containers, got {type(given).__name__}"
        return
    told: Mapping[Any, Any] = given or {}
    for container, value in told.items():
        where = f"{name}[{container!r}]"
        if name == "images":
            if not isinstance(value, str):
                yield where, f"expected the image, got {type(value).__name__}"
        elif not isinstance(value, Mapping):
            yield where, f"expected a mapping from names of variables, got {type(value).__name__}"
        else:
            variables: Mapping[Any, Any] = value
            for variable, each in variables.items():
                if each is not None and not isinstance(each, str):
                    problem = f"expected a str, or None to take it away, got {type(each).__name__}"
                    yield f"{where}[{variable!r}]", problem


def check_service(verb: str, service: object, cluster: str | None) -> None:
    """Raise RequestError if it is not clear which one service is meant."""
    if not isinstance(service, (str, Model)):
        problem = f"expected the name, ARN or model of one service, got {type(service).__name__}"
        raise RequestError(verb, [("service", problem)])
    asked_for(verb, SERVICE, service, cluster=cluster)


def read_service(verb: str, service: str | Service, cluster: str | None) -> Flow[Service]:
    """Return a service as it is now; one that was just made may take a while to be visible.

    Raises:
        RequestError: It is not clear which service is meant.
        ServicesMissing: There is none.
    """
    asked = asked_for(verb, SERVICE, service, cluster=cluster)
    [(name, place)] = asked.places.items()
    meant = StartedDeployment(service=place.id, cluster=place.scope or cluster)
    attempt = 1
    while True:
        try:
            found = yield from describe_service(meant)
        except EcsError as error:
            if not error.retryable or attempt >= ATTEMPTS:
                raise
        else:
            if found is not None:
                return found
            if attempt >= _READS:
                raise ServicesMissing([name], [])
        yield from back_off(attempt)
        attempt += 1


def task_definition_for(change: Change, before: Service) -> Flow[str | None]:
    """Return the task definition to deploy, registered if need be; None if it stays as it is."""
    given = change.task_definition
    if not change.derives:
        if isinstance(given, RegisterTaskDefinitionRequest):
            return (yield from register_if_changed(given)).definition.task_definition_arn
        return given.task_definition_arn if isinstance(given, TaskDefinition) else given
    tags: Any = None
    if given is None or isinstance(given, str):
        name = given or before.task_definition
        if name is None:
            told = f"service {before.service_name} has no task definition that they could change"
            raise RequestError("services.deploy", [("images", told)])
        described = DescribeTaskDefinitionRequest(task_definition=name, include=["TAGS"])
        read = yield from Insisting(described, alone=True).send()
        given = read.task_definition
        tags = [tag for tag in read.tags if not (tag.key or "").startswith("aws:")] or None
    request = derive(given, images=change.images, environment=change.environment, secrets=change.secrets, tags=tags)
    return (yield from register_if_changed(request)).definition.task_definition_arn


@attrs.define(kw_only=True)
class Update:
    """One change of a service, and what is known of it: also for whoever has to clean up behind it."""

    before: Service
    request: UpdateServiceRequest
    pending: bool = False
    """Whether it was sent without anybody having seen the answer."""
    after: Service | None = None
    """The service, as the answer showed it."""
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
            busy = next((each for each in before.deployments if each.rollout_state == "IN_PROGRESS"), None)
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
                answer = yield from call(OPERATIONS["UpdateService"], self.request, poll=True)
            except Cancelled as cancelled:
                self.pending = cancelled.begun
                raise
            except EcsError as error:
                self.pending = isinstance(error, (TransportError, ServerError)) and not isinstance(
                    error, CredentialsError
                )
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
                elif not (error.retryable or is_throttle_in_disguise(error)) or attempt >= ATTEMPTS:
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
                if after is not None and self._shows(after):
                    self.pending = False
                    return self.started(after)
                now, before = after and primary_of(after), primary_of(self.before)
                self._doubtful = self._doubtful or bool(now and before and _is_later(now, before))
                known = (self.before.desired_count, self.request.desired_count)
                if after is not None and not self._begins() and after.desired_count not in known:
                    self._doubtful = True
            if (yield from back_off(attempt, until=until)) >= until:
                return None
            attempt += 1

    def _passed(self) -> Flow[StartedDeployment | None]:
        """Return the deployment of an update without an answer that was over before a read showed it as PRIMARY."""
        primary = primary_of(self.before)
        if primary is None or not self._begins() or not self._would_show():
            return None
        known = {each.id for each in self.before.deployments}
        try:
            listed = yield from deployments_of(attrs.evolve(self.unanswered, created_at=primary.created_at))
            new = {
                each.target_service_revision_arn: each
                for each in listed
                if each.target_service_revision_arn
                and id_of_revision(each.target_service_revision_arn) not in known
                and _is_later(each, primary)
            }
            if not new:
                self._doubtful = False
                return None
            request = DescribeServiceRevisionsRequest(service_revision_arns=list(new)[-_REVISIONS:])
            revisions = (yield from call(OPERATIONS["DescribeServiceRevisions"], request, poll=True)).service_revisions
        except EcsError as error:
            log.info("what became of the update of %s cannot be looked up: %s", self.before.service_name, error)
            return None
        self._doubtful = False
        wanted = self.request.task_definition or self.before.task_definition
        for revision in revisions:
            brief = new.get(revision.service_revision_arn)
            if brief is not None and _is_named(wanted, revision.task_definition):
                self.pending = False
                return attrs.evolve(
                    self.unanswered,
                    deployment_id=id_of_revision(brief.target_service_revision_arn),
                    service_deployment_arn=brief.service_deployment_arn,
                    created_at=brief.created_at,
                    task_definition=revision.task_definition,
                )
        return None

    @property
    def unanswered(self) -> StartedDeployment:
        """The deployment that comes of it, if one comes: that of which there was no answer."""
        primary = primary_of(self.before)
        named = self.request.task_definition
        return StartedDeployment(
            service=self.before.service_arn,
            cluster=self.before.cluster_arn,
            task_definition=named if named and named.startswith("arn:") else None,
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
            return _is_named(wanted.task_definition or self.before.task_definition, primary.task_definition)
        return wanted.desired_count == after.desired_count

    def started(self, after: Service) -> StartedDeployment:
        """Return the deployment that the update led to, as the service shows it."""
        self.after = after
        primary, before = primary_of(after), primary_of(self.before)
        if primary is None:
            return started_from("services.deploy", after)
        expected: Any = "deployment"
        definition = after.task_definition or primary.task_definition
        if before is not None and primary.id == before.id:
            wanted = self.request.task_definition
            differs = after.task_definition not in (None, self.before.task_definition)
            if differs or not _is_named(wanted, self.before.task_definition) or self.request.force_new_deployment:
                expected = "either"
                named = wanted if wanted and wanted.startswith("arn:") else None
                definition = definition if differs else named
            elif primary.rollout_state != "IN_PROGRESS" or goes_back(primary):
                expected = "counts"
        elif goes_back(primary) or (primary.rollout_state != "IN_PROGRESS" and not self._begins()):
            expected = "counts"  # somebody else has deployed, or rolled back, meanwhile
        return StartedDeployment(
            service=after.service_arn,
            cluster=after.cluster_arn,
            deployment_id=primary.id,
            task_definition=definition,
            created_at=primary.created_at,
            # Others may change what was not asked for.
            desired_count=after.desired_count
            if expected != "counts" or self.request.desired_count is not None
            else None,
            expected=expected,
            previous_id=before.id if before else None,
            previous_arn=self.before.current_service_deployment,
            previous_task_definition=self.before.task_definition,
        )


def _is_later(one: Deployment | ServiceDeploymentBrief, other: Deployment) -> bool:
    """Whether something was begun after a deployment: what was not is an old read."""
    if isinstance(one, Deployment) and one.id == other.id:
        return False
    return one.created_at is None or other.created_at is None or one.created_at >= other.created_at


def _is_named(name: str | None, arn: str | None) -> bool:
    """Whether a family, family:revision or ARN can be the name of a task definition."""
    if name is None or arn is None or name == arn:
        return True
    short = arn.rsplit("/", 1)[-1]
    return name in (short, short.rpartition(":")[0])
