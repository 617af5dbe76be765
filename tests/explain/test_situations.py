"""Situations on the simulator, each with the finding that a person on call would give."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.definitions import register
from tasks.support import NETWORK

from ecskit import Client
from ecskit.errors import EcsError
from ecskit.models import (
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    NetworkConfiguration,
)
from ecskit.tasks import Diagnosis
from ecskit.testing import Fault, Simulator, TaskScript

SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr:"
LOGS = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
ROLE = "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web' that was provided for this task."
NETWORKS = NetworkConfiguration(awsvpc_configuration=NETWORK)


def simulator() -> Simulator:
    """Return a simulator with the families `job`, `pair` with an optional sidecar, and `two` essential containers."""
    sim = Simulator()
    role = "arn:aws:iam::123456789012:role/execution"
    app = {"name": "app", "image": "acme/app:1"}
    register(sim, "job", app, executionRoleArn=role)
    register(sim, "pair", app, {"name": "sidecar", "image": "acme/proxy:1", "essential": False}, executionRoleArn=role)
    register(sim, "two", app, {"name": "helper", "image": "acme/helper:1"}, executionRoleArn=role)
    check = {"command": ["CMD-SHELL", "curl -f localhost"]}
    register(sim, "checked", {**app, "healthCheck": check}, executionRoleArn=role)
    proxy = {"name": "proxy", "image": "acme/proxy:1", "essential": False, "healthCheck": check}
    register(sim, "beside", app, proxy, executionRoleArn=role)
    return sim


@attrs.frozen
class Situation:
    """A task that is explained an hour's fraction later, and what the explanation has to be."""

    script: TaskScript
    findings: list[str]
    """The names of the findings, in order."""
    container: str | None = None
    """The container of the first finding."""
    family: str = "job"
    log_lines: tuple[str, ...] = ()
    seconds: float = 120.0
    """From the launch to the explanation."""


def start(reason: str, *findings: str, container: str | None = None) -> Situation:
    """Return the situation of a task that fails to start with a reason."""
    return Situation(TaskScript.fails_to_start(reason), list(findings), container)


def pull(problem: str, *findings: str) -> Situation:
    """Return the situation of a task whose image cannot be pulled."""
    return Situation(TaskScript.fails_to_pull(problem), list(findings), "app")


