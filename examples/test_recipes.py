"""Tests of the programs of the cookbook, with the simulator. Its clock is virtual: no test waits for a task."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest
import yaml

import ecskit
from ecskit.errors import TaskFailedError, WaitCancelled
from ecskit.models import (
    AwsVpcConfiguration,
    ContainerDefinition,
    DeploymentConfiguration,
    DeploymentLifecycleHook,
    NetworkConfiguration,
)
from ecskit.testing import DeploymentScript, Simulator, SimulatorServer, TaskScript

WORKFLOW = Path(__file__).with_name("release.yml")
NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]))


def furnish(ecs: ecskit.Client) -> None:
    """Create the cluster and the task definition of the recipes."""
    ecs.create_cluster(cluster_name="prod")
    ecs.register_task_definition(
        family="report",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="report:1")],
    )


@pytest.fixture
def ecs(ecs_client: ecskit.Client) -> ecskit.Client:
    """A client of a simulator that has them."""
    furnish(ecs_client)
    return ecs_client


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator that has them, served to all clients that are made without an endpoint."""
    with SimulatorServer(Simulator()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", server.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with ecskit.Client() as ecs:
            furnish(ecs)
        yield server.simulator


def test_web_app(simulator: Simulator) -> None:
    """Requests start a task once, and show how it is and how it ended."""
    pytest.importorskip("aiobotocore")
    pytest.importorskip("httpx2", reason="the test client of FastAPI needs it, and it needs Python 3.11")
    from fastapi.testclient import TestClient
    from web_app import app

    simulator.script("report", TaskScript.exits(3, after=60))
    with TestClient(app) as web:
        task = web.post("/reports/2026-11-29").json()["task"]
        assert web.post("/reports/2026-11-29").json() == {"task": task}
        assert web.get(f"/tasks/{task}").json() == {"status": "PROVISIONING"}
        simulator.clock.advance(300)
        assert web.get(f"/tasks/{task}").json() == {"status": "STOPPED", "outcome": "EXITED", "exit_code": 3}
        missing = web.get("/tasks/0123456789abcdef0123456789abcdef")
        assert (missing.status_code, "0123456789abcdef" in missing.json()["detail"]) == (404, True)
    assert len(simulator.tasks("report")) == 1


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Simulator, str]]:
    """A served simulator whose time passes by itself, and the id of a task in which commands can be run."""
    with SimulatorServer(speed=100) as server, server.client() as ecs:
        for service in ("ECS", "SSM"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        furnish(ecs)
        server.simulator.script("report", TaskScript(time_to_start=1))
        started = ecs.tasks.run(
            "report",
            cluster="prod",
            launch_type="FARGATE",
            network=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]),
            enable_execute_command=True,
        )
        yield server.simulator, (started.tasks[0].task_arn or "").rpartition("/")[2]


def test_web_console(running: tuple[Simulator, str]) -> None:
    """Keys and output pass, until the shell exits or the browser leaves. Pages of other sites get no console."""
    pytest.importorskip("aiobotocore")
    pytest.importorskip("httpx2", reason="the test client of FastAPI needs it, and it needs Python 3.11")
    from fastapi.testclient import TestClient
    from starlette.websockets import WebSocketDisconnect
    from web_console import ORIGIN, app

    simulator, task = running
    simulator.script_exec("ls", "media\n")
    shown: list[bytes] = []
    with TestClient(app) as web:

        def end_of_console(container: str, keys: bytes = b"", origin: str = ORIGIN) -> str:
            with web.websocket_connect(f"/consoles/{task}/{container}", headers={"origin": origin}) as browser:
                browser.send_text('{"columns": 120, "rows": 40}')
                browser.send_bytes(keys)
                try:
                    while True:
                        shown.append(browser.receive_bytes())
                except WebSocketDisconnect as end:
                    return end.reason

        assert end_of_console("app", b"ls\nexit 3\n") == "exited with 3"
        assert b"media\r\n" in b"".join(shown)
        assert end_of_console("db").endswith("the task has no container 'db'; it has app")
        with pytest.raises(WebSocketDisconnect) as refused:
            end_of_console("app", origin="https://example.org")
        assert refused.value.reason == "wrong origin"
        with web.websocket_connect(f"/consoles/{task}/app", headers={"origin": ORIGIN}) as browser:
            assert browser.receive_bytes().startswith(b"#")
    operations = [call.operation for call in simulator.calls]
    assert operations.count("ExecuteCommand") == 2
    assert "TerminateSession" in operations  # of the browser that left


