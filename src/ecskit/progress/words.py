"""The texts about a deployment: messages on one line, without ids that a reader does not need, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from ecskit._core.errors import described
from ecskit._core.wording import escaped
from ecskit._deployments.evidence import stop_reason
from ecskit.errors import (
    DeploymentFailed,
    DeploymentPaused,
    DeploymentRollbackFailed,
    DeploymentRolledBack,
    DeploymentStalled,
    DeploymentSuperseded,
    DeploymentUnstable,
    EcsError,
    ServiceGone,
    WaitCancelled,
    WaitError,
    WaitTimeout,
)
from ecskit.models.services import Deployment
from ecskit.services import DeploymentProgress, TaskStopped

__all__ = [
    "Revision",
    "Verdict",
    "duration",
    "one_line",
    "revisions",
    "service_message",
    "stability",
    "task_stopped",
    "verdict",
    "why_stopped",
]

_LONGEST = 240
"""The maximum length of a message, in characters."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SERVICE = re.compile(r"^\(service [^)]*\)\s*")
_TASKS = re.compile(r":?(?:\s*\(task [^)]*\),?)+\.?$")
_DEPLOYMENT = re.compile(r"\(deployment (?:ecs-svc/)?([^)]*)\)")
_TARGET_GROUP = re.compile(r"\(target-group arn:[^)]*:targetgroup/([^/)]*)[^)]*\)")


