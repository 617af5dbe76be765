"""Which members a rollback to a revision states: those that differ from the current one, as an update takes them."""

from __future__ import annotations

from typing import Any

import pytest

from ecskit._core.wire import encode
from ecskit._deployments.revisions import differs, restoring
from ecskit.models import Service, ServiceRevision

SERVICE = Service.from_dict(
    {"serviceName": "web", "serviceArn": "arn:s/default/web", "clusterArn": "arn:c/default", "status": "ACTIVE"}
    | {"taskDefinition": "web:2"}
)
OTHER = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
BALANCER = {"targetGroupArn": "arn:tg", "containerName": "app", "containerPort": 80}
VOLUME = {"name": "data", "managedEBSVolume": {"roleArn": "arn:role", "sizeInGiB": 9}}
LATTICE = {"roleArn": "arn:role", "targetGroupArn": "arn:tg", "portName": "http"}


def spread(**weights: int | None) -> list[dict[str, Any]]:
    """Return a capacity provider strategy; weights that are None are left out."""
    items = [("capacityProvider", name, weight) for name, weight in weights.items()]
    return [{key: name, **({} if weight is None else {"weight": weight})} for key, name, weight in items]


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}, {}),
    "another network": ({"networkConfiguration": OTHER}, {}, {"networkConfiguration": OTHER}),
    "a platform version": ({"platformVersion": "1.3.0"}, {"platformVersion": "1.4.0"}, {"platformVersion": "1.3.0"}),
    "a load balancer": ({"loadBalancers": [BALANCER]}, {}, {"loadBalancers": [BALANCER]}),
    "no load balancer": ({}, {"loadBalancers": [BALANCER]}, {"loadBalancers": []}),
    "a volume": ({"volumeConfigurations": [VOLUME]}, {}, {"volumeConfigurations": [VOLUME]}),
    "no volume": ({}, {"volumeConfigurations": [VOLUME]}, {"volumeConfigurations": []}),
    "VPC Lattice": ({"vpcLatticeConfigurations": [LATTICE]}, {}, {"vpcLatticeConfigurations": [LATTICE]}),
    "no registry": ({}, {"serviceRegistries": [{"registryArn": "arn:r"}]}, {"serviceRegistries": []}),
    "Service Connect, which is off": ({"serviceConnectConfiguration": {"enabled": False, "namespace": "n"}}, {}, {}),
    "providers in another order": (
        {"capacityProviderStrategy": spread(A=1, B=2)},
        {"capacityProviderStrategy": spread(B=2, A=1)},
        {},
    ),
    "a weight of 0 that is left out": (
        {"capacityProviderStrategy": spread(A=1, B=None)},
        {"capacityProviderStrategy": spread(A=1, B=0)},
        {},
    ),
    "an EC2 service that has providers now": (
        {"launchType": "EC2"},
        {"capacityProviderStrategy": spread(A=1)},
        {"capacityProviderStrategy": [], "forceNewDeployment": True},
    ),
    "a new member of ECS": ({"speed": 1, "same": 2}, {"speed": 3, "same": 2}, {"speed": 1}),
}


@pytest.mark.parametrize("name", ROWS)
def test_members(name: str) -> None:
    """A member that ecskit does not know is stated, too, but alone it is no reason for an update."""
    earlier, present, stated = ROWS[name]

    def revision(number: int, members: dict[str, Any]) -> ServiceRevision:
        return ServiceRevision.from_dict({"serviceRevisionArn": f"r/{number}", "taskDefinition": "web:2", **members})

    one, two = revision(1, earlier), revision(2, present)
    request = encode(restoring(SERVICE, one, two))
    expected = {"service": "arn:s/default/web", "cluster": "arn:c/default", "taskDefinition": "web:2", **stated}
    assert request == expected
    assert differs(one, two, SERVICE) is bool(stated.keys() - {"speed"})


def test_without_the_current_revision() -> None:
    """ECS may not list it any more. Then the task definition decides, and nothing else is stated."""
    same, other = (
        ServiceRevision.from_dict({"serviceRevisionArn": "r/1", "taskDefinition": name, "networkConfiguration": OTHER})
        for name in ("web:2", "web:1")
    )
    assert [differs(each, None, SERVICE) for each in (same, other)] == [False, True]
    assert encode(restoring(SERVICE, other, None)).keys() == {"service", "cluster", "taskDefinition"}
