"""Build a task: its fixed members, its containers and its steps.

`launch_rules` checks the request before, and `placement` chooses the container instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.arns import short_id
from ecskit._simulator.fargate import cpu_units, memory_mib, platform
from ecskit._simulator.images import digest
from ecskit._simulator.placement import FreeCapacity, dynamic_ports
from ecskit._simulator.records.resources import Cluster, Demand, Tags, Task, TaskDefinition
from ecskit._simulator.tagging import checked_tags, merged_tags
from ecskit._simulator.task_lifecycle import ContainerPlan, TaskPlan, scripted_lifecycle

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

_DEFAULT_STOP_TIMEOUT = 30


@attrs.frozen(kw_only=True)
class Launch:
    """What the tasks of one call have in common.

    Args:
        cluster: The cluster.
        definition: The task definition.
        request: The RunTask or StartTask request.
        launch_type: EC2, FARGATE or EXTERNAL.
    """

    cluster: Cluster
    definition: TaskDefinition
    request: Wire
    launch_type: str

    @property
    def fargate(self) -> bool:
        """Whether the tasks run on Fargate."""
        return self.launch_type == "FARGATE"


def demand_of(definition: TaskDefinition, overrides: Wire) -> Demand:
    """Return the resources that one task takes from a container instance, with the host ports of its definition."""
    containers = definition.body["containerDefinitions"]
    changes = {each["name"]: each for each in overrides.get("containerOverrides", [])}
    merged = [{**container, **changes.get(container["name"], {})} for container in containers]
    cpu = overrides.get("cpu", definition.body.get("cpu"))
    memory = overrides.get("memory", definition.body.get("memory"))
    ports: set[tuple[int, str]] = set()
    if definition.body.get("networkMode") in ("bridge", "host"):
        mappings = [mapping for container in containers for mapping in container["portMappings"]]
        ports = {(each["hostPort"], each["protocol"]) for each in mappings if each.get("hostPort")}
    return Demand(
        cpu=cpu_units(cpu) if cpu else sum(each["cpu"] for each in merged),
        memory=memory_mib(memory)
        if memory
        else sum(each.get("memoryReservation", each.get("memory", 0)) for each in merged),
        ports=frozenset(ports),
    )


def start_task(account: Account, launch: Launch, *, room: FreeCapacity | None, capacity_provider: str | None) -> Task:
    """Add one task to the account, and take its resources from `room`.

    Args:
        account: The account.
        launch: What it has in common with the other tasks of the call.
        room: The free capacity of its container instance; None on Fargate.
        capacity_provider: Its capacity provider, if any.

    Raises:
        SimulatedError: `PlatformUnknownException` for a platform version that does not exist.
    """
    definition, request = launch.definition, launch.request
    task_id = account.hex(32)
    arn = account.arns.ecs("task", f"{launch.cluster.name}/{task_id}")
    demand = demand_of(definition, request.get("overrides", {}))
    body = _fixed_members(account, launch, arn, demand, room=room, capacity_provider=capacity_provider)
    interface = _interface(account, request) if definition.body.get("networkMode") == "awsvpc" else None
    bindings = _bindings(definition, room)
    bound = {(each["hostPort"], each["protocol"]) for every in bindings.values() for each in every}
    demand = attrs.evolve(demand, chosen_ports=frozenset(bound) - demand.ports)
    plan = TaskPlan(
        script=account.next_script(definition.family),
        fargate=launch.fargate,
        containers=_container_plans(account, definition, task_id, interface, bindings, fargate=launch.fargate),
        interface_details=interface["details"] if interface else None,
        has_exec_agent=request.get("enableExecuteCommand", False),
    )
    task = Task(
        arn=arn,
        ordinal=account.ordinal(),
        cluster_arn=launch.cluster.arn,
        family=definition.family,
        created_at=account.now,
        body=body,
        containers=_containers(account, definition, request, arn),
        interface={**interface, "details": interface["details"][:1]} if interface else None,
        demand=demand,
        instance_arn=room.instance.arn if room else None,
        plan=plan,
        steps=scripted_lifecycle(plan, account.now),
        tags=_tags(launch),
    )
    if room is not None:
        room.take(demand)
    account.add_task(task)
    return task


def _fixed_members(
    account: Account,
    launch: Launch,
    arn: str,
    demand: Demand,
    *,
    room: FreeCapacity | None,
    capacity_provider: str | None,
) -> Wire:
    definition, request = launch.definition, launch.request
    overrides = request.get("overrides", {})
    body: Wire = {
        "taskArn": arn,
        "clusterArn": launch.cluster.arn,
        "taskDefinitionArn": definition.arn,
        "group": request.get("group", f"family:{definition.family}"),
        "launchType": launch.launch_type,
        "cpu": str(demand.cpu),
        "memory": str(demand.memory),
        "overrides": {
            "inferenceAcceleratorOverrides": [],
            **overrides,
            "containerOverrides": _override_list(definition, overrides),
        },
        "enableExecuteCommand": request.get("enableExecuteCommand", False),
        "attributes": [{"name": "ecs.cpu-architecture", "value": _architecture(definition)}],
    }
    zone = account.arns.region + account.identifiers.choice("abc")
    if launch.launch_type != "EXTERNAL":
        body["availabilityZone"] = zone
    if "startedBy" in request:
        body["startedBy"] = request["startedBy"]
    if capacity_provider is not None:
        body["capacityProviderName"] = capacity_provider
    if room is not None:
        body["containerInstanceArn"] = room.instance.arn
    if launch.fargate:
        body["platformVersion"], body["platformFamily"] = platform(
            definition.body.get("runtimePlatform", {}), request.get("platformVersion", "LATEST")
        )
        storage = overrides.get("ephemeralStorage") or definition.body.get("ephemeralStorage") or {"sizeInGiB": 20}
        body["ephemeralStorage"] = storage
        body["fargateEphemeralStorage"] = {"sizeInGiB": storage["sizeInGiB"]}
    return body


def _override_list(definition: TaskDefinition, overrides: Wire) -> list[Wire]:
    """Return one override per container: ECS lists containers without changes as well."""
    changes = {each["name"]: each for each in overrides.get("containerOverrides", [])}
    names = [container["name"] for container in definition.body["containerDefinitions"]]
    return [changes.get(name, {"name": name}) for name in names]


def _architecture(definition: TaskDefinition) -> str:
    architecture: str = definition.body.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
    return architecture.lower()


def _interface(account: Account, request: Wire) -> Wire:
    """Return the network interface of an awsvpc task, as an attachment with all details."""
    subnet = request["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0]
    address = ".".join(["10", *(str(account.identifiers.randrange(1, 255)) for _ in range(3))])
    mac = ":".join(["0a", *(account.hex(2) for _ in range(5))])
    details = {
        "subnetId": subnet,
        "networkInterfaceId": f"eni-{account.hex(17)}",
        "macAddress": mac,
        "privateDnsName": f"ip-{address.replace('.', '-')}.{_domain(account.arns.region)}",
        "privateIPv4Address": address,
    }
    return {
        "id": account.uuid(),
        "type": "ElasticNetworkInterface",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def _domain(region: str) -> str:
    """Return the domain of private names in a region; us-east-1 has its own form."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def _bindings(definition: TaskDefinition, room: FreeCapacity | None) -> dict[str, list[Wire]]:
    """Return the host ports of each container: those of the definition, else free ones."""
    if room is None or definition.body.get("networkMode") not in ("bridge", "host"):
        return {}
    mappings = [
        (container["name"], mapping)
        for container in definition.body["containerDefinitions"]
        for mapping in container["portMappings"]
        if "containerPort" in mapping
    ]
    taken = room.ports | room.chosen_ports | {(mapping["hostPort"], mapping["protocol"]) for _, mapping in mappings}
    free = iter(dynamic_ports(taken, [mapping["protocol"] for _, mapping in mappings if not mapping["hostPort"]]))
    bindings: dict[str, list[Wire]] = {}
    for name, mapping in mappings:
        bindings.setdefault(name, []).append(
            {
                "bindIP": "0.0.0.0",  # noqa: S104  # a value that ECS reports; nothing binds to it
                "containerPort": mapping["containerPort"],
                "hostPort": mapping["hostPort"] or next(free),
                "protocol": mapping["protocol"],
            }
        )
    return bindings


