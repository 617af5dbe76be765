"""The loader of botocore's data files: the shipped ECS model, and files that are read once per process.

botocore spends most of the time that it takes to make a client on reading JSON, above all its list of the endpoints of
all services: 1.2 MB, of which ecskit ships the parts for the services that it uses. A list of endpoints that the user
has placed on the data path is found before it. All clients share what was read, because the files of the packages do
not change while a program runs.
"""

from __future__ import annotations

import functools
import gzip
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader

from ecskit._core.wire import loads

from . import service_model

__all__ = ["ShippedModelLoader"]

_OPEN: dict[str, Callable[..., Any]] = {".json": open, ".json.gz": gzip.open}
_ENDPOINTS = os.path.join(Loader.BUILTIN_DATA_PATH, "endpoints")
_SHARED = (
    os.path.join(str(service_model.DATA_PATH), ""),
    *(
        os.path.join(Loader.BUILTIN_DATA_PATH, name)
        for name in (f"ecs{os.sep}", f"logs{os.sep}", "partitions", "sdk-default-configuration")
    ),
)
"""Beginnings of the paths of shared files. botocore adds to the models of other services after reading them; of logs
only to the pages, which ecskit does not use."""


_LISTED: dict[object, list[str]] = {}
"""The services in the folders of data files, by the paths and when they were changed."""


def _changed_at(path: str) -> float | None:
    with suppress(OSError):
        return os.stat(path).st_mtime_ns
    return None


@functools.cache
def _read(file_path: str) -> Any:
    """Return the content of a file, given its path without extension; None if there is none.

    botocore itself reads each object as an OrderedDict, which takes twice as long; dicts have an order, too.
    """
    for extension, opened in _OPEN.items():
        with suppress(FileNotFoundError), opened(file_path + extension, "rb") as file:
            return loads(file.read())
    return None


class _SharedFiles(JSONFileLoader):
    """Reads the files of the packages once. All other files are read as usual."""

    def load_file(self, file_path: str) -> Any:
        if file_path == _ENDPOINTS:
            return _read(service_model.ENDPOINTS)
        return _read(file_path) if file_path.startswith(_SHARED) else super().load_file(file_path)


class ShippedModelLoader(Loader):
    """Finds the shipped ECS model first. All other data is found as usual."""

    def __init__(self, *, extra_search_paths: list[str]) -> None:
        super().__init__(
            extra_search_paths=[str(service_model.DATA_PATH), *extra_search_paths], file_loader=_SharedFiles()
        )

    def list_available_services(self, type_name: str) -> list[str]:
        # For a client of another service. Two lists of hundreds of folders take longer than all else that makes it.
        key = (type_name, *((path, _changed_at(path)) for path in self.search_paths))
        if key not in _LISTED:
            _LISTED[key] = super().list_available_services(type_name)
        return _LISTED[key]

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        if service_name == "ecs":
            # The base class would first list all services.
            with suppress(DataNotFoundError):
                return self.load_data(f"ecs/{service_model.API_VERSION}/{type_name}")
        return super().load_service_model(service_name, type_name, api_version)
