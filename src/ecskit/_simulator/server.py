"""Serve a simulator over HTTP, on the loopback interface only.

The operation is in a header, so the path of a request is ignored. Signatures are not checked.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from ecskit._simulator.errors import not_simulated
from ecskit._simulator.http_handler import HttpHandler
from ecskit._simulator.scaled_clock import ScaledClock
from ecskit._simulator.simulator import Simulator

if TYPE_CHECKING:
    from ssl import SSLContext
    from types import TracebackType

    from tenacity.wait import wait_base

    from ecskit._polling.budget import PollBudget
    from ecskit._simulator.exec.stream_server import StreamServer
    from ecskit._simulator.read_options import Lag
    from ecskit.aio import AsyncClient
    from ecskit.client import Client

_HOST = "127.0.0.1"


class SimulatorServer:
    """Serve a simulator over HTTP on 127.0.0.1. A context manager, which closes the server at the end.

    Args:
        simulator: The simulator to serve. Default: a new one, made from `speed`, `seed` and `lag`, which are ignored
            otherwise. The own clock of a given simulator does not move by itself: `client` and `async_client` move it
            when they sleep, or `simulator.clock.advance`. Give it `now=ScaledClock(...)` for clients of other programs.
        port: The port. Default 0: a free one.
        speed: Simulated seconds per second of the wall clock. Default 1.
        seed: The root of all randomness. Default 0.
        lag: How far reads are behind. Default: every read is current.
        ssl_context: The TLS of the WebSockets of ECS Exec, such as `ssl.create_default_context(Purpose.CLIENT_AUTH)`
            with a certificate for 127.0.0.1. HTTP stays without. Default: none.

    Raises:
        OSError: The port is in use.
    """

    def __init__(
        self,
        simulator: Simulator | None = None,
        *,
        port: int = 0,
        speed: float = 1.0,
        seed: int = 0,
        lag: Lag | None = None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self._ssl_context = ssl_context
        self._streams: StreamServer | None = None
        self._simulator = simulator or Simulator(now=ScaledClock(speed=speed), seed=seed, lag=lag)
        self._http = _HttpServer((_HOST, port), self._simulator)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self._simulator._account.exec.streams = self._streams_url

    @property
    def simulator(self) -> Simulator:
        """The simulator that is served: script it, inject faults, and read its tasks and calls."""
        return self._simulator

    @property
    def url(self) -> str:
        """The URL, for the `endpoint_url` of a client."""
        return f"http://{_HOST}:{self._http.server_port}"

    def client(
        self,
        *,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> Client:
        """Return a sync client of this server: endpoint, region and credentials are set, and nothing else is read.

        Its requests are sent over HTTP, with ecskit's retries, past any proxy. Its waits run at the speed of the
        server. Close it before the server.

        Args:
            poll: As for a client of ECS.
            polls_per_second: As for a client of ECS.
            budget: As for a client of ECS.

        Raises:
            ConfigurationError: An argument has a wrong type.
        """
        return self._simulator._for_client(url=self.url).client(
            poll=poll, polls_per_second=polls_per_second, budget=budget
        )

    def async_client(
        self,
        *,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> AsyncClient:
        """Return an async client of this server, as that of `client`.

        Args:
            poll: As for a client of ECS.
            polls_per_second: As for a client of ECS.
            budget: As for a client of ECS.

        Raises:
            ConfigurationError: An argument has a wrong type.
            MissingExtraError: The extra `async` is not installed.
        """
        return self._simulator._for_client(url=self.url).async_client(
            poll=poll, polls_per_second=polls_per_second, budget=budget
        )

    def close(self) -> None:
        """Stop serving and close open connections. A second call does nothing.

        Raises:
            SimulatorBug: The simulator built an answer that the service model forbids.
        """
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
            self._http.cut_connections()
            self._http.server_close()
            if self._streams is not None:
                self._streams.close()
        if self._http.failures:
            raise self._http.failures.pop(0)

    def _streams_url(self) -> str:
        """Return where the streams of ECS Exec are, which are served from the first call on.

        Raises:
            SimulatedError: `NotSimulatedException`: the extra `exec` is not installed, or the clock is virtual.
        """
        speed = self._simulator._speed
        if speed is None:
            raise not_simulated("ECS Exec over HTTP with its own clock; make the simulator with now=ScaledClock()")
        if self._streams is None:
            try:
                from ecskit._simulator.exec.stream_server import StreamServer
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] != "websockets":
                    raise
                raise not_simulated("ECS Exec over HTTP without websockets: pip install 'ecskit[exec]'") from error
            self._streams = StreamServer(
                connection=self._simulator._connection,
                opening_fault=self._simulator._opening_fault,
                locked=self._simulator._held,
                time=self._simulator.time,
                speed=speed,
                failed=self._http.failures.append,
                ssl_context=self._ssl_context,
            )
        return self._streams.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.failures: list[Exception] = []
        super().__init__(address, partial(HttpHandler, simulator.respond, self.failures.append))
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore lost connections. `HttpHandler` records the errors of the simulator."""

    def cut_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
