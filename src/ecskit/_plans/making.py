"""Make a plan: read what there is, and compare it with what a definition states."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ecskit._clusters.errors import ClustersMissing
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.retrying import Retrying
from ecskit._core.wire import encode
from ecskit._core.wording import shortened
from ecskit._definitions.diffing import Change, Difference, changes, tag_changes
from ecskit._definitions.normalizing import Hidden
from ecskit._definitions.recognizing import names_of
from ecskit._deployments.arguments import Change as DeploymentChange
from ecskit._deployments.update import STARTS_DEPLOYMENT, wanted_definition
from ecskit._plans.plan import Inputs, Plan, Steps, salted
from ecskit._rules.rule import Finding, api
from ecskit._service_definitions.diffing import stated, stated_changes
from ecskit._service_definitions.files import to_create_request
from ecskit._service_definitions.normalizing import normal
from ecskit._service_definitions.validating import validate
from ecskit._task_definitions.registering import compare_with_latest
from ecskit._task_definitions.validating import validate as validate_task
from ecskit._waits.errors import UnsupportedController
from ecskit._waits.stability import controller_of
from ecskit.models.clusters import DescribeClustersRequest
from ecskit.models.services import (
    CreateServiceRequest,
    DeploymentConfiguration,
    DescribeServicesRequest,
    Service,
    UpdateServiceRequest,
)
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
)

__all__ = ["change_of", "make_plan", "read_current"]

_AT_CREATION = names_of(CreateServiceRequest) - names_of(UpdateServiceRequest)
"""Members that only CreateService takes."""
_STARTS_NONE = frozenset(
    "desiredCount deploymentConfiguration availabilityZoneRebalancing placementConstraints placementStrategy"
    " healthCheckGracePeriodSeconds enableECSManagedTags propagateTags".split()
)
"""Members whose change starts no deployment.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""
_EXTERNAL = frozenset(
    "desiredCount placementConstraints placementStrategy healthCheckGracePeriodSeconds enableECSManagedTags"
    " propagateTags".split()
)
_UPDATES: Mapping[str, frozenset[str]] = {
    "EXTERNAL": _EXTERNAL,
    "CODE_DEPLOY": _EXTERNAL | {"deploymentConfiguration"},
}
"""The members that UpdateService takes for services with another controller. Source: as above."""
_GRACE_PERIOD = Finding("healthCheckGracePeriodSeconds", "grace-period", "", api("UpdateService"), known="refused")
_GONE = ("launch_type", "health_check_grace_period_seconds")
"""What goes with the change of another member: capacity providers come, or the last load balancer goes."""
_PROVIDERS = "capacityProviderStrategy"
_WIRE = {m.name: m.wire for m in members(CreateServiceRequest)}


def make_plan(verb: str, inputs: Inputs, salt: str) -> Flow[Plan]:
    """Return the plan of checked arguments."""
    definition = inputs.definition
    service = yield from read_current(verb, definition)
    current = service.task_definition if service else None
    wanted = yield from wanted_definition(change_of(inputs), current, verb)
    task = yield from _resolve(verb, wanted, current)
    if task.registration is not None:
        _raise_for(verb, "task_definition.", validate_task(task.registration))
    if service is None:
        made = yield from _creation(verb, definition, task)
    else:
        made = _update(verb, service, attrs.evolve(definition, task_definition=task.arn), task, scale=inputs.scale)
    return attrs.evolve(
        made,
        task_definition=task.arn,
        registers=task.registration.family if task.registration else None,
        registration=task.changes,
        state=_state(service, inputs, salt),
        salt=salt,
        images=inputs.images,
        scale=inputs.scale,
        inputs=inputs,
    )


def change_of(inputs: Inputs) -> DeploymentChange:
    """Return the task definition to deploy, and what is derived from it, as the change of a deployment."""
    return DeploymentChange(task_definition=inputs.task_definition, images=inputs.images or None, force=True)


@attrs.frozen(kw_only=True, repr=False)
class _Task:
    """The task definition to deploy: its ARN if it exists; else the request, and the difference from the latest."""

    arn: str | None = None
    registration: RegisterTaskDefinitionRequest | None = None
    changes: Difference = attrs.field(factory=Difference)


def read_current(verb: str, definition: CreateServiceRequest) -> Flow[Service | None]:
    """Return the service with its tags; None if it does not exist."""
    name = definition.service_name
    request = DescribeServicesRequest(services=[name], cluster=definition.cluster, include=["TAGS"])
    described = yield from Retrying(request).send()
    service = next(iter(described.services), None)
    if service is None or service.status == "INACTIVE":
        return None
    if service.status == "DRAINING":
        problem = f"the service {name} is being deleted; wait with `ecs.wait.services_inactive` first"
        raise RequestError(verb, [("definition", problem)])
    return service


