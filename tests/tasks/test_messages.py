"""Texts of outcomes and errors: log streams, one line, no secrets; all of them can be pickled and copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from ecskit._polling.errors import WaitStory
from ecskit.errors import (
    AccessDeniedException,
    EcsError,
    FailuresError,
    TaskFailedError,
    TasksMissing,
    TasksNotStarted,
    TasksNotStopped,
    ThrottledError,
)
from ecskit.models import (
    ContainerDefinition,
    ContainerOverride,
    Failure,
    KeyValuePair,
    LogConfiguration,
    Secret,
    Task,
    TaskOverride,
)
from ecskit.tasks import LogLine, LogStream, RunTaskResult, TaskOutcome

from .ended import ARN, app, defined, ended
from .support import SECRET


def logging(name: str = "app", driver: Any = "awslogs", **options: str) -> ContainerDefinition:
    """Return a container that logs; options in Python's spelling."""
    spelled = {f"awslogs-{key.replace('_', '-')}": value for key, value in options.items()}
    return ContainerDefinition(name=name, log_configuration=LogConfiguration(log_driver=driver, options=spelled))


LOGS = [
    pytest.param(
        [logging(group="/g", stream_prefix="p", region="eu-west-1")],
        [LogStream("app", "/g", "p/app/a", "eu-west-1")],
        id="prefix, container and task id",
    ),
    pytest.param([logging(group="/g", stream_prefix="p")], [LogStream("app", "/g", "p/app/a")], id="without a region"),
    pytest.param(
        [logging(group="/g", stream_prefix="p"), logging("sidecar", group="/s", stream_prefix="q")],
        [LogStream("app", "/g", "p/app/a"), LogStream("sidecar", "/s", "q/sidecar/a")],
        id="each container",
    ),
    pytest.param([logging(group="/g")], [LogStream("app", "/g", "runtime-1")], id="without prefix the runtime's id"),
    pytest.param([logging("sidecar", group="/g")], [], id="without prefix and without runtime id"),
    pytest.param([logging("ghost", group="/g")], [], id="without prefix and without container"),
    pytest.param([logging(stream_prefix="p")], [], id="without a group"),
    pytest.param([logging(driver="json-file")], [], id="another driver"),
    pytest.param([logging(driver="awsfirelens", group="/g", stream_prefix="p")], [], id="another driver's options"),
    pytest.param([ContainerDefinition(name="app")], [], id="nothing said"),
    pytest.param(
        [
            ContainerDefinition(
                log_configuration=LogConfiguration(log_driver="awslogs", options={"awslogs-group": "/g"})
            )
        ],
        [],
        id="without a name",
    ),
]


@pytest.mark.parametrize(("containers", "expected"), LOGS)
def test_log_streams(containers: list[ContainerDefinition], expected: list[LogStream]) -> None:
    """Where the awslogs driver writes: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html."""
    task = ended(app(0, runtime_id="runtime-1"), app(0, "sidecar"))
    assert expected == TaskOutcome.of(task, essential=["app"], definition=defined(*containers)).logs


def test_without_a_definition_no_logs_are_named() -> None:
    """The location of the logs is unknown."""
    assert () == TaskOutcome.of(ended(app(1))).logs


# The line.

REASONS = {"stopped_reason": "Essential container in task exited"}
LINES = [
    (ended(app(0)), "task a of job:1 SUCCEEDED"),
    (ended(app(0), **REASONS), "task a of job:1 SUCCEEDED"),
    (ended(app(0), task_definition_arn=None), "task a SUCCEEDED"),
    (ended(app(1)), "task a of job:1 EXITED with code 1 (container app)"),
    (
        ended(app(1), **REASONS),
        'task a of job:1 EXITED with code 1 (container app: "Essential container in task exited")',
    ),
    (
        ended(app(137, reason="OutOfMemoryError: killed"), **REASONS),
        'task a of job:1 OUT_OF_MEMORY with code 137 (container app: "OutOfMemoryError: killed")',
    ),
    (
        ended(app(0), stop_code="SpotInterruption", stopped_reason="Your Spot Task was interrupted."),
        'task a of job:1 INTERRUPTED ("Your Spot Task was interrupted.")',
    ),
    (ended(app(None)), "task a of job:1 NO_EXIT_CODE (container app)"),
    (ended(), "task a of job:1 NO_EXIT_CODE"),
]


@pytest.mark.parametrize(("task", "line"), LINES, ids=[line for _, line in LINES])
def test_an_outcome_in_a_line(task: Task, line: str) -> None:
    """Task, kind, code, container, reason; absent parts are left out."""
    outcome = TaskOutcome.of(task)
    assert line == outcome.summary == str(outcome)


