"""The table of reasons: each row stands for the text that it shows, and the docs show all rows."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ecskit._core.reasons import LASTING, PASSING, REASONS, Kind, Reason, find, passes, reason_of

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("row", REASONS, ids=lambda row: row.example[:40])
def test_a_row_matches_its_own_example_first(row: Reason) -> None:
    """No row before it takes its text; general rows are for stopped tasks only."""
    assert row is find(row.example, row.kind, general=row.general)
    if row.kind in (*PASSING, *LASTING):
        found = reason_of(row.example, general=row.general)
        assert found is not None
        assert (found.kind in PASSING) == (row.kind in PASSING) == passes(row.example, general=row.general)


def test_rows_have_a_source() -> None:
    """A page of AWS, or a report; no text is listed twice."""
    documented = ("https://docs.aws.amazon.com/", "https://repost.aws/knowledge-center/")
    for row in REASONS:
        assert row.source.startswith(documented if row.known == "documented" else "https://")
    assert len(REASONS) == len({row.example for row in REASONS})


UNABLE = "(service web) was unable to place a task"
UNMET = f"{UNABLE} because no container instance met all of its requirements."
FULL = "(service web) was unable to place tasks because the tasks provisioning capacity limit was exceeded."

FIRST: list[tuple[str, Kind | None]] = [
    # Failures of RunTask, and what DescribeTasks shows for tasks that did not start.
    ("RESOURCE:GPU", "capacity"),
    ("TaskFailedToStart: RESOURCE:CPU", "capacity"),
    ("TaskFailedToStart: AGENT", "capacity"),
    ("TaskFailedToStart: NO ACTIVE INSTANCES", "capacity"),
    ("TaskFailedToStart: EMPTY CAPACITY PROVIDER", "capacity"),
    ("TaskFailedToStart: ATTRIBUTE", "placement"),
    ("TaskFailedToStart: MemberOf placement constraint unsatisfied", "placement"),
    ("DistinctInstance placement constraint unsatisfied.", "placement"),
    ("LOCATION", "placement"),
    ("INACTIVE", "placement"),
    ("MISSING", "missing"),
    ("TASK_NOT_VALID", "setup"),
    ("DEPLOYMENT_BLOCKED", "busy"),
    ("INSUFFICIENT_CAPACITY", "capacity"),
    ("You have reached the limit on the number of Fargate Spot tasks you can run concurrently", "capacity"),
    ("There are no active instances in your capacity provider.", "capacity"),
    ("The specified cluster is in a busy state. Wait and try again.", "busy"),
    ("InvalidOverride", None),
    ("agent-7 is not here", None),
    # Events of services.
    (
        f'{UNMET} The closest matching (container-instance 1) encountered error "RESOURCE:ENI".',
        "capacity",
    ),
    (
        f'{UNMET} The closest matching (container-instance 1) encountered error "AGENT".',
        "capacity",
    ),
    (
        f"{UNMET} The closest matching container-instance 1 is missing an attribute required by your task.",
        "placement",
    ),
    (
        FULL,
        "capacity",
    ),
    (
        f"{UNABLE}. Reason: You\u2019ve reached the limit on the number of vCPUs you can run concurrently",
        "capacity",
    ),
    (
        "(service web) was unable to place a task. Reason: The requested MEMORY configuration is above your limit.",
        "setup",
    ),
    ("(service web) operations are being throttled. Will try again later.", "throttle"),
]


@pytest.mark.parametrize(("text", "kind"), FIRST)
def test_what_a_text_means(text: str, kind: Kind | None) -> None:
    """Failures and events, as documented."""
    found = reason_of(text)
    assert kind == (found and found.kind)


UNPLACED = [
    UNMET,
    FULL,
    "(service web) could not launch 3 tasks for deployment ecs-svc/1.",
    "(service web) was unable to reach steady state. Reason: No Container Instances were found in your cluster.",
    "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:1').",
]


@pytest.mark.parametrize("text", UNPLACED)
def test_events_about_tasks_that_were_not_placed(text: str) -> None:
    """All wordings that are documented or seen."""
    assert find(text, "unplaced")


def test_nothing_is_found_in_nothing() -> None:
    """ECS may give no reason."""
    assert find(None, *PASSING) is reason_of("") is None
    assert not passes()
    assert not passes(None, "")


def test_one_reason_that_lasts_decides() -> None:
    """As when a container cannot be pulled and another one timed out."""
    assert passes("timed out", "RESOURCE:CPU", general=True)
    assert not passes("timed out", "CannotPullContainerError: manifest unknown", general=True)


def test_the_docs_show_the_table() -> None:
    """`python docs/reasons.py` writes it anew."""
    page = (DOCS / "errors.md").read_text("utf-8")
    assert runpy.run_path(str(DOCS / "reasons.py"))["written"](page) == page
