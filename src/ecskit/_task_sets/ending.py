"""Deleting a task set that nobody wants any more."""

from __future__ import annotations

import logging

from ecskit._api.service_errors import TaskSetNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.retrying import CLEANUP_LIMITS, Retrying
from ecskit._polling.batches import Target
from ecskit.models.services import DeleteTaskSetRequest

__all__ = ["remove"]

log = logging.getLogger("ecskit")


def remove(target: Target) -> Flow[None]:
    """Delete a task set, whatever runs in it; one that is gone already is fine."""
    cluster, service = target.scope.split()
    log.info("deleting task set %s, for which nobody waits any more", target.id)
    request = DeleteTaskSetRequest(cluster=cluster, service=service, task_set=target.id, force=True)
    try:
        yield from Retrying(request).send(CLEANUP_LIMITS)
    except TaskSetNotFoundException:
        log.info("task set %s is gone already", target.id)
    except GeneratorExit:
        log.warning("task set %s may not have been deleted", target.id)
        raise
