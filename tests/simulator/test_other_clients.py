"""The server, as clients of other SDKs and languages use it: raw HTTP, with the headers that they send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected, parse_headers
from typing import Any
from urllib.parse import urlsplit

import attrs
import boto3
import pytest
from support.definitions import NETWORK

from ecskit.testing import Fault, SimulatorServer

from .support import World

TARGET = "AmazonEC2ContainerServiceV20141113."
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=x/20261129/us-east-1/ecs/aws4_request,"
    " SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=2f5a8e81"
)
AWS_CLI_1 = {
    "Accept-Encoding": "identity",
    "Content-Type": "application/x-amz-json-1.1",
    "User-Agent": "aws-cli/1.46.3 md/Botocore#1.43.62 ua/2.1 os/linux#6.18 lang/python#3.11.7 cfg/retry-mode#legacy",
    "X-Amz-Date": "20261129T052652Z",
    "Authorization": SIGNED,
    "amz-sdk-invocation-id": "5ee67222-517f-4713-bbb1-ca3c88996bdf",
    "amz-sdk-request": "attempt=1",
}
AWS_CLI_2 = AWS_CLI_1 | {
    "User-Agent": "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.18 exec-env/CloudShell cfg/retry-mode#standard",
    "amz-sdk-request": "attempt=1; max=3",
    "X-Amz-Security-Token": "IQoJb3JpZ2luX2VjE",
}
JAVA_2 = {
    "Content-Type": "application/x-amz-json-1.1",
    "User-Agent": "aws-sdk-java/2.31.0 md/io#sync md/http#Apache ua/2.1 api/ECS#2.31.x lang/java#17.0.9",
    "X-Amz-Date": "20261129T052652Z",
    "Authorization": SIGNED,
    "amz-sdk-invocation-id": "bdd90f8a-41a4-04c5-8e7c-1e9a2d1ad9b3",
    "Connection": "Keep-Alive",
}
RUN = {
    "cluster": "default",
    "taskDefinition": "web",
    "launchType": "FARGATE",
    "networkConfiguration": NETWORK,
    "clientToken": "0d5a3f1e-7f0b-4a57-9a71-3f5f0a1f8f11",
}


@attrs.frozen
class Wired:
    """A connection to a server."""

    world: World
    server: SimulatorServer
    http: HTTPConnection

    def post(self, operation: str, body: Any, headers: dict[str, str], **options: Any) -> tuple[int, dict[str, Any]]:
        """Send a request for an operation, and return status and body."""
        data = body if isinstance(body, (bytes, Iterator)) else json.dumps(body).encode()
        return self.request("POST", "/", data, {"X-Amz-Target": TARGET + operation, **headers}, **options)

    def request(self, method: str, path: str, *arguments: Any, **options: Any) -> tuple[int, dict[str, Any]]:
        """Send a request, and return status and body."""
        self.http.request(method, path, *arguments, **options)
        response = self.http.getresponse()
        assert response.getheader("Content-Type") == "application/x-amz-json-1.1"
        text = response.read()
        return response.status, json.loads(text) if text else {}

    def raw(self, *parts: bytes) -> list[tuple[int, dict[str, Any]]]:
        """Send bytes over a connection of its own, and return the answers until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.http.port or 0), timeout=5) as connection:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            return list(answers(connection))

    @property
    def operations(self) -> list[str]:
        """The operations that were performed or refused."""
        return [call.operation for call in self.world.sim.calls]


