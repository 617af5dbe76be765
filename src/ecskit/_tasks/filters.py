"""The filters of lists of tasks: ECS takes one of them, the others are applied to the described tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ecskit._core.errors import RequestError
from ecskit._polling.identifiers import check_cluster
from ecskit.models.literals import DesiredStatus, LaunchType
from ecskit.models.tasks import ListTasksRequest, Task

__all__ = ["checked_filters", "fits", "list_request"]


def checked_filters(verb: str, cluster: object, **filters: Any) -> Mapping[str, str]:
    """Check the cluster, and return the filters that were given, in the order in which one is passed to ECS.

    Raises:
        RequestError: The cluster or a filter is wrong.
    """
    check_cluster(verb, cluster)
    launch_type, family = filters["launch_type"], filters["family"]
    given = {name: value for name, value in filters.items() if value is not None}
    problems = [
        (name, f"expected a str, not empty, got {value!r}; leave it out for all tasks")
        for name, value in given.items()
        if not isinstance(value, str) or not value
    ]
    # ECS checks the filters that it gets, and may not get these.
    if not problems and launch_type not in (None, *get_args(LaunchType)):
        problems.append(("launch_type", f"expected one of {', '.join(get_args(LaunchType))}, got {launch_type!r}"))
    if not problems and not {":", "/"}.isdisjoint(family or ""):
        problems.append(("family", f"expected the name of a family without revision, got {family!r}"))
    if problems:
        raise RequestError(verb, problems)
    return given


def list_request(cluster: str | None, filters: Mapping[str, Any], status: DesiredStatus) -> ListTasksRequest:
    """Return a request with the first of the filters.

    ECS refuses many combinations of filters, so the others are applied to the tasks that it lists. `started_by` must
    be the only one, and whether ECS takes it for stopped tasks is not documented.
    """
    name = next((name for name in filters if not (name == "started_by" and status == "STOPPED")), None)
    members = {} if name is None else {"service_name" if name == "service" else name: filters[name]}
    return ListTasksRequest(cluster=cluster, desired_status=status, **members)


def fits(filters: Mapping[str, str], task: Task) -> bool:
    """Whether a task passes filters."""
    found = {
        "started_by": task.started_by,
        "container_instance": _last(task.container_instance_arn),
        "family": _last(task.task_definition_arn).rpartition(":")[0],
        "launch_type": task.launch_type,
    }
    return all(
        found[name] == (_last(value) if name == "container_instance" else value) for name, value in filters.items()
    )


def _last(arn: str | None) -> str:
    return (arn or "").rpartition("/")[2]
