"""`SqsSource` with moto's SQS over HTTP: botocore, aiobotocore, and what goes wrong with queues."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiobotocore.session import get_session
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from typing_extensions import Self

from ecskit import AsyncClient, Client
from ecskit.errors import ClientClosedError, ConfigurationError, EventSourceError, MissingExtraError, RequestError
from ecskit.events import EventBatch, EventCounts, EventReceiver, EventSource, SqsSource, UnknownEvent
from events.messages import ARN, DETAILS, SECRET, envelope, in_sns

DOCS = Path(__file__).parents[2] / "docs" / "events.md"
KEYS: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": SECRET, "region_name": "eu-west-1"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def sqs(moto: str) -> Iterator[Any]:
    client: Any = boto3.client("sqs", endpoint_url=moto, **KEYS)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that sources without a session find. The region is that of the URL, or this one."""
    for name, value in KEYS.items():
        monkeypatch.setenv({"region_name": "AWS_DEFAULT_REGION"}.get(name, name.upper()), value)


@pytest.fixture
def queue(sqs: Any, moto: str) -> Iterator[str]:
    """The URL of an empty queue with a dead-letter queue."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    attributes = {"VisibilityTimeout": "0", "RedrivePolicy": redrive}
    url: str = sqs.create_queue(QueueName="events", Attributes=attributes)["QueueUrl"]
    yield f"{moto}/123456789012/events"
    sqs.delete_queue(QueueUrl=url)


class Blocking:
    """A receiver for asyncio, used like one for threads, so that one test is for both."""

    def __init__(self, source: SqsSource) -> None:
        self.receiver = source.open_async()
        self.runner = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        try:
            self.runner.run_until_complete(self.receiver.__aenter__())
        except BaseException:
            self.runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run_until_complete(self.receiver.__aexit__(None, None, None))
        self.runner.close()

    def receive(self) -> EventBatch:
        return self.runner.run_until_complete(self.receiver.receive())

    def acknowledge(self, batch: EventBatch) -> None:
        self.runner.run_until_complete(self.receiver.acknowledge(batch))

    @property
    def counts(self) -> EventCounts:
        return self.receiver.counts


Opened = Callable[[SqsSource], Any]
OPENED: list[Opened] = [SqsSource.open, Blocking]
both = pytest.mark.parametrize("opened", OPENED, ids=["sync", "async"])


def visible(sqs: Any, queue: str) -> int:
    """Return how many messages a queue has."""
    [number] = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])[
        "Attributes"
    ].values()
    return int(number)


def send(sqs: Any, queue: str, *bodies: Any) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body if isinstance(body, str) else json.dumps(body))


@both
def test_events_are_deleted_when_they_are_acknowledged(
    opened: Opened, sqs: Any, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Foreign ones at once, and what cannot be decoded is left to the dead-letter queue."""
    foreign = envelope("EC2 Instance State-change", {}, source="aws.ec2")
    send(sqs, queue, envelope(id="1"), in_sns(envelope("ECS Comet Sighting", id="2")), foreign, f"not JSON: {SECRET}")
    with opened(SqsSource(queue, wait_seconds=0)) as receiver:
        batch = receiver.receive()
        assert ["1", "2"] == sorted(event.id for event in batch.events)
        assert any(isinstance(event, UnknownEvent) for event in batch.events)
        assert 0 <= batch.age < 30
        assert EventCounts(events=2, foreign=1, undecodable=1) == receiver.counts
        assert 3 == visible(sqs, queue)
        again = receiver.receive()
        assert batch.events == again.events  # nothing was acknowledged
        receiver.acknowledge(again)
        assert 1 == visible(sqs, queue)
        receiver.acknowledge(EventBatch())
        assert () == receiver.receive().events
        assert EventCounts(events=4, acknowledged=2, foreign=1, undecodable=3) == receiver.counts
    [text, *_] = [record.message for record in caplog.records if record.name == "ecskit"]
    assert text.endswith("is left in the queue: the message is no event of ECS: its text of 17 characters is not JSON")
    assert SECRET not in f"{caplog.text} {batch!r}"


@both
def test_ten_messages_are_received_at_once(opened: Opened, sqs: Any, queue: str) -> None:
    """A batch of more than ten, put together by the caller, is deleted in several requests."""
    send(sqs, queue, *(envelope(id=str(number)) for number in range(12)))
    with opened(SqsSource(queue, wait_seconds=0)) as receiver:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "60"})
        batches = [receiver.receive(), receiver.receive()]
        assert [10, 2] == [len(batch.events) for batch in batches]
        whole = EventBatch(receipts=[receipt for batch in batches for receipt in batch.receipts])
        receiver.acknowledge(whole)
        assert EventCounts(events=12, acknowledged=12) == receiver.counts


