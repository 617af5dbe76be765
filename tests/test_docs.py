"""The Python in the docs runs; README and the simulator's page have tests of their own.

Every block that is marked ```python is executed, page by page, in one namespace a page, against a simulator that has a
cluster `prod` and the Fargate task definitions `web`, whose tasks run until they are stopped, `batch` and `migrate`,
whose tasks end by themselves. What is only to be looked at is marked ```py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from threading import Event

import pytest

import ecskit
from ecskit._drive.clock import SystemClock
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, NetworkConfiguration
from ecskit.testing import SimulatorServer, TaskScript

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted({*DOCS.glob("*.md")} - {DOCS / "simulator.md"})
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


SPEED = 50
"""How much faster time passes than it does, for the simulator and for the waits of its client."""


class Hurried(SystemClock):
    """The clock of the simulator: naps are as much shorter as tasks are faster."""

    def now(self) -> float:
        """Return the monotonic time in seconds of the simulator."""
        return super().now() * SPEED

    def sleep(self, seconds: float, cancel: Event | None = None) -> None:
        """Return after as many seconds of the simulator."""
        super().sleep(seconds / SPEED, cancel)


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ecskit.Client]:
    """A client of a simulator, which is also where clients go that are made without an endpoint."""
    with SimulatorServer(speed=SPEED) as server:
        monkeypatch.chdir(tmp_path)  # some pages write files
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        server.simulator.script("batch", TaskScript(run_time=120))
        server.simulator.script("migrate", TaskScript(run_time=5))
        with ecskit.Client(region_name="us-east-1") as client:
            client.create_cluster(cluster_name="prod")
            for family in ("web", "batch", "migrate"):
                client.register_task_definition(
                    family=family,
                    cpu="256",
                    memory="512",
                    network_mode="awsvpc",
                    requires_compatibilities=["FARGATE"],
                    container_definitions=[ContainerDefinition(name="app", image="nginx:1.29")],
                )
            yield client._with_runtime(Hurried(), SystemRandom())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, ecs: ecskit.Client) -> None:
    """Run the blocks one after the other."""
    text = page.read_text("utf-8")
    blocks = [(text.count("\n", 0, match.start(1)), match[1]) for match in BLOCK.finditer(text)]
    subnets = AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"])
    namespace = {"__name__": page.stem, "ecs": ecs, "network": NetworkConfiguration(awsvpc_configuration=subnets)}
    for line, block in blocks:
        # Blank lines in front, so that a traceback names the line of the page.
        exec(compile("\n" * line + block, page, "exec"), namespace)
