"""The errors that no service model knows: the root, the groups, transport, bad input, failures, pages and waits.

Errors hold fields and tell their story in `__str__`. All of them survive pickle and deepcopy. The public tree is
drawn in `ecskit.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from botocore.exceptions import ClientError

from .wording import listed

if TYPE_CHECKING:
    from .handles import WaitHandle

__all__ = [
    "AccessDeniedError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "CredentialsError",
    "EcsError",
    "FailuresError",
    "InvalidRequestError",
    "LimitError",
    "MalformedResponseError",
    "MissingError",
    "MissingExtraError",
    "NotFoundError",
    "PaginationError",
    "RequestError",
    "ServerError",
    "ServiceError",
    "StateError",
    "ThrottledError",
    "TimedOutError",
    "TransportError",
    "UnsupportedError",
    "UnsupportedOperationError",
    "WaitCancelled",
    "WrongEventLoopError",
]


class Story(Protocol):
    """What a wait has observed when an error ends it. `ecskit.waits.WaitStory` is the class behind it."""

    @property
    def handle(self) -> WaitHandle:
        """What continues the wait: `ecs.wait.resume(handle)`."""
        ...

    @property
    def wait(self) -> str:
        """Name of the wait, such as `tasks_running`."""
        ...

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What else the wait was given, such as the cluster."""
        ...

    @property
    def last(self) -> Mapping[str, Any]:
        """The last observation of each target, by id; None of a target that no poll showed."""
        ...

    @property
    def reasons(self) -> Mapping[str, str]:
        """What is lacking or to blame, by the id of each target."""
        ...

    def with_arguments(self, arguments: Mapping[str, Any]) -> Story:
        """Return the same story with these arguments in its handle."""
        ...

    @property
    def elapsed(self) -> float:
        """Seconds that the wait took."""
        ...

    @property
    def polls(self) -> int:
        """How many polls the wait made."""
        ...

    @property
    def poll_summary(self) -> str:
        """The polls and what they showed, in words."""
        ...

    @property
    def states(self) -> Mapping[str, int]:
        """How often each state was observed."""
        ...

    @property
    def errors(self) -> Sequence[EcsError]:
        """The errors of polls, the latest of them."""
        ...


class EcsError(Exception):
    """The base of all errors that ecskit raises. Their public home is `ecskit.errors`."""

    __module__ = "ecskit.errors"

    retryable: bool = False
    """Whether sending the same request again, with the same client token, may succeed."""
    client_token: str | None = None
    """The idempotency token of the request that failed; send it again with the same one and nothing runs twice."""
    story: Story | None = None
    """What a wait had observed when this error ended it, with the handle to resume it; None outside of waits."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Errors are defined beside the values that they hold. Tracebacks, logs and pickle name where users import them.
        if cls.__module__.startswith("ecskit.") and not cls.__name__.startswith("_"):
            cls.__module__ = "ecskit.errors"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"  # what they hold can be as long as a book

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.__class__, self.args, self.__dict__.copy())


def _rebuild(cls: type[EcsError], args: tuple[Any, ...], state: dict[str, Any]) -> EcsError:
    # Past __init__: each class has its own signature, and all of its state is in args and __dict__.
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class RequestError(EcsError, ValueError):
    """The input is wrong; nothing was sent.

    Attributes:
        problems: Pairs of the parameter's path, such as `container_definitions[0].name`, and what is wrong with it.
    """

    def __init__(self, subject: str, problems: Sequence[tuple[str, str]]) -> None:
        """Hold what `subject` (a request or a model) got wrong."""
        super().__init__(subject, problems)
        self.subject = subject
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return f"{self.subject}: " + "; ".join(f"{path}: {text}" if path else text for path, text in self.problems)


class ConfigurationError(EcsError):
    """The client cannot be built or used as it is configured: no region, an unknown profile, a bad endpoint."""


class MissingExtraError(ConfigurationError, ImportError):
    """A part of ecskit was used whose optional dependency is not installed."""


class WrongEventLoopError(ConfigurationError):
    """An async client was used from another event loop than the one it was first used in."""


class ClientClosedError(ConfigurationError):
    """The client was closed, before the call or while it was under way."""


class UnsupportedOperationError(ConfigurationError):
    """The wrapped client was built from a service model without this operation."""


class TransportError(EcsError):
    """The exchange with ECS failed; unless a subclass says otherwise, the request may or may not have arrived."""

    retryable = True

    def __init__(self, operation: str, message: str) -> None:
        """Hold the operation that got no answer and why."""
        super().__init__(operation, message)
        self.operation = operation
        self.message = message

    def __str__(self) -> str:
        told = f"{self.operation}: {self.message}"
        if self.client_token and self.retryable:
            told += f"; it may have been carried out all the same: ask again with the client token {self.client_token}"
        return told


class ConnectionFailedError(TransportError):
    """The connection could not be made or broke."""


class TimedOutError(TransportError):
    """The connection or the answer took longer than the configured timeouts."""


class CredentialsError(TransportError):
    """No usable credentials were found, so that nothing was sent."""

    retryable = False


class MalformedResponseError(TransportError):
    """An answer came that is not what the operation returns: truncated, not JSON, not UTF-8, or without its result."""


class ServiceError(EcsError, ClientError):
    """ECS answered with an error. Also a botocore `ClientError`, so that existing handlers catch it.

    Attributes:
        code: ECS's name of the error, such as `ClusterNotFoundException`.
        message: What ECS says about it.
        operation: Name of the operation, such as `RunTask`.
        request_id: AWS's id of the request, or None.
        http_status: Status code of the answer, or None.
        attempts: How many times the request was sent.
        retryable: Whether the same request may succeed later.
    """

    def __init__(self, error_response: Mapping[str, Any], operation_name: str) -> None:
        """Hold an error response as botocore parses it: `Error` and `ResponseMetadata`."""
        super().__init__(cast("Any", error_response), operation_name)
        self._answer = error_response
        error, metadata = error_response.get("Error", {}), error_response.get("ResponseMetadata", {})
        self.code: str = str(error.get("Code", ""))
        self.message: str = str(error.get("Message", ""))
        self.operation = operation_name
        self.request_id: str | None = metadata.get("RequestId")
        self.http_status: int | None = metadata.get("HTTPStatusCode")
        self.attempts: int = metadata.get("RetryAttempts", 0) + 1

    def __str__(self) -> str:
        told = [f"HTTP {self.http_status}"] if self.http_status else []
        told += [f"request {self.request_id}"] if self.request_id else []
        told += [f"{self.attempts} attempts"] if self.attempts > 1 else []
        return f"{self.operation}: {self.code}: {self.message or '(no message)'}" + (
            f" ({', '.join(told)})" if told else ""
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # ClientError defines its own, which would call __init__ and forget the rest.
        return EcsError.__reduce__(self)


class NotFoundError(ServiceError):
    """What the request names does not exist, or not where it was looked for."""


class ConflictError(ServiceError):
    """The request contradicts one that came before, or work that is under way."""


class StateError(ServiceError):
    """What the request names exists, but is not in a state that allows the operation."""


class LimitError(ServiceError):
    """A quota of the account would be exceeded."""


class InvalidRequestError(ServiceError):
    """ECS does not accept the request's parameters."""


