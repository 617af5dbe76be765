"""What is done with a queue of SQS, as flows: they yield requests and receive responses, so they are sync and async."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

import attrs

from .decoding import decode_event
from .errors import ForeignEvent, NotAnEvent
from .sources import EventBatch, EventCounts
from .template import QUEUE_NAME

__all__ = ["Queue", "QueueFlow", "endpoint_of", "region_of", "url_problems"]

log = logging.getLogger("ecskit")

T = TypeVar("T")
QueueFlow: TypeAlias = Generator[tuple[str, dict[str, Any]], dict[str, Any], T]
"""Yields a method of a client for SQS with its arguments, receives the response, and returns a T."""

_PER_REQUEST = 10
"""The most messages that SQS returns and deletes in one request."""
_OF_AWS = re.compile(r"\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$")
_PATH_OF_AWS = re.compile(r"/\d{12}/[^/]+")
_REGION = re.compile(r"(?:^|\.)sqs(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.|^([a-z]{2}(?:-[a-z]+)+-\d)\.queue\.")
_EXAMPLE = "such as https://sqs.eu-west-1.amazonaws.com/123456789012/ecs-events"


def url_problems(url: object) -> list[tuple[str, str]]:
    """Return why a value cannot be the URL of a standard queue. No text shows it: a URL may hold a password."""
    text = _url_problem(url)
    return [("queue_url", text)] if text else []


def _url_problem(url: object) -> str | None:
    parts = _parts(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return f"must be the URL of a queue, {_EXAMPLE}, not its name or ARN"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "must not have a user, a password, a query or a fragment"
    name = parts.path.rpartition("/")[2]
    if name.endswith(".fifo"):
        return "must be that of a standard queue: events have no order, and a FIFO queue delays all after one"
    if not QUEUE_NAME.fullmatch(name) or (_OF_AWS.search(parts.hostname) and not _PATH_OF_AWS.fullmatch(parts.path)):
        return f"must end with the account and the name of a queue, {_EXAMPLE}"
    return None


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def endpoint_of(url: str) -> str:
    """Return the endpoint in the URL of a queue."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def region_of(url: str) -> str | None:
    """Return the region in the URL of a queue; None for the endpoints of emulators."""
    found = _REGION.search(urlsplit(url).hostname or "")
    return (found[1] or found[2]) if found else None


class Queue:
    """A queue of events, and what was received from it."""

    def __init__(self, url: str, wait_seconds: int) -> None:
        self.url = url
        self.wait_seconds = wait_seconds
        self.counts = EventCounts()
        self._lock = threading.Lock()

    def check(self) -> QueueFlow[None]:
        """Check that the queue can be used. Log a warning if nothing removes messages that cannot be decoded."""
        asked = {"QueueUrl": self.url, "AttributeNames": ["QueueArn", "RedrivePolicy"]}
        answer = yield "get_queue_attributes", asked
        if "RedrivePolicy" not in answer.get("Attributes", {}):
            log.warning(
                "queue %s: it has no dead-letter queue, so that messages that are no events of ECS stay in it and are"
                " received again and again; set a RedrivePolicy, as ecskit.events.template() does",
                self.url,
            )

    def receive(self) -> QueueFlow[EventBatch]:
        """Receive up to ten messages. Delete foreign events, and leave what cannot be decoded."""
        answer = yield (
            "receive_message",
            {
                "QueueUrl": self.url,
                "MaxNumberOfMessages": _PER_REQUEST,
                "WaitTimeSeconds": self.wait_seconds,
                "AttributeNames": ["SentTimestamp"],
            },
        )
        messages: Sequence[Mapping[str, Any]] = answer.get("Messages") or ()
        events, receipts, foreign, decoded = [], [], [], []
        for message in messages:
            try:
                events.append(decode_event(message["Body"]))
                receipts.append(message["ReceiptHandle"])
                decoded.append(message)
            except ForeignEvent:
                foreign.append(message["ReceiptHandle"])
            except NotAnEvent as error:
                log.warning("queue %s: message %s is left in the queue: %s", self.url, message["MessageId"], error)
        undecodable = len(messages) - len(events) - len(foreign)
        self._count(events=len(events), foreign=len(foreign), undecodable=undecodable)
        yield from self._delete(foreign)
        return EventBatch(
            events=tuple(events),
            receipts=tuple(receipts),
            age=_age(decoded, answer),
            foreign=len(foreign),
            undecodable=undecodable,
        )

    def acknowledge(self, batch: EventBatch) -> QueueFlow[None]:
        """Delete the messages of a batch."""
        deleted = yield from self._delete(batch.receipts)
        self._count(acknowledged=deleted)

    def _delete(self, receipts: Sequence[str]) -> QueueFlow[int]:
        deleted = 0
        for first in range(0, len(receipts), _PER_REQUEST):
            entries = [{"Id": str(i), "ReceiptHandle": r} for i, r in enumerate(receipts[first : first + _PER_REQUEST])]
            answer = yield "delete_message_batch", {"QueueUrl": self.url, "Entries": entries}
            deleted += len(answer.get("Successful") or ())
            for failed in answer.get("Failed") or ():
                # It is delivered again, as any message may be.
                log.warning("queue %s: a message was not deleted: %s", self.url, failed.get("Code"))
        return deleted

    def _count(self, **more: int) -> None:
        with self._lock:
            now = {name: getattr(self.counts, name) + count for name, count in more.items()}
            self.counts = attrs.evolve(self.counts, **now)


def _age(messages: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> float:
    """Return the age of the oldest message. Both times are of SQS, so that the clock of this machine does not count."""
    sent = [int(each["Attributes"]["SentTimestamp"]) / 1000 for each in messages if "Attributes" in each]
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    with suppress(TypeError, ValueError):  # without a date, or with one that cannot be read, the age is unknown
        return max(0.0, parsedate_to_datetime(date).timestamp() - min(sent))
    return 0.0
