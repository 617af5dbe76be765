"""The verbs `tasks.explain` and `services.explain`, with both clients: what is read, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Went, then, through_botocore
from support.definitions import register
from support.simulated_ecs import nothing
from tasks.support import FARGATE, both

from ecskit.errors import AccessDeniedException, DeploymentRolledBack, RequestError, ServicesMissing, TasksMissing
from ecskit.tasks import Diagnosis
from ecskit.testing import Fault, Simulator, TaskScript

NOT_FOUND = "pull image manifest has been retried 1 time(s): failed to resolve ref acme/app:9: acme/app:9: not found"
SECRET = "hunter2"


def scripted(script: TaskScript, family: str = "job") -> Callable[[Simulator], object]:
    """Return what prepares a simulator whose tasks of a family follow a script."""
    return lambda sim: sim.script(family, script)


def explaining(
    family: str = "job", *, before: Callable[[Any], object] = nothing, seconds: float = 60, **arguments: Any
) -> Callable[[Any], Any]:
    """Return an act that runs a task, and explains it a while later as the last description showed it."""

    def act(ecs: Any) -> Any:
        def described(started: Any) -> Any:
            ecs.clock.advance(60)
            return then(ecs.tasks.describe(started), explain)

        def explain(tasks: Any) -> Any:
            ecs.clock.advance(seconds)
            before(ecs)
            return ecs.tasks.explain(tasks[0])

        return then(ecs.tasks.run(family, **FARGATE, **arguments), described)

    return act


def served(ecs: Any, *, before: Callable[[Any], object] = nothing) -> Any:
    """Explain the service `web`, five minutes after it was created."""
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {"serviceName": "web", "taskDefinition": "two", "desiredCount": 2, "launchType": "FARGATE"}
    ecs.sim.handle("CreateService", {**request, "networkConfiguration": network})
    ecs.clock.advance(300)
    before(ecs)
    return ecs.services.explain("web")


def diagnosis_of(went: Went) -> Diagnosis:
    diagnosis: Diagnosis = went.returned()
    return diagnosis


def test_a_task_whose_image_does_not_exist() -> None:
    """Two reads; the text has the reason of ECS, the causes, what to do, and the page of AWS."""
    went = both(explaining(), prepare=scripted(TaskScript.fails_to_pull(NOT_FOUND)))
    assert went.operations[-2:] == ["DescribeTasks", "DescribeTaskDefinition"]
    diagnosis = diagnosis_of(went)
    [finding] = diagnosis.findings
    assert finding is diagnosis.first
    assert finding.name == "image-not-found"
    elsewhere = "The repository is in another account or region, or does not exist."
    assert str(diagnosis).splitlines() == [
        f"task {diagnosis.subject} of job:1 failed to start.",
        f"  CannotPullContainerError: {NOT_FOUND} (container app, image image:1)",
        "    The registry does not have this image.",
        "    1. The tag does not exist in the repository. Push it, or deploy one that exists.",
        f"    2. {elsewhere} Write the full URI of the repository in the task definition.",
        "    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
    ]


def test_a_text_that_is_not_in_the_table_is_shown_as_it_is() -> None:
    """Without a guess; what moves the cursor is escaped, and a text that may be cut is marked."""
    reason = "MoonError: \x1b[31m" + "full " * 60
    diagnosis = diagnosis_of(both(explaining(), prepare=scripted(TaskScript.fails_to_start(reason))))
    shown = reason.replace("\x1b", "\\x1b")
    assert str(diagnosis).splitlines() == [
        f"task {diagnosis.subject} of job:1 failed to start.",
        f"  {shown} (may be cut by ECS) (container app, image image:1)",
    ]
    assert diagnosis.first
    assert ("unknown", reason) == (diagnosis.first.name, diagnosis.first.evidence[0].text)


def test_without_permission_for_the_definition_a_note_says_so() -> None:
    """The findings are shown all the same; all containers count as essential."""

    def refuse(ecs: Any) -> None:
        ecs.sim.fail("DescribeTaskDefinition", Fault.access_denied())

    act = explaining("pair", before=refuse)
    script = TaskScript.exits(3, container="sidecar")
    diagnosis = diagnosis_of(both(act, prepare=scripted(script, "pair")))
    [note] = diagnosis.notes
    expected = "the task definition was not read, so all containers count as essential: DescribeTaskDefinition: "
    assert note.startswith(f"{expected}AccessDeniedException")
    assert str(diagnosis).splitlines()[-1].startswith(f"  Note: {expected}")


def test_a_stopped_task_that_ecs_no_longer_shows_is_explained_as_given() -> None:
    """ECS shows stopped tasks for about an hour."""
    act = explaining(seconds=3 * 3600)
    diagnosis = diagnosis_of(both(act, prepare=scripted(TaskScript.exits(1))))
    assert ["exit-error"] == [finding.name for finding in diagnosis.findings]


def test_a_task_that_ecs_does_not_show() -> None:
    """By its id alone there is nothing to explain."""
    went = both(lambda ecs: ecs.tasks.explain("0" * 32, cluster="default"))
    assert "ECS does not show 1 of 1 tasks in cluster 'default'" in str(went.raised(TasksMissing))


@pytest.mark.parametrize("task", [None, [], ["0" * 32], 7])
def test_one_task_is_explained(task: Any) -> None:
    """Nothing is sent for anything else."""
    went = both(lambda ecs: ecs.tasks.explain(task))
    assert "task: expected one task, its id or its ARN, got " in str(went.raised(RequestError))
    assert went.operations == []


@pytest.mark.parametrize("service", [None, ["web"], 7])
def test_one_service_is_explained(service: Any) -> None:
    """Nothing is sent for anything else."""
    went = both(lambda ecs: ecs.services.explain(service))
    assert "service: expected the name, ARN or model of one service, got " in str(went.raised(RequestError))
    assert went.operations == []


def test_a_service_is_read_with_its_stopped_tasks() -> None:
    """And the definition of tasks with several containers, to know which are essential."""
    went = both(served, prepare=scripted(TaskScript.exits(1, after=5, container="helper"), "two"))
    reads = ["DescribeServices", *("ListTasks", "DescribeTasks") * 2, "DescribeTaskDefinition"]
    assert reads == [operation for operation in went.operations if operation != "CreateService"]
    [finding] = diagnosis_of(went).findings
    assert ("exit-error", "helper", finding.total) == (finding.name, finding.container, finding.count)


def test_a_service_whose_tasks_may_not_be_listed() -> None:
    """Its events are explained, and a note says what is missing."""

    def refuse(ecs: Any) -> None:
        ecs.sim.fail("ListTasks", Fault.access_denied())

    went = both(lambda ecs: served(ecs, before=refuse), prepare=scripted(TaskScript.exits(1), "two"))
    [note] = diagnosis_of(went).notes
    assert note.startswith("tasks were not read, so events alone are explained: ListTasks: AccessDenied")


def test_a_service_that_does_not_exist() -> None:
    """One clear error."""
    went = both(lambda ecs: ecs.services.explain("nope"))
    assert "ECS does not show 1 of 1 services in cluster 'default': nope" in str(went.raised(ServicesMissing))


def test_a_service_that_may_not_be_read() -> None:
    """ECS's refusal is the error."""

    def act(ecs: Any) -> Any:
        ecs.sim.fail("DescribeServices", Fault.access_denied())
        return ecs.services.explain("web")

    both(act).raised(AccessDeniedException)


