"""Resumes waits from their handles, in the same process or in another one.

A handle holds the targets of a wait and their last observations. Resuming starts the same wait over the same targets,
with these observations: a task that was RUNNING and is missing now was purged, and is not merely "not visible yet".
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from ecskit import models
from ecskit._api.waits import WAITS
from ecskit._core.bulk_errors import BulkError
from ecskit._core.effects import Flow, GetRegion
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.handles import WaitHandle
from ecskit._core.structuring import structure_hook
from ecskit._polling.bulk import AsyncOnProgress, Call, check_on_progress, gather
from ecskit._polling.options import WaitOptions

__all__ = ["resume", "resume_all"]

T = TypeVar("T")

FROM_HANDLE = {"deployment": ("ecskit._deployments.follow", "resume_deployment")}
"""The module and name of the functions that resume other waits, which are not over models."""

_ARN = re.compile(r"arn:[^:]+:ecs:([^:]*):([^:]*):")
"""The start of an ARN of ECS, with its region and its account."""


def resume(handle: WaitHandle, *, wait_options: WaitOptions) -> Flow[Any]:
    """Resume a wait that ended early: it timed out, a request was denied, or its process ended.

    Args:
        handle: The `story.handle` of the error that ended the wait, or of a story that `on_poll` received. For a handle
            that was kept as text, `WaitHandle.from_json(text)`.
        wait_options: How long to wait and how often to poll, from now on.

    Returns:
        The result of the wait: the list of its targets as last observed, or the progress of a deployment.

    Raises:
        WaitError: The errors of that wait.

    Source: none; handles are a feature of ecskit.
    """
    return _in_region("wait.resume", {"handle": handle}, _resumed("handle", handle, wait_options))


def resume_all(
    handles: Sequence[WaitHandle], *, on_progress: AsyncOnProgress | None = None, wait_options: WaitOptions
) -> Flow[list[Any | EcsError]]:
    """Resume any number of waits side by side, and return how each of them ended.

    The handles may be of several clusters and several kinds of waits. Their polls share calls, as those of all waits of
    a client do, and no thread or task is needed for each wait. Equal handles are resumed once.

    Args:
        handles: The handles; see `resume`.
        on_progress: Called after the end of each wait with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.
        wait_options: How long each wait may take, and how often to poll, from now on. `on_poll` is called with the
            stories of all waits, one after the other.

    Returns:
        For each handle, in order: what `resume` returns, or the error that it raises.

    Raises:
        RequestError: An argument is wrong, or a handle is of another region, or of another account than the others;
            nothing was sent.

    Source: none; handles are a feature of ecskit.
    """
    verb = "wait.resume_all"
    if isinstance(handles, str) or not isinstance(handles, Sequence):  # type: ignore[redundant-expr]  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError(verb, [("handles", f"expected a list of WaitHandles, got {type(handles).__name__}")])
    wait_options.check(verb)
    check_on_progress(verb, on_progress)
    calls: dict[str, Call[Any]] = {}
    names: list[str] = []
    problems: list[tuple[str, str]] = []
    for place, handle in enumerate(handles):
        name = f"handles[{place}]"
        try:
            key = _checked(name, handle).to_json()
            if key not in calls:
                calls[key] = Call([name], _named(name, _resumed(name, handle, wait_options)))
            names += calls[key].names  # those of the first handle that equals it
        except RequestError as error:
            problems += [(name, text if path in ("", name) else f"{path}: {text}") for path, text in error.problems]
    if problems:
        raise RequestError(verb, problems)
    named = {f"handles[{place}]": handle for place, handle in enumerate(handles)}
    return _in_region(verb, named, _all(names, gather(verb, list(calls.values()), _not_resumed, on_progress)))


_not_resumed = partial(BulkError, operation="wait.resume_all", noun="wait")


def _named(name: str, flow: Flow[T]) -> Flow[dict[str, T | EcsError]]:
    return {name: (yield from flow)}


def _all(names: Sequence[str], flow: Flow[dict[str, Any]]) -> Flow[list[Any | EcsError]]:
    ended = yield from flow
    return [ended[name] for name in names]


def _resumed(path: str, handle: WaitHandle, wait_options: WaitOptions) -> Flow[Any]:
    """Return the wait of a handle, to be started; `path` is its place in the arguments, for messages.

    Raises:
        RequestError: The handle is none, was changed, or another version of ecskit wrote it.
    """
    try:
        if _checked(path, handle).wait in FROM_HANDLE:
            module, function = FROM_HANDLE[handle.wait]
            resumed: Flow[Any] = getattr(importlib.import_module(module), function)(handle, wait_options)
            return resumed
        if handle.wait not in WAITS:
            problem = f"there is no wait {handle.wait!r}; another version of ecskit may have written the handle"
            raise RequestError("wait.resume", [(path, problem)])
        module, name = WAITS[handle.wait]
        model = getattr(models, name)
        structure = structure_hook(model)
        targets = [structure(handle.observed[id_], model) if id_ in handle.observed else id_ for id_ in handle.ids]
        wait = getattr(importlib.import_module(module), handle.wait)
        flow: Flow[Any] = wait(targets, **handle.arguments, wait_options=wait_options)
    except TypeError:
        problem = f"its arguments are not those of {handle.wait}: it was changed, or another version of ecskit wrote it"
        raise RequestError("wait.resume", [(path, problem)]) from None
    return flow


def _checked(path: str, handle: WaitHandle) -> WaitHandle:
    if not isinstance(handle, WaitHandle):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        hint = "; for text, pass WaitHandle.from_json(text)" if isinstance(handle, str) else ""
        raise RequestError("wait.resume", [(path, f"expected a WaitHandle, got {type(handle).__name__}{hint}")])
    return handle


def _in_region(verb: str, handles: Mapping[str, WaitHandle], flow: Flow[T]) -> Flow[T]:
    """Run a flow, unless a handle is of another region than the client, or they are of several accounts."""
    region: str | None = (yield GetRegion()).get()
    problems: list[tuple[str, str]] = []
    account: tuple[str, str] | None = None  # with the place of the first handle that shows one
    for path, handle in handles.items():
        for arn_region, arn_account in dict.fromkeys(_places(handle)):
            if region and arn_region and arn_region != region:
                problem = f"its wait is in {arn_region}, this client is in {region}; use a client of {arn_region}"
                problems.append((path, problem))
            elif arn_account and account and arn_account != account[0]:
                problem = f"its wait is in account {arn_account}, that of {account[1]} is in {account[0]}"
                problems.append((path, f"{problem}; use a client of each account"))
            elif arn_account:
                account = account or (arn_account, path)
    if problems:
        flow.close()
        raise RequestError(verb, problems)
    return (yield from flow)


def _places(handle: WaitHandle) -> Iterator[tuple[str, str]]:
    """Yield the region and the account of each ARN in a handle: in its ids, its arguments, and its observations."""
    for text in _texts([handle.ids, handle.arguments, *(_top(held) for held in handle.observed.values())]):
        if found := _ARN.match(text):
            yield found[1], found[2]


def _top(observed: Mapping[str, Any]) -> list[Any]:
    return [value for value in observed.values() if isinstance(value, str)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, Sequence):
        for held in value:
            yield from _texts(held)
