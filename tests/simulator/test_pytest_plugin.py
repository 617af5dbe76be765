from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import ecskit

ROOT = Path(__file__).parents[2]

SUITE = """
import ecskit
import pytest
from ecskit.testing import Lag, Simulator


class TestFresh:
    def test_a_client_of_the_simulator(self, ecs_client, ecs_simulator):
        assert isinstance(ecs_client, ecskit.Client)
        ecs_client.create_cluster(cluster_name="a")
        assert [call.operation for call in ecs_simulator.calls] == ["CreateCluster"]

    def test_each_test_has_its_own(self, ecs_simulator):
        assert ecs_simulator.calls == []


class TestOverridden:
    @pytest.fixture
    def ecs_simulator(self):
        return Simulator(region="eu-central-1")

    def test_the_client_follows(self, ecs_client):
        (arn,) = ecs_client.list_clusters().cluster_arns
        assert "eu-central-1" in arn
"""


def pytest_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a suite in a process of its own, with the given plugins only."""
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(Path(ecskit.__file__).parents[1]),
    }
    (folder / "pytest.ini").write_text(
        "[pytest]\n", "utf-8"
    )  # ends the search for a configuration in the folders above
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "ecskit.testing.pytest_plugin", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_package_has_fixtures(tmp_path: Path) -> None:
    """Without imports, each test gets a new simulator and a client of it; fixtures can be overridden."""
    (tmp_path / "test_suite.py").write_text(SUITE, "utf-8")
    ran = pytest_run(tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


def test_pytest_lists_them(tmp_path: Path) -> None:
    """`pytest --fixtures` describes them."""
    output = pytest_run(tmp_path, "--fixtures").stdout
    for fixture in ("ecs_simulator", "ecs_client"):
        assert re.search(rf"^{fixture} -- .*\n    Return an? .*`ecskit\.", output, re.MULTILINE), output


def test_starting_pytest_loads_nothing_else() -> None:
    """At the start of pytest, the plugin imports neither botocore nor the simulator."""
    code = (
        "import sys, ecskit.testing.pytest_plugin;"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('ecskit', 'attr', 'botocore', 'asyncio')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (
        "['ecskit', 'ecskit._lazy', 'ecskit._version', 'ecskit.testing', 'ecskit.testing.pytest_plugin']"
        == ran.stdout.strip()
    )


def test_the_entry_point_names_the_plugin() -> None:
    """pytest finds the plugin of an installed ecskit."""
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '[project.entry-points.pytest11]\necskit = "ecskit.testing.pytest_plugin"\n' in declared
