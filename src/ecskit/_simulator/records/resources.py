"""The records of clusters, task definitions, tasks, container instances and capacity providers.

Lists and dicts in a record are replaced, never edited in place: requests and answers may share them.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.task_lifecycle import Step, TaskPlan, purged_at, snapshot
from ecskit._simulator.wire import Encoded, Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.cluster_attachments import Attachment

Tags = list[dict[str, str]]

_moment_of = attrgetter("at")


@attrs.define(kw_only=True)
class Cluster:
    """One cluster. Its counts are computed from its tasks and container instances.

    Args:
        attachments: What its capacity providers and its default namespace need.
        detaching: The attachments that the latest change removes.
        changing_until: When the latest change of attachments ends; 0 before the first one.
        provisioned_at: When it becomes ACTIVE.
    """

    name: str
    arn: str
    created_with: Wire
    tags: Tags
    settings: list[dict[str, str]]
    configuration: Wire | None = None
    service_connect_defaults: Wire | None = None
    capacity_providers: list[str]
    default_strategy: list[Wire]
    attachments: tuple[Attachment, ...] = ()
    detaching: tuple[Attachment, ...] = ()
    changing_until: float = 0.0
    provisioned_at: float = 0.0
    deleted_at: float | None = None

    @property
    def status(self) -> str:
        """ACTIVE, or INACTIVE after its deletion."""
        return "ACTIVE" if self.deleted_at is None else "INACTIVE"


@attrs.define(kw_only=True)
class TaskDefinition:
    """One revision of a task definition; `body` holds the members that never change.

    Args:
        hidden: The members of the body that answers do not show, because ECS keeps these defaults to itself.
    """

    arn: str
    family: str
    revision: int
    body: Wire
    hidden: frozenset[str] = frozenset()
    tags: Tags
    registered_at: float
    deregistered_at: float | None = None
    delete_requested_at: float | None = None

    @property
    def status(self) -> str:
        """ACTIVE, INACTIVE after its deregistration, DELETE_IN_PROGRESS after its deletion was requested."""
        if self.delete_requested_at is not None:
            return "DELETE_IN_PROGRESS"
        return "ACTIVE" if self.deregistered_at is None else "INACTIVE"

    def show(self) -> Wire:
        """Return the task definition as answers show it."""
        body = {name: value for name, value in self.body.items() if name not in self.hidden}
        body["status"] = self.status
        if self.deregistered_at is not None:
            body["deregisteredAt"] = timestamp(self.deregistered_at)
        if self.delete_requested_at is not None:
            body["deleteRequestedAt"] = timestamp(self.delete_requested_at)
        return body


@attrs.frozen(kw_only=True)
class Demand:
    """The resources that a task takes from an instance.

    Args:
        cpu: CPU units.
        memory: MiB of memory.
        ports: The host ports of its definition, with their protocols: they are reserved.
        chosen_ports: The host ports that were chosen for it. ECS does not count them as reserved.
    """

    cpu: int
    memory: int
    ports: frozenset[tuple[int, str]] = frozenset()
    chosen_ports: frozenset[tuple[int, str]] = frozenset()


@attrs.define(kw_only=True)
class Task:
    """One task: the members that never change, and the steps of those that do.

    Args:
        emitted: The number of steps that were sent as events, see `ChangeFeed`.
    """

    arn: str
    ordinal: int
    cluster_arn: str
    family: str
    created_at: float
    body: Wire
    containers: list[Wire]
    interface: Wire | None
    demand: Demand
    instance_arn: str | None
    plan: TaskPlan
    steps: tuple[Step, ...]
    tags: Tags
    emitted: int = 0
    _encoded: tuple[tuple[Step, ...], int, Tags | None, Wire, Encoded] | None = attrs.field(
        default=None, init=False, eq=False, repr=False
    )

    @property
    def purged_at(self) -> float | None:
        """When ECS stops showing it, or None while the task has no end."""
        return purged_at(self.steps)

    def show(self, at: float, *, tags: bool = True) -> Wire:
        """Return the task at a moment as answers show it."""
        state = snapshot(self.steps, at)
        body = {**self.body, **state.task}
        body["containers"] = [{**fixed, **state.containers[fixed["name"]]} for fixed in self.containers]
        if self.interface is None:
            body["attachments"] = []
        else:
            body["attachments"] = [{**self.interface, **state.interface}]
        body["tags"] = self.tags if tags else []
        return body

    def encoded(self, at: float, *, tags: bool) -> Encoded:
        """Return what `show` returns. It is made anew only if it differs from that of the last call."""
        seen = bisect_right(self.steps, at, key=_moment_of)
        shown_tags = self.tags if tags else None
        last = self._encoded
        if (
            last is not None
            and last[0] is self.steps
            and last[1] == seen
            and last[2] is shown_tags
            and last[3] is self.body
        ):
            return last[4]
        encoded = Encoded(self.show(at, tags=tags))
        self._encoded = (self.steps, seen, shown_tags, self.body, encoded)
        return encoded


@attrs.define(kw_only=True)
class ContainerInstance:
    """One container instance. Its remaining resources are computed from its tasks."""

    arn: str
    ordinal: int
    cluster_arn: str
    ec2_instance_id: str
    status: str
    version: int
    version_info: Wire
    resources: list[Wire]
    attributes: list[dict[str, str]]
    tags: Tags
    registered_at: float
    agent_update_requested_at: float | None = None


@attrs.define(kw_only=True)
class CapacityProvider:
    """One capacity provider.

    Args:
        body: The members of the request, with defaults.
        update_status: Its `updateStatus` while nothing changes; None before the first change.
        next_body: The body after the update in progress; None if there is none.
        updated_at: When the update in progress ends.
        deleted_at: When its deletion ends, or None if it is not deleted.
    """

    name: str
    arn: str
    body: Wire
    tags: Tags
    update_status: str | None = None
    next_body: Wire | None = None
    updated_at: float = 0.0
    deleted_at: float | None = None

    def settle(self, now: float) -> None:
        """End the update in progress if its time is over."""
        if self.next_body is not None and self.updated_at <= now:
            self.body, self.next_body, self.update_status = self.next_body, None, "UPDATE_COMPLETE"

    def show(self, now: float, *, tags: bool) -> Wire:
        """Return the capacity provider as answers show it."""
        self.settle(now)
        deleting, gone = self.deleted_at is not None, self.deleted_at is not None and self.deleted_at <= now
        status = "UPDATE_IN_PROGRESS" if self.next_body is not None else self.update_status
        if deleting:
            status = "DELETE_COMPLETE" if gone else "DELETE_IN_PROGRESS"
        body: Wire = {
            "capacityProviderArn": self.arn,
            "name": self.name,
            "status": "INACTIVE" if gone else "ACTIVE",
            "tags": self.tags if tags else [],
            **self.body,
        }
        return body if status is None else {**body, "updateStatus": status}
