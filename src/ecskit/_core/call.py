"""One call: fill in the client token, encode the request, send it, decode the response."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from . import wire
from .effects import DrawRandom, Flow, RawResponse, Send
from .errors import EcsError, RequestError, ServiceError, TransportError
from .model import Request, Response
from .sizes import check_sizes
from .targets import targets_of

__all__ = ["call"]

ResponseT = TypeVar("ResponseT", bound=Response)


def call(
    request: Request[ResponseT],
    *,
    single_attempt: bool = False,
    completes: bool = False,
    read: wire.Read | None = None,
) -> Flow[ResponseT]:
    """Send one request and return its typed response.

    A missing client token is filled in before the request is sent, so that all retries use the same token.

    Args:
        request: The request.
        single_attempt: Whether the transport makes one attempt only, because the flow repeats the request itself.
        completes: Whether a cancellation waits for the response; see `Send`.
        read: Makes the response from the text of its body, or returns None: then it is decoded as usual.
    """
    if not isinstance(request, Request):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a request of ecskit.models, such as RunTaskRequest, got {type(request).__name__}"
        raise RequestError("send", [("request", problem)])
    token: str | None = None
    if request._token_length:
        request, token = yield from _with_token(request, request._token_length)
    params = wire.encode(request)
    for name in request._nonempty:
        if not params.get(name, True):
            del params[name]
    check_sizes(type(request).__name__, request._operation, params)
    reply = yield Send(request._operation, params, single_attempt, completes=completes)
    raw: RawResponse | None = None
    try:
        raw = reply.get()
        return wire.decode_response(request._operation, request._response, raw, token, read)  # type: ignore[return-value]  # `_response` is the class of ResponseT
    except EcsError as error:
        error.client_token = token
        if isinstance(error, (ServiceError, TransportError)):
            error.targets = targets_of(params)
            error.region = raw.region if raw else error.region
        raise


def _with_token(request: Any, limit: int) -> Flow[tuple[Any, str]]:
    token = request.client_token
    if token is None:
        drawn: int = (yield DrawRandom()).get()
        token = f"{drawn:032x}"
        request = attrs.evolve(request, client_token=token)
    elif isinstance(token, str) and len(token) > limit:
        problem = f"at most {limit} characters are allowed, this one has {len(token)}"
        raise RequestError(type(request).__name__, [("client_token", problem)])
    return request, token
