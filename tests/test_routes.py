"""The routes in `docs/design.md` are the files that a call, a wait and a deployment enter, in this order."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

import ecskit
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, CreateServiceRequest, NetworkConfiguration
from ecskit.testing import Simulator

PACKAGE = Path(ecskit.__file__).parent
DESIGN = (Path(__file__).parents[1] / "docs" / "design.md").read_text("utf-8")
SHARED = ("client.py", "_forks.py", "_core/", "_drive/", "_transport/", "_polling/", "_waits/")
"""The layers below the domains. The routes of a call and a wait show them."""


def route(act: Callable[[], object], *, beside: bool = False) -> list[str]:
    """Return the files of the package that `act` enters, by first entry, without what the simulator does.

    `act` runs twice, and the second time counts: imports and caches are then complete. The files are those of the
    calling thread, or of the one that a session has beside it.
    """
    act()
    own = threading.current_thread()
    entered: list[str] = []
    inside: list[FrameType] = []  # the frame by which the simulator was entered

    def profile(frame: FrameType, event: str, _: object) -> None:
        if (threading.current_thread() is own) == beside:
            return
        path = Path(frame.f_code.co_filename)
        if inside and event == "return" and frame is inside[0]:
            inside.clear()
        elif not inside and event == "call" and path.is_relative_to(PACKAGE):
            name = path.relative_to(PACKAGE).as_posix()
            if name.startswith("_simulator/"):
                inside.append(frame)
            elif name not in entered:
                entered.append(name)

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return entered


def listed(heading: str) -> list[str]:
    """Return the files of the numbered list below a heading of the page."""
    _, _, section = DESIGN.partition(f"### {heading}\n")
    section, _, _ = section.partition("\n#")
    return re.findall(r"^\d+\. `([\w/.]+)`", section, re.MULTILINE)


@pytest.fixture(scope="module")
def routes() -> dict[str, list[str]]:
    """The routes of a call, a wait and a deployment."""
    subnets = AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"])
    network = NetworkConfiguration(awsvpc_configuration=subnets)
    simulator = Simulator()
    ecs = simulator.client()
    ecs.register_task_definition(
        family="web",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="nginx:1.29")],
    )
    ecs.services.create(
        CreateServiceRequest(
            service_name="web",
            task_definition="web",
            desired_count=1,
            launch_type="FARGATE",
            network_configuration=network,
        )
    )

    def run() -> ecskit.models.RunTaskResponse:
        return ecs.run_task(task_definition="web", launch_type="FARGATE", network_configuration=network)

    started = [run(), run()]
    simulator.script_exec("date", "today\n")
    [task] = ecs.tasks.run("web", launch_type="FARGATE", network=network, enable_execute_command=True).tasks

    def execute() -> object:
        return ecs.tasks.execute(task, "date")

    return {
        "call": route(run),
        "wait": route(lambda: ecs.wait.tasks_running(started.pop())),
        "command": route(execute),
        "pump": route(execute, beside=True),
        "deployment": route(lambda: ecs.services.deploy("web", force=True)),
    }


def test_one_call(routes: dict[str, list[str]]) -> None:
    """From the client to the transport and back."""
    assert listed("One call") == routes["call"]


def test_one_wait(routes: dict[str, list[str]]) -> None:
    """The files that a call does not enter."""
    assert listed("One wait") == [name for name in routes["wait"] if name not in routes["call"]]


def test_one_deployment(routes: dict[str, list[str]]) -> None:
    """From the client to UpdateService and to the verdict, without the layers below the domains."""
    found = [name for name in routes["deployment"] if not name.startswith(SHARED)]
    assert listed("One deployment") == found
    assert len(found) <= 12


def test_one_command_in_a_container(routes: dict[str, list[str]]) -> None:
    """What the caller's thread enters, and what the thread beside it enters, without the layers below the domains."""
    found = {name: [file for file in routes[name] if not file.startswith(SHARED)] for name in ("command", "pump")}
    assert listed("One command in a container") == found["command"]
    assert listed("The session beside it") == found["pump"]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_every_file_that_is_named_exists(page: str) -> None:
    """Paths are relative to the repository or to the package; names alone belong to the folder named before."""
    root = Path(__file__).parents[1]
    named = set(re.findall(r"`([\w./]+\.(?:py|toml|md))`", (root / page).read_text("utf-8")))
    existing = [
        path.as_posix() for folder in ("src", "tests", "docs", "examples") for path in (root / folder).rglob("*.*")
    ]
    existing += [path.as_posix() for path in root.glob("*.*")]
    assert [] == sorted(name for name in named if not any(path.endswith(f"/{name}") for path in existing))