def test_all_reasons_are_kept() -> None:
    """The task's first, then those of its containers."""
    task = ended(app(1, reason="one"), app(0, "b"), app(2, "c", reason="two"), stopped_reason="all")
    assert ["all", "container app: one", "container c: two"] == TaskOutcome.of(task).reasons


def story() -> WaitStory:
    return WaitStory(
        wait="tasks_stopped",
        noun="task",
        last={ARN: ended(app(1))},
        reasons={},
        elapsed=41.7,
        polls=9,
        states={"PENDING": 3, "STOPPED": 1},
        stale=0,
        errors=[],
    )


def test_the_error_of_one_task() -> None:
    """The example of the documentation: task, kind, reason, seconds, polls and logs."""
    definition = defined(logging(group="/ecs/job", stream_prefix="run"))
    outcome = TaskOutcome.of(ended(app(1), **REASONS), definition=definition)
    assert (
        'task a of job:1 EXITED with code 1 (container app: "Essential container in task exited") after 42 s; '
        "9 polls: PENDING x3, STOPPED x1; finding: The program itself ended with an error: read its last log lines; "
        "logs: group /ecs/job, stream run/app/a"
    ) == str(TaskFailedError([outcome], story()))


def test_the_error_of_several_tasks() -> None:
    """How many of how many, and each that failed."""
    codes = (0, 1, 2)
    outcomes = [TaskOutcome.of(ended(app(code), task_arn=f"{ARN}{code}")) for code in codes]
    error = TaskFailedError(outcomes)
    assert (
        "2 of 3 tasks failed: task a1 of job:1 EXITED with code 1 (container app); "
        "task a2 of job:1 EXITED with code 2 (container app); "
        "finding: The program itself ended with an error: read its last log lines"
    ) == str(error)
    assert (tuple(outcomes), outcomes[1]) == (error.outcomes, error.outcome)


def test_the_error_of_many_tasks_stays_short() -> None:
    """Ten are listed, the others counted."""
    outcomes = [TaskOutcome.of(ended(app(1), task_arn=f"{ARN}{i}")) for i in range(13)]
    text = str(TaskFailedError(outcomes))
    assert text.startswith("13 of 13 tasks failed: task a0 ")
    assert "task a9 of job:1 EXITED with code 1 (container app); and 3 more; finding: " in text


def test_the_error_has_the_first_finding_in_one_sentence() -> None:
    """What is wrong, and what to do. A text that is not in the table is in the message already."""
    pull = "CannotPullContainerError: manifest unknown"
    failed = TaskOutcome.of(ended(app(None), stop_code="TaskFailedToStart", stopped_reason=pull))
    text = str(TaskFailedError([failed]))
    assert text.endswith("finding: The registry does not have this image: push it, or deploy one that exists")
    unknown = TaskOutcome.of(ended(app(None), stop_code="TaskFailedToStart", stopped_reason="MoonError: eclipse"))
    assert "finding" not in str(TaskFailedError([unknown]))


def test_log_lines_that_were_asked_for_are_compared_with_the_table() -> None:
    """The message has the finding, and no line of the log."""
    failed = TaskOutcome.of(ended(app(1)))
    stream, noon = LogStream("app", "/ecs/job", "run/app/a"), datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
    lines = [
        LogLine(time=noon, container="app", message=message, task_arn=ARN, stream=stream)
        for message in (f"password={SECRET}", "exec /app/run: exec format error")
    ]
    text = str(TaskFailedError([failed], log_lines=lines))
    assert "; finding: The program in the image is for another CPU architecture" in text
    assert SECRET not in text


def test_an_error_is_retryable_when_each_failure_is() -> None:
    """One program that failed is enough to say no; successes do not count."""
    spot = TaskOutcome.of(ended(app(0), stop_code="SpotInterruption"))
    exited, good = TaskOutcome.of(ended(app(1))), TaskOutcome.of(ended(app(0)))
    assert TaskFailedError([good, spot]).retryable
    assert not TaskFailedError([good, spot, exited]).retryable


# Secrets, and travelling.


def secretive(exit_code: int = 1) -> TaskOutcome:
    """Return an outcome whose task and definition have environments."""
    pairs = [KeyValuePair(name="PASSWORD", value=SECRET)]
    overrides = TaskOverride(container_overrides=[ContainerOverride(name="app", environment=pairs)])
    secret = Secret(name="TOKEN", value_from="arn:aws:ssm:eu-west-1:1:parameter/token")
    container = ContainerDefinition(
        name="app",
        environment=pairs,
        log_configuration=LogConfiguration(
            log_driver="awslogs", options={"awslogs-group": "/g", "key": SECRET}, secret_options=[secret]
        ),
    )
    return TaskOutcome.of(ended(app(exit_code, runtime_id="r"), overrides=overrides), definition=defined(container))


