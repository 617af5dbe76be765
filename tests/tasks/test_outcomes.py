"""What the end of a task means: the rules as a table, in order, and what `TaskOutcome` says about it."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from ecskit.errors import RequestError, TaskFailedError
from ecskit.models import ContainerDefinition
from ecskit.tasks import TaskOutcome

from .ended import KILLED, app, containers_of, defined, ended, essential_of

HOST = "Host EC2 (instance i-0123) terminated."


@attrs.frozen
class Row:
    """One ending: what ECS shows, and what it has to be taken for."""

    containers: str
    """Each container as `name=code`, `name!` for one that ran out of memory (137), `name-` without a code."""
    verdict: str
    """Kind, and the container to blame after a colon."""
    code: str | None = "EssentialContainerExited"
    reason: str | None = None
    essential: str | None = None
    """Names of the essential containers of the definition; None without a definition."""


def row(id_: str, *columns: str | None, **more: str | None) -> object:
    return pytest.param(Row(*columns, **more), id=id_)  # type: ignore[arg-type]  # a short table


RULES = [
    # 1. What never ran has failed to start, whatever else is said.
    row("failed to start", "app-", "FAILED_TO_START", code="TaskFailedToStart"),
    row("failed to start before host gone", "app-", "FAILED_TO_START", code="TaskFailedToStart", reason=HOST),
    row("failed to start before exit codes", "app=1", "FAILED_TO_START", code="TaskFailedToStart"),
    row("failed to start, without containers", "", "FAILED_TO_START", code="TaskFailedToStart"),
    # 2. Interrupted, whatever the exit codes.
    row("S15 spot with exit 0", "app=0", "INTERRUPTED", code="SpotInterruption"),
    row("spot before exit codes", "app=1", "INTERRUPTED", code="SpotInterruption"),
    row("spot before memory", "app!", "INTERRUPTED", code="SpotInterruption"),
    row("termination notice", "app=143", "INTERRUPTED", code="TerminationNotice"),
    row("infrastructure", "app-", "INTERRUPTED", code="InfrastructureHealth"),
    row("infrastructure, without containers", "", "INTERRUPTED", code="InfrastructureHealth"),
    row("host gone by its reason", "app=0", "INTERRUPTED", reason=HOST),
    row("host gone without a stop code", "app-", "INTERRUPTED", code=None, reason=HOST),
    row("host gone before a user's wish", "app=143", "INTERRUPTED", code="UserInitiated", reason=HOST),
    row("a host's name is no end of a host", "app=0", "SUCCEEDED", reason="Essential container host exited"),
    # 3. and 4. Stopped by a user or the scheduler, whatever the exit codes.
    row("by a user", "app=143", "STOPPED_BY_USER", code="UserInitiated"),
    row("by a user, exit 0", "app=0", "STOPPED_BY_USER", code="UserInitiated"),
    row("by a user, exit 1", "app=1", "STOPPED_BY_USER", code="UserInitiated"),
    row("by a user, before it ran", "app-", "STOPPED_BY_USER", code="UserInitiated"),
    row("by the scheduler", "app=0", "STOPPED_BY_SCHEDULER", code="ServiceSchedulerInitiated"),
    # 5. A container that counts has a code other than 0.
    row("exit 1", "app=1", "EXITED:app"),
    row("exit 1 without a stop code", "app=1", "EXITED:app", code=None),
    row("a stop code of tomorrow", "app=1", "EXITED:app", code="MoonPhase"),
    row("137 alone", "app=137", "EXITED:app"),
    row("143 alone", "app=143", "EXITED:app"),
    row("negative codes are codes", "app=-1", "EXITED:app"),
    row("S14 essential app 1, sidecar 0", "app=1 sidecar=0", "EXITED:app", essential="app"),
    row("S14 app 0, non-essential sidecar 137", "app=0 sidecar=137", "SUCCEEDED", essential="app"),
    row("app 0, non-essential sidecar 1", "app=0 sidecar=1", "SUCCEEDED", essential="app"),
    row("app 0, non-essential sidecar without code", "app=0 sidecar-", "SUCCEEDED", essential="app"),
    row("the sidecar comes first", "sidecar=2 app=1", "EXITED:app", essential="app"),
    row("the container that exited by itself failed", "helper=137 app=2", "EXITED:app", essential="helper app"),
    row("nor by SIGTERM", "helper=143 app=2", "EXITED:app", essential="helper app"),
    row("the first of several", "app=2 helper=3", "EXITED:app", essential="app helper"),
    row("all stopped by ECS", "app=137 helper=143", "EXITED:app", essential="app helper"),
    row("a code before no code", "helper- app=1", "EXITED:app", essential="helper app"),
    # 5a. Out of memory.
    row("out of memory", "app!", "OUT_OF_MEMORY:app"),
    row("out of memory, others stopped by ECS", "helper=143 app!", "OUT_OF_MEMORY:app", essential="helper app"),
    row("out of memory while another exited 0", "helper=0 app!", "OUT_OF_MEMORY:app", essential="helper app"),
    row("out of memory of a sidecar", "app=0 sidecar!", "SUCCEEDED", essential="app"),
    row("137 with the sidecar's memory", "app=137 sidecar!", "EXITED:app", essential="app"),
    # 5b. Several essential ones, one of which exited with 0.
    row("one 0, one killed", "app=0 helper=137", "SUCCEEDED", essential="app helper"),
    row("one 0, one terminated", "helper=143 app=0", "SUCCEEDED", essential="app helper"),
    row("one 0, all others", "a=143 b=0 c=137", "SUCCEEDED", essential="a b c"),
    row("one 0, one 1", "app=0 helper=1", "EXITED:helper", essential="app helper"),
    row("one 0, one killed, one 1", "a=0 b=137 c=1", "EXITED:c", essential="a b c"),
    row("0 of a container that does not count is ignored", "app=137 sidecar=0", "EXITED:app", essential="app"),
    # 6. No exit code that counts.
    row("no code", "app-", "NO_EXIT_CODE:app"),
    row("no code beside 0", "app=0 helper-", "NO_EXIT_CODE:helper", essential="app helper"),
    row("no code beside 137 and 0", "a=0 b=137 c-", "NO_EXIT_CODE:c", essential="a b c"),
    row("no containers", "", "NO_EXIT_CODE"),
    row("no containers, but a definition", "", "NO_EXIT_CODE", essential="app"),
    row("an essential container is not there", "app=0", "NO_EXIT_CODE", essential="app helper"),
    row("an essential container of another name", "app=0", "NO_EXIT_CODE", essential="helper"),
    # 7. Else.
    row("exit 0", "app=0", "SUCCEEDED"),
    row("exit 0 without a stop code", "app=0", "SUCCEEDED", code=None),
    row("all count, all 0", "app=0 helper=0", "SUCCEEDED"),
    row("all count, sidecar 1", "app=0 sidecar=1", "EXITED:sidecar"),
]


@pytest.mark.parametrize("ending", RULES)
def test_the_first_rule_that_fits_is_the_verdict(ending: Row) -> None:
    """Of these, read from top to bottom."""
    task = ended(*containers_of(ending.containers), stop_code=ending.code, stopped_reason=ending.reason)
    definition = None if ending.essential is None else essential_of(ending.containers, *ending.essential.split())
    outcome = TaskOutcome.of(task, definition=definition)
    kind, _, blamed = ending.verdict.partition(":")
    assert (kind, blamed or None) == (outcome.kind, outcome.container)
    assert (kind == "SUCCEEDED") == outcome.succeeded
    assert ("task definition" if definition else "all containers") == outcome.essential_source
    if blamed:
        assert outcome.exit_codes[blamed] == outcome.exit_code


def test_a_container_that_failed_to_start_is_told() -> None:
    """The one that gives a reason, and its reason once more in the line."""
    task = ended(app(None), app(None, "helper", reason="CannotPull: x"), stop_code="TaskFailedToStart")
    outcome = TaskOutcome.of(task)
    assert "helper" == outcome.container
    assert outcome.summary == 'task a of job:1 FAILED_TO_START (container helper: "CannotPull: x")'


# Whose exit code counts.


def test_names_of_the_caller_come_first() -> None:
    """They replace those of the task definition, and are used without one."""
    task = ended(app(0), app(3, "sidecar"))
    definition = essential_of("app sidecar", "app")
    judged = TaskOutcome.of(task, essential=["sidecar"], definition=definition)
    assert ("EXITED", "sidecar", "caller", ["sidecar"]) == (
        judged.kind,
        judged.container,
        judged.essential_source,
        list(judged.essential),
    )
    assert TaskOutcome.of(task, essential={"app"}).succeeded


def test_without_names_and_definition_all_containers_count() -> None:
    """And the outcome says so."""
    judged = TaskOutcome.of(ended(app(0), app(3, "sidecar")))
    assert ("EXITED", "all containers", ["app", "sidecar"]) == (
        judged.kind,
        judged.essential_source,
        list(judged.essential),
    )


def test_a_name_given_twice_counts_once() -> None:
    """The container is there, so nothing is missing."""
    assert TaskOutcome.of(ended(app(0)), essential=["app", "app"]).succeeded


def test_a_container_is_essential_unless_its_definition_says_otherwise() -> None:
    """Absent means yes, as for ECS."""
    definition = defined(ContainerDefinition(name="app"), ContainerDefinition(name="sidecar", essential=False))
    assert ["app"] == TaskOutcome.of(ended(app(0), app(1, "sidecar")), definition=definition).essential


def test_no_names_are_nothing_to_judge() -> None:
    """An empty list is not "all of them"."""
    assert "NO_EXIT_CODE" == TaskOutcome.of(ended(app(0)), essential=[]).kind


def test_an_unknown_name_is_told() -> None:
    """With the names that there are."""
    with pytest.raises(RequestError, match="essential: 'web' is not a container of the task; it has app, sidecar"):
        TaskOutcome.of(ended(app(0), app(0, "sidecar")), essential=["app", "web"])


def test_names_without_containers_are_not_contradicted() -> None:
    """A task that never got as far shows none: that is no mistake of the caller."""
    assert "NO_EXIT_CODE" == TaskOutcome.of(ended(), essential=["app"]).kind


def test_one_name_is_not_a_list_of_letters() -> None:
    """A str is refused, with what to write instead."""
    with pytest.raises(RequestError, match=r"expected names of containers, got a str; pass \['app'\]"):
        TaskOutcome.of(ended(app(0)), essential="app")


@pytest.mark.parametrize("status", ["PROVISIONING", "RUNNING", "DEPROVISIONING", "HIBERNATING"])
def test_a_task_that_has_not_stopped_has_no_outcome(status: str) -> None:
    """Whatever its containers say."""
    with pytest.raises(RequestError, match=f"task: expected a STOPPED task, got one that is {status}"):
        TaskOutcome.of(ended(app(0), last_status=status))


def test_a_deleted_task_has_an_outcome() -> None:
    """DELETED comes after STOPPED."""
    assert TaskOutcome.of(ended(app(0), last_status="DELETED")).succeeded


def test_raise_for_outcome() -> None:
    """Returns the outcome of a success, and raises that of a failure."""
    good, bad = TaskOutcome.of(ended(app(0))), TaskOutcome.of(ended(app(1)))
    assert good is good.raise_for_outcome()
    with pytest.raises(TaskFailedError) as caught:
        bad.raise_for_outcome()
    assert (bad, (bad,), False) == (caught.value.outcome, caught.value.outcomes, caught.value.retryable)


# Whether trying again is sensible.

PULL = "CannotPullContainerError: "
RETRYABLE = [
    ("TaskFailedToStart", PULL + "pull image manifest has been retried 5 time(s): dial tcp: i/o timeout", True),
    ("TaskFailedToStart", PULL + "context deadline exceeded", True),
    ("TaskFailedToStart", PULL + "manifest unknown", False),
    ("TaskFailedToStart", PULL + "ref docker.io/x: not found", False),
    ("TaskFailedToStart", PULL + "pull access denied: timeout", False),
    ("TaskFailedToStart", PULL + "toomanyrequests: You have reached your pull rate limit", True),
    ("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete.", True),
    ("TaskFailedToStart", "Timeout waiting for EphemeralStorage provisioning to complete.", True),
    ("TaskFailedToStart", "RESOURCE:ENI", True),
    ("TaskFailedToStart", "Capacity is unavailable at this time. Please try again later", True),
    ("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets: context deadline exceeded", True),
    ("TaskFailedToStart", "ResourceInitializationError: secret does not exist", False),
    ("TaskFailedToStart", "AGENT", True),
    ("TaskFailedToStart", "NO ACTIVE INSTANCES", True),
    ("TaskFailedToStart", "EMPTY CAPACITY PROVIDER", True),
    ("TaskFailedToStart", "ATTRIBUTE", False),
    ("TaskFailedToStart", "MemberOf placement constraint unsatisfied", False),
    ("TaskFailedToStart", PULL + "toomanyrequests: You have reached your pull rate limit.", True),
    ("TaskFailedToStart", "Unexpected EC2 error while attempting to Create Network Interface: AuthFailure", True),
    (
        "TaskFailedToStart",
        "Unexpected EC2 error while attempting to tag it: TagPolicyViolation",
        False,
    ),
    ("TaskFailedToStart", "Unexpected EC2 error while attempting to attach network interface to instance", True),
    ("TaskFailedToStart", "ResourceInitializationError: failed to configure ENI: failed to setup regular eni", True),
    ("TaskFailedToStart", "ECS was unable to assume the role 'arn:1' that was provided for this task.", False),
    ("TaskFailedToStart", "InternalError: the ENI was not attached", True),
    ("TaskFailedToStart", PULL + "unexpected status code 500 of registry/app", True),
    ("TaskFailedToStart", PULL + "registry/capacity-planner: something new", False),
    ("ServiceSchedulerInitiated", "ECS is performing maintenance on the underlying infrastructure", True),
    (None, "Host EC2 (instance i-1) stopped.", True),
    ("TaskFailedToStart", "InvalidParameterException: invalid mount point", False),
    ("TaskFailedToStart", "something new", False),
    ("SpotInterruption", "Your Spot Task was interrupted.", True),
    ("TerminationNotice", None, True),
    ("InfrastructureHealth", "not found", True),
    ("EssentialContainerExited", HOST, True),
    ("UserInitiated", "timed out", False),
    ("ServiceSchedulerInitiated", "timed out", False),
    (None, None, False),
    (None, "Internal error", True),
]


@pytest.mark.parametrize(("code", "reason", "retryable"), RETRYABLE)
def test_trying_again_is_sensible_after_what_passes(code: str | None, reason: str | None, *, retryable: bool) -> None:
    """S13: capacity, timeouts, interruptions; what stays as it is comes first."""
    outcome = TaskOutcome.of(ended(app(None), stop_code=code, stopped_reason=reason))
    assert retryable == outcome.retryable
    assert not outcome.succeeded


def test_the_reason_of_a_container_counts_too() -> None:
    """S13: pulls time out in the container's words."""
    for reason, retryable in ((PULL + "i/o timeout", True), (PULL + "manifest unknown", False)):
        outcome = TaskOutcome.of(ended(app(None, reason=reason), stop_code="TaskFailedToStart"))
        assert ("FAILED_TO_START", retryable) == (outcome.kind, outcome.retryable)


