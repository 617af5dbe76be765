"""Read the log lines of the tasks of a service from CloudWatch Logs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import attrs

from ecskit._core.effects import Emits, Flow, Share, Sleep
from ecskit._core.pages import follow
from ecskit._core.retrying import retry
from ecskit._deployments.read import check_service, read_service
from ecskit._logs.arguments import LogOptions
from ecskit._logs.described import definition_of, poll_tasks
from ecskit._logs.lines import LogLine, milliseconds
from ecskit._logs.tail import LogTail
from ecskit._polling.batches import Target, Targets
from ecskit._polling.budget import PollBudget
from ecskit.models.literals import DesiredStatus
from ecskit.models.services import Service
from ecskit.models.tasks import ListTasksRequest, Task

__all__ = ["logs"]


def logs(service: str | Service, *, cluster: str | None = None, log_options: LogOptions) -> Emits[LogLine]:
    """Yield the log lines of the tasks of a service that log to CloudWatch Logs with the driver `awslogs`.

    These are tasks that run, and those that stopped within the last hour, as ECS shows them. With `follow`, tasks that
    start later are followed, too, and the iterator ends only when it is closed, or at `timeout`.

    Each task logs where its own revision says. What is promised for the lines is as for `tasks.logs`.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        log_options: Which lines.

    Yields:
        Each line.

    Raises:
        LogsUnavailable: The credentials may not read the log group, it does not exist, or no container logs to
            CloudWatch Logs. The message has what to change, or where the lines are.
        ServicesMissing: ECS does not show the service.
        ServiceError: ECS or CloudWatch Logs refuses a call.
        TransportError: The exchange with ECS or CloudWatch Logs failed.
        ConfigurationError: The client wraps another one, and `wrap` got none for CloudWatch Logs.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    verb = "services.logs"
    check_service(verb, service, cluster)
    log_options.check(verb)

    def flow() -> Emits[LogLine]:
        begun = (yield Sleep(0)).now
        shown = yield from read_service(verb, service, cluster)
        since, until = yield from log_options.window()
        tail = LogTail(verb, log_options, definition_of, since, until, grows=True)
        tasks = _Tasks(shown, tail)
        yield from tail.add(list((yield from tasks.read(())).values()))
        if tail.tasks:
            tail.check()
        if not log_options.follow:
            yield from tail.read()
            return
        deadline = math.inf if log_options.timeout is None else begun + log_options.timeout
        yield from tail.follow(tasks.read, deadline)

    return flow()


@attrs.frozen
class _Tasks:
    """The tasks of a service whose lines are read."""

    service: Service
    tail: LogTail

    def read(self, running: Collection[str]) -> Flow[Mapping[str, Task]]:
        """Return the tasks that ECS lists, and some others, except those whose lines are in."""
        arns = dict.fromkeys(running)
        # RUNNING first: a task that stops between the two lists is in both.
        statuses: tuple[DesiredStatus, ...] = ("RUNNING", "STOPPED")
        for status in statuses:
            arns |= dict.fromkeys((yield from retry(lambda status=status: self._list(status))))  # type: ignore[misc]
        known = [arn for arn in arns if arn not in self.tail.over and self._may_change(arn)]
        targets = {arn: Target(self.service.cluster_arn, arn.rsplit("/", 1)[-1]) for arn in known}
        shown = yield from poll_tasks(Targets(by_name=targets))
        return {arn: task for arn, task in shown.items() if not self._is_before(task)}

    def _list(self, status: DesiredStatus) -> Flow[list[str]]:
        arns: list[str] = []

        def keep(page: object) -> Flow[None]:
            budget: PollBudget = (yield Share(PollBudget)).get()
            yield Sleep(budget.take("ListTasks", (yield Sleep(0)).now))
            arns.extend(page.task_arns)  # type: ignore[attr-defined]  # pages of ListTasks

        request = ListTasksRequest(
            cluster=self.service.cluster_arn, service_name=self.service.service_arn, desired_status=status
        )
        yield from follow(request, keep)
        return arns

    def _may_change(self, arn: str) -> bool:
        tailed = self.tail.tasks.get(arn)
        return tailed is None or tailed.stopped_at is None

    def _is_before(self, task: Task) -> bool:
        """Return whether a task stopped before the first moment that the caller asks for."""
        since, stopped = self.tail.since, task.stopped_at
        before = since is not None and stopped is not None and milliseconds(stopped) < since
        if before:
            self.tail.over.add(task.task_arn)
        return before
