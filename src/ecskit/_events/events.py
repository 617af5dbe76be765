"""The events that ECS sends to EventBridge, as models.

An event is the whole envelope of EventBridge: `to_dict` returns it again, and members that this version does not have
are kept. ECS publishes no schema for most details, so their members are those of the examples in its developer guide.
Required are only those that identify what the event is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.model import JSON, Model
from ecskit.models.container_instances import ContainerInstance, InstanceHealthCheckResult
from ecskit.models.tasks import Task

__all__ = [
    "EVENT_TYPES",
    "ContainerInstanceHealthChange",
    "ContainerInstanceHealthDetail",
    "ContainerInstanceStateChange",
    "DaemonDeploymentDetail",
    "DaemonDeploymentStateChange",
    "DaemonServiceAction",
    "DaemonServiceActionDetail",
    "DeploymentDetail",
    "DeploymentStateChange",
    "EcsEvent",
    "HookDetail",
    "HookStateChange",
    "ServiceAction",
    "ServiceActionDetail",
    "TaskStateChange",
    "UnknownEvent",
]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class EcsEvent(Model):
    """An event of ECS, as EventBridge delivers it: at least once, and in any order.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
    """

    _wire_names: ClassVar[Mapping[str, str]] = {"detail_type": "detail-type", "replay_name": "replay-name"}

    id: str
    """Id of the event. EventBridge may deliver an event twice, with the same id."""
    detail_type: str
    """Type of the event, such as `ECS Task State Change`. Wire name: `detail-type`."""
    source: str
    """`aws.ecs`."""
    time: datetime
    """When ECS sent the event."""
    account: str
    """Id of the AWS account."""
    region: str
    """AWS region."""
    resources: Sequence[str] = ABSENT_LIST
    """ARNs of the resources that the event is about."""
    replay_name: str | None = None
    """Name of the replay, if the event comes from an archive of EventBridge. Wire name: `replay-name`."""

    @property
    def cluster_arn(self) -> str | None:
        """ARN of the cluster; None if the event does not name it, as in `DeploymentStateChange`."""
        return _text(getattr(getattr(self, "detail", None), "cluster_arn", None))


_NAMES = EcsEvent._wire_names


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TaskStateChange(EcsEvent):
    """The state of a task changed. Events are unordered: compare `task.version`.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """

    _wire_names: ClassVar[Mapping[str, str]] = {**_NAMES, "task": "detail"}

    task: Task
    """The task as DescribeTasks shows it, without `health_status` and `tags`. Wire name: `detail`."""

    @property
    def cluster_arn(self) -> str | None:
        """ARN of the cluster."""
        return self.task.cluster_arn


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ContainerInstanceStateChange(EcsEvent):
    """The state or the resources of a container instance changed. Compare `container_instance.version`.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_container_instance_events.html
    """

    _wire_names: ClassVar[Mapping[str, str]] = {**_NAMES, "container_instance": "detail"}

    container_instance: ContainerInstance
    """The container instance, without `tags` and `health_status`. Wire name: `detail`."""

    @property
    def cluster_arn(self) -> str | None:
        """ARN of the cluster."""
        return _text(self.container_instance.extra_fields.get("clusterArn"))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Detail(Model):
    cluster_arn: str | None = None
    """ARN of the cluster; None if the event does not name it."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Happened(_Detail):
    event_name: str | None = None
    """What happened, such as `SERVICE_STEADY_STATE`."""
    event_type: str | None = None
    """How serious that is: `INFO`, `WARN`, `WARNING` or `ERROR`."""
    reason: str | None = None
    """The reason, in words."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ContainerInstanceHealthDetail(_Detail):
    """The health of a container instance."""

    container_instance_arn: str
    """ARN of the container instance."""
    overall_status: str | None = None
    """`OK`, `IMPAIRED`, `INSUFFICIENT_DATA` or `INITIALIZING`."""
    health_checks: Sequence[InstanceHealthCheckResult] = ABSENT_LIST
    """The results of the checks."""
    capacity_provider_name: str | None = None
    """Name of the capacity provider; None if it has none."""
    ec2_instance_id: str | None = None
    """Id of the EC2 instance."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ServiceActionDetail(_Happened):
    """An action of the service scheduler."""

    service_name: str | None = None
    """Name or ARN of the service, if an API call caused the action; None if it is in `service`, or absent."""
    service: str | None = None
    """Name or ARN of the service, if ECS itself caused the action."""
    desired_count: int | None = None
    """The desired count of tasks."""
    created_at: datetime | None = None
    """When the action took place."""
    capacity_provider_arns: Sequence[str] = ABSENT_LIST
    """ARNs of the capacity providers that the action is about."""
    container_instance_arns: Sequence[str] = ABSENT_LIST
    """ARNs of the container instances that the action is about."""
    ec2_instance_ids: Sequence[str] = ABSENT_LIST
    """Ids of the EC2 instances that the action is about."""
    target_group_arns: Sequence[str] = ABSENT_LIST
    """ARNs of the target groups that the action is about."""
    service_registry_arns: Sequence[str] = ABSENT_LIST
    """ARNs of the service registries that the action is about."""
    task_arns: Sequence[str] = ABSENT_LIST
    """ARNs of the tasks that the action is about."""
    task_set_arns: Sequence[str] = ABSENT_LIST
    """ARNs of the task sets that the action is about."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DeploymentDetail(_Happened):
    """The state of a deployment of a service. `cluster_arn` is absent."""

    deployment_id: str
    """Id of the deployment, such as `ecs-svc/123`, as in `Service.deployments`."""
    updated_at: datetime | None = None
    """When the deployment changed."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HookDetail(_Happened):
    """The state of a lifecycle hook of a deployment."""

    hook_id: str
    """Id of the hook, which `continue_service_deployment` takes."""
    hook_type: str | None = None
    """`PAUSE` or `AWS_LAMBDA`."""
    expires_at: datetime | None = None
    """When the hook times out."""
    lifecycle_stage: str | None = None
    """The lifecycle stage of the deployment, such as `POST_TEST_TRAFFIC_SHIFT`."""
    service_arn: str | None = None
    """ARN of the service."""
    service_deployment_arn: str | None = None
    """ARN of the service deployment."""
    updated_at: datetime | None = None
    """When the hook changed."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DaemonServiceActionDetail(_Happened):
    """A problem with the tasks of a daemon."""

    daemon_arn: str | None = None
    """ARN of the daemon."""
    daemon_revision_arn: str | None = None
    """ARN of the revision of the daemon."""
    daemon_task_definition_arn: str | None = None
    """ARN of the daemon task definition."""
    container_instance_arn: str | None = None
    """ARN of the container instance."""
    capacity_provider_name: str | None = None
    """Name of the capacity provider."""
    task_arn: str | None = None
    """ARN of the task; None if it could not be created."""
    failure_type: str | None = None
    """`TASK_FAILED_TO_RUN` or `TASK_CREATION_FAILED`."""
    created_at: datetime | None = None
    """When the problem occurred."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DaemonDeploymentDetail(_Happened):
    """The state of a deployment of a daemon."""

    daemon_deployment_arn: str
    """ARN of the deployment."""
    daemon_arn: str | None = None
    """ARN of the daemon."""
    target_daemon_revision_arn: str | None = None
    """ARN of the revision that is deployed."""
    updated_at: datetime | None = None
    """When the deployment changed."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ContainerInstanceHealthChange(EcsEvent):
    """The health of a container instance changed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-health.html
    """

    detail: ContainerInstanceHealthDetail
    """The health of the container instance."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ServiceAction(EcsEvent):
    """The service scheduler did something, or could not.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    """

    detail: ServiceActionDetail
    """The action."""

    @property
    def service(self) -> str | None:
        """ARN or name of the service, from wherever the event has it; None if it has none."""
        return _service_arn(self.resources) or self.detail.service_name or self.detail.service


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DeploymentStateChange(EcsEvent):
    """The state of a deployment of a service changed. It is a hint to poll: it has no version, and no cluster.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    """

    detail: DeploymentDetail
    """The state of the deployment."""

    @property
    def service(self) -> str | None:
        """ARN of the service; None if the event has none."""
        return _service_arn(self.resources)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HookStateChange(EcsEvent):
    """The state of a lifecycle hook of a deployment changed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html
    """

    detail: HookDetail
    """The state of the hook."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DaemonServiceAction(EcsEvent):
    """A task of a daemon could not be started.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-daemons-events.html
    """

    detail: DaemonServiceActionDetail
    """The problem."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DaemonDeploymentStateChange(EcsEvent):
    """The state of a deployment of a daemon changed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-daemons-events.html
    """

    detail: DaemonDeploymentDetail
    """The state of the deployment."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class UnknownEvent(EcsEvent):
    """An event of ECS of a type that this version of ecskit does not have."""

    _sensitive: ClassVar[frozenset[str]] = frozenset({"detail"})

    detail: JSON
    """The detail as it came, which `repr` does not show."""

    @property
    def cluster_arn(self) -> str | None:
        """ARN of the cluster; None if the event does not name it."""
        return _text(self.detail.get("clusterArn")) if isinstance(self.detail, Mapping) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _service_arn(resources: Sequence[str]) -> str | None:
    return next((arn for arn in resources if str(arn).partition("/")[0].endswith(":service")), None)


EVENT_TYPES: Mapping[str, type[EcsEvent]] = {
    "ECS Task State Change": TaskStateChange,
    "ECS Container Instance State Change": ContainerInstanceStateChange,
    "ECS Container Instance Health Change": ContainerInstanceHealthChange,
    "ECS Service Action": ServiceAction,
    "ECS Deployment State Change": DeploymentStateChange,
    "ECS Hook State Change": HookStateChange,
    "ECS Daemon Service Action": DaemonServiceAction,
    "ECS Daemon Deployment State Change": DaemonDeploymentStateChange,
}
"""The class of each type of event."""
