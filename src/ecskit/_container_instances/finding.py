"""Where container instances are, and how they are now: what is looked up before something is done with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ecskit._container_instances.errors import ContainerInstancesMissing
from ecskit._core.effects import Flow
from ecskit._core.retrying import retry
from ecskit._polling.batches import Batches, Targets
from ecskit._waits.container_instances import HOST, INSTANCES, describer
from ecskit.models.container_instances import ContainerInstance

__all__ = ["by_host", "located", "look_at"]

_READ = attrs.evolve(INSTANCES, describe=describer(single_attempt=False))


def by_host(targets: Targets[ContainerInstance]) -> list[str]:
    """Return what was named by the ids of machines: only waits and looks take these."""
    return [name for name, target in targets.by_name.items() if HOST.fullmatch(target.id)]


def look_at(targets: Targets[ContainerInstance], names: Iterable[str]) -> Flow[dict[str, ContainerInstance]]:
    """Look at some of the container instances until ECS answers, and return those that there are, by name."""
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


def located(targets: Targets[ContainerInstance], found: Mapping[str, ContainerInstance]) -> Targets[ContainerInstance]:
    """Return the same with the ids of the container instances in place of those of the machines that they are on.

    Raises:
        ContainerInstancesMissing: No container instance was found on some of the machines.
    """
    hosts = by_host(targets)
    missing = [name for name in hosts if name not in found]
    if missing:
        raise ContainerInstancesMissing(missing, list(found.values()))
    ids = {name: INSTANCES.id_of(found[name]) for name in hosts}
    by_name = {name: attrs.evolve(target, id=ids.get(name, target.id)) for name, target in targets.by_name.items()}
    return attrs.evolve(targets, by_name=by_name)
