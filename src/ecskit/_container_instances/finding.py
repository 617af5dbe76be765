"""Find container instances: their current state, and their ids if the caller named EC2 instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ecskit._container_instances.errors import ContainerInstancesMissing
from ecskit._core.effects import Flow
from ecskit._core.retrying import retry
from ecskit._polling.batches import Batches, Targets
from ecskit._waits.container_instances import HOST, INSTANCES, describer
from ecskit.models.container_instances import ContainerInstance

__all__ = ["describe_until_answered", "named_by_host", "with_ids"]

_READ = attrs.evolve(INSTANCES, describe=describer(single_attempt=False))


def named_by_host(targets: Targets[ContainerInstance]) -> list[str]:
    """Return the targets that are named by the ids of EC2 instances, which only reads accept."""
    return [name for name, target in targets.by_name.items() if HOST.fullmatch(target.id)]


def describe_until_answered(
    targets: Targets[ContainerInstance], names: Iterable[str]
) -> Flow[dict[str, ContainerInstance]]:
    """Describe some targets, with retries, and return those that exist, by name."""
    found: dict[str, ContainerInstance] = {}
    remaining = list(names)

    def attempt() -> Flow[dict[str, ContainerInstance]]:
        poll = yield from Batches(_READ, targets.by_name).poll(remaining)
        found.update(poll.observed)
        remaining[:] = poll.unanswered
        for error in poll.unanswered.values():
            raise error
        return found

    return (yield from retry(attempt)) if remaining else found


def with_ids(targets: Targets[ContainerInstance], found: Mapping[str, ContainerInstance]) -> Targets[ContainerInstance]:
    """Return the targets, with ids of container instances in place of those of EC2 instances.

    Raises:
        ContainerInstancesMissing: Some EC2 instances have no container instance.
    """
    hosts = named_by_host(targets)
    missing = [name for name in hosts if name not in found]
    if missing:
        raise ContainerInstancesMissing(missing, found, [targets.by_name[name].scope for name in missing])
    ids = {name: INSTANCES.id_of(found[name]) for name in hosts}
    by_name = {name: attrs.evolve(target, id=ids.get(name, target.id)) for name, target in targets.by_name.items()}
    return attrs.evolve(targets, by_name=by_name)