def service_error(kind: Any = AccessDeniedException, code: str = "AccessDeniedException") -> EcsError:
    error: EcsError = kind({"Error": {"Code": code, "Message": "no"}}, "StopTask")
    return error


def a_result() -> RunTaskResult:
    task = secretive().task
    failures = [Failure(reason="RESOURCE:MEMORY", detail="too little")]
    return RunTaskResult(requested=3, tasks=[task], failures=failures, errors=[service_error()], client_tokens=["t-0"])


MADE: dict[str, Callable[[], Any]] = {
    "TaskOutcome": secretive,
    "TaskFailedError": lambda: TaskFailedError([secretive(), secretive(0)], story()),
    "RunTaskResult": a_result,
    "TasksNotStarted": lambda: TasksNotStarted(a_result(), stopped=True),
    "TasksMissing": lambda: TasksMissing([ARN], {"b": secretive().task}),
    "TasksNotStopped": lambda: TasksNotStopped({ARN: service_error()}, {"b": None}),
}


@pytest.mark.parametrize("name", MADE)
def test_no_message_holds_a_secret(name: str) -> None:
    """Neither what people read nor what a debugger shows."""
    made = MADE[name]()
    for shown in (str(made), repr(made), *map(str, getattr(made, "args", ()))):
        assert SECRET not in shown


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    "travel",
    [pytest.param(lambda x: pickle.loads(pickle.dumps(x)), id="pickle"), pytest.param(copy.deepcopy, id="deepcopy")],
)
def test_everything_can_travel(travel: Callable[[Any], Any], name: str) -> None:
    """With all that it holds."""
    made: Any = MADE[name]()
    back: Any = travel(made)
    assert type(made) is type(back)
    assert str(made) == str(back)
    if not isinstance(made, EcsError):
        assert repr(made) == repr(back)
        return
    assert vars(made).keys() == vars(back).keys()
    assert repr(vars(made)) == repr(vars(back))
    assert made.retryable == back.retryable


def test_what_travelled_is_equal() -> None:
    """Outcomes are values."""
    made = secretive()
    assert made == pickle.loads(pickle.dumps(made)) == copy.deepcopy(made)
    error = pickle.loads(pickle.dumps(TaskFailedError([made])))
    assert (made, (made,)) == (error.outcome, error.outcomes)


# The other errors.


def test_what_was_not_started_is_told() -> None:
    """The count, the reasons, and the started tasks, which the caller may want to stop."""
    error = TasksNotStarted(a_result())
    assert (
        "RunTask: 1 of 3 tasks started: RESOURCE:MEMORY (too little); StopTask: AccessDeniedException: no; "
        f"started: {ARN}"
    ) == str(error)
    assert isinstance(error, FailuresError)
    assert (error.result, ["RESOURCE:MEMORY"]) == (error.response, [failure.reason for failure in error.failures])
    assert "1 of 3 tasks started, and stopped again" in str(TasksNotStarted(a_result(), stopped=True))


def test_nothing_started_for_no_reason_is_told() -> None:
    """An answer with neither tasks nor failures."""
    assert "RunTask: 0 of 2 tasks started: ECS gave no reason" == str(
        TasksNotStarted(RunTaskResult(requested=2, tasks=[]))
    )


def test_equal_reasons_are_listed_once() -> None:
    """However many tasks it is given for."""
    result = RunTaskResult(requested=10, tasks=[], failures=[Failure(reason="AGENT")] * 10)
    assert "RunTask: 0 of 10 tasks started: AGENT" == str(TasksNotStarted(result))


def test_what_is_missing_is_told() -> None:
    """Up to ten names."""
    error = TasksMissing([f"t{i}" for i in range(12)], {"b": secretive().task})
    assert str(error).startswith("ECS does not show 12 of 13 tasks: t0, t1")
    assert str(error).endswith("t9, and 2 more")


def test_tasks_that_were_not_stopped_are_listed() -> None:
    """With why, an error that is that of several once; trying again is sensible where it is for each."""
    throttled = service_error(ThrottledError, "ThrottlingException")
    error = TasksNotStopped({"a": throttled, "b": throttled}, {"c": None})
    assert "StopTask failed for 2 of 3 tasks: a, b: StopTask: ThrottlingException: no" == str(error)
    assert error.retryable
    assert not TasksNotStopped({"a": throttled, "b": service_error()}, {}).retryable
