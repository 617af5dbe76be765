"""The Python in the docs runs; README and the simulator's page have tests of their own.

Every block that is marked ```python is executed, page by page, in one namespace a page, against a simulator that has a
cluster `prod` with the service `store`, and the Fargate task definitions `web`, whose tasks run until they are stopped,
`batch` and `migrate`, whose tasks end by themselves. The sync and the async tabs of a page are blocks like others. Then
the tests run that the blocks have defined. Blocks that are marked ```py are not executed.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from inspect import iscoroutine, signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.waiter
import pytest

import ecskit
from ecskit._drive.clock import SystemClock
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, NetworkConfiguration
from ecskit.testing import Simulator, SimulatorServer, TaskScript

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted({*DOCS.glob("*.md")} - {DOCS / "simulator.md", DOCS / "coming-from-boto3.md"})
PAIR = re.compile(r"^::::\{grid\}.*?^::::$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


VIRTUAL = ("now", "sleep", "asleep", "flow")
"""The methods of a clock."""


NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]))


@contextmanager
def restored(number: signal.Signals) -> Iterator[None]:
    """Restore the handler of a signal: a page may install one."""
    before = signal.getsignal(number)
    yield
    signal.signal(number, before)


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ecskit.Client]:
    """A client of a simulator, which is also where clients go that are made without an endpoint. Time is virtual."""
    with SimulatorServer(Simulator()) as server, restored(signal.SIGTERM):
        for name in VIRTUAL:
            clock = getattr(server.simulator.clock, name)
            monkeypatch.setattr(SystemClock, name, lambda _, *args, clock=clock: clock(*args))
        monkeypatch.setattr(botocore.waiter, "time", SimpleNamespace(sleep=server.simulator.clock.advance))
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
            client.create_service(
                service_name="store",
                cluster="prod",
                task_definition="web",
                desired_count=2,
                launch_type="FARGATE",
                network_configuration=NETWORK,
            )
            yield client


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, ecs: ecskit.Client) -> None:
    """Run the blocks one after the other, then the tests in them."""
    namespace: dict[str, Any] = {"__name__": page.stem, "ecs": ecs, "network": NETWORK}
    text = page.read_text("utf-8")
    for block in BLOCK.finditer(text):
        run(block, page, namespace)
    for test in [value for name, value in namespace.items() if name.startswith("test_")]:
        with ExitStack() as stack:
            values = Values(Simulator(), stack)
            result = test(**{name: getattr(values, name) for name in signature(test).parameters})
            if iscoroutine(result):
                asyncio.run(result)


class Values:
    """The values of ecskit's fixtures for one test, because pytest would reuse them for the next test of the page."""

    def __init__(self, simulator: Simulator, stack: ExitStack) -> None:
        self.ecs_simulator = simulator
        self.stack = stack

    @property
    def ecs_client(self) -> ecskit.Client:
        return self.stack.enter_context(self.ecs_simulator.client())

    @property
    def ecs_async_client(self) -> ecskit.AsyncClient:
        return self.ecs_simulator.async_client()

    @property
    def ecs_server(self) -> SimulatorServer:
        return self.stack.enter_context(SimulatorServer(self.ecs_simulator))


@pytest.mark.usefixtures("ecs")
def test_old_and_new_code_assign_the_same() -> None:
    """The left blocks are one program and the right blocks another. Values of the same name are equal in each pair."""
    page = DOCS / "coming-from-boto3.md"
    text = page.read_text("utf-8")
    programs: tuple[dict[str, Any], dict[str, Any]] = ({"__name__": "old"}, {"__name__": "new"})
    compared: list[str] = []
    for pair in PAIR.finditer(text):
        old, new = [
            {name: value for name, value in run(block, page, program).items() if is_plain(value)}
            for block, program in zip(BLOCK.finditer(text, *pair.span()), programs, strict=True)
        ]
        common = sorted(old.keys() & new.keys())
        assert [(name, old[name]) for name in common] == [(name, new[name]) for name in common]
        compared += common
    assert len(compared) > 20


def run(block: re.Match[str], page: Path, namespace: dict[str, Any]) -> dict[str, Any]:
    """Run a block in the namespace, and return what it has assigned."""
    # Blank lines in front, so that a traceback names the line of the page.
    code = compile("\n" * block.string.count("\n", 0, block.start(1)) + block[1], page, "exec")
    exec(code, namespace)
    return {name: namespace[name] for name in code.co_names if name in namespace}


def is_plain(value: object) -> bool:
    """Whether a value has the same type in both libraries."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, [*value.keys(), *value.values()]))
    return isinstance(value, (str, int, float, bool))
