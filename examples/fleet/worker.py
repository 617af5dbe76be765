"""A worker: it takes jobs from the queue, launches a task for each, and waits until it has stopped."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import attrs
from botocore.exceptions import BotoCoreError, ClientError

import ecskit
from ecskit.errors import CapacityError, EcsError, NotVisible, TasksNotStarted, Vanished, WaitTimeout
from ecskit.models import AwsVpcConfiguration, Task, TaskDefinition
from ecskit.tasks import TaskOutcome
from ecskit.waits import WaitHandle, WaitStory

from .jobs import Job, Record, Result
from .sqs import JobQueue, Message
from .store import ClaimLost, JobStore

log = logging.getLogger("fleet")

KNOWN_FOR = 50 * 60
"""Seconds after which a task of an attempt may be gone: ECS shows a stopped task, and keeps its token, for an hour."""
VISIBLE_AFTER = 60
"""Seconds after which ECS shows every task that it has started."""


class UnknownEnd(Exception):  # noqa: N818  # named by what happened
    """ECS does not show the task of a job, and it is too late to conclude that there was none."""


@attrs.frozen(kw_only=True)
class Worker:
    """Runs each job of a queue as one ECS task."""

    ecs: ecskit.AsyncClient
    queue: JobQueue
    store: JobStore
    cluster: str
    definition: TaskDefinition
    """One revision of the task definition, so that a repeated launch is the same request."""
    subnets: list[str]
    parallel: int = 100
    """How many jobs are in work at once. Their waits share calls."""
    retry_after: int = 60
    """Seconds until a job that could not be launched is tried again."""
    hold: float = 11 * 3600
    """Seconds for which a job is kept. SQS keeps a message invisible for 12 hours at most."""
    now: Callable[[], float] = time.time

    async def work(self) -> None:
        """Work on jobs until this is cancelled. Then return those that are not finished to the queue."""
        in_work: set[asyncio.Task[None]] = set()
        try:
            while True:
                if len(in_work) >= self.parallel:
                    await asyncio.wait(in_work, return_when=asyncio.FIRST_COMPLETED)
                    continue
                for message in await self._receive(self.parallel - len(in_work)):
                    task = asyncio.create_task(self.handle(message))
                    in_work.add(task)
                    task.add_done_callback(in_work.discard)
        finally:
            for task in in_work:
                task.cancel()
            await asyncio.gather(*in_work, return_exceptions=True)

    async def handle(self, message: Message) -> None:
        """Work on the job of a message, and delete the message when the job has a result."""
        try:
            job = Job.decode(message.body)
        except ValueError as error:
            log.error("a message is left to the dead-letter queue: %s", error)  # noqa: TRY400  # no traceback
            return
        claim = self.store.claim(job.id, self.now(), self.now() + self.queue.visibility)
        if claim is None:  # sent or delivered twice. If the other worker ends, this message is needed.
            await self._return(message, self.queue.visibility)
            return
        heartbeat = asyncio.create_task(self._keep(claim, message))
        after: int | None = self.retry_after
        try:
            await self._finish(job, claim)
            await self.queue.delete(message)
            after = None
        except asyncio.CancelledError:
            after = 0
            raise
        except WaitTimeout:
            after = 0  # received again, the message can be kept for as long again
        except ClaimLost:
            after = None
            log.warning("job %s: another worker has it", job.id)
        except (EcsError, BotoCoreError, ClientError) as error:
            log.warning("job %s returns to the queue: %s", job.id, error)
        finally:
            heartbeat.cancel()
            self.store.release(claim)
            if after is not None:
                await self._return(message, after)

    async def _finish(self, job: Job, claim: str) -> None:
        """Bring a job to its result. One that has a result needs nothing more."""
        record = self.store.read(job.id)
        if isinstance(record, Result):
            return
        try:
            task = await self._stopped(await self._started(job, claim, record), claim, record)
        except UnknownEnd as unknown:
            result = Result("unknown", str(unknown))
        else:
            same = task.task_definition_arn == self.definition.task_definition_arn
            result = Result.of(TaskOutcome.of(task, definition=self.definition if same else None))
        self.store.finish(claim, result)
        log.info("job %s %s: %s", job.id, result.state, result.detail)

    async def _started(self, job: Job, claim: str, record: Record) -> str | Task:
        """Return the task of a job. Launch it if it is certain that it was not launched before."""
        if record.task is not None:
            return record.task
        if record.attempt:
            # The worker of the attempt may have ended before it recorded the task.
            listed = self.ecs.tasks.iter(cluster=self.cluster, started_by=job.id, desired_status="ANY")
            async for task in listed:
                log.info("job %s: adopts %s", job.id, task.task_arn)
                self.store.started(claim, task.task_arn)
                return task
        fresh = record.began is None
        if record.began is None:
            attempt = self.store.begin(claim, self.now())
        else:
            attempt = record.attempt
            age = self.now() - record.began
            if age > KNOWN_FOR:
                raise UnknownEnd(f"attempt {attempt} began {age / 60:.0f} minutes ago, and ECS shows no task of it")
        try:
            launched = await self.ecs.tasks.run(
                self.definition,
                cluster=self.cluster,
                launch_type="FARGATE",
                network=AwsVpcConfiguration(subnets=self.subnets),
                command=job.command,
                started_by=job.id,
                client_token=f"{job.id}-{attempt}",
                on_conflict="adopt",
            )
        except (TasksNotStarted, CapacityError):
            # A repeated attempt stays open: its first request may have started a task, whatever this answer means.
            if fresh:
                self.store.refused(claim)
            raise
        [task] = launched.tasks
        self.store.started(claim, task.task_arn)
        return task

    async def _stopped(self, task: str | Task, claim: str, record: Record) -> Task:
        """Wait until the task has stopped. The handle is recorded whenever the task has changed."""
        recorded = record.handle

        def on_poll(story: WaitStory) -> None:
            nonlocal recorded
            handle = story.handle.to_json()
            if handle != recorded:
                self.store.waiting(claim, handle)
                recorded = handle

        stopped: Task
        try:
            if record.handle is not None:
                handle = WaitHandle.from_json(record.handle)
                [stopped] = await self.ecs.wait.resume(handle, timeout=self.hold, on_poll=on_poll)
            else:
                grace = max(0.0, VISIBLE_AFTER + (record.began or self.now()) - self.now())
                [stopped] = await self.ecs.wait.tasks_stopped(
                    task, cluster=self.cluster, timeout=self.hold, visibility_grace=grace, on_poll=on_poll
                )
        except (NotVisible, Vanished) as error:
            raise UnknownEnd(str(error)) from error
        return stopped

    async def _keep(self, claim: str, message: Message) -> None:
        """Keep claim and message for as long as a job is in work. The claim ends before the message returns."""
        while True:
            await asyncio.sleep(self.queue.visibility / 3)
            try:
                self.store.extend(claim, self.now() + self.queue.visibility)
                await self.queue.extend(message, self.queue.visibility)
            except ClaimLost:
                return
            except (BotoCoreError, ClientError) as error:
                log.warning("a message was not extended: %s", error)

    async def _receive(self, most: int) -> list[Message]:
        try:
            return await self.queue.receive(most)
        except (BotoCoreError, ClientError) as error:
            log.warning("nothing was received: %s", error)
            await asyncio.sleep(5)
            return []

    async def _return(self, message: Message, after: int) -> None:
        try:
            await self.queue.extend(message, after)
        except (BotoCoreError, ClientError) as error:
            log.warning("a message returns late: %s", error)