@both
def test_receiving_waits_for_messages(opened: Opened, sqs: Any, queue: str) -> None:
    """A long poll ends when a message comes."""
    with opened(SqsSource(queue, wait_seconds=20)) as receiver:
        later = threading.Timer(0.1, send, (sqs, queue, envelope()))
        later.start()
        assert 1 == len(receiver.receive().events)
        later.join()


def test_several_threads_receive_from_one_receiver(sqs: Any, queue: str) -> None:
    """All that they receive is counted. moto may give one message to two requests at the same time, as SQS may."""
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "60"})
    send(sqs, queue, *(envelope(id=str(number)) for number in range(25)))
    with SqsSource(queue, wait_seconds=0).open() as receiver, ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: receiver.receive(), range(4)))
        list(pool.map(receiver.acknowledge, batches))
        received = sorted(int(event.id) for batch in batches for event in batch.events)
        assert set(received) <= {*range(25)}
        assert receiver.counts.events == len(received)
        assert len({*received}) <= receiver.counts.acknowledged <= len(received)


@both
def test_a_queue_that_does_not_exist_is_refused_at_the_start(opened: Opened, moto: str) -> None:
    """Nothing of the credentials is in the error."""
    url = f"{moto}/123456789012/nothing"
    with pytest.raises(EventSourceError) as caught, opened(SqsSource(url)):
        pass
    assert f"queue {url}: it does not exist, or is in another account or region" == str(caught.value)
    assert (url, False, None) == (caught.value.queue_url, caught.value.retryable, caught.value.__cause__)
    assert caught.value.__context__ is None