def test_a_program_that_failed_is_not_run_again() -> None:
    """Whatever its reasons say: the code is its own."""
    assert not TaskOutcome.of(ended(app(1, reason="timed out"), stopped_reason="timed out")).retryable
    assert not TaskOutcome.of(ended(app(137, reason=KILLED))).retryable


# For any end.

CODES = st.sampled_from([0, 1, 2, 137, 143, -1, None])
SHOWN = st.lists(st.tuples(CODES, st.sampled_from([None, KILLED, "Timeout"])), max_size=4)
STOP_CODES = st.sampled_from([None, *(str(ending.values[0].code) for ending in RULES)])  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=400)
@given(shown=SHOWN, stop_code=STOP_CODES, reason=st.sampled_from([None, HOST, "Stopped"]), judged=st.data())
def test_only_a_clean_end_is_success(
    shown: list[tuple[int | None, str | None]], stop_code: str | None, reason: str | None, judged: st.DataObject
) -> None:
    """Every container that counts exited with 0, and nothing else ended the task.

    If the containers that count are known, ECS may have stopped others after one of them exited with 0.
    """
    containers = [app(code, f"c{i}", reason=why) for i, (code, why) in enumerate(shown)]
    names = [f"c{i}" for i in range(len(shown))]
    essential = judged.draw(st.none() | st.lists(st.sampled_from(names), unique=True) if names else st.none())
    outcome = TaskOutcome.of(ended(*containers, stop_code=stop_code, stopped_reason=reason), essential=essential)
    counted = [code for name, (code, _) in zip(names, shown, strict=True) if essential is None or name in essential]
    killed = any(
        code == 137 and why == KILLED
        for name, (code, why) in zip(names, shown, strict=True)
        if essential is None or name in essential
    )
    clean = (
        (stop_code or "EssentialContainerExited") not in FROM_OUTSIDE
        and reason != HOST
        and 0 in counted
        and set(counted) <= ({0} if essential is None else {0, 137, 143})
        and not killed
    )
    assert clean == outcome.succeeded
    assert outcome.succeeded == (outcome.kind == "SUCCEEDED")
    assert outcome.summary
    if outcome.container is not None and outcome.kind != "FAILED_TO_START":
        assert outcome.container in outcome.essential


FROM_OUTSIDE = {
    "TaskFailedToStart",
    "SpotInterruption",
    "TerminationNotice",
    "InfrastructureHealth",
    "UserInitiated",
    "ServiceSchedulerInitiated",
}
