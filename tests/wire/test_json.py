"""The extra `speed` decodes as the standard library does."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from ecskit import models
from ecskit._core import wire
from ecskit._core.effects import RawResponse
from ecskit.errors import MalformedResponseError

pytest.importorskip("orjson")

NUMBERS = [
    "NaN",
    "-Infinity",
    "1e400",
    "-1E+400",
    "1e-400",
    "-0",
    "-0.0",
    "01",
    "1.",
    "0.1e1",
    "12345678901234567890.5",
]
TEXTS = [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude80"',
    '"\\u0000"',
    '"\n"',
    '"\x7f"',
    "'a'",
    "[1,]",
    "",
    " ",
    "\ufeff1",
]
_VALUES: st.SearchStrategy[str] = st.recursive(
    st.one_of(
        st.sampled_from(["null", "true", "false", *NUMBERS, *TEXTS]),
        st.integers().map(str),
        st.integers(-(2**70), 2**70).map(str),
        st.floats().map(json.dumps),
        st.tuples(st.integers(), st.integers(0, 30), st.integers(-330, 330)).map(lambda n: f"{n[0]}.{n[1]}e{n[2]}"),
        st.text(max_size=5).map(json.dumps),
        st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(st.sampled_from("ab"), inner), max_size=3).map(
            lambda pairs: f"{{{','.join(f'{json.dumps(key)}:{value}' for key, value in pairs)}}}"
        )
    ),
    max_leaves=8,
)


def decoded(loads: Any, body: bytes) -> tuple[str, Any]:
    """Return how a body is decoded, in a form that shows types, the sign of zero and NaN."""
    try:
        return "value", repr(loads(body))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        return "error", isinstance(error, UnicodeDecodeError)


@settings(settings.get_profile("wire"), max_examples=500)
@given(body=_VALUES.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=10))
@example(body=str(2**64 - 1).encode())
@example(body=str(2**64).encode())
@example(body=str(-(2**63)).encode())
@example(body=str(-(2**63) - 1).encode())
@example(body=b'{"a": [1' + b"0" * 400 + b"]}")
@example(body=b"9" * 5000)
@example(body=b'"' + b"0" * 50 + b'"')
@example(body=b"\xef\xbb\xbf{}")
@example(body=b'"\xed\xa0\x80"')
def test_both_decoders_agree(body: bytes) -> None:
    """Random JSON, and what is almost JSON: the same values of the same types, or an error from both."""
    assert decoded(wire._standard, body) == decoded(wire._loads(), body)


def test_numbers_and_texts_reach_the_models() -> None:
    """A large integer in a member and in an unknown one, a lone surrogate, and an infinite number."""
    body = (
        b'{"tasks": [{"taskArn": "a\\ud800", "lastStatus": "X", "desiredStatus": "Y", "version": 123456789012345678901,'
    )
    body += b' "tomorrow": [98765432109876543210, 1e400]}]}'
    loads, wire.loads = wire.loads, wire._loads()
    try:
        response = wire.decode_response("DescribeTasks", models.DescribeTasksResponse, RawResponse(body, {}), None)
        with pytest.raises(MalformedResponseError, match="is not UTF-8"):
            wire.decode_response("DescribeTasks", models.DescribeTasksResponse, RawResponse(b'"\xff"', {}), None)
    finally:
        wire.loads = loads
    (task,) = response.tasks
    assert ("a\ud800", 123456789012345678901) == (task.task_arn, task.version)
    assert {"tomorrow": [98765432109876543210, math.inf]} == dict(task.extra_fields)
