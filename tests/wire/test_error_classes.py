"""The error classes: they survive pickle, have a message, and form the documented tree."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from typing import Any

import pytest

from ecskit import AsyncClient, Client, errors, models
from ecskit.services import Check, Checks, DeploymentProgress, Plan, StartedDeployment
from ecskit.task_definitions import Difference
from ecskit.tasks import ExecResult, RunTaskResult, TaskOutcome
from ecskit.waits import WaitStory

from .support import API, SHAPES, attribute_name
from .test_service_errors import GROUPS

DEPLOYMENT = DeploymentProgress(started=StartedDeployment(service="web", cluster="prod", deployment_id="ecs-svc/2"))
SERVICE = models.Service(service_arn="arn:1", service_name="web", cluster_arn="arn:2", status="ACTIVE")
INSTANCE = models.ContainerInstance(container_instance_arn="arn:1", status="DRAINING")
PLAN = Plan(
    service="web",
    cluster="arn:aws:ecs:us-east-1:123456789012:cluster/prod",
    action="none",
    changes=Difference(),
    state="",
    salt="00",
)
CLASSES = [cls for cls in map(vars(errors).get, errors.__all__) if isinstance(cls, type) and issubclass(cls, Exception)]


def made(cls: type[Any], text: str = "what happened") -> Any:
    """Make an error of a class with usual arguments; `text` stands wherever others may write."""
    failure = models.Failure(arn="arn:1", reason=text, detail="gone")
    story = WaitStory("tasks_running", "task", {"t": None}, {"t": text}, 1.5, 2, {"MISSING": 2}, 0, [])
    task = models.Task(task_arn="arn:1", last_status="STOPPED", desired_status="STOPPED", stopped_reason=text)
    response = {
        "Error": {"Code": "ConflictException", "Message": text},
        "ResponseMetadata": {"RequestId": "r", "HTTPStatusCode": 400, "RetryAttempts": 2, "HTTPHeaders": {}},
        "resourceIds": ["arn:1"],
    }
    sensible: dict[str, Any] = {
        "error_response": response,
        "operation_name": "RunTask",
        "operation": "RunTask",
        "subject": "RunTaskRequest",
        "problems": [("count", text)],
        "message": text,
        "provider": "sso",
        "failures": [failure],
        "response": models.DescribeTasksResponse(failures=[failure]),
        "story": story,
        "result": RunTaskResult(requested=2, tasks=[task], failures=[failure]),
        "outcomes": [TaskOutcome.of(task)],
        "log_lines": [],
        "missing": [text],
        "clusters": [text],
        "tasks": [task],
        "services": [SERVICE],
        "service": "web",
        "controller": "CODE_DEPLOY",
        "deployment": "arn:3",
        "why": text,
        "errors": {},
        "requested": ["arn:1"],
        "results": {"arn:1": task},
        "unfinished": ["arn:2"],
        "noun": "task",
        "ended_early": False,
        "watched": 3,
        "stopped": True,
        "container_instances": [INSTANCE],
        "undone": True,
        "took_effect": True,
        "queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/events",
        "reason": text,
        "source": "aws.ec2",
        "detail_type": text,
        "retryable": True,
        "resource_id": "service/prod/web",
        "checks": Checks([Check("executionRoleArn", "the role x", "missing", text)]),
        "plan": PLAN,
        "now": PLAN,
        "differences": [text],
        "task_arn": "arn:1",
        "container": "app",
        "remedy": text,
        "session_id": "ecs-execute-command-0a1b2c",
        "seconds": 5.0,
        "sent": 10,
        "of": 20,
    }
    if cls.__name__ == "ExecFailed":
        sensible["result"] = ExecResult(
            kind="UNKNOWN",
            exit_code=None,
            output="",
            truncated=False,
            task_arn="arn:1",
            container="app",
            session_id="ecs-execute-command-0a1b2c",
            reason=text,
        )
    if cls.__name__ == "ContainerInstancesNotChanged":
        sensible["response"] = models.UpdateContainerInstancesStateResponse(
            container_instances=[INSTANCE], failures=[failure]
        )
    if cls.__name__.startswith("Deployment") and hasattr(cls, "outcome"):  # their story holds a progress
        sensible["story"] = DEPLOYMENT.story(text)
    if inspect.isfunction(cls.__init__):
        parameters = inspect.signature(cls).parameters.values()
        positional = [sensible[p.name] for p in parameters if p.kind is not p.KEYWORD_ONLY]
        error = cls(*positional, **{p.name: sensible[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY})
    else:  # an exception's own, which takes anything
        error = cls(text)
    error.client_token = "token-1"
    return error


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_errors_survive_the_trip(cls: type[Any]) -> None:
    """Pickled and copied errors are of the same class and have the same fields and message."""
    error = made(cls)
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(error) is type(other)
        assert vars(error) == vars(other)
        assert (error.args, str(error), error.retryable, "token-1") == (
            other.args,
            str(other),
            other.retryable,
            other.client_token,
        )


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_every_protocol(protocol: int) -> None:
    """Old protocols of pickle do as well."""
    error = made(errors.ConflictException)
    assert vars(error) == vars(pickle.loads(pickle.dumps(error, protocol)))


def test_errors_keep_notes_on_the_trip() -> None:
    """What was added to an error on its way up stays with it."""
    error = made(errors.ServerException)
    if hasattr(error, "add_note"):
        error.add_note("while deploying")
        assert ["while deploying"] == pickle.loads(pickle.dumps(error)).__notes__


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_is_one_of_ecskit_and_has_a_message(cls: type[Any]) -> None:
    """One except clause catches all; none of them prints as an empty line."""
    error = made(cls)
    assert isinstance(error, errors.EcsError)
    assert str(error)
    assert isinstance(error.retryable, bool)


def test_the_tree_is_as_drawn() -> None:
    """The docstring of `ecskit.errors` draws each class that is not one of ECS's own names."""
    assert errors.__doc__
    drawn = {word.strip("(),") for word in errors.__doc__.split()}
    own = {cls.__name__ for cls in CLASSES} - set(GROUPS)
    assert own <= drawn


def test_names_are_listed_once() -> None:
    """`__all__` is what there is, without repetitions."""
    assert len(set(errors.__all__)) == len(errors.__all__)
    assert all(hasattr(errors, name) for name in errors.__all__)


def test_errors_of_operations_are_reported_in_their_docstrings() -> None:
    """What the service model says an operation can answer with is under Raises."""
    for operation, spec in API["operations"].items():
        for client in (Client, AsyncClient):
            doc = getattr(client, attribute_name(operation)).__doc__
            missing = [e["shape"] for e in spec["errors"] if e["shape"] not in doc]
            assert (operation, []) == (operation, missing)


def test_json_of_an_error_can_be_logged() -> None:
    """The fields are plain values."""
    error = made(errors.ClusterNotFoundException)
    fields = {n: getattr(error, n) for n in ("code", "message", "operation", "request_id", "http_status", "attempts")}
    assert json.loads(json.dumps(fields)) == fields


def test_every_modelled_error_is_in_the_table() -> None:
    """The service model's errors, the classes and the table of groups name the same."""
    modelled = {name for name, spec in SHAPES.items() if spec.get("exception")}
    declared = {e["shape"] for operation in API["operations"].values() for e in operation["errors"]}
    assert set(GROUPS) == set(errors.SERVICE_ERRORS) == modelled
    assert declared <= modelled
