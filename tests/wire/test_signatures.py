"""The twins: what the sync client has the async one has, with the same parameters and the same words."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import ecskit
from ecskit._facades.aio_operations import AsyncOperations
from ecskit._facades.aio_pages import AsyncPaginate
from ecskit._facades.sync_operations import Operations
from ecskit._facades.sync_pages import Paginate

from .support import API, SHAPES, attribute_name, input_shape, output_shape

METHODS = [attribute_name(operation) for operation in API["operations"]]
PAGED = [attribute_name(name) for name in API["operations"] if "nextToken" in SHAPES[input_shape(name)]["members"]]
TWINS = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}


def public(cls: type[Any]) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls) if not name.startswith("_")}


def shape_of(function: Any) -> list[tuple[str, Any, Any, str]]:
    """Return the parameters of a function: name, kind, default, annotation."""
    return [(p.name, p.kind, p.default, str(p.annotation)) for p in inspect.signature(function).parameters.values()]


def neutral(text: str | None) -> str:
    """Return a text without the words that differ between sync and async."""
    return re.sub(r"Async|async |await |aio", "", text or "")


@pytest.mark.parametrize("method", METHODS)
def test_operations_are_twins(method: str) -> None:
    """Same parameters, same result, same docstring; one is a coroutine."""
    sync, twin = getattr(Operations, method), getattr(AsyncOperations, method)
    assert shape_of(sync) == shape_of(twin)
    assert inspect.signature(sync).return_annotation == inspect.signature(twin).return_annotation
    assert sync.__doc__ == twin.__doc__
    assert (False, True) == (inspect.iscoroutinefunction(sync), inspect.iscoroutinefunction(twin))


@pytest.mark.parametrize("operation", API["operations"])
def test_operations_take_what_their_request_takes(operation: str) -> None:
    """All parameters have names, those without a default are the required ones, the result is the response."""
    signature = inspect.signature(getattr(Operations, attribute_name(operation)))
    parameters = {n: p for n, p in signature.parameters.items() if n not in ("self", "positional")}
    members = SHAPES[input_shape(operation)]
    assert bool(parameters) == ("positional" in signature.parameters)  # refused, with a hint
    assert {attribute_name(m) for m in members["members"]} == set(parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    required = {attribute_name(m) for m in members.get("required", ())}
    assert required == {n for n, p in parameters.items() if p.default is p.empty}
    assert output_shape(operation) == signature.return_annotation


@pytest.mark.parametrize("method", PAGED)
def test_paginators_are_twins(method: str) -> None:
    """Same parameters and words; the async one's result is the async kind."""
    sync, twin = getattr(Paginate, method), getattr(AsyncPaginate, method)
    assert shape_of(sync) == shape_of(twin)
    results = inspect.signature(sync).return_annotation, inspect.signature(twin).return_annotation
    assert results[1] == f"Async{results[0]}"
    assert neutral(sync.__doc__) == neutral(twin.__doc__)


@pytest.mark.parametrize("method", PAGED)
def test_paginators_take_what_their_operation_takes(method: str) -> None:
    """All but the token and the size, which have names of their own."""
    operation = set(inspect.signature(getattr(Operations, method)).parameters)
    paginator = set(inspect.signature(getattr(Paginate, method)).parameters)
    assert operation - {"max_results", "next_token"} | {"page_size", "starting_token"} == paginator


def test_all_paginators_are_compared() -> None:
    """18 of them, in both."""
    assert set(PAGED) == public(Paginate) == public(AsyncPaginate)
    assert 18 == len(PAGED)


def test_the_clients_have_the_same_names() -> None:
    """But for those that Python wants to differ."""
    assert {TWINS.get(name, name) for name in public(ecskit.Client)} == public(ecskit.AsyncClient)
    assert set(METHODS) <= public(ecskit.Client)


@pytest.mark.parametrize("name", sorted((public(ecskit.Client) - set(METHODS)) | {"__init__", "__enter__", "__exit__"}))
def test_the_clients_own_methods_are_twins(name: str) -> None:
    """Same parameters."""
    sync = inspect.getattr_static(ecskit.Client, name)
    twin = inspect.getattr_static(ecskit.AsyncClient, TWINS.get(name, name))
    assert type(sync) is type(twin)
    assert sync.__doc__ is None or twin.__doc__
    if inspect.isfunction(sync):
        assert shape_of(sync) == shape_of(twin)
    if isinstance(sync, classmethod):
        assert shape_of(sync.__func__) == shape_of(twin.__func__)
