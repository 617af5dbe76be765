"""The converter between models and dicts with wire names, and the decoding of response bodies."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .absent import ABSENT_MAP
from .effects import RawResponse
from .errors import MalformedResponseError, RequestError
from .members import members
from .metadata import response_metadata
from .model import Model, Response
from .structuring import set_slot, structure_hook
from .unstructuring import unstructure
from .wording import listed, shortened

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["Read", "converter", "decode_response", "encode"]

R = TypeVar("R", bound=Response)
Read: TypeAlias = Callable[[bytes, type[Response]], Any]
"""Makes a response from the text of its body, or returns None."""

encode = unstructure


_FOLDED = bytes.maketrans(b"0123456789:[ \t\n\r-", b"0000000000,,,,,,,")
_LONG = b"," + b"0" * 19
"""From 19 digits on, an integer may have more than 64 bits: orjson would make it a float, without an error. Most digits
inside of texts follow something else: ids follow a slash or a quotation mark."""


def _standard(body: bytes) -> Any:
    return json.loads(body.decode())  # as text: json would guess the encoding of bytes


def _loads() -> Callable[[bytes], Any]:
    """Return the decoder of JSON. The extra `speed` makes it faster, and changes no result."""
    try:
        fast: Callable[[bytes], Any] = importlib.import_module("orjson").loads
    except ImportError:
        return _standard

    def loads(body: bytes) -> Any:
        folded = body.translate(_FOLDED)  # an eighth of the time that the standard library needs for the body
        if _LONG in folded or folded.startswith(_LONG[1:]):
            return _standard(body)
        try:
            return fast(body)
        except ValueError:  # such as a lone surrogate, NaN or 1e400, which the standard library accepts
            return _standard(body)

    return loads


loads = _loads()


@functools.cache
def converter() -> Converter:
    """Return the converter for models. It treats all other classes as cattrs does."""
    from cattrs import Converter  # loaded on first use, so that importing ecskit stays fast

    made = Converter()
    made.register_structure_hook_factory(_is_model, structure_hook)
    made.register_unstructure_hook_func(_is_model, unstructure)
    return made


def _is_model(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Model)


def _is_foreign(data: Any, cls: type[Response]) -> bool:
    """Whether an object has members, but none of a response, such as `{"message": "maintenance"}`."""
    known = {member.wire for member in members(cls)}
    return isinstance(data, dict) and bool(known) and bool(data) and known.isdisjoint(data)


def decode_response(
    operation: str, cls: type[R], raw: RawResponse, client_token: str | None, read: Read | None = None
) -> R:
    """Make the typed response from the bytes of its body.

    Raises:
        MalformedResponseError: The body is not JSON, or does not fit the response.
    """
    data: Any = None
    try:
        response: Any = read(raw.body, cls) if read is not None and raw.parsed is None else None
        if response is None:
            data = loads(raw.body) if raw.parsed is None else raw.parsed
            # The hook of the converter, without the converter: calls do not load cattrs.
            response = structure_hook(cls)(data, cls)
    except RequestError as error:
        if not _is_foreign(data, cls):
            # With HTTP 200, ECS has carried out the request. A body that is no JSON object may come from a proxy.
            took_effect = raw.metadata.get("HTTPStatusCode") == 200 and all(path for path, _ in error.problems)
            done = "the request took effect (HTTP 200), but " if took_effect else ""
            text = f"{done}the response is incomplete or has a wrong type: {error}"
            raise MalformedResponseError(operation, text, error.problems, took_effect=took_effect) from None
    except (ValueError, RecursionError) as error:
        problem = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
        message = f"the response body of {len(raw.body)} bytes is not {problem}; it may be truncated"
        raise MalformedResponseError(operation, message) from None
    else:
        if response.extra_fields is ABSENT_MAP or not _is_foreign(data, cls):
            set_slot(Response, "metadata")(response, response_metadata(raw.metadata, client_token))
            return response  # type: ignore[no-any-return]  # an R
    names = listed(shortened(str(each)) for each in data)
    text = f"the response has no member of {cls.__name__}, but {names}; a proxy may have sent it"
    raise MalformedResponseError(operation, text)
