"""Errors that ECS answers with: their classes, groups and fields."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecskit import errors

from .model_server import Answer, ModelServer
from .support import REGION, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUPS: dict[str, type[errors.ServiceError]] = {
    "AccessDeniedException": errors.AccessDeniedError,
    "AttributeLimitExceededException": errors.LimitError,
    "BlockedException": errors.AccessDeniedError,
    "ClientException": errors.InvalidRequestError,
    "ClusterContainsCapacityProviderException": errors.StateError,
    "ClusterContainsContainerInstancesException": errors.StateError,
    "ClusterContainsServicesException": errors.StateError,
    "ClusterContainsTasksException": errors.StateError,
    "ClusterNotFoundException": errors.NotFoundError,
    "ConflictException": errors.ConflictError,
    "DaemonNotActiveException": errors.StateError,
    "DaemonNotFoundException": errors.NotFoundError,
    "GatewayNotFoundException": errors.NotFoundError,
    "InvalidParameterException": errors.InvalidRequestError,
    "LimitExceededException": errors.LimitError,
    "MissingVersionException": errors.StateError,
    "NamespaceNotFoundException": errors.NotFoundError,
    "NoUpdateAvailableException": errors.StateError,
    "PlatformTaskDefinitionIncompatibilityException": errors.UnsupportedError,
    "PlatformUnknownException": errors.NotFoundError,
    "ResourceInUseException": errors.ConflictError,
    "ResourceNotFoundException": errors.NotFoundError,
    "ServerException": errors.ServerError,
    "ServiceDeploymentNotFoundException": errors.NotFoundError,
    "ServiceNotActiveException": errors.StateError,
    "ServiceNotFoundException": errors.NotFoundError,
    "TargetNotConnectedException": errors.StateError,
    "TargetNotFoundException": errors.NotFoundError,
    "TaskSetNotFoundException": errors.NotFoundError,
    "UnsupportedFeatureException": errors.UnsupportedError,
    "UpdateInProgressException": errors.ConflictError,
}

UNMODELLED = [
    ("ThrottlingException", 400, errors.ThrottledError),
    ("Throttling", 400, errors.ThrottledError),
    ("TooManyRequestsException", 429, errors.ThrottledError),
    ("RequestLimitExceeded", 503, errors.ThrottledError),
    ("SlowDown", 503, errors.ThrottledError),
    ("ExpiredTokenException", 400, errors.AccessDeniedError),
    ("UnrecognizedClientException", 400, errors.AccessDeniedError),
    ("InvalidSignatureException", 403, errors.AccessDeniedError),
    ("MissingAuthenticationTokenException", 403, errors.AccessDeniedError),
    ("OptInRequired", 403, errors.AccessDeniedError),
    ("InternalFailure", 500, errors.ServerError),
    ("ServiceUnavailable", 503, errors.ServerError),
    ("TomorrowsException", 500, errors.ServerError),
    ("TomorrowsException", 429, errors.ThrottledError),
    ("TomorrowsException", 400, errors.ServiceError),
    ("ValidationException", 400, errors.InvalidRequestError),
    ("SerializationException", 400, errors.InvalidRequestError),
    ("UnknownOperationException", 400, errors.InvalidRequestError),
]


async def failed(ecs: Caller, server: ModelServer, answer: Answer, method: str = "list_tasks", **given: Any) -> Any:
    """Return the error that a call ends in when it is answered like this."""
    server.will(answer)
    with pytest.raises(errors.ServiceError) as caught:
        await ecs.call(method, **given)
    return caught.value


@pytest.mark.parametrize("code", GROUPS)
async def test_a_modelled_error_is_raised_as_itself(once: Caller, server: ModelServer, code: str) -> None:
    """An answer's code picks the class; what the answer says is in its fields."""
    status = 500 if code == "ServerException" else 400
    error = await failed(once, server, Answer.error(code, "what ECS says", status))
    assert getattr(errors, code) is type(error)
    assert (code, "what ECS says", "ListTasks", status) == (
        error.code,
        error.message,
        error.operation,
        error.http_status,
    )
    assert ("request-", 1, None) == (error.request_id[:8], error.attempts, error.client_token)
    assert (code in ("ServerException", "UpdateInProgressException")) == error.retryable
    assert f"ListTasks: what ECS says (in {REGION}; HTTP {status}, request {error.request_id})" == str(error)


@pytest.mark.parametrize("code", GROUPS)
async def test_a_modelled_error_is_in_its_group(once: Caller, server: ModelServer, code: str) -> None:
    """It can be caught by its kind, as a service error, as any error of ecskit, and as botocore's ClientError."""
    error = await failed(once, server, Answer.error(code))
    assert GROUPS[code] in type(error).__bases__
    assert all(isinstance(error, base) for base in (GROUPS[code], errors.ServiceError, errors.EcsError, ClientError))
    assert {"Code": code, "Message": "reported by the server"} == error.response["Error"]
    assert "ListTasks" == error.operation_name
    # It has all that botocore's error has. A traceback would show the message of ECS again, and not on one line.
    assert (None, None) == (error.__cause__, error.__context__)


@pytest.mark.parametrize(("code", "status", "kind"), UNMODELLED)
async def test_codes_of_all_of_aws_have_their_group(
    once: Caller, server: ModelServer, code: str, status: int, kind: type[errors.ServiceError]
) -> None:
    """Codes that no service model lists are raised as their group."""
    error = await failed(once, server, Answer.error(code, status=status))
    assert kind is type(error)
    assert (code, kind in (errors.ThrottledError, errors.ServerError)) == (error.code, error.retryable)


