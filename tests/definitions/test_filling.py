"""Placeholders: filled after parsing, inside texts only; what is left is one error that names every place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecskit.errors import RequestError
from ecskit.services import load as load_service
from ecskit.task_definitions import load

FILE = "taskdef.json"
VARIABLES = {
    "TAG": "2.4.1",
    "EMPTY": "",
    "_x9": "deep",
    "QUOTE": '", "family": "evil',
    "BRACES": "${TAG} $TAG",
    "N": "3",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages start with the path as it was given."""
    monkeypatch.chdir(tmp_path)


def task(container: dict[str, Any], **members: Any) -> dict[str, Any]:
    app = {"name": "app", "image": "app:1", **container}
    return {"family": "web", "containerDefinitions": [app], **members}


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("${TAG}", "2.4.1"),
        ("$TAG", "2.4.1"),
        ("v${TAG}-$N.", "v2.4.1-3."),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${NONE:-}", ""),
        ("${NONE:-a b:c/$}", "a b:c/$"),
        ("${TAG:-x}", "2.4.1"),
        ("${_x9}", "deep"),
        ("{{ must_env `TAG` }}", "2.4.1"),
        ('{{must_env "TAG"}}', "2.4.1"),
        ("{{- env `NONE` `x y` -}}", "x y"),
        ("{{ env `EMPTY` `x` }}", "x"),
        ("a{{ env `TAG` `` }}b", "a2.4.1b"),
        ("${QUOTE}", VARIABLES["QUOTE"]),
        ("${BRACES}", "${TAG} $TAG"),
        ("$1 $ {} 5$ ${TAG}$", "$1 $ {} 5$ 2.4.1$"),
    ],
)
def test_filled(written: str, filled: str) -> None:
    """A value is one text, whatever is in it, and is not filled again."""
    Path(FILE).write_text(json.dumps(task({"environment": [{"name": "A", "value": written}]})))
    [container] = load(FILE, variables=VARIABLES).container_definitions
    assert container.environment[0].value == filled
    [container] = load(FILE).container_definitions
    assert container.environment[0].value == written


def test_what_a_shell_reads() -> None:
    """Commands and options of log routers have variables of their own: only placeholders of ecspresso are filled."""
    own = ["sh", "-c", "echo $HOME ${TAG} $(date) {{ must_env `TAG` }}"]
    kept = ["sh", "-c", "echo $HOME ${TAG} $(date) 2.4.1"]
    options = {"awslogs-group": "/ecs/${TAG}", "awslogs-multiline-pattern": "^$TAG", "tag": "{{.Name}} $TAG"}
    written = {
        "command": own,
        "healthCheck": {"command": own},
        "entryPoint": own,
        "dockerLabels": {"version": "${TAG}", "rule": "Host(`$TAG`)"},
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    Path(FILE).write_text(json.dumps(task(written, tags=[{"key": "version", "value": "$TAG"}])))
    read = load(FILE, variables=VARIABLES)
    [app] = read.container_definitions
    assert app.health_check is not None
    assert [*app.command] == [*app.entry_point] == [*app.health_check.command] == kept
    assert app.docker_labels == {"version": "2.4.1", "rule": "Host(`2.4.1`)"}
    assert app.log_configuration is not None
    assert app.log_configuration.options == {**options, "awslogs-group": "/ecs/2.4.1"}
    assert read.tags[0].value == "2.4.1"


def test_numbers() -> None:
    """A text that is nothing but a placeholder may stand for a number, or for true and false."""
    mapping = {"serviceName": "a", "desiredCount": "${N}", "enableExecuteCommand": "{{ env `NONE` `true` }}"}
    read = load_service(mapping, variables=VARIABLES)
    assert (read.desired_count, read.enable_execute_command) == (3, True)
    hook = {"hookDetails": {"count": "${N}"}, "newMember": "${N}"}
    read = load_service(
        {"serviceName": "a", "deploymentConfiguration": {"lifecycleHooks": [hook]}}, variables=VARIABLES
    )
    assert read.deployment_configuration is not None
    [made] = read.deployment_configuration.lifecycle_hooks
    assert (made.hook_details, made.extra_fields) == ({"count": "3"}, {"newMember": "3"})
    with pytest.raises(RequestError, match=r"^service definition: desiredCount: expected a number, got text$"):
        load_service({**mapping, "desiredCount": "${TAG}"}, variables=VARIABLES)
    with pytest.raises(RequestError, match="desiredCount: expected a number, got text"):
        load_service({**mapping, "desiredCount": "1${N}"}, variables=VARIABLES)


def test_what_is_left() -> None:
    """One error has all places, with the variable, and no value of one that is given."""
    written = {
        "image": "repo/${APP}:$TAGS",
        "secrets": [{"name": "A", "valueFrom": "<ARN>"}],
        "environment": [{"name": "B", "value": "{{ must_env `B` }}"}, {"name": "C", "value": "${TAG:?no}"}],
        "dockerLabels": {"a.${X}": "y"},
    }
    Path(FILE).write_text(
        json.dumps(task(written, taskRoleArn="{{ tfstate `x` }}", executionRoleArn="%ROLE%", pidMode="${A"))
    )
    other = "holds a placeholder of another tool, or one in a form that is not supported; fill it first"
    with pytest.raises(RequestError) as caught:
        load(FILE, variables={**VARIABLES, "TAG": "hunter2"})
    assert caught.value.problems == (
        (
            "containerDefinitions[0].image",
            "the variable APP is not given; the variable TAGS is not given; did you mean TAG?",
        ),
        ("containerDefinitions[0].secrets[0].valueFrom", other),
        ("containerDefinitions[0].environment[0].value", "the variable B is not given"),
        ("containerDefinitions[0].environment[1].value", other),
        (
            "containerDefinitions[0].dockerLabels['a.${X}']",
            "a placeholder in a name is not filled; write the name itself",
        ),
        ("taskRoleArn", other),
        ("executionRoleArn", other),
        ("pidMode", other),
    )
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ([("TAG", "1")], "variables: expected a mapping of str to str, such as os.environ, got list"),
        ("TAG", "variables: expected a mapping of str to str, such as os.environ, got str"),
        ({"TAG": 1}, "containerDefinitions[0].image: the variable TAG must be text, and is int"),
        ({"TAG": None}, "containerDefinitions[0].image: the variable TAG must be text, and is NoneType"),
    ],
)
def test_wrong_variables(variables: Any, message: str) -> None:
    """Variables are text."""
    Path(FILE).write_text(json.dumps(task({"image": "$TAG"})))
    with pytest.raises(RequestError) as caught:
        load(FILE, variables=variables)
    assert str(caught.value) == f"{FILE}: {message}"
