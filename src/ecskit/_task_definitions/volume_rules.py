"""Rules about volumes: their types, names, mounts and file systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecskit._task_definitions.container_rules import containers
from ecskit._task_definitions.findings import Finding, finding
from ecskit._task_definitions.normalizing import Definition
from ecskit._task_definitions.task_rules import Rule
from ecskit.models.task_definitions import EFSVolumeConfiguration, S3FilesVolumeConfiguration, Volume

__all__ = ["VOLUME_RULES"]

_KINDS = (
    "host",
    "docker_volume_configuration",
    "efs_volume_configuration",
    "s3files_volume_configuration",
    "fsx_windows_file_server_volume_configuration",
)


def _volumes(definition: Definition) -> Iterator[tuple[str, Volume]]:
    for i, volume in enumerate(definition.volumes):
        yield f"volumes[{i}]", volume


def _kinds(definition: Definition) -> Iterator[Finding]:
    at_launch = 0
    for path, volume in _volumes(definition):
        kinds = [kind for kind in _KINDS if getattr(volume, kind) is not None]
        kinds += ["configured_at_launch"] if volume.configured_at_launch else []
        if len(kinds) > 1:
            yield finding(path, "volume-kind", f"expected one of {', '.join(kinds)}")
        if volume.configured_at_launch:
            at_launch += 1
            if at_launch > 1:
                text = "only one volume can be configured at launch, and another one is"
                yield finding(f"{path}.configured_at_launch", "volumes-at-launch", text)
        named = ("configured_at_launch", "efs_volume_configuration", "s3files_volume_configuration")
        if volume.name is None and any(kind in named for kind in kinds):
            yield finding(f"{path}.name", "volume-name", "required for this type of volume")


def _mounted(definition: Definition) -> Iterator[Finding]:
    volumes = {volume.name for _, volume in _volumes(definition)}
    names = {container.name for _, container in containers(definition)}
    for path, container in containers(definition):
        for i, mount in enumerate(container.mount_points):
            if mount.source_volume is not None and mount.source_volume not in volumes:
                text = f"the task definition has no volume {mount.source_volume}"
                yield finding(f"{path}.mount_points[{i}].source_volume", "mount-points", text)
        for i, source in enumerate(container.volumes_from):
            name = source.source_container
            if name is not None and (name not in names or name == container.name):
                text = f"the task definition has no other container {name}"
                yield finding(f"{path}.volumes_from[{i}].source_container", "volumes-from", text)


def _file_systems(definition: Definition) -> Iterator[Finding]:
    for path, volume in _volumes(definition):
        if volume.efs_volume_configuration is not None:
            yield from _efs(f"{path}.efs_volume_configuration", volume.efs_volume_configuration)
        if volume.s3files_volume_configuration is not None:
            at = f"{path}.s3files_volume_configuration"
            yield from _s3files(at, volume.s3files_volume_configuration, role=definition.task_role_arn)


def _efs(path: str, efs: EFSVolumeConfiguration) -> Iterator[Finding]:
    access = efs.authorization_config
    if access is None:
        return
    if access.access_point_id and efs.root_directory not in (None, "", "/"):
        yield finding(f"{path}.root_directory", "efs-access-point", "leave it out, or make it /, with an access point")
    if (access.access_point_id or access.iam == "ENABLED") and efs.transit_encryption in (None, "DISABLED"):
        text = "must be ENABLED with an access point or IAM authorization"
        yield finding(f"{path}.transit_encryption", "efs-encryption", text)


def _s3files(path: str, s3files: S3FilesVolumeConfiguration, *, role: str | None) -> Iterator[Finding]:
    if s3files.access_point_arn and s3files.root_directory not in (None, "", "/"):
        yield finding(f"{path}.root_directory", "s3files", "leave it out, or make it /, with an access point")
    if not role:
        yield finding(path, "s3files", "requires a task_role_arn in the task definition")


VOLUME_RULES: Sequence[Rule] = (_kinds, _mounted, _file_systems)
