"""An HTTP proxy that makes tunnels for CONNECT, with TLS and a password if wanted, in threads."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["ConnectProxy", "connect_proxy"]


class ConnectProxy:
    """A proxy on loopback. All names lead to loopback, so that tests need no DNS."""

    def __init__(self, *, login: str | None, tls: ssl.SSLContext | None, refuses: int | None) -> None:
        self.requests: list[str] = []
        """The host and port of each CONNECT."""
        self.heads: list[str] = []
        """Their requests."""
        self._expected = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
        self._tls, self._refuses = tls, refuses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _start(self, target: object, *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                self._open.append(accepted)
                self._start(self._serve, accepted)

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
            self._open.append(client)
            head = b""
            while b"\r\n\r\n" not in head:
                got = client.recv(4096)
                if not got:
                    return client.close()
                head += got
            lines = head.decode().splitlines()
            self.requests.append(lines[0].split()[1])
            self.heads.append(head.decode())
            given = next((line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization")), None)
            status = 407 if given != self._expected else self._refuses
            if status:
                client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
                return client.close()
            port = int(self.requests[-1].rpartition(":")[2])
            target = socket.create_connection(("127.0.0.1", port))
            self._open.append(target)
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            self._start(self._pass_on, target, client)
            return self._pass_on(client, target)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all tunnels and threads."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()


@contextmanager
def connect_proxy(
    *, login: str | None = None, tls: ssl.SSLContext | None = None, refuses: int | None = None
) -> Generator[ConnectProxy, None, None]:
    """Run a proxy that wants `login`, `user:password`, or refuses all with a status."""
    proxy = ConnectProxy(login=login, tls=tls, refuses=refuses)
    try:
        yield proxy
    finally:
        proxy.close()
