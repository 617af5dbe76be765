"""The parts of `python -m benchmarks.scale`, with few tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiobotocore")

ROOT = Path(__file__).parents[1]


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package of the benchmark, which is beside the tests."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.scale import account, deployments, report, run

    return account, deployments, report, run


def test_each_arm_observes_all_tasks_and_counts_its_calls(scale: Any) -> None:
    _, deployments, report, run = scale
    results = report.Results()
    for arm in ("shared", "threads", "separate", "waiters", "loop"):
        found = run.observe(arm, 3, seed=0, quotas=False)
        assert found.gave_up == 0, arm
        assert found.calls == found.operations["DescribeTasks"] >= found.peak > 0, arm
        assert found.calls <= found.looked_at <= 3 * found.calls, arm
        assert 0 <= found.delay(0.5) <= found.delay(1.0), arm
        assert found.cpu > 0, arm
        assert found.simulator > 0, arm
        results.plain[arm, 3] = found
    waiters, loop = results.plain["waiters", 3], results.plain["loop", 3]
    assert sorted(waiters.delays) == pytest.approx(sorted(loop.delays))  # both poll every 6 s
    assert (waiters.calls, waiters.looked_at) == (loop.looked_at, loop.looked_at)

    deployed = deployments.deploy("deployments", 2, seed=0, quotas=False)
    assert deployed.operations["UpdateService"] == len(deployed.delays) == 2
    results.plain["deployments", report.SERVICES] = deployed

    titles = report.sections(results)
    assert ("50 deployments: calls", f"{deployed.calls}", "<= 300", "met") in titles["Targets"]
    assert ("1,000 waits: calls", "not run", "<= 600", "") in titles["Targets"]
    assert report.plot(results).count("<circle") == 2 * 5  # one count each, in two panels


def test_the_same_seed_gives_the_same_calls_and_delays(scale: Any) -> None:
    run = scale[3]
    first, again = (run.observe("shared", 5, seed=3, quotas=True) for _ in range(2))
    assert (first.operations, first.delays) == (again.operations, again.delays)
    assert run.observe("shared", 5, seed=4, quotas=True).delays != first.delays


def test_calls_are_compared_with_the_published_quotas(scale: Any) -> None:
    account = scale[0]
    burst = [account.Call(0.0, "DescribeTasks", 1, throttled=False)] * 130
    later = [account.Call(60.0, "DescribeTasks", 1, throttled=False)] * 100
    assert account.beyond_quotas(burst) == 30  # 100 at once
    assert account.beyond_quotas(burst + later) == 30  # the bucket is full again
    assert account.peak_per_minute(burst + later) == 130


def test_a_target_that_is_not_reached_is_named_as_missed(scale: Any) -> None:
    report = scale[2]
    assert report.Target("calls", 601, 600).row() == ("calls", "601", "<= 600", "MISSED")
    assert report.Target("delay", 0.5, 1.0, " s", 2).row() == ("delay", "0.50 s", "<= 1.00 s", "met")
