"""Files that are no task definition, or no JSON: `load` names what they are, where, and what to do."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecskit._core.members import members
from ecskit.errors import RequestError
from ecskit.models import ContainerDefinition
from ecskit.task_definitions import load

CONTAINER = {"name": "app", "image": "nginx:1"}
WEB = {"family": "web", "containerDefinitions": [CONTAINER]}
PASCAL = {"Family": "web", "ContainerDefinitions": [{"Name": "app", "Image": "nginx:1"}]}
SERVICE = {"serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1, "launchType": "FARGATE"}
FILE = "taskdef.json"

E = (
    "expected the input of register-task-definition, with family and containerDefinitions, "
    "or the output of describe-task-definition"
)
A_SERVICE = "this is a service definition, not a task definition; pass the file of its task definition"
A_LIST = "this is a list of containers, not a task definition; put it under containerDefinitions, beside family"
ONE = "this is one container, not a task definition; put it into a list under containerDefinitions, beside family"
TEMPLATE = "pass the properties of one task definition as JSON, with names in camelCase"


def this_is(what: str, advice: str = E) -> str:
    return f"this is {what}, not a task definition; {advice}"


def place(column: int, line: int = 1) -> str:
    return f"line {line}, column {column}"


def template(column: int, line: int = 1) -> str:
    where = place(column, line)
    return f" but a template: {where}: a placeholder outside of a text; put it into quotation marks, or fill in the"


CLOUDFORMATION = this_is("a CloudFormation template", TEMPLATE)
QUOTES = 'JSON has straight double quotation marks only: "'
COMMENT = "JSON has no comments; remove it"
COMMA = "JSON has no trailing comma; remove it"
YAML = " but YAML; end its name in .yaml, or convert it to JSON"

NOT_JSON: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", ": the file is empty"),
    "white space": (b" \r\n\t", ": the file holds only white space"),
    "latin-1": ('{\n"family": "w\xe4b"}'.encode("latin-1"), f": {place(13, 2)}: a byte that is not UTF-8; save the"),
    "gzip": (b"\x1f\x8b\x08abc", ": the file is compressed; unpack it with gzip first"),
    "zip": (b"PK\x03\x04abc", ": the file is compressed; unpack it with zip first"),
    "binary": (bytes(range(256)), ": the file is binary, or cut off"),
    "zeros": (b"abc\0\0\0abc", ": the file is binary"),
    "half of UTF-16": (json.dumps(WEB).encode("utf-16")[:-1], ": the file is binary, or cut off"),
    "comment of a line": ('{\n  // the web\n  "family": "web"\n}', f": {place(3, 2)}: {COMMENT}"),
    "comment on top": ('// web\n{"family": "web"}', f": {place(1)}: {COMMENT}"),
    "comment in between": ('{"family": /* x */ "web"}', f": {place(12)}: {COMMENT}"),
    "comment of a shell": ('{\n "family": "web", # x\n "cpu": "1"}', f": {place(19, 2)}: {COMMENT}"),
    "comment of a shell on top": ('# x\n{"family": "web"}', f": {place(1)}: {COMMENT}"),
    "merge conflict": (
        '<<<<<<< HEAD\n{"family": "web"}',
        f": {place(1)}: a merge conflict of Git begins here",
    ),
    "merge conflict inside": ('{\n<<<<<<< HEAD\n"cpu": "1"}', f": {place(1, 2)}: a merge conflict of Git begins here"),
    "trailing comma": ('{\n "family": "web",\n}', f": {place(17, 2)}: {COMMA}"),
    "trailing comma of a list": ('{"volumes": [{},\n ]}', f": {place(16)}: {COMMA}"),
    "JSON lines": (f"{json.dumps(WEB)}\n{json.dumps(WEB)}\n", f": {place(1, 2)}: a second document begins here; put"),
    "rest": (json.dumps(WEB) + "\n}", f": {place(1, 2)}: the document ends before this; remove the rest, or correct"),
    "single quotes": ("{'family': 'web'}", f": {place(2)}: {QUOTES}"),
    "curly quotes": ("{\u201cfamily\u201d: 1}", f": {place(2)}: {QUOTES}"),
    "no quotes": ('{family: "web"}', f": {place(2)}: expected a name in double quotation marks"),
    "text without quotes": ('{"family": web}', f": {place(12)}: expected a value; text needs double quotation marks"),
    "missing comma": ('{"family": "web"\n "cpu": "1"}', f": {place(2, 2)}: expected a comma, or the closing bracket"),
    "missing colon": ('{"family" "web"}', f": {place(11)}: expected a colon after the name"),
    "backslash": (
        r'{"family": "C:\web"}',
        f": {place(15)}: a wrong escape inside of a text; write a backslash as \\\\",
    ),
    "line break": ('{"family": "w\nb"}', f": {place(14)}: a line break or tab inside of a text; write \\n or \\t"),
    "open text": ('{"family": "we', f": {place(12)}: this text does not end"),
    "cut off": ('{"volumes": [', f": {place(14)}: the file ends, but a bracket or a text is still open; it may be cut"),
    "too deep": ("[" * 100_000, ": it is nested more than 60 deep"),
    "no braces": ('"family": "web",\n"cpu": "1"', ": the braces around the members are missing: { ... }"),
    "a word": ("web:3", f": {place(1)}: expected an object in braces: {{ ... }}"),
    "HTML": ("<!DOCTYPE html><html>", " but XML or HTML"),
    "HCL": ('resource "aws_ecs_task_definition" "web" {\n}', " but HCL of Terraform; pass the task definition as JSON"),
    "table": ("-----------\n| Describe |\n", ": this is output of the AWS CLI for people; use --output json"),
    "Go template": ('{"family": "web", {{ if .X }} "cpu": "1" {{ end }}}', template(19)),
    "Go template in a text": ('{"family": "{{ must_env "X" }}"}', template(13)),
    "Jinja": ('{% set x = 1 %}\n{"family": "web"}', template(1)),
    "Jinja loop": ('[\n{% for c in cs %}\n{"name": 1},{% endfor %}\n]', template(1, 2)),
    "Jinja comment": ('{# x #}\n{"family": "web"}', template(1)),
    "envsubst": ('{"memory": ${MEMORY}}', template(12)),
    "shell": ('{"memory": $MEMORY}', template(12)),
    "GitHub": ('{"memory": ${{ vars.MEMORY }}}', template(12)),
    "Octopus": ('{"memory": #{memory}}', template(12)),
    "ERB": ('{"memory": <%= memory %>}', template(12)),
    "percent": ('{"memory": %MEMORY%}', template(12)),
    "at": ('{"memory": @MEMORY@}', template(12)),
    "angles": ('{"memory": <MEMORY>}', template(12)),
    "Terraform template": ('[{"name": "${name}",\n"memory": ${memory}}]', template(11, 2)),
    "YAML": ("family: web\ncontainerDefinitions:\n  - name: app\n", YAML),
    "YAML document": ("---\nfamily: web\n", YAML),
    "YAML with a comment": ("# the web\n\nfamily: web\n", YAML),
    "YAML list": ("- name: app\n  image: x\n", YAML),
    "YAML template": ("family: {{ x }}\ncontainerDefinitions: []\n", YAML),
    "YAML of describe": ("taskDefinition:\n  family: web\n", YAML),
    "Compose": ("services:\n  web:\n    image: x\n", f" but YAML; {this_is('a Docker Compose file')}"),
    "Kubernetes": ("apiVersion: apps/v1\nkind: Deployment\n", f" but YAML; {this_is('a Kubernetes manifest')}"),
    "CloudFormation": ("AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  A:\n", f" but YAML; {CLOUDFORMATION}"),
    "AppSpec": ("version: 0.0\nResources:\n  - TargetService:\n", " but YAML; this is an AppSpec file of CodeDeploy"),
    "Copilot": (
        "name: web\ntype: Backend Service\nimage:\n  build: x\n",
        " but YAML; this is a manifest of AWS Copilot",
    ),
    "ecs-params": (
        "version: 1\ntask_definition:\n  x: 1\n",
        f" but YAML; {this_is('an ecs-params file of the ECS CLI')}",
    ),
    "build": ("version: 0.2\nphases:\n  build:\n", f" but YAML; {this_is('a build specification of CodeBuild')}"),
    "workflow": ("name: x\non: push\njobs:\n  x:\n", f" but YAML; {this_is('a workflow of GitHub Actions')}"),
    "service": ("serviceName: web\ndesiredCount: 1\n", f" but YAML; {A_SERVICE}"),
    "ecspresso": (
        "cluster: c\nservice: s\nservice_definition: a.json\ntask_definition: b.json\n",
        f" but YAML; {this_is('the configuration of ecspresso', 'pass the file of task_definition')}",
    ),
}

SKELETON = {**{m.wire: [""] for m in members(ContainerDefinition)}, "name": ""}

OTHERS: dict[str, tuple[Any, str]] = {
    # Services.
    "service": (SERVICE, A_SERVICE),
    "service of ecspresso": ({"deploymentConfiguration": {}, "desiredCount": 1, "launchType": "EC2"}, A_SERVICE),
    "services": ([SERVICE, SERVICE], A_SERVICE),
    "service of CloudFormation": ({"ServiceName": "web", "TaskDefinition": "web:1", "DesiredCount": 1}, A_SERVICE),
    "service of Terraform": ({"task_definition": "web:1", "desired_count": 1}, A_SERVICE),
    "describe-services": ({"services": [{**SERVICE, "serviceArn": "a"}], "failures": []}, A_SERVICE),
    "create-service": ({"service": {**SERVICE, "serviceArn": "a"}}, A_SERVICE),
    "one described service": ({**SERVICE, "serviceArn": "a", "status": "ACTIVE", "events": []}, A_SERVICE),
    # Containers.
    "containers": ([CONTAINER, {"name": "b", "image": "x", "memory": 1}], A_LIST),
    "containers of CloudFormation": ([{"Name": "a", "Image": "x"}], f"{A_LIST}, with names in camelCase"),
    "container": ({**CONTAINER, "cpu": 1, "environment": []}, ONE),
    # Names in another style.
    "PascalCase": (
        PASCAL,
        (
            "the names are in PascalCase, as in CloudFormation; write all of them in camelCase: family for Family, "
            "containerDefinitions for ContainerDefinitions"
        ),
    ),
    "snake_case": (
        {"family": "web", "container_definitions": [], "network_mode": "awsvpc"},
        (
            "the names are in snake_case; write all of them in camelCase: "
            "containerDefinitions for container_definitions, networkMode for network_mode"
        ),
    ),
    "kebab-case": ({"container-definitions": []}, "the names are in kebab-case; write all of them in camelCase"),
    "lower case": ({"containerdefinitions": []}, "the names are in another case; write all of them in camelCase"),
    # Templates and plans.
    "CloudFormation": ({"Resources": {"Web": {"Type": "x"}}, "Outputs": {}}, CLOUDFORMATION),
    "one resource": (
        {"Type": "AWS::ECS::TaskDefinition", "Properties": PASCAL},
        this_is("a resource of a CloudFormation template", TEMPLATE),
    ),
    "Terraform resource": (
        {"family": "web", "container_definitions": "[]", "arn": "x"},
        this_is("a resource aws_ecs_task_definition of Terraform"),
    ),
    "Terraform plan": ({"format_version": "1.2", "terraform_version": "1.5"}, this_is("a plan or state of Terraform")),
    "Terraform JSON": ({"resource": {"aws_ecs_task_definition": {}}}, this_is("a Terraform configuration")),
    # Answers and requests of ECS.
    "list": ({"taskDefinitionArns": ["a"]}, this_is("the output of ListTaskDefinitions")),
    "families": ({"families": ["a"]}, this_is("the output of ListTaskDefinitionFamilies")),
    "tasks": ({"tasks": [{}], "failures": []}, this_is("the output of DescribeTasks or RunTask or StartTask")),
    "task": ({"taskArn": "a", "lastStatus": "RUNNING"}, "this is a task that ECS described, not a task definition; "),
    "no services": ({"services": [], "failures": []}, this_is("the output of DescribeServices")),
    "deleted": ({"taskDefinitions": [WEB], "failures": []}, this_is("the output of DeleteTaskDefinitions")),
    "run-task": ({"cluster": "x", "taskDefinition": "web", "count": 1}, this_is("the input of RunTask")),
    "overrides": ({"containerOverrides": []}, this_is("an overrides structure of RunTask")),
    "a name inside": ({"taskDefinition": "web:3"}, f"taskDefinition: expected an object, got another value; {E}"),
    "skeleton": (
        {"family": "", "containerDefinitions": [SKELETON]},
        "this is a skeleton that was not filled in, not a task definition; fill in family, the containers, and",
    ),
    # Files of other programs.
    "Compose": ({"services": {"web": {"image": "x"}}}, this_is("a Docker Compose file")),
    "Kubernetes": ({"apiVersion": "v1", "kind": "Pod", "spec": {}}, this_is("a Kubernetes manifest")),
    "AppSpec": ({"version": 0.0, "Resources": [{}]}, "this is an AppSpec file of CodeDeploy, not a task definition; "),
    "image definitions": ([{"name": "a", "imageUri": "b"}], this_is("an image definitions file of CodePipeline")),
    "Batch": ({"jobDefinitionName": "x", "containerProperties": {}}, this_is("a job definition of AWS Batch")),
    "Dockerrun": ({**WEB, "AWSEBDockerrunVersion": 2}, this_is("a Dockerrun.aws.json of Elastic Beanstalk")),
    "state machine": ({"StartAt": "a", "States": {}}, this_is("a state machine of Step Functions")),
    "CDK": ({"version": "36", "artifacts": {}}, "this is a manifest of the CDK, not a task definition; pass the"),
    "policy": ({"Version": "2012-10-17", "Statement": []}, this_is("an IAM policy")),
    # Wrapped, and several.
    "wrapped": ({"web": WEB}, "the member web holds a task definition; put that alone into the file"),
    "wrapped by PowerShell": (
        {"TaskDefinition": PASCAL},
        "the member TaskDefinition holds a task definition; put that",
    ),
    "definitions": (
        [WEB, {"taskDefinition": WEB}],
        "expected an object, got a list of task definitions; put each into",
    ),
    "variables": (
        [{"name": "A", "value": "hunter2"}],
        "this is a list of variables, not a task definition; put it under",
    ),
    # Other JSON.
    "text": ('"web:3"', "expected an object, got text; if it is the name of one, save the output of describe-task-"),
    "JSON in JSON": (json.dumps(json.dumps(WEB)), "the file holds JSON inside of a text: it was encoded twice; decode"),
    "empty list": ([], f"expected an object, got a list; {E}"),
    "texts": (["a"], f"expected an object, got a list; {E}"),
    "null": ("null", f"expected an object, got null; {E}"),
    "number": ("3", f"expected an object, got a number; {E}"),
    "true": ("true", f"expected an object, got true or false; {E}"),
    "anything": (
        {"name": "x", "version": "1", "dependencies": {}, "a\nb": 1},
        rf"this is not a task definition: it has the names name, version, dependencies, a\nb; {E}",
    ),
    "deep JSON": (f'{{"family": {"[" * 500}{"]" * 500}}}', "it is nested more than 60 deep"),
    "many names": ({f"n{i}": i for i in range(12)}, "this is not a task definition: it has the names n0, n1, n2, n3,"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages start with the path as it was given."""
    monkeypatch.chdir(tmp_path)