TASKS: dict[str, Situation] = {
    "a tag that was not pushed": pull("failed to resolve ref acme/app:1: acme/app:1: not found", "image-not-found"),
    "an old Docker without the repository": pull("API error (404): repository acme not found", "image-not-found"),
    "a short name taken for Docker Hub": pull("pull access denied for app, repository does not exist", "image-denied"),
    "an execution role without ECR": pull("failed to resolve ref: [manifests 1]: 403 Forbidden", "image-denied"),
    "a private subnet without NAT": pull("dial tcp 192.0.2.1:443: i/o timeout", "image-unreachable"),
    "Docker Hub's limit": pull("toomanyrequests: You have reached your pull rate limit", "image-rate-limit"),
    "an image from a laptop": pull("failed to find a descriptor for platform {linux/amd64}", "image-platform"),
    "an image larger than the disk": pull("write /x: no space left on device", "disk-full"),
    "an outage of the registry": pull("unexpected status code 504 Gateway Time-out", "registry-failure"),
    "a text cut before its cause": pull("ref pull has been retried 1 time(s): failed to copy", "image-not-pulled"),
    "a secret without permission": start(f"{SECRETS} AccessDeniedException: User: arn:aws", "secret-denied"),
    "a secret with its own key": start(f"{SECRETS} Access to KMS is not allowed", "secret-key-denied"),
    "a parameter that is missing": start(f"{SECRETS} invalid ssm parameters: /app/key", "secret-missing"),
    "a secret without the JSON key": start(f"{SECRETS} did not contain json key KEY", "secret-format"),
    "secrets without a route": start(f"{SECRETS} RequestCanceled: context deadli...", "secret-unreachable"),
    "a log group that is missing": start(f"{LOGS} The specified log group does not exist.", "log-group-missing"),
    "a log group without permission": start(f"{LOGS} AccessDeniedException: User", "log-denied"),
    "logs without a route": start(f"{LOGS} signal: killed", "log-unreachable"),
    "EFS without a mount target": start(f'{EFS} Failed to resolve "fs-1.efs.', "efs-name"),
    "EFS behind a security group": start(f"{EFS} mount.nfs4: Connection timed out", "efs-unreachable"),
    "EFS without the directory": start(f"{EFS} mounting failed: No such file or directory", "efs-path"),
    "a role that ECS may not use": start(ROLE, "role-not-assumable"),
    "a network interface that is late": start(
        "Timeout waiting for network interface provisioning to complete.", "network-interface-timeout"
    ),
    "a command in one string": start(
        'CannotStartContainerError: exec: "node index.js": executable file not found in $PATH', "command-not-found"
    ),
    "a script without execute permission": start(
        'CannotStartContainerError: OCI runtime create failed: exec: "/run.sh": permission denied',
        "command-not-executable",
    ),
    "an overloaded instance": start(
        "DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s", "runtime-timeout"
    ),
    "no room in Fargate": start("Capacity is unavailable at this time.", "fargate-capacity"),
    "a reason of tomorrow": start("MoonError: the moon is full", "unknown"),
    "an exception in the program": Situation(TaskScript.exits(1), ["exit-error"], "app"),
    "an exit code of the program's own": Situation(TaskScript.exits(42), ["exit-error"], "app"),
    "a crash in a native library": Situation(TaskScript.exits(139), ["exit-segfault"], "app"),
    "an abort": Situation(TaskScript.exits(134), ["exit-aborted"], "app"),
    "a command that is not executable": Situation(TaskScript.exits(126), ["exit-not-executable"], "app"),
    "a command that is not found": Situation(TaskScript.exits(127), ["exit-not-found"], "app"),
    "killed by the host": Situation(TaskScript.exits(137), ["exit-killed"], "app"),
    "ended by SIGTERM of its own": Situation(TaskScript.exits(143), ["exit-terminated"], "app"),
    "out of memory": Situation(TaskScript.out_of_memory(), ["out-of-memory"], "app"),
    "out of memory, and the sibling killed": Situation(
        attrs.evolve(TaskScript.out_of_memory(), sigterm_exit_codes=137), ["out-of-memory"], "app", "two"
    ),
    "a failure, and the sibling terminated": Situation(TaskScript.exits(3), ["exit-error"], "app", "two"),
    "a helper fails, and the app is killed": Situation(
        attrs.evolve(TaskScript.exits(2, container="helper"), sigterm_exit_codes=137), ["exit-error"], "helper", "two"
    ),
    "success, and the sidecar killed": Situation(
        attrs.evolve(TaskScript.exits(0), sigterm_exit_codes=137), [], None, "pair"
    ),
    "a job that succeeds": Situation(TaskScript.exits(0), []),
    "the wrong CPU, by its log": Situation(
        TaskScript.exits(1),
        ["wrong-architecture", "exit-error"],
        log_lines=("starting", "exec /app/run: exec format error"),
    ),
    "an ordinary failure, with its log": Situation(
        TaskScript.exits(1), ["exit-error"], "app", log_lines=("Traceback", "password=hunter2")
    ),
    "Spot capacity taken back": Situation(TaskScript.spot_interrupted(), ["spot-interruption"]),
    "an instance terminated": Situation(TaskScript.loses_host(), ["host-lost"]),
    "a host retired": Situation(
        TaskScript.loses_host(
            reason="ECS is performing maintenance on the underlying infrastructure hosting the task."
        ),
        ["maintenance"],
    ),
    "still running": Situation(TaskScript(), []),
    "launched a moment ago": Situation(TaskScript(), ["task-provisioning"], seconds=3),
    "a large image": Situation(TaskScript(time_to_start=300), ["task-pending"]),
    "behind a load balancer soon": Situation(TaskScript(), ["task-activating"], seconds=18),
    "running and unhealthy": Situation(TaskScript.unhealthy(), ["container-health"], "app", "checked"),
}


def explained(situation: Situation) -> Diagnosis:
    """Run a task of the situation, and explain it two minutes later."""
    sim = simulator()
    sim.script(situation.family, situation.script)
    with sim.client() as ecs:
        [task] = ecs.tasks.run(situation.family, launch_type="FARGATE", network=NETWORK).tasks
        sim.clock.advance(situation.seconds)
        diagnosis = ecs.tasks.explain(task)
        if not situation.log_lines:
            return diagnosis
        [task] = ecs.tasks.describe(task)
        return Diagnosis.of_task(task, log_lines=situation.log_lines)


@pytest.mark.parametrize("name", TASKS)
def test_a_task(name: str) -> None:
    """The findings in order, and the container of the first; the text shows each."""
    situation = TASKS[name]
    diagnosis = explained(situation)
    assert situation.findings == [finding.name for finding in diagnosis.findings]
    if situation.container:
        assert diagnosis.first
        assert situation.container == diagnosis.first.container
    text = str(diagnosis)
    assert all(finding.what in text for finding in diagnosis.findings)
    assert "hunter2" not in text
    if not situation.findings:
        assert diagnosis.first is None
        assert text.endswith("ECS shows nothing that is wrong.")


