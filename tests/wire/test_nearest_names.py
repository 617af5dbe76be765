"""Names that nearly exist: what messages propose for them."""

from __future__ import annotations

from typing import get_args

import pytest

from ecskit._core.members import members
from ecskit._core.wording import nearest
from ecskit.models import ContainerDefinition, RegisterTaskDefinitionRequest
from ecskit.models.literals import Compatibility

TASK = [m.wire for m in members(RegisterTaskDefinitionRequest)]
CONTAINER = [m.wire for m in members(ContainerDefinition)]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("requiresCompatibilites", TASK, "requiresCompatibilities"),
        ("enviroment", CONTAINER, "environment"),
        ("portMapping", CONTAINER, "portMappings"),
        ("dependsON", CONTAINER, "dependsOn"),
        ("ContainerDefinitions", TASK, "containerDefinitions"),
        ("container_definitions", TASK, "containerDefinitions"),
        ("task-role-arn", TASK, "taskRoleArn"),
        ("fargate", ["EC2", "FARGATE"], "FARGATE"),
        ("$schema", TASK, None),
        ("//", TASK, None),
        ("", TASK, None),
        ("cpu" * 100_000, TASK, None),
        ("family", [], None),
    ],
)
def test_nearest(name: str, known: list[str], meant: str | None) -> None:
    """Another case or style is the same name, and typing errors are recognized."""
    assert nearest(name, known) == meant


def test_enums_have_their_values() -> None:
    """Read from the annotations, alone and in lists."""
    kinds = {m.wire: m.kind for m in members(RegisterTaskDefinitionRequest)}
    assert {"FARGATE", "EC2", "EXTERNAL"} <= {*kinds["requiresCompatibilities"].values}
    assert kinds["requiresCompatibilities"].values == get_args(Compatibility)
    assert {"task", "host"} == {*kinds["pidMode"].values}
    assert kinds["family"].values == kinds["tags"].values == ()
