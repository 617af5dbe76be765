"""A stand-in for the network inside a botocore client: it keeps what would be sent, and answers at once."""

from __future__ import annotations

import inspect
import json
from typing import Any

from botocore.awsrequest import AWSResponse

__all__ = ["Recorder"]


class Recorder:
    """Answers the requests of a client, which never leave the process."""

    def __init__(self, client: Any) -> None:
        self.body = b""
        """What the last request carried."""
        self.answer: Any = {}
        """What the next ones are answered with, as JSON unless it is bytes."""
        self.status = 200
        self._async = inspect.iscoroutinefunction(client._make_api_call)
        client.meta.events.register("before-send.ecs", self._respond)

    def _respond(self, request: Any, **_: Any) -> Any:
        self.body = request.body if isinstance(request.body, bytes) else request.body.encode()
        content = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        headers: Any = {"x-amzn-requestid": "request-1", "content-type": "application/x-amz-json-1.1"}
        if self._async:
            from aiobotocore.awsrequest import AioAWSResponse

            return AioAWSResponse(request.url, self.status, headers, _AioRaw(content))
        return AWSResponse(request.url, self.status, headers, _Raw(content))


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Any:
        yield self._content


class _AioRaw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self) -> bytes:
        return self._content
