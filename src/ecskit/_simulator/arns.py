"""Build ARNs, and read the names, ids and ARNs in requests."""

from __future__ import annotations

import attrs

from ecskit._simulator.errors import invalid


@attrs.frozen
class Arns:
    """Build and read the ARNs of one account in one region."""

    region: str
    account: str

    @property
    def partition(self) -> str:
        """The partition that the region belongs to."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def ecs(self, resource_type: str, name: str) -> str:
        """Return the ARN of an ECS resource, for example `ecs("cluster", "prod")`."""
        return f"arn:{self.partition}:ecs:{self.region}:{self.account}:{resource_type}/{name}"

    def iam(self, name: str) -> str:
        """Return the ARN of an identity of this account, for example `iam("user/ada")`."""
        return f"arn:{self.partition}:iam::{self.account}:{name}"

    def name(self, resource_type: str, reference: str) -> str:
        """Return the name in a reference that is a bare name or an ARN of the resource type.

        For types with two levels (`task/CLUSTER/ID`) the name is everything after the type.

        Raises:
            SimulatedError: `InvalidParameterException` if the reference is an ARN of another type.
        """
        if not reference.startswith("arn:"):
            return reference
        parts = reference.split(":", 5)
        if len(parts) == 6 and parts[2] == "ecs":
            found, _, name = parts[5].partition("/")
            if found == resource_type and name:
                return name
        raise invalid(f"Invalid identifier: {reference} is not the ARN of a {resource_type}.")

    def in_cluster(self, resource_type: str, reference: str, cluster: str) -> str:
        """Return the full ARN of a task or a container instance from an ARN or an id."""
        name = self.name(resource_type, reference)
        if reference.startswith("arn:") and "/" in name:
            return reference
        return self.ecs(resource_type, f"{cluster}/{name}")


def short_id(arn: str) -> str:
    """Return the last part of an ARN."""
    return arn.rsplit("/", 1)[-1]
