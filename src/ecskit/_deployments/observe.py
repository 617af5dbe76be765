"""Poll a deployment: decide which reads are due, and merge what they return.

`read` sends the requests. `merge` returns the progress after a read. `verdicts` decides what the progress means.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import attrs

from ecskit._api.service_errors import ServiceNotFoundException
from ecskit._core.effects import Flow, Sleep
from ecskit._core.errors import EcsError, ServiceError, UnsupportedOperationError, described
from ecskit._core.retrying import DEFAULT_LIMITS, RetryLimits, retry
from ecskit._deployments.evidence import is_in_transition, replaces_tasks
from ecskit._deployments.merge import (
    of_successor,
    with_facts,
    with_movement,
    with_pause,
    with_service,
    with_service_deployment,
    with_stability,
    with_stopped_tasks,
)
from ecskit._deployments.progress import ENDING, DeploymentProgress
from ecskit._deployments.read import (
    deployments_of,
    describe_service,
    describe_service_deployment,
    is_refused,
    tasks_of,
)
from ecskit._deployments.reference import StartedDeployment, id_of_revision
from ecskit._deployments.stability import StabilityGoal
from ecskit._polling.batches import Target, names_only
from ecskit._polling.observations import Observations
from ecskit.models.literals import DesiredStatus
from ecskit.models.services import ServiceDeployment, ServiceDeploymentBrief
from ecskit.models.tasks import Task

__all__ = ["Latest", "Observed", "Observer", "observe_once"]

log = logging.getLogger("ecskit")

LOOKUP_FOR = 60.0
"""Seconds to search for the service deployment. After that, the verdict uses the service alone."""
_CLOSE = timedelta(minutes=1)
"""The largest difference between the creation of a deployment and of its service deployment."""


@attrs.frozen(kw_only=True)
class Poll:
    """What the reads of one poll returned so far."""

    answered: bool = False
    """Whether ECS returned the service deployment or the service."""
    resets: int = 0
    """How many times the failures in a row had been reset before the poll."""
    stopped_tasks: bool = False
    """Whether stopped tasks were read."""
    unhealthy: int | None = None
    """How many running tasks are unhealthy; None if they were not read."""


@attrs.frozen(kw_only=True)
class Observed:
    """What one poll of a deployment passes on to the next."""

    progress: DeploymentProgress
    poll: Poll = Poll()
    polls: int = 0
    """Polls of this deployment."""
    error: EcsError | None = None
    """A retryable error in the latest poll."""
    began: float | None = None
    """When the first poll began, in monotonic seconds."""
    hidden_since: float | None = None
    """When an unbroken run of reads began that did not show the service deployment, in monotonic seconds."""
    deployments_refused: bool = False
    """Whether ECS refuses to list or describe service deployments."""
    tasks_refused: bool = False
    """Whether ECS refuses to list or describe tasks."""
    tasks_read: frozenset[str] = frozenset()
    """ARNs of stopped tasks that were read. They are not described again."""
    tasks_read_for: object = None
    """The counts, status and event for which stopped tasks were last read."""


@attrs.define(kw_only=True)
class Latest:
    """The latest state of a deployment that is followed. This is the only object of a wait that changes.

    A poll can end by an error or a cancellation after some of its reads. Error messages, handles and clean-ups need
    these reads, so each read replaces `observed` here. All waits for the same deployment share one `Latest`.
    """

    observed: Observed
    emitted: DeploymentProgress
    """The progress up to which events were emitted."""
    service_events: frozenset[object] = frozenset()
    """Keys of the service events that were emitted."""
    began: float | None = None
    """When the stream of events began, in monotonic seconds; None before its first poll."""
    elapsed: float = 0.0
    """Seconds from then to the latest poll."""

    @property
    def progress(self) -> DeploymentProgress:
        """The latest progress."""
        return self.observed.progress


@attrs.frozen(kw_only=True)
class Observer:
    """Polls one deployment, or the one that replaces it: the query of its wait."""

    latest: Latest
    stability: StabilityGoal | None = None
    """What counts as stable after the success; None if tasks need not be observed then."""
    max_failed_tasks: int | None = None
    """The number of failed tasks that is too many; None for the threshold of the circuit breaker."""
    stalled_after: float | None = None
    """Seconds without change after which live tasks are read, to see whether any is starting or stopping."""
    next_deployment: Callable[[DeploymentProgress], StartedDeployment | None] = lambda _: None
    """Returns the deployment to poll from now on, if another one replaced this one and will be followed."""
    id: str = attrs.field(
        init=False, default=attrs.Factory(lambda self: self.latest.progress.started.key, takes_self=True)
    )
    """The key of the deployment in the wait. It stays the same when another deployment is followed."""

    @property
    def kind(self) -> object:
        """What polls of deployments have in common: they share requests."""
        return Observer

    operation: str = attrs.field(default="DescribeServiceDeployments", init=False)
    describes: object = attrs.field(default=None, init=False)
    by_events: bool = attrs.field(default=False, init=False)
    batch_size: int = attrs.field(default=10, init=False)
    """As many deployments as services in one DescribeServices."""

    def concerned(self, ids: Sequence[str]) -> Sequence[Target]:
        """Return the service, which the events of deployments name."""
        started = self.latest.progress.started
        return [Target(names_only(started.cluster or ""), names_only(started.service)) for _ in ids]

    def targets(self, ids: Sequence[str]) -> Sequence[Target]:
        """Return the deployment, in its cluster."""
        cluster = self.latest.progress.started.cluster or ""
        return [Target(names_only(cluster), id_) for id_ in ids]

    def poll(self, ids: Sequence[str], by: float = float("inf")) -> Flow[Observations[DeploymentProgress]]:  # noqa: ARG002  # there is one id
        """Poll the deployment once with all reads that are due. After `by`, skip the rest once a read has answered."""
        observed = self.latest.observed
        now = began = (yield Sleep(0)).now if observed.began is None else observed.began
        self.latest.observed = attrs.evolve(observed, began=began, poll=Poll(resets=observed.progress.facts.resets))
        error = None
        for read in (self._service_deployment, self._service, self._newer, self._stopped_tasks, self._live_tasks):
            try:
                observed = yield from read(self.latest.observed)
            except EcsError as raised:
                if not raised.retryable:
                    raise
                error = raised
            else:
                if observed is self.latest.observed:
                    continue  # nothing was due
                self.latest.observed = observed
            now = (yield Sleep(0)).now
            if self.latest.observed.poll.answered and now > by:
                break
        self.latest.observed = observed = self._after(self.latest.observed, error, now)
        if error is None or observed.poll.answered:
            return Observations({self.id: observed.progress}, {})
        return Observations({}, {self.id: error})

    def _after(self, observed: Observed, error: EcsError | None, now: float) -> Observed:
        """Return what was observed after all reads of a poll."""
        observed = attrs.evolve(observed, polls=observed.polls + 1, error=error)
        progress = self._with_success(observed, with_pause(observed.progress, now), now)
        successor = self.next_deployment(progress)
        if successor is None:
            return attrs.evolve(observed, progress=progress)
        return Observed(
            progress=of_successor(progress, successor, refused=observed.deployments_refused, now=now),
            poll=observed.poll,
            error=error,
            began=now,
            deployments_refused=observed.deployments_refused,
            tasks_refused=observed.tasks_refused,
        )

    def _with_success(self, observed: Observed, progress: DeploymentProgress, now: float) -> DeploymentProgress:
        """Return the progress with what a complete poll shows of the tasks after the success."""
        if not progress.succeeded:
            seen = progress.facts.seen_unfinished or progress.was_seen
            return with_facts(progress, seen_unfinished=seen)
        poll, refused = observed.poll, observed.tasks_refused
        is_complete = refused or (poll.stopped_tasks and poll.unhealthy is not None)
        if self.stability is None or observed.error is not None or not is_complete:
            return progress
        return with_stability(
            progress,
            self.stability,
            max_failed_tasks=self.max_failed_tasks,
            unhealthy=poll.unhealthy or 0,
            tasks_refused=refused,
            now=now,
        )

    def _judges_stability(self, progress: DeploymentProgress) -> bool:
        return self.stability is not None and progress.succeeded

    def _service_deployment(self, observed: Observed) -> Flow[Observed]:
        """Read the service deployment, after looking up its ARN if that is not known."""
        progress = observed.progress
        if progress.started.expected != "deployment" or progress.refused:
            return observed
        try:
            seen = yield from _find(observed)
        except (ServiceError, UnsupportedOperationError) as error:
            if progress.started.deployment_id is None:
                raise
            if is_refused(error):
                text = "reading service deployments is refused (%s); the state of %s is taken from its service"
                return _without_deployment(attrs.evolve(observed, deployments_refused=True), text, described(error))
            hidden = error.retryable and progress.service_deployment is None
            if not (hidden and _is_late(observed, (yield Sleep(0)).now)):
                raise
            seen = None
        else:
            progress = with_facts(progress, read_since_gone=progress.is_gone)
        now = (yield Sleep(0)).now
        if seen is not None:
            return _answered(observed, with_service_deployment(progress, seen, now), hidden_since=None)
        if not progress.started.deployment_id:
            return observed
        first = now if progress.service_deployment else observed.began
        hidden_since = first if observed.hidden_since is None else observed.hidden_since
        observed = attrs.evolve(observed, progress=progress, hidden_since=hidden_since)
        if hidden_since is None or now - hidden_since < LOOKUP_FOR:
            return observed
        text = "no service deployment was found in %.0f s; the state of %s is taken from its service"
        return _without_deployment(observed, text, LOOKUP_FOR)

    def _service(self, observed: Observed) -> Flow[Observed]:
        """Read the service: in every second poll while the service deployment shows the state."""
        progress = observed.progress
        deployment = progress.service_deployment
        spared = deployment is not None and not progress.is_over and deployment.status not in ENDING
        if spared and observed.polls % 2 and progress.service is not None:
            return observed
        seen = yield from describe_service(progress.started.service_ref)
        return _answered(observed, with_service(progress, seen, (yield Sleep(0)).now))

    def _newer(self, observed: Observed) -> Flow[Observed]:
        """List later service deployments, if the deployment was stopped or replaced."""
        progress = observed.progress
        stopped = progress.status in ("STOP_REQUESTED", "STOPPED")
        replaced = progress.primary is not None and progress.is_newer(progress.primary)
        if progress.refused or progress.newer or not (stopped or replaced):
            return observed
        started = progress.started
        try:
            listed = yield from deployments_of(started.service_ref, started.created_at)
        except (ServiceError, UnsupportedOperationError) as error:
            if not is_refused(error):
                raise
            return observed  # the status of the deployment is enough
        newer = [each for each in listed if not _is_own(each, started) and _is_after(each, started)]
        newer.sort(key=lambda each: str(each.created_at))
        return attrs.evolve(observed, progress=attrs.evolve(progress, newer=newer))

    def _stopped_tasks(self, observed: Observed) -> Flow[Observed]:
        """Read stopped tasks if more of them may have failed, and in each poll after the success."""
        progress = observed.progress
        deployment = progress.deployment
        ends_badly = progress.status in ENDING or (progress.is_over and progress.status != "SUCCESSFUL")
        failing = (
            ends_badly
            or progress.facts.failed
            or progress.facts.failures
            or replaces_tasks(progress.events, progress.desired)
        )
        lacking = deployment is not None and (deployment.running_count or 0) < progress.desired
        event = progress.events[-1].id if progress.events else None
        reason = (event, deployment and (deployment.failed_tasks, deployment.running_count), progress.status)
        due = self._judges_stability(progress) or ((failing or lacking) and reason != observed.tasks_read_for)
        if observed.tasks_refused or not due:
            return observed
        tasks = yield from self._tasks(observed, ["STOPPED"])
        if tasks is None or isinstance(tasks, EcsError):
            return _without_tasks(observed, tasks)
        detailed = frozenset(task.task_arn for task in tasks if task.stop_code or task.stopped_reason)
        counting = progress.facts.resets == observed.poll.resets
        return attrs.evolve(
            observed,
            progress=with_stopped_tasks(progress, tasks, counting=counting),
            poll=attrs.evolve(observed.poll, stopped_tasks=True),
            tasks_read=observed.tasks_read | detailed,
            tasks_read_for=reason,
        )

    def _live_tasks(self, observed: Observed) -> Flow[Observed]:
        """Read tasks: their health after the success, and whether any starts or stops while nothing else changes."""
        progress, quiet = observed.progress, False
        if self.stalled_after is not None:
            quiet = (yield Sleep(0)).now - progress.facts.moved_at >= self.stalled_after
        judges = self._judges_stability(progress)
        if observed.tasks_refused or not (judges or quiet):
            return observed
        tasks = yield from self._tasks(observed, ["RUNNING"] if judges else ["RUNNING", "STOPPED"])
        if tasks is None or isinstance(tasks, EcsError):
            return _without_tasks(observed, tasks)
        running = [
            task
            for task in tasks
            if task.started_by == progress.started.deployment_id and task.last_status == "RUNNING"
        ]
        unhealthy = sum(task.health_status == "UNHEALTHY" for task in running)
        if any(is_in_transition(task) for task in tasks):
            progress = with_movement(progress, (yield Sleep(0)).now)
        return attrs.evolve(observed, progress=progress, poll=attrs.evolve(observed.poll, unhealthy=unhealthy))

    def _tasks(self, observed: Observed, statuses: Sequence[DesiredStatus]) -> Flow[list[Task] | EcsError | None]:
        """Return the tasks of the service; the error if ECS refuses permanently; None if the service is deleted."""
        tasks: list[Task] = []
        try:
            for status in statuses:
                tasks += yield from tasks_of(observed.progress.started.service_ref, status, without=observed.tasks_read)
        except ServiceNotFoundException:
            return None
        except ServiceError as error:
            if not is_refused(error):
                raise
            return error
        return tasks


def observe_once(progress: DeploymentProgress, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[DeploymentProgress]:
    """Return the progress after one complete poll. Retryable errors are retried.

    Raises:
        EcsError: ECS refuses a read, or retries are exhausted. Its `story` has the handle of the deployment.
    """
    latest = Latest(observed=Observed(progress=progress), emitted=progress)
    observer = Observer(latest=latest)

    def poll() -> Flow[DeploymentProgress]:
        try:
            yield from observer.poll([observer.id])
            if latest.observed.error is not None:
                raise latest.observed.error  # an incomplete poll can miss a deployment that exists
        except EcsError as error:
            error.story = error.story or latest.progress.story()
            raise
        return latest.progress

    return retry(poll, limits)


def _find(observed: Observed) -> Flow[ServiceDeployment | None]:
    """Return the service deployment; None if it is not found."""
    arn = observed.progress.started.service_deployment_arn or (yield from _arn_of(observed))
    return None if arn is None else (yield from describe_service_deployment(arn))


def _arn_of(observed: Observed) -> Flow[str | None]:
    started, service = observed.progress.started, observed.progress.service
    if started.deployment_id is None:
        return None
    briefs = yield from deployments_of(started.service_ref, started.created_at)
    for brief in briefs:
        if id_of_revision(brief.target_service_revision_arn) == started.deployment_id:
            return brief.service_deployment_arn
    # The current one of the service may be outdated, and its number may differ.
    late = _is_late(observed, (yield Sleep(0)).now)
    current = service.current_service_deployment if service else None
    if not late or current in (None, started.previous_arn) or started.created_at is None:
        return None
    created = {brief.service_deployment_arn: brief.created_at for brief in briefs}.get(current or "")
    is_close = created is not None and abs(created - started.created_at) <= _CLOSE
    return current if is_close else None


def _is_late(observed: Observed, now: float) -> bool:
    """Whether the service deployment was looked up for long enough."""
    return observed.began is not None and now - observed.began >= LOOKUP_FOR


def _is_own(brief: ServiceDeploymentBrief, started: StartedDeployment) -> bool:
    same = id_of_revision(brief.target_service_revision_arn) == started.deployment_id
    return same or brief.service_deployment_arn == started.service_deployment_arn


def _is_after(brief: ServiceDeploymentBrief, started: StartedDeployment) -> bool:
    began = started.created_at
    return began is not None and brief.created_at is not None and brief.created_at > began


def _answered(observed: Observed, progress: DeploymentProgress, **more: Any) -> Observed:
    poll = observed.poll if observed.poll.answered else attrs.evolve(observed.poll, answered=True)
    return attrs.evolve(observed, progress=progress, poll=poll, **more)


def _without_deployment(observed: Observed, text: str, why: object) -> Observed:
    """Return what was observed, with the service alone showing the state from now on."""
    progress = observed.progress
    log.warning(text, why, progress.name)
    last = progress.service_deployment if progress.is_over else None  # any other would become outdated
    return attrs.evolve(observed, progress=attrs.evolve(progress, refused=True, service_deployment=last))


def _without_tasks(observed: Observed, refused: EcsError | None) -> Observed:
    if refused is None:
        return observed
    text = "reading tasks is refused (%s): the reasons of failures are missing, and stability is unknown"
    log.warning(text, described(refused))
    return attrs.evolve(observed, tasks_refused=True)
