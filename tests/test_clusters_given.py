"""Every method that takes `cluster` refuses what cannot name one, before anything is sent."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from support.both_clients import Ecs, aend_of, end_of

from ecskit.errors import RequestError
from ecskit.models import CreateServiceRequest
from ecskit.testing import Simulator

NAMESPACES = "tasks", "services", "container_instances", "task_sets", "wait"
GIVEN = {
    "tasks": ["3fa85f64"],
    "task": "3fa85f64",
    "services": ["web"],
    "service": "web",
    "container_instances": ["abc"],
    "task_definition": "job",
    "task_set": "ecs-svc/1",
    "task_sets": ["ecs-svc/1"],
    "capacity_providers": ["cp"],
    "desired_count": 1,
    "scale": 50,
    "percent": 50,
    "force": True,
    "command": "ls",
    "definition": CreateServiceRequest(service_name="web", task_definition="job"),
}
"""Arguments of the methods that need some."""
WRONG: list[tuple[Any, str]] = [
    ("", "cluster: it is empty; pass the name or ARN of a cluster, or leave it out"),
    (["prod"], "cluster: expected a name or ARN, got list"),
    ("a b", "cluster: 'a b' is not the name or ARN of a cluster"),
]


def methods_of(ecs: Any) -> Iterator[str]:
    """Yield the methods that take a cluster."""
    for namespace in NAMESPACES:
        methods = getattr(ecs, namespace)
        for name in dir(methods):
            method = getattr(methods, name) if not name.startswith("_") else None
            if callable(method) and "cluster" in inspect.signature(method).parameters:
                yield f"{namespace}.{name}"


def call(ecs: Any, method: str, cluster: Any) -> Any:
    """Call a method."""
    namespace, name = method.split(".")
    function: Callable[..., Any] = getattr(getattr(ecs, namespace), name)
    parameters = inspect.signature(function).parameters
    arguments = {key: value for key, value in GIVEN.items() if key in parameters}
    missing = [
        key
        for key, value in parameters.items()
        if value.default is value.empty and key not in arguments and value.kind is not value.VAR_POSITIONAL
    ]
    assert [] == missing, "add them to GIVEN"
    return function(**arguments, cluster=cluster)


def test_what_cannot_name_a_cluster() -> None:
    """Sync and async; the message names the method and the parameter."""
    sim = Simulator()
    expected = {"tasks.run_to_completion": "tasks.run"}

    def compare(method: str, problem: str, error: BaseException | None) -> None:
        subject = expected.get(method, method.removeprefix("wait."))
        assert isinstance(error, RequestError), (method, error)
        assert str(error).startswith(f"{subject}: {problem}")

    async def run() -> None:
        for method, (cluster, problem) in itertools.product(methods_of(Ecs.aio(sim)), WRONG):
            act = partial(call, method=method, cluster=cluster)
            compare(method, problem, (await aend_of(act, Ecs.aio(sim))).error)

    methods = [*methods_of(Ecs.sync(sim))]
    for method, (cluster, problem) in itertools.product(methods, WRONG):
        compare(method, problem, end_of(partial(call, method=method, cluster=cluster), Ecs.sync(sim)).error)
    asyncio.run(run())
    assert 40 < len(methods)
    assert [] == [*sim.calls]
