"""How deployments are asked for and followed, with both drivers: the same requests and naps, the same verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

import attrs

from ecskit._core.call import call
from ecskit._deployments.events import DeploymentEvent
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_services import AsyncServiceVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_services import ServiceVerbs
from ecskit._facades.sync_wait import Wait
from ecskit.models import UpdateServiceRequest
from ecskit.waits import WaitHandle, WaitStory

from .drivers import AsyncTransport, Ending, Transport, _ending
from .fleet import Fleet

__all__ = ["Ask", "Heard", "ask_async", "ask_sync", "asked_of_async", "asked_of_sync"]

REMEDIES = frozenset({"on_failure", "on_timeout", "on_cancel"})
PATIENCE = frozenset({"timeout", "max_polls", "poll", "visibility_grace", "on_poll", "cancel"})


@attrs.frozen(kw_only=True)
class Ask:
    """One thing that is asked for."""

    how: str
    service: str = "web"
    change: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    handle: str = ""

    @property
    def request(self) -> UpdateServiceRequest:
        """The change as a request of the low-level client."""
        return UpdateServiceRequest(
            service=self.service,
            task_definition=self.change.get("task_definition"),
            desired_count=self.change.get("desired_count"),
            force_new_deployment=True if self.change.get("force") else None,
        )

    def picked(self, names: frozenset[str], *, without: bool = False) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if (name in names) != without}


@attrs.define
class Heard:
    """The stories and events that were passed on."""

    fleet: Fleet
    began: float | None = None
    """When the wait began."""
    events: list[DeploymentEvent] = attrs.field(factory=list[DeploymentEvent])
    stories: list[WaitStory] = attrs.field(factory=list[WaitStory])

    def on_poll(self, story: WaitStory) -> None:
        if self.began is None:
            self.began = self.fleet.time() - story.elapsed
        self.stories.append(story)


def asked_of_sync(runtime: Runtime, ask: Ask, heard: Heard) -> Any:
    """Do what is asked for."""
    services = ServiceVerbs(runtime)
    options: dict[str, Any] = {**ask.options, "on_poll": heard.on_poll}
    match ask.how:
        case "deploy":
            return services.deploy(ask.service, **ask.change, **options)
        case "start":
            return services.start_deployment(ask.service, **ask.change).wait(**options)
        case "events":
            with services.start_deployment(ask.service, **ask.change).events(**options) as events:
                for event in events:
                    heard.events.append(event)
            return None
        case "update":
            started = runtime.run(call(ask.request))
            return Wait(runtime).deployment(started, on_poll=heard.on_poll, **ask.picked(REMEDIES, without=True))
        case "refresh":
            return services.refresh(ask.service, **options)
        case "scale":
            return services.scale(ask.service, **ask.change, on_poll=heard.on_poll, **ask.picked(PATIENCE))
        case "again":
            return services.deployment(ask.handle).wait(**options)
        case "resume":
            handle = WaitHandle.from_json(ask.handle)
            return Wait(runtime).resume(handle, on_poll=heard.on_poll, **ask.picked(PATIENCE))
        case _:
            raise AssertionError(ask.how)


async def asked_of_async(runtime: AsyncRuntime, ask: Ask, heard: Heard) -> Any:
    """Do what is asked for."""
    services = AsyncServiceVerbs(runtime)
    options: dict[str, Any] = {**ask.options, "on_poll": heard.on_poll}
    match ask.how:
        case "deploy":
            return await services.deploy(ask.service, **ask.change, **options)
        case "start":
            return await (await services.start_deployment(ask.service, **ask.change)).wait(**options)
        case "events":
            async with (await services.start_deployment(ask.service, **ask.change)).events(**options) as events:
                async for event in events:
                    heard.events.append(event)
            return None
        case "update":
            started = await runtime.run(call(ask.request))
            rest = ask.picked(REMEDIES, without=True)
            return await AsyncWait(runtime).deployment(started, on_poll=heard.on_poll, **rest)
        case "refresh":
            return await services.refresh(ask.service, **options)
        case "scale":
            return await services.scale(ask.service, **ask.change, on_poll=heard.on_poll, **ask.picked(PATIENCE))
        case "again":
            return await (await services.deployment(ask.handle)).wait(**options)
        case "resume":
            handle = WaitHandle.from_json(ask.handle)
            return await AsyncWait(runtime).resume(handle, on_poll=heard.on_poll, **ask.picked(PATIENCE))
        case _:
            raise AssertionError(ask.how)


def ask_sync(fleet: Fleet, ask: Ask, chance: Random) -> tuple[Ending, Heard]:
    """Ask with the sync client, and return how that ended."""
    runtime, heard = Runtime(Transport(fleet), fleet.watch, chance), Heard(fleet)
    return _ending(fleet, lambda: asked_of_sync(runtime, ask, heard)), heard


def ask_async(fleet: Fleet, ask: Ask, chance: Random) -> tuple[Ending, Heard]:
    """Ask with the async client, and return how that ended."""
    runtime, heard = AsyncRuntime(AsyncTransport(Transport(fleet)), fleet.watch, chance), Heard(fleet)
    return _ending(fleet, lambda: asyncio.run(asked_of_async(runtime, ask, heard))), heard
