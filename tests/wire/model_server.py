"""A server on loopback that knows ECS only by its service model.

It refuses what the model does not allow, records what it accepts, and answers with samples of the output shapes unless
a test has scripted other answers.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import attrs

from .support import API, SHAPES, Sampler, input_shape, output_shape

PREFIX = API["metadata"]["targetPrefix"]
CONTENT_TYPE = "application/x-amz-json-1.1"
_TYPES: dict[str, tuple[type[Any], ...]] = {
    "structure": (dict,),
    "list": (list,),
    "map": (dict,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "timestamp": (int, float),
}


@attrs.frozen
class Seen:
    """A request as it came."""

    operation: str
    input: Any
    body: bytes
    headers: dict[str, str]
    answer: Any = None
    """What the server answered, where it made that up itself."""


@attrs.frozen
class Answer:
    """A scripted answer."""

    body: bytes = b"{}"
    status: int = 200
    content_type: str = CONTENT_TYPE
    cut: int | None = None
    """Promise the whole body, send this many bytes of it and hang up."""
    delay: float = 0.0
    hang_up: bool = False
    """Close the connection without a word."""

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Answer:
        """Answer with JSON."""
        return cls(json.dumps(value).encode(), status)

    @classmethod
    def error(cls, code: str, message: str = "reported by the server", status: int = 400, **members: Any) -> Answer:
        """Answer with an error as ECS does."""
        return cls.of({"__type": code, "message": message, **members}, status)


def violations(shape: str, value: Any, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a value that should be of a shape."""
    spec = SHAPES[shape]
    kind: str = spec["type"]
    # `type`, because neither a bool is an int here nor anything else a bool.
    if type(value) not in _TYPES[kind]:
        yield f"{path}: {type(value).__name__} for {kind}"
        return
    size = value if kind in ("integer", "long", "double") else len(value) if kind in ("string", "list") else None
    if size is not None and not spec.get("min", float("-inf")) <= size <= spec.get("max", float("inf")):
        yield f"{path}: {size} is out of bounds"
    if kind == "string" and "enum" in spec and value not in spec["enum"]:
        yield f"{path}: not in the enum"
    if kind == "structure" and not spec.get("document"):
        yield from (f"{path}.{m}: missing" for m in spec.get("required", ()) if m not in value)
        yield from (f"{path}.{m}: unknown" for m in value if m not in spec["members"])
        if spec.get("union") and len(value) != 1:
            yield f"{path}: {len(value)} members in a union"
        for member in value.keys() & spec["members"].keys():
            yield from violations(spec["members"][member]["shape"], value[member], f"{path}.{member}")
    if kind == "list":
        for i, item in enumerate(value):
            yield from violations(spec["member"]["shape"], item, f"{path}[{i}]")
    if kind == "map":
        for key, item in value.items():
            yield from violations(spec["value"]["shape"], item, f"{path}[{key}]")


class ModelServer:
    """The server; `url` is where it listens."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: deque[Answer] = deque()
        """Answers to give first."""
        self.full = False
        """Whether answers have all members, or those only without which they would be none."""
        self.turn = 0
        """Which member a union in an answer begins with."""
        self.strict = True
        """Whether to refuse what the service model does not know."""
        self._ids = itertools.count(1)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def reset(self) -> None:
        """Forget what was seen and scripted."""
        self.seen.clear()
        self.script.clear()
        self.full, self.turn, self.strict = False, 0, True

    def will(self, *answers: Answer) -> None:
        """Give these answers to the next requests."""
        self.script.extend(answers)

    @property
    def last(self) -> Seen:
        """The last request."""
        return self.seen[-1]

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, operation: str, value: Any) -> tuple[Answer, Any]:
        """Return the answer to a request, and the value in it where it is a sample."""
        if self.script:
            return self.script.popleft(), None
        wrong = list(violations(input_shape(operation), value)) if self.strict else []
        if wrong:
            return Answer.error("ValidationException", "; ".join(wrong)), None
        sample = Sampler(full=self.full, turn=self.turn).make(output_shape(operation))
        return Answer.of(sample), sample

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                prefix, operation = self.headers["X-Amz-Target"].split(".")
                assert (prefix, self.path) == (PREFIX, "/")
                assert self.headers["Content-Type"] == CONTENT_TYPE
                assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
                value = json.loads(body)
                answer, sample = server.answer(operation, value)
                headers = {key.lower(): text for key, text in self.headers.items()}
                server.seen.append(Seen(operation, value, body, headers, sample))
                if answer.delay:
                    time.sleep(answer.delay)
                if answer.hang_up:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.send_header("x-amzn-RequestId", f"request-{next(server._ids)}")
                self.end_headers()
                if answer.cut is not None:
                    self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):  # a client that no longer waits
                    self.wfile.write(answer.body[: answer.cut])

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@contextmanager
def serving() -> Generator[ModelServer, None, None]:
    """Run a server."""
    server = ModelServer()
    try:
        yield server
    finally:
        server.close()
