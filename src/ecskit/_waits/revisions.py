"""Read the contents of task definitions, each revision once per client.

The contents of a revision never change. Its status and its tags do, so nothing here reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ecskit._core.effects import Flow, Share
from ecskit._core.sharing import SharedReads, shared_read
from ecskit.models.task_definitions import DescribeTaskDefinitionResponse, TaskDefinition

__all__ = ["Revisions"]

_REVISION = re.compile(r":[0-9]+\Z")


class Revisions(SharedReads[TaskDefinition]):
    """The task definitions that the flows of a client have read or are reading."""

    @classmethod
    def contents_of(cls, name: str, read: Callable[[], Flow[DescribeTaskDefinitionResponse]]) -> Flow[TaskDefinition]:
        """Return a task definition for its contents. Its status may have changed since it was read.

        A family without a revision names the latest one, so only a read that began after this call counts for it.

        Args:
            name: Family, family:revision or ARN.
            read: Makes the flow that reads it.
        """

        def read_and_keep() -> Flow[TaskDefinition]:
            definition = (yield from read()).task_definition
            revisions: Revisions = (yield Share(cls)).get()
            revisions.keep(definition.task_definition_arn, definition)
            return definition

        return shared_read(cls, name, read_and_keep, changes=not _REVISION.search(name))
