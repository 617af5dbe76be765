"""A plan is made in one process and applied in another, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from service_definitions.written import FARGATE, SECRET, prepare

from ecskit.errors import PlanOutdated
from ecskit.services import Plan
from ecskit.testing import SimulatorServer

PLAN = """
import os, sys, ecskit
service, task, url = sys.argv[1:]
definition = ecskit.services.load(service, variables=os.environ)
registered = ecskit.task_definitions.load(task, variables=os.environ)
keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
with ecskit.Client(region_name="us-east-1", endpoint_url=url, **keys) as ecs:
    print(ecs.services.plan(definition, task_definition=registered).to_json())
"""
TASK = {
    "family": "web",
    "containerDefinitions": [
        {
            "name": "app",
            "image": "app:${TAG}",
            "environment": [{"name": "PASSWORD", "value": "${PASSWORD}"}, {"name": "A", "value": "1"}],
            "dockerLabels": {"b": "1", "a": "2"},
        }
    ],
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
}


def test_a_plan_of_another_process(tmp_path: Path) -> None:
    """It is applied with the same files. After a change of the service it is outdated, and nothing is sent."""
    service, task = tmp_path / "service.json", tmp_path / "taskdef.json"
    service.write_text(json.dumps({**FARGATE, "platformVersion": "1.4.0"}))
    task.write_text(json.dumps(TASK))
    variables = {"TAG": "2", "PASSWORD": SECRET}
    given: Any = {"definition": service, "task_definition": task, "variables": variables}
    with SimulatorServer(speed=1000) as server, server.client() as ecs:
        sim = server.simulator
        prepare(sim)
        sim.handle("CreateService", FARGATE)
        environment = {**os.environ, **variables, "PYTHONHASHSEED": "1"}  # the digest must not depend on it
        command = [sys.executable, "-c", PLAN, str(service), str(task), server.url]
        made = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert made.stderr == ""
        assert SECRET not in made.stdout
        plan = Plan.from_json(made.stdout)
        assert ecs.services.apply(plan, **given, timeout=3600).service.platform_version == "1.4.0"
        [update] = [call.request for call in sim.calls if call.operation == "UpdateService"]
        assert update["taskDefinition"].endswith(":task-definition/web:2")
        sim.handle("UpdateService", {"service": "web", "platformVersion": "1.3.0"})
        sent = len(sim.calls)
        with pytest.raises(PlanOutdated) as caught:
            ecs.services.apply(plan, **given)
        assert caught.value.differences == ("the service: ~ platform_version: '1.3.0' -> '1.4.0'",)
        assert {call.operation[:4] for call in sim.calls[sent:]} <= {"Desc", "List"}
