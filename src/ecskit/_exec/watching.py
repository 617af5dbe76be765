"""What the description of a task means for ECS Exec: where a command may run, and whether its task has stopped."""

from __future__ import annotations

from ecskit._core.background import Background
from ecskit._core.call import call
from ecskit._core.effects import Beside, Flow, Reply, Sleep
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.wording import listed
from ecskit._exec.errors import ExecUnavailable
from ecskit._exec.session import End, Place, Session
from ecskit._waits.tasks import is_stopped
from ecskit.models.tasks import DescribeTasksRequest, Task

__all__ = ["place_in", "stop_of", "watch"]

_INTERVAL = 10.0
"""Seconds without output after which the task is described: when it stops, the connection may stay silent."""


def place_in(verb: str, task: Task, container: str | None) -> Place:
    """Return where in a task to run a command.

    Raises:
        RequestError: `container` is none of the task, or missing although there are several.
        ExecUnavailable: ECS Exec never works in this task.
    """
    names = [each.name for each in task.containers if each.name]
    if container is None and len(names) > 1:
        problem = f"the task has {len(names)} containers: pass one of {listed(names)}"
        raise RequestError(verb, [("container", problem)])
    if container is not None and names and container not in names:
        problem = f"the task has no container {container!r}; it has {listed(names)}"
        raise RequestError(verb, [("container", problem)])
    reason, remedy = _obstacle(task)
    if reason:
        raise ExecUnavailable(task.task_arn, reason, remedy)
    found = next((each for each in task.containers if each.name == (container or each.name)), None)
    name = container or (found.name if found else None) or ""
    return Place(task.cluster_arn or "default", task.task_arn, name, found.runtime_id if found else None)


def _obstacle(task: Task) -> tuple[str, str]:
    stopped = stop_of(task) or ("it is stopping" if task.desired_status == "STOPPED" else None)
    if stopped:
        return stopped, "choose a task that runs"
    if task.enable_execute_command is False:
        remedy = (
            "start tasks with enable_execute_command=True: an argument of `tasks.run`, and of the service, whose tasks"
            " have to be replaced after that"
        )
        return "it was started without ECS Exec", remedy
    if (task.platform_family or "").upper().startswith("WINDOWS"):
        return "it runs on Windows", "ecskit runs commands in Linux containers only; use the AWS CLI"
    return "", ""


def stop_of(task: Task, container: str | None = None) -> str | None:
    """Return that a task, or a container in it, has stopped, and why; None if it has not."""
    reason = ": ".join(filter(None, [task.stop_code, task.stopped_reason]))
    why = f" ({reason})" if reason else ""
    if is_stopped(task):
        return f"the task has stopped{why}"
    own = next((each for each in task.containers if container and each.name == container), None)
    if own is None or own.last_status != "STOPPED":
        return None
    code = f" with code {own.exit_code}" if own.exit_code is not None else ""
    stopping = f"; the task is stopping{why}" if reason else ""
    return f"the container has exited{code}{f' ({own.reason})' if own.reason else ''}{stopping}"


def watch(session: Session) -> Flow[float]:
    """Describe the task if the session was quiet for 10 s; the session ends if it has stopped.

    This is done beside the flow: a request that hangs delays no output and no timeout.

    Returns:
        The monotonic time when to do this again.
    """
    now = (yield Sleep(0)).now
    if session.watching or session.end is not None:
        return now + _INTERVAL
    if now < session.active_at + _INTERVAL:
        return session.active_at + _INTERVAL
    # Set before the request: other users of the session need not send it, too.
    session.active_at, session.watching = now, True
    try:
        begun: Reply[Background] = yield Beside(_look(session), "ecskit-exec-task")
        session.watcher = begun.get()
    except BaseException:
        session.watching = False
        raise
    return now + _INTERVAL


def _look(session: Session) -> Flow[None]:
    try:
        task = yield from describe(session)
        stopped = stop_of(task, session.place.container) if task is not None else None
        if stopped:
            session.request_end(End("stopped", stopped))
    finally:
        session.finish_watching()


def describe(session: Session) -> Flow[Task | None]:
    """Describe the task of a session; None if it cannot be described now. The next time may be better."""
    place = session.place
    try:
        request = DescribeTasksRequest(cluster=place.cluster, tasks=[place.task_arn])
        tasks = (yield from call(request, single_attempt=True)).tasks
    except EcsError:
        return None
    return tasks[0] if tasks else None
