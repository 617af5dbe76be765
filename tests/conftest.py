"""Where aiobotocore is not installed (`nox -s newest`), what needs it is skipped, and everything else runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator

import pytest

from ecskit.errors import MissingExtraError

ABSENT = importlib.util.find_spec("aiobotocore") is None
REASON = "needs the extra `async`"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip modules that import aiobotocore."""
    report = yield
    if ABSENT and report.failed and "No module named 'aiobotocore" in str(report.longrepr):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: {REASON}")
    return report


def _skip() -> Generator[None, object, object]:
    try:
        return (yield)
    except (MissingExtraError, ModuleNotFoundError) as error:
        if ABSENT and "aiobotocore" in str(error):
            pytest.skip(REASON)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Skip tests whose fixtures make an AsyncClient."""
    return (yield from _skip())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip tests that make an AsyncClient."""
    return (yield from _skip())
