"""Where definitions name resources of other services: one table, and what is found at each place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ecskit._verification.checks import Check
from ecskit._verification.images import image_of
from ecskit._verification.references import Reference, ResourceType, Scene, Wire, exists
from ecskit._verification.resources import (
    ACCESS_POINT,
    CONFIGURATION_FILE,
    ENVIRONMENT_FILE,
    FILE_SYSTEM,
    LOG_GROUP,
    PARAMETER,
    ROLE,
    SECRET,
    SECURITY_GROUP,
    SUBNET,
    TARGET_GROUP,
)

__all__ = ["PLACES", "Find", "one_vpc"]

Found = Iterator[Reference | Check]
Find = Callable[[Scene, str, Any], Found]
"""Yields the resources that a place of a definition names, and checks that need no request."""

_LOCAL = frozenset({None, "json-file", "journald", "none"})
"""Log drivers that send nothing elsewhere."""
_NO_LOOK_UP = "resources of this type are not looked up"
_PARAMETER_NAME = re.compile(r"([A-Za-z0-9_./-]+)(?::[A-Za-z0-9_.-]+)?")
_NETWORK = "networkConfiguration.awsvpcConfiguration"


def _role(principal: str) -> Find:
    def find(scene: Scene, path: str, value: str) -> Found:
        named = Reference(path=path, resource=ROLE, key=value.rsplit("/", 1)[-1], shown=value, judge=judge)
        yield from _own(scene, named, value)

    def judge(reference: Reference, shown: Any) -> Iterator[Check]:
        arn = shown["Arn"]
        if _account(reference.shown) not in (None, _account(arn)):
            yield _elsewhere(reference)
        elif reference.shown.startswith("arn:") and reference.shown != arn:
            yield reference.missing(f"does not exist, but {arn} does; correct the path")
        elif not any(_trusts(each, principal) for each in _listed(shown["AssumeRolePolicyDocument"]["Statement"])):
            yield reference.missing(f"is not trusted: let its trust policy allow sts:AssumeRole to {principal}")
        else:
            yield reference.holds()

    return find


def _trusts(statement: Wire, principal: str) -> bool:
    who = statement.get("Principal", {})
    if who == "*" or "*" in _listed(who.get("AWS", ())):
        trusted = True
    else:  # some partitions have names of their own for the same service
        service = principal.partition(".")[0]
        trusted = any(each == "*" or each.partition(".")[0] == service for each in _listed(who.get("Service", ())))
    allowed = {"sts:assumerole", "sts:*", "*"} & {each.lower() for each in _listed(statement.get("Action", ()))}
    return statement.get("Effect") == "Allow" and trusted and bool(allowed)


def _listed(value: Any) -> Sequence[Any]:
    """Return the items of a member of a policy, which may stand alone."""
    return [value] if isinstance(value, (str, Mapping)) else value


def _own(scene: Scene, reference: Reference, name: str) -> Found:
    """Yield a resource, unless its ARN has another account, whose policies may not let this one describe it."""
    yield reference if scene.account is None or _account(name) in (None, scene.account) else _elsewhere(reference)


def _elsewhere(reference: Reference) -> Check:
    return reference.not_made("it is in another account")


def _account(name: str) -> str | None:
    """Return the account in an ARN; None for any other name."""
    return (name.split(":")[4] or None) if name.startswith("arn:") and name.count(":") > 4 else None


def _region(name: str) -> str | None:
    """Return the region in an ARN; None for any other name."""
    return (name.split(":")[3] or None) if name.startswith("arn:") and name.count(":") > 3 else None


def _log_group(scene: Scene, path: str, configuration: Wire) -> Found:
    options: Mapping[str, str] = configuration.get("options", {})
    name, driver = options.get("awslogs-group"), configuration.get("logDriver")
    if driver != "awslogs":
        if driver not in _LOCAL:
            yield Check(path, f"the destination of the log driver {driver}", "not made", _NO_LOOK_UP)
        return
    if not name:
        return
    group = name.removesuffix(":*").partition(":log-group:")[2] if name.startswith("arn:") else name
    region = _region(name) or options.get("awslogs-region")
    path = f"{path}.options.awslogs-group"
    named = Reference(path=path, resource=LOG_GROUP, key=group, shown=group, region=region, judge=exists)
    if options.get("awslogs-create-group", "").lower() == "true":
        yield named.holds("the log driver creates it if it does not exist")
    else:
        yield from _own(scene, named, name)


def _secret(otherwise: ResourceType) -> Find:
    """Return what finds a secret or a parameter: by its ARN, or of a type by its name."""

    def find(scene: Scene, path: str, value: str) -> Found:
        parts = value.split(":")
        if value.startswith("arn:") and len(parts) > 5 and parts[2] == "ssm":
            name = parts[5].removeprefix("parameter/")
            names = (f"/{name}",) if "/" in name else (name, f"/{name}")
            yield from _own(scene, _parameter(path, names, value, parts[3]), value)
        elif value.startswith("arn:") and len(parts) > 6 and parts[2] == "secretsmanager":
            stage, version = [*parts[8:], "", ""][:2]
            arn = ":".join(parts[:7])
            judge = _has_version(stage, version)
            named = Reference(path=path, resource=SECRET, key=arn, shown=arn, region=parts[3], judge=judge)
            yield from _own(scene, named, value)
        elif value.startswith("arn:"):
            yield Check(path, "the secret", "missing", "is named by an ARN of another service; correct it")
        elif otherwise is SECRET:
            yield Reference(path=path, resource=SECRET, key=value, shown="", judge=_has_version("", ""))
        elif found := _PARAMETER_NAME.fullmatch(value):  # what does not fit may be the secret itself: it is not sent
            yield _parameter(path, (found[1],), "", None)
        else:
            problem = "is named by neither an ARN nor the name of a parameter; correct it"
            yield Check(path, "the secret", "missing", problem)

    return find


def _parameter(path: str, names: tuple[str, ...], shown: str, region: str | None) -> Reference:
    return Reference(path=path, resource=PARAMETER, key=names, shown=shown, region=region, judge=exists)


def _has_version(stage: str, version: str) -> Callable[[Reference, Any], Iterator[Check]]:
    def judge(reference: Reference, shown: Any) -> Iterator[Check]:
        versions: Mapping[str, Sequence[str]] = shown.get("VersionIdsToStages") or {}
        wanted = stage or "AWSCURRENT"
        if shown.get("DeletedDate"):
            yield reference.missing("is scheduled for deletion; restore it, or name another one")
        elif version and version not in versions:
            yield reference.missing(f"has no version {version}; correct the id")
        elif (stage or not version) and not any(wanted in stages for stages in versions.values()):
            yield reference.missing(f"has no version with the stage {wanted}; set its value, or correct the stage")
        else:
            yield reference.holds()

    return judge


def _file(resource: ResourceType) -> Find:
    """Return what finds an object of S3 by its ARN."""

    def find(_: Scene, path: str, value: str) -> Found:
        bucket, key = [*value.partition(":::")[2].split("/", 1), ""][:2]
        if value.startswith("arn:") and bucket and key:
            yield Reference(path=path, resource=resource, key=(bucket, key), shown=value, judge=exists)
        else:
            yield Check(path, f"the {resource.noun}", "not made", "it is not named by the ARN of an object in S3")

    return find


def _log_router(scene: Scene, path: str, options: Wire) -> Found:
    """Yield the configuration of a FireLens container, if it is in S3."""
    if options.get("config-file-type") == "s3":
        yield from _file(CONFIGURATION_FILE)(scene, f"{path}.config-file-value", options.get("config-file-value", ""))


def _file_system(scene: Scene, path: str, configuration: Wire) -> Found:
    system = configuration.get("fileSystemId", "")
    point = configuration.get("authorizationConfig", {}).get("accessPointId")

    def judge_system(reference: Reference, shown: Any) -> Iterator[Check]:
        state = shown.get("LifeCycleState")
        gone = state in ("deleting", "deleted", "error")
        yield reference.missing(f"has the state {state}; name another one") if gone else reference.holds()

    def judge_point(reference: Reference, shown: Any) -> Iterator[Check]:
        other = shown.get("FileSystemId")
        fits = system.rpartition("/")[2] == other
        yield reference.holds() if fits else reference.missing(f"is of the file system {other}; correct one of both")

    where = f"{path}.fileSystemId"
    named = Reference(
        path=where, resource=FILE_SYSTEM, key=system, shown=system, region=_region(system), judge=judge_system
    )
    yield from _own(scene, named, system)
    if point:
        where = f"{path}.authorizationConfig.accessPointId"
        named = Reference(
            path=where, resource=ACCESS_POINT, key=point, shown=point, region=_region(point), judge=judge_point
        )
        yield from _own(scene, named, point)


def _target_group(*, is_served: bool) -> Find:
    """Return what finds a target group; `is_served` if ECS wants it to have a load balancer when it is deployed."""

    def find(scene: Scene, path: str, arn: str) -> Found:
        wanted = "ip" if scene.is_awsvpc else "instance"

        def judge(reference: Reference, shown: Any) -> Iterator[Check]:
            kind = shown["TargetType"]
            if kind != wanted:
                mode = scene.task.get("networkMode", "bridge")
                need = f"tasks with the network mode {mode} need {wanted}"
                yield reference.missing(f"does not fit: its target type is {kind}, and {need}; create another one")
            elif is_served and not shown.get("LoadBalancerArns"):
                yield reference.missing("is used by no load balancer; add it to a listener or a rule")
            else:
                yield reference.holds()

        named = Reference(path=path, resource=TARGET_GROUP, key=arn, shown=arn, region=_region(arn), judge=judge)
        yield from _own(scene, named, arn)

    return find


def _balanced_container(scene: Scene, path: str, balancer: Wire) -> Found:
    """Yield whether the task definition has the container and its port. It needs no request."""
    name, port = balancer.get("containerName"), balancer.get("containerPort")
    containers = {each.get("name"): each for each in scene.task.get("containerDefinitions", ())}
    what = f"the container {name} with the port {port}"
    if name not in containers:
        there = ", ".join(map(str, containers)) or "none"
        yield Check(path, what, "missing", f"does not exist: the task definition has {there}; correct the name")
        return
    mappings = containers[name].get("portMappings", ())
    ports = [str(each.get("containerPort") or each.get("containerPortRange")) for each in mappings]
    if any(_is_within(port, each) for each in ports):
        yield Check(path, what, "holds")
    else:
        there = f"maps {', '.join(ports)}" if ports else "maps no port"
        yield Check(path, what, "missing", f"does not exist: the container {there}; add the port to portMappings")


def _is_within(port: Any, mapped: str) -> bool:
    first, _, last = mapped.partition("-")
    return first.isdigit() and isinstance(port, int) and int(first) <= port <= int(last or first)


def _unread(noun: str) -> Find:
    def find(_: Scene, path: str, __: Any) -> Found:
        yield Check(path, f"the {noun}", "not made", _NO_LOOK_UP)

    return find


def _network(resource: ResourceType) -> Find:
    def find(_: Scene, path: str, value: str) -> Found:
        yield Reference(path=path, resource=resource, key=value, shown=value, judge=exists)

    return find


_TASKS, _ECS = _role("ecs-tasks.amazonaws.com"), _role("ecs.amazonaws.com")
_ADVANCED = "loadBalancers[].advancedConfiguration"
_CONNECT = "serviceConnectConfiguration"
_LATTICE = "vpcLatticeConfigurations[]"

PLACES: Sequence[tuple[Literal["task", "service"], str, Find]] = (
    ("task", "executionRoleArn", _TASKS),
    ("task", "taskRoleArn", _TASKS),
    ("task", "containerDefinitions[].image", image_of),
    ("task", "containerDefinitions[].repositoryCredentials.credentialsParameter", _secret(SECRET)),
    ("task", "containerDefinitions[].secrets[].valueFrom", _secret(PARAMETER)),
    ("task", "containerDefinitions[].environmentFiles[].value", _file(ENVIRONMENT_FILE)),
    ("task", "containerDefinitions[].firelensConfiguration.options", _log_router),
    ("task", "containerDefinitions[].logConfiguration", _log_group),
    ("task", "containerDefinitions[].logConfiguration.secretOptions[].valueFrom", _secret(PARAMETER)),
    ("task", "volumes[].efsVolumeConfiguration", _file_system),
    (
        "task",
        "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter",
        _secret(SECRET),
    ),
    ("task", "containerDefinitions[].credentialSpecs[]", _unread("credential specification")),
    ("task", "volumes[].fsxWindowsFileServerVolumeConfiguration.fileSystemId", _unread("FSx file system")),
    ("task", "volumes[].s3filesVolumeConfiguration.fileSystemArn", _unread("S3 file system")),
    ("task", "volumes[].s3filesVolumeConfiguration.accessPointArn", _unread("access point of S3")),
    ("service", "role", _ECS),
    ("service", f"{_NETWORK}.subnets[]", _network(SUBNET)),
    ("service", f"{_NETWORK}.securityGroups[]", _network(SECURITY_GROUP)),
    ("service", "loadBalancers[].targetGroupArn", _target_group(is_served=True)),
    ("service", "loadBalancers[].loadBalancerName", _unread("classic load balancer")),
    ("service", "loadBalancers[]", _balanced_container),
    ("service", f"{_ADVANCED}.alternateTargetGroupArn", _target_group(is_served=False)),
    ("service", f"{_ADVANCED}.productionListenerRule", _unread("listener rule")),
    ("service", f"{_ADVANCED}.testListenerRule", _unread("listener rule")),
    ("service", f"{_ADVANCED}.roleArn", _ECS),
    ("service", "serviceRegistries[].registryArn", _unread("service of Cloud Map")),
    ("service", "deploymentConfiguration.alarms.alarmNames[]", _unread("alarm of CloudWatch")),
    ("service", "deploymentConfiguration.lifecycleHooks[].hookTargetArn", _unread("target of the hook")),
    ("service", "deploymentConfiguration.lifecycleHooks[].roleArn", _ECS),
    ("service", "volumeConfigurations[].managedEBSVolume.roleArn", _ECS),
    ("service", "volumeConfigurations[].managedEBSVolume.kmsKeyId", _unread("KMS key")),
    ("service", "volumeConfigurations[].managedEBSVolume.snapshotId", _unread("snapshot of EBS")),
    ("service", f"{_LATTICE}.targetGroupArn", _unread("target group of VPC Lattice")),
    ("service", f"{_LATTICE}.advancedConfiguration.alternateTargetGroupArn", _unread("target group of VPC Lattice")),
    ("service", f"{_LATTICE}.advancedConfiguration.productionListenerRule", _unread("listener rule")),
    ("service", f"{_LATTICE}.advancedConfiguration.testListenerRule", _unread("listener rule")),
    ("service", f"{_LATTICE}.roleArn", _ECS),
    ("service", f"{_CONNECT}.namespace", _unread("namespace of Cloud Map")),
    ("service", f"{_CONNECT}.logConfiguration", _log_group),
    ("service", f"{_CONNECT}.logConfiguration.secretOptions[].valueFrom", _secret(PARAMETER)),
    ("service", f"{_CONNECT}.services[].tls.roleArn", _ECS),
    ("service", f"{_CONNECT}.services[].tls.kmsKey", _unread("KMS key")),
    (
        "service",
        f"{_CONNECT}.services[].tls.issuerCertificateAuthority.awsPcaAuthorityArn",
        _unread("certificate authority"),
    ),
)
"""Which definition, where in it, and what finds the resources that are named there."""


def one_vpc(seen: Mapping[Reference, Any]) -> Iterator[Check]:
    """Yield whether the subnets, the security groups and the target groups by address are in one VPC."""
    placed: dict[str, list[str]] = {}
    for reference, shown in seen.items():
        if isinstance(shown, Mapping) and "VpcId" in shown and shown.get("TargetType", "ip") == "ip":
            placed.setdefault(shown["VpcId"], []).append(reference.shown.rpartition(":")[2])
    if sum(map(len, placed.values())) < 2:
        return
    what = "the VPC of subnets, security groups and target groups"
    parts = "; ".join(f"{vpc} has {', '.join(names)}" for vpc, names in placed.items())
    if len(placed) == 1:
        yield Check(_NETWORK, what, "holds", parts)
    else:
        yield Check(_NETWORK, what, "missing", f"is not one: {parts}")