def test_celery_jobs(ecs: ecskit.Client, ecs_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted task is run again by a retry; one that fails is not; a message delivered twice starts one task."""
    import celery_jobs

    monkeypatch.setattr(celery_jobs, "client", lambda: ecs)
    ecs_simulator.script(
        "report", [TaskScript.spot_interrupted(after=60), TaskScript.runs_for(60), TaskScript.exits(1, after=60)]
    )
    assert celery_jobs.report.apply(args=("2026-11-29",), task_id="first").get() == 0
    assert celery_jobs.report.apply(args=("2026-11-29",), task_id="first", retries=1).get() == 0
    assert [task.last_status for task in ecs_simulator.tasks("report")] == ["STOPPED", "STOPPED"]
    with pytest.raises(TaskFailedError, match="EXITED with code 1"):
        celery_jobs.report.apply(args=("2026-11-30",), task_id="second").get()
    assert len(ecs_simulator.tasks("report")) == 3


def test_celery_workers_make_a_client_of_their_own(simulator: Simulator) -> None:
    """It is closed when the worker's process ends."""
    import celery_jobs

    celery_jobs.close()  # nothing was used
    celery_jobs.client().list_clusters()
    celery_jobs.close()
    with pytest.raises(ecskit.errors.ClientClosedError):
        celery_jobs.client().list_clusters()
    celery_jobs.client.cache_clear()
    assert [call.operation for call in simulator.calls][-1] == "ListClusters"


def test_lambda_handler(simulator: Simulator) -> None:
    """An invocation that runs out of time returns a handle, with which the next one continues."""
    import lambda_handler

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return lambda_handler.MARGIN * 1000

    simulator.script("report", TaskScript.runs_for(1800))
    first = lambda_handler.handler({"id": "7bf73129-1428-4cd3-a780-95db273d1602"}, Context())
    assert "handle" in first
    simulator.clock.advance(2000)
    assert lambda_handler.handler({"handle": first["handle"]}, Context()) == {"done": True, "exit_code": 0}
    lambda_handler.client().close()
    lambda_handler.client.cache_clear()


class Deferred(Exception):  # noqa: N818  # Airflow raises one, too
    """An operator was deferred, with the serialized form of its trigger."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the classes of Airflow, which is too large to be installed for these tests."""

    class BaseOperator:
        def __init__(self, *, task_id: str) -> None:
            self.task_id = task_id

        def defer(self, *, trigger: Any, method_name: str) -> None:
            raise Deferred(trigger.serialize(), method_name)

    class TriggerEvent:
        def __init__(self, payload: Any) -> None:
            self.payload = json.loads(json.dumps(payload))  # Airflow stores it

    names: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.sdk": {"BaseOperator": BaseOperator, "Context": dict},
        "airflow.triggers": {},
        "airflow.triggers.base": {"BaseTrigger": type("BaseTrigger", (), {}), "TriggerEvent": TriggerEvent},
    }
    for name, values in names.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("airflow_operator", "airflow_trigger"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("airflow")
def test_airflow_operator(ecs: ecskit.Client, ecs_simulator: Simulator, simulator: Simulator) -> None:
    """The operator returns the exit code, raises for a task that fails, and stops the task when it is killed."""
    from airflow_operator import EcsTask

    ecs_simulator.script("report", [TaskScript.runs_for(60), TaskScript.exits(3, after=60)])
    operator = EcsTask(
        task_id="report", task_definition="report", cluster="prod", subnets=["subnet-0a1b2c3d"], command=["report"]
    )
    operator.on_kill()  # before it runs, there is nothing to stop
    assert operator.run_task(ecs) == 0
    with pytest.raises(TaskFailedError, match="EXITED with code 3"):
        operator.run_task(ecs)

    def kill() -> None:
        while not simulator.tasks("report"):
            time.sleep(0.01)
        operator.on_kill()

    killer = Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(WaitCancelled):
        operator.execute({})
    killer.join()
    [task] = simulator.tasks("report")
    assert task.desired_status == "STOPPED"


@pytest.mark.usefixtures("airflow")
async def test_airflow_trigger(ecs: ecskit.Client, ecs_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty operators defer. One client waits for all tasks, also after the triggerer was started again."""
    pytest.importorskip("aiobotocore")
    import airflow_trigger

    ecs_simulator.script("report", [TaskScript.runs_for(60 + number) for number in range(49)] + [TaskScript.exits(3)])
    operator = airflow_trigger.DeferredEcsTask(
        task_id="report", task_definition="report", cluster="prod", subnets=["subnet-0a1b2c3d"], command=["report"]
    )
    deferred: list[tuple[str, dict[str, Any]]] = []
    for _ in range(50):
        with pytest.raises(Deferred) as raised:
            operator.start(ecs)
        assert raised.value.args[1] == "finish"
        deferred.append(json.loads(json.dumps(raised.value.args[0])))
    opened: list[ecskit.AsyncClient] = []

    def open_client() -> ecskit.AsyncClient:
        opened.append(ecs_simulator.async_client())
        return opened[-1]

    async def run(name: str, arguments: dict[str, Any]) -> Any:
        assert name == "airflow_trigger.EcsTaskTrigger"
        [event] = [event async for event in airflow_trigger.EcsTaskTrigger(**arguments).run()]
        return event.payload

    monkeypatch.setattr(ecskit, "AsyncClient", open_client)
    first = [asyncio.create_task(run(*each)) for each in deferred]
    while not opened:  # noqa: ASYNC110
        await asyncio.sleep(0)
    for each in first:
        each.cancel()
    await asyncio.gather(*first, return_exceptions=True)
    *events, last = await asyncio.gather(*(run(*each) for each in deferred))
    assert [operator.finish({}, event) for event in events] == [0] * 49
    with pytest.raises(TaskFailedError, match="EXITED with code 3"):
        operator.finish({}, last)
    assert len(opened) == 2
    for client in opened:
        with pytest.raises(ecskit.errors.ClientClosedError):
            await client.list_clusters()


async def test_inventory() -> None:
    """The services of three regions, each with its images and tags."""
    pytest.importorskip("aiobotocore")
    from inventory import inventory

    regions = {region: Simulator(region=region) for region in ("eu-west-1", "us-east-1", "ap-southeast-2")}
    with regions["us-east-1"].client() as ecs:
        furnish(ecs)
        ecs.create_service(
            service_name="web",
            cluster="prod",
            task_definition="report",
            desired_count=2,
            launch_type="FARGATE",
            network_configuration=NETWORK,
        )
    found = await inventory(list(regions), lambda region: regions[region].async_client())
    assert [len(found[region]) for region in regions] == [0, 1, 0]
    [row] = found["us-east-1"]
    assert (row["serviceName"], row["desiredCount"], row["images"]) == ("web", 2, ["report:1"])
    json.dumps(found)


JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]


def test_the_workflow_uses_oidc_and_waits_for_an_approval() -> None:
    """No job has more permissions than it needs, and no text of a user is pasted into a script."""
    assert [name for name, job in JOBS.items() if "environment" in job] == ["finish"]
    assert {job: JOBS[job].get("needs") for job in JOBS} == {
        "start": None,
        "finish": "start",
        "abort": ["start", "finish"],
    }
    for job in JOBS.values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        [credentials] = [step for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
        assert credentials["with"].keys() >= {"role-to-assume", "aws-region"}
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


@pytest.fixture
def service(ecs: ecskit.Client) -> str:
    """A service whose deployments pause before the traffic shifts."""
    hook = DeploymentLifecycleHook(target_type="PAUSE", lifecycle_stages=["POST_SCALE_UP"])
    created = ecs.create_service(
        service_name="web",
        cluster="prod",
        task_definition="report",
        desired_count=2,
        launch_type="FARGATE",
        network_configuration=NETWORK,
        deployment_configuration=DeploymentConfiguration(strategy="BLUE_GREEN", lifecycle_hooks=[hook]),
    )
    ecs.wait.deployment(created, on_pause=lambda _: "CONTINUE")
    return "web"


def step(job: str, ecs: ecskit.Client, handle: str = "") -> int:
    """Perform the last step of a job of the workflow."""
    from release import perform, read_arguments

    program, script, *arguments = shlex.split(JOBS[job]["steps"][-1]["run"])
    assert (program, script) == ("python", "release.py")
    values = {"$HANDLE": handle, "app=repo/web:$GITHUB_REF_NAME": "app=repo/web:v2"}
    return perform(ecs, read_arguments([values.get(word, word) for word in arguments]))


@pytest.fixture
def handle(service: str, ecs: ecskit.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The output of the job that starts the deployment, which has paused."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert (service, step("start", ecs)) == ("web", 0)
    output = re.fullmatch(r"handle=(\{.*\})\n", (tmp_path / "output").read_text("utf-8"))
    assert output is not None
    assert ecs.services.deployment(output[1]).status().paused
    return output[1]


def image(ecs: ecskit.Client) -> str | None:
    """Return the image that the service runs."""
    [service] = ecs.services.describe("web", cluster="prod")
    definition = ecs.describe_task_definition(task_definition=service.task_definition or "").task_definition
    return definition.container_definitions[0].image


def test_a_release_that_is_approved(handle: str, ecs: ecskit.Client) -> None:
    """The second job finishes the deployment."""
    assert step("finish", ecs, handle) == 0
    assert image(ecs) == "repo/web:v2"


def test_a_release_that_is_rejected(handle: str, ecs: ecskit.Client) -> None:
    """The third job rolls the deployment back."""
    assert step("abort", ecs, handle) == 0
    assert image(ecs) == "report:1"


def test_a_release_that_fails_after_its_approval(
    service: str,
    ecs: ecskit.Client,
    ecs_simulator: Simulator,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second job rolls it back, and the third one changes nothing more."""
    ecs_simulator.script_deployment(service, DeploymentScript(fails_at="TEST_TRAFFIC_SHIFT"))
    handle: str = request.getfixturevalue("handle")
    assert step("finish", ecs, handle) == 1
    assert "::error" in capsys.readouterr().out
    assert step("abort", ecs, handle) == 0
    assert image(ecs) == "report:1"