def test_a_failed_deployment_has_the_finding_in_its_message() -> None:
    """In one sentence, after the reason of ECS and those of its tasks."""

    def act(ecs: Any) -> Any:
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        request = {"serviceName": "web", "taskDefinition": "two", "desiredCount": 2, "launchType": "FARGATE"}
        more = {"networkConfiguration": network, "deploymentConfiguration": breaker}
        ecs.sim.handle("CreateService", {**request, **more})
        ecs.clock.advance(300)
        ecs.sim.script("job", TaskScript.fails_to_pull(NOT_FOUND))
        return ecs.services.deploy("web", task_definition="job")

    error = both(act).raised(DeploymentRolledBack)
    text = "; finding: The registry does not have this image: push it, or deploy one that exists; after "
    assert text in str(error)
    assert error.progress.diagnosis.first.name == "image-not-found"


def deploying(script: TaskScript, seconds: float, **deployment: Any) -> Callable[[Any], Any]:
    """Return an act that starts a deployment of `job`, whose tasks follow a script, and explains it a while later."""

    def act(ecs: Any) -> Any:
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        request = {"serviceName": "web", "taskDefinition": "two", "desiredCount": 2, "launchType": "FARGATE"}
        ecs.sim.handle("CreateService", {**request, "networkConfiguration": network, **deployment})
        ecs.clock.advance(300)
        ecs.sim.script("job", script)

        def explain(started: Any) -> Any:
            ecs.clock.advance(seconds)
            return started.explain()

        return then(ecs.services.start_deployment("web", task_definition="job"), explain)

    return act


BREAKER = {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}}


