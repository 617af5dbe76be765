"""The queue: SQS with long polls. A received message stays invisible to others as long as its worker extends that."""

from __future__ import annotations

from typing import Any, NamedTuple


class Message(NamedTuple):
    """A message that was received."""

    body: str
    receipt: str


class JobQueue:
    """An SQS standard queue.

    Args:
        client: An aiobotocore client for SQS.
        url: The URL of the queue.
        visibility: Seconds for which a message is invisible after it was received or extended.
    """

    def __init__(self, client: Any, url: str, visibility: int) -> None:
        self.visibility = visibility
        self._client = client
        self._url = url

    async def receive(self, most: int) -> list[Message]:
        """Return up to ten messages. Waits up to 20 s for the first one."""
        answer = await self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(most, 10),
            WaitTimeSeconds=20,
            VisibilityTimeout=self.visibility,
        )
        return [Message(each["Body"], each["ReceiptHandle"]) for each in answer.get("Messages", [])]

    async def extend(self, message: Message, seconds: int) -> None:
        """Keep a message invisible for some seconds from now. 0 returns it at once."""
        await self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
        )

    async def delete(self, message: Message) -> None:
        """Delete a message whose job has a result."""
        await self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)
