"""Container instances: register, describe, list, drain, update the agent, deregister."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ecskit._simulator.cluster_queries import matcher
from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count
from ecskit._simulator.pagination import paginate
from ecskit._simulator.placement import free_capacity
from ecskit._simulator.records.resources import Cluster, ContainerInstance
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.task_lifecycle import stopped_lifecycle
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account

LATEST_AGENT, LATEST_HASH = "1.99.0", "1cedc0de"
_AGENT_UPDATE_SECONDS = 30.0

_DEFAULT_VERSIONS = {"agentVersion": "1.98.0", "agentHash": "0badc0de", "dockerVersion": "DockerVersion: 25.0.8"}
_DEFAULT_RESOURCES: list[Wire] = [
    {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
    {"name": "MEMORY", "type": "INTEGER", "integerValue": 7680},
    {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2376", "2375", "51678", "51679"]},
    {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
]


# What an agent reports that can do everything. Capabilities have no value (recorded 2018).
_PREFIX = "com.amazonaws.ecs.capability"
_AGENT_ATTRIBUTES: list[Wire] = [
    {"name": "ecs.vpc-id", "value": "vpc-0a1b2c3d4e5f60718"},
    {"name": "ecs.subnet-id", "value": "subnet-0a1b2c3d4e5f60718"},
    *({"name": f"{_PREFIX}.docker-remote-api.1.{minor}"} for minor in range(17, 45)),
    *({"name": f"{_PREFIX}.logging-driver.{driver}"} for driver in ("awslogs", "json-file", "none", "syslog")),
    {"name": f"{_PREFIX}.ecr-auth"},
    {"name": f"{_PREFIX}.privileged-container"},
    {"name": f"{_PREFIX}.task-iam-role"},
    {"name": f"{_PREFIX}.task-iam-role-network-host"},
    {"name": "ecs.capability.container-health-check"},
    {"name": "ecs.capability.execution-role-awslogs"},
    {"name": "ecs.capability.execution-role-ecr-pull"},
    {"name": "ecs.capability.secrets.asm.environment-variables"},
    {"name": "ecs.capability.secrets.ssm.environment-variables"},
    {"name": "ecs.capability.task-cpu-mem-limit"},
    {"name": "ecs.capability.task-eni"},
]


def found_instance(account: Account, cluster: Cluster, reference: str) -> ContainerInstance:
    """Return the container instance of a request.

    Raises:
        SimulatedError: `InvalidParameterException` if the cluster has no such instance.
    """
    instance = account.find_container_instance(cluster, reference)
    if instance is None:
        raise invalid("The specified container instance was not found.")
    return instance


def _register(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request.get("cluster"))
    if "containerInstanceArn" in request:
        instance = found_instance(account, cluster, request["containerInstanceArn"])
        instance.version_info = request.get("versionInfo", instance.version_info)
        instance.version += 1
        return {"containerInstance": show_instance(account, instance)}
    document = _identity(request.get("instanceIdentityDocument"))
    zone = document.get("availabilityZone") or f"{account.arns.region}a"
    built_in = {
        "ecs.ami-id": document.get("imageId") or "ami-0a1b2c3d4e5f60718",
        "ecs.availability-zone": zone,
        "ecs.instance-type": document.get("instanceType") or "m5.large",
        "ecs.os-type": "linux",
        "ecs.cpu-architecture": "x86_64",
    }
    attributes = [{"name": name, "value": value} for name, value in built_in.items()]
    reported = request.get("attributes", _AGENT_ATTRIBUTES)
    attributes += [_attribute(each) for each in reported if each["name"] not in built_in]
    instance = ContainerInstance(
        arn=account.arns.ecs("container-instance", f"{cluster.name}/{account.hex(32)}"),
        ordinal=account.ordinal(),
        cluster_arn=cluster.arn,
        ec2_instance_id=document.get("instanceId") or f"i-{account.hex(17)}",
        status="ACTIVE",
        version=1,
        version_info=request.get("versionInfo", _DEFAULT_VERSIONS),
        resources=[_resource(each) for each in request.get("totalResources", _DEFAULT_RESOURCES)],
        attributes=attributes,
        tags=checked_tags(request.get("tags")),
        registered_at=account.now,
    )
    account.container_instances[instance.arn] = instance
    return {"containerInstance": show_instance(account, instance)}


def _identity(document: str | None) -> dict[str, Any]:
    if document is None:
        return {}
    try:
        identity = json.loads(document)
    except ValueError:
        identity = None
    if not isinstance(identity, dict):
        raise invalid("The instanceIdentityDocument is not a JSON object.")
    return identity


def _attribute(given: Wire) -> dict[str, str]:
    return {member: given[member] for member in ("name", "value") if member in given}


def _resource(given: Wire) -> Wire:
    if "name" not in given or not {"integerValue", "longValue", "doubleValue", "stringSetValue"} & given.keys():
        raise invalid("A resource needs a name and a value.")
    return {"doubleValue": 0.0, "longValue": 0, "integerValue": 0, **given}


def _deregister(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    instance = found_instance(account, cluster, request["containerInstance"])
    tasks = list(account.live_tasks_on(instance))
    if tasks and not request.get("force"):
        raise invalid("Found running tasks on the instance.")
    for task in tasks:
        steps = stopped_lifecycle(
            task.plan,
            task.steps,
            account.now,
            stop_code="TerminationNotice",
            reason="Container instance deregistration forced by user",
        )
        account.change_steps(task, steps)
    instance.status = "INACTIVE"
    del account.container_instances[instance.arn]
    return {"containerInstance": show_instance(account, instance)}


def _describe(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    check_count("containerInstances", request["containerInstances"], most=100)
    found, failures = _lookup(account, cluster, request["containerInstances"])
    include = request.get("include", [])
    return {"containerInstances": [show_instance(account, each, include) for each in found], "failures": failures}


def _list(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    matches = matcher(request.get("filter"))
    wanted = [request["status"]] if "status" in request else ["ACTIVE", "DRAINING"]
    rows = [
        (instance.ordinal, instance.arn)
        for instance in account.instances_of(cluster)
        if instance.status in wanted and matches(instance)
    ]
    page, more = paginate("ListContainerInstances", request, rows)
    return {"containerInstanceArns": page, **more}


def _update_state(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    check_count("containerInstances", request["containerInstances"], most=10)
    if request["status"] not in ("ACTIVE", "DRAINING"):
        raise invalid(f"Container instances can be set to ACTIVE or DRAINING, not {request['status']}.")
    found, failures = _lookup(account, cluster, request["containerInstances"])
    for instance in found:
        if instance.status != request["status"]:
            instance.status = request["status"]
            instance.version += 1
    return {"containerInstances": [show_instance(account, each) for each in found], "failures": failures}


def _update_agent(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    instance = found_instance(account, cluster, request["containerInstance"])
    version = _versions(account, instance).get("agentVersion")
    if version is None:
        raise SimulatedError("MissingVersionException", "The container instance has not reported its agent version.")
    if version == LATEST_AGENT:
        raise SimulatedError("NoUpdateAvailableException", f"The agent is up to date: {version}.")
    if instance.agent_update_requested_at is not None:
        raise SimulatedError("UpdateInProgressException", "An update of the agent is under way.")
    instance.agent_update_requested_at = account.now
    instance.version += 1
    return {"containerInstance": show_instance(account, instance)}


def _lookup(account: Account, cluster: Cluster, references: list[str]) -> tuple[list[ContainerInstance], list[Wire]]:
    found: list[ContainerInstance] = []
    failures: list[Wire] = []
    for reference in dict.fromkeys(references):
        instance = account.find_container_instance(cluster, reference)
        if instance is None:
            arn = account.arns.in_cluster("container-instance", reference, cluster.name)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(instance)
    return found, failures


def _agent_is_updated(account: Account, instance: ContainerInstance) -> bool:
    requested = instance.agent_update_requested_at
    return requested is not None and requested + _AGENT_UPDATE_SECONDS <= account.now


def _versions(account: Account, instance: ContainerInstance) -> Wire:
    if _agent_is_updated(account, instance):
        return {**instance.version_info, "agentVersion": LATEST_AGENT, "agentHash": LATEST_HASH}
    return instance.version_info


def show_instance(account: Account, instance: ContainerInstance, include: list[str] | None = None) -> Wire:
    statuses = [account.task_status(task) for task in account.live_tasks_on(instance)]
    body: Wire = {
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_instance_id,
        "version": instance.version,
        "versionInfo": _versions(account, instance),
        "remainingResources": _remaining(account, instance),
        "registeredResources": instance.resources,
        "status": instance.status,
        "agentConnected": instance.status != "INACTIVE",
        "runningTasksCount": statuses.count("RUNNING"),
        "pendingTasksCount": sum(status in ("PROVISIONING", "PENDING", "ACTIVATING") for status in statuses),
        "attributes": instance.attributes,
        "registeredAt": timestamp(instance.registered_at),
        "attachments": [],
        "tags": instance.tags if include is None or "TAGS" in include else [],
    }
    if instance.agent_update_requested_at is not None:
        body["agentUpdateStatus"] = "UPDATED" if _agent_is_updated(account, instance) else "PENDING"
    if include and "CONTAINER_INSTANCE_HEALTH" in include:
        body["healthStatus"] = {"overallStatus": "OK", "details": []}
    return body


def _remaining(account: Account, instance: ContainerInstance) -> list[Wire]:
    room = free_capacity(account, instance)
    values: dict[str, Wire] = {
        "CPU": {"integerValue": room.cpu},
        "MEMORY": {"integerValue": room.memory},
    }
    protocols = {"PORTS": "tcp", "PORTS_UDP": "udp"}
    remaining: list[Wire] = []
    for resource in instance.resources:
        shown = {**resource, **values.get(resource["name"], {})}
        if resource["name"] in protocols:
            shown["stringSetValue"] = _ports(resource, room.ports, protocols[resource["name"]])
        remaining.append(shown)
    return remaining


def _ports(registered: Wire, ports: set[tuple[int, str]], protocol: str) -> list[str]:
    """Return the reserved ports: those of the agent in its order, then those of tasks."""
    agents: list[str] = registered.get("stringSetValue", [])
    return [*agents, *(str(port) for port, each in sorted(ports) if each == protocol and str(port) not in agents)]


OPERATIONS = {
    "RegisterContainerInstance": _register,
    "DeregisterContainerInstance": _deregister,
    "DescribeContainerInstances": _describe,
    "ListContainerInstances": _list,
    "UpdateContainerInstancesState": _update_state,
    "UpdateContainerAgent": _update_agent,
}
