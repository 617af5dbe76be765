from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ecskit._simulator.deployment_script import STAGE_SECONDS
from ecskit._simulator.exec.ways import ChannelFaults
from ecskit._simulator.resource_script import DEFAULT_SECONDS
from ecskit.testing import DeploymentScript, ExecScript, Fault, Progress, Simulator, TaskScript

from .recorded_support import load_cases

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
KNOWN = {"documented", "recorded", "refused", "reported once", "inferred"}


def sources() -> list[tuple[str, str, str]]:
    """Return the rows of the table of sources: what, how it is known, and from where."""
    table = PAGE.read_text(encoding="utf-8").partition("| behaviour | known | source |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return [(what, known, source) for what, known, source in rows if not what.startswith("**")]


def test_the_page_says_how_each_behaviour_is_known() -> None:
    """Each row has one of the five ways, and a source unless it is inferred."""
    assert len(sources()) > 50
    assert [row for row in sources() if row[1] not in KNOWN or (row[1] != "inferred" and not row[2])] == []


def test_the_page_names_every_fixture() -> None:
    """The sources name the operations and years of the fixtures, and no others."""
    named = {found for _, _, source in sources() for found in re.findall(r"`(\w+)` (\d{4})", source)}
    assert named == {(case.operation, str(case.year)) for case in load_cases()}


def test_the_examples_of_the_page_run() -> None:
    """The Python blocks of the page run in order."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert [call.operation for call in names["simulator"].calls] == ["ListClusters", "CreateCluster"]


def test_the_example_of_a_test_passes() -> None:
    """The example test of the page passes with the fixtures' values."""
    names: dict[str, Any] = {"TaskScript": TaskScript}
    (block,) = re.findall(r"```python\n(def test_.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), names)
    simulator = Simulator()
    with simulator.client() as client:
        names["test_a_failing_job"](simulator, client)


@pytest.mark.parametrize("cls", [TaskScript, ExecScript, ChannelFaults])
def test_the_page_has_every_field_of_a_script(cls: type[object]) -> None:
    """The tables of fields are complete."""
    page = PAGE.read_text(encoding="utf-8")
    missing = [field for field in cls.__annotations__ if f"`{field}`" not in page]
    assert missing == []


@pytest.mark.parametrize("cls", [TaskScript, ExecScript, Fault])
def test_the_page_has_every_named_script_and_fault(cls: type[TaskScript | ExecScript | Fault]) -> None:
    """The tables of named scripts and of faults are complete."""
    page = PAGE.read_text(encoding="utf-8")
    named = [name for name, member in vars(cls).items() if isinstance(member, classmethod)]
    assert [] == [name for name in named if f"`{cls.__name__}.{name}(" not in page]


def test_the_page_has_every_resource_type_that_takes_time() -> None:
    """The table of resource types has their default durations, the table of fields those of `Progress`."""
    page = PAGE.read_text(encoding="utf-8")
    assert [each for each, seconds in DEFAULT_SECONDS.items() if f"| `{each}` | {seconds:g} |" not in page] == []
    assert [field for field in Progress.__annotations__ if f"`{field}`" not in page] == []


def test_the_page_has_every_field_of_a_deployment_script() -> None:
    """The tables of fields and of stages are complete."""
    page = PAGE.read_text(encoding="utf-8")
    assert [field for field in DeploymentScript.__annotations__ if f"| `{field}` |" not in page] == []
    assert [stage for stage, seconds in STAGE_SECONDS.items() if f"| `{stage}` | {seconds:g}" not in page] == []