@both
def test_a_queue_that_cannot_be_reached_is_refused_at_the_start(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request may succeed later."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    url = "http://127.0.0.1:9/123456789012/events"
    unreachable = pytest.raises(EventSourceError, match="Could not connect to the endpoint URL")
    with unreachable as caught, opened(SqsSource(url)):
        pass
    assert caught.value.retryable
    assert str(caught.value).startswith(f"queue {url}: SQS: ")


@both
def test_a_queue_without_dead_letters_is_a_warning(
    opened: Opened, sqs: Any, moto: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Messages that are no events stay in it."""
    url = sqs.create_queue(QueueName="plain")["QueueUrl"]
    with opened(SqsSource(f"{moto}/123456789012/plain")):
        pass
    [text] = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "it has no dead-letter queue" in text
    sqs.delete_queue(QueueUrl=url)


@both
def test_a_queue_that_is_deleted_later_is_an_error(opened: Opened, sqs: Any, moto: str) -> None:
    """Of the call that finds out."""
    url = sqs.create_queue(QueueName="short-lived")["QueueUrl"]
    with opened(SqsSource(f"{moto}/123456789012/short-lived", wait_seconds=0)) as receiver:
        sqs.delete_queue(QueueUrl=url)
        with pytest.raises(EventSourceError, match="it does not exist"):
            receiver.receive()
        with pytest.raises(EventSourceError, match="it does not exist"):
            receiver.acknowledge(EventBatch(receipts=["r"]))


REFUSALS = [
    (
        ("AccessDenied", 403),
        (
            "GetQueueAttributes: AccessDenied: no (HTTP 403); the credentials need sqs:GetQueueAttributes,"
            " sqs:ReceiveMessage and sqs:DeleteMessage"
        ),
        False,
    ),
    (("ThrottlingException", 400), "GetQueueAttributes: ThrottlingException: no (HTTP 400)", True),
    (("QueueDoesNotExist", 400), "it does not exist, or is in another account or region", False),
]


def test_what_sqs_refuses_is_one_error() -> None:
    """Those that pass are retryable."""
    client: Any = boto3.client("sqs", **KEYS)
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/events"
    for (code, status), text, retryable in REFUSALS:
        answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}

        def refuse(answer: Any = answer, **_: object) -> None:
            raise ClientError(answer, "GetQueueAttributes")

        client.meta.events.register("before-call.sqs", refuse)
        with pytest.raises(EventSourceError) as caught, SqsSource(url, client=client).open():
            pass
        assert (f"queue {url}: {text}", retryable) == (str(caught.value), caught.value.retryable)
        client.meta.events.unregister("before-call.sqs", refuse)
    client.close()


def test_a_receiver_that_is_not_open_refuses() -> None:
    """Before and after its block."""
    receiver = SqsSource("https://sqs.eu-west-1.amazonaws.com/123456789012/events").open()
    with pytest.raises(ClientClosedError, match="is not open; use it in its `with` block"):
        receiver.receive()
    assert "SqsReceiver('https://sqs.eu-west-1.amazonaws.com/123456789012/events')" == repr(receiver)


def test_clients_of_the_caller(sqs: Any, moto: str, queue: str) -> None:
    """They have to be for SQS, of the right library, and wait for longer than a long poll."""

    def refusal(client: Any, *, opened: Opened = SqsSource.open) -> str:
        with pytest.raises(ConfigurationError) as caught, opened(SqsSource(queue, client=client)):
            pass
        return str(caught.value)

    send(sqs, queue, envelope())
    with SqsSource(queue, client=sqs).open() as receiver:
        assert 1 == len(receiver.receive().events)
    assert 1 == visible(sqs, queue)  # it is still open
    assert "client must be a client for SQS of aiobotocore, not SQS" == refusal(sqs, opened=Blocking)
    assert "client must be a client for SQS of botocore, not str" == refusal("sqs")
    assert "client must be a client for sqs, not for ecs" == refusal(boto3.client("ecs", **KEYS))
    impatient = boto3.client("sqs", config=Config(read_timeout=20), **KEYS)
    assert refusal(impatient) == (
        "the client waits 20 s for a response, a long poll takes up to 20 s: set a longer read_timeout in its config,"
        " or pass a shorter wait_seconds"
    )

    async def with_aiobotocore() -> None:
        async with get_session().create_client("sqs", endpoint_url=moto, **KEYS) as client:
            source = SqsSource(queue, client=client)
            with pytest.raises(ConfigurationError, match="SQS of botocore, not SQS"), source.open():
                pass
            async with source.open_async() as receiver:
                await receiver.acknowledge(await receiver.receive())
            async with source.open_async() as receiver:  # it is still open
                assert EventCounts() == receiver.counts

    asyncio.run(with_aiobotocore())
    assert 0 == visible(sqs, queue)


def test_a_cancelled_receiver_leaves_its_connections_closed(queue: str) -> None:
    """Warnings about sockets and tasks that are left over are errors."""

    async def cancelled() -> None:
        async with SqsSource(queue).open_async() as receiver:
            await asyncio.wait_for(receiver.receive(), 0.1)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(cancelled())


def test_the_receivers_of_the_docs(sqs: Any, queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both print the same, and acknowledge what they received."""
    page: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        exec(block, page)
    capsys.readouterr()
    send(sqs, queue, envelope())
    with SqsSource(queue).open() as receiver:
        page["handle"](receiver)
    printed = capsys.readouterr().out
    send(sqs, queue, envelope())

    async def handled() -> None:
        async with SqsSource(queue).open_async() as receiver:
            await page["handle_async"](receiver)

    asyncio.run(handled())
    assert f"{ARN}:task/prod/{'a' * 32} None\n" == printed == capsys.readouterr().out
    assert 0 == visible(sqs, queue)


FIFO = "must be that of a standard queue: events have no order, and a FIFO queue delays all after one"
NO_URL = (
    "must be the URL of a queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/ecs-events, not its name or"
    " ARN"
)
NO_PATH = (
    "must end with the account and the name of a queue, such as"
    " https://sqs.eu-west-1.amazonaws.com/123456789012/ecs-events"
)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo", FIFO),
        ("arn:aws:sqs:eu-west-1:123456789012:events", NO_URL),
        ("events", NO_URL),
        ("", NO_URL),
        (None, NO_URL),
        ("ftp://sqs.eu-west-1.amazonaws.com/123456789012/events", NO_URL),
        ("https:///123456789012/events", NO_URL),
        ("http://[::1/123456789012/events", NO_URL),
        ("http://localhost:x/123456789012/events", NO_URL),
        (f"https://me:{SECRET}@localhost/1/events", "must not have a user, a password, a query or a fragment"),
        ("https://localhost/1/events?Action=Send", "must not have a user, a password, a query or a fragment"),
        ("https://sqs.eu-west-1.amazonaws.com/events", NO_PATH),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/", NO_PATH),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/a b", NO_PATH),
        ("http://localhost:4566", NO_PATH),
    ],
)
def test_urls_that_cannot_be_right_are_refused(url: Any, problem: str) -> None:
    """Before anything is sent. The error does not show the URL."""
    with pytest.raises(RequestError) as caught:
        SqsSource(url)
    assert f"SqsSource: queue_url: {problem}" == str(caught.value)


@pytest.mark.parametrize("wait_seconds", [-1, 21, 0.5, "20", None])
def test_other_arguments_are_checked(wait_seconds: Any) -> None:
    """All problems are in one error."""
    anything: Any = object()
    with pytest.raises(RequestError) as caught:
        SqsSource("events", wait_seconds=wait_seconds, session=anything, client=anything)
    assert str(caught.value).endswith(
        "wait_seconds: must be an int from 0 to 20; session: must not be passed with client=, which has a session"
        " already"
    )


