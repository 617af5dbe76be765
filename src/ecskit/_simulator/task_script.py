"""Scripts for simulated tasks: when a task starts, how long it runs, how it ends.

`task_lifecycle` turns a script into statuses and timestamps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import attrs
from typing_extensions import Self

StopCode = Literal[
    "EssentialContainerExited",
    "ServiceSchedulerInitiated",
    "SpotInterruption",
    "TerminationNotice",
    "InfrastructureHealth",
    "UserInitiated",
]
Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]
ExecAgentStatus = Literal["PENDING", "RUNNING", "STOPPED"]

SIGTERM_EXIT_CODE = 143
SIGKILL_EXIT_CODE = 137

_ESSENTIAL_CONTAINER_EXITED = "Essential container in task exited"
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_SPOT_INTERRUPTED = "Your Spot Task was interrupted."
_HOST_LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."

# Seconds from RUNNING to the first health report by default.
_FIRST_REPORT = 5.0


def check_number(value: object, what: str, kinds: tuple[type, ...], wanted: str) -> None:
    """Raise TypeError for a value of no such kind, and ValueError for one that is negative or NaN."""
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{what} must be {wanted}, got {type(value).__name__}")
    if not value >= 0:  # type: ignore[operator]  # also true of NaN
        raise ValueError(f"{what} must not be negative: {value!r}")


def _duration(_: object, field: attrs.Attribute[Any], value: object) -> None:
    check_number(value, field.name, (int, float), "a number of seconds")


def _exit_codes(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        check_number(value, field.name, (int,), "an int or a mapping of container names to ints")
        return
    for name, code in value.items():
        check_number(code, f"{field.name}[{name!r}]", (int,), "an int")


def _choice(_: object, field: attrs.Attribute[Any], value: object) -> None:
    _one_of(get_args(StopCode), field.name, value)


def _agent_status(_: object, field: attrs.Attribute[Any], value: object) -> None:
    _one_of(get_args(ExecAgentStatus), field.name, value)


def _health(_: object, field: attrs.Attribute[Any], value: object) -> None:
    for seconds, health in (value if isinstance(value, Mapping) else {0: value}).items():
        check_number(seconds, f"a moment of {field.name}", (int, float), "a number of seconds")
        _one_of(get_args(Health), field.name, health)


def _one_of(allowed: Sequence[str], what: str, value: object) -> None:
    if value not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(allowed)}: {value!r}")


_DURATION_OR_NONE = attrs.validators.optional(_duration)


@attrs.frozen
class LogEntry:
    """A line that a container writes.

    Args:
        after: Seconds from RUNNING. A line that would come after the end of the task is not written.
        message: The text.
        container: The container. Default: the first essential one.
        delay: Seconds until CloudWatch Logs shows it. Default: `log_delay` of the script.

    Raises:
        TypeError: A number of seconds is none.
        ValueError: A number is negative.
    """

    after: float = attrs.field(validator=_duration)
    message: str
    container: str | None = None
    delay: float | None = attrs.field(default=None, validator=_DURATION_OR_NONE)


def _entries(logs: Iterable[LogEntry | tuple[float, str]]) -> tuple[LogEntry, ...]:
    return tuple(each if isinstance(each, LogEntry) else LogEntry(*each) for each in logs)


@attrs.frozen(kw_only=True)
class TaskScript:
    """Describe how the tasks of a family behave. All durations are seconds of the simulator's clock.

    The usual behaviours have constructors: `TaskScript.exits(1, after=30)`. Use the fields for others, also with
    `attrs.evolve`.

    Args:
        time_to_start: From the launch to RUNNING, or to the failure to start. Default: 20 on Fargate, 3 on instances.
        run_time: From RUNNING to the scripted end. Default None: the task runs until it is stopped.
        exit_codes: The exit codes of containers at the scripted end. A number is for the first essential container; a
            mapping by name is for the containers that exit by themselves (if none of them is essential, the task runs
            on). All other containers are sent SIGTERM after an essential one has exited. Default 0.
        sigterm_exit_codes: The exit codes of containers that are sent SIGTERM: one number for all, or a mapping by
            name, with 143 for the rest. A container with 137 ignores the signal and is killed after its `stopTimeout`
            (30 s unless the task definition sets it). Default 143.
        exit_reasons: The `reason` of containers that exit by themselves. A text is for the first essential container;
            a mapping is by name, for example `{"app": "OutOfMemoryError: ..."}`. Default: no reasons.
        reports_exit_codes: Whether containers have exit codes after the scripted end. With False they have none, as
            after the loss of their host. Default True.
        time_to_stop: From the decision to stop to STOPPED. The stop timeout of containers that are killed adds to it.
            Default: 10 on Fargate, 2 on instances.
        stop_code: The `stopCode` of the scripted end. Default EssentialContainerExited. Any other code means that the
            task is stopped from outside: every container that `exit_codes` does not name is sent SIGTERM.
        stopped_reason: The `stoppedReason` of the scripted end. Default: a sentence for EssentialContainerExited,
            else the stop code.
        stop_details_after: From STOPPED to the moment at which `stopCode`, `stoppedReason`, `stoppedAt`, exit codes and
            the reasons of containers are shown, for any end. Default 0: each is shown when it occurs.
        start_failure: The reason why the task fails to start, for example "CannotPullContainerError: ...". The task
            never runs, and its stop code is TaskFailedToStart. Default None: it starts.
        health: The reports of health checks, for containers that have one: one value, or a mapping from seconds after
            RUNNING, for example `{5: "HEALTHY", 60: "UNHEALTHY"}`. Default HEALTHY.
        time_to_healthy: From RUNNING to the first report of the health checks, if `health` is one value. Default 5.
        logs: The lines that containers with the log driver `awslogs` write: a `LogEntry`, or a pair of the seconds
            after RUNNING and the text, for each. Default: none.
        log_delay: From writing a line to the moment at which CloudWatch Logs shows it. Default 1.
        exec_agent: The `lastStatus` of the agent of ECS Exec in each container that runs, if the task has one. Default
            RUNNING.
        exec_connects_after: From RUNNING until ExecuteCommand reaches the agent. Until then it is answered by
            TargetNotConnectedException. Default 0.

    Raises:
        TypeError: A duration or an exit code is not a number.
        ValueError: A number is negative, or `stop_code`, `health` or `exec_agent` is not one of the allowed
            values.
    """

    time_to_start: float | None = attrs.field(default=None, validator=_DURATION_OR_NONE)
    run_time: float | None = attrs.field(default=None, validator=_DURATION_OR_NONE)
    exit_codes: int | Mapping[str, int] | None = attrs.field(
        default=None, validator=attrs.validators.optional(_exit_codes)
    )
    sigterm_exit_codes: int | Mapping[str, int] = attrs.field(default=SIGTERM_EXIT_CODE, validator=_exit_codes)
    exit_reasons: str | Mapping[str, str] = attrs.field(factory=dict)
    reports_exit_codes: bool = True
    time_to_stop: float | None = attrs.field(default=None, validator=_DURATION_OR_NONE)
    stop_code: StopCode = attrs.field(default="EssentialContainerExited", validator=_choice)
    stopped_reason: str | None = None
    stop_details_after: float = attrs.field(default=0.0, validator=_duration)
    start_failure: str | None = None
    health: Health | Mapping[float, Health] = attrs.field(default="HEALTHY", validator=_health)
    time_to_healthy: float = attrs.field(default=_FIRST_REPORT, validator=_duration)
    logs: Sequence[LogEntry] = attrs.field(default=(), converter=_entries)
    log_delay: float = attrs.field(default=1.0, validator=_duration)
    exec_agent: ExecAgentStatus = attrs.field(default="RUNNING", validator=_agent_status)
    exec_connects_after: float = attrs.field(default=0.0, validator=_duration)

    @classmethod
    def runs_for(cls, seconds: float) -> Self:
        """Run for some seconds, then exit with 0."""
        return cls(run_time=seconds)

    @classmethod
    def exits(cls, code: int = 0, *, after: float = 0.0, container: str | None = None) -> Self:
        """Exit by itself.

        Args:
            code: The exit code. Default 0.
            after: Seconds from RUNNING. Default 0.
            container: The container that exits. Default: the first essential one, which ends the task.
        """
        return cls(run_time=after, exit_codes=code if container is None else {container: code})

    @classmethod
    def out_of_memory(cls, *, after: float = 0.0, container: str | None = None) -> Self:
        """Be killed for using too much memory: exit code 137 and a reason with OutOfMemoryError.

        Args:
            after: Seconds from RUNNING. Default 0.
            container: The container that is killed. Default: the first essential one, which ends the task.
        """
        if container is None:
            return cls(run_time=after, exit_codes=SIGKILL_EXIT_CODE, exit_reasons=_OUT_OF_MEMORY)
        return cls(run_time=after, exit_codes={container: SIGKILL_EXIT_CODE}, exit_reasons={container: _OUT_OF_MEMORY})

    @classmethod
    def fails_to_start(cls, reason: str, *, after: float | None = None) -> Self:
        """Never run (TaskFailedToStart).

        Args:
            reason: The reason, for example "Timeout waiting for network interface provisioning to complete."
            after: Seconds from the launch to the failure. Default: 20 on Fargate, 3 on instances.
        """
        return cls(start_failure=reason, time_to_start=after)

    @classmethod
    def fails_to_pull(cls, problem: str = "manifest unknown", *, after: float | None = None) -> Self:
        """Never run, because an image cannot be pulled.

        Args:
            problem: The error of the registry, without "CannotPullContainerError: ". Default "manifest unknown".
            after: Seconds from the launch to the failure. Default: 20 on Fargate, 3 on instances.
        """
        return cls.fails_to_start(f"CannotPullContainerError: {problem}", after=after)

    @classmethod
    def spot_interrupted(cls, *, after: float = 0.0) -> Self:
        """Be stopped by a Spot interruption: SIGTERM, and the stop code SpotInterruption.

        Args:
            after: Seconds from RUNNING. Default 0.
        """
        return cls(run_time=after, stop_code="SpotInterruption", stopped_reason=_SPOT_INTERRUPTED)

    @classmethod
    def loses_host(cls, *, after: float = 0.0, reason: str = _HOST_LOST) -> Self:
        """Stop because the host is lost: no exit codes, and the stop code InfrastructureHealth.

        Args:
            after: Seconds from RUNNING. Default 0.
            reason: The `stoppedReason`. Default: a terminated instance.
        """
        return cls(run_time=after, stop_code="InfrastructureHealth", stopped_reason=reason, reports_exit_codes=False)

    @classmethod
    def healthy(cls, *, after: float = _FIRST_REPORT) -> Self:
        """Run until stopped. Health checks report HEALTHY `after` seconds from RUNNING (default 5), UNKNOWN before."""
        return cls(health="HEALTHY", time_to_healthy=after)

    @classmethod
    def unhealthy(cls, *, after: float = _FIRST_REPORT) -> Self:
        """Run until stopped. Health checks report UNHEALTHY `after` seconds from RUNNING (default 5).

        If `after` is above 5, they report HEALTHY from second 5 until then.
        """
        return cls(health={min(_FIRST_REPORT, after): "HEALTHY", after: "UNHEALTHY"})

    def seconds_to_start(self, *, fargate: bool) -> float:
        """Return the seconds from the launch to RUNNING."""
        if self.time_to_start is not None:
            return self.time_to_start
        return 20.0 if fargate else 3.0

    def seconds_to_stop(self, *, fargate: bool) -> float:
        """Return the seconds from the decision to stop to STOPPED."""
        if self.time_to_stop is not None:
            return self.time_to_stop
        return 10.0 if fargate else 2.0

    def own_exits(self, first_essential: str) -> dict[str, int]:
        """Return the containers that exit by themselves at the scripted end, with their exit codes."""
        if isinstance(self.exit_codes, Mapping):
            return dict(self.exit_codes)
        if self.exit_codes is not None:
            return {first_essential: self.exit_codes}
        return {first_essential: 0} if self.stop_code == "EssentialContainerExited" else {}

    def exit_reason(self, container: str, first_essential: str) -> str | None:
        """Return the reason of a container that exits by itself, or None."""
        reasons = {first_essential: self.exit_reasons} if isinstance(self.exit_reasons, str) else self.exit_reasons
        return reasons.get(container)

    def health_reports(self) -> list[tuple[float, Health]]:
        """Return the reports of health checks with their seconds after RUNNING, in order."""
        if isinstance(self.health, Mapping):
            return sorted(self.health.items())
        return [(self.time_to_healthy, self.health)]

    def sigterm_exit(self, container: str) -> int:
        """Return the exit code of a container that is sent SIGTERM."""
        if isinstance(self.sigterm_exit_codes, Mapping):
            return self.sigterm_exit_codes.get(container, SIGTERM_EXIT_CODE)
        return self.sigterm_exit_codes

    @property
    def ending_reason(self) -> str:
        """The `stoppedReason` of the scripted end."""
        if self.stopped_reason is not None:
            return self.stopped_reason
        return _ESSENTIAL_CONTAINER_EXITED if self.stop_code == "EssentialContainerExited" else self.stop_code


@attrs.define
class ScriptSequence:
    """Scripts for the tasks of a family in order of launches: the first, the second, ..., then always the last."""

    _scripts: Sequence[TaskScript]
    _launched: Counter[str] = attrs.field(factory=Counter[str], init=False)

    def next(self, family: str) -> TaskScript:
        """Return the script of the family's next task."""
        script = self._scripts[min(self._launched[family], len(self._scripts) - 1)]
        self._launched[family] += 1
        return script
