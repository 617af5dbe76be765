"""How a deployment is looked at: which reads are made in a look, and what they tell.

Decides which operation to ask, and what to do without when one is refused. What is read is folded by `folding`; what
is to be thought of it is decided in `verdicts`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import attrs

from ecskit._api.service_errors import ServiceNotFoundException
from ecskit._core.call import call
from ecskit._core.effects import Flow, Sleep
from ecskit._core.errors import (
    AccessDeniedError,
    EcsError,
    ServiceError,
    UnsupportedError,
    UnsupportedOperationError,
)
from ecskit._core.pages import follow
from ecskit._deployments.stability import StabilityAim, with_observation
from ecskit._deployments.evidence import is_in_transition, replaces_tasks, threshold
from ecskit._deployments.merge import after_deployment, after_service, moved, with_stopped
from ecskit._deployments.pauses import with_pause
from ecskit._deployments.progress import DOOMED, DeploymentProgress
from ecskit._deployments.reference import StartedDeployment, id_of_revision
from ecskit._deployments.facts import Signs
from ecskit._polling.observations import Observations
from ecskit.models.common import CreatedAt
from ecskit.models.literals import DesiredStatus
from ecskit.models.services import (
    DescribeServiceDeploymentsRequest,
    DescribeServicesRequest,
    ListServiceDeploymentsRequest,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
)
from ecskit.models.tasks import DescribeTasksRequest, ListTasksRequest, Task

__all__ = ["Watch", "deployments_of", "describe_service", "is_refused"]

log = logging.getLogger("ecskit")

LOOKUP_FOR = 60.0
"""Seconds for which the service deployment of a deployment is looked for."""
_TASKS = 100
"""Tasks that one ListTasks returns and one DescribeTasks takes."""
_BEFORE, _AROUND = timedelta(minutes=5), timedelta(minutes=1)
"""How much earlier, and how far apart, a service deployment and its deployment may have been made."""
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset({"InvalidAction", "UnknownOperationException"})


@attrs.define
class _Read:
    """What one poll read of tasks."""

    resets: int = 0
    """How often the number of failures had been set back before."""
    stopped: bool = False
    """Whether stopped tasks were read."""
    unhealthy: int | None = None
    """How many tasks are unhealthy; None if they were not read."""


@attrs.define(kw_only=True)
class Watch:
    """Looks at a deployment again and again, and remembers what it saw."""

    progress: DeploymentProgress
    follows: Callable[[DeploymentProgress], StartedDeployment | None] = lambda _: None
    """Which deployment to look at from now on, if one has taken the place of this one."""
    stability: StabilityAim | None = None
    """What is to be observed after the deployment has succeeded."""
    max_failed_tasks: int | None = None
    """How many failed tasks are too many, in place of what the circuit breaker tolerates."""
    stalled_after: float | None = None
    """Seconds without movement after which the tasks of the service are read, to see whether they move."""
    id: str = attrs.field(init=False)
    """What the deployment is called, also when another one has taken its place."""
    began: float | None = None
    looks: int = 0
    missed: EcsError | None = None
    """What came in place of one of the answers of the last look."""
    _read: _Read = attrs.field(factory=_Read)
    _tasks_told: object = None
    _tasks_known: set[str] = attrs.field(factory=set[str])
    _no_tasks: bool = False
    _no_deployments: bool = False
    _hidden_since: float | None = None
    """When an unbroken run of reads began that did not show the service deployment any more."""

    def __attrs_post_init__(self) -> None:
        """Name what is looked at."""
        self.id = self.progress.started.key

    def resume(self, other: Watch) -> None:
        """Go on where another watch of the same deployment ended."""
        self.progress, self.began = other.progress, other.began
        self._tasks_told, self._tasks_known = other._tasks_told, other._tasks_known
        self._no_tasks, self._no_deployments = other._no_tasks, other._no_deployments

    def poll(self, ids: Sequence[str], by: float = float("inf")) -> Flow[Observations[DeploymentProgress]]:  # noqa: ARG002  # it is one thing
        """Look once, with all the reads that are due; when time is up, what is known by then has to do."""
        now = (yield Sleep(0)).now
        self.began = now if self.began is None else self.began
        answered = error = None
        self._read = _Read(resets=self.progress.signs.resets)
        for read in (self._deployment, self._service, self._newer, self._stopped_tasks, self._live_tasks):
            if answered and (yield Sleep(0)).now > by:
                break
            try:
                answered = (yield from read()) or answered
            except EcsError as raised:
                if not raised.retryable:
                    raise
                error = raised
        self.looks, self.missed = self.looks + 1, error
        now = (yield Sleep(0)).now
        self.progress = self._observed(with_pause(self.progress, now), now)
        successor = self.follows(self.progress)
        if successor is not None:
            known, refused = self.progress.service, self._no_deployments
            signs = Signs(began=now, preceded=True, paused_for=self.progress.signs.paused_for)
            fresh = DeploymentProgress(started=successor, refused=refused, signs=signs)
            self.progress = after_service(fresh, known, now)
            self.began, self.looks, self._hidden_since = now, 0, None
            self._tasks_told, self._tasks_known = None, set()  # those of the successor were passed over
        if answered or error is None:
            return Observations({self.id: self.progress}, {})
        return Observations({}, {self.id: error})

    def _deployment(self) -> Flow[bool]:
        """Read the service deployment; find it first, if need be."""
        progress = self.progress
        if progress.started.expected != "deployment" or progress.refused:
            return False
        seen = None
        try:
            seen = yield from self._find()
        except (ServiceError, UnsupportedOperationError) as error:
            if progress.started.deployment_id is None:
                raise
            if is_refused(error):
                self._no_deployments = True
                told = "reading service deployments is refused (%s); %s is judged by what its service shows"
                self._do_without(told, error)
                return False
            if not (error.retryable and progress.service_deployment is None and (yield from self._is_late())):
                raise
        else:
            self.progress = attrs.evolve(progress, signs=attrs.evolve(progress.signs, read_since_gone=progress.is_gone))
        if seen is not None:
            self._hidden_since = None
            self.progress = after_deployment(self.progress, seen, (yield Sleep(0)).now)
        elif progress.started.deployment_id and (yield from self._is_hidden()):
            self._do_without(
                "no service deployment was found in %.0f s; %s is judged by what its service shows", LOOKUP_FOR
            )
        return seen is not None

    def _is_hidden(self) -> Flow[bool]:
        """Whether the service deployment was looked for long enough, at first or since it was shown last."""
        now = (yield Sleep(0)).now
        if self._hidden_since is None:
            self._hidden_since = now if self.progress.service_deployment else self.began
        return self._hidden_since is not None and now - self._hidden_since >= LOOKUP_FOR

    def _is_late(self) -> Flow[bool]:
        """Whether the service deployment has been looked for long enough."""
        now = (yield Sleep(0)).now
        return self.began is not None and now - self.began >= LOOKUP_FOR

    def _do_without(self, told: str, why: object) -> None:
        log.warning(told, why, self.progress.name)
        known = self.progress.service_deployment if self.progress.is_over else None  # else it would only grow old
        self.progress = attrs.evolve(self.progress, refused=True, service_deployment=known)

    def _find(self) -> Flow[ServiceDeployment | None]:
        started = self.progress.started
        arn = started.service_deployment_arn
        if arn is None:
            arn = yield from self._arn_of(started)
        if arn is None:
            return None
        request = DescribeServiceDeploymentsRequest(service_deployment_arns=[arn])
        try:
            found = (yield from call(request, single_attempt=True)).service_deployments
        except ServiceNotFoundException:
            return None  # the service is deleted: its description tells
        return found[0] if found else None

    def _arn_of(self, started: StartedDeployment) -> Flow[str | None]:
        if started.deployment_id is None:
            return None
        briefs = yield from deployments_of(started)
        for brief in briefs:
            if id_of_revision(brief.target_service_revision_arn) == started.deployment_id:
                return brief.service_deployment_arn
        # What the service calls the current one may be outdated, and need not be named after the same number.
        service, late = self.progress.service, (yield from self._is_late())
        current = service.current_service_deployment if service else None
        if not late or current in (None, started.previous_arn) or started.created_at is None:
            return None
        made = {brief.service_deployment_arn: brief.created_at for brief in briefs}.get(current or "")
        near = made is not None and abs(made - started.created_at) <= _AROUND
        return current if near else None

    def _service(self) -> Flow[bool]:
        """Read the service, at half the rate where the service deployment tells how it stands."""
        progress = self.progress
        deployment = progress.service_deployment
        spared = deployment is not None and not progress.is_over and deployment.status not in DOOMED
        if spared and self.looks % 2 and progress.service is not None:
            return False
        seen = yield from describe_service(progress.started)
        self.progress = after_service(self.progress, seen, (yield Sleep(0)).now)
        return True

    def _newer(self) -> Flow[bool]:
        """List what came later, where a deployment was stopped or displaced."""
        progress = self.progress
        stopped = progress.status in ("STOP_REQUESTED", "STOPPED")
        displaced = progress.primary is not None and progress.is_newer(progress.primary)
        if progress.refused or progress.newer or not (stopped or displaced):
            return False
        began = progress.started.created_at
        try:
            listed = yield from deployments_of(progress.started)
        except (ServiceError, UnsupportedOperationError) as error:
            if not is_refused(error):
                raise
            return False  # the status of the deployment tells enough
        newer = [each for each in listed if not _is_own(each, progress.started) and _is_after(each, began)]
        self.progress = attrs.evolve(progress, newer=sorted(newer, key=lambda each: str(each.created_at)))
        return False

    def _stopped_tasks(self) -> Flow[bool]:
        """Read why tasks of the deployment stopped: when more of them may have, and at each poll after its success."""
        progress = self.progress
        deployment = progress.deployment
        ends_badly = progress.status in DOOMED or (progress.is_over and progress.status != "SUCCESSFUL")
        failing = ends_badly or progress.signs.failed or progress.signs.failures or replaces_tasks(progress)
        lacking = deployment is not None and (deployment.running_count or 0) < progress.desired
        latest = progress.events[-1].id if progress.events else None
        told = (latest, deployment and (deployment.failed_tasks, deployment.running_count), progress.status)
        due = self._judges_stability or ((failing or lacking) and told != self._tasks_told)
        if self._no_tasks or not due:
            return False
        started = progress.started
        try:
            tasks = yield from _tasks_of(started, "STOPPED", self._tasks_known)
        except ServiceNotFoundException:
            return False  # it is deleted, and so is the list of its tasks
        except ServiceError as error:
            if not is_refused(error):
                raise
            self._do_without_tasks(error)
            return False
        self._tasks_told = told
        self._tasks_known |= {task.task_arn for task in tasks if task.stop_code or task.stopped_reason}
        self._read.stopped = True
        self.progress = with_stopped(progress, tasks, counting=progress.signs.resets == self._read.resets)
        return False

    def _live_tasks(self) -> Flow[bool]:
        """Read the other tasks: how healthy they are after a success, and whether they move where nothing else does."""
        progress, now = self.progress, (yield Sleep(0)).now
        quiet = self.stalled_after is not None and now - progress.signs.moved_at >= self.stalled_after
        if self._no_tasks or not (self._judges_stability or quiet):
            return False
        desired: Sequence[DesiredStatus] = ("RUNNING",) if self._judges_stability else ("RUNNING", "STOPPED")
        tasks: list[Task] = []
        try:
            for status in desired:
                tasks += yield from _tasks_of(progress.started, status, self._tasks_known)
        except ServiceNotFoundException:
            return False
        except ServiceError as error:
            if not is_refused(error):
                raise
            self._do_without_tasks(error)
            return False
        own = [task for task in tasks if task.started_by == progress.started.deployment_id]
        self._read.unhealthy = sum(task.health_status == "UNHEALTHY" for task in own if task.last_status == "RUNNING")
        if any(is_in_transition(task) for task in tasks):
            self.progress = moved(progress, now)
        return False

    def _do_without_tasks(self, error: EcsError) -> None:
        self._no_tasks = True
        log.warning(
            "reading tasks is refused (%s): the reasons of failures are missing, and stability is unknown", error
        )

    @property
    def _judges_stability(self) -> bool:
        """Whether the deployment has succeeded, and its tasks are observed after that."""
        return self.stability is not None and self.progress.succeeded

    def _observed(self, progress: DeploymentProgress, now: float) -> DeploymentProgress:
        """Return the progress with what this poll shows of the tasks after the success, if it showed everything."""
        if not progress.succeeded:
            preceded = progress.signs.preceded or progress.was_seen
            return attrs.evolve(progress, signs=attrs.evolve(progress.signs, preceded=preceded))
        if self.stability is None or self.missed is not None:
            return progress
        read = self._read
        if not self._no_tasks and (not read.stopped or read.unhealthy is None):
            return progress
        return with_observation(
            progress,
            self.stability,
            most=self.max_failed_tasks or threshold(progress),
            unhealthy=read.unhealthy or 0,
            blind=self._no_tasks,
            now=now,
        )


def is_refused(error: EcsError) -> bool:
    """Whether an operation is not for us: no permission, or an endpoint that does not have it."""
    if isinstance(error, AccessDeniedError):
        return error.code not in _EXPIRED
    unknown = isinstance(error, ServiceError) and error.code in _UNKNOWN
    return unknown or isinstance(error, (UnsupportedError, UnsupportedOperationError))


def describe_service(started: StartedDeployment) -> Flow[Service | None]:
    """Return the service of a deployment; None if ECS does not show it."""
    request = DescribeServicesRequest(cluster=started.cluster, services=[started.service])
    services = (yield from call(request, single_attempt=True)).services
    return services[0] if services else None


def deployments_of(started: StartedDeployment) -> Flow[Sequence[ServiceDeploymentBrief]]:
    """Return what is listed of the service deployments of a service: those of about when a deployment was made, on."""
    since = CreatedAt(after=started.created_at - _BEFORE) if started.created_at else None
    request = ListServiceDeploymentsRequest(service=started.service, cluster=started.cluster, created_at=since)
    found: list[ServiceDeploymentBrief] = []

    def keep(page: Any) -> Flow[None]:
        found.extend(page.service_deployments)
        yield from ()

    try:
        yield from follow(request, keep, single_attempt=True)
    except ServiceNotFoundException:
        return []  # it is deleted, or not visible yet: its description tells
    return found


def _is_own(brief: ServiceDeploymentBrief, started: StartedDeployment) -> bool:
    same = id_of_revision(brief.target_service_revision_arn) == started.deployment_id
    return same or brief.service_deployment_arn == started.service_deployment_arn


def _is_after(brief: ServiceDeploymentBrief, began: Any) -> bool:
    return began is not None and brief.created_at is not None and brief.created_at > began


def _tasks_of(started: StartedDeployment, desired_status: DesiredStatus, known: set[str]) -> Flow[Sequence[Task]]:
    """Return the tasks of a service with a desired status, but for those that are known."""
    name = started.service.rsplit("/", 1)[-1]
    arns: list[str] = []

    def keep(page: Any) -> Flow[None]:
        arns.extend(arn for arn in page.task_arns if arn not in known)
        yield from ()

    # ECS takes `startedBy` with no other filter, so that the tasks of other deployments are left out later.
    request = ListTasksRequest(
        cluster=started.cluster, service_name=name, desired_status=desired_status, max_results=_TASKS
    )
    yield from follow(request, keep, single_attempt=True)
    tasks: list[Task] = []
    for start in range(0, len(arns), _TASKS):
        described = DescribeTasksRequest(cluster=started.cluster, tasks=arns[start : start + _TASKS])
        tasks += (yield from call(described, single_attempt=True)).tasks
    return tasks
