"""The methods of the two clients: the same signatures, run in threads or in asyncio tasks."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from inspect import Parameter
from random import Random
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from support.scripted_ecs import ScriptedAsync

from ecskit import AsyncClient, Client
from ecskit._codegen.__main__ import PACKAGE
from ecskit._codegen.emit_verbs import SYNC_ALIASES, verbs_of
from ecskit._codegen.namespaces import HANDLES, NAMESPACES, SYNC_ONLY
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit.errors import WaitCancelled
from ecskit.models import Task

from .support import Ask, Scripted, arn, task


def methods(of: type[Any]) -> list[str]:
    return sorted(name for name in vars(of) if not name.startswith("_"))


PAIRS = {
    namespace.name: tuple(
        getattr(import_module(f"ecskit._facades.{accent}_{namespace.name}"), f"{prefix}{namespace.class_}")
        for accent, prefix in (("sync", ""), ("aio", "Async"))
    )
    for namespace in NAMESPACES
}
"""The classes of each namespace, sync and async."""
VERBS = {(namespace.name, verb.name): verb for namespace in NAMESPACES for verb in verbs_of(PACKAGE, namespace)}
"""The methods, by namespace and name."""
every_verb = pytest.mark.parametrize(("namespace", "name"), VERBS)
every_pair = pytest.mark.parametrize(("namespace", "name"), [key for key in VERBS if key[1] not in SYNC_ONLY])
TWO_TARGETS = {"execute", "open_session", "shell", "resize"}
"""A task and the command in it, as in `docker exec`; columns and rows."""


def parameters(function: Any) -> Mapping[str, Parameter]:
    return inspect.signature(function).parameters


def in_sync(annotation: str) -> str:
    """Return the annotation of an async parameter as the sync client has it."""
    return re.sub(r"\w+", lambda found: SYNC_ALIASES.get(found[0], found[0]), annotation)


@every_pair
def test_sync_and_async_verbs_have_the_same_parameters(namespace: str, name: str) -> None:
    """Parameters, defaults and annotations are the same; sync methods that take time also have `cancel`."""
    verb = VERBS[namespace, name]
    sync, aio = (dict(parameters(getattr(of, name))) for of in PAIRS[namespace])
    if verb.cancellable:
        cancel = sync.pop("cancel")
        assert (cancel.kind, cancel.default, cancel.annotation) == (Parameter.KEYWORD_ONLY, None, "Event | None")
    # A callback may be a coroutine function in the async client only.
    aio = {each: p if each == "self" else p.replace(annotation=in_sync(p.annotation)) for each, p in aio.items()}
    assert list(sync.items()) == list(aio.items())
    assert list(sync)[1:] == [p.name for p in [*verb.positional, *verb.keyword]]


@every_pair
def test_sync_and_async_verbs_return_the_same(namespace: str, name: str) -> None:
    """Sync methods return values, streams and handles; async methods return their async counterparts."""
    sync, aio = (inspect.signature(getattr(of, name)).return_annotation for of in PAIRS[namespace])
    verb = VERBS[namespace, name]
    if verb.kind == "Emits":
        assert (sync, aio) == (f"Stream[{verb.result}]", f"AsyncStream[{verb.result}]")
    elif verb.result in HANDLES and HANDLES[verb.result].blocks:
        assert aio == f"Opening[Async{sync}]"
    else:
        assert aio == (f"Async{sync}" if verb.result in HANDLES else sync)
        assert inspect.iscoroutinefunction(getattr(PAIRS[namespace][1], name))


@every_verb
def test_everything_but_the_targets_is_keyword_only(namespace: str, name: str) -> None:
    """At most one parameter is positional, apart from the table; there are no variadic ones."""
    kinds = [parameter.kind for parameter in parameters(getattr(PAIRS[namespace][0], name)).values()]
    assert Parameter.VAR_KEYWORD not in kinds
    assert kinds.count(Parameter.POSITIONAL_OR_KEYWORD) <= 2 + (name in TWO_TARGETS)


@every_pair
def test_sync_and_async_verbs_have_the_same_docstrings(namespace: str, name: str) -> None:
    """Every parameter is documented; only the sentence about `cancel` is not in the async docstring."""
    sync, aio = (inspect.getdoc(getattr(of, name)) for of in PAIRS[namespace])
    assert sync is not None
    assert aio is not None
    lines = aio.splitlines()
    more = [line for line in sync.splitlines() if line not in lines]
    assert [line.split(":")[0].strip() for line in more] == ["cancel"] * VERBS[namespace, name].cancellable
    for parameter in list(parameters(getattr(PAIRS[namespace][0], name)))[1:]:
        assert re.search(rf"^    {parameter}: \S", sync, re.MULTILINE), f"{parameter} is not documented"


@pytest.mark.parametrize("namespace", PAIRS)
def test_all_verbs_are_in_both_namespaces_and_no_others(namespace: str) -> None:
    """Both classes have a method for each flow, and no others; some flows are for sync clients only."""
    written = sorted(name for where, name in VERBS if where == namespace)
    both = [name for name in written if name not in SYNC_ONLY]
    assert [methods(of) for of in PAIRS[namespace]] == [written, both]


async def test_the_clients_have_them() -> None:
    """Namespaces are attributes, like `wait`."""
    with Client(region_name="eu-west-1") as ecs:
        assert isinstance(ecs.wait, Wait)
    async with AsyncClient(region_name="eu-west-1") as aio:
        assert isinstance(aio.wait, AsyncWait)


def lively(ask: Ask) -> list[dict[str, Any]]:
    """Answer with tasks that start after a minute and stop after two, and with `never`, which does neither."""
    state = "PENDING" if ask.now < 60 else "RUNNING" if ask.now < 120 else "STOPPED"
    return [task("PENDING" if id_ == "never" else state, id_=id_) for id_ in ask.ids]


def test_ten_waits_in_threads_take_as_long_as_one() -> None:
    """Ten threads share one client. Cancelling one wait leaves the others running."""
    clock, cancel, begin = VirtualClock(), Event(), Barrier(12)
    wait = Wait(Runtime(Scripted(clock, lively), clock, Random(0)))
    ends: dict[str, Any] = {}

    def run(id_: str) -> None:
        with clock.flow():
            begin.wait(10)
            # The wait is counted by itself from here on.
            with clock.elsewhere():
                try:
                    [task] = wait.tasks_stopped(arn(id_), timeout=None, cancel=cancel, on_poll=notice)
                    ends[id_] = task.last_status
                except WaitCancelled as error:
                    ends[id_] = type(error).__name__

    def notice(_: Any) -> None:
        if len(ends) == 10:
            cancel.set()

    threads = [Thread(target=run, args=(id_,)) for id_ in [*"abcdefghij", "never"]]
    with clock.flow():
        for thread in threads:
            thread.start()
        begin.wait(10)
    for thread in threads:
        thread.join(20)
    assert ends == {**dict.fromkeys("abcdefghij", "STOPPED"), "never": "WaitCancelled"}
    assert 120 <= clock.now() < 160


async def test_ten_waits_in_tasks_take_as_long_as_one() -> None:
    """Ten asyncio tasks share one client. Cancelling one wait leaves the others running."""
    clock = VirtualClock()
    scripted = Scripted(clock, lively)
    wait = AsyncWait(AsyncRuntime(ScriptedAsync(scripted), clock, Random(0)))
    never = asyncio.ensure_future(wait.tasks_running(arn("never"), timeout=None))
    results: list[list[Task]] = await asyncio.gather(*(wait.tasks_running(arn(id_)) for id_ in "abcdefghij"))
    assert [found.last_status for [found] in results] == ["RUNNING"] * 10
    assert 60 <= clock.now() < 72
    never.cancel()
    with pytest.raises(asyncio.CancelledError):
        await never
