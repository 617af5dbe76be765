"""Breaches of the rules of Windows and of Fargate."""

from __future__ import annotations

from random import Random
from typing import Any

from properties.definitions import EC2, FARGATE, FARGATE_WINDOWS, WINDOWS, Wire

from .making import ON_FARGATE, ON_FARGATE_LINUX, ON_WINDOWS, Breaches, extra, volume, without_network

BREACHES = Breaches()

# Windows.

for name, value in {
    "user": "me",
    "readonlyRootFilesystem": True,
    "privileged": True,
    "linuxParameters": {"initProcessEnabled": True},
    "ulimits": [{"name": "core", "softLimit": 1, "hardLimit": 1}],
    "links": ["c0"],
    "dnsServers": ["10.0.0.2"],
    "dnsSearchDomains": ["internal"],
    "extraHosts": [{"hostname": "a", "ipAddress": "10.0.0.1"}],
    "disableNetworking": True,
}.items():

    @BREACHES.breach("windows-unsupported", WINDOWS)
    def on_windows(definition: Wire, _: Random, name: str = name, value: Any = value) -> str:
        without_network(definition)
        definition.pop("networkMode", None)
        at = extra(definition, memory=64, **{name: value})
        return f"{at}.{name}"


_SYSTEM = "WINDOWS_SERVER_2022_CORE"
_ARM = {"operatingSystemFamily": _SYSTEM, "cpuArchitecture": "ARM64"}
BREACHES.task("windows-unsupported", "runtimePlatform.cpuArchitecture", _ARM, on=ON_WINDOWS)
BREACHES.task("windows-unsupported", "pidMode", "task", on=ON_WINDOWS)
BREACHES.task("windows-unsupported", "ipcMode", "task", on=[WINDOWS])


@BREACHES.breach("windows-unsupported", *ON_WINDOWS)
def efs_on_windows(definition: Wire, _: Random) -> str:
    return volume(definition, name="efs", efsVolumeConfiguration={"fileSystemId": "fs-1"}) + ".efsVolumeConfiguration"


# Fargate.


@BREACHES.breach("fargate-network-mode", *ON_FARGATE)
def another_network(definition: Wire, random: Random) -> str:
    without_network(definition)
    if random.random() < 0.3:
        del definition["networkMode"]
    else:
        definition["networkMode"] = random.choice(["bridge", "host", "none"])
    return "networkMode"


@BREACHES.breach("fargate-size", *ON_FARGATE)
def no_size(definition: Wire, random: Random) -> str:
    name = random.choice(["cpu", "memory"])
    del definition[name]
    for container in definition["containerDefinitions"]:
        container.setdefault("memory", 64)
    return name


for platform, cpu, memory, path in (
    (FARGATE, "300", "1024", "cpu"),
    (FARGATE, "24576", "61440", "cpu"),
    (FARGATE, "256", "4096", "memory"),
    (FARGATE, "8192", "17408", "memory"),
    (FARGATE, "32 vCPU", "128 GB", "memory"),
    (FARGATE_WINDOWS, "512", "2048", "cpu"),
    (FARGATE_WINDOWS, "32768", "61440", "cpu"),
):

    @BREACHES.breach("fargate-size", platform)
    def no_such_size(definition: Wire, _: Random, cpu: str = cpu, memory: str = memory, path: str = path) -> str:
        definition |= {"cpu": cpu, "memory": memory}
        return path


@BREACHES.breach("fargate-cpu-sum", *ON_FARGATE)
def more_cpu_than_the_task(definition: Wire, _: Random) -> str:
    extra(definition, cpu=32769)
    return "cpu"


for name, value in {
    "privileged": True,
    "links": ["c0"],
    "hostname": "web",
    "dnsServers": ["10.0.0.2"],
    "dnsSearchDomains": ["internal"],
    "extraHosts": [{"hostname": "a", "ipAddress": "10.0.0.1"}],
    "disableNetworking": True,
    "dockerSecurityOptions": ["no-new-privileges"],
}.items():
    BREACHES.container("fargate-unsupported", name, value, on=ON_FARGATE_LINUX)
for name, value in {"devices": [{"hostPath": "/dev/a"}], "maxSwap": 0, "swappiness": 0, "sharedMemorySize": 64}.items():
    BREACHES.container("fargate-unsupported", f"linuxParameters.{name}", {name: value}, on=ON_FARGATE_LINUX)
for kind in ("GPU", "NeuronDevice"):
    needs = [{"type": kind, "value": "1"}]
    BREACHES.container("fargate-unsupported", "resourceRequirements[0].type", needs, on=ON_FARGATE)
BREACHES.task("fargate-unsupported", "ipcMode", "task", "host", "none", on=ON_FARGATE_LINUX)
BREACHES.task("fargate-unsupported", "pidMode", "host", on=ON_FARGATE_LINUX)
_CONSTRAINTS = [{"type": "memberOf", "expression": "true"}]
BREACHES.task("fargate-unsupported", "placementConstraints", _CONSTRAINTS, on=ON_FARGATE)
_ACCELERATORS = [{"deviceName": "device_1", "deviceType": "eia1.medium"}]
BREACHES.task("fargate-unsupported", "inferenceAccelerators", _ACCELERATORS, on=ON_FARGATE)


_LOGIN = {"credentialsParameter": "arn:aws:ssm:eu-west-1:123456789012:parameter/a", "domain": "example.com"}
_FSX = {"fileSystemId": "fs-1", "rootDirectory": "a", "authorizationConfig": _LOGIN}
_OF_INSTANCES: dict[str, Wire] = {
    "dockerVolumeConfiguration": {"dockerVolumeConfiguration": {"scope": "task"}},
    "fsxWindowsFileServerVolumeConfiguration": {"fsxWindowsFileServerVolumeConfiguration": _FSX},
    "host.sourcePath": {"host": {"sourcePath": "/var"}},
}
for path, members in _OF_INSTANCES.items():

    @BREACHES.breach("fargate-unsupported", *ON_FARGATE)
    def volume_of_an_instance(definition: Wire, _: Random, path: str = path, members: Wire = members) -> str:
        return f"{volume(definition, name='instance', **members)}.{path}"


for size in (0, 20, 201):
    BREACHES.task("ephemeral-storage", "ephemeralStorage.sizeInGiB", {"sizeInGiB": size}, on=ON_FARGATE)
BREACHES.task("ephemeral-storage", "ephemeralStorage", {"sizeInGiB": 30}, on=[EC2])
for name in ("startTimeout", "stopTimeout"):
    BREACHES.container("fargate-timeouts", name, 1, 121, on=ON_FARGATE)
_ADD = {"capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}
BREACHES.container("fargate-capabilities", "linuxParameters.capabilities.add", _ADD, on=ON_FARGATE_LINUX)
_S3_CONFIG = {"type": "fluentbit", "options": {"config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/a.conf"}}


@BREACHES.breach("fargate-firelens", *ON_FARGATE)
def a_configuration_in_s3(definition: Wire, _: Random) -> str:
    extra(definition, name="routed", logConfiguration={"logDriver": "awsfirelens"})
    return f"{extra(definition, firelensConfiguration=_S3_CONFIG)}.firelensConfiguration.options"