@pytest.mark.parametrize(
    ("url", "endpoint", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/e", "https://sqs.eu-west-1.amazonaws.com", "eu-west-1"),
        (
            "https://sqs.us-gov-west-1.amazonaws.com/123456789012/e",
            "https://sqs.us-gov-west-1.amazonaws.com",
            "us-gov-west-1",
        ),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/e",
            "https://sqs.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
        ),
        (
            "https://vpce-0a1.sqs.eu-west-1.vpce.amazonaws.com/123456789012/e",
            "https://vpce-0a1.sqs.eu-west-1.vpce.amazonaws.com",
            "eu-west-1",
        ),
        ("https://eu-west-1.queue.amazonaws.com/123456789012/e", "https://eu-west-1.queue.amazonaws.com", "eu-west-1"),
        ("http://localhost:4566/000000000000/e", "http://localhost:4566", None),
        ("http://localhost:9324/queue/e", "http://localhost:9324", None),
    ],
)
def test_the_url_names_endpoint_and_region(url: str, endpoint: str, region: str | None) -> None:
    """So a source works from other regions, through endpoints of a VPC, and with emulators."""
    options = SqsSource(url)._options()
    assert (endpoint, region) == (options.endpoint_url, options.region_name)


def test_the_region_is_required_somewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """In the URL, the session, the environment or the profile."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for opened in OPENED:
        with pytest.raises(ConfigurationError, match="no region"), opened(SqsSource("http://localhost:9/1/events")):
            pass


def test_aiobotocore_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what to install."""
    monkeypatch.setitem(sys.modules, "ecskit._transport.aio", None)
    monkeypatch.delattr("ecskit._transport.aio", raising=False)
    with pytest.raises(MissingExtraError, match=r"open_async needs aiobotocore: pip install 'ecskit\[async\]'"):
        Blocking(SqsSource("http://localhost:9/1/events")).__enter__()


def test_sqs_is_a_source_of_events() -> None:
    """Type checkers compare it with the protocols."""
    source: EventSource = SqsSource("http://localhost:9/1/events")
    receiver: EventReceiver = source.open()
    assert "SqsSource('http://localhost:9/1/events')" == repr(source)
    assert "SqsReceiver" == type(receiver).__name__


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_client_observes_a_queue_with_its_own_credentials(
    sqs: Any,
    queue: str,
    is_async: bool,  # noqa: FBT001  # a case
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events are deleted after they were merged, and a wait that begins later ends on them without a poll."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    task = DETAILS["ECS Task State Change"] | {"stoppedAt": "2026-03-05T15:54:41Z"}
    foreign = envelope("EC2 Instance State-change", {}, source="aws.ec2")
    send(sqs, queue, envelope(detail=task), envelope() | {"region": "eu-north-1"}, foreign, "{}")
    arguments: dict[str, Any] = {**KEYS, "endpoint_url": "http://127.0.0.1:9"}  # nothing is there
    source = SqsSource(queue, wait_seconds=1)

    async def run() -> tuple[Any, EventCounts]:
        async with AsyncClient(**arguments) as ecs, ecs.observing(source) as observed:
            while observed.counts.acknowledged < 2:
                await asyncio.sleep(0.01)
            return await ecs.wait.tasks_stopped(task["taskArn"]), observed.counts

    if is_async:
        [stopped], counts = asyncio.run(run())
    else:
        with Client(**arguments) as ecs, ecs.observing(source) as observed:
            while observed.counts.acknowledged < 2:
                threading.Event().wait(0.01)
            [stopped], counts = ecs.wait.tasks_stopped(task["taskArn"]), observed.counts
    assert "STOPPED" == stopped.last_status
    assert (2, 2) == (counts.events, counts.foreign)
    assert counts.undecodable >= 1


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_queue_that_is_deleted_while_a_client_observes_it_is_reported(
    sqs: Any,
    queue: str,
    is_async: bool,  # noqa: FBT001  # a case
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The error and one warning; the block ends as usual."""
    source = SqsSource(queue, wait_seconds=1)

    async def run() -> object:
        async with AsyncClient(**KEYS) as ecs, ecs.observing(source) as observed:
            sqs.delete_queue(QueueUrl=queue)
            while observed.error is None:
                await asyncio.sleep(0.01)
            return observed.error

    if is_async:
        error = asyncio.run(run())
    else:
        with Client(**KEYS) as ecs, ecs.observing(source) as observed:
            sqs.delete_queue(QueueUrl=queue)
            while observed.error is None:
                threading.Event().wait(0.01)
            error = observed.error
    sqs.create_queue(QueueName="events")
    assert f"queue {queue}: it does not exist, or is in another account or region" == str(error)
    assert f"events: {error}; polls go on without them, the source is opened again in 1 s" in caplog.messages
