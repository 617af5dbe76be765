"""The way from the arguments of a verb to an open session: the task, its agent, ExecuteCommand, the pump."""

from __future__ import annotations

import logging
import math
import shlex
from collections.abc import Sequence
from typing import Any

import attrs

from ecskit._core.background import Background
from ecskit._core.call import call
from ecskit._core.effects import Beside, Connect, Flow, Reply, Sleep
from ecskit._core.errors import AccessDeniedError, EcsError, MissingExtraError, RequestError, described
from ecskit._data_channel.encryption import check_extra
from ecskit._exec.errors import AGENT_REMEDY, ExecUnavailable
from ecskit._exec.pump import pump
from ecskit._exec.session import End, Place, Session, awaited, close
from ecskit._exec.watching import place_in
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import Evaluation, Met, wait_for
from ecskit._polling.errors import WaitFailed
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions, is_seconds
from ecskit._waits.exec_agents import exec_agents_running, status_of_agent
from ecskit._waits.task_identifiers import targets_of
from ecskit._waits.tasks import TaskGoal
from ecskit.models.clusters import DescribeClustersRequest
from ecskit.models.tasks import Task

__all__ = ["ExecOptions", "Start", "plain"]

log = logging.getLogger("ecskit")


def plain(command: str | Sequence[str]) -> str:
    """Return the text of a command that is not wrapped."""
    return command if isinstance(command, str) else shlex.join(command)


@attrs.frozen(kw_only=True)
class ExecOptions:
    """Where a command runs, and how long that may take to begin.

    The generated methods have these fields as parameters, with these docstrings.

    Raises:
        ExecUnavailable: ECS Exec cannot be used: it is not enabled, the agent does not run or is not connected, the
            task has stopped or runs on Windows. The message has what to change; the command was not run.
        ExecResponseLost: No valid response to ExecuteCommand arrived, or the connection to the session could not be
            opened. The command may run; it was not sent again.
        TaskNotVisible: The task was not visible within 60 s.
        WaitTimeout: The task and its agent did not run within `start_timeout`.
        MissingExtraError: The extra `exec` is not installed.
        RequestError: An argument is wrong; nothing was run.
        ServiceError: ECS refuses a call: no permission, no such cluster.
        TransportError: The exchange with ECS failed.
    """

    container: str | None = None
    """Name of the container; required if the task has several."""
    cluster: str | None = None
    """Name or ARN of the cluster; optional if the task or its ARN includes it."""
    start_timeout: float | None = 120.0
    """Maximum seconds to wait until the task and its agent run; None for no limit."""


@attrs.frozen(kw_only=True)
class Start:
    """What a verb needs to open a session."""

    verb: str
    targets: Targets[Task]
    container: str | None
    timeout: float | None
    """Seconds until the task and its agent have to run."""

    @classmethod
    def of(cls, verb: str, task: Task | str, options: ExecOptions) -> Start:
        """Check the arguments, and return what they mean.

        Raises:
            RequestError: One is wrong.
        """
        timeout = options.start_timeout
        container: Any = options.container  # users without a checker
        if not isinstance(task, (Task, str)):  # pyright: ignore[reportUnnecessaryIsInstance]  # the same
            problem = f"expected one task, its id or its ARN, got {type(task).__name__}; call {verb} for each task"
            raise RequestError(verb, [("task", problem)])
        if container is not None and (not isinstance(container, str) or not container):
            raise RequestError(verb, [("container", f"expected the name of a container, got {container!r}")])
        if timeout is not None and not is_seconds(timeout):
            problem = f"expected seconds, 0 or more, or None for no limit, got {timeout!r}"
            raise RequestError(verb, [("start_timeout", problem)])
        try:
            targets = targets_of(verb, task, options.cluster)
        except RequestError as error:
            problems = [("task" if path == "tasks" else path, text) for path, text in error.problems]
            raise RequestError(verb, problems) from None
        return cls(verb=verb, targets=targets, container=container, timeout=timeout)

    def session(self, command: str, *, needs_gate: bool) -> Flow[Session]:
        """Open a session in which a command runs.

        Args:
            command: The text for ExecuteCommand.
            needs_gate: Whether input may be sent before the first output. Then it matters whether the cluster has a
                KMS key: input that is sent before the keys exist would end the session.
        """
        checked: Reply[None] = yield Connect(None)
        checked.get()
        place = yield from self._place()
        encrypted = None
        if needs_gate or not _can_encrypt():
            encrypted = yield from _is_encrypted(place.cluster)
            if encrypted:
                check_extra()
        session = Session(place)
        try:
            begun: Reply[Background] = yield Beside(pump(session, command, encrypted=encrypted), "ecskit-exec")
            session.background = begun.get()
            end = yield from awaited(session, lambda: session.end or session.begun, math.inf)
            if isinstance(end, End):
                session.raise_cause()
        except BaseException:
            yield from close(session)
            raise
        return session

    def _place(self) -> Flow[Place]:
        """Wait for the agent in the container, and return where it is."""
        began = (yield Sleep(0)).now
        options = WaitOptions(timeout=self.timeout)
        visible = TaskGoal(name=self.verb, condition=_is_visible, wait_options=options)
        (task,) = yield from wait_for(visible, self.targets)
        place = place_in(self.verb, task, self.container)
        if task.last_status == "RUNNING" and any(
            each.name == place.container and status_of_agent(each) == "RUNNING" for each in task.containers
        ):
            return place
        if self.timeout is not None:
            elapsed = (yield Sleep(0)).now - began
            options = WaitOptions(timeout=max(0.0, self.timeout - elapsed))
        name = place.container or None
        try:
            (task,) = yield from exec_agents_running(task, containers=name, wait_options=options)
        except WaitFailed as error:
            # The reason may be one that the description shows: then its error is clearer.
            place_in(self.verb, next(filter(None, error.story.last.values()), task), self.container)
            why = next(iter(error.story.reasons.values()), "cannot be used")
            raise ExecUnavailable(task.task_arn, f"it {why}", AGENT_REMEDY) from error
        return place_in(self.verb, task, self.container)


def _is_visible(_: ResourceState[Task]) -> Evaluation:
    return Met()


def _can_encrypt() -> bool:
    """Return whether what encryption needs is installed."""
    try:
        check_extra()
    except MissingExtraError:
        return False
    return True


def _is_encrypted(cluster: str) -> Flow[bool | None]:
    """Return whether a cluster has a KMS key for sessions; None if that is unknown."""
    try:
        found = yield from call(DescribeClustersRequest(clusters=[cluster], include=["CONFIGURATIONS"]))
    except EcsError as error:
        if not isinstance(error, AccessDeniedError):
            log.info("whether sessions are encrypted is unknown: %s", described(error))
        return None
    configurations = [each.configuration for each in found.clusters]
    if len(configurations) != 1:
        return None
    settings = configurations[0].execute_command_configuration if configurations[0] else None
    return bool(settings and settings.kms_key_id)
