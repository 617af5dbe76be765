"""What a simulated task does with its life: when it starts, how long it runs, how it ends.

Decides nothing about statuses or timestamps (`task_life` derives them); it holds the wishes of whoever writes a test,
and answers what they mean for one container.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import attrs

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
    allowed = get_args(_CHOICES[field.name])
    if value not in allowed:
        raise ValueError(f"{field.name} must be one of {', '.join(allowed)}: {value!r}")


_CHOICES = {"stop_code": StopCode, "health": Health}
_DURATION_OR_NONE = attrs.validators.optional(_duration)


@attrs.frozen(kw_only=True)
class TaskScript:
    """Describe how the tasks of a family behave. All durations are seconds of the simulator's clock.

    Args:
        time_to_start: From the launch to RUNNING (or to the failure to start). Default: 20 on Fargate, 3 on instances.
        run_time: From RUNNING to the end that the script describes. Default None: until somebody stops the task.
        exit_codes: What containers exit with at that end. One number is for the first essential container; a mapping
            names the containers that exit by themselves (if none of them is essential, the task runs on). Containers
            not spoken for are sent SIGTERM once an essential one has exited. Default 0.
        sigterm_exit_codes: What a container exits with when it is sent SIGTERM: one number for all, or a mapping by
            container name, the rest 143. A container with 137 ignores the signal and is killed after its
            `stopTimeout` (30 s unless the task definition says otherwise). Default 143.
        exit_reasons: The `reason` of containers that exit by themselves, by name, for example
            `{"app": "OutOfMemoryError: ..."}`. Default: none has one.
        time_to_stop: From the decision to stop to STOPPED, without the patience for containers that must be killed.
            Default: 10 on Fargate, 2 on instances.
        stop_code: The `stopCode` of the scripted end. Default EssentialContainerExited. With any other code the end
            comes from outside: every container that `exit_codes` does not name is sent SIGTERM.
        stopped_reason: The `stoppedReason` of the scripted end. Default: a sentence for EssentialContainerExited,
            else the stop code.
        start_failure: The reason why the task fails to start, for example "CannotPullContainerError: ...". The task
            then never runs, and its stop code is TaskFailedToStart. Default None: it starts.
        health: What health checks report, for containers that define one. Default HEALTHY.
        time_to_healthy: From RUNNING to the first report of the health checks. Default 5.

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
    exit_reasons: Mapping[str, str] = attrs.field(factory=dict)
    time_to_stop: float | None = attrs.field(default=None, validator=_DURATION_OR_NONE)
    stop_code: StopCode = attrs.field(default="EssentialContainerExited", validator=_choice)
    stopped_reason: str | None = None
    start_failure: str | None = None
    health: Health = attrs.field(default="HEALTHY", validator=_choice)
    time_to_healthy: float = attrs.field(default=5.0, validator=_duration)

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