class UnsupportedError(ServiceError):
    """The feature is not available here: not in this region, platform version or task definition."""


class AccessDeniedError(ServiceError):
    """The caller may not do this, or is not known: missing permission, expired or invalid credentials."""


class ThrottledError(ServiceError):
    """Too many requests; the same one may succeed a little later."""

    retryable = True


class ServerError(ServiceError):
    """ECS failed on its side; the same request may succeed later."""

    retryable = True


_TOLD = 10
"""How many failures a message tells at the most."""


class WaitCancelled(EcsError):
    """The `cancel` event of a wait was set."""

    def __str__(self) -> str:
        return "the wait was cancelled by its `cancel` event"


class FailureDetails(Protocol):
    """What `ecskit.models.Failure` has; errors come before models."""

    @property
    def arn(self) -> str | None:
        """ARN of what failed."""
        ...

    @property
    def reason(self) -> str | None:
        """Why, in a word, such as `MISSING`."""
        ...

    @property
    def detail(self) -> str | None:
        """Why, in more words."""
        ...


class FailuresError(EcsError):
    """A successful answer says in its `failures` that parts of the request were not done.

    Attributes:
        operation: Name of the operation.
        failures: What failed: ARN, reason and detail of each.
        response: The whole response, with what succeeded.
    """

    def __init__(self, operation: str, failures: Sequence[FailureDetails], response: Any = None) -> None:
        """Hold what failed and the response that says so."""
        super().__init__(operation, failures)
        self.operation = operation
        self.failures = tuple(failures)
        self.response = response

    def __str__(self) -> str:
        told = "; ".join(
            f"{f.reason or 'no reason given'}{f' ({f.detail})' if f.detail else ''}{f' for {f.arn}' if f.arn else ''}"
            for f in self.failures[:_TOLD]
        )
        more = f"; and {len(self.failures) - _TOLD} more" if len(self.failures) > _TOLD else ""
        return f"{self.operation}: {len(self.failures)} failed: {told}{more}"


class MissingError(EcsError):
    """ECS does not show some of the resources that were named.

    They may not exist, may be in another cluster, or may not be visible yet.

    Attributes:
        missing: The names, ids or ARNs that ECS does not show, as they were given.
        found: The resources that ECS shows.
    """

    noun: ClassVar[str] = "resource"
    found: tuple[Any, ...]

    def __init__(self, missing: Sequence[str], found: Sequence[Any]) -> None:
        """Hold what is missing and what was found."""
        super().__init__(missing, found)
        self.missing = tuple(missing)
        self.found = tuple(found)

    def __str__(self) -> str:
        total = len(self.missing) + len(self.found)
        return f"ECS does not show {len(self.missing)} of {total} {self.noun}s: {listed(self.missing)}"


class PaginationError(EcsError):
    """A list cannot be followed: ECS sent the same page token twice."""

    _told: ClassVar[str] = "the token of the next page came a second time; stopped instead of looping for ever"

    def __init__(self, operation: str) -> None:
        """Hold the operation whose pages repeat."""
        super().__init__(operation)
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.operation}: {self._told}"
