"""What the simulated account remembers of services: the service, its revisions, deployments and task sets.

Decides what is kept and under which name. Everything here is of the present; what reads see is kept in timelines. What
happens to records is decided by their neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.records.timeline import Timeline
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.deployment_script import DeploymentScript
    from ecskit._simulator.records.resources import Cluster, Tags
    from ecskit._simulator.scheduler.live_tasks import ServiceTask
    from ecskit._simulator.scheduler.stages import Stage
    from ecskit._simulator.task_lifecycle import Step

EVENTS_KEPT = 100
FINISHED = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


@attrs.frozen(kw_only=True)
class Revision:
    """One service revision: what a service runs, as it was told at one moment.

    Args:
        arn: Its ARN, which ends in the number of the deployment that brought it.
        config: The members of the service that make it: a change of one of them is a new revision.
        created_at: When it came to be.
    """

    arn: str
    config: Wire
    created_at: float


@attrs.define(kw_only=True)
class Deployment:
    """One entry of a service's `deployments`. The first entry is PRIMARY, the others are ACTIVE.

    Args:
        id: `ecs-svc/N`; its tasks carry it as `startedBy`.
        revision: What it runs.
        created_at: When it came to be.
        updated_at: When its rollout state changed last.
        state: Its `rolloutState`.
        reason: Its `rolloutStateReason`.
        failed: Tasks that failed since one became healthy.
        frozen: Whether it neither launches nor replaces anything any more.
        has_run: Whether one of its tasks was RUNNING.
    """

    id: str
    revision: Revision
    created_at: float
    updated_at: float
    state: str = "IN_PROGRESS"
    reason: str
    failed: int = 0
    frozen: bool = False
    has_run: bool = False

    def set_status(self, now: float, state: str, reason: str) -> None:
        """Change the rollout state."""
        self.state, self.reason, self.updated_at = state, reason, now


@attrs.define(kw_only=True)
class Hook:
    """One run of a lifecycle hook; a PAUSE waits for an answer until `expires_at`."""

    id: str
    kind: str
    status: str
    target: str | None
    expires_at: float | None
    timeout_action: str

    @property
    def is_over(self) -> bool:
        """Whether the stage may go on without it."""
        return self.status not in ("AWAITING_ACTION", "IN_PROGRESS")


@attrs.define(kw_only=True)
class Rollout:
    """One service deployment: how a revision comes to be the only one that runs.

    Args:
        arn: The ARN of the service deployment.
        deployment: The entry of `deployments` that it brings.
        source: The entry that it replaces and would roll back to; None for the first one.
        configuration: The deployment configuration of that moment.
        script: How it goes, as far as tasks do not decide it.
        stages: What it goes through; empty for ROLLING.
        until: When its status ends, if time alone ends it.
        failures: What its circuit breaker has counted.
        stage: The index of its stage; -1 before the first.
        stage_ends: When the stage may end.
        baked_at: When a ROLLING one with alarms has waited long enough after everything ran.
        cleans_up: Whether it has met its criteria of early success, so that the tasks of earlier deployments go.
    """

    arn: str
    deployment: Deployment
    source: Deployment | None
    created_at: float
    updated_at: float
    configuration: Wire
    script: DeploymentScript
    stages: tuple[Stage, ...]
    status: str = "PENDING"
    reason: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    until: float | None = None
    failures: int = 0
    tripped: bool = False
    alarms: tuple[str, ...] = ()
    rollback: Wire | None = None
    stage: int = -1
    stage_ends: float | None = None
    hooks: list[Hook] = attrs.field(factory=list)
    baked_at: float | None = None
    cleans_up: bool = False
    shown: Timeline = attrs.field(factory=Timeline)

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in FINISHED

    def set_status(self, now: float, status: str, reason: str | None = None, *, until: float | None = None) -> None:
        """Change the status."""
        self.status, self.updated_at, self.until = status, now, until
        self.reason = reason if reason is not None else self.reason
        if self.is_over:
            self.finished_at = now
        if status == "STOPPED":
            self.stopped_at = now


@attrs.define(kw_only=True)
class TaskSet:
    """One task set of a service whose deployments somebody else controls."""

    id: str
    arn: str
    created_with: Wire
    config: Wire
    body: Wire
    scale: float
    tags: Tags
    created_at: float
    updated_at: float
    status: str = "ACTIVE"
    steady: bool = False
    steady_at: float
    shown: Timeline = attrs.field(factory=Timeline)
    gone_at: float | None = None


@attrs.frozen(kw_only=True)
class TaskObservation:
    """What was seen of a task: it holds from `since` to `until`, as long as its steps are the same."""

    steps: tuple[Step, ...]
    since: float
    until: float
    status: str
    stopping: bool
    health: str


@attrs.define(kw_only=True)
class TrackedTask:
    """One live task of a service: what launched it, whether it was healthy once, whether its end was taken note of.

    `moves` is whether it is to be replaced by one in another Availability Zone.
    """

    started_by: str
    was_healthy: bool = False
    end_noted: bool = False
    moves: bool = False
    observation: TaskObservation | None = None
    cached_for: TaskObservation | None = None
    member: ServiceTask | None = None


@attrs.frozen
class StuckEvent:
    """Why the scheduler is stuck, and when the service shows it again, after which time."""

    message: str
    again_at: float
    wait: float


@attrs.define(kw_only=True, eq=False)
class Service:
    """One service.

    Args:
        settings: The members whose change brings no new revision.
        config: The members of the newest revision.
        crew: Its tasks that are not STOPPED, by ARN.
        deployments: Newest first.
        completed: The deployment that a failure rolls back to.
        looked_at: The moment up to which the scheduler has seen everything.
        poked_at: A moment at which it has to look again, whatever else happens.
        not_before: When it may launch again.
        retry_at: When it tries again to place what found no room.
        streak: Failed launches in a row.
        complaint: Its newest event about being stuck.
        scaled: When the desired count was changed last, and what it was before.
        tally: How many tasks ran and were pending, in all (under "") and of each unit.
    """

    arn: str
    name: str
    ordinal: int
    cluster: Cluster
    created_at: float
    created_with: Wire
    controller: str
    scheduling: str
    settings: Wire
    config: Wire
    desired: int
    tags: Tags
    status: str = "ACTIVE"
    gone_at: float | None = None
    deployments: list[Deployment] = attrs.field(factory=list)
    completed: Deployment | None = None
    rollouts: list[Rollout] = attrs.field(factory=list)
    revisions: dict[str, Revision] = attrs.field(factory=dict)
    task_sets: list[TaskSet] = attrs.field(factory=list)
    live_tasks: dict[str, TrackedTask] = attrs.field(factory=dict)
    events: tuple[Wire, ...] = ()
    is_steady: bool = False
    last_run_at: float
    due_at: float | None = None
    not_before: float = 0.0
    retry_at: float | None = None
    failed_starts: int = 0
    stuck: StuckEvent | None = None
    scaled: tuple[float, int] | None = None
    task_counts: Timeline = attrs.field(factory=Timeline)
    shown: Timeline = attrs.field(factory=Timeline)

    @property
    def is_daemon(self) -> bool:
        """Whether it runs one task on each container instance."""
        return self.scheduling == "DAEMON"

    @property
    def primary(self) -> Deployment | None:
        """The PRIMARY deployment; None for services that have task sets instead."""
        return self.deployments[0] if self.deployments else None

    @property
    def rollout(self) -> Rollout | None:
        """The newest service deployment."""
        return self.rollouts[-1] if self.rollouts else None

    def scale(self, now: float, desired: int) -> None:
        """Change the desired count."""
        if desired != self.desired:
            self.scaled, self.desired = (now, self.desired), desired

    def add_event(self, now: float, event_id: str, message: str) -> None:
        """Add an event; the newest comes first."""
        event: Wire = {"id": event_id, "createdAt": timestamp(now), "message": f"(service {self.name}) {message}"}
        self.events = (event, *self.events)[:EVENTS_KEPT]
