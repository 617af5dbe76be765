"""`run_to_completion(on_log=...)`: lines are passed on while the task runs, and no fault of it changes the outcome."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.both_clients import Act, Went, both

from ecskit.errors import ClientClosedError, RequestError, TaskFailedError, WaitCancelled, WaitTimeout
from ecskit.models import AwsVpcConfiguration
from ecskit.tasks import LogLine
from ecskit.testing import Fault, LogBehaviour, LogEntry, Simulator, TaskScript

from .support import SCRIPT, awslogs, furnished

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
CRASH = TaskScript(run_time=10, exit_codes=1, logs=[(0, "begin"), (5, "five"), LogEntry(9, "late", delay=8)])
READS = {"FilterLogEvents", "GetLogEvents"}


def job(on_log: Callable[[LogLine], Any] | None, **options: Any) -> Any:
    """Return an act that runs a job."""
    options = {"launch_type": "FARGATE", "network": NETWORK, **options}
    return lambda ecs: ecs.tasks.run_to_completion("job", on_log=on_log, **options)


def ran(act: Act, make: Callable[[], Simulator]) -> Went:
    """Perform an act with both clients, which do the same. Lines and tasks are read side by side, in any order."""

    def compared(went: Went) -> Any:
        return [each for each in went.operations if each not in READS], went.verdict, went.message

    return both(act, make, compared=compared)


@pytest.mark.parametrize(
    "behaviour", [LogBehaviour(), LogBehaviour(page_size=1, empty_pages=True), LogBehaviour(token_lifetime=2)]
)
def test_lines_are_passed_on_while_the_task_runs(behaviour: LogBehaviour) -> None:
    """Each once, before the outcome is returned."""
    seen: list[tuple[str, float]] = []

    def act(ecs: Any) -> Any:
        return job(lambda line: seen.append((line.message, ecs.sim.clock.now())))(ecs)

    went = ran(act, furnished(SCRIPT, count=0, behaviour=behaviour))
    assert went.returned().succeeded
    assert [message for message, _ in seen] == ["start", "start", "five", "seven", "late", "last"] * 2
    moments = [moment for _, moment in seen[:6]]
    # The task runs from 20 s to 50 s. Lines are read within some seconds.
    assert moments[0] < 28
    assert moments[4] < 46
    assert went.elapsed < 85


def test_the_polls_of_the_wait_are_those_without_on_log() -> None:
    """Reading lines takes no call of ECS but the task definition, which the outcome needs as well."""
    plain, followed = (ran(job(each), furnished(SCRIPT, count=0)) for each in (None, lambda _: None))
    for operation in ("RunTask", "DescribeTasks", "DescribeTaskDefinition"):
        assert plain.times(operation) == followed.times(operation)
    assert not READS & set(plain.operations)


def test_several_tasks() -> None:
    """Lines of all tasks are merged; ten tasks are read together."""
    seen: list[LogLine] = []
    went = ran(job(seen.append, count=10), furnished(TaskScript(run_time=9, logs=[(3, "x"), (6, "y")]), count=0))
    assert len(went.returned()) == 10
    assert len({line.task_arn for line in seen}) == 10
    assert sorted(line.message for line in seen) == ["x"] * 20 + ["y"] * 20
    times = went.times("FilterLogEvents")
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[5:], strict=False))


def test_the_error_has_the_last_of_these_lines() -> None:
    """They are not read again."""
    seen: list[LogLine] = []
    went = ran(job(seen.append, log_tail=2), furnished(CRASH, count=0))
    assert [line.message for line in went.raised(TaskFailedError).log_lines] == ["five", "late"]
    assert len(seen) == 6
    assert "GetLogEvents" not in went.operations


def test_an_async_client_awaits_on_log() -> None:
    """A sync client closes the coroutine, and logs what to do."""
    seen: list[str] = []

    async def on_log(line: LogLine) -> None:
        await asyncio.sleep(0)
        seen.append(line.message)

    async def run() -> None:
        sim = furnished(CRASH, count=0)()
        async with sim.async_client() as client:
            with pytest.raises(TaskFailedError):
                await client.tasks.run_to_completion("job", launch_type="FARGATE", network=NETWORK, on_log=on_log)

    asyncio.run(run())
    assert seen == ["begin", "five", "late"]


def test_a_coroutine_function_with_a_sync_client(caplog: pytest.LogCaptureFixture) -> None:
    """The outcome is the same, and one warning has what to do."""

    async def on_log(_: LogLine) -> None: ...

    with furnished(SCRIPT, count=0)().client() as client:
        options: Any = {"launch_type": "FARGATE", "network": NETWORK, "on_log": on_log}
        assert client.tasks.run_to_completion("job", **options).succeeded
    [record] = caplog.records
    assert record.getMessage() == "on_log raised an error, and is not called again"
    assert record.exc_info
    assert str(record.exc_info[1]) == "the callback is a coroutine function; only AsyncClient awaits callbacks"


def test_on_log_that_raises_is_logged_once_and_not_called_again(caplog: pytest.LogCaptureFixture) -> None:
    """The outcome is the same, and no further lines are read. With `log_tail`, the error has lines all the same."""
    calls: list[LogLine] = []

    def on_log(line: LogLine) -> None:
        calls.append(line)
        raise BrokenPipeError("the reader is gone")

    went = ran(job(on_log), furnished(SCRIPT, count=0))
    assert went.returned().succeeded
    assert len(calls) == 2  # of the two clients
    assert [record.getMessage() for record in caplog.records] == ["on_log raised an error, and is not called again"] * 2
    assert max(went.times("FilterLogEvents")) < 30
    calls.clear()
    error = ran(job(on_log, log_tail=9), furnished(CRASH, count=0)).raised(TaskFailedError)
    assert [line.message for line in error.log_lines] == ["begin", "five", "late"]
    assert len(calls) == 2


def refused(sim: Simulator) -> None:
    """Refuse to read lines."""
    for operation in READS:
        sim.fail(operation, Fault.access_denied(), times=None)


def throttled(sim: Simulator) -> None:
    """Throttle all requests for lines."""
    for operation in READS:
        sim.fail(operation, Fault.throttled(), times=None)


def without_group(sim: Simulator) -> None:
    """Delete the log group."""
    sim.script_logs(LogBehaviour(missing_groups=["/ecs/job"]))


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (refused, "logs cannot be read: the log group /ecs/job: the credentials need logs:FilterLogEvents"),
        (throttled, "FilterLogEvents: ThrottlingException"),
        (without_group, "logs cannot be read: the log group /ecs/job does not exist in us-east-1"),
    ],
)
def test_lines_that_cannot_be_read_change_no_outcome(
    prepare: Callable[[Simulator], None], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning has the reason. The message of the error is the same."""
    plain = ran(job(None), furnished(CRASH, count=0))
    caplog.clear()
    seen: list[LogLine] = []
    went = ran(job(seen.append, log_tail=5), furnished(CRASH, count=0, prepare=prepare))

    def without_polls(text: str) -> str:
        return re.sub(r" after \d+ s; .*?; (?=finding)", "", text)

    assert without_polls(went.message) == without_polls(plain.message)
    assert (seen, went.error.log_lines) == ([], ())  # type: ignore[union-attr]  # it was raised
    assert went.elapsed - plain.elapsed < 50
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 2, warnings  # of the two clients
    assert problem in warnings[0]