def test_a_container_that_waits_for_another_one() -> None:
    """ECS shows when the images were pulled."""
    sim = simulator()
    sim.script("job", TaskScript(time_to_start=300))
    with sim.client() as ecs:
        [task] = ecs.tasks.run("job", launch_type="FARGATE", network=NETWORK).tasks
        sim.clock.advance(120)
        [task] = ecs.tasks.describe(task)
    [finding] = Diagnosis.of_task(attrs.evolve(task, pull_stopped_at=task.created_at)).findings
    assert "task-waits" == finding.name
    assert re.fullmatch(r"PENDING since \d\d:\d\d:\d\d UTC, images pulled", finding.evidence[0].text)


def test_an_agent_of_ecs_exec_that_does_not_run() -> None:
    """The task goes on, so this is minor; the reason of ECS is shown. One that starts is no finding."""
    sim = simulator()
    with sim.client() as ecs:
        [task] = ecs.tasks.run("job", launch_type="FARGATE", network=NETWORK, enable_execute_command=True).tasks
        sim.clock.advance(60)
        [task] = ecs.tasks.describe(task)
    [container] = task.containers
    [agent] = container.managed_agents

    def explained_with(**members: Any) -> Diagnosis:
        agents = [attrs.evolve(agent, **members)]
        return Diagnosis.of_task(attrs.evolve(task, containers=[attrs.evolve(container, managed_agents=agents)]))

    [finding] = explained_with(last_status="STOPPED", reason="Received Container Stopped event").findings
    assert ("exec-agent-stopped", "minor", "app") == (finding.name, finding.weight, finding.container)
    assert "ExecuteCommandAgent STOPPED: Received Container Stopped event" == finding.evidence[0].text
    assert explained_with().first is explained_with(last_status="PENDING").first is None


def test_a_task_that_a_user_stopped() -> None:
    """The text that the caller of StopTask gave is the evidence."""
    sim = simulator()
    with sim.client() as ecs:
        [task] = ecs.tasks.run("job", launch_type="FARGATE", network=NETWORK).tasks
        sim.clock.advance(60)
        ecs.stop_task(task=task.task_arn, reason="too expensive")
        sim.clock.advance(60)
        [finding] = ecs.tasks.explain(task).findings
    assert ("stopped-by-user", "too expensive") == (finding.name, finding.evidence[0].text)


def test_a_launch_without_room() -> None:
    """The failures of RunTask are explained, too."""
    sim = simulator()
    sim.fail("RunTask", Fault.no_capacity("RESOURCE:MEMORY"))
    with sim.client() as ecs, pytest.raises(EcsError) as raised:
        ecs.tasks.run("job", launch_type="FARGATE", network=NETWORK)
    diagnosis = Diagnosis.of_error(raised.value)
    assert diagnosis.first
    assert (diagnosis.subject, diagnosis.first.name) == ("RunTask", "instance-resources")


Act = Callable[[Simulator, Client], object]


def serve(ecs: Client, family: str = "job", count: int = 2, **members: Any) -> None:
    """Create the service `web`."""
    members = {"launch_type": "FARGATE", "network_configuration": NETWORKS, **members}
    ecs.create_service(service_name="web", task_definition=family, desired_count=count, **members)


def service(script: TaskScript | list[TaskScript], act: Act | None = None, **members: Any) -> Diagnosis:
    """Explain the service `web` whose tasks follow a script, five minutes after it was created."""
    sim = simulator()
    sim.script(members.get("family", "job"), script)
    with sim.client() as ecs:
        serve(ecs, **members)
        sim.clock.advance(300)
        if act:
            act(sim, ecs)
        return ecs.services.explain("web")


def named(diagnosis: Diagnosis) -> list[str]:
    return [finding.name for finding in diagnosis.findings]


def test_a_service_whose_image_is_missing() -> None:
    """Stopped tasks are counted, not listed."""
    diagnosis = service(TaskScript.fails_to_pull("acme/app:1: not found"))
    [finding] = diagnosis.findings
    assert "image-not-found" == finding.name
    assert finding.count == finding.total > 5
    head, first, *_ = str(diagnosis).splitlines()
    assert head.startswith(f"web: 0 of 2 tasks run. {finding.total} tasks of job:1 stopped between ")
    assert "UTC (ECS shows stopped tasks for about an hour). The deployment of job:1 is IN_PROGRESS." in head
    share = f"({finding.total} of {finding.total}, container app, image acme/app:1)"
    assert first == f"  CannotPullContainerError: acme/app:1: not found {share}"


