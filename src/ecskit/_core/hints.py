"""Messages for code that is written as for boto3: what to write here instead.

Each function raises the error that Python would raise anyway, with a better message.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

__all__ = ["missing_client_attribute", "missing_model_attribute", "no_positional_arguments", "not_subscriptable"]

CLIENT: Mapping[str, str] = {
    "close": "an AsyncClient is closed by `async with`, or by await ecs.aclose()",
    "can_paginate": "paginated lists are methods here: ecs.paginate.list_tasks(...)",
    "exceptions": "errors are classes of ecskit.errors: except ecskit.errors.ClusterNotFoundException",
    "generate_presigned_url": "ECS has no presigned URLs; ecs.botocore_client has this method",
    "get_paginator": "paginated lists are methods here: ecs.paginate.list_tasks(...)",
    "get_waiter": "waits are methods here: ecs.wait.tasks_running(...)",
    "meta": "the botocore client has it: ecs.botocore_client.meta",
    "waiter_names": "waits are methods here: ecs.wait.tasks_running(...)",
}
"""What a boto3 client has, and what to use instead."""
DICT = ("get", "items", "keys", "values")
"""The methods of the dicts that boto3 returns."""


def missing_client_attribute(client: object, name: str) -> Any:
    """Raise AttributeError for a name that a client does not have, with a hint if boto3's clients have it.

    Called by `__getattr__`, also if a property raised AttributeError: then the property is read again, and raises it.
    """
    if name in CLIENT:
        raise AttributeError(CLIENT[name], name=name, obj=client)
    return object.__getattribute__(client, name)


def missing_model_attribute(model: object, name: str, members: Iterable[tuple[str, str]]) -> Any:
    """Raise AttributeError for a name that a model does not have, with a hint for the names that boto3 uses.

    Args:
        model: The model.
        name: The name.
        members: The members of the model: names on the wire and in Python.
    """
    if name in DICT:
        raise AttributeError(_not_a_dict(model), name=name, obj=model)
    for wire, python in members:
        if name == wire:
            message = f"{type(model).__name__} has no attribute {name!r}; it is {python!r} here"
            raise AttributeError(message, name=name, obj=model)
    return object.__getattribute__(model, name)


def not_subscriptable(model: object, key: object, members: Iterable[tuple[str, str]]) -> NoReturn:
    """Raise TypeError for `model[key]`, with the attribute to use instead."""
    for wire, python in members:
        if key in (wire, python):
            message = f"{type(model).__name__} has attributes, not keys: .{python} instead of [{key!r}]"
            raise TypeError(message)
    raise TypeError(_not_a_dict(model))


def _not_a_dict(model: object) -> str:
    return f"{type(model).__name__} has attributes and is no dict; to_dict() returns one, with the names of ECS"


def no_positional_arguments(owner: object, method: str, given: tuple[object, ...]) -> TypeError:
    """Return the error for positional arguments. Its message has the keywords that are probably meant."""
    parameters = list(inspect.signature(getattr(type(owner), method)).parameters.values())
    free = [(p.name, "Sequence" in str(p.annotation)) for p in parameters if p.kind is p.KEYWORD_ONLY]
    keywords: list[str] = []
    for value in given:
        is_list = isinstance(value, (list, tuple))
        match = next((one for one in free if one[1] == is_list), None)
        if match is not None:
            free.remove(match)
            keywords.append(f"{match[0]}=[...]" if is_list else f"{match[0]}=...")
    example = f": {', '.join(keywords)}" if keywords else ""
    return TypeError(f"{type(owner).__name__}.{method}() takes keyword arguments only{example}")
