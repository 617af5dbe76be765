"""Random task definitions that ECS registers: every launch type, network, kind of volume, secret, log and port."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import attrs

Wire = dict[str, Any]

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/teams/tasks"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:web-AbCdEf"
PARAMETER = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/web/token"
ECR = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/web:1.2"
LOGS = {"awslogs-group": "/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}
ACCESS = {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"}


@attrs.frozen(kw_only=True)
class Platform:
    """Where a definition is meant to run."""

    name: str
    requires: tuple[str, ...]
    modes: tuple[str | None, ...]
    windows: bool = False

    @property
    def fargate(self) -> bool:
        """Whether the rules of Fargate apply."""
        return "FARGATE" in self.requires

    @property
    def instances(self) -> bool:
        """Whether it runs on instances that the account owns, with all that their hosts have."""
        return not {"FARGATE", "MANAGED_INSTANCES"}.intersection(self.requires)


FARGATE = Platform(name="Fargate", requires=("FARGATE",), modes=("awsvpc",))
FARGATE_WINDOWS = Platform(name="Windows on Fargate", requires=("FARGATE",), modes=("awsvpc",), windows=True)
PORTABLE = Platform(name="EC2 and Fargate", requires=("EC2", "FARGATE"), modes=("awsvpc",))
EC2 = Platform(name="EC2", requires=("EC2",), modes=(None, "bridge", "host", "awsvpc", "none"))
WINDOWS = Platform(name="Windows on EC2", requires=("EC2",), modes=(None, "awsvpc"), windows=True)
EXTERNAL = Platform(name="ECS Anywhere", requires=("EXTERNAL",), modes=(None, "bridge", "host", "none"))
MANAGED = Platform(name="Managed Instances", requires=("MANAGED_INSTANCES",), modes=("awsvpc", "host"))
ANY = Platform(name="anywhere", requires=(), modes=(None, "bridge", "awsvpc"))
PLATFORMS = (FARGATE, FARGATE_WINDOWS, PORTABLE, EC2, WINDOWS, EXTERNAL, MANAGED, ANY)

_LINUX_SIZES = (
    (256, (512, 1024, 2048)),
    (512, (1024, 2048, 3072, 4096)),
    (1024, (2048, 5120, 8192)),
    (2048, (4096, 9216, 16384)),
    (4096, (8192, 30720)),
    (8192, (16384, 20480, 61440)),
    (16384, (32768, 122880)),
    (32768, (61440, 122880, 249856)),
)
_WINDOWS_SIZES = tuple(size for size in _LINUX_SIZES if size[0] in (1024, 2048, 4096))
_IMAGES = (
    "nginx:1.27",
    "nginx",
    "ghcr.io/example-org/app_1.x:v1.0.0-rc.1",
    "registry.example.com:5000/team/app:2",
    "public.ecr.aws/docker/library/httpd:2.4@sha256:" + "0123456789abcdef" * 4,
)
_VALUES = (
    "",
    "x",
    "8080",
    "a=b c",
    "100%",
    "$5",
    '{"a": {"b": [1]}}',
    "https://example.com/?q=%20",
    "Grüße",
    "a<b && c>d",
)
_COMMANDS = (["serve"], ["sh", "-c", "exec app --port ${PORT:-80} > /dev/stdout"], ["date", "+%Y-%m-%d"])
_FROM = ("token", "/web/token", PARAMETER, SECRET, f"{SECRET}:key::", f"{SECRET}:key:AWSCURRENT:", f"{SECRET}:::v1")


@attrs.frozen
class Draft:
    """What the parts of a definition depend on."""

    random: Random
    platform: Platform
    mode: str
    has_role: bool
    ports: Iterator[int]
    """Ports that no other container has."""
    ipc: str | None
    volumes: Sequence[str]

    def maybe(self, chance: float = 0.3) -> bool:
        """Return True by chance."""
        return self.random.random() < chance

    def some(self, values: Sequence[Any], most: int = 2) -> list[Any]:
        """Return a few different values."""
        return self.random.sample(values, self.random.randint(1, min(most, len(values))))


def valid(random: Random, platform: Platform) -> Wire:
    """Return a task definition for a platform that ECS registers."""
    mode = random.choice(platform.modes)
    volumes = _volumes(random, platform)
    draft = Draft(
        random=random,
        platform=platform,
        mode=mode or "bridge",
        has_role=random.random() < 0.8,
        ports=itertools.count(random.randint(1, 30000), 11),
        ipc=random.choice([None, "task", "host"]) if platform.instances and not platform.windows else None,
        volumes=[volume["name"] for volume in volumes],
    )
    definition: Wire = {"family": random.choice(["web", "Web_1-a", "a" * 255]), **_size(draft)}
    if platform.requires:
        definition["requiresCompatibilities"] = list(platform.requires)
    if mode is not None:
        definition["networkMode"] = mode
    if draft.has_role:
        definition["executionRoleArn"] = ROLE
    if any("s3filesVolumeConfiguration" in volume for volume in volumes) or draft.maybe():
        definition["taskRoleArn"] = ROLE if volumes else random.choice([ROLE, "tasks"])
    if volumes:
        definition["volumes"] = volumes
    if draft.ipc is not None:
        definition["ipcMode"] = draft.ipc
    definition["containerDefinitions"] = _containers(draft, definition)
    _task_members(draft, definition)
    return definition


def _size(draft: Draft) -> Wire:
    random, platform = draft.random, draft.platform
    if platform.instances and draft.maybe(0.5):
        return random.choice([{}, {"memory": "4096"}, {"memory": "4 GB", "cpu": "2 vCPU"}])
    cpu, memories = random.choice(_WINDOWS_SIZES if platform.windows else _LINUX_SIZES)
    memory = random.choice(memories)
    return {
        "cpu": random.choice([f"{cpu}", f"{cpu / 1024} vCPU", f"{cpu / 1024}vcpu"]),
        "memory": random.choice([f"{memory}", f"{memory / 1024} GB", f"{memory / 1024}gb"]),
    }


def _task_members(draft: Draft, definition: Wire) -> None:
    random, platform = draft.random, draft.platform
    if platform.windows:
        definition["runtimePlatform"] = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    elif draft.maybe():
        definition["runtimePlatform"] = {"cpuArchitecture": random.choice(["X86_64", "ARM64"])}
    if draft.maybe():
        definition["tags"] = [{"key": "team", "value": "data"}, {"key": "a" * 128, "value": "b" * 256}, {"key": "c"}]
    if platform.fargate and draft.maybe():
        definition["ephemeralStorage"] = {"sizeInGiB": random.choice([21, 100, 200])}
    if not platform.windows and draft.maybe():
        definition["pidMode"] = "task" if platform.fargate else random.choice(["task", "host"])
    if platform.instances and draft.maybe():
        expression = "attribute:ecs.instance-type =~ t3.*"
        definition["placementConstraints"] = [{"type": "memberOf", "expression": expression}] * random.choice([1, 10])
    if (
        draft.mode == "awsvpc"
        and not platform.windows
        and "MANAGED_INSTANCES" not in platform.requires
        and draft.maybe(0.2)
    ):
        names = {"IgnoredUID": "1337", "ProxyIngressPort": "15000", "ProxyEgressPort": "15001", "AppPorts": "80"}
        definition["proxyConfiguration"] = {
            "type": "APPMESH",
            "containerName": random.choice(definition["containerDefinitions"])["name"],
            "properties": [{"name": name, "value": value} for name, value in names.items()],
        }


def _containers(draft: Draft, definition: Wire) -> list[Wire]:
    count = draft.random.choice([1, 1, 2, 3, 5])
    containers: list[Wire] = []
    for i in range(count):
        containers.append(_container(draft, f"c{i}", containers, has_memory="memory" in definition))
    if draft.maybe(0.2):
        options = {"enable-ecs-log-metadata": "true", "config-file-type": "file", "config-file-value": "/x.conf"}
        router: Wire = {"name": "router", "image": "fluent/fluent-bit:3.2", "memoryReservation": 50}
        router["firelensConfiguration"] = {"type": draft.random.choice(["fluentbit", "fluentd"]), "options": options}
        containers[0]["logConfiguration"] = {"logDriver": "awsfirelens", "options": {"Name": "cloudwatch_logs"}}
        containers.append(router)
    return containers


def _container(draft: Draft, name: str, others: Sequence[Wire], *, has_memory: bool) -> Wire:
    random, platform = draft.random, draft.platform
    container: Wire = {"name": name, "image": random.choice(_IMAGES)}
    if draft.has_role and draft.maybe():
        container["image"] = ECR
    if not has_memory or draft.maybe():
        container |= random.choice([{"memory": 4}, {"memoryReservation": 64}, {"memory": 64, "memoryReservation": 64}])
    if draft.maybe():
        container["cpu"] = random.choice([0, 16])
    if draft.maybe(0.5):
        container["essential"] = not others or draft.maybe(0.5)
    if draft.maybe():
        container["portMappings"] = _ports(draft)
    if draft.maybe() and (logs := _logs(draft)):
        container["logConfiguration"] = logs
    if draft.maybe():
        container["healthCheck"] = {
            "command": random.choice([["CMD-SHELL", "curl -f http://localhost:$PORT || exit 1"], ["CMD", "true"]]),
            **random.choice([{}, {"interval": 5, "timeout": 2, "retries": 1, "startPeriod": 0}, {"interval": 300}]),
        }
    if others and draft.maybe(0.5):
        container["dependsOn"] = [_dependency(draft, random.choice(others))]
    if others and platform.instances and draft.maybe(0.1):
        container["volumesFrom"] = [{"sourceContainer": random.choice(others)["name"], "readOnly": True}]
    if others and platform.instances and not platform.windows and draft.mode == "bridge" and draft.maybe(0.2):
        container["links"] = [f"{random.choice(others)['name']}:db"]
    if draft.volumes and draft.maybe(0.5):
        mounted = draft.some(draft.volumes)
        container["mountPoints"] = [{"sourceVolume": each, "containerPath": f"/mnt/{each}"} for each in mounted]
    return container | _environment(draft) | _options(draft) | ({} if platform.windows else _linux(draft))


def _ports(draft: Draft) -> list[Wire]:
    if draft.mode == "none":
        return []
    port = next(draft.ports)
    hosts = [None, port] if draft.mode in ("awsvpc", "host") else [None, 0, port]
    host = draft.random.choice(hosts)
    mappings: list[Wire] = [{"containerPort": port, **({} if host is None else {"hostPort": host})}]
    if draft.maybe():
        mappings[0] |= {"name": f"port-{port}", "appProtocol": draft.random.choice(["http", "http2", "grpc"])}
    if draft.maybe():
        mappings[0]["protocol"] = draft.random.choice(["tcp", "udp", "http"])
    if draft.mode in ("awsvpc", "bridge") and draft.maybe(0.2):
        mappings.append({"containerPortRange": f"{port + 1}-{port + 5}", "protocol": "udp"})
    return mappings


def _logs(draft: Draft) -> Wire | None:
    random, platform = draft.random, draft.platform
    kinds: list[Wire] = [
        {"logDriver": "splunk", "options": {"splunk-url": "https://logs.example.com", "tag": "{{.ID}}"}}
    ]
    if draft.has_role:
        kinds.append({**kinds[0], "secretOptions": [{"name": "splunk-token", "valueFrom": SECRET}]})
    if draft.has_role or not platform.fargate:
        more = {"awslogs-create-group": "true", "awslogs-datetime-format": "%Y-%m-%d", "mode": "non-blocking"}
        kinds += [{"logDriver": "awslogs", "options": LOGS | more}, {"logDriver": "awslogs", "options": LOGS}]
    if platform.instances:
        kinds += [{"logDriver": driver} for driver in ("json-file", "syslog", "journald", "gelf", "fluentd")]
    return random.choice(kinds)


def _dependency(draft: Draft, other: Wire) -> Wire:
    conditions = ["START"]
    conditions += ["HEALTHY"] if "healthCheck" in other else []
    conditions += ["COMPLETE", "SUCCESS"] if other.get("essential") is False else []
    return {"containerName": other["name"], "condition": draft.random.choice(conditions)}


def _environment(draft: Draft) -> Wire:
    random = draft.random
    members: Wire = {}
    if draft.maybe(0.5):
        members["environment"] = [
            {"name": name, "value": random.choice(_VALUES)} for name in draft.some(["A", "B", "C"])
        ]
    if draft.has_role and draft.maybe():
        members["secrets"] = [{"name": f"S{i}", "valueFrom": each} for i, each in enumerate(draft.some(_FROM, 4))]
    if draft.has_role and draft.maybe(0.1):
        members["environmentFiles"] = [{"type": "s3", "value": "arn:aws:s3:::config/web.env"}] * random.choice([1, 10])
    if draft.has_role and draft.maybe(0.1):
        members["repositoryCredentials"] = {"credentialsParameter": SECRET}
    return members


def _options(draft: Draft) -> Wire:
    random, platform = draft.random, draft.platform
    offers: list[Wire] = [
        {"command": random.choice(_COMMANDS)},
        {"entryPoint": ["/entrypoint.sh"], "workingDirectory": "/app"},
        {"stopTimeout": 120, "startTimeout": 2},
        {"restartPolicy": {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]}},
        {"dockerLabels": {"com.example/rule": "Host(`a`) %%host%% ${x}"}},
        {"interactive": True, "pseudoTerminal": True, "versionConsistency": "disabled"},
        {"ulimits": [], "systemControls": [], "dockerSecurityOptions": []},
    ]
    if platform.instances:
        offers += [{"stopTimeout": 3600}, {"dockerSecurityOptions": ["label:web"]}]
    if platform.instances and not platform.windows:
        offers += [{"privileged": True}, {"dnsServers": ["10.0.0.2"]} if draft.mode != "awsvpc" else {}]
        offers += [{"resourceRequirements": [{"type": "GPU", "value": "1"}]}]
    if platform.instances and not platform.windows and draft.mode == "bridge":
        offers += [{"hostname": "web", "extraHosts": [{"hostname": "db", "ipAddress": "10.0.0.9"}]}]
    merged: Wire = {}
    for offer in draft.some(offers, 3):
        merged |= offer
    return merged


def _linux(draft: Draft) -> Wire:
    offers: list[Wire] = [
        {"user": "1000:1000", "readonlyRootFilesystem": True},
        {"ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 65536}]},
        {"linuxParameters": {"initProcessEnabled": True, "capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}},
        {"linuxParameters": {"tmpfs": [{"containerPath": "/tmp", "size": 64, "mountOptions": ["noexec"]}]}},
    ]
    if draft.mode != "host":
        offers.append({"systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}]})
    if draft.platform.instances and draft.ipc != "host":
        offers.append({"systemControls": [{"namespace": "kernel.msgmax", "value": "65536"}]})
    if draft.platform.instances:
        devices = [{"hostPath": "/dev/fuse", "permissions": ["read", "write"]}]
        offers += [
            {"linuxParameters": {"devices": devices, "maxSwap": 0, "swappiness": 0, "sharedMemorySize": 64}},
            {"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}, "swappiness": 100, "maxSwap": 64}},
            {"ulimits": [{"name": "memlock", "softLimit": -1, "hardLimit": -1}]},
        ]
    return draft.random.choice(offers) if draft.maybe(0.5) else {}


def _volumes(random: Random, platform: Platform) -> list[Wire]:
    efs = {"fileSystemId": "fs-12345678"}
    offers: list[Wire] = [{}, {"host": {}}, {"configuredAtLaunch": True}]
    if not platform.windows:
        offers += [
            {"efsVolumeConfiguration": {**efs, "rootDirectory": "/data", "transitEncryption": "DISABLED"}},
            {"efsVolumeConfiguration": {**efs, "transitEncryption": "ENABLED", "authorizationConfig": ACCESS}},
            {"efsVolumeConfiguration": {**efs, "transitEncryption": "ENABLED", "transitEncryptionPort": 2049}},
        ]
    if platform.fargate and not platform.windows:
        arn = f"arn:aws:s3files:eu-west-1:{ACCOUNT}:file-system/fs-1"
        offers.append({"s3filesVolumeConfiguration": {"fileSystemArn": arn}})
    if platform.instances:
        offers += [
            {"host": {"sourcePath": "/var/data"}},
            {"dockerVolumeConfiguration": {"scope": "task", "driver": "local", "driverOpts": {"type": "tmpfs"}}},
            {"dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True, "labels": {"a": "b"}}},
        ]
    if platform is WINDOWS:
        login = {"credentialsParameter": SECRET, "domain": "example.com"}
        fsx = {"fileSystemId": "fs-0123456789abcdef0", "rootDirectory": "share", "authorizationConfig": login}
        offers.append({"fsxWindowsFileServerVolumeConfiguration": fsx})
    chosen = random.sample(offers, random.randint(0, 3))
    return [{"name": f"v{i}", **offer} for i, offer in enumerate(chosen)]
