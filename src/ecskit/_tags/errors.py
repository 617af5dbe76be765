"""The errors of changing the tags of many resources."""

from __future__ import annotations

from collections.abc import Mapping

from ecskit._core.bulk_errors import BulkError

__all__ = ["TagsNotAdded", "TagsNotRemoved"]


class TagsNotAdded(BulkError):
    """The tags were not added to some resources. `errors` has the reasons; the keys of `results` are the others."""

    operation = "TagResource"
    results: Mapping[str, str]


class TagsNotRemoved(BulkError):
    """The tags were not removed from some resources. `errors` has the reasons; the keys of `results` are the others."""

    operation = "UntagResource"
    results: Mapping[str, str]
