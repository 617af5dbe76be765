"""The truth table: who ends a verb, by which policy that is governed, what is sent, and what is raised."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from threading import Event
from typing import Any

import attrs
import pytest

from ecskit import errors
from ecskit.errors import WaitCancelled
from ecskit.services import DeploymentProgress, StartedDeployment
from ecskit.testing import Fault
from ecskit.waits import WaitStory

from .verbs import VERBS, Account, Verb, Went, furnished, perform

Trigger = Callable[[Account, Any], object]
"""Called by `on_poll` at the first poll, with the simulator and the `cancel` event."""

STORY = WaitStory("another", "task", {}, {}, 0.0, 0, {}, 0, [])
_PROGRESS = DeploymentProgress(started=StartedDeployment(service="other", cluster="default"))
OWN = [
    ValueError("enough"),
    errors.WaitTimeout(STORY),
    errors.NotVisible(STORY),
    errors.DeploymentFailed(attrs.evolve(STORY, last={"other": _PROGRESS})),
    errors.ThrottledError({"Error": {"Code": "mine"}}, "Mine"),
    errors.RequestError("mine", [("argument", "wrong")]),
]
"""What a callback may raise, errors of other waits and deployments among it."""


def nothing(*_: object) -> None:
    """Do nothing."""


def raises(error: BaseException) -> Trigger:
    """Return a trigger that raises."""

    def trigger(*_: object) -> None:
        raise error

    return trigger


def cancel_task(*_: object) -> None:
    """Cancel the task that runs the verb."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def set_and_raise(sim: Account, event: Event) -> None:
    """Set the `cancel` event, and raise."""
    event.set()
    raises(ValueError("enough"))(sim, event)


def cancel_and_raise(sim: Account, event: Event) -> None:
    """Cancel the task, and raise."""
    cancel_task()
    raises(ValueError("enough"))(sim, event)


@attrs.frozen
class End:
    """One way in which a verb is ended."""

    governed_by: str | None
    """The policy that says what is done then; None if nothing is."""
    raised: type[BaseException]
    trigger: Trigger = nothing
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    blind: bool = False
    colours: tuple[str, ...] = ("sync", "async")


ENDS: dict[str, End] = {
    "time is up": End("on_timeout", errors.WaitTimeout, options={"timeout": 30}),
    "the polls are up": End("on_timeout", errors.WaitTimeout, options={"max_polls": 2}),
    "never visible": End("on_timeout", errors.NotVisible, blind=True, options={"visibility_grace": 10}),
    "ECS refuses to show it": End(None, errors.AccessDeniedException),
    "the cancel event": End("on_cancel", WaitCancelled, lambda _, event: event.set(), colours=("sync",)),
    "the task is cancelled": End("on_cancel", asyncio.CancelledError, cancel_task, colours=("async",)),
    "a callback sets the cancel event and raises": End("on_cancel", ValueError, set_and_raise, colours=("sync",)),
    "Ctrl-C": End("on_cancel", KeyboardInterrupt, raises(KeyboardInterrupt())),
    "SIGTERM": End("on_cancel", SystemExit, raises(SystemExit())),
    **{f"a callback raises {type(own).__name__}": End("on_cancel", type(own), raises(own)) for own in OWN},
}

SETTINGS = [
    (verb, end, colour)
    for verb, end in itertools.product(VERBS, ENDS)
    for colour in ENDS[end].colours
    # Draining changes what was seen before: it cannot be invisible.
    if (verb, end) != ("container_instances.drain", "never visible")
]


def ended(verb: Verb, end: End, colour: str, acting: Collection[str], *, fails: bool = False) -> Went:
    """Perform a verb, with some of its policies set, until it is ended; its clean-up may be refused."""
    sim, event, polls = furnished(), Event(), itertools.count()
    sim.blind = end.blind

    def on_poll(story: WaitStory) -> None:
        if story.elapsed >= 60:  # the last poll that may show a deployment: what is seen only now can be undone
            sim.blind = False
        if next(polls) == 0:
            if fails:
                for operation in verb.clean_up:
                    sim.fail(operation, Fault.access_denied(), times=None)
            if end.raised is errors.AccessDeniedException:
                for operation in verb.reads:
                    sim.fail(operation, Fault.access_denied(), times=None)
            end.trigger(sim, event)

    options: dict[str, Any] = {"timeout": 10_000, **end.options, "on_poll": on_poll}
    options |= {name: value for name, value in verb.policies.items() if name in acting}
    if end.colours == ("sync",):
        options["cancel"] = event
    return perform(sim, lambda ecs: verb.act(ecs, **options), aio=colour == "async")


