"""The loopback server: returns the canned body for N tasks to every request for N tasks.

`python -m benchmarks.server` prints its port and serves until its standard input is closed.
"""

from __future__ import annotations

import functools
import json
import socket
import socketserver
import sys
import threading

from benchmarks import bodies


@functools.cache
def _answer(count: int) -> bytes:
    body = bodies.body(count)
    head = (
        "HTTP/1.1 200 OK\r\n"
        "x-amzn-RequestId: 7f2c1d7e-5d1e-4a7c-9d5e-0c6f6b2f7a10\r\n"
        "Content-Type: application/x-amz-json-1.1\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(socketserver.StreamRequestHandler):
    wbufsize = -1

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line.strip():
                self.answer()

    def answer(self) -> None:
        headers: dict[bytes, bytes] = {}
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
            if hasattr(socket, "TCP_QUICKACK"):
                # With Nagle's algorithm, as in capo-ecs, a client would send its body 40 ms later.
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        targets = json.loads(self.rfile.read(int(headers[b"content-length"])))
        self.wfile.write(_answer(len(targets["tasks"])))
        self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main() -> None:
    with _Server(("127.0.0.1", 0), _Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
