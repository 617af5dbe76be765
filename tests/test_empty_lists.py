"""An empty list, which a program may have computed, means that there is nothing to do: no request, an empty result."""

from __future__ import annotations

import asyncio
import collections.abc
import importlib
import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, get_args, get_origin

import pytest

from ecskit import SequenceNotStr, aio, client
from ecskit._core.effects import Send
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.clock import SystemClock
from ecskit._drive.sync import Runtime
from ecskit.errors import RequestError

FRONTS = ("bulk", "container_instances", "models", "services", "task_definitions", "task_sets", "tasks", "waits")
NAMESPACES = [name for name in client.__all__ if name.endswith("Verbs") or name == "Wait"]
REQUIRED: dict[str, Any] = {"service": "web", "cluster": "prod", "percent": 50, "tags": {}, "keys": ()}
"""Values of the other parameters that some of them require."""


def known() -> dict[str, Any]:
    """Return what annotations of the methods name."""
    modules = [importlib.import_module(f"ecskit.{name}") for name in FRONTS]
    found = {name: getattr(module, name) for module in (collections.abc, typing, *modules) for name in module.__all__}
    return {**found, "SequenceNotStr": SequenceNotStr}


KNOWN = known()


def takes_a_list(annotation: str) -> bool:
    """Whether a parameter takes a sequence, among other things."""
    try:
        kind = eval(annotation, KNOWN)
    except NameError:  # such as an event, or a strategy of tenacity
        return False
    kinds = {get_origin(each) or each for each in (kind, *get_args(kind))}
    return not kinds.isdisjoint({Sequence, SequenceNotStr})


def methods() -> Iterator[tuple[str, str, inspect.Parameter]]:
    """Yield namespace, method and parameter of all methods that take a list."""
    for namespace in NAMESPACES:
        for name, method in inspect.getmembers(getattr(client, namespace), inspect.isfunction):
            for parameter in inspect.signature(method).parameters.values():
                if not name.startswith("_") and parameter.name != "self" and takes_a_list(str(parameter.annotation)):
                    yield namespace, name, parameter


ALL = list(methods())
TARGETS = [(n, m, p.name) for n, m, p in ALL if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "command"]
"""An empty command is no list of targets: it is refused, because there is nothing to run."""
SETTINGS = {p.name for _, _, p in ALL if p.kind is p.KEYWORD_ONLY}


class Refuses:
    """A transport that sends nothing."""

    def send(self, send: Send, _: Callable[[], object]) -> Any:
        raise AssertionError(f"{send.operation} was sent")


class AsyncRefuses:
    """The same for the async driver."""

    async def send(self, send: Send, _: Callable[[], object]) -> Any:
        raise AssertionError(f"{send.operation} was sent")


def sync_result(namespace: str, method: str, given: object) -> Any:
    verbs = getattr(client, namespace)(Runtime(Refuses(), SystemClock(), Random(0)))
    result = getattr(verbs, method)(given, **arguments(verbs, method))
    return list(result) if hasattr(result, "__next__") else result


def async_result(namespace: str, method: str, given: object) -> Any:
    async def run() -> Any:
        verbs = getattr(aio, f"Async{namespace}")(AsyncRuntime(AsyncRefuses(), SystemClock(), Random(0)))
        result = getattr(verbs, method)(given, **arguments(verbs, method))
        return [each async for each in result] if hasattr(result, "__anext__") else await result

    return asyncio.run(run())


def arguments(verbs: Any, method: str) -> dict[str, Any]:
    parameters = [*inspect.signature(getattr(verbs, method)).parameters.values()][1:]
    return {each.name: REQUIRED[each.name] for each in parameters if each.default is each.empty}


def test_methods_are_found() -> None:
    """The table below would be empty otherwise."""
    found = {method for _, method, _ in TARGETS}
    assert {"describe", "stop", "protect", "as_stopped", "drain", "activate", "update_agent"} <= found
    assert {"tasks_running", "services_stable", "gateways_deleted", "exec_agents_running"} <= found
    assert len(TARGETS) > 40


@pytest.mark.parametrize("run", [sync_result, async_result])
def test_an_empty_list_is_nothing_to_do(run: Callable[[str, str, object], Any]) -> None:
    """Every method that takes a list returns an empty one, and sends nothing."""
    results = {f"{namespace}.{method}": run(namespace, method, []) for namespace, method, _ in TARGETS}
    assert {} == {method: result for method, result in results.items() if result != []}
    assert [] == run("TaskVerbs", "stop", ())


@pytest.mark.parametrize("run", [sync_result, async_result])
@pytest.mark.parametrize("given", ["", None])
def test_nothing_is_no_list(run: Callable[[str, str, object], Any], given: object) -> None:
    """A variable that was not set is a mistake, and the error names the parameter."""
    for namespace, method, parameter in TARGETS:
        with pytest.raises(RequestError) as caught:
            run(namespace, method, given)
        assert [parameter] == [path for path, _ in caught.value.problems], method


def test_lists_that_are_settings() -> None:
    """Where an empty list is a value of its own: what it means is decided here for each."""
    assert {
        # Refused: no container would decide.
        "containers",
        "essential",
        # ECS gets the empty list, or no list.
        "capacity_provider_strategy",
        "command",
        "include",
        "keys",
        "load_balancers",
        "placement_constraints",
        "placement_strategy",
        "service_registries",
        "tags",
        "volume_configurations",
    } == SETTINGS
