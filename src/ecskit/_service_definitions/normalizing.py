"""The normal form of a service definition. Two definitions that mean the same to ECS have the same normal form.

The sources of the defaults are the pages of the structures, such as
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ecskit._core.model import Model
from ecskit._definitions.normalizing import PAIRS, Form
from ecskit.models.common import (
    AwsVpcConfiguration,
    CapacityProviderStrategyItem,
    EBSTagSpecification,
    PlacementConstraint,
)
from ecskit.models.services import (
    CreateServiceRequest,
    DeploymentAlarms,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    DeploymentController,
    DeploymentLifecycleHook,
    GatewayConnector,
    LoadBalancer,
    ServiceConnectService,
    ServiceManagedEBSVolumeConfiguration,
    ServiceRegistry,
    ServiceVolumeConfiguration,
    VpcLatticeConfiguration,
)

__all__ = ["CHOSEN", "normal"]

CHOSEN = ("availability_zone_rebalancing", "capacity_provider_strategy", "launch_type", "desired_count")
"""Members that ECS, the cluster or an autoscaler chooses if a request has none."""
_LEFT_OUT = ("client_token", "tags")
_FORM = Form(
    defaults={
        CreateServiceRequest: {
            "scheduling_strategy": "REPLICA",
            "platform_version": "LATEST",
            "health_check_grace_period_seconds": 0,
            "enable_ecs_managed_tags": False,
            "propagate_tags": "NONE",
            "enable_execute_command": False,
            "role": "",
        },
        AwsVpcConfiguration: {"assign_public_ip": "DISABLED"},
        CapacityProviderStrategyItem: {"weight": 0, "base": 0},
        DeploymentAlarms: {"enable": False, "rollback": False},
        DeploymentCircuitBreaker: {"enable": False, "rollback": False},
        DeploymentConfiguration: {"strategy": "ROLLING", "bake_time_in_minutes": 0},
        DeploymentController: {"type": "ECS"},
        DeploymentLifecycleHook: {"target_type": "AWS_LAMBDA"},
        EBSTagSpecification: {"propagate_tags": "NONE"},
        ServiceManagedEBSVolumeConfiguration: {"filesystem_type": "xfs"},
    },
    keys={
        **PAIRS.keys,
        CapacityProviderStrategyItem: attrgetter("capacity_provider"),
        EBSTagSpecification: attrgetter("resource_type"),
        GatewayConnector: attrgetter("port_name"),
        LoadBalancer: lambda each: f"{each.target_group_arn or each.load_balancer_name} {each.container_name}",
        PlacementConstraint: lambda each: f"{each.type} {each.expression or ''}".rstrip(),
        ServiceConnectService: attrgetter("port_name"),
        ServiceRegistry: attrgetter("registry_arn"),
        ServiceVolumeConfiguration: attrgetter("name"),
        VpcLatticeConfiguration: attrgetter("target_group_arn"),
    },
    values=PAIRS.values,
    sets=frozenset({"subnets", "security_groups", "lifecycle_stages", "alarm_names", "metric_names"}),
    empty_is_absent=frozenset(
        {"alarms", "deployment_circuit_breaker", "deployment_configuration", "deployment_controller"}
    ),
)


def normal(definition: CreateServiceRequest) -> dict[str, Any]:
    """Return the normal form of a definition without tags. The cluster and the task definition have short names."""
    is_daemon = definition.scheduling_strategy == "DAEMON"
    percents = {"minimum_healthy_percent": 0 if is_daemon else 100, "maximum_percent": 100 if is_daemon else 200}

    def is_default(model: Model, name: str, value: Any) -> bool:
        if isinstance(model, DeploymentConfiguration):
            return bool(percents.get(name) == value)
        return isinstance(model, ServiceConnectService) and name == "discovery_name" and value == model.port_name

    tree = {name: each for name, each in _FORM.tree(definition, is_default).items() if name not in _LEFT_OUT}
    tree["cluster"] = definition.cluster or "default"
    for name in ("cluster", "task_definition"):
        if name in tree:
            tree[name] = str(tree[name]).rpartition("/")[2]
    for strategy in tree.get("placement_strategy", ()):
        field = str(strategy.get("field", "")).lower()  # ECS shows `memory` as `MEMORY`
        strategy.update({"field": "instanceid" if field == "host" else field} if field else {})
    return tree
