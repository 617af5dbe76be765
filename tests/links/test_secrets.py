"""What authenticates: the signature of the opening, and tokens and keys, which no log shows."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from support.connect_proxy import connect_proxy

from ecskit._core.effects import Flow, RawResponse, Reply, Send

from .support import Authority, Linked, ServerConnection, echo, serving

HOST, REGION = "ssmmessages.eu-west-1.amazonaws.com", "eu-west-1"


def signed(date: str, secret: str, host: str, token: str) -> str:
    """Return the signature of a GET without a body, as the documentation of Signature Version 4 computes it."""
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in QUERY)
    canonical = "\n".join(
        [
            *("GET", "/v1/data-channel/s-1", query),
            *(f"host:{host}", f"x-amz-date:{date}", f"x-amz-security-token:{token}", ""),
            *("host;x-amz-date;x-amz-security-token", hashlib.sha256(b"").hexdigest()),
        ]
    )
    scope = f"{date[:8]}/{REGION}/ssmmessages/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (date[:8], REGION, "ssmmessages", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


QUERY = [("cell-number", "AAEAA/k N0="), ("role", "publish_subscribe")]
"""What the query below is, decoded and in order. A plus is a space, as the client of AWS takes it."""
PATH = "/v1/data-channel/s-1?role=publish_subscribe&cell-number=AAEAA/k+N0="


def test_the_opening_is_signed(linked: Linked, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """To hosts of AWS only, with the credentials of the client; the proxy gets nothing of it."""
    seen: list[Any] = []

    def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers)
        connection.recv()

    with at_debug(caplog), serving(handler, authority.server()) as url, connect_proxy() as proxy:
        port = url.split("/")[2].partition(":")[2]
        proxies = {"https": f"http://127.0.0.1:{proxy.port}"}
        config = Config(proxies=proxies)
        client = linked.client(verify=False, config=config, aws_session_token="token")
        for address in (f"{HOST}:{port}", f"other.example:{port}"):
            linked.close(linked.open(f"wss://{address}{PATH}", client))
        linked.close(linked.open(f"wss://{HOST}:{port}{PATH}&X-Amz-Date=20260101T000000Z", client))
        unsigned = linked.client(verify=False, config=Config(proxies=proxies, signature_version=UNSIGNED))
        linked.close(linked.open(f"wss://{HOST}:{port}{PATH}", unsigned))
        assert not [head for head in proxy.heads if "amz" in head.lower()]
    assert ["Authorization" in headers for headers in seen] == [True, False, False, False]
    text = "WebSocket: there are no credentials, so the request that opens it is not signed"
    assert caplog.messages.count(text) == 1
    logged = [each.getMessage() for each in caplog.records if not each.name.startswith("websockets.server")]
    assert not [text for text in logged if "AWS4-HMAC" in text or "publish_subscribe" in text]
    date, token = seen[0]["X-Amz-Date"], seen[0]["X-Amz-Security-Token"]
    assert token == "token"
    expected = signed(date, "testing", f"{HOST}:{port}", "token")
    assert seen[0]["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=testing/{date[:8]}/{REGION}/ssmmessages/aws4_request,"
        f" SignedHeaders=host;x-amz-date;x-amz-security-token, Signature={expected}"
    )


@contextmanager
def answering(answer: dict[str, Any]) -> Generator[str, None, None]:
    """Answer all requests with the same JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server calls
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Write nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def at_debug(caplog: pytest.LogCaptureFixture) -> Generator[None, None, None]:
    """Log everything, of all libraries."""
    with contextlib.ExitStack() as stack:
        for name in (None, "websockets", "websockets.client", "asyncio", "ecskit", "botocore", "aiobotocore"):
            stack.enter_context(caplog.at_level(logging.DEBUG, name))
        yield


def test_no_log_has_a_message(linked: Linked, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """Not at the level DEBUG, of any library, and not the query of the address."""
    with at_debug(caplog), serving(echo, authority.server()) as url:
        link = linked.open(url, verify=str(authority.bundle))
        linked.send(link, '{"TokenValue": "sentinel"}', b"sentinel in stdin")
        linked.receive_all(link, 2)
        linked.close(link)
    by_server = [each.getMessage() for each in caplog.records if each.name.startswith("websockets.server")]
    others = [each.getMessage() for each in caplog.records if not each.name.startswith("websockets.server")]
    assert [text for text in by_server if "sentinel" in text]
    assert not [text for text in others if "sentinel" in text or "role=secret" in text]


@pytest.mark.parametrize("operation", ["ResumeSession", "GenerateDataKey"])
def test_no_log_has_a_token_or_a_key(linked: Linked, operation: str, caplog: pytest.LogCaptureFixture) -> None:
    """botocore logs the bodies of responses. Those of these operations are hidden, and parsed all the same."""
    resume, secret = operation == "ResumeSession", "c2VudGluZWw="
    params = {"SessionId": "s-1"} if resume else {"KeyId": "key", "NumberOfBytes": 64}

    def flow() -> Flow[Any]:
        reply: Reply[RawResponse] = yield Send(operation, params, service="ssm" if resume else "kms")
        return reply.get().parsed

    with answering({"TokenValue": secret} if resume else {"Plaintext": secret}) as url, at_debug(caplog):
        client = linked.client(endpoint_url=url)
        parsed = linked.run(client._runtime.run(flow()))
    assert parsed["TokenValue" if resume else "Plaintext"] == (secret if resume else b"sentinel")
    assert [text for text in caplog.messages if "bytes, not shown" in text]
    assert not [text for text in caplog.messages if secret in text or "sentinel" in text]


def test_no_log_has_the_token_of_a_command(linked: Linked, caplog: pytest.LogCaptureFixture) -> None:
    """ecskit takes the body before botocore parses it. For observers it is parsed, and they get what they observe."""
    seen: list[Any] = []
    answer = {"session": {"sessionId": "s-1", "streamUrl": "wss://host", "tokenValue": "sentinel"}}
    with answering(answer) as url, at_debug(caplog):
        client = linked.client(endpoint_url=url)
        for _ in range(2):
            sent = client.execute_command(task="t", command="sh", interactive=True)
            session = linked.run(sent).session
            assert "sentinel" not in repr(session)
            assert session.token_value == "sentinel"
            if not seen:
                client.botocore_client.meta.events.register("after-call.ecs", lambda **given: seen.append(given))
    assert len(seen) == 1
    assert seen[0]["parsed"]["session"] == answer["session"]
    assert not [text for text in caplog.messages if "sentinel" in text]
