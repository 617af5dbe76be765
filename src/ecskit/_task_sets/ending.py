"""Deleting a task set that nobody wants any more."""

from __future__ import annotations

import logging

from ecskit._api.service_errors import TaskSetNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.retrying import CLEAN_UP, Insisting
from ecskit._polling.batches import Place
from ecskit.models.services import DeleteTaskSetRequest

__all__ = ["remove"]

log = logging.getLogger("ecskit")


def remove(place: Place) -> Flow[None]:
    """Delete a task set, whatever runs in it; one that is gone already is fine."""
    cluster, service = place.scope.split()
    log.info("deleting task set %s, for which nobody waits any more", place.id)
    request = DeleteTaskSetRequest(cluster=cluster, service=service, task_set=place.id, force=True)
    try:
        yield from Insisting(request).send(CLEAN_UP)
    except TaskSetNotFoundException:
        log.info("task set %s is gone already", place.id)
    except GeneratorExit:
        log.warning("task set %s may not have been deleted", place.id)
        raise