def answers(connection: socket.socket) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the answers until the end of a connection."""
    with connection.makefile("rb") as stream:
        while line := stream.readline():
            length = int(parse_headers(stream)["Content-Length"])
            yield int(line.split()[1]), json.loads(stream.read(length))


@pytest.fixture
def wired(world: World) -> Iterator[Wired]:
    world.register()
    with SimulatorServer(world.sim) as server:
        http = HTTPConnection(urlsplit(server.url).netloc, timeout=5)
        yield Wired(world, server, http)
        http.close()


@pytest.mark.parametrize("headers", [AWS_CLI_1, AWS_CLI_2, JAVA_2], ids=["aws-cli 1", "aws-cli 2", "Java 2"])
def test_the_requests_of_other_sdks(wired: Wired, headers: dict[str, str]) -> None:
    """A creation, a launch, lists and an error, each with the body that this SDK sends, over one connection."""
    assert wired.post("ListClusters", {}, headers)[0] == 200
    connection = wired.http.sock
    status, answer = wired.post("CreateCluster", {"clusterName": "prod", "tags": [{"key": "a", "value": "b"}]}, headers)
    assert (status, answer["cluster"]["tags"]) == (200, [{"key": "a", "value": "b"}])
    status, answer = wired.post("RunTask", {**RUN, "cluster": "prod", "count": 2}, headers)
    assert (status, len(answer["tasks"]), answer["failures"]) == (200, 2, [])
    status, answer = wired.post("ListTasks", {"cluster": "nope"}, headers)
    assert (status, answer) == (400, {"__type": "ClusterNotFoundException", "message": "Cluster not found."})
    status, answer = wired.post("ListTasks", {"cluster": "prod", "maxResults": 1, "nextToken": None}, headers)
    assert (status, len(answer["taskArns"])) == (200, 1)
    assert wired.http.sock is connection is not None


class Answered(Exception):  # noqa: N818  # not an error
    """There was an answer."""


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (Fault.reset(after_effect=True), RemoteDisconnected),
        (Fault.cut(), IncompleteRead),
        (Fault.server_error(), Answered),
    ],
)
def test_a_retry_of_the_java_sdk_starts_nothing_twice(wired: Wired, lost: Fault, expected: type[Exception]) -> None:
    """The second attempt has the same invocation id and client token, and the answer is that of the first."""
    wired.world.sim.fail("RunTask", lost)
    attempts = [f"attempt={number}; max=3" for number in (1, 2, 3)]
    with pytest.raises(expected):
        raise Answered(*wired.post("RunTask", RUN, {**JAVA_2, "amz-sdk-request": attempts[0]}))
    wired.http.close()
    second, third = (wired.post("RunTask", RUN, {**JAVA_2, "amz-sdk-request": each}) for each in attempts[1:])
    assert (200, second) == (second[0], third)
    assert [task["taskArn"] for task in second[1]["tasks"]] == [state.arn for state in wired.world.sim.tasks()]


def test_a_client_that_waits_before_it_sends_the_body(wired: Wired) -> None:
    """`Expect: 100-continue`, as Java's Apache client sends it, is answered at once."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET}ListClusters\r\nContent-Length: 2\r\n"
    with socket.create_connection(("127.0.0.1", wired.http.port or 0), timeout=5) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        connection.shutdown(socket.SHUT_WR)
        [(status, answer)] = answers(connection)
    assert (status, len(answer["clusterArns"])) == (200, 1)


def test_a_body_in_chunks(wired: Wired) -> None:
    """A body of unknown length arrives whole, and the connection goes on."""
    parts = iter([b'{"cluster', b'Name": ', b'"prod"}'])
    status, answer = wired.post("CreateCluster", parts, JAVA_2, encode_chunked=True)
    assert (status, answer["cluster"]["clusterName"]) == (200, "prod")
    connection = wired.http.sock
    assert wired.post("ListClusters", {}, JAVA_2)[0] == 200
    assert wired.http.sock is connection


