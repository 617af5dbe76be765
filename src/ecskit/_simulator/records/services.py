"""The records of services: the service, its revisions, deployments and task sets.

Fields hold the present state. Reads can lag: they use the timelines in `shown`. The scheduler and the operations change
the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.records.timeline import Timeline
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.deployment_script import DeploymentScript
    from ecskit._simulator.records.resources import Cluster, Tags
    from ecskit._simulator.records.service_tasks import TrackedTask

MAX_EVENTS = 100
FINISHED = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


@attrs.frozen(kw_only=True)
class Revision:
    """One service revision: what a service runs.

    Args:
        arn: Its ARN, which ends in the number of the deployment that created it.
        config: The members of the service that belong to a revision: a change of one of them creates a new revision.
        created_at: When it was created.
    """

    arn: str
    config: Wire
    created_at: float


@attrs.define(kw_only=True)
class Deployment:
    """One entry of a service's `deployments`. The first entry is PRIMARY, the others are ACTIVE.

    Args:
        id: `ecs-svc/N`; its tasks have it as `startedBy`.
        revision: What it runs.
        created_at: When it was created.
        updated_at: When its rollout state changed last.
        state: Its `rolloutState`.
        reason: Its `rolloutStateReason`.
        failed: Tasks that failed since one became healthy.
        frozen: Whether it has ended, so that it launches and replaces no tasks.
        has_run: Whether one of its tasks has been RUNNING.
        history: When it got each rollout state, the state, and its reason.
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
    history: list[tuple[float, str, str]] = attrs.field(factory=list, eq=False)

    def __attrs_post_init__(self) -> None:
        self.history.append((self.created_at, self.state, self.reason))

    def set_state(self, now: float, state: str, reason: str) -> None:
        """Change the rollout state."""
        self.state, self.reason, self.updated_at = state, reason, now
        self.history.append((now, state, reason))


@attrs.frozen
class Stage:
    """One lifecycle stage of a BLUE_GREEN, LINEAR or CANARY deployment.

    Args:
        name: The name of the stage.
        traffic: The share of production traffic that the new revision has at the end of the stage, in percent.
        tests: The same for test traffic.
        scaled: Whether the new revision has its tasks in this stage.
        extra: Seconds that it lasts beyond the duration of the stage.
    """

    name: str
    traffic: float
    tests: float
    scaled: bool
    extra: float = 0.0

    @property
    def shown(self) -> str:
        """The value of `lifecycleStage`: the service model has none for PRE_PRODUCTION_TRAFFIC_SHIFT."""
        return "POST_TEST_TRAFFIC_SHIFT" if self.name == "PRE_PRODUCTION_TRAFFIC_SHIFT" else self.name


@attrs.define(kw_only=True)
class Hook:
    """One run of a lifecycle hook. A PAUSE hook waits for ContinueServiceDeployment until `expires_at`."""

    id: str
    stage: str
    began_at: float
    target_type: str
    status: str
    target: str | None
    expires_at: float | None
    timeout_action: str

    @property
    def is_over(self) -> bool:
        """Whether it has ended, so that the stage can continue."""
        return self.status not in ("AWAITING_ACTION", "IN_PROGRESS")


@attrs.define(kw_only=True)
class Rollout:
    """One service deployment: one revision replaces the others.

    Args:
        arn: The ARN of the service deployment.
        deployment: Its entry of `deployments`.
        source: The entry that it replaces, and rolls back to; None for the first one.
        configuration: The deployment configuration at its start.
        script: The durations and failures that do not depend on tasks.
        stages: Its lifecycle stages; empty for ROLLING.
        until: When its status ends, if time alone ends it.
        failures: Failures that the circuit breaker has counted.
        stage: The index of its stage; -1 before the first.
        stage_ends: The earliest end of the stage.
        baked_at: When the bake time of a ROLLING deployment ends.
        cleans_up: Whether its early success criteria are met, so that the tasks of older deployments stop.
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
        """Whether its status is final."""
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
    """One task set of a service with the deployment controller EXTERNAL or CODE_DEPLOY.

    Args:
        scale: Its share of the desired count, in percent.
        computed: Its computed desired count, which follows the scale and the desired count of the service.
        computed_at: When the computed desired count changes next; None while nothing changed.
        rescaled: Whether the scale has changed since the count was computed.
        steady: Whether it is in STEADY_STATE, since `steady_at`.
    """

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
    computed: int = 0
    computed_at: float | None = None
    rescaled: bool = True
    steady: bool = False
    steady_at: float
    shown: Timeline = attrs.field(factory=Timeline)
    gone_at: float | None = None

    def rescale(self, now: float, scale: float) -> None:
        """Change the scale: it is STABILIZING at once."""
        self.scale, self.updated_at, self.steady_at = scale, now, now
        self.rescaled, self.steady = True, False


@attrs.frozen
class StuckEvent:
    """The event that shows why the scheduler is stuck.

    Args:
        message: Its text.
        again_at: When the service shows it again.
        interval: Seconds between the two.
    """

    message: str
    again_at: float
    interval: float


@attrs.define(kw_only=True, eq=False)
class Service:
    """One service.

    Args:
        settings: The members that are not part of a revision.
        config: The members of the newest revision.
        live_tasks: Its tasks that are not STOPPED, by ARN.
        deployments: Newest first.
        completed: The deployment that a failure rolls back to.
        last_run_at: The moment up to which the scheduler has run.
        due_at: A moment at which the scheduler has to run, even if nothing else is due.
        not_before: The earliest moment of the next launch.
        retry_at: When the scheduler tries again to place a task for which it found no capacity.
        failed_starts: Failed starts in a row.
        stuck_event: Its newest event about being stuck.
        last_scaling: When the desired count changed last, and its value before.
        task_counts: Running and pending tasks, in total (under "") and for each deployment or task set.
        shown: What reads show.
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
    stuck_event: StuckEvent | None = None
    last_scaling: tuple[float, int] | None = None
    task_counts: Timeline = attrs.field(factory=Timeline)
    shown: Timeline = attrs.field(factory=Timeline)

    @property
    def is_daemon(self) -> bool:
        """Whether it runs one task on each container instance."""
        return self.scheduling == "DAEMON"

    @property
    def primary(self) -> Deployment | None:
        """The PRIMARY deployment; None for services with task sets."""
        return self.deployments[0] if self.deployments else None

    @property
    def rollout(self) -> Rollout | None:
        """The newest service deployment."""
        return self.rollouts[-1] if self.rollouts else None

    def scale(self, now: float, desired: int) -> None:
        """Change the desired count."""
        if desired != self.desired:
            self.last_scaling, self.desired = (now, self.desired), desired

    def add_event(self, now: float, event_id: str, message: str, *, part: str | None = None) -> None:
        """Add an event; the newest comes first. `part` is the id of the task set that it is about, if it is one."""
        about = self.name if part not in {each.id for each in self.task_sets} else f"{self.name}, taskSet {part}"
        event: Wire = {"id": event_id, "createdAt": timestamp(now), "message": f"(service {about}) {message}"}
        self.events = (event, *self.events)[:MAX_EVENTS]
