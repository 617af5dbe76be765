"""Put a simulator under a botocore or aiobotocore client, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.botocore_events import register, register_async

if TYPE_CHECKING:
    from ecskit._simulator.botocore_events import Attachment
    from ecskit._simulator.simulator import Simulator


def attach(target: object, simulator: Simulator) -> Attachment:
    """Answer every ECS request of a botocore client or session with a simulator.

    A client of ecskit that wraps the client or uses the session from then on waits on the clock of the simulator.

    Args:
        target: A botocore client, botocore session, boto3 session, or event emitter. Attach to a session before
            making its clients: each client copies the session's handlers.
        simulator: The simulator.

    Returns:
        An attachment, whose `detach()` undoes it.

    Raises:
        TypeError: The target takes no event handlers.
    """
    return register(target, simulator.respond, simulator._client_clock, simulator._connect)


def attach_async(target: object, simulator: Simulator) -> Attachment:
    """Answer every ECS request of an aiobotocore client or session with a simulator.

    A client of ecskit that wraps the client or uses the session from then on waits on the clock of the simulator.

    Args:
        target: An aiobotocore client, session or event emitter. Attach to a session before making its clients.
        simulator: The simulator.

    Returns:
        An attachment, whose `detach()` undoes it.

    Raises:
        MissingExtraError: The extra `async` is not installed.
        TypeError: The target takes no event handlers.
    """
    return register_async(target, simulator.respond, simulator._client_clock, simulator._connect_async)
