"""What the tests of delicate lines share: stories that run twice, and responses that are changed in transit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
from support.both_clients import Act, Ecs, then

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import ConnectionFailedError

from .acting import Went, perform
from .scripted import Scripted, Wire, World, rollout_arn
from .stories import story

NO_ROLLBACK = {"enable": True, "rollback": False}

REFUSED = {"ListServiceDeployments": "denied"}

SUCCESS_AT_ONCE = story({0: "2=I:0 1=C", 40: "2=C"}, {2: {0: "IN_PROGRESS", 40: "SUCCESSFUL"}})


def by_arn(ecs: Ecs) -> Any:
    return ecs.services.deployment(rollout_arn(2))


@attrs.define
class Changed(Scripted):
    """The scripted ECS, whose answers are changed on their way; that of the first UpdateService may be lost."""

    change: Callable[[Changed, Wire], None] = lambda *_: None
    loses: bool = False

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        body: Wire = json.loads(super().send(send, begin).body)
        if self.loses and send.operation == "UpdateService" and self.updates == 1:
            raise ConnectionFailedError(send.operation, "reset")
        self.change(self, body)
        return RawResponse(json.dumps(body).encode(), {})


def changed(act: Act, world: World, change: Callable[[Changed, Wire], None], *, loses: bool = False) -> Went:
    return perform(act, world, transport=Changed(world, change=change, loses=loses))


def stable(ecs: Ecs) -> Any:
    started = ecs.services.start_deployment("web", cluster="prod", task_definition="web:2")
    return then(started, lambda _: ecs.wait.services_stable("web", cluster="prod", timeout=100))


def replaced(ecs: Ecs, **options: Any) -> Any:
    """Follow the events of a deployment that is known by its ARN."""
    started = ecs.services.start_deployment("web", cluster="prod", task_definition="web:2")
    if ecs.colour == "sync":
        return by_arn(ecs).events(**options)

    async def events() -> Any:
        await started
        async for event in (await by_arn(ecs)).events(**options):
            yield event

    return events()
