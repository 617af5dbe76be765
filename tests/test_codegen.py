"""The generator as a whole: its output is what the repository holds, and one file names the botocore release."""

from __future__ import annotations

import re

import pytest

from ecskit._api import provenance
from ecskit._transport import service_model

pytest.importorskip("tomllib", reason="the generator needs Python 3.11")

from ecskit._codegen.__main__ import GENERATED, PACKAGE, generate
from ecskit._codegen.emit_tables import Provenance

SHIPPED = Provenance(provenance.BOTOCORE, provenance.DIGEST)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """What the generator writes for the service model that ecskit ships."""
    return generate(service_model.load(), SHIPPED)


def test_the_repository_holds_what_the_generator_writes(files: dict[str, str]) -> None:
    """No generated file was edited by hand, and the generator was run after the last change of a verb."""
    assert [] == [name for name, text in files.items() if (PACKAGE / name).read_text("utf-8") != text]


def test_a_newer_botocore_with_the_same_model_changes_one_file(files: dict[str, str]) -> None:
    """Release and digest are in `_api/provenance.py` alone."""
    newer = generate(service_model.load(), Provenance("9.9.9", "0123456789abcdef"))
    assert ["_api/provenance.py"] == [name for name in files if files[name] != newer[name]]
    assert files.keys() == newer.keys()


def test_generated_files_are_marked(files: dict[str, str]) -> None:
    """GitHub collapses them in diffs."""
    attributes = (PACKAGE.parents[1] / ".gitattributes").read_text("utf-8")
    assert {f"/src/ecskit/{folder}/" for folder in GENERATED} == set(
        re.findall(r"^(/src/ecskit/\w+/)\*+(?:\.py)? linguist-generated$", attributes, re.MULTILINE)
    )
    assert {name.split("/")[0] for name in files if not name.startswith("..")} == set(GENERATED)


def test_a_search_for_a_verb_finds_its_methods(files: dict[str, str]) -> None:
    """Methods call `flows.run(...)` by the name of the function."""
    assert "from ecskit._tasks import running as flows" in files["_facades/sync_tasks.py"]
    assert "flow = flows.run(" in files["_facades/sync_tasks.py"]
