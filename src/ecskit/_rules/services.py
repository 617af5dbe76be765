"""Rules about services: CreateService and UpdateService, and about task sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import attrs

from ecskit._rules.checks import absent, between, fits, matches, most, when
from ecskit._rules.launches import PLACEMENT_RULES, LaunchWire
from ecskit._rules.rule import Check, Places, Problem, Rule, Wire, api, deployed

__all__ = ["SERVICE_RULES", "TASK_SET_RULES", "ServiceWire"]

_CREATE, _CONFIGURATION = api("CreateService"), api("DeploymentConfiguration")
_EARLY, _HOOK = api("DeploymentEarlySuccessCriteria"), api("DeploymentLifecycleHook")
_LOAD_BALANCER, _REGISTRY = api("LoadBalancer"), api("ServiceRegistry")
_DAY = 1440
_SHIFTS = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
"""The stages that take no PAUSE hooks."""


@attrs.frozen(eq=False, slots=False)  # cached properties of the base
class ServiceWire(LaunchWire):
    """A service as a request to create it states it, with the defaults of ECS. An update is laid over what it is."""

    @property
    def is_daemon(self) -> bool:
        """Whether the service has one task per container instance."""
        return bool(self.wire.get("schedulingStrategy") == "DAEMON")

    @property
    def controller(self) -> str:
        """What controls its deployments: ECS, CODE_DEPLOY or EXTERNAL."""
        return str(self.wire.get("deploymentController", {}).get("type", "ECS"))

    @property
    def deployment(self) -> Wire:
        """The deployment configuration."""
        configuration: Wire = self.wire.get("deploymentConfiguration", {})
        return configuration


ServiceCheck: TypeAlias = Check[ServiceWire]


def _daemon(check: ServiceCheck) -> ServiceCheck:
    return when(lambda service: service.is_daemon, check)


def _external(check: ServiceCheck) -> ServiceCheck:
    return when(lambda service: service.controller == "EXTERNAL", check)


# The service.


def _daemon_controller(service: ServiceWire, _: Places) -> Iterator[Problem]:
    if service.controller != "ECS":
        yield Problem("schedulingStrategy", f"{{value}} is not supported by the controller {service.controller}")


def _daemon_on_fargate(service: ServiceWire, _: Places) -> Iterator[Problem]:
    if service.launch_type == "FARGATE":
        yield Problem("schedulingStrategy", "{value} is not supported on Fargate")


def _no_definition(service: ServiceWire, _: Places) -> Iterator[Problem]:
    if service.controller != "EXTERNAL" and not service.wire.get("taskDefinition"):
        yield Problem("taskDefinition", f"required by the controller {service.controller}")


def _no_count(service: ServiceWire, _: Places) -> Iterator[Problem]:
    if not service.is_daemon and "desiredCount" not in service.wire:
        yield Problem("desiredCount", "required by the scheduling strategy REPLICA")


def _grace_period(service: ServiceWire, places: Places) -> Iterator[Problem]:
    balanced = service.wire.get("loadBalancers") or service.wire.get("vpcLatticeConfigurations")
    for path, seconds in places:
        if seconds and not balanced and service.controller != "EXTERNAL":
            yield Problem(path, "requires a load balancer")


# Its containers.


def _containers(service: ServiceWire, places: Places) -> Iterator[Problem]:
    for path, each in places if service.definition else ():
        name = each.get("containerName")
        if name is not None and name not in service.containers:
            yield Problem(f"{path}.containerName", "the task definition has no such container", about=name)


def _ports(service: ServiceWire, places: Places) -> Iterator[Problem]:
    for path, each in places if service.definition else ():
        container, port = service.containers.get(each.get("containerName", "")), each.get("containerPort")
        if container is None or port is None:
            continue
        if not any(_covers(mapping, port) for mapping in container.get("portMappings", ())):
            text = "no port mapping of the container has the port {value}"
            yield Problem(f"{path}.containerPort", text, about=container["name"])


def _covers(mapping: Wire, port: int) -> bool:
    low, _, high = mapping.get("containerPortRange", "").partition("-")
    return bool(mapping.get("containerPort") == port or (low and int(low) <= port <= int(high)))


def _two_targets(_: ServiceWire, places: Places) -> Iterator[Problem]:
    for path, each in places:
        if each.get("loadBalancerName") and each.get("targetGroupArn"):
            yield Problem(path, "expected loadBalancerName or targetGroupArn, got both")


def _classic_on_fargate(service: ServiceWire, places: Places) -> Iterator[Problem]:
    for path, name in places:
        if name and service.launch_type == "FARGATE":
            yield Problem(path, "Classic Load Balancers are not supported on Fargate")


# Its deployments.


def _blocked(service: ServiceWire, _: Places) -> Iterator[Problem]:
    least, most_ = (service.deployment.get(each) for each in ("minimumHealthyPercent", "maximumPercent"))
    if least == most_ == 100 and not service.is_daemon:
        yield Problem("deploymentConfiguration", "minimumHealthyPercent and maximumPercent cannot both be 100")


def _early(service: ServiceWire, places: Places) -> Iterator[Problem]:
    for path, criteria in places:
        if not criteria.get("enable"):
            continue
        for name in ("healthyPercent", "sourceServiceRevisionCleanup"):
            if name not in criteria:
                yield Problem(f"{path}.{name}", "required where enable is true")
        if service.controller != "ECS" or service.deployment.get("strategy", "ROLLING") != "ROLLING":
            yield Problem(path, "for the controller ECS with the strategy ROLLING only")
        least = service.deployment.get("minimumHealthyPercent", 0)
        if criteria.get("healthyPercent", least) < least:
            yield Problem(f"{path}.healthyPercent", f"expected minimumHealthyPercent or more, {least}, got {{value}}")


def _hooks(_: ServiceWire, places: Places) -> Iterator[Problem]:
    for path, hook in places:
        stages = hook.get("lifecycleStages") or ()
        if not stages:
            yield Problem(f"{path}.lifecycleStages", "expected at least one stage")
        if hook.get("targetType") == "PAUSE" and _SHIFTS & set(stages):
            text = "PAUSE hooks cannot be configured at TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT"
            yield Problem(f"{path}.lifecycleStages", text)
        if hook.get("targetType", "AWS_LAMBDA") == "AWS_LAMBDA":
            for name in ("hookTargetArn", "roleArn"):
                if not hook.get(name):
                    yield Problem(f"{path}.{name}", "required by hooks that call a function")


_NAME = r"[a-zA-Z0-9\-_]{1,255}"
_KEY = r"[\x21-\x7e]{1,36}"
_PERCENT = "deploymentConfiguration.minimumHealthyPercent"
_MAXIMUM = "deploymentConfiguration.maximumPercent"
_LINEAR, _CANARY = "deploymentConfiguration.linearConfiguration", "deploymentConfiguration.canaryConfiguration"

_TARGET_RULES: Sequence[Rule[ServiceWire]] = (
    Rule(
        "target-container",
        ("loadBalancers[]", "serviceRegistries[]"),
        _containers,
        source=_LOAD_BALANCER,
        words="The container {about} does not exist in the task definition.",
        seen="aws/amazon-ecs-agent#1276",
    ),
    Rule(
        "target-port",
        "loadBalancers[]",
        _ports,
        source=_LOAD_BALANCER,
        words="The container {about} did not have a container port {value} defined.",
        seen="pulumi/pulumi-aws#3095",
    ),
    Rule(
        "load-balancer",
        "loadBalancers[]",
        _two_targets,
        source=_LOAD_BALANCER,
        words="loadBalancerName and targetGroupArn cannot both be specified. You must specify either a loadBalancerName"
        " or a targetGroupArn in all loadBalancer entries",
        seen=deployed("pf-ecs-service-lb-target-exclusive"),
    ),
    Rule(
        "classic-load-balancer",
        "loadBalancers[].loadBalancerName",
        _classic_on_fargate,
        source=_LOAD_BALANCER,
        words="Classic Load Balancers are not supported with Fargate.",
        seen=deployed("pf-ecs-svc-classic-lb-with-fargate"),
    ),
    Rule(
        "service-registries",
        "serviceRegistries",
        most(1, "registry"),
        source=_REGISTRY,
        words="service registries can have at most 1 items.",
        seen=deployed("pf-ecs-svc-registries-multiple"),
    ),
)

TASK_SET_RULES: Sequence[Rule[ServiceWire]] = (
    Rule(
        "client-token", "clientToken", matches(_KEY, "1 to 36 printable ASCII characters"), source=api("CreateTaskSet")
    ),
    *PLACEMENT_RULES,
    *_TARGET_RULES,
)
"""About CreateTaskSet."""

GRACE_PERIOD: Rule[ServiceWire] = Rule(
    "grace-period",
    "healthCheckGracePeriodSeconds",
    _grace_period,
    source=_CREATE,
    words="Health check grace period is only valid for services configured to use load balancers",
    seen="hashicorp/terraform-provider-aws#31104",
)

SERVICE_RULES: Sequence[Rule[ServiceWire]] = (
    Rule("client-token", "clientToken", matches(_KEY, "1 to 36 printable ASCII characters"), source=_CREATE),
    Rule(
        "service-name",
        "serviceName",
        matches(_NAME, "1 to 255 letters, digits, hyphens and underscores"),
        source=_CREATE,
        words=rf"ServiceName must match ^{_NAME}$, but was {{value}}",
        seen=deployed("pf-ecs-service-name"),
    ),
    Rule("daemon-controller", "", _daemon(_daemon_controller), source=_CREATE),
    Rule(
        "daemon-count",
        "desiredCount",
        _daemon(fits(lambda _: False, "a DAEMON service has no desiredCount")),
        source=_CREATE,
        words="The daemon scheduling strategy does not support a desired count for services. Remove the desired count"
        " value and try again",
        seen="fabfuel/ecs-deploy#59",
    ),
    Rule(
        "daemon-strategy",
        "placementStrategy",
        _daemon(absent("a DAEMON service has no placement strategy")),
        source=_CREATE,
        words="The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and"
        " try again",
        seen="kayac/ecspresso#402",
    ),
    Rule(
        "daemon-percent",
        _MAXIMUM,
        _daemon(fits(lambda percent: percent <= 100, "expected 100 for a DAEMON service, got {value}")),
        source=_CONFIGURATION,
        words="The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment"
        " configuration. Change the maximumPercent value to 100, and try again",
        seen="aws/aws-cdk#2209",
    ),
    Rule("daemon-fargate", "", _daemon(_daemon_on_fargate), source=_CREATE),
    Rule(
        "external-definition",
        "taskDefinition",
        _external(absent("belongs to the task sets of an EXTERNAL service")),
        source=_CREATE,
        words="TaskDefinition must be blank.",
        seen="terraform-aws-modules/terraform-aws-ecs#278",
    ),
    Rule(
        "external-load-balancers",
        "loadBalancers",
        _external(absent("belongs to the task sets of an EXTERNAL service")),
        source=_CREATE,
        words="LoadBalancers must be empty or null.",
        seen=deployed("pf-ecs-svc-external-with-load-balancers"),
    ),
    Rule(
        "external-launch-type",
        "launchType",
        _external(absent("belongs to the task sets of an EXTERNAL service")),
        source=_CREATE,
    ),
    Rule("task-definition", "", _no_definition, source=_CREATE),
    Rule("desired-count", "", _no_count, source=_CREATE),
    Rule("desired-count", "desiredCount", between(0, 5000, "tasks"), source=_CREATE),
    GRACE_PERIOD,
    Rule("grace-period", "healthCheckGracePeriodSeconds", between(0, 2147483647, "seconds"), source=_CREATE),
    Rule(
        "minimum-percent",
        _PERCENT,
        fits(lambda percent: percent <= 100, "expected at most 100, got {value}"),
        source=_CONFIGURATION,
        words="minimumHealthyPercent must be at most 100",
        seen=deployed("pf-ecs-service-deployment-percent"),
    ),
    Rule(
        "minimum-percent",
        _PERCENT,
        fits(lambda percent: percent >= 0, "expected 0 or more, got {value}"),
        source=_CONFIGURATION,
    ),
    Rule(
        "maximum-percent",
        _MAXIMUM,
        fits(lambda percent: percent >= 100, "expected 100 or more, got {value}"),
        source=_CONFIGURATION,
        words="maximumPercent must be at least 100",
        seen=deployed("pf-ecs-service-deployment-percent"),
    ),
    Rule(
        "blocked-deployments",
        "",
        _blocked,
        source=_CONFIGURATION,
        words="Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        seen=deployed("pf-ecs-svc-min-healthy-over-max-percent"),
    ),
    Rule("early-success", "deploymentConfiguration.earlySuccessCriteria", _early, source=_EARLY),
    Rule("linear-step", f"{_LINEAR}.stepPercent", between(3, 100, "percent"), source=api("LinearConfiguration")),
    Rule("canary-share", f"{_CANARY}.canaryPercent", between(0.1, 100, "percent"), source=api("CanaryConfiguration")),
    Rule(
        "bake-time",
        (
            f"{_LINEAR}.stepBakeTimeInMinutes",
            f"{_CANARY}.canaryBakeTimeInMinutes",
            "deploymentConfiguration.bakeTimeInMinutes",
        ),
        between(0, _DAY, "minutes"),
        source=_CONFIGURATION,
    ),
    Rule("lifecycle-hook", "deploymentConfiguration.lifecycleHooks[]", _hooks, source=_HOOK),
    *PLACEMENT_RULES,
    *_TARGET_RULES,
)
"""About CreateService and UpdateService."""
