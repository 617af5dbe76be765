"""The one converter between models and what travels, and the JSON of an answer's body."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .effects import RawResponse
from .errors import MalformedResponseError, RequestError
from .model import Model, Response
from .structuring import response_metadata, set_slot, structure_hook
from .unstructuring import unstructure

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["converter", "decode_response", "encode"]

R = TypeVar("R", bound=Response)

encode = unstructure


def _loads() -> Callable[[bytes], Any]:
    try:
        fast: Callable[[bytes], Any] = importlib.import_module("orjson").loads  # the extra `speed`
    except ImportError:
        return lambda body: json.loads(body.decode())  # as text, because json would guess that bytes are UTF-16
    return fast


loads = _loads()


@functools.cache
def converter() -> Converter:
    """Return the converter that treats models as ECS does and everything else as cattrs does."""
    from cattrs import Converter  # loaded on first use: importing ecskit does not pay for it

    made = Converter()
    made.register_structure_hook_factory(_is_model, structure_hook)
    made.register_unstructure_hook_func(_is_model, unstructure)
    return made


def _is_model(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Model)


def decode_response(operation: str, cls: type[R], raw: RawResponse, client_token: str | None) -> R:
    """Make the typed response out of an answer's bytes.

    Raises:
        MalformedResponseError: The body is not the JSON of such a response.
    """
    try:
        # The converter's own hook, without the converter: calls need not load cattrs.
        response: R = structure_hook(cls)(loads(raw.body), cls)
    except RequestError as error:
        raise MalformedResponseError(operation, f"the answer does not hold what it must: {error}") from None
    except (ValueError, RecursionError):
        problem = "JSON" if _is_utf8(raw.body) else "UTF-8"
        message = f"the answer's body of {len(raw.body)} bytes is not {problem}; it may have been cut short"
        raise MalformedResponseError(operation, message) from None
    set_slot(Response, "metadata")(response, response_metadata(raw.metadata, client_token))
    return response


def _is_utf8(body: bytes) -> bool:
    # orjson does not tell the two apart.
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
