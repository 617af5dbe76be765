"""New locks and connection pools for botocore objects in a forked child.

botocore keeps locks in its retry quota, its rate limiter and its credentials, and connections in its clients and in
some credential providers. All of them are reachable from a client, so one walk finds them, with those of later
versions of botocore. What belongs to other packages is left alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from botocore.credentials import RefreshableCredentials
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from urllib3 import PoolManager

__all__ = ["renew"]

_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}
_PACKAGES = ("botocore.", "aiobotocore.", "ecskit._transport.")
_WITHOUT_LOCKS = frozenset(
    f"botocore.{name}"
    for name in "model loaders endpoint_provider regions configprovider serialize parsers docs config".split()
) | {"ecskit._transport.loader"}
"""Modules whose objects are large and hold neither locks nor connections."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)


def renew(client: Any, session: object) -> bool:
    """Give the botocore objects that `client`, if any, and `session` use new locks and connection pools.

    Returns:
        Whether all pools were replaced. False means that this version of botocore keeps them elsewhere.
    """
    seen: dict[int, object] = {}
    fresh: dict[int, Any] = {}
    replaced: list[bool] = []
    todo: deque[object] = deque([client, session])
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, URLLib3Session):
            replaced.append(_renew_pools(value))
        if _is_botocores(value):
            _renew_locks(value, fresh)
        todo.extend(_parts(value))
    return all(replaced) and (client is None or _has_pools(client))


def _parts(value: Any) -> Iterator[object]:
    """Yield what belongs to a value."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        yield from value
    elif isinstance(value, MethodType):
        yield value.__self__
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, FunctionType):
        held = map(_content, value.__closure__ or ())
        yield from held if _is_of_botocore(value.__module__) else filter(_is_botocores, held)
    elif isinstance(value, Session):
        # A session leads to all data that it has loaded. Only these parts have locks and connections.
        parts = vars(value)
        made = getattr(parts.get("_components"), "_components", {})  # without those that `get_component` would make
        yield from (parts.get("_credentials"), made.get("credential_provider"), made.get("token_provider"))
    elif _is_botocores(value):
        yield vars(value)


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # it has not been assigned yet


def _is_botocores(value: object) -> bool:
    return hasattr(value, "__dict__") and any(_is_of_botocore(each.__module__) for each in type(value).__mro__)


def _is_of_botocore(module: object) -> bool:
    if not isinstance(module, str):  # a class may have an attribute of this name for its instances
        return False
    return module.startswith(_PACKAGES) and module not in _WITHOUT_LOCKS


def _renew_locks(value: Any, fresh: dict[int, Any]) -> None:
    attributes = vars(value)
    if isinstance(value, RefreshableCredentials):
        _renew_if_refreshing(value)
    for name, held in list(attributes.items()):
        if type(held) in _LOCKS:
            attributes[name] = _new_lock(held, fresh)
        elif isinstance(held, threading.Condition):
            attributes[name] = threading.Condition(_new_lock(vars(held)["_lock"], fresh))
        elif type(held).__module__ == "asyncio.locks":
            attributes[name] = type(held)()


def _renew_if_refreshing(credentials: Any) -> None:
    """Have credentials refreshed again that a thread of the parent was refreshing: parts of them may be old."""
    if credentials._refresh_lock.locked() and credentials._expiry_time is not None:
        credentials._expiry_time = _LONG_AGO


def _new_lock(held: Any, fresh: dict[int, Any]) -> Any:
    """Return one new lock for each old one: a condition and its owner may share it."""
    if id(held) not in fresh:
        fresh[id(held)] = (held, _LOCKS[type(held)]())  # kept: another object must not get its id
    return fresh[id(held)][1]


def _has_pools(client: Any) -> bool:
    """Return whether a client keeps its connection pools where they were found."""
    return isinstance(getattr(getattr(client, "_endpoint", None), "http_session", None), URLLib3Session)


def _renew_pools(session: Any) -> bool:
    try:
        before: PoolManager = session._manager
        manager = PoolManager(**session._get_pool_manager_kwargs())
        manager.pool_classes_by_scheme = before.pool_classes_by_scheme
        if not isinstance(session._proxy_managers, dict):
            return False
    except (AttributeError, TypeError):
        return False
    session._manager, session._proxy_managers = manager, {}
    return True