def choices(verb: Verb, governing: str | None) -> set[frozenset[str]]:
    """Return the choices of policies of a verb that are to do something: none, the governing one, the others, all.

    A policy that does what is not its part does so among the others; one that keeps the governing one from its part
    does so among all.
    """
    every = frozenset(verb.policies)
    return {frozenset(), every & {governing}, every - {governing}, every}


@pytest.mark.parametrize(("verb", "end", "colour"), SETTINGS)
def test_truth_table(verb: str, end: str, colour: str) -> None:
    """One policy alone decides whether what was begun is undone; what ended the verb is raised, or is the cause."""
    for acting in choices(VERBS[verb], ENDS[end].governed_by):
        went = ended(VERBS[verb], ENDS[end], colour, acting)
        undone, raised = ENDS[end].governed_by in acting, went.error
        assert undone == VERBS[verb].acted(went.requests), went.sent
        if undone and isinstance(raised, errors.DeploymentRolledBack):  # it was waited for
            assert "on_timeout" == ENDS[end].governed_by
            raised = raised.__cause__
        assert isinstance(raised, ENDS[end].raised), raised


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("own", OWN, ids=lambda own: type(own).__name__)
@pytest.mark.parametrize("verb", VERBS)
def test_what_a_callback_raises_is_raised_itself(verb: str, own: Exception, colour: str) -> None:
    """The same object, with the callback in its traceback and nothing of ecskit's behind it."""
    own.__traceback__ = own.__cause__ = own.__context__ = None
    went = ended(VERBS[verb], End("on_cancel", type(own), raises(own)), colour, {"on_cancel"})
    assert went.error is own
    assert (None, None) == (own.__cause__, own.__context__)
    trace, names = own.__traceback__, list[str]()
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert ["on_poll", "trigger"] == names[-2:]


@pytest.mark.parametrize("name", [name for name, end in ENDS.items() if end.governed_by == "on_cancel"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_failed_clean_up_is_logged(verb: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Behind a cancellation, an interrupt and the error of a callback: what ended the verb is raised, and it alone."""
    for colour in ENDS[name].colours:
        caplog.clear()
        with caplog.at_level(logging.WARNING, "ecskit"):
            went = ended(VERBS[verb], ENDS[name], colour, {"on_cancel"}, fails=True)
        assert VERBS[verb].acted(went.requests), went.sent
        assert ENDS[name].raised is type(went.error)
        assert went.error is not None
        assert went.error.__cause__ is None
        assert "the clean-up of a flow failed" in caplog.messages


@pytest.mark.parametrize("verb", VERBS)
def test_cancelled_while_it_cleans_up_behind_a_callback(verb: str) -> None:
    """The clean-up is begun again, so that it is done all the same."""
    end = End("on_cancel", asyncio.CancelledError, cancel_and_raise)
    went = ended(VERBS[verb], end, "async", {"on_cancel"})
    assert VERBS[verb].acted(went.requests), went.sent
    assert asyncio.CancelledError is type(went.error)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_failed_clean_up_behind_a_timeout(verb: str, colour: str) -> None:
    """It is the cause of the timeout; of a deployment the failed rollback is raised, and the timeout is its cause."""
    went = ended(VERBS[verb], ENDS["time is up"], colour, {"on_timeout"}, fails=True)
    raised = went.error
    assert raised is not None
    kinds = [type(raised), type(raised.__cause__)]
    if "on_failure" in VERBS[verb].policies:
        assert [errors.AccessDeniedException, errors.WaitTimeout] == kinds
    else:
        assert errors.WaitTimeout is kinds[0]
        assert isinstance(raised.__cause__, errors.EcsError)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("verb", [name for name, verb in VERBS.items() if verb.fails != "stuck"])
def test_it_fails(verb: str, colour: str) -> None:
    """A deployment that fails is governed by `on_failure` alone; tasks that fail are over."""
    policies = VERBS[verb].policies
    for acting in choices(VERBS[verb], "on_failure"):
        options = {name: value for name, value in policies.items() if name in acting}
        act = partial(VERBS[verb].act, family=VERBS[verb].fails, **options)
        went = perform(furnished(), act, aio=colour == "async")
        assert ("on_failure" in acting) == VERBS[verb].acted(went.requests)
        expected: type[BaseException] = errors.TaskFailedError
        if "on_failure" in policies:
            expected = errors.DeploymentRolledBack if "on_failure" in acting else errors.DeploymentFailed
        assert expected is type(went.error), went.error
