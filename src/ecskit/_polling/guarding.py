"""The clean-up of verbs: which handler runs, by what ended the flow.

A verb hands in what its `on_timeout` and `on_cancel` stand for, as flows. `docs/errors.md` has the table.
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
    """Perform a flow, and clean up behind it if it is ended from outside or too late. What ended it is raised.

    Args:
        flow: What to perform.
        on_cancel: The clean-up behind a cancellation, an interrupt, the error of a callback, a RequestError, which is
            the caller's as well, and a bug. Its own error is logged.
        on_timeout: The clean-up behind WaitTimeout and NotVisible. Its own error is their cause.

    Returns:
        The result of the flow.

    Raises:
        EcsError: What ended the flow. Any other than these has no clean-up: what was begun goes on in ECS, and can be
            waited for again.
    """
    try:
        try:
            return (yield from flow)
        except (WaitTimeout, NotVisible) as late:
            if on_timeout is not None:
                try:
                    yield from on_timeout()
                except EcsError as error:
                    raise late from error
            raise
    except (Exception, Cancelled, CallbackRaised, *INTERRUPTS) as raised:
        if not isinstance(raised, EcsError) or isinstance(raised, RequestError):
            yield from _cleaned(on_cancel, again=not isinstance(raised, Cancelled))
        raise


def _cleaned(clean_up: Callable[[], Flow[None]], *, again: bool) -> Flow[None]:
    """Perform a clean-up; if it is cancelled, once more in the time that clean-ups have, unless that has begun."""
    try:
        yield from clean_up()
    except Exception:  # logged: what ended the flow is raised, not this
        log.warning("the clean-up of a flow failed", exc_info=True)
    except Cancelled:
        if again:
            yield from _cleaned(clean_up, again=False)
        raise
