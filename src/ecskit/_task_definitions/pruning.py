"""The method `task_definitions.prune`: deregister the revisions of a family that nothing uses any more.

Nothing is deleted. What uses a deregistered revision goes on, and `services.rollback` registers a copy of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ecskit._core.documented import Documented
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.wording import listed, plural
from ecskit._polling.bulk import AsyncOnProgress, check_on_progress
from ecskit._polling.options import is_count
from ecskit._task_definitions.removing import deregister
from ecskit._task_definitions.uses import list_all, uses_of
from ecskit.models.task_definitions import ListTaskDefinitionsRequest

__all__ = ["Pruned", "prune"]

UNSEEN = (
    "schedules and rules of EventBridge",
    "state machines of Step Functions",
    "templates, pipelines and programs that name a revision",
)
"""What may name a revision, and is not read."""
_FAMILY = re.compile(r"[a-zA-Z0-9_-]{1,255}")


@attrs.frozen(kw_only=True)
class Pruned(Documented):
    """The result of `prune`: which revisions of a family are not needed, and why the others are kept."""

    family: str
    """The family."""
    dry_run: bool
    """Whether nothing was changed."""
    unused: Sequence[str]
    """ARNs of the revisions that are not needed, oldest first. Unless `dry_run`, they were deregistered."""
    kept: Mapping[str, Sequence[str]]
    """Why each of the other active revisions is kept, in words, by its ARN; newest first."""
    unseen: Sequence[str]
    """What may name a revision, and was not read: schedules, state machines, templates and programs."""

    def __str__(self) -> str:
        done = "would be deregistered (dry run)" if self.dry_run else "deregistered"
        revisions = [f": {listed(map(_short, self.unused), 20)}"] if self.unused else []
        lines = [f"{self.family}: {plural(len(self.unused), 'revision')} {done}{''.join(revisions)}"]
        lines += [f"  kept {_short(arn)}: {listed(reasons, 5)}" for arn, reasons in self.kept.items()]
        return "\n".join([*lines, f"  not read: {'; '.join(self.unseen)}"])


def prune(
    family: str, *, keep: int = 10, dry_run: bool = True, on_progress: AsyncOnProgress | None = None
) -> Flow[Pruned]:
    """Deregister the revisions of a family that nothing uses, except the newest ones. By default, only show which.

    A revision is kept if a service, a deployment, a task set or a running task of any cluster in the account and region
    uses it, and if a rollback would deploy it: by ECS, or by `services.rollback`. Names in schedules, state machines,
    templates and programs are not read; `unseen` of the result lists them. Nothing is deleted, and what uses a
    deregistered revision goes on. The history of each service takes one or two requests.

    Args:
        family: The name of the family.
        keep: How many of the newest revisions to keep in any case, 1 or more.
        dry_run: Whether to change nothing and only return the result. Default True.
        on_progress: Called after the end of each deregistration with the `BulkProgress` so far. With an async client it
            may be a coroutine function. An exception that it raises ends the call.

    Returns:
        The revisions that are not needed, and why the others are kept. `print` shows both.

    Raises:
        TaskDefinitionsNotDeregistered: Some were not deregistered; `errors` has the reasons, `results` the others.
        MissingError: ECS lists a service or task but does not describe it, so its use is unknown. Nothing was changed.
        RequestError: An argument is wrong, or the family has no active revision. Nothing was changed.
        ServiceError: ECS refuses to show what uses the revisions, for example without permission. Nothing was changed.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html
    """
    problems: list[tuple[str, str]] = []
    given: Any = family
    if not (isinstance(given, str) and _FAMILY.fullmatch(given)):
        problems.append(("family", f"expected the name of a family, such as 'web', got {given!r}"))
    if not is_count(keep):
        problems.append(("keep", f"expected a whole number, 1 or more, got {keep!r}"))
    if not isinstance(dry_run, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problems.append(("dry_run", f"expected True or False, got {dry_run!r}"))
    if problems:
        raise RequestError("task_definitions.prune", problems)
    check_on_progress("task_definitions.prune", on_progress)
    return _prune(family, keep, on_progress, dry_run=dry_run)


def _prune(family: str, keep: int, on_progress: AsyncOnProgress | None, *, dry_run: bool) -> Flow[Pruned]:
    # The revisions are listed first: what is registered meanwhile is not among them.
    arns = yield from list_all(ListTaskDefinitionsRequest(family_prefix=family, status="ACTIVE", max_results=100))
    arns = sorted((arn for arn in arns if _short(arn).rpartition(":")[0] == family), key=_revision, reverse=True)
    if not arns:
        raise RequestError("task_definitions.prune", [("family", f"ECS lists no active revision of {family!r}")])
    uses = yield from uses_of(family)
    kept: dict[str, Sequence[str]] = {}
    for number, arn in enumerate(arns):
        newest = [f"among the newest {keep}"] if number < keep else []
        if reasons := [*newest, *uses.by_arn.get(arn, ())]:
            kept[arn] = reasons
    unused = [arn for arn in reversed(arns) if arn not in kept]
    if unused and not dry_run:
        yield from deregister(unused, on_progress=on_progress)
    by_code_deploy = [f"rollbacks by CodeDeploy: {listed(uses.code_deploy)}"] if uses.code_deploy else []
    return Pruned(family=family, dry_run=dry_run, unused=unused, kept=kept, unseen=[*UNSEEN, *by_code_deploy])


def _short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _revision(arn: str) -> int:
    return int(arn.rpartition(":")[2])
