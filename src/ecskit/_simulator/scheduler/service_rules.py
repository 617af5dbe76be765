"""Check requests for services and task sets: bounds, defaults and references.

This module lists the members that belong to a revision: a change of one of them begins a deployment.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.capacity_strategies import checked_strategy
from ecskit._simulator.errors import SimulatedError, invalid, not_simulated
from ecskit._simulator.fargate import platform
from ecskit._simulator.launch_rules import check_fargate, check_instances, check_launch, runnable_definition
from ecskit._simulator.limits import check_count
from ecskit._simulator.placement import placement_rules
from ecskit._simulator.scheduler.launch_and_stop import launch_type_of

if TYPE_CHECKING:
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

MAX_DESIRED = 5000
# Stages that take no PAUSE hooks.
# Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html
_SHIFTS = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
_PERCENTS = {"REPLICA": (100, 200), "DAEMON": (0, 100)}


def deployment_configuration(scheduling: str, old: Wire, new: Wire) -> Wire:
    """Return a deployment configuration: the new members over the old ones over the defaults.

    Raises:
        SimulatedError: `InvalidParameterException` for a value that is out of bounds or does not fit the strategy.
    """
    low, high = _PERCENTS[scheduling]
    defaults: Wire = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "minimumHealthyPercent": low,
        "maximumPercent": high,
        "strategy": "ROLLING",
    }
    merged = {**defaults, **old, **new}
    low, high = merged["minimumHealthyPercent"], merged["maximumPercent"]
    if not 0 <= low <= 100:
        raise invalid(f"minimumHealthyPercent must be between 0 and 100, not {low}.")
    if not 100 <= high <= 200 or (low == high == 100 and scheduling == "REPLICA"):
        raise invalid(f"maximumPercent must be between 100 and 200, and above minimumHealthyPercent, not {high}.")
    if scheduling == "DAEMON" and merged["strategy"] != "ROLLING":
        raise invalid("DAEMON services are deployed ROLLING only.")
    if not 0 <= merged.get("bakeTimeInMinutes", 0) <= 1440:
        raise invalid("bakeTimeInMinutes must be between 0 and 1440.")
    _check_shifts(merged)
    _check_early_success(merged)
    for hook in merged.get("lifecycleHooks", []):
        if not hook.get("lifecycleStages"):
            raise invalid("A lifecycle hook needs lifecycleStages.")
        if hook.get("targetType") == "PAUSE" and _SHIFTS & set(hook["lifecycleStages"]):
            raise invalid("PAUSE hooks cannot be configured at TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT.")
        if hook.get("targetType", "AWS_LAMBDA") == "AWS_LAMBDA" and not {"hookTargetArn", "roleArn"} <= hook.keys():
            raise invalid("A lifecycle hook that calls a function needs hookTargetArn and roleArn.")
    breaker = merged["deploymentCircuitBreaker"].get("thresholdConfiguration", {"value": 1})
    if breaker["value"] < 1:
        raise invalid("The threshold of a circuit breaker must be at least 1.")
    return merged


def _check_early_success(merged: Wire) -> None:
    """Refuse early success criteria that ECS documents as invalid.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentEarlySuccessCriteria.html
    """
    early: Wire = merged.get("earlySuccessCriteria", {})
    if not early.get("enable"):
        return
    if merged["strategy"] != "ROLLING":
        raise invalid("earlySuccessCriteria can be used with the deployment strategy ROLLING only.")
    if not {"healthyPercent", "sourceServiceRevisionCleanup"} <= early.keys():
        raise invalid("earlySuccessCriteria need healthyPercent and sourceServiceRevisionCleanup.")
    low = merged["minimumHealthyPercent"]
    if early["healthyPercent"] < low:
        raise invalid(f"healthyPercent of earlySuccessCriteria must not be below minimumHealthyPercent, {low}.")


def _check_shifts(merged: Wire) -> None:
    step = merged.get("linearConfiguration", {}).get("stepPercent", 10.0)
    if not 3 <= step <= 100:
        raise invalid(f"stepPercent must be between 3 and 100, not {step}.")
    share = merged.get("canaryConfiguration", {}).get("canaryPercent", 5.0)
    if not 0.1 <= share <= 100:
        raise invalid(f"canaryPercent must be between 0.1 and 100, not {share}.")
    waits = [
        merged.get("linearConfiguration", {}).get("stepBakeTimeInMinutes", 6),
        merged.get("canaryConfiguration", {}).get("canaryBakeTimeInMinutes", 10),
    ]
    if not all(0 <= wait <= 1440 for wait in waits):
        raise invalid("Bake times must be between 0 and 1440 minutes.")


def revision_config(account: Account, cluster: Cluster, scheduling: str, settings: Wire, wanted: Wire) -> Wire:
    """Return the members of a revision, with references resolved and defaults filled in.

    Args:
        account: The account.
        cluster: The cluster of the service.
        scheduling: REPLICA or DAEMON.
        settings: The other members of the service.
        wanted: The members in the request, and the old ones that it does not change.

    Raises:
        SimulatedError: For members with which no task could be launched.
    """
    if wanted.get("volumeConfigurations"):
        raise not_simulated("volumeConfigurations")
    definition = runnable_definition(account, wanted["taskDefinition"])
    config = {name: wanted[name] for name in REVISION_MEMBERS if name in wanted}
    config |= {"taskDefinition": definition.arn, "enableExecuteCommand": wanted.get("enableExecuteCommand", False)}
    strategy = config.get("capacityProviderStrategy")
    if "launchType" in config and strategy:
        raise invalid("Give either launchType or capacityProviderStrategy, not both.")
    if not strategy and "launchType" not in config:
        strategy = cluster.default_strategy
    config.pop("capacityProviderStrategy", None)
    if strategy:
        config["capacityProviderStrategy"] = checked_strategy(strategy, cluster.capacity_providers)
    elif config.setdefault("launchType", "EC2") == "MANAGED_INSTANCES":
        raise not_simulated("the launch type MANAGED_INSTANCES")
    vpc = config.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if vpc is not None:
        config["networkConfiguration"] = {"awsvpcConfiguration": {"assignPublicIp": "DISABLED", **vpc}}
    network = {name: config[name] for name in ("networkConfiguration",) if name in config}
    check_launch(definition, network)
    _check_containers(definition.body["containerDefinitions"], config)
    if launch_type_of(config) == "FARGATE":
        if scheduling == "DAEMON":
            raise invalid("Fargate does not run DAEMON services.")
        check_fargate(definition, settings)
        version = config.setdefault("platformVersion", "LATEST")
        _, family = platform(definition.body.get("runtimePlatform", {}), version)
        config["platformFamily"] = family
    else:
        check_instances({**network, **{name: config[name] for name in ("platformVersion",) if name in config}})
    return config


def _check_containers(containers: list[Wire], config: Wire) -> None:
    names = {container["name"] for container in containers}
    for member in ("loadBalancers", "serviceRegistries"):
        for each in config.get(member, []):
            if each.get("containerName", next(iter(names))) not in names:
                raise invalid(f"The container {each['containerName']} does not exist in the task definition.")


def service_settings(scheduling: str, old: Wire, request: Wire) -> Wire:
    """Return the members of a service that are not part of a revision.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    given = {name: request[name] for name in SETTING_MEMBERS if name in request}
    configuration = deployment_configuration(
        scheduling, old.get("deploymentConfiguration", {}), given.get("deploymentConfiguration", {})
    )
    check_count("placementConstraints", given.get("placementConstraints", []), least=0, most=10)
    check_count("placementStrategy", given.get("placementStrategy", []), least=0, most=5)
    placement_rules(given.get("placementConstraints", []), given.get("placementStrategy", []))
    if given.get("healthCheckGracePeriodSeconds", 0) < 0:
        raise invalid("healthCheckGracePeriodSeconds must not be negative.")
    if scheduling == "DAEMON" and given.get("placementStrategy"):
        raise invalid("DAEMON services take no placement strategy.")
    defaults: Wire = {
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "placementConstraints": [],
        "placementStrategy": [],
    }
    return {**defaults, **old, **given, "deploymentConfiguration": configuration}


def check_grace_period(controller: str, config: Wire, request: Wire) -> None:
    """Refuse a grace period for a service that has no load balancer yet; one in the same UpdateService does not count.

    Seen: https://github.com/hashicorp/terraform-provider-aws/issues/31104 and, for a load balancer in the same request,
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1313. Task sets have load balancers of
    their own.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    balanced = controller == "EXTERNAL" or config.get("loadBalancers") or config.get("vpcLatticeConfigurations")
    if request.get("healthCheckGracePeriodSeconds", 0) > 0 and not balanced:
        raise invalid("Health check grace period is only valid for services configured to use load balancers")


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


def checked_desired(count: int) -> int:
    """Return a desired count after checking its bounds.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if not 0 <= count <= MAX_DESIRED:
        raise invalid(f"desiredCount must be between 0 and {MAX_DESIRED}, not {count}.")
    return count


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
