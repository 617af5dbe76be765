"""`run_to_completion(log_tail=...)`: the error of a failed task has its last lines, and is the same without them."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest

from ecskit.errors import RequestError, TaskFailedError
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Fault, LogEntry, Simulator, TaskScript

from .support import furnished, lines

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
CRASH = TaskScript(
    run_time=10, exit_codes=1, logs=[(0, "begin"), (5, "password=hunter2"), LogEntry(9, "Traceback\x1b[31m", delay=8)]
)


def job(**options: Any) -> Any:
    """Return an act that runs a job."""
    return lambda ecs: ecs.tasks.run_to_completion("job", launch_type="FARGATE", network=NETWORK, **options)


def test_the_error_has_the_last_lines() -> None:
    """Late ones are awaited. The message has none of them, the traceback all."""
    error = lines(job(log_tail=2), furnished(CRASH, count=0)).raised(TaskFailedError)
    assert [line.message for line in error.log_lines] == ["password=hunter2", "Traceback\x1b[31m"]
    assert "hunter2" not in str(error) + repr(error)
    for each in (error, copy.deepcopy(error), pickle.loads(pickle.dumps(error))):  # our own
        assert each.log_lines[0].message == "password=hunter2"
        assert each.__notes__ == ["The last log lines:\napp | password=hunter2\napp | Traceback\\x1b[31m"]
    if hasattr(error, "add_note"):
        assert "app | password=hunter2" in "".join(traceback.format_exception(error))


def test_without_log_tail_nothing_is_read() -> None:
    """Lines may hold secrets."""
    went = lines(job(), furnished(CRASH, count=0))
    error = went.raised(TaskFailedError)
    assert error.log_lines == ()
    assert not hasattr(error, "__notes__")
    assert not {"FilterLogEvents", "GetLogEvents"} & set(went.operations)


def refused(sim: Simulator) -> None:
    """Refuse to read lines."""
    for operation in ("FilterLogEvents", "GetLogEvents"):
        sim.fail(operation, Fault.access_denied(), times=None)


def throttled(sim: Simulator) -> None:
    """Throttle all requests for lines."""
    for operation in ("FilterLogEvents", "GetLogEvents"):
        sim.fail(operation, Fault.throttled(), times=None)


@pytest.mark.parametrize("prepare", [refused, throttled])
def test_lines_that_cannot_be_read_change_no_verdict(prepare: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One warning has the reason, and the message is the same."""
    expected = str(lines(job(), furnished(CRASH, count=0)).raised(TaskFailedError))
    caplog.clear()
    error = lines(job(log_tail=5), furnished(CRASH, count=0, prepare=prepare)).raised(TaskFailedError)
    assert str(error) == expected
    assert error.log_lines == ()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2, warnings  # of the two clients


def test_a_task_that_never_started_and_one_that_succeeds() -> None:
    """Nothing is read."""
    for script in (TaskScript.fails_to_pull(), TaskScript.exits(0)):
        went = lines(job(log_tail=5), furnished(script, count=0))
        assert not {"FilterLogEvents", "GetLogEvents"} & set(went.operations)


@pytest.mark.parametrize("wrong", [0, -1, True, "5"])
def test_bad_input(wrong: Any) -> None:
    """Nothing is sent."""
    went = lines(job(log_tail=wrong), furnished(CRASH, count=0))
    assert "log_tail: expected a number of lines, 1 or more, or None, got" in str(went.raised(RequestError))
    assert went.calls == []
