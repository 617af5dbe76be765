"""Clean up after a verb ends early. What ended the flow decides which handler runs; `docs/errors.md` has the table.

A verb passes what its `on_timeout` and `on_cancel` mean, as flows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ecskit._core.effects import INTERRUPTS, CallbackRaised, Cancelled, Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._polling.errors import NotVisible, WaitTimeout

__all__ = ["guarded"]

T = TypeVar("T")

log = logging.getLogger("ecskit")


def guarded(
    flow: Flow[T], *, on_cancel: Callable[[], Flow[None]], on_timeout: Callable[[], Flow[None]] | None = None
) -> Flow[T]:
    """Run a flow, and clean up if a timeout, a cancellation or an unexpected error ends it. Raise the original error.

    Args:
        flow: The flow to run.
        on_cancel: Cleans up after a cancellation, an interrupt, an error of a callback, a RequestError, and an
            unexpected error. An error of the clean-up is logged.
        on_timeout: Cleans up after WaitTimeout and NotVisible. An error of the clean-up becomes their cause.

    Returns:
        The result of the flow.

    Raises:
        EcsError: The error of the flow. Other errors of ECS have no clean-up: the operation continues in ECS, and a
            wait can be resumed.
    """
    try:
        try:
            return (yield from flow)
        except (WaitTimeout, NotVisible) as timeout:
            if on_timeout is not None:
                try:
                    yield from on_timeout()
                except EcsError as error:
                    raise timeout from error
            raise
    except (Exception, Cancelled, CallbackRaised, *INTERRUPTS) as raised:
        if not isinstance(raised, EcsError) or isinstance(raised, RequestError):
            yield from _cleaned_up(on_cancel, again=not isinstance(raised, Cancelled))
        raise


def _cleaned_up(clean_up: Callable[[], Flow[None]], *, again: bool) -> Flow[None]:
    """Run a clean-up. If it is cancelled itself, run it `again`, in the time that drivers give clean-ups."""
    try:
        yield from clean_up()
    except Exception:  # logged only, because the error that ended the flow is raised
        log.warning("the clean-up of a flow failed", exc_info=True)
    except Cancelled:
        if again:
            yield from _cleaned_up(clean_up, again=False)
        raise
