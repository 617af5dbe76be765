"""Find and add daemons, gateways, Express services and their parts, and replay creations by `clientToken`.

Operations that change something use the current state. Reads can lag: they use the state at a moment.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid
from ecskit._simulator.records.tokens import CreationToken
from ecskit._simulator.resource_script import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.timed_resources import TimedResource
    from ecskit._simulator.resource_script import ResourceType
    from ecskit._simulator.wire import Wire

_TOKEN = re.compile(r"[\x21-\x7e]{1,36}")


def checked_arn(account: Account, resource_type: str, reference: str) -> str:
    """Return a reference that must be an ARN of the resource type.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if not reference.startswith("arn:"):
        raise invalid(f"Invalid identifier: {reference} is not an ARN.")
    account.arns.name(resource_type, reference)
    return reference


def add_resource(account: Account, resource_type: str, record: TimedResource) -> None:
    """Add a resource to the account."""
    account.timed_resources[resource_type, record.arn] = record


def find_current(account: Account, resource_type: str, arn: str) -> TimedResource | None:
    """Return the resource of an ARN if it exists now."""
    record = account.timed_resources.get((resource_type, arn))
    return record if record is not None and record.exists(account.now) else None


def find_visible(account: Account, resource_type: str, arn: str, at: float) -> TimedResource | None:
    """Return the resource of an ARN if a read of a moment shows it."""
    record = account.timed_resources.get((resource_type, arn))
    return record if record is not None and _is_visible(account, record, at) else None


def all_current(account: Account, resource_type: str) -> Iterator[TimedResource]:
    """Yield the resources of a type that exist now, oldest first."""
    return (
        each for (of, _), each in account.timed_resources.items() if of == resource_type and each.exists(account.now)
    )


def all_visible(account: Account, resource_type: str, at: float) -> Iterator[TimedResource]:
    """Yield the resources of a type that a read of a moment shows."""
    return (
        each
        for (of, _), each in account.timed_resources.items()
        if of == resource_type and _is_visible(account, each, at)
    )


def _is_visible(account: Account, record: TimedResource, at: float) -> bool:
    return record.exists(at) and record.created_at + account.lag.visible_after <= at


def progress_of(account: Account, resource_type: ResourceType, name: str) -> Progress:
    """Return the script of a resource's changes: its own, else that of "*", else the defaults."""
    return account.progress.get((resource_type, name)) or account.progress.get((resource_type, "*")) or Progress()


def created_earlier(account: Account, resource_type: str, scope: str, request: Wire) -> TimedResource | None:
    """Return what an earlier request with the same `clientToken` created, or None if the token is new.

    Args:
        account: The account.
        resource_type: The type of the resource.
        scope: The scope in which tokens are unique: the ARN of a cluster, or "" for the account.
        request: The whole request.

    Raises:
        SimulatedError: `InvalidParameterException` if the token is malformed or was used with other parameters.
    """
    token = request.get("clientToken")
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise invalid("clientToken must be 1 to 36 printable ASCII characters without spaces.")
    creation = account.creations.get((resource_type, scope, token))
    record = None if creation is None else find_current(account, resource_type, creation.arn)
    # The ARN may belong to a newer resource that was created without this token.
    if creation is None or record is None or record.created_at != creation.at:
        return None
    if creation.parameters != _parameters(request):
        raise invalid("The clientToken was used before with other parameters.")
    return record


def record_creation(account: Account, resource_type: str, scope: str, request: Wire, record: TimedResource) -> None:
    """Store what the `clientToken` of a request created, if it has one."""
    if "clientToken" in request:
        creation = CreationToken(parameters=_parameters(request), arn=record.arn, at=record.created_at)
        account.creations[resource_type, scope, request["clientToken"]] = creation


def _parameters(request: Wire) -> str:
    return json.dumps({name: value for name, value in request.items() if name != "clientToken"}, sort_keys=True)
