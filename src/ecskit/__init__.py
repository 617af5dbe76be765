"""A typed client for Amazon ECS, sync and async, with waits you can rely on."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from ecskit._version import __version__

if TYPE_CHECKING:
    from cattrs import Converter

    from ecskit import (
        bulk,
        container_instances,
        errors,
        events,
        models,
        progress,
        services,
        task_definitions,
        task_sets,
        tasks,
        waits,
    )
    from ecskit._core.absent import ABSENT_LIST, ABSENT_MAP
    from ecskit._core.metadata import ResponseMetadata
    from ecskit._core.typing import SequenceNotStr
    from ecskit._drive.pages import AsyncPages, AsyncPaginator, Pages, Paginator
    from ecskit._drive.streams import AsyncStream, Stream
    from ecskit._facades.aio_deployment import AsyncDeploymentHandle
    from ecskit._facades.aio_session import AsyncExecSession
    from ecskit._facades.sync_deployment import DeploymentHandle
    from ecskit._facades.sync_session import ExecSession
    from ecskit.aio import AsyncClient
    from ecskit.client import Client

    converter: Converter

# No output unless the program configures logging.
logging.getLogger("ecskit").addHandler(logging.NullHandler())

__all__ = [
    "ABSENT_LIST",
    "ABSENT_MAP",
    "AsyncClient",
    "AsyncDeploymentHandle",
    "AsyncExecSession",
    "AsyncPages",
    "AsyncPaginator",
    "AsyncStream",
    "Client",
    "DeploymentHandle",
    "ExecSession",
    "Pages",
    "Paginator",
    "ResponseMetadata",
    "SequenceNotStr",
    "Stream",
    "__version__",
    "bulk",
    "container_instances",
    "converter",
    "errors",
    "events",
    "models",
    "progress",
    "services",
    "task_definitions",
    "task_sets",
    "tasks",
    "waits",
]

_MODULES = {
    "ABSENT_LIST": "ecskit._core.absent",
    "ABSENT_MAP": "ecskit._core.absent",
    "AsyncClient": "ecskit.aio",
    "AsyncDeploymentHandle": "ecskit._facades.aio_deployment",
    "AsyncExecSession": "ecskit._facades.aio_session",
    "AsyncPages": "ecskit._drive.pages",
    "AsyncPaginator": "ecskit._drive.pages",
    "AsyncStream": "ecskit._drive.streams",
    "Client": "ecskit.client",
    "DeploymentHandle": "ecskit._facades.sync_deployment",
    "ExecSession": "ecskit._facades.sync_session",
    "Pages": "ecskit._drive.pages",
    "Paginator": "ecskit._drive.pages",
    "ResponseMetadata": "ecskit._core.metadata",
    "SequenceNotStr": "ecskit._core.typing",
    "Stream": "ecskit._drive.streams",
}


def _load(name: str) -> Any:
    # Names load on first use: importing ecskit is fast, and works without its extras.
    value: Any
    if name == "converter":
        value = importlib.import_module("ecskit._core.wire").converter()
    elif name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    elif name in __all__:
        value = importlib.import_module(f"ecskit.{name}")
    else:
        raise AttributeError(f"module 'ecskit' has no attribute {name!r}")
    globals()[name] = value
    return value


# Hidden from type checkers, which would accept any name as an attribute of the module.
globals()["__getattr__"] = _load


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
