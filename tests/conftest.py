"""What all tests share: the default Ctrl-C, and skipping what needs aiobotocore if absent (`nox -s newest`)."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import pkgutil
import signal
import sys
from collections.abc import Generator, Iterator

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook as Hook

ABSENT = importlib.util.find_spec("aiobotocore") is None
REASON = "needs the extra `async`"


def pytest_collection() -> None:
    """Import the whole package, without pytest's hook. The process that only starts others (xdist) does not collect.

    Python 3.11 raises SystemError ("AST constructor recursion depth mismatch") if two threads parse at the same time,
    and pytest parses each module at its first import. So the threads of tests find all modules imported. Without the
    hook Python reads its own bytecode, which is also that of the programs that tests start.
    """
    gc.disable()  # modules and tests stay
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not isinstance(finder, Hook)])
        import ecskit

        for each in pkgutil.walk_packages(ecskit.__path__, "ecskit."):
            if not each.name.startswith("ecskit._codegen"):
                with contextlib.suppress(ModuleNotFoundError):  # an extra is absent
                    importlib.import_module(each.name)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through all modules and tests again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGINT, as in a terminal; programs that the test starts end by it.

    Background jobs of shells, and some runners of CI, start with SIGINT ignored, and so do the programs they start.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
    from ecskit.errors import MissingExtraError

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
