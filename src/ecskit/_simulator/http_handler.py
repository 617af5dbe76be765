"""Answer the HTTP requests of one connection: framing, methods and protocol. The simulator answers what they hold.

Any client must get an answer in the protocol that its SDK reads, also for a request that is wrong as HTTP. The base
class would answer in HTML.
"""

from __future__ import annotations

import contextlib
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from ecskit._simulator.errors import LostAnswerError, SimulatedError
from ecskit._simulator.wire import CONTENT_TYPE, render_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecskit._simulator.botocore_events import Respond
    from ecskit._simulator.wire import Response

__all__ = ["HttpHandler"]

_LONGEST_LINE = 65536
"""The maximum length of a line of a chunked body, in bytes."""
_LARGEST_BODY = 2**26
"""The maximum size of a body, or of a chunk, in bytes: room is made before it arrives."""


class _DisconnectedError(Exception):
    """The connection ended inside a request, which is then not performed."""


class HttpHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"
    server_version = "ecskit.testing"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, respond: Respond, failed: Callable[[Exception], object], *arguments: Any) -> None:
        """Answer all requests with `respond`. `failed` records errors of the simulator, which no answer shows."""
        self._respond, self._failed = respond, failed
        super().__init__(*arguments)

    def do_POST(self) -> None:
        """Answer a request, or close the connection if a fault loses the answer."""
        if self.request_version < "HTTP/1.1":
            self.close_connection = True  # keeping it needs a header in the answer of HTTP/1.0
        try:
            body = b"".join(self._body())
            self._check_protocol()
            response = self._respond(self.headers.get("X-Amz-Target", ""), body)
        except SimulatedError as error:
            response = render_error(error, str(uuid.uuid4()))
        except _DisconnectedError:
            self.close_connection = True
            return
        except LostAnswerError as lost:
            self.close_connection = True
            if lost.loss == "timeout":
                self._wait_for_disconnect()
            return
        except Exception as error:  # noqa: BLE001  # the client gets no answer
            self._failed(error)
            self.close_connection = True
            self.log_error("%r", error)
            return
        self._answer(response)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what is no POST request, and close the connection. The base class calls this."""
        self.close_connection = True
        text = f"{message or 'This is no HTTP request'}. Requests for ECS are POST requests with X-Amz-Target."
        if self.command and code == 501:
            code, text = 405, f"{self.command} is not supported. Requests for ECS are POST requests with X-Amz-Target."
        error = SimulatedError("UnknownOperationException" if code == 405 else "SerializationException", text, code)
        self._answer(render_error(error, str(uuid.uuid4())), {"Allow": "POST"} if code == 405 else {})

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: some clients, such as Java's, wait for this for seconds."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no requests: `Simulator.calls` has them."""

    def _answer(self, response: Response, headers: dict[str, str] | None = None) -> None:
        if len(response.body) < int(response.headers["Content-Length"]):
            self.close_connection = True
        closing = {"Connection": "close"} if self.close_connection else {}
        self.send_response(response.status)
        for name, value in {**response.headers, **(headers or {}), **closing}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def _check_protocol(self) -> None:
        content_type = self.headers.get("Content-Type", "")
        other = self.headers.get("Smithy-Protocol") or (content_type if "cbor" in content_type else "")
        if other:
            raise SimulatedError(
                "UnknownOperationException", f"The protocol must be AWS JSON 1.1 ({CONTENT_TYPE}), not {other}.", 415
            )
        encoding = self.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise SimulatedError("SerializationException", f"The body must not be compressed, as by {encoding}.", 415)

    def _body(self) -> Iterator[bytes]:
        """Yield the parts of the body."""
        lengths, coding = self.headers.get_all("Content-Length", []), self.headers.get("Transfer-Encoding", "")
        if coding.lower() == "chunked" and not lengths:
            yield from self._chunks()
        elif coding or len(lengths) > 1:
            raise self._malformed("It needs either one Content-Length or Transfer-Encoding: chunked")
        elif lengths:
            yield self._read(self._number(lengths[0].strip(), 10, "Content-Length"))

    def _chunks(self) -> Iterator[bytes]:
        while size := self._number(self._line().partition(";")[0].strip(), 16, "the size of a chunk"):
            yield self._read(size)
            if self._line():
                raise self._malformed("A chunk is longer than its size")
        while self._line():
            pass  # trailers

    def _number(self, text: str, base: int, what: str) -> int:
        if not text.isascii() or not text.isalnum():
            raise self._malformed(f"{what} must be a number: {text!r}")
        try:
            return int(text, base)
        except ValueError:
            raise self._malformed(f"{what} must be a number: {text!r}") from None

    def _malformed(self, problem: str, status: int = 400) -> SimulatedError:
        self.close_connection = True  # it is unknown where the next request begins
        return SimulatedError("SerializationException", f"The body of the request cannot be read. {problem}.", status)

    def _read(self, size: int) -> bytes:
        if size > _LARGEST_BODY:
            raise self._malformed(f"It is larger than {_LARGEST_BODY} bytes", 413)
        part = self.rfile.read(size)
        if len(part) < size:
            raise _DisconnectedError
        return part

    def _line(self) -> str:
        line = self.rfile.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise _DisconnectedError
        return line.decode("latin-1").strip()

    def _wait_for_disconnect(self) -> None:
        """Return when the client or the server closes the connection."""
        with contextlib.suppress(OSError):
            while self.connection.recv(1):
                pass