def test_a_deployment_whose_tasks_fail() -> None:
    """Tasks of earlier deployments are left out; the definition of the failed ones is read if it is needed."""
    diagnosis = diagnosis_of(both(deploying(TaskScript.fails_to_pull(NOT_FOUND), 120)))
    [finding] = diagnosis.findings
    assert ("image-not-found", finding.total) == (finding.name, finding.count)
    assert diagnosis.subject.startswith("ecs-svc/")
    assert diagnosis.summary.endswith(
        f" of default/web (job:1): IN_PROGRESS, 0 of 2 tasks running, {finding.count} failed."
    )


def test_a_deployment_that_was_rolled_back() -> None:
    """The steady state of the rollback hides nothing. ECS's reason is in the summary, and is a consequence."""
    diagnosis = diagnosis_of(both(deploying(TaskScript.fails_to_pull(NOT_FOUND), 1200, **BREAKER)))
    assert ["image-not-found", "deployment-failed"] == [finding.name for finding in diagnosis.findings]
    assert "ROLLBACK_SUCCESSFUL" in diagnosis.summary
    assert "circuit breaker" in diagnosis.summary


def test_a_deployment_whose_tasks_start_or_run() -> None:
    """What the new tasks wait for; then nothing is wrong."""
    [finding] = diagnosis_of(both(deploying(TaskScript(time_to_start=300), 120))).findings
    assert ("task-pending", 2, 2) == (finding.name, finding.count, finding.total)
    assert diagnosis_of(both(deploying(TaskScript(), 600))).first is None


def test_a_deployment_whose_tasks_may_not_be_read() -> None:
    """A note says so. The rest is explained."""

    def refuse(ecs: Any) -> Any:
        act = deploying(TaskScript.exits(1), 120)
        ecs.sim.fail("ListTasks", Fault.access_denied(), times=None)
        return act(ecs)

    [note] = diagnosis_of(both(refuse)).notes
    assert note.startswith("tasks that run or start were not read: ListTasks: AccessDeniedException")


def logged(sim: Simulator) -> None:
    """Let tasks of the family `logged` write lines, and end with an error."""
    logs = {"awslogs-group": "/logged", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"}
    container = {"name": "app", "image": "image:1", "logConfiguration": {"logDriver": "awslogs", "options": logs}}
    register(sim, "logged", container, executionRoleArn="arn:aws:iam::123456789012:role/execution")
    lines = [(0, "begin"), (1, f"password={SECRET}"), (2, "exec /app/run: exec format error")]
    sim.script("logged", TaskScript(run_time=3, exit_codes=255, logs=lines))


def explained_with_lines(log_tail: Any, refuse: bool = False) -> Went:  # noqa: FBT001, FBT002  # a case
    """Explain a task with its last log lines, with the clients of a simulator."""

    def act(ecs: Any) -> Any:
        for operation in ("GetLogEvents", "FilterLogEvents") if refuse else ():
            ecs.sim.fail(operation, Fault.access_denied(), times=None)
        return ecs.tasks.explain(ecs.arns[0], log_tail=log_tail)

    def make() -> Simulator:
        sim = Simulator()
        logged(sim)
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        sim.handle("RunTask", {"taskDefinition": "logged", "launchType": "FARGATE", "networkConfiguration": network})
        sim.clock.advance(120)
        return sim

    return through_botocore(act, make)


def test_the_last_log_lines_name_the_cause() -> None:
    """Where ECS shows an exit code only. The lines are shown, because the caller asks for them; not in the repr."""
    diagnosis = diagnosis_of(explained_with_lines(2))
    assert ["wrong-architecture", "exit-error"] == [finding.name for finding in diagnosis.findings]
    assert [f"app | password={SECRET}", "app | exec /app/run: exec format error"] == diagnosis.log_lines
    assert str(diagnosis).splitlines()[-3:] == [
        "  The last log lines:",
        *(f"    {line}" for line in diagnosis.log_lines),
    ]
    assert SECRET not in repr(diagnosis)


def test_log_lines_that_cannot_be_read() -> None:
    """A note has the reason and what to change. Without `log_tail`, nothing is read."""
    went = explained_with_lines(2, refuse=True)
    [note] = diagnosis_of(went).notes
    assert note.startswith("log lines were not read: logs cannot be read: the log group /logged: the credentials need")
    assert not {"GetLogEvents", "FilterLogEvents"} & set(explained_with_lines(None).operations)
    wrong = explained_with_lines(0)
    assert "log_tail: expected a number of lines, 1 or more, or None, got 0" in str(wrong.raised(RequestError))
    assert wrong.calls == []


def test_secrets_are_not_shown() -> None:
    """Neither what was overridden nor log lines are part of the diagnosis."""
    act = explaining(container="app", environment={"PASSWORD": SECRET}, command=["--password", SECRET])
    diagnosis = diagnosis_of(both(act, prepare=scripted(TaskScript.exits(1))))
    assert SECRET not in f"{diagnosis}{diagnosis!r}"
