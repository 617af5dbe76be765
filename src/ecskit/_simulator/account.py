"""The state of one simulated account in one region.

The account resolves references, draws identifiers and deletes what ECS no longer shows. The time is set once per
request, so that everything within a request happens at the same moment.
"""

from __future__ import annotations

import heapq
import math
import random
import uuid
from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator.errors import SimulatedError, refused
from ecskit._simulator.exec.state import ExecState
from ecskit._simulator.log_behaviour import LogBehaviour, LoggedTask
from ecskit._simulator.task_lifecycle import latest
from ecskit._simulator.task_script import ScriptSequence, TaskScript
from ecskit._simulator.task_state import TaskState, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecskit._simulator.arns import Arns
    from ecskit._simulator.deployment_script import DeploymentScript
    from ecskit._simulator.event_changes import ChangeFeed
    from ecskit._simulator.faults import Shortage
    from ecskit._simulator.quotas import Buckets
    from ecskit._simulator.read_options import Counting, Lag
    from ecskit._simulator.records.resources import CapacityProvider, Cluster, ContainerInstance, Task, TaskDefinition
    from ecskit._simulator.records.services import Service, TaskSet
    from ecskit._simulator.records.timed_resources import TimedResource
    from ecskit._simulator.records.tokens import CreationToken, LaunchToken
    from ecskit._simulator.resource_script import Progress
    from ecskit._simulator.scalable_targets import ScalableTarget
    from ecskit._simulator.task_lifecycle import Step

DEFAULT_CLUSTER = "default"
# Seconds until ECS no longer shows what is INACTIVE or deleted, and until an idempotency token expires.
INACTIVE_KEPT_FOR = 3600.0
TOKEN_KEPT_FOR = 24 * 3600.0


def seeded(seed: int, stream: str) -> random.Random:
    """Return a source of randomness for one stream: draws from one stream do not affect the others."""
    return random.Random(f"{seed}/{stream}")  # reproducible on purpose, not for security