@pytest.mark.parametrize("driver", [{"logDriver": "splunk"}, None])
def test_a_driver_that_cannot_be_read(driver: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One warning has where to look. Nothing is requested of CloudWatch Logs."""
    container = {"name": "app", **({"logConfiguration": driver} if driver else {})}
    went = ran(job(lambda _: None), furnished(SCRIPT, count=0, containers=[container]))
    assert went.returned().succeeded
    assert not READS & set(went.operations)
    assert len(caplog.records) == 2
    assert caplog.records[0].getMessage().startswith("on_log: log lines of the tasks cannot be read: logs cannot be")


def test_a_task_that_never_started(caplog: pytest.LogCaptureFixture) -> None:
    """The error has the reason, and there is no warning."""
    seen: list[LogLine] = []
    went = ran(job(seen.append), furnished(TaskScript.fails_to_pull("manifest unknown"), count=0))
    assert "manifest unknown" in str(went.raised(TaskFailedError))
    assert (seen, caplog.records) == ([], [])


def test_a_timeout_passes_on_the_lines_that_are_there() -> None:
    """Then it is raised, and the tasks are stopped if the caller wants that."""
    seen: list[str] = []
    script = TaskScript(logs=[(n, str(n)) for n in range(100)])
    act = job(lambda line: seen.append(line.message), timeout=50, on_timeout="stop")
    went = ran(act, furnished(script, count=0))
    went.raised(WaitTimeout)
    assert seen[: len(seen) // 2] == [str(n) for n in range(len(seen) // 2)]
    assert len(seen) // 2 >= 28
    assert went.elapsed == 50
    assert went.operations[-1] == "StopTask"


def test_an_error_of_on_poll_ends_the_reading() -> None:
    """As without `on_log`."""

    def on_poll(story: Any) -> None:
        if story.polls > 3:
            raise KeyError("mine")

    went = ran(job(lambda _: None, on_poll=on_poll, on_cancel="stop"), furnished(TaskScript(), count=0))
    went.raised(KeyError)
    assert went.operations[-1] == "StopTask"


@pytest.mark.parametrize("wrong", ["print", 5, True])
def test_bad_input(wrong: Any) -> None:
    """Nothing is sent."""
    went = ran(job(wrong), furnished(CRASH, count=0))
    expected = f"on_log: expected a function, got {type(wrong).__name__}"
    assert expected in str(went.raised(RequestError))
    assert went.calls == []


def await_function(thread: int | None, function: Any) -> None:
    """Return when a thread is inside of a function.

    A callback that waits holds the clock. Otherwise it could pass the timeout before another thread goes on.
    """
    codes: list[object] = []
    while function.__code__ not in codes:
        codes = [each.f_code for each, _ in traceback.walk_stack(sys._current_frames()[thread or 0])]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("end", ["cancel", "close", "close in a thread", "Ctrl-C"])
def test_a_sync_call_that_is_cancelled_leaves_nothing_open(end: str) -> None:
    """The task is stopped, and no thread is left. Closing inside of the callback does not wait for the callback."""
    threads = set(threading.enumerate())
    sim = furnished(TaskScript(logs=[(0, "begin")]), count=0)()
    client, cancel = sim.client(), threading.Event()
    closing = threading.Thread(target=client.close)
    main = threading.get_ident()
    acts: dict[str, tuple[Callable[[], object], type[BaseException]]] = {
        "cancel": (cancel.set, WaitCancelled),
        "close": (client.close, ClientClosedError),
        "close in a thread": (closing.start, ClientClosedError),
        "Ctrl-C": (lambda: signal.pthread_kill(main, signal.SIGINT), KeyboardInterrupt),
    }
    act, error = acts[end]

    def on_log(_: LogLine) -> None:
        act()
        if end == "close in a thread":
            await_function(closing.ident, threading.Condition.wait_for)
        if end == "Ctrl-C":
            await_function(main, ThreadPoolExecutor.shutdown)

    options: Any = {"launch_type": "FARGATE", "network": NETWORK, "cancel": cancel, "on_cancel": "stop"}
    with pytest.raises(error):
        client.tasks.run_to_completion("job", on_log=on_log, **options)
    if closing.ident:
        closing.join()
    client.close()
    assert sim.calls[-1].operation == "StopTask"
    assert set(threading.enumerate()) <= threads


def test_an_async_call_that_is_cancelled_leaves_nothing_open() -> None:
    """The tasks are stopped, and no task of the event loop is left."""

    async def run() -> None:
        sim = furnished(TaskScript(logs=[(0, "begin")]), count=0)()
        async with sim.async_client() as client:
            options: Any = {"launch_type": "FARGATE", "network": NETWORK, "on_cancel": "stop"}

            def on_log(_: LogLine) -> None:
                call.cancel()

            call: asyncio.Future[Any] = asyncio.ensure_future(
                client.tasks.run_to_completion("job", on_log=on_log, **options)
            )
            with pytest.raises(asyncio.CancelledError):
                await call
            assert sim.calls[-1].operation == "StopTask"
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


STOPS_SLOWLY = TaskScript(time_to_stop=6, logs=[(n, str(n)) for n in range(99)])
"""It writes a line each second, also after SIGTERM."""


def test_lines_of_tasks_that_stop_after_a_timeout() -> None:
    """They are passed on to the last one."""
    seen: list[str] = []
    act = job(lambda line: seen.append(line.message), timeout=40, on_timeout="stop_and_wait")
    went = ran(act, furnished(STOPS_SLOWLY, count=0))
    went.raised(WaitTimeout)
    # The task runs from 20 s on, and stops at 46 s.
    assert seen == [str(n) for n in range(27)] * 2
    assert went.elapsed < 60


class Cancelling:
    """Receives lines, and cancels the call after the tenth."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cancel: Callable[[], object] = lambda: None
        self.options: Any = {"launch_type": "FARGATE", "network": NETWORK, "on_log": self.on_log}
        self.options["on_cancel"] = "stop_and_wait"

    def on_log(self, line: LogLine) -> None:
        self.lines.append(line.message)
        if len(self.lines) == 10:
            self.cancel()

    def check(self) -> None:
        """Check that lines were passed on for about 8 s more, each once."""
        assert self.lines == [str(n) for n in range(len(self.lines))]
        assert len(self.lines) >= 16


def test_lines_of_tasks_that_stop_after_a_cancellation(caplog: pytest.LogCaptureFixture) -> None:
    """They are passed on while the tasks stop, also the first after the cancellation."""
    cancelling, cancel = Cancelling(), threading.Event()
    cancelling.cancel = cancel.set
    with furnished(STOPS_SLOWLY, count=0)().client() as client, pytest.raises(WaitCancelled):
        client.tasks.run_to_completion("job", cancel=cancel, **cancelling.options)
    cancelling.check()
    assert caplog.records == []


async def test_lines_of_tasks_that_stop_after_a_cancellation_async(caplog: pytest.LogCaptureFixture) -> None:
    """The same with the async client."""
    cancelling = Cancelling()
    async with furnished(STOPS_SLOWLY, count=0)().async_client() as client:
        call = asyncio.ensure_future(client.tasks.run_to_completion("job", **cancelling.options))
        cancelling.cancel = call.cancel
        with pytest.raises(asyncio.CancelledError):
            await call
    cancelling.check()
    assert caplog.records == []


def test_containers_of_several_groups_and_one_that_logs_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    """The others are read, and one warning names it."""
    containers: list[dict[str, Any]] = [
        {"name": "app", "logConfiguration": awslogs()},
        {"name": "side", "essential": False, "logConfiguration": awslogs(group="/ecs/side")},
        {"name": "third", "essential": False, "logConfiguration": {"logDriver": "splunk"}},
    ]
    script = TaskScript(
        run_time=9, logs=[LogEntry(n, str(n), container=("app", "side", "third")[n % 3]) for n in range(9)]
    )
    seen: list[str] = []
    assert ran(job(lambda line: seen.append(str(line))), furnished(script, count=0, containers=containers)).returned()
    assert seen[:6] == ["app | 0", "side | 1", "app | 3", "side | 4", "app | 6", "side | 7"]
    assert len(caplog.records) == 2


def test_a_task_that_is_run_again() -> None:
    """Lines of all attempts are passed on, also while none of the tasks runs."""
    late = TaskScript(time_to_start=400, logs=[(0, "too late")])
    spot = TaskScript(run_time=10, stop_code="SpotInterruption", logs=[(0, "first"), (9, "lost")])
    seen: list[LogLine] = []
    script = [late, spot, TaskScript(run_time=5, logs=[(0, "second"), LogEntry(4, "done", delay=9)])]
    act = job(seen.append, start_timeout=120, retries=3, retry_interrupted=True, timeout=3600)
    outcome = ran(act, furnished(script, count=0)).returned()
    assert len(outcome.attempts) == 3
    assert [line.message for line in seen] == ["first", "lost", "second", "done"] * 2
    assert len({line.task_arn for line in seen}) == 2
