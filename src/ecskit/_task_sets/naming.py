"""Which task set, and which service, is meant: the one that is named, and where it is. Asks ECS nothing."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from ecskit._core.errors import RequestError
from ecskit._polling.batches import Target, Targets
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._waits.task_sets import IDENTIFIERS, TaskSetResponse
from ecskit.models.services import Service, TaskSet

__all__ = ["OneTaskSet", "one_task_set", "service_of"]

OneTaskSet: TypeAlias = TaskSetResponse | TaskSet | str
"""What is said about a task set: what an operation answered, the task set, its id or its ARN."""

SERVICE = Identifiers(
    noun="service",
    model=Service,
    name_of=attrgetter("service_arn"),
    arn_pattern=rf"service/(?:(?P<cluster>{NAME})/)?(?P<id>{NAME})",
    name_pattern=NAME,
    parents=("cluster",),
)


def one_task_set(subject: str, task_set: OneTaskSet, *, cluster: str | None, service: str | None) -> Targets[TaskSet]:
    """Return where to look for a task set.

    Raises:
        RequestError: It is none, or nothing tells its cluster and its service.
    """
    return _one(subject, IDENTIFIERS, "task_set", task_set, cluster=cluster, service=service)


def service_of(subject: str, service: str | Service, cluster: str | None) -> Target:
    """Return the cluster and the name of a service.

    Raises:
        RequestError: It is none, or nothing tells its cluster.
    """
    if isinstance(service, Service) and cluster is None:
        cluster = service.cluster_arn
    [target] = _one(subject, SERVICE, "service", service, cluster=cluster).by_name.values()
    return target


def _one(
    subject: str, identifiers: Identifiers[Any], parameter: str, thing: object, **said: str | None
) -> Targets[Any]:
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        raise RequestError(subject, [(parameter, f"expected one {identifiers.noun}, got {type(thing).__name__}")])
    try:
        return targets_of(subject, identifiers, thing, **said)
    except RequestError as error:
        # Told under the name that the caller used.
        named = [(parameter if path == identifiers.parameter else path, problem) for path, problem in error.problems]
        raise RequestError(subject, named) from None