def one_line(text: str) -> str:
    """Return a text as one line without control characters, shortened if it is too long."""
    line = _clean(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _clean(text: str) -> str:
    return escaped(" ".join(_CONTROL.sub(" ", text).split()))


def duration(seconds: float) -> str:
    """Return a duration as text, such as 8 s, 3:20 or 1:02:00."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def service_message(message: str, progress: DeploymentProgress) -> str:
    """Return the message of a service event, without the name of the service, lists of tasks, and its deployment id."""
    own = (progress.started.deployment_id or "").rsplit("/", 1)[-1]
    text = _SERVICE.sub("", message)
    if not text.startswith("(task "):  # the message is about this task
        text = _TASKS.sub("", text)
    text = _TARGET_GROUP.sub(r"target group \1", text)
    text = _DEPLOYMENT.sub(lambda found: "" if found[1] == own else f"deployment {found[1]}", text)
    return one_line(text)


def task_stopped(event: TaskStopped) -> str:
    """Return the line for a stopped task, with the reason."""
    return one_line(str(event))


def why_stopped(event: TaskStopped) -> tuple[bool, str]:
    """Return whether the task never started, and why it stopped; equal for tasks that ended alike."""
    return event.task.started_at is None, stop_reason(event.task)


def stability(progress: DeploymentProgress, later: float = 0.0) -> str:
    """Return whether the tasks stay up after the success; empty if that is not observed, or no longer.

    Args:
        progress: The latest progress.
        later: Seconds since then without an event.
    """
    observed = progress.observed_stability
    if observed is None or observed.stability in ("stable", "unstable"):
        return ""
    if observed.stability == "unknown":
        return "it is unknown whether tasks stay up: reading tasks is refused"
    wanted = observed.goal.stable_for
    quiet = 0.0 if observed.quiet_since is None else min(observed.quiet_for + later, wanted)
    text = f"checking that tasks stay up: quiet for {quiet:.0f} of {wanted:g} s"
    if observed.unhealthy:
        text += f", {observed.unhealthy} unhealthy"
    if observed.stops:
        text += f", {observed.stops} task{'' if observed.stops == 1 else 's'} stopped since it succeeded"
    return text


@attrs.frozen(kw_only=True)
class Revision:
    """The tasks of one deployment of a service."""

    name: str
    is_new: bool
    """Whether it is the deployment that is followed."""
    running: int
    desired: int
    pending: int
    failed: int

    def __str__(self) -> str:
        of = f"/{self.desired}" if self.is_new else ""
        text = f"{self.name} {self.running}{of} running"
        if self.pending:
            text += f", {self.pending} pending"
        return text + (f", {self.failed} failed" if self.failed else "")


def revisions(deployments: Sequence[Deployment], progress: DeploymentProgress) -> list[Revision]:
    """Return the revisions with their counts, the new one first; older ones without tasks are left out."""
    own = progress.started.deployment_id
    shown = [each for each in deployments if each.id == own or each.running_count or each.pending_count]
    shown.sort(key=lambda each: each.id != own)
    names = [_named(each) for each in shown]
    return [
        Revision(
            name=name if names.count(name) == 1 else f"{name} ({'new' if each.id == own else f'..{each.id[-4:]}'})",
            is_new=each.id == own,
            running=each.running_count or 0,
            desired=progress.desired if each.id == own else each.desired_count or 0,
            pending=each.pending_count or 0,
            failed=each.failed_tasks or 0,
        )
        for each, name in zip(shown, names, strict=True)
    ]


def _named(deployment: Deployment) -> str:
    return (deployment.task_definition or deployment.id).rsplit("/", 1)[-1]


@attrs.frozen
class Verdict:
    """How a deployment ended."""

    word: str
    """One or two words, such as DEPLOYED."""
    is_good: bool
    text: str
    """The details: the revision, the time it took, and the reason."""

    def __str__(self) -> str:
        return f"{self.word} {self.text}"


_ENDS: Sequence[tuple[type[BaseException], str]] = (
    (DeploymentRolledBack, "ROLLED BACK"),
    (DeploymentRollbackFailed, "ROLLBACK FAILED"),
    (DeploymentStalled, "STALLED"),
    (DeploymentUnstable, "UNSTABLE"),
    (DeploymentFailed, "FAILED"),
    (DeploymentSuperseded, "SUPERSEDED"),
    (DeploymentPaused, "PAUSED"),
    (ServiceGone, "SERVICE GONE"),
    (WaitTimeout, "TIMED OUT"),
    (WaitCancelled, "CANCELLED"),
    (EcsError, "ERROR"),
    (KeyboardInterrupt, "INTERRUPTED"),
    (SystemExit, "INTERRUPTED"),
)
"""The word for each error, subclasses before their bases."""


def verdict(error: BaseException | None, progress: DeploymentProgress | None, elapsed: float) -> Verdict:
    """Return how a deployment ended.

    Args:
        error: The error that ended it, if any.
        progress: The latest progress, if any.
        elapsed: Seconds that it took.
    """
    after = f"after {duration(elapsed)}"
    if error is None:
        return _without_error(progress, after)
    word = next((word for kind, word in _ENDS if isinstance(error, kind)), type(error).__name__)
    why = _why(error, progress)
    if isinstance(error, DeploymentRolledBack) and error.rolled_back_to:
        after = f"to {error.rolled_back_to.rsplit('/', 1)[-1]} {after}"
    elif isinstance(error, DeploymentSuperseded) and error.by and error.by not in why:
        after = f"by {error.by} {after}"
    return Verdict(word, is_good=False, text=f"{after}: {why}" if why else after)


def _without_error(progress: DeploymentProgress | None, after: str) -> Verdict:
    if progress is None:
        return Verdict("ENDED", is_good=True, text=f"{after}: nothing was observed")
    name = _named(progress.deployment) if progress.deployment else progress.name
    if _is_deployed(progress) and not progress.changed:
        return Verdict("UNCHANGED", is_good=True, text=f"{name} {after}: nothing was changed, {_counts(progress)}")
    if _is_deployed(progress):
        return Verdict("DEPLOYED", is_good=True, text=f"{name} {after}: {_counts(progress)}")
    # It reached the requested stage or pause, or the caller stopped following it.
    word = "PAUSED" if progress.paused else progress.status.replace("_", " ")
    stage = progress.paused_by or (progress.stage and f"stage {progress.stage}")
    state = ", ".join(filter(None, (stage, _counts(progress))))
    return Verdict(word, is_good=not progress.is_over, text=f"{name} {after}: {state}")


def _is_deployed(progress: DeploymentProgress) -> bool:
    if progress.service_deployment is not None:
        return progress.status == "SUCCESSFUL"
    return progress.facts.completed or (progress.started.expected == "scaling" and progress.facts.reads("settled") > 0)


def _counts(progress: DeploymentProgress) -> str:
    return progress.counts if progress.deployment is not None else ""


def _why(error: BaseException, progress: DeploymentProgress | None) -> str:
    if isinstance(error, WaitError) and error.story.reasons:
        return one_line("; ".join(error.story.reasons.values()))
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        return f"the last status was {progress.status}" if progress is not None else ""
    return one_line(described(error))