def _resolve(verb: str, wanted: str | RegisterTaskDefinitionRequest | None, current: str | None) -> Flow[_Task]:
    if wanted is None:
        return _Task()
    if isinstance(wanted, RegisterTaskDefinitionRequest):
        latest, found = yield from compare_with_latest(wanted)
        if latest is not None and not found:
            return _Task(arn=latest.task_definition_arn)
        return _Task(registration=wanted, changes=found)
    if wanted == current:
        return _Task(arn=wanted)
    described = (yield from Retrying(DescribeTaskDefinitionRequest(task_definition=wanted)).send()).task_definition
    if described.status == "INACTIVE" and described.task_definition_arn != current:
        problem = f"{wanted} was deregistered, and ECS deploys active task definitions only; register it again"
        raise RequestError(verb, [("task_definition", problem)])
    return _Task(arn=described.task_definition_arn)


def _creation(verb: str, definition: CreateServiceRequest, task: _Task) -> Flow[Plan]:
    controller = definition.deployment_controller.type if definition.deployment_controller else "ECS"
    if controller == "CODE_DEPLOY":
        raise UnsupportedController(definition.service_name, controller)
    known = attrs.evolve(definition, task_definition=task.arn)
    _raise_for(verb, "", validate(known, task_definition=task.registration))
    name = definition.cluster or "default"
    clusters = (yield from call(DescribeClustersRequest(clusters=[name]))).clusters
    if not clusters:
        raise ClustersMissing([name], {})
    found = [*changes({}, normal(known)), *tag_changes([], definition.tags), *_registered(None, task)]
    return Plan(
        service=definition.service_name,
        cluster=clusters[0].cluster_arn,
        action="create",
        changes=Difference(each for each in found if each.path not in ("service_name", "cluster")),
        deployment="yes" if controller == "ECS" else "no",
        steps=Steps(registration=task.registration, request=attrs.evolve(known, cluster=clusters[0].cluster_arn)),
        state="",
        salt="",
    )


def _raise_for(verb: str, where: str, findings: Iterable[Finding]) -> None:
    problems = [(f"{where}{each.path}", each.message) for each in findings if each.severity == "error"]
    if problems:
        raise RequestError(verb, problems)


def _update(verb: str, service: Service, wanted: CreateServiceRequest, task: _Task, *, scale: bool) -> Plan:
    before = to_create_request(service)
    found = stated_changes(before, wanted)
    notes = _notes(found, wanted, scale=scale)
    for name in ("cluster", "service_name", *([] if scale else ["desired_count"])):
        found.pop(name, None)
    if task.registration is not None:
        found["task_definition"] = _registered(service.task_definition, task)
    controller = controller_of(service)
    problems = [
        (name, why) for name in found if (why := _refused(name, before, wanted, controller, found[name])) is not None
    ]
    if problems:
        raise RequestError(verb, problems)
    tagged = [*tag_changes(before.tags, wanted.tags)]
    tags = {tag.key: tag.value or "" for tag in wanted.tags if tag.key}
    known = {tag.key: tag.value or "" for tag in before.tags}
    new = {key: value for key, value in tags.items() if not key.startswith("aws:") and known.get(key) != value}
    members_ = {_WIRE[name] for name in found}
    request = _request(service, before, wanted, found) if found else None
    after = before
    if request is not None:
        after = _after(before, request, found)
        _raise_for(verb, "", _added(before, after, task))
    return Plan(
        service=service.service_name,
        cluster=service.cluster_arn,
        action="update" if found else "none",
        changes=Difference(
            [
                *(change for each in found.values() for change in each),
                *(Change(name, getattr(before, name), None) for name in _GONE if _goes(name, before, after, found)),
                *(change for change in tagged if change.after is not None),
            ]
        ),
        deployment=_deployment(members_),
        notes=tuple(notes),
        steps=Steps(
            before=service,
            registration=task.registration,
            tags=new,
            request=request,
        ),
        state="",
        salt="",
    )


def _notes(found: Mapping[str, Iterable[Change]], wanted: CreateServiceRequest, *, scale: bool) -> list[str]:
    counts = [] if scale else found.get("desired_count", ())
    return [
        *(
            f"the desired count stays {each.before or 0}; the definition has {each.after or 0}, which `scale=True`"
            " applies"
            for each in counts
        ),
        *(
            f"{shortened(name)} is unknown to ecskit and not compared; an update of other members sends it"
            for name in wanted.extra_fields
        ),
    ]


def _registered(current: str | None, task: _Task) -> list[Change]:
    if task.registration is None:
        return []
    old = current.rpartition("/")[2] if current else None
    return [Change("task_definition", old, f"a new revision of {task.registration.family}")]


