"""Add tags to any number of resources, and remove them, at the pace that ECS allows: 20 calls, then ten per second.

Both can be repeated: a tag that is there already is replaced, one that is not there counts as removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

from ecskit._core.bulk_errors import BulkError
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.model import Request, Response
from ecskit._core.retrying import Retrying
from ecskit._polling.bulk import (
    BULK_LIMITS,
    AsyncOnProgress,
    Call,
    check_on_progress,
    may_pass,
    perform,
)
from ecskit._tags.errors import TagsNotAdded, TagsNotRemoved
from ecskit.models.capacity_providers import CapacityProvider
from ecskit.models.clusters import Cluster
from ecskit.models.common import Tag
from ecskit.models.container_instances import ContainerInstance
from ecskit.models.services import Service, TaskSet
from ecskit.models.tags import TagResourceRequest, UntagResourceRequest
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["TaggedResource", "TaggedResources", "add", "remove"]

TaggedResource: TypeAlias = (
    Task | Service | TaskDefinition | Cluster | ContainerInstance | TaskSet | CapacityProvider | str
)
"""A resource with tags: a model, or an ARN."""
TaggedResources: TypeAlias = TaggedResource | Sequence[TaggedResource]
"""How callers pass resources: one or more models or ARNs."""

MOST = 50
"""The most tags of a resource."""
LONGEST_KEY, LONGEST_VALUE = 128, 256

_ARN_OF: Mapping[type[object], str] = {
    Task: "task_arn",
    Service: "service_arn",
    TaskDefinition: "task_definition_arn",
    Cluster: "cluster_arn",
    ContainerInstance: "container_instance_arn",
    TaskSet: "task_set_arn",
    CapacityProvider: "capacity_provider_arn",
}
_ARN = re.compile(r"arn:[^:]+:ecs:[^:]*:[^:]*:\S+")


def add(
    resources: TaggedResources, *, tags: Mapping[str, str] | Sequence[Tag], on_progress: AsyncOnProgress | None = None
) -> Flow[list[str]]:
    """Add tags to any number of resources. A tag with the same key is replaced; other tags stay.

    ECS takes 20 calls at once, then ten per second, and a call for each resource. Throttled calls are repeated. The
    call can be repeated after a cancellation.

    Args:
        resources: One or more resources: models or ARNs.
        tags: At most 50 tags; keys have 1 to 128 characters, values up to 256.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The ARNs of the resources, in the order given, each once.

    Raises:
        TagsNotAdded: Some did not get the tags; `errors` has the reasons, `results` the others.
        RequestError: An argument is wrong; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html
    """
    problems: list[tuple[str, str]] = []
    arns = list(_arns(resources, problems))
    pairs = list(_pairs(tags, problems))
    _check("tags.add", on_progress, problems)

    def request(arn: str) -> TagResourceRequest:
        return TagResourceRequest(resource_arn=arn, tags=[Tag(key=key, value=value) for key, value in pairs])

    return _change("tags.add", arns, request, on_progress, TagsNotAdded)


def remove(
    resources: TaggedResources, *, keys: Sequence[str], on_progress: AsyncOnProgress | None = None
) -> Flow[list[str]]:
    """Remove tags from any number of resources, by their keys. A key that a resource does not have counts as removed.

    ECS takes 20 calls at once, then ten per second, and a call for each resource. Throttled calls are repeated. The
    call can be repeated after a cancellation.

    Args:
        resources: One or more resources: models or ARNs.
        keys: The keys of the tags, at most 50.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The ARNs of the resources, in the order given, each once.

    Raises:
        TagsNotRemoved: Some still have the tags; `errors` has the reasons, `results` the others.
        RequestError: An argument is wrong; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UntagResource.html
    """
    problems: list[tuple[str, str]] = []
    arns = list(_arns(resources, problems))
    if not _is_list(keys):
        problems.append(("keys", f"expected a list of str, got {type(keys).__name__}"))
    else:
        problems += _key_problems("keys", keys)
    _check("tags.remove", on_progress, problems)

    def request(arn: str) -> UntagResourceRequest:
        return UntagResourceRequest(resource_arn=arn, tag_keys=keys)

    return _change("tags.remove", arns, request, on_progress, TagsNotRemoved)


def _change(
    verb: str,
    arns: Sequence[str],
    request: Callable[[str], Request[Response]],
    on_progress: AsyncOnProgress | None,
    error: type[BulkError],
) -> Flow[list[str]]:
    calls = [Call([arn], _change_one(arn, request(arn))) for arn in arns]
    return perform(verb, calls, arns, error, on_progress)


def _change_one(arn: str, request: Request[Response]) -> Flow[Mapping[str, str | EcsError]]:
    yield from Retrying(request, single_attempt=True).send(BULK_LIMITS, may_pass=may_pass)
    return {arn: arn}


def _arns(resources: TaggedResources, problems: list[tuple[str, str]]) -> Iterator[str]:
    """Yield the ARN of each resource once."""
    given: Sequence[object] = resources if _is_list(resources) else [resources]
    found: dict[str, None] = {}
    for place, resource in enumerate(given):
        path = f"resources[{place}]" if given is resources else "resources"
        arn = getattr(resource, _ARN_OF[type(resource)]) if type(resource) in _ARN_OF else resource
        if not isinstance(arn, str):
            problems.append((path, f"expected the ARN or the model of a resource, got {type(resource).__name__}"))
        elif not _ARN.fullmatch(arn):
            problems.append((path, f"{arn!r} is not the ARN of a resource of ECS; tags need the whole ARN"))
        else:
            found[arn] = None
    yield from found


def _pairs(tags: object, problems: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the key and the value of each tag."""
    pairs: list[tuple[Any, Any]]
    if isinstance(tags, Mapping):
        pairs = list(tags.items())
    elif _is_list(tags) and all(isinstance(tag, Tag) for tag in tags):
        pairs = [(tag.key, tag.value or "") for tag in tags]
    else:
        problems.append(("tags", f"expected a mapping of str to str, or a list of Tags, got {type(tags).__name__}"))
        return
    problems += _key_problems("tags", [key for key, _ in pairs])
    for key, value in pairs:
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:  # it is not shown: it may be a secret
            problems.append(("tags", f"the value of {key!r} is no str of at most {LONGEST_VALUE} characters"))
        yield key, value


def _key_problems(parameter: str, keys: Sequence[object]) -> Iterator[tuple[str, str]]:
    if len(keys) > MOST:
        yield parameter, f"expected at most {MOST}, got {len(keys)}"
    for key in keys:
        if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY:
            yield parameter, f"expected keys of 1 to {LONGEST_KEY} characters, got {key!r}"
        elif key.lower().startswith("aws:"):
            yield parameter, f"{key!r} begins with aws:, which AWS keeps for its own tags"
        elif keys.count(key) > 1:
            yield parameter, f"{key!r} is given {keys.count(key)} times"


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _check(verb: str, on_progress: AsyncOnProgress | None, problems: Sequence[tuple[str, str]]) -> None:
    if problems:
        raise RequestError(verb, problems)
    check_on_progress(verb, on_progress)
