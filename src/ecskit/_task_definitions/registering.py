"""Registering a task definition if it is not the latest revision already: the verb of `client.task_definitions`.

Each attempt looks first. So an answer that was lost after ECS had registered is found again, instead of registering
another revision; and of two that register the same at the same time, the one that ECS turns away takes what the other
one registered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from ecskit._api.service_errors import ClientException
from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, InvalidRequestError, RequestError
from ecskit._core.retrying import RetryLimits, is_throttle_in_disguise, is_transient, may_have_taken_effect, retry
from ecskit._task_definitions.diffing import Difference, compare, tag_changes
from ecskit._task_definitions.normalizing import check
from ecskit.models.literals import TaskDefinitionField
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    DescribeTaskDefinitionResponse,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["Registered", "register_if_changed"]

ATTEMPTS = 10
"""How often to try, for about a minute: ECS takes 20 registrations at once, and then one a second."""

# Not documented; told by many, such as https://github.com/hashicorp/terraform-provider-aws/issues/9777
_CONFLICT = re.compile(r"too many concurrent attempts", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Registered:
    """What came of registering a task definition if it is not the latest revision already."""

    definition: TaskDefinition
    """The latest active revision of the family now, which is what was asked for."""
    changed: bool
    """Whether this call registered it."""
    changes: Difference
    """What differed from the latest revision before; empty if the family had none, or if nothing was registered."""


def register_if_changed(request: RegisterTaskDefinitionRequest) -> Flow[Registered]:
    """Register a task definition, unless the latest active revision of its family is the same already.

    What ECS fills in and reorders is no difference; see `ecskit.task_definitions.diff`. Tags are compared if the
    request has any. Throttling, failures of ECS, lost answers, and revisions that others register at the same time,
    are met by looking again after a while, up to ten times in about a minute. So a lost answer does not lead to a
    second revision, as long as ECS shows the first one by then. A client that wraps one of yours retries as that does,
    which may register twice.

    Args:
        request: The task definition, as `load`, `derive` or you made it.

    Returns:
        The latest active revision, whether this call registered it, and what differed.

    Raises:
        RequestError: Something in the request is not of its type; nothing was sent.
        ServiceError: ECS refuses: no permission, something wrong with the definition.
        TransportError: ECS could not be reached. If that was while registering, it may have been registered.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    if not isinstance(request, RegisterTaskDefinitionRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a RegisterTaskDefinitionRequest, got {type(request).__name__}; see to_register_request"
        raise RequestError("task_definitions.register_if_changed", [("request", problem)])
    check(request)
    return _Registration(request).run()


@attrs.define
class _Registration:
    """One request to register, and what is known of its fate."""

    request: RegisterTaskDefinitionRequest
    open: Difference | None = None
    """What it was to change, if it was sent and nobody knows what became of it."""

    def run(self) -> Flow[Registered]:
        return retry(self.attempt, RetryLimits(attempts=ATTEMPTS), may_pass=_may_pass)

    def attempt(self) -> Flow[Registered]:
        latest = yield from self.latest()
        changes = Difference() if latest is None else self.changes(latest)
        if latest is not None and not changes:
            lost = self.open
            return Registered(definition=latest.task_definition, changed=lost is not None, changes=lost or Difference())
        try:
            # Through the client that makes one attempt: between two of them one has to look.
            answer = yield from call(self.request, single_attempt=True)
        except EcsError as error:
            if may_have_taken_effect(error):
                self.open = changes
            raise
        return Registered(definition=answer.task_definition, changed=True, changes=changes)

    def latest(self) -> Flow[DescribeTaskDefinitionResponse | None]:
        include: Sequence[TaskDefinitionField] = ABSENT_LIST if self.request.tags is ABSENT_LIST else ["TAGS"]
        request = DescribeTaskDefinitionRequest(task_definition=self.request.family, include=include)
        try:
            return (yield from call(request, single_attempt=True))
        except ClientException as error:
            if is_throttle_in_disguise(error):
                raise
            # So ECS says that there is none. If there is something wrong with the family, registering will tell.
            return None

    def changes(self, latest: DescribeTaskDefinitionResponse) -> Difference:
        found = compare(latest.task_definition, self.request)
        if self.request.tags is ABSENT_LIST:
            return found
        return Difference([*found, *tag_changes(latest.tags, self.request.tags)])


def _may_pass(error: EcsError, _attempt: int) -> bool:
    conflict = isinstance(error, InvalidRequestError) and _CONFLICT.search(error.message)
    return bool(conflict) or is_transient(error)
