"""Custom attributes of container instances: put, delete, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count, check_length
from ecskit._simulator.pagination import paginate

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster, ContainerInstance
    from ecskit._simulator.wire import Wire

_PER_CALL = 10
_PER_INSTANCE = 10
_BUILT_IN = ("ecs.", "com.amazonaws.ecs.")


def _put(account: Account, request: Wire) -> Wire:
    targets = _targets(account, request)
    for attribute, _ in targets:
        check_length("An attribute's name", attribute["name"], 128)
        check_length("An attribute's value", attribute.get("value"), 128)
        if not attribute["name"]:
            raise invalid("An attribute's name cannot be empty.")
    changed: dict[str, dict[str, dict[str, str]]] = {}
    for attribute, instance in targets:
        held = changed.setdefault(instance.arn, {each["name"]: each for each in instance.attributes})
        held[attribute["name"]] = {key: attribute[key] for key in ("name", "value") if key in attribute}
    for held in changed.values():
        if sum(not name.startswith(_BUILT_IN) for name in held) > _PER_INSTANCE:
            raise SimulatedError(
                "AttributeLimitExceededException", f"A resource can have at most {_PER_INSTANCE} custom attributes."
            )
    for arn, held in changed.items():
        account.container_instances[arn].attributes = list(held.values())
    return {"attributes": [_show(attribute, instance) for attribute, instance in targets]}


def _delete(account: Account, request: Wire) -> Wire:
    targets = _targets(account, request)
    deleted: list[Wire] = []
    for attribute, instance in targets:
        gone = [each for each in instance.attributes if _selects(attribute, each)]
        instance.attributes = [each for each in instance.attributes if each not in gone]
        deleted += [_show(each, instance) for each in gone]
    return {"attributes": deleted}


def _list(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    wanted = {"name": request.get("attributeName"), "value": request.get("attributeValue")}
    if wanted["value"] is not None and wanted["name"] is None:
        raise invalid("attributeValue needs an attributeName.")
    rows = [
        (f"{attribute['name']}\0{instance.arn}", _show(attribute, instance))
        for instance in account.instances_of(cluster)
        for attribute in instance.attributes
        if all(value in (None, attribute.get(key)) for key, value in wanted.items())
    ]
    page, more = paginate("ListAttributes", request, rows)
    return {"attributes": page, **more}


def _targets(account: Account, request: Wire) -> list[tuple[Wire, ContainerInstance]]:
    """Return each attribute of the request with its container instance.

    Raises:
        SimulatedError: `TargetNotFoundException` if the cluster has no such instance.
    """
    cluster = account.cluster(request.get("cluster"))
    check_count("attributes", request["attributes"], most=_PER_CALL)
    return [(attribute, _target(account, cluster, attribute)) for attribute in request["attributes"]]


def _target(account: Account, cluster: Cluster, attribute: Wire) -> ContainerInstance:
    reference = attribute.get("targetId")
    if reference is None:
        raise invalid("An attribute needs a targetId.")
    if not reference.startswith("arn:") and "targetType" not in attribute:
        raise invalid("A short targetId needs a targetType.")
    instance = account.find_container_instance(cluster, reference)
    if instance is None:
        raise SimulatedError("TargetNotFoundException", f"The target {reference} was not found in the cluster.")
    return instance


def _selects(wanted: Wire, attribute: Wire) -> bool:
    return attribute["name"] == wanted["name"] and wanted.get("value") in (None, attribute.get("value"))


def _show(attribute: Wire, instance: ContainerInstance) -> Wire:
    body = {"name": attribute["name"], "targetType": "container-instance", "targetId": instance.arn}
    if "value" in attribute:
        body["value"] = attribute["value"]
    return body


OPERATIONS = {"PutAttributes": _put, "DeleteAttributes": _delete, "ListAttributes": _list}