def _containers(account: Account, definition: TaskDefinition, request: Wire, task_arn: str) -> list[Wire]:
    """Return the fixed members of each container."""
    changes = {each["name"]: each for each in request.get("overrides", {}).get("containerOverrides", [])}
    containers: list[Wire] = []
    for defined in definition.body["containerDefinitions"]:
        merged = {**defined, **changes.get(defined["name"], {})}
        container: Wire = {
            "containerArn": account.arns.ecs("container", f"{task_arn.partition('/')[2]}/{account.uuid()}"),
            "taskArn": task_arn,
            "name": defined["name"],
            "image": defined["image"],
            "networkInterfaces": [],
            "cpu": str(merged["cpu"]),
        }
        for member in ("memory", "memoryReservation"):
            if member in merged:
                container[member] = str(merged[member])
        containers.append(container)
    return containers


def _container_plans(
    account: Account,
    definition: TaskDefinition,
    task_id: str,
    interface: Wire | None,
    bindings: dict[str, list[Wire]],
    *,
    fargate: bool,
) -> tuple[ContainerPlan, ...]:
    attached: Wire = {}
    if interface is not None:
        address = next(each["value"] for each in interface["details"] if each["name"] == "privateIPv4Address")
        attached = {"networkInterfaces": [{"attachmentId": interface["id"], "privateIpv4Address": address}]}
    plans: list[ContainerPlan] = []
    for container in definition.body["containerDefinitions"]:
        runtime_id = f"{task_id}-{account.identifiers.randrange(10**9, 10**10)}" if fargate else account.hex(64)
        plans.append(
            ContainerPlan(
                name=container["name"],
                essential=container["essential"],
                stop_timeout=container.get("stopTimeout", _DEFAULT_STOP_TIMEOUT),
                has_health_check="healthCheck" in container,
                when_attached=attached,
                when_running={
                    "runtimeId": runtime_id,
                    "imageDigest": digest(container["image"]),
                    "networkBindings": bindings.get(container["name"], []),
                },
            )
        )
    return tuple(plans)


def _tags(launch: Launch) -> Tags:
    own = checked_tags(launch.request.get("tags"))
    inherited = launch.definition.tags if launch.request.get("propagateTags") == "TASK_DEFINITION" else []
    managed: Tags = []
    if launch.request.get("enableECSManagedTags"):
        managed = [{"key": "aws:ecs:clusterName", "value": short_id(launch.cluster.arn)}]
    return merged_tags(merged_tags(managed, inherited), own)
