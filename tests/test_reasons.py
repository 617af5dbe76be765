"""The table of reasons: each row stands for the text that it shows, and the docs show all rows."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import get_args

import pytest

from ecskit._core.reasons import (
    LASTING,
    PASSING,
    REASONS,
    Kind,
    Lasting,
    Passing,
    Reason,
    Report,
    find,
    passes,
    reason_of,
)

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


TARGET = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/{}/97"

NAMES = [
    "InvalidParameterException: The container 'Throttling' does not exist in the task definition.",
    "InvalidParameterException: The specified capacity provider 'rate exceeded' was not found.",
    "InvalidParameterException: Tag key 'please try again later' is invalid.",
    "InvalidParameterException: startedBy must be shorter: 'insufficient capacity'",
    "InvalidParameterException: The container Throttling does not exist in the task definition.",
    "InvalidParameterException: Override for container named INSUFFICIENT_CAPACITY is not a container.",
    f"InvalidParameterException: The target group {TARGET.format('Throttling')} has no load balancer.",
    "ClientException: Container.image contains invalid characters: acme/capacity:try again",
]


@pytest.mark.parametrize("text", NAMES)
def test_names_and_quoted_text_mean_nothing(text: str) -> None:
    """Errors that last, about something whose name is a reason."""
    assert reason_of(text) is None


@pytest.mark.parametrize("name", ["health-api", "failed-jobs", "rollback", "unhealthy", "replaced", "Throttling"])
def test_the_name_of_a_service_means_nothing(name: str) -> None:
    """Events about services whose names are reasons."""
    for event in ("has reached a steady state.", f"registered 1 targets in (target-group {TARGET.format(name)})"):
        assert find(f"(service {name}) {event}", *get_args(Passing), *get_args(Lasting), *get_args(Report)) is None
    assert find(f"(service {name}) (task 0123) failed container health checks.", "health")


def test_the_name_of_an_image_means_nothing() -> None:
    """An image whose name sounds like a passing fault, and a passing fault with the address of a registry."""
    failed = "CannotPullContainerError: failed to resolve ref"
    assert not passes(f"{failed} docker.io/acme/temporary-timeout:1: unexpected media type", general=True)
    assert passes(f'{failed} "docker.io/acme/denied:1": dial tcp 192.0.2.1:443: i/o timeout', general=True)


STOPPED = [
    ("ResourceInitializationError: unable to get registry auth from asm: ThrottlingException: Rate exceeded", True),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands: stderr: mount.nfs4: Connection timed out",
        True,
    ),
    ("ResourceInitializationError: stderr: b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'", False),
    (
        "ResourceInitializationError: create stream has been retried 1 times: The specified log group does not exist",
        False,
    ),
    ("CannotPullContainerError: unexpected status code https://registry-1.docker.io/v2/: 429 Too Many Requests", True),
    ("CannotPullContainerError: Get https://registry-1.docker.io/v2/: net/http: TLS handshake timeout", True),
    ("CannotPullContainerError: pull access denied for x, repository does not exist or may require 'login'", False),
    ("CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob1: no space left on device", False),
    ('CannotStartContainerError: exec: "/bin/timeout": permission denied', False),
    ('CannotStartContainerError: exec: "capacity": executable file not found in $PATH', False),
    ("Unexpected EC2 error while attempting to Create Network Interface: RequestLimitExceeded", True),
    ("Unexpected EC2 error while attempting to Create Network Interface: InvalidSubnetID.NotFound", False),
    ("ECS was unable to assume the role 'arn:aws:iam::1:role/temporary' that was provided for this task.", False),
]


@pytest.mark.parametrize(("text", "may_pass"), STOPPED)
def test_whether_a_stopped_task_may_start_later(text: str, *, may_pass: bool) -> None:
    """Reasons of stopped tasks, with names that sound like others."""
    assert may_pass == passes(text, general=True)


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
