"""The names that ECS gives to things, and what a caller may say instead of them.

Decides how ARNs are built and read. Does not know which things exist.
"""

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

    def ecs(self, kind: str, name: str) -> str:
        """Return the ARN of an ECS resource, for example `ecs("cluster", "prod")`."""
        return f"arn:{self.partition}:ecs:{self.region}:{self.account}:{kind}/{name}"

    def iam(self, name: str) -> str:
        """Return the ARN of an identity of this account, for example `iam("user/ada")`."""
        return f"arn:{self.partition}:iam::{self.account}:{name}"

    def name(self, kind: str, reference: str) -> str:
        """Return the name in a reference that is either a bare name or an ARN of that kind.

        For kinds with two levels (`task/CLUSTER/ID`) the name is everything after the kind.

        Raises:
            SimulatedError: `InvalidParameterException`, when the reference is an ARN of something else.
        """
        if not reference.startswith("arn:"):
            return reference
        parts = reference.split(":", 5)
        if len(parts) == 6 and parts[2] == "ecs":
            found, _, name = parts[5].partition("/")
            if found == kind and name:
                return name
        raise invalid(f"Invalid identifier: {reference} is not the ARN of a {kind}.")

    def in_cluster(self, kind: str, reference: str, cluster: str) -> str:
        """Return the full ARN of a task or a container instance that a caller named by ARN or by id."""
        name = self.name(kind, reference)
        if reference.startswith("arn:") and "/" in name:
            return reference
        return self.ecs(kind, f"{cluster}/{name}")


def short_id(arn: str) -> str:
    """Return the last part of an ARN."""
    return arn.rsplit("/", 1)[-1]
