"""The same requests to the simulator and to another emulator: they differ where that is known, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import servers
from .asking import differences, shapes
from .known import KNOWN, covers
from .steps import STEPS

PAGE = Path(__file__).parents[2] / "docs" / "emulators.md"
OTHERS = ["moto", *(["ministack"] if servers.MINISTACK else [])]


@pytest.fixture(scope="module")
def ours(simulator_url: str) -> dict[str, dict[str, str]]:
    """What the simulator answers, step by step."""
    return shapes(simulator_url)


def test_the_simulator_answers_every_step(ours: dict[str, dict[str, str]]) -> None:
    """Each request could be made, and none was an error of the server."""
    assert [step.name for step in STEPS] == list(ours)
    assert [] == [name for name, told in ours.items() if told[""].split()[0] not in ("200", "400")]


@pytest.mark.parametrize("other", OTHERS)
def test_no_difference_is_new_and_none_is_gone(
    ours: dict[str, dict[str, str]], other: str, request: pytest.FixtureRequest
) -> None:
    """Every difference is in the table, and every path in the table is that of a difference."""
    url: str = request.getfixturevalue(f"{other}_url")
    # moto's services never become steady: there is nothing to be waited for.
    theirs = shapes(url, servers.network_of_moto(url), 0.1) if other == "moto" else shapes(url)
    found = {
        path or f"= {name}": f"{name}: {path} is {said[0]} on the simulator, {said[1]} on {other}"
        for name, told in ours.items()
        for path, said in differences(told, theirs[name]).items()
    }
    known: list[str] = [path for each in KNOWN for path in getattr(each, other)]
    assert [] == [told for path, told in found.items() if not any(covers(each, path) for each in known)]
    assert [] == [each for each in known if not any(covers(each, path) for path in found)]


def test_the_docs_tell_every_difference() -> None:
    """With who is right, and why."""
    page = PAGE.read_text("utf-8").splitlines()
    assert [] == [each.row for each in KNOWN if each.row not in page]
