"""What the README and the examples say is executed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.served_simulator import served_simulator

import ecskit
from ecskit.testing import SimulatorServer, TaskScript

ROOT = Path(__file__).parent.parent


def test_readme_code_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's Python, pasted in order, runs as it stands; only the environment says where ECS is."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    with served_simulator(monkeypatch):
        with ecskit.Client(region_name="eu-west-1") as ecs:
            ecs.create_cluster(cluster_name="prod")
        exec("\n".join(blocks), {"__name__": "readme"})
    printed = capsys.readouterr().out.splitlines()
    assert len(blocks) == 2
    assert [line.endswith("RUNNING") for line in printed] == [True] * 12 + [False] * 24
    assert all("STOPPED_BY_USER" in line for line in printed[12:])


def test_quickstart_shows_a_task_and_a_service() -> None:
    """The quick start prints each status of the task once, then its outcome. Then it deploys and deletes a service."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "quickstart.py")],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for label in ("sync", "async"):
        lines = [line.split(" s  ")[1] for line in done.stdout.splitlines() if line.startswith(label)]
        assert lines[0].startswith("registered quickstart:")
        assert lines[1] == "started, PROVISIONING"
        assert [status for status in ("PENDING", "RUNNING", "STOPPED") if status in lines] == [
            "PENDING",
            "RUNNING",
            "STOPPED",
        ]
        assert "SUCCEEDED: container app exited with 0" in lines
        assert re.fullmatch(r"created the service (quickstart-\w+), 2 running", lines[-2])
        assert lines[-1] == f"deleted the service {lines[-2].split()[3].rstrip(',')}"
    shown = [line.lstrip().split("  ", 1)[-1] for line in done.stdout.splitlines() if line.startswith(" ")]
    assert [line.split()[:2] for line in shown if line.startswith("DEPLOYED")] == [
        ["DEPLOYED", "quickstart-service:2"],
        ["DEPLOYED", "quickstart-service:4"],
    ]


def test_quickstart_runs_against_any_endpoint() -> None:
    """With `--endpoint-url` it uses what is there."""
    with SimulatorServer(speed=60) as server:
        server.simulator.script("quickstart", TaskScript(run_time=100))
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "quickstart.py"), "--endpoint-url", server.url],
            capture_output=True,
            timeout=120,
            env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        asked = [call.operation for call in server.simulator.calls]
        assert [asked.count(name) for name in ("RunTask", "CreateService", "DeleteService")] == [2, 2, 2]
        assert [service.status for service in server.simulator.services()] == ["INACTIVE", "INACTIVE"]
