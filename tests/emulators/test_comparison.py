"""The same requests to the simulator and to another emulator: the answers have the known differences and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import servers
from .answers import differences, shapes
from .known_differences import KNOWN_DIFFERENCES, covers
from .steps import STEPS

PAGE = Path(__file__).parents[2] / "docs" / "emulators.md"
OTHERS = ["moto", *(["ministack"] if servers.MINISTACK else [])]


@pytest.fixture(scope="module")
def ours(simulator_url: str) -> dict[str, dict[str, str]]:
    """The answers of the simulator, by step."""
    return shapes(simulator_url)


def test_the_simulator_answers_every_step(ours: dict[str, dict[str, str]]) -> None:
    """Each request can be sent, and no answer is a server error."""
    assert [step.name for step in STEPS] == list(ours)
    assert [] == [name for name, answer in ours.items() if answer[""].split()[0] not in ("200", "400")]


@pytest.mark.parametrize("other", OTHERS)
def test_no_difference_is_new_and_none_is_gone(
    ours: dict[str, dict[str, str]], other: str, request: pytest.FixtureRequest
) -> None:
    """Every difference is in the table, and every path in the table has a difference."""
    url: str = request.getfixturevalue(f"{other}_url")
    # moto's services never become steady, so waiting is useless.
    theirs = shapes(url, servers.network_of_moto(url), 0.1) if other == "moto" else shapes(url)
    found = {
        path or f"= {name}": f"{name}: {path} is {values[0]} on the simulator, {values[1]} on {other}"
        for name, answer in ours.items()
        for path, values in differences(answer, theirs[name]).items()
    }
    known: list[str] = [path for each in KNOWN_DIFFERENCES for path in getattr(each, other)]
    assert [] == [entry for path, entry in found.items() if not any(covers(each, path) for each in known)]
    assert [] == [each for each in known if not any(covers(each, path) for path in found)]


def test_the_docs_list_every_difference() -> None:
    """Each row of the table is in the docs."""
    page = PAGE.read_text("utf-8").splitlines()
    assert [] == [each.row for each in KNOWN_DIFFERENCES if each.row not in page]
