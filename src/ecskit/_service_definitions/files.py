"""Read service definitions from JSON and YAML files, in the forms of the AWS CLI and of ecspresso, and write them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.wire import encode
from ecskit._core.wording import shortened
from ecskit._definitions.filling import fill
from ecskit._definitions.fitting import typed, without_empty_enums
from ecskit._definitions.reading import read, write
from ecskit._definitions.requests import request_of
from ecskit._service_definitions.recognizing import KNOWN, REQUEST, SUBJECT, definition_in
from ecskit.models.services import CreateServiceRequest, Service

__all__ = ["dump", "load", "to_create_request"]

_DESCRIBED = "serviceArn"
"""The member that shows that ECS described a service."""
_OF_THE_DEPLOYMENT = ("serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations")
"""Members that ECS describes in the deployments of a service only."""
_OF_TASK_SETS = frozenset(
    "taskDefinition launchType platformVersion loadBalancers serviceRegistries networkConfiguration"
    " capacityProviderStrategy".split()
)
"""Members that belong to the task sets of a service with the controller EXTERNAL."""
_OWN_ROLE = "/AWSServiceRoleForECS"
"""The end of the role that ECS uses by itself."""


def load(
    path_or_mapping: str | os.PathLike[str] | Mapping[str, object],
    *,
    variables: Mapping[str, str] | None = None,
    name: str | None = None,
    cluster: str | None = None,
    keep: Collection[str] | None = None,
) -> CreateServiceRequest:
    """Read a service definition from a JSON or YAML file, or from data.

    The file may hold the input of `aws ecs create-service` or `update-service`, the output of `describe-services`, or
    the service definition of ecspresso. Of what ECS described, the response-only members are left out: counts, events,
    deployments and others. Nulls are absent members. Empty texts of enums, which ECS refuses, are left out with a
    warning.

    Args:
        path_or_mapping: Path of the file, or the data as a mapping. A file that ends in .yaml or .yml is YAML, which
            needs the extra `yaml`.
        variables: The values of placeholders in texts, such as `os.environ`: `${NAME}`, `${NAME:-default}`, `$NAME`,
            and ecspresso's ``{{ must_env `NAME` }}`` and ``{{ env `NAME` `default` }}``. A text that is nothing but a
            placeholder may stand for a number. If absent, no placeholder is filled.
        name: Name of the service, if the file has none; or of the one to choose, if the file holds several.
        cluster: Name or ARN of the cluster, if the file has none.
        keep: Wire names of unknown top-level members to send; others are left out with a warning. If absent, all that
            ECS described are sent, and none of another file. Unknown members of nested structures are always sent.

    Returns:
        The request to create it: `client.services.create(load(path))`.

    Raises:
        RequestError: The file is not a service definition as JSON or YAML, an argument is wrong or contradicts the
            file, or `variables` is given and placeholders are left. The message starts with the path, names what the
            file is instead, and shows no secrets. If values have wrong types, `problems` has all of them, with their
            paths in the file, such as `loadBalancers[0].containerPort`.
        MissingExtraError: The file is YAML, and the extra `yaml` is not installed.
        OSError: The file cannot be read.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """
    data: Any
    problems: Sequence[tuple[str, str]] = ()
    if isinstance(path_or_mapping, Mapping):
        data, source = path_or_mapping, SUBJECT.noun
    elif isinstance(path_or_mapping, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        data, problems, source = read(path_or_mapping, SUBJECT, "pass ...")
    else:
        problem = f"expected the path of a file, or a mapping, got {type(path_or_mapping).__name__}"
        raise RequestError("load", [("path_or_mapping", problem)])
    definition = definition_in(data, source, name)
    problems = [(at.removeprefix("services[0].").removeprefix("service."), text) for at, text in problems]
    is_described = _DESCRIBED in definition
    offered = _stated(definition) if is_described else {**definition}
    if variables is not None:
        offered |= fill({each: offered[each] for each in offered if each in REQUEST}, source, variables)
    for member, given in (("serviceName", name), ("cluster", cluster)):
        _set(offered, member, given, source)
    if "serviceName" not in offered:
        raise RequestError(source, [("serviceName", "is missing; add it, or pass `name`")])
    if not is_described:
        keep = () if keep is None else keep
        if offered.pop("forceNewDeployment", None):
            report = "forceNewDeployment is left out: it belongs to one update, not to the service"
            warnings.warn(f"{source}: {report}", stacklevel=2)
    return _request(typed(offered, CreateServiceRequest), source, keep, problems, stacklevel=1)


def to_create_request(service: Service, *, keep: Collection[str] | None = None) -> CreateServiceRequest:
    """Turn a service that ECS described into a request to create it.

    Response-only members are left out: counts, events, deployments and others. What ECS describes in deployments only,
    such as Service Connect, is taken from the PRIMARY deployment. So is the role that ECS uses by itself left out.

    Args:
        service: The service. Its tags are there if it was described with `include=["TAGS"]`.
        keep: Wire names of unknown top-level members to send; others are left out with a warning. If absent, all are
            sent.

    Returns:
        The request: `client.services.create(to_create_request(service))`.

    Raises:
        RequestError: A member has a wrong type, or `keep` is a string.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """
    if not isinstance(service, Service):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError(SUBJECT.noun, [("service", f"expected a Service, got {type(service).__name__}")])
    data = without_empty_enums(encode(service), Service, [])
    return _request(_stated(data), f"service {service.service_name}", keep, (), stacklevel=1)


def dump(definition: CreateServiceRequest | Service, path: str | os.PathLike[str]) -> None:
    """Write a service definition to a JSON file that `load` and the AWS CLI can read.

    Args:
        definition: A request, or a service that ECS described, without its response-only members.
        path: Path of the file, JSON; an existing file is replaced.

    Raises:
        RequestError: A member has a wrong type, or the name is that of a YAML file; nothing was written.
        OSError: The file cannot be written.
    """
    if isinstance(definition, Service):
        definition = to_create_request(definition)
    if not isinstance(definition, CreateServiceRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a CreateServiceRequest or Service, got {type(definition).__name__}"
        raise RequestError(SUBJECT.noun, [("definition", problem)])
    write(encode(definition), path)


def _set(offered: dict[str, Any], member: str, given: str | None, source: str) -> None:
    """Set a member that the file lacks. One that the file has must be the same."""
    argument = "name" if member == "serviceName" else member
    there = offered.get(member)
    if given is None:
        return
    if not given or not isinstance(given, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError(source, [(argument, f"expected a name, got {given!r}")])
    if there and str(there).rpartition("/")[2] != given.rpartition("/")[2]:
        problem = f"is {shortened(given)!r}, but the file has the {member} {shortened(str(there))!r}; leave one out"
        raise RequestError(source, [(argument, problem)])
    offered[member] = given


def _stated(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a service that ECS described as a request to create it states it."""
    deployments = described.get("deployments") or []
    primary: Mapping[str, Any] = next((each for each in deployments if each.get("status") == "PRIMARY"), {})
    data = {name: value for name, value in described.items() if name in REQUEST or name not in KNOWN}
    data |= {name: primary[name] for name in _OF_THE_DEPLOYMENT if primary.get(name)}
    data["cluster"] = described.get("clusterArn")
    role = str(described.get("roleArn") or "")
    data["role"] = None if role.endswith(_OWN_ROLE) else role
    data["tags"] = [tag for tag in data.get("tags") or [] if not str(tag.get("key")).startswith("aws:")]
    if data.get("schedulingStrategy") == "DAEMON":
        data["desiredCount"] = None
    if data.get("capacityProviderStrategy"):
        data["launchType"] = None
    if not (data.get("loadBalancers") or data.get("vpcLatticeConfigurations")):
        data["healthCheckGracePeriodSeconds"] = None
    if (data.get("deploymentController") or {}).get("type") == "EXTERNAL":
        data = {name: value for name, value in data.items() if name not in _OF_TASK_SETS}
    return {name: value for name, value in data.items() if value not in (None, "", [])}


def _request(
    offered: Mapping[str, Any],
    source: str,
    keep: Collection[str] | None,
    problems: Sequence[tuple[str, str]],
    *,
    stacklevel: int,
) -> CreateServiceRequest:
    return request_of(CreateServiceRequest, offered, source, keep, problems, stacklevel=stacklevel + 1)
