"""A queue of SQS as the target of events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.client import BaseClient

    from ecskit._simulator.wire import Wire

__all__ = ["sqs_target"]


def sqs_target(client: BaseClient, queue_url: str) -> Callable[[Wire], None]:
    """Return a function that sends an event to a queue of SQS, as a rule of EventBridge does: the body is the envelope.

    It is for the `to` of `Simulator.emit_events`.

    Args:
        client: A client of botocore or boto3 for SQS, for example of a server of moto. It stays open.
        queue_url: The URL of the queue.

    Raises:
        TypeError: `client` cannot send messages.
    """
    send_message: Any = getattr(client, "send_message", None)
    if send_message is None:
        raise TypeError(f"client must be a client of botocore or boto3 for SQS, not {type(client).__name__}")

    def send(envelope: Wire) -> None:
        send_message(QueueUrl=queue_url, MessageBody=json.dumps(envelope))

    return send
