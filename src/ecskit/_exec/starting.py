"""The way from the arguments of a verb to an open session: the task, its agent, ExecuteCommand, the pump."""

from __future__ import annotations

import itertools
import logging
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ecskit._api.service_errors import TargetNotConnectedException
from ecskit._core.background import Background
from ecskit._core.call import call
from ecskit._core.effects import Beside, Cancelled, DrawRandom, Flow, GetTime, Reply, Sleep
from ecskit._core.errors import AccessDeniedError, EcsError, InvalidRequestError, RequestError, ServiceError, described
from ecskit._core.retrying import RetryLimits, may_have_taken_effect, retry
from ecskit._core.turns import await_turn
from ecskit._data_channel.channel import DataChannel
from ecskit._exec.errors import ExecResponseLost, ExecUnavailable
from ecskit._exec.pump import pump, terminate
from ecskit._exec.session import Place, Session, close
from ecskit._exec.watching import place_in
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import Evaluation, Met, wait_for
from ecskit._polling.errors import WaitFailed
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions
from ecskit._waits.exec_agents import exec_agents_running, status_of_agent
from ecskit._waits.task_identifiers import targets_of
from ecskit._waits.tasks import TaskGoal
from ecskit.models.clusters import DescribeClustersRequest
from ecskit.models.tasks import ExecuteCommandRequest, Task

__all__ = ["Start", "plain"]

log = logging.getLogger("ecskit")

_CONNECTING = 15.0
"""Seconds for which ExecuteCommand is repeated while ECS reports that the agent is not connected. The error is often
transient, also after ECS has shown the agent as RUNNING, and means that the command was not run."""
_AGENT_REMEDY = (
    "the agent needs a task role with ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and"
    " OpenDataChannel, a way to ssmmessages over the network, and a file system that it can write to"
)


def plain(verb: str, command: Any) -> str:
    """Return the text of a command that is not wrapped.

    Raises:
        RequestError: It is no command.
    """
    words: Any = [command] if isinstance(command, str) else command
    if not isinstance(words, Sequence) or isinstance(words, (bytes, bytearray)):
        problem = f"expected a text, or a list of the program and its arguments, got {type(command).__name__}"
        raise RequestError(verb, [("command", problem)])
    if not words or not all(isinstance(word, str) for word in words) or not words[0].strip():
        raise RequestError(verb, [("command", "expected a text, or a list of texts, that is not empty")])
    return str(command) if isinstance(command, str) else shlex.join(words)


@attrs.frozen(kw_only=True)
class Start:
    """What a verb needs to open a session."""

    verb: str
    targets: Targets[Task]
    container: str | None
    timeout: float | None
    """Seconds until the task and its agent have to run."""

    @classmethod
    def of(
        cls, verb: str, task: Task | str, cluster: str | None, container: str | None, timeout: float | None
    ) -> Start:
        """Check the arguments, and return what they mean.

        Raises:
            RequestError: One is wrong.
        """
        given: Any = container  # users without a checker
        if not isinstance(task, (Task, str)):  # pyright: ignore[reportUnnecessaryIsInstance]  # the same
            problem = f"expected one task, its id or its ARN, got {type(task).__name__}; call {verb} for each task"
            raise RequestError(verb, [("task", problem)])
        if given is not None and (not isinstance(given, str) or not given):
            raise RequestError(verb, [("container", f"expected the name of a container, got {given!r}")])
        WaitOptions(timeout=timeout).check(verb)
        targets = targets_of(verb, task, cluster)
        return cls(verb=verb, targets=targets, container=container, timeout=timeout)

    def session(self, command: str, *, needs_gate: bool) -> Flow[Session]:
        """Open a session in which a command runs.

        Args:
            command: The text for ExecuteCommand.
            needs_gate: Whether input may be sent before the first output. Then it matters whether the cluster has a
                KMS key: input that is sent before the keys exist would end the session.
        """
        place = yield from self._place()
        encrypted = (yield from _is_encrypted(place.cluster)) if needs_gate else None
        now = (yield Sleep(0)).now
        response = yield from _execute(place, command, now + _CONNECTING)
        session_id, url, token = response
        session = Session(session_id, url, place)
        session.active_at = (yield Sleep(0)).now
        try:
            epoch: Reply[float] = yield GetTime()
            drawn: int = (yield DrawRandom()).get()
            channel = DataChannel(ids=_ids(drawn), epoch=epoch.get() - epoch.now, encrypted=encrypted)
            begun: Reply[Background] = yield Beside(pump(session, channel, token), "ecskit-exec")
            session.background = begun.get()
        except BaseException:
            if session.pumping:
                yield from close(session)
            else:
                yield from terminate(session)
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
            raise ExecUnavailable(task.task_arn, f"it {why}", _AGENT_REMEDY) from error
        return place_in(self.verb, task, self.container)


def _is_visible(_: ResourceState[Task]) -> Evaluation:
    return Met()


def _execute(place: Place, command: str, until: float) -> Flow[tuple[str, str, str]]:
    """Send ExecuteCommand, and return the id, the address and the token of the session.

    It has no client token, so that a repeat would run the command twice. Only a refusal because of the agent's
    connection is repeated.
    """
    request = ExecuteCommandRequest(
        cluster=place.cluster, task=place.task_arn, container=place.container or None, command=command, interactive=True
    )

    def attempt() -> Flow[Any]:
        yield from await_turn({request._operation: 1.0})
        return (yield from call(request, single_attempt=True))

    limits = RetryLimits(attempts=100, longest_pause=4.0, until=until)
    try:
        response = yield from retry(attempt, limits, may_pass=lambda error, _: _is_unconnected(error))
    except Cancelled as cancelled:
        if cancelled.sent:
            log.warning("ExecuteCommand was cancelled; the command may run in task %s", place.task_arn)
        raise
    except TargetNotConnectedException as error:
        reason = f"its agent was not connected for {_CONNECTING:.0f} s ({_said(error)})"
        raise ExecUnavailable(place.task_arn, reason, _AGENT_REMEDY) from error
    except InvalidRequestError as error:
        if "execute command" not in error.message.lower():
            raise
        raise ExecUnavailable(place.task_arn, _said(error), _AGENT_REMEDY) from error
    except EcsError as error:
        if not may_have_taken_effect(error):
            raise
        raise ExecResponseLost(place.task_arn, place.container, _said(error)) from error
    session = response.session
    if not (session.session_id and session.stream_url and session.token_value):
        raise ExecResponseLost(place.task_arn, place.container, "it names no session")
    return session.session_id, session.stream_url, session.token_value


def _said(error: EcsError) -> str:
    """Return what an error says, without what it was about: errors of ecskit name that themselves."""
    code = f"{error.code}: " if isinstance(error, ServiceError) else ""
    return f"{code}{getattr(error, 'message', str(error)).removesuffix('.')}"


def _is_unconnected(error: EcsError) -> bool:
    return isinstance(error, TargetNotConnectedException)


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


def _ids(drawn: int) -> Iterator[int]:
    """Return numbers of 128 bits that do not repeat, from one that was drawn."""
    return ((drawn + count) % 2**128 for count in itertools.count())
