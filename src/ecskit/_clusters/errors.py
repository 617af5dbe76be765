"""The error of describing clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._core.bulk_errors import MissingError

if TYPE_CHECKING:
    from ecskit.models.clusters import Cluster

__all__ = ["ClustersMissing"]


class ClustersMissing(MissingError):
    """ECS does not show some of the clusters that were named.

    They may not exist, may be in another account or region, or may have been deleted some time ago.
    """

    noun = "cluster"
    found: tuple[Cluster, ...]
