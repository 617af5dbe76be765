"""What a simulated task does with its life: when it starts, how long it runs, how it ends.

Decides nothing about statuses or timestamps (`task_life` derives them); it holds the wishes of whoever writes a test,
answers what they mean for one container, and which of several scripts is next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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

SIGTERM_EXIT_CODE = 143
SIGKILL_EXIT_CODE = 137

_ESSENTIAL_CONTAINER_EXITED = "Essential container in task exited"
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_SPOT_INTERRUPTED = "Your Spot Task was interrupted."
_HOST_LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."

# From RUNNING to the first health report, unless a script says otherwise.
_FIRST_REPORT = 5.0


def _number(value: object, what: str, kinds: tuple[type, ...], wanted: str) -> None:
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{what} must be {wanted}, got {type(value).__name__}")
    if not value >= 0:  # type: ignore[operator]  # also true of NaN
        raise ValueError(f"{what} must not be negative: {value!r}")


def _duration(_: object, field: attrs.Attribute[Any], value: object) -> None:
    _number(value, field.name, (int, float), "a number of seconds")


def _exit_codes(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        _number(value, field.name, (int,), "an int or a mapping of container names to ints")
        return
    for name, code in value.items():
        _number(code, f"{field.name}[{name!r}]", (int,), "an int")


def _choice(_: object, field: attrs.Attribute[Any], value: object) -> None:
    _one_of(get_args(StopCode), field.name, value)


def _health(_: object, field: attrs.Attribute[Any], value: object) -> None:
    for seconds, health in (value if isinstance(value, Mapping) else {0: value}).items():
        _number(seconds, f"a moment of {field.name}", (int, float), "a number of seconds")
        _one_of(get_args(Health), field.name, health)


def _one_of(allowed: Sequence[str], what: str, value: object) -> None:
    if value not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(allowed)}: {value!r}")


_DURATION_OR_NONE = attrs.validators.optional(_duration)


@attrs.frozen(kw_only=True)
class TaskScript:
    """Describe how the tasks of a family behave. All durations are seconds of the simulator's clock.

    The usual behaviours have names: `TaskScript.exits(1, after=30)`. The fields are for all others, and for
    `attrs.evolve`.

    Args:
        time_to_start: From the launch to RUNNING (or to the failure to start). Default: 20 on Fargate, 3 on instances.
        run_time: From RUNNING to the end that the script describes. Default None: until somebody stops the task.
        exit_codes: What containers exit with at that end. One number is for the first essential container; a mapping
            names the containers that exit by themselves (if none of them is essential, the task runs on). Containers
            not spoken for are sent SIGTERM once an essential one has exited. Default 0.
        sigterm_exit_codes: What a container exits with when it is sent SIGTERM: one number for all, or a mapping by
            container name, the rest 143. A container with 137 ignores the signal and is killed after its
            `stopTimeout` (30 s unless the task definition says otherwise). Default 143.
        exit_reasons: The `reason` of containers that exit by themselves. One text is for the first essential
            container; a mapping is by name, for example `{"app": "OutOfMemoryError: ..."}`. Default: none has one.
        reports_exit_codes: Whether containers have exit codes after the scripted end. With False they have none, as
            when their host is lost. Default True.
        time_to_stop: From the decision to stop to STOPPED, without the patience for containers that must be killed.
            Default: 10 on Fargate, 2 on instances.
        stop_code: The `stopCode` of the scripted end. Default EssentialContainerExited. With any other code the end
            comes from outside: every container that `exit_codes` does not name is sent SIGTERM.
        stopped_reason: The `stoppedReason` of the scripted end. Default: a sentence for EssentialContainerExited,
            else the stop code.
        stop_details_after: From STOPPED to the moment when `stopCode`, `stoppedReason`, `stoppedAt`, exit codes and the
            reasons of containers can be seen, however the task ends. Default 0: each is there as soon as it is true.
        start_failure: The reason why the task fails to start, for example "CannotPullContainerError: ...". The task
            then never runs, and its stop code is TaskFailedToStart. Default None: it starts.
        health: What health checks report, for containers that define one: one value, or a mapping from seconds after
            RUNNING, for example `{5: "HEALTHY", 60: "UNHEALTHY"}`. Default HEALTHY.
        time_to_healthy: From RUNNING to the first report of the health checks, if `health` is one value. Default 5.

    Raises:
        TypeError: A duration or an exit code is not a number.
        ValueError: One is negative, or `stop_code` or `health` is not a value that there is.
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
            container: Who exits. Default: the first essential container, and with it the task.
        """
        return cls(run_time=after, exit_codes=code if container is None else {container: code})

    @classmethod
    def out_of_memory(cls, *, after: float = 0.0, container: str | None = None) -> Self:
        """Be killed for using too much memory: exit code 137, and a reason that says so.

        Args:
            after: Seconds from RUNNING. Default 0.
            container: Who is killed. Default: the first essential container, and with it the task.
        """
        if container is None:
            return cls(run_time=after, exit_codes=SIGKILL_EXIT_CODE, exit_reasons=_OUT_OF_MEMORY)
        return cls(run_time=after, exit_codes={container: SIGKILL_EXIT_CODE}, exit_reasons={container: _OUT_OF_MEMORY})

    @classmethod
    def fails_to_start(cls, reason: str, *, after: float | None = None) -> Self:
        """Never run (TaskFailedToStart).

        Args:
            reason: Why, for example "Timeout waiting for network interface provisioning to complete."
            after: Seconds from the launch to the failure. Default: as long as starting takes.
        """
        return cls(start_failure=reason, time_to_start=after)

    @classmethod
    def fails_to_pull(cls, problem: str = "manifest unknown", *, after: float | None = None) -> Self:
        """Never run, because an image cannot be pulled.

        Args:
            problem: What the registry says, without "CannotPullContainerError: ". Default "manifest unknown".
            after: Seconds from the launch to the failure. Default: as long as starting takes.
        """
        return cls.fails_to_start(f"CannotPullContainerError: {problem}", after=after)

    @classmethod
    def spot_interrupted(cls, *, after: float = 0.0) -> Self:
        """Be stopped because Spot capacity is taken back: SIGTERM, and the stop code SpotInterruption.

        Args:
            after: Seconds from RUNNING. Default 0.
        """
        return cls(run_time=after, stop_code="SpotInterruption", stopped_reason=_SPOT_INTERRUPTED)

    @classmethod
    def loses_host(cls, *, after: float = 0.0, reason: str = _HOST_LOST) -> Self:
        """Go down with the machine: no exit codes, and the stop code InfrastructureHealth.

        Args:
            after: Seconds from RUNNING. Default 0.
            reason: The `stoppedReason`. Default: that an instance was terminated.
        """
        return cls(run_time=after, stop_code="InfrastructureHealth", stopped_reason=reason, reports_exit_codes=False)

    @classmethod
    def healthy(cls, *, after: float = _FIRST_REPORT) -> Self:
        """Run until stopped; health checks report HEALTHY `after` seconds from RUNNING, UNKNOWN before. Default 5."""
        return cls(health="HEALTHY", time_to_healthy=after)

    @classmethod
    def unhealthy(cls, *, after: float = _FIRST_REPORT) -> Self:
        """Run until stopped; health checks report UNHEALTHY `after` seconds from RUNNING. Default 5.

        Later than 5 seconds the task is HEALTHY first.
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
        """Return the containers that exit by themselves when `run_time` is over, with their exit codes."""
        if isinstance(self.exit_codes, Mapping):
            return dict(self.exit_codes)
        if self.exit_codes is not None:
            return {first_essential: self.exit_codes}
        return {first_essential: 0} if self.stop_code == "EssentialContainerExited" else {}

    def exit_reason(self, container: str, first_essential: str) -> str | None:
        """Return the reason that a container gives which exits by itself, if it gives one."""
        reasons = {first_essential: self.exit_reasons} if isinstance(self.exit_reasons, str) else self.exit_reasons
        return reasons.get(container)

    def health_reports(self) -> list[tuple[float, Health]]:
        """Return what health checks report from which second after RUNNING on, in order."""
        if isinstance(self.health, Mapping):
            return sorted(self.health.items())
        return [(self.time_to_healthy, self.health)]

    def sigterm_exit(self, container: str) -> int:
        """Return what a container exits with when it is sent SIGTERM."""
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
    """Hand out scripts one after the other, the last one again and again; each family starts with the first."""

    _scripts: Sequence[TaskScript]
    _played: Counter[str] = attrs.field(factory=Counter[str], init=False)

    def next(self, family: str) -> TaskScript:
        """Return the script of the family's next task."""
        script = self._scripts[min(self._played[family], len(self._scripts) - 1)]
        self._played[family] += 1
        return script
