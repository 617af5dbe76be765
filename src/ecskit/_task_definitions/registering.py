"""Register a task definition unless it equals the latest revision of its family.

Each attempt reads the latest revision first. If a response was lost after ECS had registered the definition, the next
attempt finds that revision instead of registering another one. If another process registers the same definition at the
same time and ECS rejects this call, the next attempt returns the revision of the other process.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ecskit._api.service_errors import ClientException
from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.documented import Documented
from ecskit._core.effects import Flow
from ecskit._core.errors import ConflictError, EcsError, RequestError
from ecskit._core.retrying import RetryLimits, is_retryable, may_have_taken_effect, retry
from ecskit._core.sizes import check_sizes
from ecskit._core.turns import await_turn
from ecskit._core.wire import encode
from ecskit._definitions.diffing import Difference, tag_changes
from ecskit._task_definitions.diffing import compare
from ecskit.models.literals import TaskDefinitionField
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    DescribeTaskDefinitionResponse,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["Registered", "register_if_changed"]

ATTEMPTS = 10
"""Attempts, for about a minute, in which other programs may use up the quota."""


@attrs.frozen(kw_only=True)
class Registered(Documented):
    """The result of `register_if_changed`."""

    definition: TaskDefinition
    """The latest active revision of the family; it equals the request."""
    changed: bool
    """Whether this call registered it."""
    changes: Difference
    """The difference from the latest revision before; empty if there was none, or if nothing was registered."""


def register_if_changed(request: RegisterTaskDefinitionRequest) -> Flow[Registered]:
    """Register a task definition, unless it equals the latest active revision of its family.

    The definitions are compared as by `ecskit.task_definitions.diff`, and by their tags if the request has tags. After
    throttling, a server error, a lost response, or a conflict with another process, the latest revision is read again,
    up to ten times in about a minute. A lost response causes a second revision only if that read does not show the
    first one.

    Args:
        request: The task definition, such as the result of `load` or `derive`.

    Returns:
        The latest active revision, whether this call registered it, and the difference from the one before.

    Raises:
        RequestError: A member has a wrong type, or the definition is larger than ECS takes: 64 KiB, ten containers;
            nothing was sent.
        ServiceError: ECS refuses a call: no permission, an invalid definition.
        TransportError: The exchange with ECS failed; the definition may have been registered.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    if not isinstance(request, RegisterTaskDefinitionRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        advice = "see ecskit.task_definitions.load for files, and to_register_request for a described task definition"
        problem = f"expected a RegisterTaskDefinitionRequest, got {type(request).__name__}; {advice}"
        raise RequestError("task_definitions.register_if_changed", [("request", problem)])
    check_sizes("task_definitions.register_if_changed", request._operation, encode(request))
    return _Registration(request).run()


@attrs.define
class _Registration:
    """One call of `register_if_changed`, with the change that may have taken effect."""

    request: RegisterTaskDefinitionRequest
    unconfirmed: Difference | None = None
    """The change of an attempt that may have taken effect without a response."""
    waited: bool = False
    """Whether an attempt has had its turn."""

    def run(self) -> Flow[Registered]:
        return retry(self.attempt, RetryLimits(attempts=ATTEMPTS), may_pass=_may_pass)

    def attempt(self) -> Flow[Registered]:
        latest, changes = yield from self.latest()
        if latest is None or changes:
            waited = yield from await_turn({self.request._operation: 1}, first=self.waited)
            self.waited = True
            if waited:  # another process may have registered it meanwhile
                latest, changes = yield from self.latest()
        if latest is not None and not changes:
            earlier = self.unconfirmed
            return Registered(
                definition=latest.task_definition, changed=earlier is not None, changes=earlier or Difference()
            )
        try:
            # Without botocore's retries: each attempt has to read the latest revision first.
            response = yield from call(self.request, single_attempt=True)
        except EcsError as error:
            if may_have_taken_effect(error):
                self.unconfirmed = changes
            raise
        return Registered(definition=response.task_definition, changed=True, changes=changes)

    def latest(self) -> Flow[tuple[DescribeTaskDefinitionResponse | None, Difference]]:
        return _latest(self.request)


def compare_with_latest(request: RegisterTaskDefinitionRequest) -> Flow[tuple[TaskDefinition | None, Difference]]:
    """Return the latest active revision of the family of a request, if there is one, and the difference from it."""
    latest, changes = yield from retry(lambda: _latest(request), may_pass=lambda error, _: is_retryable(error))
    return latest.task_definition if latest else None, changes


def _latest(request: RegisterTaskDefinitionRequest) -> Flow[tuple[DescribeTaskDefinitionResponse | None, Difference]]:
    include: Sequence[TaskDefinitionField] = ABSENT_LIST if request.tags is ABSENT_LIST else ["TAGS"]
    described = DescribeTaskDefinitionRequest(task_definition=request.family, include=include)
    yield from await_turn({described._operation: 1})
    try:
        latest = yield from call(described, single_attempt=True)
    except ClientException as error:
        if error.retryable:
            raise
        # The family has no active revision. If its name is invalid, registering raises the error.
        return None, Difference()
    found = compare(latest.task_definition, request)
    if request.tags is not ABSENT_LIST:
        found = Difference([*found, *tag_changes(latest.tags, request.tags)])
    return latest, found


def _may_pass(error: EcsError, _attempt: int) -> bool:
    conflict = isinstance(error, ConflictError) and error.retryable  # another process registers the family
    return conflict or is_retryable(error)
