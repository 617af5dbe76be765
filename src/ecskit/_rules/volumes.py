"""Rules about volumes: their types, names, mounts and file systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecskit._rules.checks import absent, between, by_name, fits, matches, repeated, when
from ecskit._rules.definition import DefinitionCheck, TaskDefinitionWire
from ecskit._rules.rule import Places, Problem, Rule, api, deployed, guide
from ecskit._rules.task import NAME

__all__ = ["VOLUME_RULES"]

_KINDS = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
)
_NAMED = frozenset({"configuredAtLaunch", "efsVolumeConfiguration", "s3filesVolumeConfiguration"})


def _kinds(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, volume in places:
        kinds = [name for name in (*_KINDS, "configuredAtLaunch") if volume.get(name) not in (None, False)]
        if len(kinds) > 1:
            yield Problem(path, f"expected only one of {', '.join(kinds)}")


def _at_launch(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, _on in [place for place in places if place[1]][1:]:
        yield Problem(path, "only one volume can be configured at launch, and another one is")


def _names(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, volume in places:
        if volume.get("name") is None and any(volume.get(kind) not in (None, False) for kind in _NAMED):
            yield Problem(f"{path}.name", "required for this type of volume")


def _mounted(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    names = by_name(definition.at("volumes[]"))
    for path, name in places:
        if name not in names:
            yield Problem(path, f"the task definition has no volume {name or 'with an empty name'}")


def _unnamed_mounts(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, mount in places:
        if mount.get("sourceVolume") is None:
            yield Problem(f"{path}.sourceVolume", "required for each mount point")


def _volumes_from(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    names = by_name(definition.containers)
    for path, container in places:
        for i, source in enumerate(container.get("volumesFrom") or ()):
            name = source.get("sourceContainer")
            if name is not None and (name not in names or name == container.get("name")):
                text = f"the task definition has no other container {name}"
                yield Problem(f"{path}.volumesFrom[{i}].sourceContainer", text)


_EFS = "volumes[].efsVolumeConfiguration"
_ROOT_TEXT = "leave it out, or make it /, with an access point"


def _efs_root(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, efs in places:
        access = efs.get("authorizationConfig") or {}
        if access.get("accessPointId") and efs.get("rootDirectory") not in (None, "", "/"):
            yield Problem(f"{path}.rootDirectory", _ROOT_TEXT)


def _efs_encryption(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, efs in places:
        access = efs.get("authorizationConfig") or {}
        is_open = efs.get("transitEncryption") in (None, "DISABLED")
        if is_open and (access.get("accessPointId") or access.get("iam") == "ENABLED"):
            yield Problem(f"{path}.transitEncryption", "must be ENABLED with an access point or IAM authorization")


def _port_without_encryption(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, efs in places:
        if efs.get("transitEncryptionPort") and efs.get("transitEncryption") in (None, "DISABLED"):
            yield Problem(f"{path}.transitEncryptionPort", "requires the transitEncryption ENABLED")


def _s3files(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, s3files in places:
        if s3files.get("accessPointArn") and s3files.get("rootDirectory") not in (None, "", "/"):
            yield Problem(f"{path}.rootDirectory", _ROOT_TEXT)
        if not definition.wire.get("taskRoleArn"):
            yield Problem(path, "requires a taskRoleArn in the task definition")


def _autoprovision(*, value: bool) -> DefinitionCheck:
    def check(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
        for path, docker in places:
            if docker.get("autoprovision") is value and docker.get("scope", "task") == "task":
                yield Problem(f"{path}.autoprovision", "is for volumes with the scope shared; leave it out")

    return check


VOLUME_RULES: Sequence[Rule[TaskDefinitionWire]] = (
    Rule("volume-kind", "volumes[]", _kinds, source=api("Volume")),
    Rule("volumes-at-launch", "volumes[].configuredAtLaunch", _at_launch, source=api("Volume")),
    Rule("volume-name", "volumes[]", _names, source=api("Volume")),
    Rule("volume-name", "volumes[].name", matches(NAME[0], NAME[1]), source=api("Volume")),
    Rule(
        "volume-name",
        "volumes[].name",
        fits(lambda name: 1 <= len(name) <= 255, "expected 1 to 255 characters"),
        source=api("Volume"),
    ),
    Rule("volume-name", "volumes", repeated("name", "another volume has the name {name}"), source=api("Volume")),
    Rule(
        "host-path",
        "volumes[].host.sourcePath",
        fits(bool, "must not be empty; leave it out"),
        source=api("HostVolumeProperties"),
        words="host.sourcePath should not be blank.",
        seen="aws/amazon-ecs-cli#11",
    ),
    Rule(
        "mount-points",
        "containerDefinitions[].mountPoints[].sourceVolume",
        _mounted,
        source=api("MountPoint"),
        words="Unknown volume '{value}'.",
        seen="ansible/ansible#35751",
    ),
    Rule(
        "mount-points",
        "containerDefinitions[].mountPoints[]",
        _unnamed_mounts,
        source=api("MountPoint"),
        words="Unknown volume 'null'.",
        seen="blinkist/terraform-aws-airship-ecs-service#46",
    ),
    Rule(
        "mount-points",
        "containerDefinitions[].mountPoints",
        repeated("containerPath", "another mount point of the container has the path {name}"),
        source=api("MountPoint"),
    ),
    Rule("volumes-from", "containerDefinitions[]", _volumes_from, source=api("VolumeFrom")),
    Rule(
        "efs-access-point",
        _EFS,
        _efs_root,
        source=api("EFSAuthorizationConfig"),
        words='When using an EFS access point, the root directory must either be set to "/" or be omitted.',
        seen="aws/aws-cdk#10683",
    ),
    Rule("efs-encryption", _EFS, _efs_encryption, source=api("EFSAuthorizationConfig")),
    Rule(
        "efs-port",
        _EFS,
        _port_without_encryption,
        source=api("EFSVolumeConfiguration"),
        words="TransitEncryptionPort requires that TransitEncryption is enabled.",
        seen=deployed("pf-ecs-efs-transit-encryption-port-without-encryption"),
    ),
    Rule(
        "efs-port",
        f"{_EFS}.transitEncryptionPort",
        between(0, 65535),
        # AWS Batch, which registers task definitions, documents the range.
        source="https://docs.aws.amazon.com/batch/latest/APIReference/API_EFSVolumeConfiguration.html",
    ),
    Rule("s3files", "volumes[].s3filesVolumeConfiguration", _s3files, source=api("S3FilesVolumeConfiguration")),
    Rule(
        "autoprovision",
        "volumes[].dockerVolumeConfiguration",
        _autoprovision(value=False),
        source=api("DockerVolumeConfiguration"),
        words="When 'scope' parameter is 'task', 'autoprovision' must either not be specified or set to 'True'.",
        seen="hashicorp/terraform-provider-aws#5907",
    ),
    Rule(
        "autoprovision",
        "volumes[].dockerVolumeConfiguration",
        _autoprovision(value=True),
        source=api("DockerVolumeConfiguration"),
        severity="hint",
    ),
    Rule(
        "windows-unsupported",
        (_EFS,),
        when(lambda d: d.is_windows, absent("not supported by Windows containers")),
        source=guide("efs-volumes"),
    ),
)
