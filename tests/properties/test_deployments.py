"""Deployments through random services, lags and faults, while others deploy, roll back, stop, scale and delete.

A failure prints one line that repeats its plan: `check(Plan.of(1234))`.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ecskit.errors import EcsError
from ecskit.services import StartedDeployment

from .deploying import Ask, Heard, ask_async, ask_sync
from .drivers import Ending, Steady
from .fleet import Fleet
from .rollout_truths import Case, check_events, check_rollback, check_stays_up, check_update, check_verdict
from .rollouts import Plan
from .schedules import check_all

_FOLLOWED = frozenset(
    {"until", "on_superseded", "on_pause", "stalled_after", "max_failed_tasks", "stable_for", "pause_timeout"}
)
DEPLOYMENT_READS = {"ListServiceDeployments", "DescribeServiceDeployments"}


def run(plan: Plan, perform: Any) -> Case:
    """Run a plan, and return how it ended."""
    fleet = plan.world()
    ending, heard = perform(fleet, plan.ask, Steady(plan.seed))
    return case_of(plan, fleet, ending, heard)


def case_of(plan: Plan, fleet: Fleet, ending: Ending, heard: Heard) -> Case:
    return Case(
        fleet=fleet,
        ask=plan.ask,
        ending=ending,
        heard=heard,
        made=list(fleet.made),
        refused=bool(set(plan.denied) & DEPLOYMENT_READS),
        faulty=bool(plan.fault_rate),
        raw=plan.ask.how == "update",
    )


def check(plan: Plan) -> None:
    """Compare what is said of a deployment with what is true, under both drivers, and the drivers with each other."""
    case = run(plan, ask_sync)
    check_update(case)
    check_verdict(case)
    check_rollback(case)
    check_stays_up(case)
    if plan.ask.how == "events":
        check_same_without_events(plan, case)
    other = run(plan, ask_async)
    ending, second = case.ending, other.ending
    assert ending.trace == second.trace, "the drivers do not do the same"
    assert ending.ended == second.ended
    assert ending.kind == second.kind
    assert str(ending.error) == str(second.error)
    check_resumed(plan, case)


def check_same_without_events(plan: Plan, case: Case) -> None:
    """A stream asks what a wait asks, and ends as it ends."""
    check_events(case.heard.events)
    waited = run(attrs.evolve(plan, ask=attrs.evolve(plan.ask, how="start")), ask_sync)
    assert waited.ending.trace == case.ending.trace, "a stream asks something else"
    assert waited.ending.kind == case.ending.kind
    assert str(waited.ending.error) == str(case.ending.error)


def check_resumed(plan: Plan, case: Case) -> None:
    """Another process gets the right verdict from the handle of the error alone."""
    error = case.ending.error
    if not isinstance(error, EcsError) or error.story is None or not plan.resumes:
        return
    fleet, handle = case.fleet, error.story.handle
    assert StartedDeployment.from_json(handle.to_json()).handle.arguments.keys() <= handle.arguments.keys()
    fleet.heal()
    fleet.refuse(plan.denied)
    options: dict[str, Any] = {"timeout": 9000.0}
    if plan.resumes == "again":
        options["until"] = case.until
    ask = Ask(how=plan.resumes, service=plan.ask.service, options=options, handle=handle.to_json())
    ending, heard = ask_sync(fleet, ask, Steady(1))
    if isinstance(ending.error, EcsError) and ending.error.story is None:
        raise ending.error
    # What is resumed is followed as before.
    kept = {name: value for name, value in plan.ask.options.items() if name in _FOLLOWED and not callable(value)}
    # The handle is of what was followed, also past a success whose tasks were observed.
    followed = {name: plan.ask.options[name] for name in ("on_superseded", "stable_for") if name in plan.ask.options}
    judged = attrs.evolve(ask, options={**(kept if plan.resumes == "resume" else followed), **options})
    again = attrs.evolve(case, ask=judged, ending=ending, heard=heard)
    check_verdict(again)


@pytest.mark.parametrize("block", range(4))
def test_no_verdict_is_untrue(block: int) -> None:
    """The verdict is the truth about this very deployment, one update is made, and both drivers do the same."""
    check_all(check, map(Plan.of, range(block * 75, block * 75 + 75)), "check(Plan.of({}))".format)


@pytest.mark.parametrize(
    ("seed", "what"),
    [
        (60, "scaled while another process deployed: the other deployment's success is not that of the scaling"),
        (147, "refused after an answer was lost: the error has a handle"),
        (188, "an answer was lost, and a read older than the one before the update is no news"),
        (296, "two deployments of the same instant do not take each other's place again and again"),
        (
            318,
            "time was up, and what brings the earlier one back is not done in time: the verdict is about the first one",
        ),
        (358, "followed to the next deployment, no service event is emitted again"),
        (887, "deleted and created anew, and deployment reads refused: the service is gone, not superseded"),
        (1676, "deployed and then deleted, and deployment reads refused: it was deployed"),
        (3769, "nothing was begun, and others scale: what was not asked for is not waited for"),
        (4644, "scaled, an answer was lost, and others scaled: theirs is left alone"),
        (5409, "stopped by ECS when time was up: the earlier one is brought back by an update"),
        (6032, "resumed when it was replaced after it had failed: it failed"),
        (8874, "stopped because its service was deleted, which reads do not show yet: gone"),
        (10405, "stopped by another process just before a newer one: failed, not superseded"),
        (10434, "nothing was begun while the service was rolled back: the old success does not count"),
        (100311, "scaled to 0 while a deployment is under way: time is up before the service is quiet for long enough"),
        (101649, "no answer to the update, and another definition deployed: the verdict is not about that one"),
        (102144, "reads of the service deployment lag: a pause is shown once"),
        (110166, "deployed and then deleted, and the deployment cannot be read for a while: it was deployed"),
        (111032, "what was followed fails, and is rolled back to what was deployed first"),
        (113041, "resumed after a lost answer: it is followed as far as was requested"),
        (203966, "nothing was begun, and the service went back to a deployment that failed: no success"),
        (207682, "deleted and created anew within a second: the service is gone"),
        (307290, "no answer, and the deployment was rolled back at once: the history is read until it answers"),
        (311529, "no answer, and the service was deleted: the update is not sent to the next one of that name"),
        (313389, "no answer, deleted and created anew: the update is not sent to the next one of that name"),
        (412666, "no answer to a rollback, deleted and created anew: the new service's deployment is no rollback"),
        (500134, "deployed before it could be rolled back, and observed further: nothing is emitted again"),
        (210272, "no stretch is asked for, and stopped tasks cannot be read: the wait ends in time"),
        (211055, "a task that replaced one for zone balance, and is unhealthy later, counts"),
        (211479, "no answer to the update, deleted and created anew: the new service's deployment is not taken for it"),
    ],
)
def test_what_went_wrong_once(seed: int, what: str) -> None:
    """Plans that found mistakes stay right."""
    check_all(check, [Plan.of(seed)], (what + ": check(Plan.of({}))").format)


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="it cannot be known")
@pytest.mark.parametrize(
    ("seed", "what"),
    [
        (306757, "scaled to the count that there was, no answer, and others scale: the read shows no difference"),
        (
            317089,
            "failed, deployment reads refused: a configured rollback that never comes is awaited until time is up",
        ),
        (405339, "replaced by two in a row while lists lag: the second is followed, although the first succeeded"),
        (414758, "scaled to 0 and stable, but the reads that are left before time is up lag"),
    ],
)
def test_what_cannot_be_known(seed: int, what: str) -> None:
    """Plans in which two different histories give the same reads."""
    check_all(check, [Plan.of(seed)], (what + ": check(Plan.of({}))").format)
