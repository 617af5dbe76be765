"""Resumes a wait from its handle, in the same process or in another one.

A handle holds the targets of a wait and their last observations. Resuming starts the same wait over the same targets,
with these observations: a task that was RUNNING and is missing now was purged, and is not merely "not visible yet".
"""

from __future__ import annotations

import importlib
from typing import Any

from ecskit import models
from ecskit._api.waits import WAITS
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.handles import WaitHandle
from ecskit._core.structuring import structure_hook
from ecskit._polling.options import WaitOptions

__all__ = ["resume"]

FROM_HANDLE = {"deployment": ("ecskit._deployments.follow", "resume_deployment")}
"""The module and name of the functions that resume other waits, which are not over models."""


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
    if not isinstance(handle, WaitHandle):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError("resume", [("handle", f"expected a WaitHandle, got {type(handle).__name__}")])
    if handle.wait in FROM_HANDLE:
        module, function = FROM_HANDLE[handle.wait]
        resumed: Flow[Any] = getattr(importlib.import_module(module), function)(handle, wait_options)
        return resumed
    if handle.wait not in WAITS:
        problem = f"there is no wait {handle.wait!r}; another version of ecskit may have written the handle"
        raise RequestError("resume", [("handle", problem)])
    module, name = WAITS[handle.wait]
    model = getattr(models, name)
    structure = structure_hook(model)
    targets = [structure(handle.observed[id_], model) if id_ in handle.observed else id_ for id_ in handle.ids]
    wait = getattr(importlib.import_module(module), handle.wait)
    try:
        flow: Flow[Any] = wait(targets, **handle.arguments, wait_options=wait_options)
    except TypeError:
        problem = f"its arguments are not those of {handle.wait}: it was changed, or another version of ecskit wrote it"
        raise RequestError("resume", [("handle", problem)]) from None
    return flow
