"""What goes wrong when lines are read, and what a person sees then."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ecskit import Client
from ecskit.errors import ConfigurationError, LogsUnavailable, RequestError, TasksMissing
from ecskit.testing import Fault, LogBehaviour, Simulator, TaskScript, attach

from .support import SCRIPT, awslogs, furnished, lines, logs, messages


def refused(sim: Simulator) -> None:
    """Refuse both operations."""
    sim.clock.advance(120)
    for operation in ("FilterLogEvents", "GetLogEvents"):
        sim.fail(operation, Fault.access_denied(), times=None)


@pytest.mark.parametrize("options", [{}, {"follow": True}, {"tail": 5}])
def test_no_permission(options: dict[str, Any]) -> None:
    """The message names the group and both permissions."""
    error = lines(logs(**options), furnished(prepare=refused)).raised(LogsUnavailable)
    assert str(error).startswith(
        "logs cannot be read: the log group /ecs/job: the credentials need logs:FilterLogEvents, or logs:GetLogEvents,"
        " on it ("
    )


def test_get_log_events_may_be_refused_alone() -> None:
    """Then the last lines are found by reading all."""

    def prepare(sim: Simulator) -> None:
        sim.clock.advance(120)
        sim.fail("GetLogEvents", Fault.access_denied(), times=None)

    assert messages(lines(logs(tail=2), furnished(prepare=prepare))) == ["seven", "last"]
    assert messages(lines(logs(tail=2, follow=True), furnished(prepare=prepare))) == ["seven", "last"]


@pytest.mark.parametrize("options", [{}, {"follow": True}, {"tail": 5}])
def test_a_log_group_that_is_gone(options: dict[str, Any]) -> None:
    """While the task runs, the group may appear. Afterwards, the message has what to do."""
    behaviour = LogBehaviour(missing_groups=["/ecs/job"])
    make = furnished(behaviour=behaviour, prepare=lambda sim: sim.clock.advance(40))
    went = lines(logs(**options), make)
    assert str(went.raised(LogsUnavailable)) == (
        "logs cannot be read: the log group /ecs/job does not exist in us-east-1: it was deleted, or it was never"
        " created; create it, or add the option awslogs-create-group"
    )


@pytest.mark.parametrize("seconds", [5, 40])
def test_a_log_group_that_is_gone_at_the_timeout(seconds: float) -> None:
    """A task that has not started may still get its group; one that runs has none."""
    behaviour = LogBehaviour(missing_groups=["/ecs/job"])
    make = furnished(TaskScript(), behaviour=behaviour)
    went = lines(logs(follow=True, timeout=seconds), make)
    assert went.elapsed == seconds
    if seconds < 20:
        assert (went.error, messages(went)) == (None, [])
    else:
        assert "the log group /ecs/job does not exist in us-east-1" in str(went.raised(LogsUnavailable))


def test_a_driver_that_cannot_be_read() -> None:
    """The message has where to look instead. Nothing is requested of CloudWatch Logs."""
    containers = [{"name": "app", "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "hunter2"}}}]
    went = lines(logs(follow=True), furnished(containers=containers))
    assert str(went.raised(LogsUnavailable)) == (
        "logs cannot be read: container app: its log driver is splunk: it sends the lines to the Splunk instance in its"
        " option splunk-url; read them there"
    )
    assert went.operations == ["DescribeTasks", "DescribeTaskDefinition"]


MIXED: list[dict[str, Any]] = [
    {"name": "app", "logConfiguration": awslogs()},
    {"name": "side", "essential": False, "logConfiguration": {"logDriver": "splunk"}},
]


def test_some_containers_log_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    """One warning names them, and the lines of the others are read. A container that was asked for is an error."""
    make = furnished(containers=MIXED, prepare=lambda sim: sim.clock.advance(120))
    assert len(messages(lines(logs(), make))) == 6
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == [warnings[0]] * 2  # of the two clients
    assert warnings[0].startswith("tasks.logs: some logs cannot be read: container side: its log driver is splunk")
    lines(logs(containers=["side"]), make).raised(LogsUnavailable)


@pytest.mark.parametrize("options", [{}, {"follow": True}, {"tail": 5}])
def test_a_task_that_never_started(options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """It has no stream: its reason is all there is."""
    script = TaskScript(start_failure="CannotPullContainerError: manifest unknown", logs=SCRIPT.logs)
    went = lines(logs(**options), furnished(script, prepare=lambda sim: sim.clock.advance(60)))
    assert (went.error, messages(went)) == (None, [])
    text = re.sub("task/default/[0-9a-f]{32}", "TASK", caplog.records[0].getMessage())
    assert text == (
        "task arn:aws:ecs:us-east-1:123456789012:TASK never started, so it has no log lines: CannotPullContainerError:"
        " manifest unknown"
    )
    assert len(caplog.records) == 2  # of the two clients


def test_a_task_of_another_cluster() -> None:
    """The message names the cluster in which it was looked up."""

    def act(ecs: Any) -> Any:
        return ecs.tasks.logs(ecs.arns[0].rsplit("/", 1)[-1], cluster="other", follow=True)

    def prepare(sim: Simulator) -> None:
        sim.handle("CreateCluster", {"clusterName": "other"})

    error = lines(act, furnished(prepare=prepare)).raised(TasksMissing)
    assert re.fullmatch("ECS does not show 1 of 1 tasks in cluster 'other': [0-9a-f]{32}", str(error))


def test_a_container_that_does_not_exist() -> None:
    """The message names those that do."""
    error = lines(logs(containers=["web"]), furnished()).raised(RequestError)
    assert str(error) == "tasks.logs: containers: 'web' is not a container of the tasks; they have app"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tail": -1}, "tail: expected a number of lines, 0 or more, got -1"),
        ({"tail": True}, "tail: expected a number of lines, 0 or more, got True"),
        (
            {"since": datetime(2026, 1, 1)},  # noqa: DTZ001  # the mistake
            "since: expected an aware datetime, such as datetime.now(timezone.utc)",
        ),
        ({"since": 5}, "since: expected an aware datetime or a timedelta, such as timedelta(minutes=10), got int"),
        ({"until": timedelta(-1)}, "until: expected a timedelta of 0 or more: how long ago it was, got datetime.time"),
        ({"timeout": -1}, "timeout: expected seconds, 0 or more, or None for no limit, got -1"),
        ({"containers": "app"}, "containers: expected names of containers, got 'app'; leave it out for all"),
        ({"containers": []}, "containers: expected names of containers, got []; leave it out for all"),
    ],
)
def test_bad_input_is_refused_at_once(options: dict[str, Any], problem: str) -> None:
    """Nothing is sent."""
    went = lines(logs(**options), furnished())
    assert f"tasks.logs: {problem}" in str(went.raised(RequestError))
    assert went.calls == []


def test_a_wrapped_client_cannot_make_one_for_logs(make_client: Callable[[Simulator], Any]) -> None:
    """The message has what to do."""
    sim = furnished(prepare=lambda sim: sim.clock.advance(120))()
    with Client.wrap(make_client(sim)) as client, pytest.raises(ConfigurationError) as raised:
        list(client.tasks.logs(sim.tasks()[0].arn))
    assert str(raised.value) == (
        "FilterLogEvents: this client wraps one for ECS, and cannot make one for the service logs; pass one to `wrap`:"
        " logs=, or make the client with session= in place of `wrap`"
    )


@pytest.fixture
def make_client() -> Callable[[Simulator], Any]:
    """Return a function that makes a client of botocore on a simulator."""
    from botocore.session import Session

    def make(sim: Simulator) -> Any:
        session = Session()
        session.set_credentials("testing", "testing")
        client = session.create_client("ecs", region_name="us-east-1")
        attach(client, sim)
        return client

    return make


def test_a_task_that_is_purged_while_it_is_followed() -> None:
    """ECS stops showing it; its lines are read to the end."""
    script = TaskScript(run_time=10, logs=[(1, "one")])

    def prepare(sim: Simulator) -> None:
        sim.clock.advance(60)

    def act(ecs: Any) -> Any:
        # Each item is taken late: the clock moves by more than an hour at the first one.
        def slowly(iterator: Any) -> Any:
            for item in iterator:
                ecs.clock.advance(4000)
                yield item

        async def aslowly(iterator: Any) -> Any:
            async for item in iterator:
                ecs.clock.advance(4000)
                yield item

        stream = ecs.tasks.logs(ecs.arns, follow=True)
        return slowly(stream) if hasattr(stream, "__next__") else aslowly(stream)

    went = lines(act, furnished(script, prepare=prepare))
    assert messages(went) == ["one"]
