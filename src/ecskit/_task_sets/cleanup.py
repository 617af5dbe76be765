"""Delete a task set after its creation timed out or was cancelled."""

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
    """Delete a task set with its tasks, or do nothing if it is gone."""
    cluster, service = target.scope.split()
    log.info("deleting task set %s after a timeout or a cancellation", target.id)
    request = DeleteTaskSetRequest(cluster=cluster, service=service, task_set=target.id, force=True)
    try:
        yield from Retrying(request).send(CLEANUP_LIMITS)
    except TaskSetNotFoundException:
        log.info("task set %s was deleted before", target.id)
    except GeneratorExit:
        log.warning("the clean-up was cut short; task set %s may still exist", target.id)
        raise
