"""How operations look at managed resources: as readers that may be behind, or as writers who see the present.

Decides what a reader sees under the world's lag, and what an idempotency token stands for. Statuses, and the errors for
what is not there, belong to the operations.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.errors import invalid
from ecskit._simulator.resource_script import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.timed_resources import TimedResource
    from ecskit._simulator.resource_script import ResourceKind
    from ecskit._simulator.wire import Wire

_TOKEN = re.compile(r"[\x21-\x7e]{1,36}")


@attrs.frozen(kw_only=True)
class CreationToken:
    """What the idempotency token of a creation stands for: the question, and what was created."""

    question: str
    arn: str
    at: float


def checked_arn(account: Account, kind: str, reference: str) -> str:
    """Return a reference that must be the ARN of something of that kind.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if not reference.startswith("arn:"):
        raise invalid(f"Invalid identifier: {reference} is not an ARN.")
    account.arns.name(kind, reference)
    return reference


def add_resource(account: Account, kind: str, record: TimedResource) -> None:
    """Let a resource exist."""
    account.timed_resources[kind, record.arn] = record


def find_current(account: Account, kind: str, arn: str) -> TimedResource | None:
    """Return the resource of that ARN as a writer sees it: if it exists now."""
    record = account.timed_resources.get((kind, arn))
    return record if record is not None and record.exists(account.now) else None


def find_visible(account: Account, kind: str, arn: str, at: float) -> TimedResource | None:
    """Return the resource of that ARN as a reader of a moment sees it."""
    record = account.timed_resources.get((kind, arn))
    return record if record is not None and _is_seen(account, record, at) else None


def all_current(account: Account, kind: str) -> Iterator[TimedResource]:
    """Yield the resources of a kind that exist now, oldest first."""
    return (each for (of, _), each in account.timed_resources.items() if of == kind and each.exists(account.now))


def all_visible(account: Account, kind: str, at: float) -> Iterator[TimedResource]:
    """Yield the resources of a kind that a reader of a moment sees."""
    return (each for (of, _), each in account.timed_resources.items() if of == kind and _is_seen(account, each, at))


def _is_seen(account: Account, record: TimedResource, at: float) -> bool:
    return record.exists(at) and record.created_at + account.lag.visible_after <= at


def progress_of(account: Account, kind: ResourceKind, name: str) -> Progress:
    """Return how a change of a resource goes: its own script, else that of "*", else the defaults."""
    return account.progress.get((kind, name)) or account.progress.get((kind, "*")) or Progress()


def created_earlier(account: Account, kind: str, scope: str, request: Wire) -> TimedResource | None:
    """Return what an earlier request with the same `clientToken` created, or None if the token is new.

    Args:
        world: Where to look.
        kind: The kind of what is created.
        scope: Within what the token is unique: the ARN of a cluster, or "" for the account.
        request: The whole request.

    Raises:
        SimulatedError: `InvalidParameterException`, when the token is malformed or came with other parameters before.
    """
    token = request.get("clientToken")
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise invalid("clientToken must be 1 to 36 printable ASCII characters without spaces.")
    known = account.creations.get((kind, scope, token))
    record = None if known is None else find_current(account, kind, known.arn)
    # The ARN can be in use again for something that was created without this token.
    if known is None or record is None or record.created_at != known.at:
        return None
    if known.question != _question(request):
        raise invalid("The clientToken was used before with other parameters.")
    return record


def record_creation(account: Account, kind: str, scope: str, request: Wire, record: TimedResource) -> None:
    """Keep what the `clientToken` of a request stands for, if it has one."""
    if "clientToken" in request:
        creation = CreationToken(question=_question(request), arn=record.arn, at=record.created_at)
        account.creations[kind, scope, request["clientToken"]] = creation


def _question(request: Wire) -> str:
    return json.dumps({name: value for name, value in request.items() if name != "clientToken"}, sort_keys=True)
