"""Resolve the task set or service of an argument to its id, service and cluster. Nothing is sent."""

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
"""A task set: the model, its id or ARN, or a response that holds it."""

SERVICE = Identifiers(
    noun="service",
    model=Service,
    name_of=attrgetter("service_arn"),
    arn_pattern=rf"service/(?:(?P<cluster>{NAME})/)?(?P<id>{NAME})",
    name_pattern=NAME,
    parents=("cluster",),
)


def one_task_set(subject: str, task_set: OneTaskSet, *, cluster: str | None, service: str | None) -> Targets[TaskSet]:
    """Return the target for a task set.

    Raises:
        RequestError: The argument is not a task set, or its cluster or service is unknown.
    """
    return _one(subject, IDENTIFIERS, "task_set", task_set, cluster=cluster, service=service)


def service_of(subject: str, service: str | Service, cluster: str | None) -> Target:
    """Return the cluster and the name of a service.

    Raises:
        RequestError: The argument is not a service, or its cluster is unknown.
    """
    if isinstance(service, Service) and cluster is None:
        cluster = service.cluster_arn
    [target] = _one(subject, SERVICE, "service", service, cluster=cluster).by_name.values()
    return target


def _one(
    subject: str, identifiers: Identifiers[Any], parameter: str, given: object, **parents: str | None
) -> Targets[Any]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        raise RequestError(subject, [(parameter, f"expected one {identifiers.noun}, got {type(given).__name__}")])
    try:
        return targets_of(subject, identifiers, given, **parents)
    except RequestError as error:
        # The message names the parameter of the caller.
        named = [(parameter if path == identifiers.parameter else path, problem) for path, problem in error.problems]
        raise RequestError(subject, named) from None
