"""Values of the methods that act on many things at once: how far they have come, and which resources take tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._polling.bulk import AsyncOnProgress, BulkProgress, OnProgress
    from ecskit._tags.changing import TaggedResource, TaggedResources

__all__ = ["AsyncOnProgress", "BulkProgress", "OnProgress", "TaggedResource", "TaggedResources"]

publish(
    globals(),
    {
        "AsyncOnProgress": "ecskit._polling.bulk",
        "BulkProgress": "ecskit._polling.bulk",
        "OnProgress": "ecskit._polling.bulk",
        "TaggedResource": "ecskit._tags.changing",
        "TaggedResources": "ecskit._tags.changing",
    },
)
