"""Resolve requests for services and task sets: defaults, references, and the rules of `ecskit._rules.services`.

This module lists the members that belong to a revision: a change of one of them begins a deployment.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._rules.services import ServiceWire
from ecskit._simulator.capacity_strategies import known_strategy
from ecskit._simulator.errors import SimulatedError, not_simulated
from ecskit._simulator.fargate import platform
from ecskit._simulator.launch_rules import refuse, runnable_definition
from ecskit._simulator.placement import placement_rules
from ecskit._simulator.scheduler.launch_and_stop import launch_type_of
from ecskit.models.services import CreateServiceRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._rules.rule import Rule
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.wire import Wire

# A change of one of these creates a new revision.
REVISION_MEMBERS = (
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
    "enableExecuteCommand",
)
# A change of one of these does not.
SETTING_MEMBERS = (
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
    "role",
)

_PERCENTS = {"REPLICA": (100, 200), "DAEMON": (0, 100)}


def service_settings(scheduling: str, old: Wire, request: Wire) -> Wire:
    """Return the members of a service that are not part of a revision: the new ones over the old ones over defaults.

    Raises:
        SimulatedError: For an expression of a placement constraint that is invalid or not supported here.
    """
    given = {name: request[name] for name in SETTING_MEMBERS if name in request}
    placement_rules(given.get("placementConstraints", []), given.get("placementStrategy", []))
    low, high = _PERCENTS[scheduling]
    defaults: Wire = {
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "placementConstraints": [],
        "placementStrategy": [],
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "minimumHealthyPercent": low,
            "maximumPercent": high,
            "strategy": "ROLLING",
        },
    }
    settings = {**defaults, **old, **given}
    configurations = (each.get("deploymentConfiguration", {}) for each in (defaults, old, given))
    settings["deploymentConfiguration"] = {name: value for each in configurations for name, value in each.items()}
    return settings


def check_service(
    rules: Sequence[Rule[ServiceWire]], service: Wire, definition: Wire | None = None, launch_type: str = ""
) -> None:
    """Refuse a service that breaks a rule.

    Args:
        rules: The rules of the request.
        service: The service as a request to create it states it.
        definition: Its task definition. Without it, and without a launch type, the rules about them do not apply.
        launch_type: Where its tasks run.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    refuse(rules, ServiceWire(service, CreateServiceRequest, definition or {}, launch_type))


def revision_config(
    account: Account, cluster: Cluster, rules: Sequence[Rule[ServiceWire]], service: Wire, wanted: Wire
) -> Wire:
    """Return the members of a revision, with references resolved and defaults filled in.

    Args:
        account: The account.
        cluster: The cluster of the service.
        rules: The rules of the request.
        service: The other members of the service, as a request to create it states them.
        wanted: The members in the request, and the old ones that it does not change.

    Raises:
        SimulatedError: For members with which no task could be launched.
    """
    if wanted.get("volumeConfigurations"):
        raise not_simulated("volumeConfigurations")
    definition = runnable_definition(account, wanted["taskDefinition"])
    config = {name: wanted[name] for name in REVISION_MEMBERS if name in wanted}
    config |= {"taskDefinition": definition.arn, "enableExecuteCommand": wanted.get("enableExecuteCommand", False)}
    strategy = config.pop("capacityProviderStrategy", None)
    if not strategy and "launchType" not in config:
        strategy = cluster.default_strategy
    if strategy:
        config["capacityProviderStrategy"] = strategy
    elif config.setdefault("launchType", "EC2") == "MANAGED_INSTANCES":
        raise not_simulated("the launch type MANAGED_INSTANCES")
    check_service(rules, {**service, **config}, definition.body, launch_type_of(config))
    if strategy:
        config["capacityProviderStrategy"] = known_strategy(strategy, cluster.capacity_providers)
    vpc = config.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if vpc is not None:
        config["networkConfiguration"] = {"awsvpcConfiguration": {"assignPublicIp": "DISABLED", **vpc}}
    if launch_type_of(config) == "FARGATE":
        version = config.setdefault("platformVersion", "LATEST")
        _, family = platform(definition.body.get("runtimePlatform", {}), version)
        config["platformFamily"] = family
    return config


def default_rebalancing(scheduling: str, settings: Wire, config: Wire) -> str:
    """Return `availabilityZoneRebalancing` of a service that is created without it.

    Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html and
    https://github.com/hashicorp/terraform-provider-aws/pull/44117 (DISABLED for services that cannot be balanced).
    """
    first: Wire = next(iter(settings["placementStrategy"]), {})
    fits = (
        scheduling == "REPLICA"
        and settings["deploymentConfiguration"]["maximumPercent"] > 100
        and first.get("field", "attribute:ecs.availability-zone") == "attribute:ecs.availability-zone"
        and first.get("type", "spread") == "spread"
        and config.get("launchType") != "EXTERNAL"
        and not any("loadBalancerName" in each for each in config.get("loadBalancers", []))
    )
    return "ENABLED" if fits else "DISABLED"


def service_not_found() -> SimulatedError:
    """Return the error for a service that does not exist."""
    return SimulatedError("ServiceNotFoundException", "Service not found.")


def changeable(account: Account, cluster: Cluster, reference: str) -> Service:
    """Return the ACTIVE service that a request names.

    Raises:
        SimulatedError: `ServiceNotFoundException` or `ServiceNotActiveException`.
    """
    service = account.find_service(cluster, reference)
    if service is None:
        raise service_not_found()
    if service.status != "ACTIVE":
        raise SimulatedError("ServiceNotActiveException", f"The service {service.name} is {service.status}.")
    return service
