"""Rules about launches: of RunTask and StartTask, and those that services and task sets share with them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

import attrs

from ecskit._core.sizes import CHARACTERS, characters
from ecskit._rules.checks import absent, between, fits, matches, most, when
from ecskit._rules.fargate import has_size
from ecskit._rules.rule import Places, Problem, Rule, Wire, api, deployed
from ecskit._rules.task_sizes import cpu_units, memory_mib
from ecskit._rules.walk import RequestWire

__all__ = [
    "CAPACITY_RULES",
    "FARGATE_PROVIDERS",
    "PLACEMENT_RULES",
    "RUN_TASK_RULES",
    "START_TASK_RULES",
    "LaunchWire",
    "deployed",
]

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
"""The capacity providers of AWS."""
_MOST_CONSTRAINTS = 10
_RUN, _START, _VPC = api("RunTask"), api("StartTask"), api("AwsVpcConfiguration")
_ITEM, _STRATEGY, _OVERRIDE = api("CapacityProviderStrategyItem"), api("PlacementStrategy"), api("ContainerOverride")


@attrs.frozen(eq=False, slots=False)  # cached properties
class LaunchWire(RequestWire):
    """A launch: the request as it is sent, the task definition as ECS describes it, and where the tasks run."""

    definition: Wire
    """Empty if the request has none."""
    launch_type: str
    """EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES: of the request, or of the capacity providers. Empty if unknown."""

    @functools.cached_property
    def containers(self) -> Mapping[str, Wire]:
        """The containers of the task definition by their names."""
        return {container["name"]: container for container in self.definition.get("containerDefinitions", ())}


def _is_fargate(launch: LaunchWire) -> bool:
    return launch.launch_type == "FARGATE"


def _is_instances(launch: LaunchWire) -> bool:
    return launch.launch_type not in ("", "FARGATE")


# Networks.


def _network_missing(launch: LaunchWire, _: Places) -> Iterator[Problem]:
    network: Wire = launch.wire.get("networkConfiguration") or {}
    if launch.definition.get("networkMode") == "awsvpc" and not network.get("awsvpcConfiguration"):
        yield Problem("networkConfiguration", "required by the network mode awsvpc of the task definition")


def _network_not_allowed(launch: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, _ in places if launch.definition and launch.definition.get("networkMode") != "awsvpc" else ():
        yield Problem(path, "allowed for task definitions with the network mode awsvpc only")


# Capacity.


def _both(launch: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, _ in places if launch.wire.get("capacityProviderStrategy") else ():
        yield Problem(path, "cannot be combined with capacityProviderStrategy")


def _mixed(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, items in places:
        if len({item["capacityProvider"] in FARGATE_PROVIDERS for item in items}) > 1:
            yield Problem(path, "Fargate and Auto Scaling groups cannot be mixed")


def _weights(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, items in places:
        if len(items) > 1 and not any(item.get("weight") for item in items):
            yield Problem(path, "at least one item must have a weight greater than 0")


def _bases(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, items in places:
        if sum(bool(item.get("base")) for item in items) > 1:
            yield Problem(path, "only one item can have a base")


def _incompatible(launch: LaunchWire, _: Places) -> Iterator[Problem]:
    if launch.definition and launch.launch_type not in launch.definition["compatibilities"]:
        yield Problem("taskDefinition", f"not compatible with {launch.launch_type}", about=launch.launch_type)


CAPACITY_RULES: Sequence[Rule[LaunchWire]] = (
    Rule("strategy", "capacityProviderStrategy", most(20, "items"), source=_ITEM),
    Rule(
        "strategy-mixed",
        "capacityProviderStrategy",
        _mixed,
        source=_ITEM,
        words="A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and"
        " Fargate providers. Specify one or the other and try again.",
        seen="terraform-aws-modules/terraform-aws-ecs#68",
    ),
    Rule(
        "strategy-weights",
        "capacityProviderStrategy",
        _weights,
        source=_ITEM,
        words="There are no capacity providers in the capacity provider strategy with a weight value greater than zero."
        " Specify a weight value greater than zero for at least one capacity provider and try again.",
        seen=deployed("pf-ecs-svc-capacity-provider-zero-weight"),
    ),
    Rule(
        "strategy-base",
        "capacityProviderStrategy",
        _bases,
        source=_ITEM,
        words="There are multiple capacity providers in the specified capacity provider strategy with a base value"
        " greater than zero. Only one capacity provider can have a base value greater than zero. Specify a valid"
        " capacity provider strategy and try again.",
        seen=deployed("pf-ecs-svc-capacity-provider-multiple-base"),
    ),
)
"""About capacity provider strategies, also about the default one of a cluster."""


# Placement.


def _constraints(launch: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, given in places:
        count = len(given) + len(launch.definition.get("placementConstraints", ()))
        if count > _MOST_CONSTRAINTS:
            text = f"expected at most {_MOST_CONSTRAINTS} constraints with those of the task definition, got {count}"
            yield Problem(path, text)


def _binpack(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, each in places:
        field = each.get("field", "")
        if each.get("type") == "binpack" and field.lower() not in ("cpu", "memory"):
            yield Problem(f"{path}.field", "binpack requires cpu or memory", about=field)


def _random(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, each in places:
        if each.get("type") == "random" and each.get("field"):
            yield Problem(f"{path}.field", "random has no field")


def _distinct(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, each in places:
        if each.get("type") == "distinctInstance" and each.get("expression"):
            yield Problem(f"{path}.expression", "distinctInstance has no expression")


PLACEMENT_RULES: Sequence[Rule[LaunchWire]] = (
    Rule(
        "network-missing",
        "",
        _network_missing,
        source=_RUN,
        words="Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        seen="fabfuel/ecs-deploy#61",
    ),
    Rule(
        "network-not-allowed",
        "networkConfiguration",
        _network_not_allowed,
        source=_RUN,
        words="Network Configuration is not valid for the given networkMode of this task definition.",
        seen="muya/amazon-ecs-run-task#7",
    ),
    Rule(
        "subnets",
        "networkConfiguration.awsvpcConfiguration.subnets",
        fits(bool, "expected at least one subnet"),
        source=_VPC,
    ),
    Rule(
        "subnets",
        "networkConfiguration.awsvpcConfiguration.subnets",
        most(16, "subnets"),
        source=_VPC,
        words="subnets can have at most 16 items.",
        seen="opensearch-project/opensearch-migrations#1430",
    ),
    Rule("security-groups", "networkConfiguration.awsvpcConfiguration.securityGroups", most(5, "groups"), source=_VPC),
    Rule(
        "public-ip",
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        when(_is_instances, fits(lambda value: value != "ENABLED", "available on Fargate only")),
        source=_VPC,
        words="Assign public IP is not supported for this launch type.",
        seen="hashicorp/waypoint#643",
    ),
    Rule(
        "platform-version",
        "platformVersion",
        when(_is_instances, absent("for Fargate only")),
        source=_RUN,
        words="The platform version must be null when specifying an EC2 launch type.",
        seen="ansible-collections/community.aws#770",
    ),
    Rule(
        "compatibility",
        "",
        when(_is_fargate, _incompatible),
        source=api("TaskDefinition"),
        words="Task definition does not support launch_type {about}.",
        seen="oranmoshai/ecsServiceRestart#2",
    ),
    Rule(
        "launch-type",
        "launchType",
        _both,
        source=_RUN,
        words="Specifying both a launch type and capacity provider strategy is not supported. Remove one and try"
        " again.",
        seen="pulumi/pulumi-awsx#599",
    ),
    *CAPACITY_RULES,
    Rule(
        "fargate-constraints",
        "placementConstraints",
        when(_is_fargate, absent("not supported on Fargate")),
        source=api("PlacementConstraint"),
        words="Placement constraints are not supported with FARGATE launch type.",
        seen="GetSimpl/cloudlift#138",
    ),
    Rule(
        "fargate-strategy",
        "placementStrategy",
        when(_is_fargate, absent("not supported on Fargate")),
        source=_STRATEGY,
        words="Placement strategies are not supported with FARGATE launch type.",
        seen=deployed("pf-ecs-service-fargate-placement"),
    ),
    Rule("placement-constraints", "placementConstraints", _constraints, source=_RUN),
    Rule(
        "distinct-instance",
        "placementConstraints[]",
        _distinct,
        source=api("PlacementConstraint"),
        words="distinctInstance expression should not be specified.",
        seen=deployed("pf-ecs-svc-placement-constraint-distinct-instance-expression"),
    ),
    Rule(
        "placement-strategy",
        "placementStrategy",
        most(5, "rules"),
        source=_RUN,
        words="Maximum number of strategies is 5.",
        seen=deployed("pf-ecs-svc-placement-strategies-max6"),
    ),
    Rule(
        "binpack",
        "placementStrategy[]",
        _binpack,
        source=_STRATEGY,
        words="binpack field '{about}' is invalid.",
        seen=deployed("pf-ecs-svc-binpack-field"),
    ),
    Rule(
        "random",
        "placementStrategy[]",
        _random,
        source=_STRATEGY,
        words="random field should not be specified.",
        seen=deployed("pf-ecs-svc-random-with-field"),
    ),
)
"""About where tasks run, also those of services and task sets."""


# Overrides.


def _container_names(launch: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, override in places:
        name = override.get("name")
        if name not in launch.containers:
            yield Problem(f"{path}.name", "the task definition has no such container", about=str(name))


def _container_memory(launch: LaunchWire, places: Places) -> Iterator[Problem]:
    overrides: Wire = launch.wire.get("overrides", {})
    task = memory_mib(overrides.get("memory") or launch.definition.get("memory") or "")
    for path, override in places:
        if task is not None and override.get("memory", 0) > task:
            yield Problem(f"{path}.memory", f"the task has {task} MiB, got {{value}}", about=str(override.get("name")))


def _too_long(_: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, overrides in places:
        found = characters(overrides)
        if found > CHARACTERS:
            yield Problem(path, f"expected at most {CHARACTERS} characters of JSON, got {found}")


def _fargate_size(launch: LaunchWire, places: Places) -> Iterator[Problem]:
    for path, overrides in places:
        cpu = cpu_units(overrides.get("cpu") or launch.definition.get("cpu") or "")
        memory = memory_mib(overrides.get("memory") or launch.definition.get("memory") or "")
        if cpu is not None and memory is not None and not has_size(cpu, memory):
            yield Problem(path, f"Fargate has no size of {cpu} CPU units with {memory} MiB")


_SIZES = "expected a size as in a task definition, got {value}"

_LAUNCH_RULES: Sequence[Rule[LaunchWire]] = (
    *PLACEMENT_RULES,
    Rule("reference-id", "referenceId", most(1024, "characters"), source=_RUN),
    Rule(
        "propagate-tags",
        "propagateTags",
        fits(lambda value: value != "SERVICE", "{value} is for tasks of services"),
        source=_RUN,
    ),
    Rule(
        "overrides",
        "overrides",
        _too_long,
        source=_RUN,
        words=f"Container Overrides length must be at most {CHARACTERS}",
        seen="convox/rack#1906",
    ),
    Rule(
        "override-container",
        "overrides.containerOverrides[]",
        _container_names,
        source=_OVERRIDE,
        words="Override for container named {about} is not a container in the TaskDefinition.",
        seen="azavea/django-ecsmanage#21",
    ),
    Rule("override-size", "overrides.cpu", fits(lambda cpu: cpu_units(cpu) is not None, _SIZES), source=_OVERRIDE),
    Rule("override-size", "overrides.memory", fits(lambda mib: memory_mib(mib) is not None, _SIZES), source=_OVERRIDE),
    Rule("fargate-size", "overrides", when(_is_fargate, _fargate_size), source=api("TaskOverride")),
    Rule(
        "override-memory",
        "overrides.containerOverrides[]",
        _container_memory,
        source=_OVERRIDE,
        words="'memory' setting for container '{about}' is greater than for task.",
        seen="artilleryio/artillery#591",
    ),
)

_STARTED_BY = "letters, digits, hyphens, underscores, dots and slashes"

RUN_TASK_RULES: Sequence[Rule[LaunchWire]] = (
    Rule("count", "count", between(1, 10, "tasks"), source=_RUN),
    Rule("client-token", "clientToken", most(64, "characters"), source=_RUN),
    Rule("started-by", "startedBy", matches(r"[A-Za-z0-9_/.-]{1,128}", f"1 to 128 {_STARTED_BY}"), source=_RUN),
    *_LAUNCH_RULES,
)
"""About RunTask."""

START_TASK_RULES: Sequence[Rule[LaunchWire]] = (
    Rule("container-instances", "containerInstances", fits(bool, "expected at least one"), source=_START),
    Rule("container-instances", "containerInstances", most(10, "container instances"), source=_START),
    Rule(
        "started-by",
        "startedBy",
        most(36, "characters"),
        source=_START,
        words="startedBy longer than 36.",
        seen="convox/rack#1727",
    ),
    Rule("started-by", "startedBy", matches(r"[A-Za-z0-9_/.-]*", _STARTED_BY), source=_START),
    *_LAUNCH_RULES,
)
"""About StartTask."""
