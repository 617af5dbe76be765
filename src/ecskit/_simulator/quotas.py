"""How many requests ECS takes: token buckets, as ECS documents them.

Decides which operations share a bucket, and whether there is a token left. Does not know what operations do: whoever
launches on Fargate says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from collections.abc import Sequence

FARGATE_REQUEST = "RunTask on Fargate"
FARGATE_LAUNCH = "a launch on Fargate"

_POSITIVE = attrs.validators.gt(0)


@attrs.frozen
class Quota:
    """One token bucket of an account in a region.

    Args:
        burst: How many tokens the bucket holds; it starts full.
        per_second: How many tokens come back per second.
        operations: Whose requests take one token each. Two names stand for what is counted beside requests:
            "RunTask on Fargate", and "a launch on Fargate" for each task.

    Raises:
        ValueError: A number is not positive.
    """

    burst: float = attrs.field(validator=_POSITIVE)
    per_second: float = attrs.field(validator=_POSITIVE)
    operations: tuple[str, ...]

    def scaled(self, factor: float) -> Quota:
        """Return a bucket of so many times the size and the rate.

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
"""What ECS documents, one row a bucket. Daemons, gateways and express services have no published quotas.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""


@attrs.define
class _Bucket:
    quota: Quota
    tokens: float
    filled_at: float

    def fill(self, now: float) -> None:
        gained = max(0.0, now - self.filled_at) * self.quota.per_second
        self.tokens, self.filled_at = min(self.quota.burst, self.tokens + gained), now


class Buckets:
    """Take tokens for what happens.

    Args:
        quotas: The buckets; what no bucket names is free.
        now: When they are full.
    """

    def __init__(self, quotas: Sequence[Quota], now: float) -> None:
        self._buckets = [_Bucket(quota, quota.burst, now) for quota in quotas]

    def take(self, what: str, now: float, tokens: int = 1) -> None:
        """Take tokens for something that is about to happen; none, if they do not suffice in every bucket.

        Raises:
            SimulatedError: `ThrottlingException`.
        """
        buckets = [bucket for bucket in self._buckets if what in bucket.quota.operations]
        for bucket in buckets:
            bucket.fill(now)
        # What is larger than a bucket passes when that is full, and leaves a debt.
        if any(bucket.tokens < min(tokens, bucket.quota.burst) for bucket in buckets):
            raise SimulatedError("ThrottlingException", "Rate exceeded")
        for bucket in buckets:
            bucket.tokens -= tokens
