"""Verify a task definition together with a service definition: read what they name, and judge it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.options import is_seconds
from ecskit._rules.rule import places
from ecskit._verification.checks import Check, Checks
from ecskit._verification.errors import VerificationFailed
from ecskit._verification.places import PLACES, one_vpc
from ecskit._verification.reading import Unread, read
from ecskit._verification.references import Reference, Scene

__all__ = ["check_timeout", "verify_scene"]


def check_timeout(verb: str, timeout: object) -> None:
    """Raise RequestError if the argument is no number of seconds."""
    if timeout is not None and not is_seconds(timeout):
        raise RequestError(verb, [("timeout", f"expected seconds, 0 or more, or None for no limit, got {timeout!r}")])


def verify_scene(subject: str, scene: Scene, timeout: float | None) -> Flow[Checks]:
    """Return the checks of definitions. After `timeout` seconds, those that are left are not made.

    Raises:
        VerificationFailed: Something is missing.
        EcsError: Nothing can be read: no credentials, or a client that has none for other services.
    """
    wires = {"task": scene.task, "service": scene.service}
    found = [
        each
        for part, where, find in PLACES
        for path, value in places(wires[part], where)
        for each in find(scene, path, value)
    ]
    seen = yield from read([each for each in found if isinstance(each, Reference)], timeout)
    checks = Checks([*_judged(found, seen, scene), *one_vpc(seen)])
    if checks.missing:
        raise VerificationFailed(subject, checks)
    return checks


def _judged(found: list[Reference | Check], seen: Mapping[Reference, Any], scene: Scene) -> Iterator[Check]:
    for each in found:
        if isinstance(each, Check):
            yield each
            continue
        shown = seen[each]
        if isinstance(shown, Unread):
            yield each.not_made(shown.reason)
        elif shown is None:
            where = f" in {each.region or scene.region}" if each.resource.regional else ""
            yield each.missing(f"does not exist{where}; {each.resource.advice}")
        else:
            yield from each.judge(each, shown)
