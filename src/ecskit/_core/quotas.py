"""The quotas of ECS: how many requests an account may send in a region. They are token buckets."""

from __future__ import annotations

import attrs

__all__ = ["FARGATE_LAUNCH", "FARGATE_REQUEST", "PUBLISHED_QUOTAS", "QUOTA_OF", "Quota"]

FARGATE_REQUEST = "RunTask on Fargate"
FARGATE_LAUNCH = "a launch on Fargate"

_POSITIVE = attrs.validators.gt(0)


@attrs.frozen
class Quota:
    """One token bucket of an account in a region.

    Args:
        burst: The size of the bucket in tokens; it starts full.
        per_second: The tokens that are added per second.
        operations: The operations whose requests take one token each. Two further names are counted, too: "RunTask on
            Fargate", and "a launch on Fargate" for each task.

    Raises:
        ValueError: A number is not positive.
    """

    burst: float = attrs.field(validator=_POSITIVE)
    per_second: float = attrs.field(validator=_POSITIVE)
    operations: tuple[str, ...]

    def scaled(self, factor: float) -> Quota:
        """Return a bucket with the size and the rate multiplied by a factor.

        Raises:
            ValueError: The factor is not positive.
        """
        return attrs.evolve(self, burst=self.burst * factor, per_second=self.per_second * factor)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PUBLISHED_QUOTAS: tuple[Quota, ...] = (
    Quota(100, 20, _words("DescribeTasks ListTasks DescribeContainerInstances ListContainerInstances")),
    Quota(100, 20, _words("DescribeServices ListServices DescribeTaskSets")),
    Quota(
        50,
        20,
        _words("DescribeServiceDeployments ListServiceDeployments StopServiceDeployment ContinueServiceDeployment"),
    ),
    Quota(50, 20, _words("DescribeServiceRevisions")),
    Quota(
        100,
        40,
        _words(
            "RunTask StartTask StopTask ExecuteCommand PutAttributes DeleteAttributes ListAttributes"
            " RegisterContainerInstance DeregisterContainerInstance UpdateContainerAgent UpdateContainerInstancesState"
        ),
    ),
    Quota(20, 20, (FARGATE_REQUEST,)),
    Quota(100, 20, (FARGATE_LAUNCH,)),
    Quota(
        50,
        5,
        _words(
            "CreateService UpdateService DeleteService CreateTaskSet UpdateTaskSet DeleteTaskSet"
            " UpdateServicePrimaryTaskSet"
        ),
    ),
    Quota(20, 1, _words("RegisterTaskDefinition DeregisterTaskDefinition DeleteTaskDefinitions")),
    Quota(50, 20, _words("DescribeTaskDefinition ListTaskDefinitions ListTaskDefinitionFamilies")),
    Quota(
        20,
        1,
        _words("CreateCluster UpdateCluster UpdateClusterSettings DeleteCluster PutClusterCapacityProviders"),
    ),
    Quota(50, 20, _words("DescribeClusters ListClusters")),
    Quota(10, 1, _words("CreateCapacityProvider UpdateCapacityProvider DeleteCapacityProvider")),
    Quota(50, 20, _words("DescribeCapacityProviders")),
    Quota(20, 10, _words("TagResource UntagResource")),
    Quota(50, 20, _words("ListTagsForResource")),
    Quota(10, 1, _words("PutAccountSetting PutAccountSettingDefault DeleteAccountSetting")),
    Quota(50, 20, _words("ListAccountSettings")),
    Quota(
        200,
        120,
        _words("DiscoverPollEndpoint SubmitAttachmentStateChanges SubmitContainerStateChange SubmitTaskStateChange"),
    ),
    Quota(200, 80, _words("GetTaskProtection UpdateTaskProtection")),
    Quota(10, 1, _words("ListServicesByNamespace")),
)
"""The quotas that ECS documents, one bucket per row. Daemons, gateways and Express services have no published quotas.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

QUOTA_OF = {name: quota for quota in PUBLISHED_QUOTAS for name in quota.operations}