def rows() -> Iterator[Any]:
    for name, (content, message) in NOT_JSON.items():
        yield pytest.param(content, f"not JSON{message}", id=name)
    for name, (content, message) in OTHERS.items():
        yield pytest.param(content if isinstance(content, str) else json.dumps(content), message, id=f"JSON: {name}")


@pytest.mark.parametrize(("content", "message"), list(rows()))
def test_other_files(content: str | bytes, message: str) -> None:
    """One clear problem, without a warning, without a value."""
    Path(FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RequestError) as caught:
        load(FILE)
    text = str(caught.value)
    assert text.startswith(f"{FILE}: {message}")
    assert len(caught.value.problems) == 1
    assert "hunter2" not in text
    assert caught.value.__context__ is None  # the parser's errors hold the whole file
    assert text.isprintable()
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_suffixes_of_other_languages() -> None:
    """If the file is not JSON, its suffix says what it is."""
    for name, language in (("main.tf", "HCL of Terraform"), ("web.jsonnet", "Jsonnet"), ("web.toml", "TOML")):
        Path(name).write_text("{ family: 'web' }")
        with pytest.raises(RequestError, match=f"^{name}: not JSON but {language}; convert it to JSON"):
            load(name)
        Path(name).write_text(json.dumps(WEB))
        assert load(name).family == "web"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("folder", "folder: is a folder; pass the path of a file"),
        ("", "load: path: it is empty; pass the path of a file"),
        ("file://web.json", "file://web.json: expected the path of a file; leave out file://"),
        (
            '{"family": "hunter2"}',
            (
                "load: path: expected the path of a file, got JSON; "
                "use RegisterTaskDefinitionRequest.from_dict(json.loads(...))"
            ),
        ),
        (
            {"family": "hunter2"},
            (
                "load: path: expected the path of a file, got dict; "
                "use RegisterTaskDefinitionRequest.from_dict(...) for a dict"
            ),
        ),
    ],
)
def test_what_is_no_path_of_a_file(path: Any, message: str) -> None:
    """A folder, the notation of the AWS CLI, and the contents of a file."""
    Path("folder").mkdir()
    with pytest.raises(RequestError) as caught:
        load(path)
    assert str(caught.value) == message


def test_all_rows_of_the_table_are_tried() -> None:
    """Each kind that is named has a row here."""
    from ecskit._definitions.recognizing import FOREIGN

    texts = [message for _, message in (*NOT_JSON.values(), *OTHERS.values())]
    untried = {what for _, what, _ in FOREIGN if not any(f"this is {what}, not" in text for text in texts)}
    assert untried == set()