@attrs.define(kw_only=True)
class Account:
    """Everything that the simulated account stores.

    Args:
        arns: Builds and reads the account's ARNs.
        lag: How far reads are behind.
        seed: The root of all randomness; identifiers and read moments draw from separate streams.
        buckets: The token buckets of the account's quotas.
        bare_replays: Whether a replay by `clientToken` shows only the ARNs and statuses of tasks.
        run_scheduler: Runs the service scheduler up to a moment.
        counting: How the desired counts of deployments are shown.
        shortage: The shortage of capacity that the current request meets, if any.
        log_behaviour: How CloudWatch Logs answers.
        logged: The tasks that write lines.
        scalable_targets: The scalable targets of Application Auto Scaling, by their resource ids.
        exec: What it has of ECS Exec.
    """

    arns: Arns
    lag: Lag
    seed: int
    buckets: Buckets
    bare_replays: bool = False
    counting: Counting = "zero_first"
    run_scheduler: Callable[[Account, float], None] | None = None
    now: float = 0.0
    clusters: dict[str, Cluster] = attrs.field(factory=dict)
    task_definitions: dict[str, TaskDefinition] = attrs.field(factory=dict)
    last_revisions: dict[str, int] = attrs.field(factory=dict)
    tasks: dict[str, Task] = attrs.field(factory=dict)
    purged: dict[int, TaskState] = attrs.field(factory=dict)
    shortage: Shortage | None = None
    launches: dict[tuple[str, str], LaunchToken] = attrs.field(factory=dict)
    container_instances: dict[str, ContainerInstance] = attrs.field(factory=dict)
    capacity_providers: dict[str, CapacityProvider] = attrs.field(factory=dict)
    account_settings: dict[tuple[str, str], str] = attrs.field(factory=dict)
    scripts: dict[str, ScriptSequence] = attrs.field(factory=dict)
    timed_resources: dict[tuple[str, str], TimedResource] = attrs.field(factory=dict)
    creations: dict[tuple[str, str, str], CreationToken] = attrs.field(factory=dict)
    progress: dict[tuple[str, str], Progress] = attrs.field(factory=dict)
    services: dict[str, Service] = attrs.field(factory=dict)
    former_task_sets: dict[str, TaskSet] = attrs.field(factory=dict)
    deployment_scripts: dict[str, DeploymentScript] = attrs.field(factory=dict)
    protected: dict[str, float] = attrs.field(factory=dict)
    scheduled_instances: dict[str, str] = attrs.field(factory=dict)
    feed: ChangeFeed | None = None
    log_behaviour: LogBehaviour = attrs.field(factory=LogBehaviour)
    logged: list[LoggedTask] = attrs.field(factory=list)
    scalable_targets: dict[str, ScalableTarget] = attrs.field(factory=dict)
    exec: ExecState = attrs.field(init=False)
    identifiers: random.Random = attrs.field(init=False)
    reads: random.Random = attrs.field(init=False)
    _counter: int = attrs.field(default=0, init=False)
    _forget_at: float = attrs.field(default=-math.inf, init=False)
    _ends: list[tuple[float, int, Task]] = attrs.field(factory=list, init=False)
    _launched_by: dict[str, tuple[str, str]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.identifiers = seeded(self.seed, "identifiers")
        self.reads = seeded(self.seed, "reads")
        self.exec = ExecState(lambda: f"wss://ssmmessages.{self.arns.region}.amazonaws.com")

    def advance(self, now: float) -> None:
        """Set the time, run the service scheduler up to it, and delete what ECS no longer shows."""
        if self.run_scheduler is not None:
            self.run_scheduler(self, now)
        self.now = now
        if self._forget_at <= now:
            self.collect_events()
            self._forget_at = min((now + INACTIVE_KEPT_FOR, *self._forget()))

    def collect_events(self) -> None:
        """Send the events of what has happened: before something is deleted, and after each request that changes it."""
        if self.feed is not None and not self.feed.subscribers:
            self.feed = None
        if self.feed is not None:
            self.feed.collect()

    def change_steps(self, task: Task, steps: tuple[Step, ...]) -> None:
        """Replace the steps of a task from now on."""
        task.steps = steps
        self._expect(task)

    def add_task(self, task: Task) -> None:
        """Add a task that was launched."""
        self.tasks[task.arn] = task
        if task.plan.script.logs:
            definition = self.task_definitions[task.body["taskDefinitionArn"]]
            self.logged.append(LoggedTask(task, definition.body))
        self._expect(task)

    def add_launch(self, key: tuple[str, str], launch: LaunchToken) -> None:
        """Remember a launch by its cluster and its token."""
        self.launches[key] = launch
        self._launched_by.update(dict.fromkeys(launch.task_arns, key))

    def _expect(self, task: Task) -> None:
        """Expect the next step of a task, which may be an event, and its end."""
        if self.feed is not None:
            self.feed.watch(task)
        if task.purged_at is not None:
            heapq.heappush(self._ends, (task.purged_at, task.ordinal, task))

    def _forget(self) -> Iterator[float]:
        """Delete what is due, and yield the moments of the rest.

        What changes later is due no earlier than an hour after its change.
        """
        now = self.now
        yield from self._forget_tasks()
        for arn, definition in list(self.task_definitions.items()):
            if definition.delete_requested_at is None:
                continue
            due = definition.delete_requested_at + INACTIVE_KEPT_FOR
            if due > now or self._is_used(definition):
                yield due
            else:
                del self.task_definitions[arn]
        yield from self._forget_deleted()
        yield from self._forget_timed_resources()

    def _forget_tasks(self) -> Iterator[float]:
        """Delete tasks an hour after their end, and launches without tasks, or after a day."""
        while self._ends and self._ends[0][0] <= self.now:
            _, _, task = heapq.heappop(self._ends)
            if self.tasks.get(task.arn) is not task or task.purged_at is None or task.purged_at > self.now:
                continue  # its steps were replaced, and its new end is expected at another moment
            del self.tasks[task.arn]
            self.protected.pop(task.arn, None)
            self.purged[task.ordinal] = attrs.evolve(state_of(task, self.now), purged=True)
            key = self._launched_by.pop(task.arn, None)
            if key in self.launches and not any(arn in self.tasks for arn in self.launches[key].task_arns):
                del self.launches[key]
        if self._ends:
            yield self._ends[0][0]
        while self.launches:
            key, launched = next(iter(self.launches.items()))  # the oldest one
            if launched.at + TOKEN_KEPT_FOR > self.now:
                yield launched.at + TOKEN_KEPT_FOR
                break
            del self.launches[key]

    def _forget_deleted(self) -> Iterator[float]:
        """Delete clusters, task sets and capacity providers an hour after their deletion."""
        ends: list[tuple[dict[str, Any], str, float | None]] = [
            *((self.clusters, name, each.deleted_at) for name, each in self.clusters.items()),
            *((self.former_task_sets, arn, each.gone_at) for arn, each in self.former_task_sets.items()),
            *((self.capacity_providers, name, each.deleted_at) for name, each in self.capacity_providers.items()),
        ]
        for records, key, ended in ends:
            if ended is None:
                continue
            if ended + INACTIVE_KEPT_FOR > self.now:
                yield ended + INACTIVE_KEPT_FOR
            else:
                del records[key]

    def _forget_timed_resources(self) -> Iterator[float]:
        """Delete daemons, gateways and the like with their parts an hour after their end, and tokens after a day."""
        ends = {
            arn: record.gone_at + INACTIVE_KEPT_FOR
            for (_, arn), record in self.timed_resources.items()
            if record.gone_at is not None
        }
        gone = {arn for arn, due in ends.items() if due <= self.now}
        if gone:
            kept = {key: each for key, each in self.timed_resources.items() if not {each.arn, each.owner} & gone}
            self.timed_resources = kept
        yield from (due for arn, due in ends.items() if arn not in gone)
        for key, creation in list(self.creations.items()):
            if creation.at + TOKEN_KEPT_FOR <= self.now:
                del self.creations[key]
            else:
                yield creation.at + TOKEN_KEPT_FOR

    def _is_used(self, definition: TaskDefinition) -> bool:
        arns = {task.body["taskDefinitionArn"] for task in self.tasks.values()}
        arns |= {each.config.get("taskDefinition") for each in self.services.values() if each.status != "INACTIVE"}
        return definition.arn in arns

    def ordinal(self) -> int:
        """Return the next number of the sequence that orders resources by creation."""
        self._counter += 1
        return self._counter

    def hex(self, digits: int) -> str:
        """Return a random identifier of hexadecimal digits."""
        return f"{self.identifiers.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """Return a random UUID."""
        return str(uuid.UUID(int=self.identifiers.getrandbits(128), version=4))

    def read_moment(self) -> float:
        """Return the moment whose state this read shows."""
        return self.lag.read_moment(self.now, self.reads)

    def is_visible(self, task: Task, at: float) -> bool:
        """Whether a read of a moment shows the task."""
        return task.created_at + self.lag.visible_after <= at

    def cluster(self, reference: str | None) -> Cluster:
        """Return the cluster of a name or ARN. Default: the cluster named "default".

        Raises:
            SimulatedError: `ClusterNotFoundException`.
        """
        found = self.find_cluster(reference)
        if found is None:
            raise SimulatedError("ClusterNotFoundException", "Cluster not found.")
        return found

    def find_cluster(self, reference: str | None) -> Cluster | None:
        """Return the cluster of a name or ARN, or None. Default: the cluster named "default"."""
        name = self.arns.name("cluster", reference or DEFAULT_CLUSTER)
        found = self.clusters.get(name)
        if found is not None and reference is not None and reference.startswith("arn:") and found.arn != reference:
            return None
        return found

    def active_cluster(self, reference: str | None) -> Cluster:
        """Return the cluster, which must be ACTIVE.

        Raises:
            SimulatedError: `ClusterNotFoundException`, or `ClientException` if it was deleted.
        """
        cluster = self.cluster(reference)
        if cluster.deleted_at is not None:
            raise refused("The referenced cluster was inactive.")
        return cluster

    def find_task(self, cluster: Cluster, reference: str) -> Task | None:
        """Return the task of an id or ARN in the cluster, or None."""
        task = self.tasks.get(reference) or self.tasks.get(self.arns.in_cluster("task", reference, cluster.name))
        return task if task is not None and task.cluster_arn == cluster.arn else None

    def find_task_definition(self, reference: str) -> TaskDefinition | None:
        """Return the task definition of a `family`, `family:revision` or ARN, or None.

        A family refers to its latest ACTIVE revision.
        """
        name = self.arns.name("task-definition", reference)
        family, _, revision = name.partition(":")
        if revision:
            return self.task_definitions.get(self.arns.ecs("task-definition", name))
        active = [each for each in self.task_definitions.values() if each.family == family and each.status == "ACTIVE"]
        return max(active, key=lambda each: each.revision, default=None)

    def find_container_instance(self, cluster: Cluster, reference: str) -> ContainerInstance | None:
        """Return the container instance of an id or ARN in the cluster, or None."""
        arn = self.arns.in_cluster("container-instance", reference, cluster.name)
        instance = self.container_instances.get(arn)
        return instance if instance is not None and instance.cluster_arn == cluster.arn else None

    def tasks_of(self, cluster: Cluster) -> Iterator[Task]:
        """Yield the tasks of a cluster, including stopped ones."""
        return (task for task in self.tasks.values() if task.cluster_arn == cluster.arn)

    def live_tasks_on(self, instance: ContainerInstance) -> Iterator[Task]:
        """Yield the tasks on a container instance that are not STOPPED."""
        for task in self.tasks.values():
            if task.instance_arn == instance.arn and self.task_status(task) != "STOPPED":
                yield task

    def task_states(self) -> list[TaskState]:
        """Return the state of every task that was ever launched, in the order of launches."""
        present = {task.ordinal: state_of(task, self.now) for task in self.tasks.values()}
        return [state for _, state in sorted({**self.purged, **present}.items())]

    def task_status(self, task: Task) -> str:
        """Return a task's `lastStatus` now."""
        status: str = latest(task.steps, self.now, "lastStatus")
        return status

    def find_service(self, cluster: Cluster, reference: str) -> Service | None:
        """Return the service of a name or ARN in the cluster, or None."""
        name = self.arns.name("service", reference)
        arn = (
            reference
            if reference.startswith("arn:") and "/" in name
            else self.arns.ecs("service", f"{cluster.name}/{name}")
        )
        service = self.services.get(arn)
        return service if service is not None and service.cluster is cluster else None

    def services_of(self, cluster: Cluster) -> list[Service]:
        """Return the services of a cluster, oldest first."""
        return [each for each in self.services.values() if each.cluster is cluster]

    def wake_service_of(self, task: Task) -> None:
        """Run the service scheduler for the service of a task, if it has one, at the next advance."""
        for service in self.services.values():
            if task.arn in service.live_tasks:
                service.due_at = self.now

    def instances_of(self, cluster: Cluster) -> list[ContainerInstance]:
        """Return the container instances of a cluster, oldest first."""
        return [each for each in self.container_instances.values() if each.cluster_arn == cluster.arn]

    def next_script(self, family: str) -> TaskScript:
        """Return the script of a family's next task: its own, else that of "*", else one that runs until stopped."""
        scripts = self.scripts.get(family) or self.scripts.get("*")
        return scripts.next(family) if scripts else TaskScript()