def test_a_service_that_exits_with_success() -> None:
    """A service expects its tasks to run on; a job that ends so has no finding."""
    assert ["exit-0"] == named(service(TaskScript.exits(0, after=5)))


def test_a_service_out_of_memory() -> None:
    """The reason of the container explains more than its exit code."""
    assert ["out-of-memory"] == named(service(TaskScript.out_of_memory(after=5)))


def test_a_service_of_two_containers() -> None:
    """The container that fails, not the one that is terminated; the definition is read."""
    diagnosis = service(TaskScript.exits(1, after=5, container="helper"), family="two")
    assert [("exit-error", "helper")] == [(each.name, each.container) for each in diagnosis.findings]


def test_most_tasks_come_first() -> None:
    """One pull was throttled, all other tasks exit."""
    throttled = TaskScript.fails_to_pull("toomanyrequests: You have reached your pull rate limit")
    diagnosis = service([throttled, TaskScript.exits(1, after=5)])
    first, second = diagnosis.findings
    assert ["exit-error", "image-rate-limit"] == [first.name, second.name]
    assert first.count > second.count == 1
    assert first.total == second.total == first.count + 1


def test_a_service_that_was_scaled_in() -> None:
    """No fault of the tasks, and said to be none."""

    def scale(sim: Simulator, ecs: Client) -> None:
        ecs.update_service(service="web", desired_count=1)
        sim.clock.advance(60)

    diagnosis = service(TaskScript(), scale)
    assert ["replaced"] == named(diagnosis)
    assert "no fault" == diagnosis.findings[0].weight
    assert str(diagnosis).startswith("web: 1 of 1 task runs. 1 task of job:1 stopped at ")


def test_a_service_that_runs() -> None:
    """Nothing is wrong."""
    assert [
        "web: 2 of 2 tasks run. No stopped tasks (ECS shows stopped tasks for about an hour).",
        "  ECS shows nothing that is wrong.",
    ] == str(service(TaskScript())).splitlines()


def test_a_service_whose_tasks_are_unhealthy() -> None:
    """By the check of the container."""
    diagnosis = service(TaskScript.unhealthy(after=20), family="checked")
    assert "container-health" in named(diagnosis)


def test_a_service_whose_tasks_are_unhealthy_now() -> None:
    """ECS does not replace tasks for a container that is not essential: running tasks are read, too."""
    diagnosis = service(TaskScript.unhealthy(), family="beside")
    assert ["container-health"] == named(diagnosis)
    assert "  UNHEALTHY (2 of 2, container proxy, image acme/proxy:1)" == str(diagnosis).splitlines()[1]


def test_a_service_whose_tasks_start() -> None:
    """What they wait for. When tasks fail, those that replace them are no finding."""
    sim = simulator()
    sim.script("job", TaskScript(time_to_start=300))
    with sim.client() as ecs:
        serve(ecs)
        sim.clock.advance(120)
        diagnosis = ecs.services.explain("web")
    assert ["task-pending"] == named(diagnosis)
    assert re.match(r"  PENDING since \d\d:\d\d:\d\d UTC \(2 of 2\)", str(diagnosis).splitlines()[1])
    assert ["image-not-found"] == named(service(TaskScript.fails_to_pull(), lambda sim, _: sim.clock.advance(5)))


def test_a_service_without_instances() -> None:
    """The event is the only evidence."""
    diagnosis = service(TaskScript(), launch_type="EC2", network_configuration=NETWORKS)
    assert diagnosis.first
    assert "event" == diagnosis.first.evidence[0].place
    assert diagnosis.first.name == "no-instances"
    assert diagnosis.first.count > 1


def test_a_deployment_that_the_circuit_breaker_ended() -> None:
    """Why its tasks failed comes first; the breaker's event is a consequence."""
    breaker = DeploymentConfiguration(deployment_circuit_breaker=DeploymentCircuitBreaker(enable=True, rollback=False))
    diagnosis = service(TaskScript.exits(1), deployment_configuration=breaker)
    assert "exit-error" == named(diagnosis)[0]
    assert {"exit-error", "deployment-failed"} >= set(named(diagnosis))


def test_there_are_forty_situations_at_least() -> None:
    """Each differs in what ECS shows."""
    assert len(TASKS) >= 40
