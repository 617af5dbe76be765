from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import ecskit
from ecskit.testing import Simulator

ROOT = Path(__file__).parents[2]

SUITE = """
import asyncio

import ecskit
import pytest
from ecskit.testing import Simulator


class TestFresh:
    def test_a_client_of_the_simulator(self, ecs_client, ecs_simulator):
        assert isinstance(ecs_client, ecskit.Client)
        ecs_client.create_cluster(cluster_name="a")
        assert [call.operation for call in ecs_simulator.calls] == ["CreateCluster"]

    def test_each_test_has_its_own(self, ecs_simulator):
        assert ecs_simulator.calls == []


    def test_an_async_client_without_a_plugin_for_async_tests(self, ecs_async_client, ecs_simulator):
        async def create():
            await ecs_async_client.create_cluster(cluster_name="a")

        asyncio.run(create())
        assert [call.operation for call in ecs_simulator.calls] == ["CreateCluster"]

    def test_an_async_client_that_is_not_used(self, ecs_async_client):
        assert isinstance(ecs_async_client, ecskit.AsyncClient)


class TestServer:
    def test_one_simulator_for_all(self, ecs_client, ecs_simulator, ecs_server):
        assert ecs_server.simulator is ecs_simulator
        with ecs_server.client() as over_http:
            over_http.create_cluster(cluster_name="a")
        assert len(ecs_client.list_clusters().cluster_arns) == 2

    def test_its_time_is_real(self, ecs_server):
        began = ecs_server.simulator.time()
        assert ecs_server.simulator.time() > began


class TestOverridden:
    @pytest.fixture
    def ecs_simulator(self):
        return Simulator(region="eu-central-1")

    def test_the_client_follows(self, ecs_client):
        (arn,) = ecs_client.list_clusters().cluster_arns
        assert "eu-central-1" in arn

    def test_the_server_follows(self, ecs_server):
        with ecs_server.client() as ecs:
            (arn,) = ecs.list_clusters().cluster_arns
        assert "eu-central-1" in arn
"""


PROGRAM = """
import pytest
from ecskit.errors import TaskFailedError
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, NetworkConfiguration
from ecskit.testing import TaskScript


def run_migration(ecs):
    ecs.register_task_definition(
        family="migrate",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="app:1")],
    )
    network = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]))
    ecs.tasks.run_to_completion("migrate", launch_type="FARGATE", network=network, timeout=900)


"""
"""What the test in the README tests."""

CONFIGURATION = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""


def pytest_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a suite in a process of its own, with the given plugins only."""
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(Path(ecskit.__file__).parents[1]),
    }
    # A file of its own ends the search for a configuration in the folders above.
    (folder / "pytest.ini").write_text(CONFIGURATION, "utf-8")
    plugins = ["-p", "ecskit.testing.pytest_plugin", "-p", "pytest_asyncio.plugin"]
    command = [sys.executable, "-m", "pytest", "-W", "error", *plugins, *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_package_has_fixtures(tmp_path: Path) -> None:
    """Without imports, each test gets a new simulator and a client of it; fixtures can be overridden.

    The tests in the docs and in the README pass, too.
    """
    pytest.importorskip("aiobotocore", reason="needs the extra `async`")
    (tmp_path / "test_suite.py").write_text(SUITE, "utf-8")
    page = (ROOT / "docs" / "testing.md").read_text("utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def test_" in block]
    (tmp_path / "test_page.py").write_text("\n".join(blocks), "utf-8")
    [block] = re.findall(r"```py\n(  def test_.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "test_readme.py").write_text(PROGRAM + dedent(block), "utf-8")
    ran = pytest_run(tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "21 passed" in ran.stdout


async def test_an_async_test_uses_the_client_as_it_is(
    ecs_async_client: ecskit.AsyncClient, ecs_simulator: Simulator
) -> None:
    """A plugin for async tests runs the test; the fixture itself is sync."""
    await ecs_async_client.create_cluster(cluster_name="a")
    assert [call.operation for call in ecs_simulator.calls] == ["CreateCluster"]


def test_pytest_lists_them(tmp_path: Path) -> None:
    """`pytest --fixtures` describes them."""
    output = pytest_run(tmp_path, "--fixtures").stdout
    for fixture in ("ecs_simulator", "ecs_client", "ecs_async_client", "ecs_server"):
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
