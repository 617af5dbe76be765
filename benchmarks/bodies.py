"""The canned responses: DescribeTasks for Fargate tasks with two containers, with the members that ECS sends."""

from __future__ import annotations

import json
from random import Random
from typing import Any

REGION = "eu-west-1"
_ARN = f"arn:aws:ecs:{REGION}:123456789012"
_REPOSITORY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
_START = 1760000000.0


def arns(count: int) -> list[str]:
    """Return the ARNs of the tasks in `body(count)`."""
    random = Random(count)
    return [f"{_ARN}:task/prod/{random.getrandbits(128):032x}" for _ in range(count)]


def body(count: int) -> bytes:
    """Return the body of the response for `count` tasks."""
    random = Random(-count)
    tasks = [_task(arn, random) for arn in arns(count)]
    return json.dumps({"failures": [], "tasks": tasks}, separators=(",", ":")).encode()


def _task(arn: str, random: Random) -> dict[str, Any]:
    created = round(_START + random.uniform(0, 86400), 3)
    eni = f"{random.getrandbits(128):032x}"
    address = f"10.0.{random.randrange(256)}.{random.randrange(256)}"
    return {
        "attachments": [
            {
                "id": _uuid(random),
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": [
                    {"name": "subnetId", "value": f"subnet-{random.getrandbits(68):017x}"},
                    {"name": "networkInterfaceId", "value": f"eni-{random.getrandbits(68):017x}"},
                    {"name": "macAddress", "value": ":".join(f"{random.randrange(256):02x}" for _ in range(6))},
                    {"name": "privateDnsName", "value": f"ip-{address.replace('.', '-')}.{REGION}.compute.internal"},
                    {"name": "privateIPv4Address", "value": address},
                ],
            }
        ],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": f"{REGION}a",
        "capacityProviderName": "FARGATE",
        "clusterArn": f"{_ARN}:cluster/prod",
        "connectivity": "CONNECTED",
        "connectivityAt": created + 13.1,
        "containers": [
            _container(arn, "web", eni, address, random),
            _container(arn, "log-router", eni, address, random),
        ],
        "cpu": "512",
        "createdAt": created,
        "desiredStatus": "RUNNING",
        "enableExecuteCommand": True,
        "ephemeralStorage": {"sizeInGiB": 20},
        "fargateEphemeralStorage": {"sizeInGiB": 20},
        "group": "service:web",
        "healthStatus": "HEALTHY",
        "lastStatus": "RUNNING",
        "launchType": "FARGATE",
        "memory": "1024",
        "overrides": {
            "containerOverrides": [
                {"name": "web", "environment": [{"name": "RELEASE", "value": f"{random.getrandbits(160):040x}"}]},
                {"name": "log-router"},
            ],
            "inferenceAcceleratorOverrides": [],
        },
        "platformFamily": "Linux",
        "platformVersion": "1.4.0",
        "pullStartedAt": created + 20.2,
        "pullStoppedAt": created + 31.3,
        "startedAt": created + 44.4,
        "startedBy": f"ecs-svc/{random.randrange(10**18, 10**19)}",
        "tags": [{"key": "team", "value": "checkout"}, {"key": "stage", "value": "prod"}],
        "taskArn": arn,
        "taskDefinitionArn": f"{_ARN}:task-definition/web:{random.randrange(1, 400)}",
        "version": random.randrange(4, 9),
    }


def _container(task: str, name: str, eni: str, address: str, random: Random) -> dict[str, Any]:
    return {
        "containerArn": f"{_ARN}:container/prod/{task.rpartition('/')[2]}/{_uuid(random)}",
        "cpu": "256",
        "healthStatus": "HEALTHY",
        "image": f"{_REPOSITORY}/{name}:{random.getrandbits(160):040x}",
        "imageDigest": f"sha256:{random.getrandbits(256):064x}",
        "lastStatus": "RUNNING",
        "managedAgents": [
            {
                "lastStartedAt": round(_START + random.uniform(0, 86400), 3),
                "name": "ExecuteCommandAgent",
                "lastStatus": "RUNNING",
            }
        ],
        "memory": "512",
        "memoryReservation": "128",
        "name": name,
        "networkBindings": [],
        "networkInterfaces": [{"attachmentId": _uuid(random), "privateIpv4Address": address}],
        "runtimeId": f"{eni}-{random.randrange(10**9, 10**10)}",
        "taskArn": task,
    }


def _uuid(random: Random) -> str:
    text = f"{random.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
