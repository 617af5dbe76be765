"""Rows: images that cannot be pulled."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause
from ecskit._explain.row import START, Row

__all__ = ["IMAGE_ROWS"]

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_PULL = f"{_GUIDE}/task_cannot_pull_image.html"
_GITHUB = "https://github.com"

IMAGE_ROWS: Sequence[Row] = (
    Row(
        name="image-not-found",
        places=START,
        pattern=r"CannotPull.*?(?:not found|manifest unknown|does not exist|\(404\))",
        what="The registry does not have this image.",
        causes=(
            Cause("The tag does not exist in the repository.", "Push it, or deploy one that exists."),
            Cause(
                "The repository is in another account or region, or does not exist.",
                "Write the full URI of the repository in the task definition.",
            ),
        ),
        example="CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
        " ghcr.io/acme/app:2.4.1: ghcr.io/acme/app:2.4.1: not found",
        report=f"{_GITHUB}/usdigitalresponse/usdr-gost/pull/4036",
        seen="2025-02-21",
        source=_PULL,
    ),
)
