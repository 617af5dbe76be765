"""A rollback by UpdateService whose response is outdated: it still shows the deployment that is rolled back."""

from __future__ import annotations

import re

import attrs
import pytest

from .acting import Went, deploys, perform
from .delicate import REFUSED
from .scripted import Script, Scripted, Wire, World, definition

SHOWN_AFTER = 10
"""Seconds after which reads show the deployment that restores web:1."""
ENDS_AFTER = 40


@attrs.define
class _Restored(Scripted):
    """Deployment 4 is of web:1, which it restores."""

    def _deployment(self, found: re.Match[str], status: str, desired: int, changed: float) -> Wire:
        shown = super()._deployment(found, status, desired, changed)
        return {**shown, "taskDefinition": definition(1)} if found["number"] == "4" else shown


def _restore(before: str, rollout: str, end: str | None) -> Script:
    """Return what follows the second UpdateService; without an end, deployment 4 never appears."""
    service, rollouts = {0.0: before}, {2: {0.0: rollout}}
    if end is not None:
        service |= {SHOWN_AFTER: "4=I:0 2=F:0f3", ENDS_AFTER: end}
        status = "SUCCESSFUL" if end.startswith("4=C") else "STOPPED*: no"
        rollouts[4] = {SHOWN_AFTER: "IN_PROGRESS", ENDS_AFTER: status}
    return Script(service=service, rollouts=rollouts)


def _undone(end: str | None, refused: dict[str, str] | None = None) -> Went:
    failed = "2=F:0f3 1=C"
    world = World(
        update=Script(service={0: "2=I:0 1=C", 20: failed}, rollouts={2: {1: "IN_PROGRESS", 20: "STOPPED*: no"}}),
        again=_restore(failed, "STOPPED*: no", end),
        refused=refused or {},
        breaker=None,
    )
    went = perform(deploys(on_failure="rollback"), world, transport=_Restored(world))
    assert [definition(1)] == [each["taskDefinition"] for each in went.sent("UpdateService")[1:]]
    return went


@pytest.mark.parametrize("refused", [{}, REFUSED], ids=["read", "refused"])
@pytest.mark.parametrize(
    ("end", "verdict"),
    [("4=C 2=F:0f3", "DeploymentRolledBack"), ("4=F:0f3 2=F:0f3", "DeploymentRollbackFailed")],
)
def test_the_restoring_deployment_is_awaited(end: str, verdict: str, refused: dict[str, str]) -> None:
    """The state of the failed deployment is not taken for its end."""
    went = _undone(end, refused)
    assert verdict == went.verdict
    assert went.elapsed >= 20 + ENDS_AFTER


def test_the_restoring_deployment_never_appears() -> None:
    """The error is of the class that the failed deployment has, with both reasons."""
    went = _undone(None)
    assert "DeploymentFailed" == went.verdict
    assert "not visible" in str(went.error)


def test_the_rollback_of_an_unstable_deployment_fails() -> None:
    """That the unstable deployment has succeeded is no success of its rollback."""
    world = World(
        update=Script(
            service={0: "2=I:0 1=C", 20: "2=C"},
            rollouts={2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}},
            tasks={25: "3 x 2: oom"},
        ),
        again=_restore("2=C", "SUCCESSFUL", "4=F:0f3 2=C"),
        breaker=None,
    )
    went = perform(deploys(on_failure="rollback", stable_for=60.0), world, transport=_Restored(world))
    assert "DeploymentRollbackFailed" == went.verdict
    assert went.elapsed >= 20 + ENDS_AFTER