def test_a_big_body(wired: Wired) -> None:
    """Megabytes are read, also before an error, and the connection goes on."""
    definition: dict[str, Any] = {
        "family": "big",
        "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 128, "command": ["x" * 1000] * 3000}],
    }
    status, answer = wired.post("CreateCluster", b'{"clusterName": "big"' + b" " * 3_000_000 + b"}", AWS_CLI_2)
    assert (status, answer["cluster"]["clusterName"]) == (200, "big")
    status, answer = wired.post("RegisterTaskDefinition", definition, AWS_CLI_2)
    assert (status, answer["__type"]) == (400, "ClientException")
    body = b'{"clusterName": "big"' + b" " * 3_000_000 + b"}"
    status, answer = wired.post("CreateCluster", body, AWS_CLI_2)
    assert (status, answer["cluster"]["clusterName"]) == (200, "big")
    assert wired.post("ListClusters", {}, AWS_CLI_2)[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_another_method(wired: Wired, method: str) -> None:
    """The answer is an error in the protocol of ECS that names what a request needs, not a page in HTML."""
    status, answer = wired.request(method, "/health", b"{}" if method == "PUT" else None)
    assert status == 405
    if method != "HEAD":
        assert answer == {
            "__type": "UnknownOperationException",
            "message": f"{method} is not supported. Requests for ECS are POST requests with X-Amz-Target.",
        }
    assert wired.post("ListClusters", {}, AWS_CLI_2)[0] == 200
    assert wired.operations == ["RegisterTaskDefinition", "ListClusters"]


def head(*headers: str, target: str = f"{TARGET}CreateCluster") -> bytes:
    """Return the head of a request."""
    return "\r\n".join(["POST /any/path HTTP/1.1", "Host: x", f"X-Amz-Target: {target}", *headers, "", ""]).encode()


CBOR = "application/cbor"


@pytest.mark.parametrize(
    ("request_", "status", "code", "message"),
    [
        (head("Content-Length: 2", target="") + b"{}", 400, "UnknownOperationException", "X-Amz-Target must be Amazon"),
        (
            head("Content-Length: 2", target="DynamoDB_20120810.ListTables") + b"{}",
            400,
            "UnknownOperationException",
            "",
        ),
        (head("Content-Length: 2", target=f"{TARGET}Nope") + b"{}", 400, "UnknownOperationException", "Nope"),
        (head("Content-Length: 1") + b"{", 400, "SerializationException", "The body is not JSON"),
        (head("Content-Length: 2") + b"[]", 400, "SerializationException", "must be a JSON object"),
        (head("Content-Length: 99999") + b"[" * 99999, 400, "SerializationException", "The body is not JSON"),
        (head("Content-Length: two") + b"{}", 400, "SerializationException", "Content-Length must be a number: 'two'"),
        (head("Content-Length: 9999999999999") + b"{}", 413, "SerializationException", "larger than"),
        (head("Transfer-Encoding: chunked") + b"fffffffffff\r\n", 413, "SerializationException", "larger than"),
        (head("Content-Length: -2") + b"{}", 400, "SerializationException", "Content-Length must be a number: '-2'"),
        (head("Content-Length: 2", "Content-Length: 3") + b"{}", 400, "SerializationException", "one Content-Length"),
        (head("Content-Length: 2", "Transfer-Encoding: chunked") + b"{}", 400, "SerializationException", "either one"),
        (head("Transfer-Encoding: gzip") + b"{}", 400, "SerializationException", "Transfer-Encoding: chunked"),
        (head("Transfer-Encoding: chunked") + b"x\r\n{}", 400, "SerializationException", "the size of a chunk"),
        (head("Transfer-Encoding: chunked") + b"1\r\n{}\r\n", 400, "SerializationException", "longer than its size"),
        (head("Content-Encoding: gzip", "Content-Length: 2") + b"{}", 415, "SerializationException", "compressed"),
        (head("Smithy-Protocol: rpc-v2-cbor"), 415, "UnknownOperationException", "AWS JSON 1.1"),
        (head(f"Content-Type: {CBOR}", "Content-Length: 1") + b"\xa0", 415, "UnknownOperationException", CBOR),
        (b"nonsense\r\n\r\n", 400, "SerializationException", "Requests for ECS are POST requests"),
        (b"POST / HTTP/9.9\r\n\r\n", 505, "SerializationException", "Requests for ECS are POST requests"),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", 414, "SerializationException", "Requests for ECS are POST"),
    ],
)
def test_a_wrong_request(wired: Wired, request_: bytes, status: int, code: str, message: str) -> None:
    """The answer is an error in the protocol of ECS, and nothing was performed."""
    [(shown, answer)] = wired.raw(request_)
    assert (shown, answer["__type"]) == (status, code)
    assert message in answer["message"]
    assert len(wired.world.do("ListClusters")["clusterArns"]) == 1


@pytest.mark.parametrize(
    "request_",
    [
        head("Content-Length: 30"),
        head("Content-Length: 30") + b'{"clusterName": "',
        head("Transfer-Encoding: chunked"),
        head("Transfer-Encoding: chunked") + b"2\r\n{}\r\n",
        head("Transfer-Encoding: chunked") + b"8\r\n{}",
    ],
)
def test_a_request_that_ends_too_early_is_not_performed(wired: Wired, request_: bytes) -> None:
    """Half a creation creates nothing."""
    assert wired.raw(request_) == []
    assert len(wired.world.do("ListClusters")["clusterArns"]) == 1


def test_requests_without_waiting_for_answers(wired: Wired) -> None:
    """Answers come in order; one with an error does not end the connection; no body means no members."""
    wrong = head("Content-Length: 1") + b"{"
    shown = wired.raw(head("Content-Length: 2") + b"{}" + wrong + head(target=f"{TARGET}ListClusters"))
    assert [status for status, _ in shown] == [200, 400, 200]
    assert "clusterArns" in shown[2][1]


def test_http_1_0(wired: Wired) -> None:
    """The connection ends after the answer."""
    request_ = head("Content-Length: 2", target=f"{TARGET}ListClusters").replace(b"HTTP/1.1", b"HTTP/1.0") + b"{}"
    with socket.create_connection(("127.0.0.1", wired.http.port or 0), timeout=5) as connection:
        connection.sendall(request_)
        [(status, answer)] = answers(connection)
    assert (status, len(answer["clusterArns"])) == (200, 1)


def test_many_clients_at_once(wired: Wired) -> None:
    """Each gets its own answers, and no task is lost or doubled."""

    def one(number: int) -> list[str]:
        options: Any = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        ecs: Any = clients.client("ecs", endpoint_url=wired.server.url, **options)
        ecs.create_cluster(clusterName=f"c{number}")
        for _ in range(3):
            ecs.run_task(**{**RUN, "cluster": f"c{number}", "clientToken": f"token-{number}", "count": 2})
        with pytest.raises(ecs.exceptions.ClusterNotFoundException):
            ecs.list_tasks(cluster="nope")
        found: list[str] = ecs.list_tasks(cluster=f"c{number}")["taskArns"]
        ecs.close()
        return found

    clients = boto3.Session()
    clients.client("ecs", region_name="us-east-1").close()  # loads the model once
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(one, range(8)))
    assert [len(arns) for arns in found] == [2] * 8
    assert all(f"/c{number}/" in arn for number, arns in enumerate(found) for arn in arns)
    assert len(wired.world.sim.tasks()) == 16


def test_a_connection_after_the_server_has_ended(wired: Wired) -> None:
    """A kept connection ends, and the port is free again."""
    assert wired.post("ListClusters", {}, JAVA_2)[0] == 200
    port = wired.http.port
    wired.server.close()
    with pytest.raises((RemoteDisconnected, OSError)):
        wired.post("ListClusters", {}, JAVA_2)
    wired.http.close()
    with SimulatorServer(wired.world.sim, port=port or 0):
        assert wired.post("ListClusters", {}, JAVA_2)[0] == 200