THROTTLED = [
    "Rate exceeded",
    "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
    "Error retrieving security group information for [sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
]


@pytest.mark.parametrize("code", ["InvalidParameterException", "ClientException"])
@pytest.mark.parametrize("message", THROTTLED)
async def test_a_disguised_throttle_is_one(once: Caller, server: ModelServer, code: str, message: str) -> None:
    """When what ECS calls on our behalf is throttled, it says InvalidParameterException; the same call may succeed."""
    error = await failed(once, server, Answer.error(code, message), "run_task", task_definition="web")
    assert errors.ThrottledError is type(error)
    assert (True, code) == (error.retryable, error.code)


FULL = [
    "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "Tasks provisioning capacity limit exceeded.",
    "You've reached the limit on the number of tasks you can run concurrently",
    "No Container Instances were found in your cluster.",
]
BUSY = [
    "Too many concurrent attempts to create a new revision of the specified family.",
    "Unable to Start a service that is still Draining.",
    "Cluster was not ACTIVE.",
]
PASSING = [*((text, errors.CapacityError) for text in FULL), *((text, errors.ConflictError) for text in BUSY)]


@pytest.mark.parametrize(
    "code", ["ClientException", "InvalidParameterException", "LimitExceededException", "Tomorrows"]
)
@pytest.mark.parametrize(("message", "kind"), PASSING)
async def test_what_passes_has_a_class_of_its_own(
    once: Caller, server: ModelServer, code: str, message: str, kind: type[errors.ServiceError]
) -> None:
    """Beside the class of ECS's code: handlers of either catch it, also a copy from another process."""
    error = await failed(once, server, Answer.error(code, message), "run_task", task_definition="web")
    for each in (error, pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert isinstance(each, kind)
        assert isinstance(each, getattr(errors, code, errors.ServiceError))
        assert (kind.__name__, "ecskit.errors") == (type(each).__name__, type(each).__module__)
        assert (True, code, message) == (each.retryable, each.code, each.message)
    shown = f"RunTask: {code}: {message.removesuffix('.')} (task definition 'web' in {REGION}; HTTP 400, request "
    assert str(error).startswith(shown)


LASTING = [
    "TaskDefinition not found.",
    "The service cannot be stopped while it is scaled above 0.",
    "The new ARN and resource ID format must be enabled to add tags. Opt in to the new format and try again.",
    "The specified capacity provider 'insufficient-capacity' was not found.",
    "Role is not valid",
    "The subnet is unknown. Please try again with another one.",
    "Capacity providers cannot be combined with a launch type.",
    "Desired count exceeds limit.",
]


@pytest.mark.parametrize("message", LASTING)
async def test_what_lasts_is_not_retryable(once: Caller, server: ModelServer, message: str) -> None:
    """Words that reasons have as well do not make one."""
    error = await failed(once, server, Answer.error("ClientException", message))
    assert (errors.ClientException, False) == (type(error), error.retryable)


async def test_work_under_way_ends_by_itself(once: Caller, server: ModelServer) -> None:
    """The class of UpdateInProgressException is its own; other conflicts last."""
    for code, retryable in (("UpdateInProgressException", True), ("ConflictException", False)):
        error = await failed(once, server, Answer.error(code, "no"))
        assert (getattr(errors, code), retryable) == (type(error), error.retryable)


async def test_a_conflict_names_what_exists(once: Caller, server: ModelServer) -> None:
    """ConflictException has the ids of what an earlier request with the same token made."""
    conflict = Answer.error("ConflictException", resourceIds=["arn:1", "arn:2"])
    error = await failed(once, server, conflict, "run_task", task_definition="web")
    assert ["arn:1", "arn:2"] == error.resource_ids
    assert ["arn:1", "arn:2"] == pickle.loads(pickle.dumps(error)).resource_ids


@pytest.mark.parametrize("ids", [None, []])
async def test_a_conflict_without_ids_names_none(once: Caller, server: ModelServer, ids: Any) -> None:
    """The ids are a list even if ECS sends none."""
    error = await failed(
        once, server, Answer.error("ConflictException", resourceIds=ids), "run_task", task_definition="w"
    )
    assert [] == error.resource_ids


@pytest.mark.parametrize(
    "body",
    [
        {"__type": "com.amazonaws.ecs#ClusterNotFoundException", "message": "m"},
        {"__type": "ClusterNotFoundException:http://internal.amazon.com/coral/", "Message": "m"},
        {"__type": "ClusterNotFoundException", "Message": "m", "tomorrow": [1, {"a": None}]},
    ],
)
async def test_all_spellings_of_a_code_are_understood(once: Caller, server: ModelServer, body: Any) -> None:
    """Namespaces before a code, addresses behind it and other members beside it do not matter."""
    error = await failed(once, server, Answer.of(body, 400))
    assert errors.ClusterNotFoundException is type(error)
    assert ("ClusterNotFoundException", "m") == (error.code, error.message)


async def test_attempts_are_counted(ecs: Caller, server: ModelServer) -> None:
    """An error after botocore's retries says how many there were."""
    server.will(Answer.error("ServerException", status=500))
    error = await failed(ecs, server, Answer.error("ClusterNotFoundException"))
    assert (2, errors.ClusterNotFoundException) == (error.attempts, type(error))
    assert "2 attempts" in str(error)
