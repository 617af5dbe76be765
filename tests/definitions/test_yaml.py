"""YAML files: text stays text, and what is odd is one clear error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ecskit.errors import MissingExtraError, RequestError
from ecskit.services import load as load_service
from ecskit.task_definitions import load

FILE = "taskdef.yaml"
TASK = """\
family: web
cpu: 256
memory: 0512
requiresCompatibilities: [FARGATE]
containerDefinitions:
  - &app
    name: app
    image: repo/app:1.10
    essential: true
    environment:
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages start with the path as it was given."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "written",
    "1.10 0123 22:22 no yes on off y N 1_000 0x1F 0o17 1e3 .5 +1 2024-01-31 true 8080 = NaN .inf - 12e03".split(),
)
def test_text_stays_text(written: str) -> None:
    """The member decides: a value of an environment variable is text, whatever YAML 1.1 takes it for."""
    written = written if written != "-" else "-1"
    Path(FILE).write_text(f"{TASK}      - {{name: A, value: {written}}}\n")
    [variable] = load(FILE).container_definitions[0].environment
    assert variable.value == written


def test_types_are_those_of_the_members() -> None:
    """A number is a number where the member is one, and text where it is text; quoted text is no number."""
    Path(FILE).write_text(f"{TASK}      - {{name: A, value: ~}}\n    memory: 512\n    cpu: 128\n")
    read = load(FILE)
    assert (read.cpu, read.memory) == ("256", "0512")
    [app] = read.container_definitions
    assert (app.memory, app.cpu, app.essential, app.environment[0].value) == (512, 128, True, None)
    Path("web.yml").write_text(
        "serviceName: web\ndeploymentConfiguration:\n  canaryConfiguration: {canaryPercent: 12.5}\n"
        "  lifecycleHooks:\n    - hookDetails: {count: 3, ok: true, version: 1.10}\ndesiredCount: '2'\n"
    )
    with pytest.raises(RequestError, match=r"^web\.yml: desiredCount: expected a number, got text; write 2$"):
        load_service("web.yml")
    Path("web.yml").write_text(Path("web.yml").read_text().replace("'2'", "2"))
    configuration = load_service("web.yml").deployment_configuration
    assert configuration is not None
    assert configuration.canary_configuration is not None
    assert configuration.canary_configuration.canary_percent == 12.5
    assert configuration.lifecycle_hooks[0].hook_details == {"count": 3, "ok": True, "version": "1.10"}


def test_aliases_and_merges() -> None:
    """An alias is a copy. `<<` adds what is not there."""
    Path(FILE).write_text(
        f"{TASK}      - {{name: A, value: a}}\n  - <<: *app\n    name: side\n"
        "  - <<: [*app, {cpu: 3, name: x}]\n    name: b\n"
    )
    first, side, both = load(FILE).container_definitions
    assert (side.name, side.image, side.environment) == ("side", first.image, first.environment)
    assert (both.name, both.cpu) == ("b", 3)


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    return "\n".join(lines)