def _refused(
    name: str, before: CreateServiceRequest, wanted: CreateServiceRequest, controller: str, found: Iterable[Change]
) -> str | None:
    """Return why an update cannot change a member; None if it can."""
    wire = _WIRE[name]
    if name == "launch_type":
        there = before.launch_type or "that of its capacity providers"
        strategy = f'capacityProviderStrategy: [{{"capacityProvider": "{wanted.launch_type}", "weight": 1}}]'
        if wanted.launch_type not in ("FARGATE", None):
            strategy = "a capacityProviderStrategy"
        return f"only a creation takes the launch type, and the service has {there}; state {strategy} in place of it"
    if wire in _AT_CREATION:
        shown = "; ".join(map(str, found))
        return f"only a creation takes it ({shown}); delete the service first, or leave the member out"
    taken = _UPDATES.get(controller)
    if taken is not None and wire not in taken:
        return f"an update does not change it, because {controller} controls the deployments of the service"
    return None


def _after(before: CreateServiceRequest, request: UpdateServiceRequest, found: Iterable[str]) -> CreateServiceRequest:
    """Return a service after an update."""
    after = attrs.evolve(before, **{name: getattr(request, name) for name in found})
    if request.capacity_provider_strategy:
        after = attrs.evolve(after, launch_type=None)
    if not _is_balanced(after) and "health_check_grace_period_seconds" not in found:
        after = attrs.evolve(after, health_check_grace_period_seconds=None)  # it has no effect any more
    return after


def _added(before: CreateServiceRequest, after: CreateServiceRequest, task: _Task) -> Iterator[Finding]:
    """Yield what ECS would refuse of a service after an update, and did not refuse before it."""
    there = {(each.path, each.rule) for each in validate(before)}
    found = validate(after, task_definition=task.registration)
    yield from (each for each in found if (each.path, each.rule) not in there)
    if after.health_check_grace_period_seconds and _is_balanced(after) and not _is_balanced(before):
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1313
        problem = "ECS takes it only after the load balancer is there; apply the definition without it first"
        yield attrs.evolve(_GRACE_PERIOD, text=problem)


def _goes(name: str, before: CreateServiceRequest, after: CreateServiceRequest, found: Mapping[str, Any]) -> bool:
    return name not in found and getattr(before, name) != getattr(after, name)


def _is_balanced(service: CreateServiceRequest) -> bool:
    return bool(service.load_balancers or service.vpc_lattice_configurations)


def _deployment(wires: set[str]) -> Any:
    if wires & (STARTS_DEPLOYMENT | {_PROVIDERS}):
        return "yes"
    return "no" if wires <= _STARTS_NONE else "unknown"


def _request(
    service: Service, before: CreateServiceRequest, wanted: CreateServiceRequest, found: Mapping[str, Any]
) -> UpdateServiceRequest:
    given: dict[str, Any] = {name: getattr(wanted, name) for name in found}
    configuration = wanted.deployment_configuration
    if "deployment_configuration" in found and configuration is not None:
        # A request with some members may reset the others.
        names = encode(configuration)
        parts = {m.name: getattr(configuration, m.name) for m in members(DeploymentConfiguration) if m.wire in names}
        present = before.deployment_configuration or DeploymentConfiguration()
        given["deployment_configuration"] = attrs.evolve(present, **parts)
    # ECS refuses other capacity providers without a forced deployment.
    force = True if "capacity_provider_strategy" in found else None
    return UpdateServiceRequest(
        service=service.service_arn,
        cluster=service.cluster_arn,
        force_new_deployment=force,
        extra_fields=wanted.extra_fields,
        **given,
    )


def _state(service: Service | None, inputs: Inputs, salt: str) -> str:
    """Return a digest of what a service has beyond its definition, without its count, and of all its hidden values.

    What the definition states is compared as changes.
    """
    if service is None:
        return ""
    before, wanted = to_create_request(service), inputs.definition
    tree = normal(before)
    for name in ("desired_count", "cluster"):  # a plan from JSON states its cluster
        tree.pop(name, None)
    secrets = [*_secrets(tree)]
    if inputs.task_definition is not None or inputs.images:
        tree.pop("task_definition", None)
    for m in stated(wanted):
        if m.name == "deployment_configuration":
            given = encode(wanted).get(m.wire, {})
            parts = {each.name: each.wire for each in members(DeploymentConfiguration)}
            tree[m.name] = {name: each for name, each in tree.get(m.name, {}).items() if parts.get(name) not in given}
        else:
            tree.pop(m.name, None)
    keys = {tag.key for tag in wanted.tags}
    shown = [*changes({}, tree), *tag_changes([], [tag for tag in before.tags if tag.key not in keys])]
    content = [str(service.created_at), *([each.path, each.after] for each in shown)]
    if secrets:  # a salted digest takes long to make
        content.append(salted(secrets, salt))
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _secrets(tree: Any) -> Iterator[Any]:
    """Yield the hidden values of a normal form, without unknown members, which may change by themselves."""
    if isinstance(tree, Hidden):
        yield tree.value
    elif isinstance(tree, dict):
        for name in sorted(tree):
            if name != "extra_fields":
                yield from _secrets(tree[name])
    elif isinstance(tree, list):
        for each in tree:
            yield from _secrets(each)
