"""The base errors: the root, groups of service errors, transport, wrong input, `failures`, pagination, cancelled waits.

Errors hold fields; `_text` makes the message from them. All errors survive pickle and deepcopy. `ecskit.errors` shows
the whole tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from botocore.exceptions import ClientError

from .targets import where
from .wording import bounded, escaped, listed

if TYPE_CHECKING:
    from .story import Story

__all__ = [
    "AccessDeniedError",
    "CapacityError",
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

T = TypeVar("T")


class EcsError(Exception):
    """The base class of all errors that ecskit raises. Import errors from `ecskit.errors`.

    Attributes:
        retryable: Whether sending the same request again, with the same client token, may succeed.
        client_token: The idempotency token of the failed request. Send the request again with this token, and nothing
            runs twice.
        story: What the wait observed before this error ended it, with the handle that resumes it; None outside of
            waits.
    """

    __module__ = "ecskit.errors"

    retryable: bool = False
    client_token: str | None = None
    story: Story | None = None

    _parts: ClassVar[tuple[type[EcsError], ...]] = ()
    """The classes that a copy is made of, if this class was made by `joined` and exists in this process only."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Errors are defined beside the values that they hold. Tracebacks, logs and pickles show the public module.
        if cls.__module__.startswith("ecskit.") and not cls.__name__.startswith("_"):
            cls.__module__ = "ecskit.errors"

    def _text(self) -> str:
        """Return the message. Subclasses make it from their fields."""
        return super().__str__()

    def __str__(self) -> str:
        # The only one: reasons and messages in every error are text of others, and end in terminals and logs.
        return bounded(escaped(self._text()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"  # without `args`, which can be very long

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._parts or (self.__class__,), self.args, self.__dict__.copy())


# Not in __all__, which `ecskit.errors` publishes.
def described(error: BaseException) -> str:
    """Return the message of an error for a log, or for the message of another error, which do not show its class."""
    return escaped(error._text(coded=True)) if isinstance(error, ServiceError) else str(error)


def joined(first: type[T], second: type[Exception], parts: tuple[type[EcsError], ...]) -> type[T]:
    """Return a class that is both, with name, module and docstring of the first one. Copies are made of `parts`."""
    bases: Any = (first, second)
    made: list[Any] = [cls for cls in second.__subclasses__() if cls.__bases__ == bases]
    names = {"__module__": first.__module__, "__doc__": first.__doc__, "_parts": parts}
    return made[0] if made else type(first.__name__, bases, names)


def _rebuild(parts: tuple[type[EcsError], ...], args: tuple[Any, ...], state: dict[str, Any]) -> EcsError:
    # Without __init__, whose signature differs by class: args and __dict__ hold the whole state.
    cls = parts[0] if len(parts) == 1 else joined(parts[0], parts[1], parts)
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class RequestError(EcsError, ValueError):
    """An argument or a member of a request is wrong. Nothing was sent.

    Attributes:
        problems: Pairs of a path, such as `container_definitions[0].name`, and the problem there.
    """

    def __init__(self, subject: str, problems: Sequence[tuple[str, str]]) -> None:
        """Hold the problems of `subject`, the name of a request, a model or a verb."""
        super().__init__(subject, problems)
        self.subject = subject
        self.problems = tuple(problems)

    def _text(self) -> str:
        problems = (f"{path}: {text}" if path else text for path, text in self.problems)
        return f"{self.subject}: {listed(problems, separator='; ')}"


class ConfigurationError(EcsError):
    """The configuration of the client is wrong or incomplete: no region, an unknown profile, an invalid endpoint."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional dependency is not installed. The message names the extra to install."""


class WrongEventLoopError(ConfigurationError):
    """An async client was used in another event loop than before."""


class ClientClosedError(ConfigurationError):
    """The client was closed before or during the call."""


class UnsupportedOperationError(ConfigurationError):
    """The service model of the wrapped client does not contain this operation."""


class TransportError(EcsError):
    """No valid response was received. ECS may have processed the request, unless a subclass excludes that.

    Attributes:
        operation: Name of the operation, such as `RunTask`.
        message: The reason.
        region: The region of the client; None if the client could not be made.
        targets: The identifiers in the request, by the name of the argument: `{"cluster": ("prod",)}`.
        sent: Whether ECS may have received the request.
    """

    retryable = True
    sent: bool = True

    def __init__(self, operation: str, message: str) -> None:
        """Hold the operation and the reason."""
        super().__init__(operation, message)
        self.operation = operation
        self.message = message
        self.region: str | None = None
        self.targets: Mapping[str, Sequence[str]] = {}

    def _text(self) -> str:
        place = where(self.targets, self.region)
        text = f"{self.operation}: {self.message}{f' ({place})' if place else ''}"
        if self.client_token and self.retryable and self.sent:
            text += f"; ECS may have processed the request: repeat it with the client token {self.client_token}"
        return text


class ConnectionFailedError(TransportError):
    """The connection could not be opened, or it broke."""


class TimedOutError(TransportError):
    """Connecting, or waiting for the response, took longer than the configured timeout."""


class CredentialsError(TransportError):
    """There are no credentials, or a provider of credentials failed. Nothing was sent to ECS.

    Attributes:
        provider: The name that botocore has for the provider, such as `sso`, `assume-role`, `custom-process` or
            `container-role`; None if unknown, or if no provider has credentials.
        retryable: Whether the provider may succeed later: it was unreachable, throttled, or failed itself.
        sent: Whether an earlier attempt of the same request was sent, with credentials that have expired since.
    """

    retryable = False
    sent = False

    def __init__(self, operation: str, message: str, provider: str | None = None) -> None:
        """Hold the operation that needs credentials, the reason, and the provider."""
        super().__init__(operation, message)
        self.provider = provider

    def _text(self) -> str:
        return f"{super()._text()}; {'an earlier attempt' if self.sent else 'nothing'} was sent"


class MalformedResponseError(TransportError):
    """The response is invalid: truncated, not JSON, not UTF-8, or incomplete.

    Attributes:
        took_effect: Whether the request took effect: the response reports success, but members are missing or have a
            wrong type. If False, this is unknown.
        problems: Pairs of the path of such a member, as ECS names it, such as `tasks[0].taskArn`, and the problem.
    """

    def __init__(
        self, operation: str, message: str, problems: Sequence[tuple[str, str]] = (), *, took_effect: bool = False
    ) -> None:
        """Hold the operation, the reason, and what is wrong in a response that reports success."""
        super().__init__(operation, message)
        self.problems = tuple(problems)
        self.took_effect = took_effect
        self.retryable = not took_effect  # the response would be the same


class ServiceError(EcsError, ClientError):
    """ECS returned an error. It is also a botocore `ClientError`, so that existing handlers catch it.

    Attributes:
        code: The error code of ECS, such as `ClusterNotFoundException`.
        message: The message of ECS.
        operation: Name of the operation, such as `RunTask`.
        region: The region of the client; None for an error that was not made by a client.
        targets: The identifiers in the request, by the name of the argument: `{"cluster": ("prod",)}`.
        request_id: The id that AWS gave the request, or None.
        http_status: HTTP status code of the response, or None.
        attempts: How many times the request was sent.
        retryable: Whether the same request may succeed later.
    """

    def __init__(self, error_response: Mapping[str, Any], operation_name: str) -> None:
        """Hold an error response as parsed by botocore: `Error` and `ResponseMetadata`."""
        super().__init__(cast("Any", error_response), operation_name)
        self._answer = error_response
        error, metadata = error_response.get("Error", {}), error_response.get("ResponseMetadata", {})
        self.code: str = str(error.get("Code", ""))
        self.message: str = str(error.get("Message", ""))
        self.operation = operation_name
        self.region: str | None = None
        self.targets: Mapping[str, Sequence[str]] = {}
        self.request_id: str | None = metadata.get("RequestId")
        self.http_status: int | None = metadata.get("HTTPStatusCode")
        self.attempts: int = metadata.get("RetryAttempts", 0) + 1

    def _text(self, *, coded: bool = False) -> str:
        answer = [f"HTTP {self.http_status}"] if self.http_status else []
        answer += [f"request {self.request_id}"] if self.request_id else []
        answer += [f"{self.attempts} attempts"] if self.attempts > 1 else []
        details = "; ".join(filter(None, [where(self.targets, self.region), ", ".join(answer)]))
        code = [self.code] if coded or self.code != type(self).__name__ else []
        text = ": ".join([self.operation, *code, self.message.removesuffix(".") or "(no message)"])
        return f"{text} ({details})" if details else text

    def __reduce__(self) -> tuple[Any, ...]:
        # ClientError has its own, which calls __init__ and drops all other state.
        return EcsError.__reduce__(self)


class NotFoundError(ServiceError):
    """A resource in the request does not exist, or not in this cluster, account or region."""


class ConflictError(ServiceError):
    """The request conflicts with an earlier request or with a change that is under way.

    `retryable` is true if the change ends by itself.
    """


class StateError(ServiceError):
    """A resource in the request is in a state that does not allow the operation."""


class LimitError(ServiceError):
    """The request would exceed a quota of the account."""


class InvalidRequestError(ServiceError):
    """ECS does not accept the parameters of the request."""


class CapacityError(ServiceError):
    """There is no room for the tasks now, or too many tasks run. The same request may succeed minutes later.

    ECS has no error of its own for this. So the error also has the class of the error that it used, such as
    `ClientException` or `InvalidParameterException`.
    """

    retryable = True


class UnsupportedError(ServiceError):
    """The feature is not available in this region, platform version or task definition."""


class AccessDeniedError(ServiceError):
    """Permission is missing, or the credentials are expired or invalid."""


class ThrottledError(ServiceError):
    """Too many requests. The same request may succeed a little later."""

    retryable = True


class ServerError(ServiceError):
    """ECS failed. The same request may succeed later."""

    retryable = True


class WaitCancelled(EcsError):
    """The `cancel` event of a wait was set."""

    def _text(self) -> str:
        return "the wait was cancelled by its `cancel` event"


class FailureDetails(Protocol):
    """The attributes of `ecskit.models.Failure`, which imports this module."""

    @property
    def arn(self) -> str | None:
        """ARN of the item that failed."""
        ...

    @property
    def reason(self) -> str | None:
        """The reason as a code, such as `MISSING`."""
        ...

    @property
    def detail(self) -> str | None:
        """More about the reason."""
        ...


class FailuresError(EcsError):
    """A successful response lists `failures`: ECS did not process a part of the request.

    Attributes:
        operation: Name of the operation.
        failures: ARN, reason and detail of each item that failed.
        response: The whole response, with the items that succeeded.
        retryable: Whether what failed may succeed later: each reason is one that passes, such as a lack of capacity.
    """

    def __init__(self, operation: str, failures: Sequence[FailureDetails], response: Any = None) -> None:
        """Hold the failures and their response."""
        super().__init__(operation, failures)
        from .reasons import passes  # most programs start without this table

        self.operation = operation
        self.failures = tuple(failures)
        self.response = response
        self.retryable = bool(self.failures) and all(passes(each.reason, each.detail) for each in self.failures)

    def _text(self) -> str:
        reasons = [
            f"{f.reason or 'no reason given'}{f' ({f.detail})' if f.detail else ''}{f' for {f.arn}' if f.arn else ''}"
            for f in self.failures
        ]
        metadata = getattr(self.response, "metadata", None)
        request = f" (request {metadata.request_id})" if metadata and metadata.request_id else ""
        return f"{self.operation}: {len(reasons)} failed: {listed(reasons, separator='; ')}{request}"


class PaginationError(EcsError):
    """ECS sent the same page token twice, so the list cannot be read to its end."""

    def __init__(self, operation: str) -> None:
        """Hold the operation of the list."""
        super().__init__(operation)
        self.operation = operation

    def _text(self) -> str:
        return f"{self.operation}: ECS sent the same page token twice; stopped, because the list would never end"