WRONG: dict[str, tuple[str, str]] = {
    "tab": ("family: web\n\tcpu: 1", "not YAML: line 2, column 1: a tab; YAML is indented with spaces"),
    "tab in a list": ("family: web\nvolumes:\n\t- name: a", "not YAML: line 3, column 1: a tab; YAML is indented with"),
    "twice": ("family: web\ncpu: hunter2\nfamily: web", "line 3, column 1: family is given twice; remove one"),
    "twice inside": (
        "family: web\ncontainerDefinitions:\n  - name: a\n    name: b",
        "line 4, column 5: name is given twice; remove one",
    ),
    "bomb": (bomb(), "line 1, column 10: its aliases make more than 50,000 values of it"),
    "recursion": ("family: &a [*a]", "line 1, column 9: it is nested more than 60 deep"),
    "deep": (f"family: {'[' * 100}{']' * 100}", "not YAML: line 1, column 68: it is nested more than 60 deep"),
    "very deep": (f"family: {'[' * 2000}{']' * 2000}", "not YAML: line 1, column 68: it is nested more than 60 deep"),
    "deep blocks": ("".join(f"{' ' * i}a:\n" for i in range(3000)), "it is nested more than 60 deep"),
    "template": ("family: {{ hunter2 }}", "line 1, column 10: a name that is no text; if it is a placeholder, put it"),
    "ecspresso": (
        "family: {{ env `HUNTER2` `x` }}",
        "line 1, column 10: a name that is no text; if it is a placeholder",
    ),
    "ecspresso behind text": (
        "family: web\n`{{ env `X` `y` }}`",
        "not YAML: line 2, column 1: a placeholder outside of a",
    ),
    "block of Jinja": ("{% if x %}\nfamily: web\n", "not YAML: line 1, column 2: a placeholder outside of a text; put"),
    "tag of CloudFormation": ("family: !Ref hunter2", "line 1, column 9: the tag !Ref has no meaning here; remove it"),
    "tag of Python": (
        "family: !!python/object/apply:os.system [hunter2]",
        "line 1, column 9: the tag python/object/apply:os.system has no meaning here; remove it",
    ),
    "two documents": ("family: web\n---\nfamily: web\n", "not YAML: line 2, column 1: a second document begins here"),
    "alias": ("family: *x", "not YAML: line 1, column 9: an alias whose anchor is not above it"),
    "colon": ("family: web: hunter2", "not YAML: line 1, column 12: a colon where no name ends; put it into quotation"),
    "bracket": ("family: [web", "not YAML: line 1, column 13: expected a comma, or the closing bracket"),
    "text": ('family: "hunter2', "not YAML: line 1, column 17: a text that does not end"),
    "indentation": (
        "family:\n    a: 1\n  b: 2",
        "not YAML: line 3, column 3: this is indented differently from what is",
    ),
    "merge twice": (
        "a: &a {cpu: 1}\nfamily: web\n<<: *a\n<<: *a",
        "line 4, column 1: << is given twice; write one with a list",
    ),
    "merge of text": ("family: web\n<<: hunter2", "line 2, column 5: << merges mappings only"),
    "comments": ("# hunter2\n", "not YAML: the file holds only comments"),
    "empty": ("", "not YAML: the file is empty"),
    "control": ("family: \x01", "not YAML: a control character"),
    "list": ("- name: app\n  image: x\n", "this is a list of containers, not a task definition; put it under"),
    "Compose": ("services:\n  web:\n    image: x\n", "this is a Docker Compose file, not a task definition; expected"),
    "service": ("serviceName: web\ndesiredCount: 1\n", "this is a service definition, not a task definition; pass the"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_wrong_files(content: str, message: str) -> None:
    """One clear problem, without a value, and without the parser's error, which holds the file."""
    Path(FILE).write_text(content)
    with pytest.raises(RequestError) as caught:
        load(FILE)
    text = str(caught.value)
    assert message in text
    assert text.startswith(f"{FILE}: ")
    assert "hunter2" not in text
    assert len(caught.value.problems) == 1
    assert caught.value.__context__ is None


def test_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is refused before all of it is read."""
    monkeypatch.setattr("ecskit._definitions.yaml.MOST_NODES", 6)
    Path(FILE).write_text("family: [a, b, c, d, e, f, {hunter2")
    with pytest.raises(
        RequestError, match=r"^taskdef.yaml: not YAML: line 1, column 19: it has more than 50,000 values$"
    ):
        load(FILE)


def test_json_is_yaml() -> None:
    """A file of JSON may have the name of a YAML file."""
    data: Any = {"family": "web", "cpu": "256", "containerDefinitions": [{"name": "a\u00e9\t", "image": "x: #y"}]}
    Path(FILE).write_text(json.dumps(data, indent=2))
    assert load(FILE).container_definitions[0].image == "x: #y"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    Path(FILE).write_text("family: web")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"^taskdef.yaml: YAML needs PyYAML: pip install 'ecskit\[yaml\]'$"):
        load(FILE)
