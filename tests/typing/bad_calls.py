"""Mistakes in calls. Each line that is marked has to be reported, by mypy / by pyright, and no other."""

from __future__ import annotations

import ecskit
from ecskit.models import RunTaskRequest, RunTaskResponse
from ecskit.waits import WaitStory


def arguments(ecs: ecskit.Client) -> None:
    ecs.run_task()  # E: call-arg / reportCallIssue
    ecs.list_tasks("prod")  # E: arg-type / reportArgumentType
    ecs.run_task(taskDefinition="web")  # E: call-arg / reportCallIssue
    ecs.run_task(task_definition="web", clustre="prod")  # E: call-arg / reportCallIssue
    ecs.run_task(task_definition="web", count="2")  # E: arg-type / reportArgumentType
    ecs.run_task(task_definition="web", launch_type="FARGTE")  # E: arg-type / reportArgumentType
    ecs.run_task(task_definition="web", tags=[{"key": "team"}])  # E: list-item / reportArgumentType
    ecs.describe_tasks(tasks="arn")  # E: arg-type / reportArgumentType
    ecs.describe_tasks(tasks=[1])  # E: list-item / reportArgumentType
    ecs.describe_tasks(tasks=None)  # E: arg-type / reportArgumentType
    ecs.start_task(container_instances="one", task_definition="web")  # E: arg-type / reportArgumentType


def requests(ecs: ecskit.Client) -> None:
    ecs.send(RunTaskRequest())  # E: call-arg / reportCallIssue
    ecs.send("RunTask")  # E: arg-type / reportArgumentType
    ecs.send(RunTaskResponse())  # E: arg-type / reportArgumentType
    wrong: str = ecs.send(RunTaskRequest(task_definition="web"))  # E: assignment / reportAssignmentType
    print(wrong)


def namespaces(ecs: ecskit.Client) -> None:
    ecs.rum_task(task_definition="web")  # E: attr-defined / reportAttributeAccessIssue
    ecs.paginate.describe_tasks()  # E: attr-defined / reportAttributeAccessIssue
    ecs.paginate.list_tasks(launch_type="FARGTE")  # E: arg-type / reportArgumentType
    ecs.paginate.list_tasks(next_token="a")  # E: call-arg / reportCallIssue
    ecs.wait.tasks_running("arn", poll=5)  # E: arg-type / reportArgumentType
    ecs.wait.tasks_running(12)  # E: arg-type / reportArgumentType
    ecs.wait.tasks_running("arn", cancel=True)  # E: arg-type / reportArgumentType


def callbacks(ecs: ecskit.Client) -> None:
    async def later(story: WaitStory) -> None:
        print(story)

    def of_text(text: str) -> None:
        print(text)

    ecs.wait.tasks_running("arn", on_poll=later)  # E: arg-type / reportArgumentType
    ecs.wait.tasks_running("arn", on_poll=of_text)  # E: arg-type / reportArgumentType
    ecs.wait.tasks_running("arn", on_poll=lambda story: story.polls < 3)  # E: arg-type / reportArgumentType
    ecs.tasks.run_to_completion("job", on_poll=later)  # E: arg-type / reportArgumentType
    ecs.tasks.run_to_completion("job", on_log=later)  # E: arg-type / reportArgumentType


async def colours(ecs: ecskit.AsyncClient) -> None:
    ecs.run_task(task_definition="web")  # E: unused-coroutine / reportUnusedCoroutine
    ecs.run_task(task_definition="web").tasks  # E: attr-defined / reportAttributeAccessIssue
    for arn in ecs.paginate.list_tasks():  # E: attr-defined / reportGeneralTypeIssues
        del arn
    with ecskit.AsyncClient():  # E: attr-defined / reportGeneralTypeIssues
        pass
    await ecs.wait.tasks_running("arn", cancel=None)  # E: call-arg / reportCallIssue
