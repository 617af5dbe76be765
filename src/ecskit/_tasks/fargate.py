"""Whether a launch is on Fargate, which has quotas of its own: 20 requests a second, and 20 tasks a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecskit._core.effects import Flow, Share
from ecskit._core.quotas import FARGATE_LAUNCH, FARGATE_REQUEST
from ecskit._polling.batches import names_only
from ecskit.models.tasks import RunTaskRequest, Task

__all__ = ["note_launch_types", "tokens_of"]


class _OnFargate:
    """Whether the latest tasks ran on Fargate for which no launch type was given, by cluster."""

    def __init__(self) -> None:
        self.by_cluster: dict[str, bool] = {}


def tokens_of(request: RunTaskRequest) -> Flow[Mapping[str, float]]:
    """Return the tokens of the quotas of Fargate that a request takes.

    If the request does not say, the default of the cluster decides, as earlier launches have shown it. The first ones
    count as launches on Fargate, whose quotas are the lower ones.
    """
    on_fargate = _given(request)
    if on_fargate is None:
        shown: _OnFargate = (yield Share(_OnFargate)).get()
        on_fargate = shown.by_cluster.get(_cluster_of(request), True)
    return {FARGATE_LAUNCH: request.count or 1, FARGATE_REQUEST: 1} if on_fargate else {}


def note_launch_types(request: RunTaskRequest, tasks: Sequence[Task]) -> Flow[None]:
    """Keep where the tasks of a request run, if the default of the cluster has decided it."""
    types = {task.launch_type for task in tasks if task.launch_type is not None}
    if types and _given(request) is None:
        shown: _OnFargate = (yield Share(_OnFargate)).get()
        shown.by_cluster[_cluster_of(request)] = "FARGATE" in types


def _given(request: RunTaskRequest) -> bool | None:
    """Return whether the request is for Fargate; None if it does not say."""
    if request.launch_type is not None:
        return request.launch_type == "FARGATE"
    if request.capacity_provider_strategy:
        return any(item.capacity_provider in ("FARGATE", "FARGATE_SPOT") for item in request.capacity_provider_strategy)
    return None


def _cluster_of(request: RunTaskRequest) -> str:
    return names_only(request.cluster or "default")
