"""Breaches of the rules about volumes and mount points."""

from __future__ import annotations

from random import Random
from typing import Any

from properties.definitions import ROLE, Wire

from .making import INSTANCES, LINUX, ON_FARGATE_LINUX, Breaches, extra, volume

BREACHES = Breaches()

# Volumes.


@BREACHES.breach("volume-kind")
def two_kinds(definition: Wire, _: Random) -> str:
    definition.pop("volumes", None)
    for container in definition["containerDefinitions"]:
        container.pop("mountPoints", None)
    return volume(definition, name="two", host={}, configuredAtLaunch=True)


@BREACHES.breach("volumes-at-launch")
def two_at_launch(definition: Wire, _: Random) -> str:
    given = definition.setdefault("volumes", [])
    if not any("configuredAtLaunch" in each for each in given):
        volume(definition, name="first", configuredAtLaunch=True)
    return volume(definition, name="second", configuredAtLaunch=True) + ".configuredAtLaunch"


@BREACHES.breach("volume-name", *LINUX)
def no_volume_name(definition: Wire, _: Random) -> str:
    return volume(definition, efsVolumeConfiguration={"fileSystemId": "fs-1"}) + ".name"


for bad in ("a b", "a.b", "", "v" * 256):

    @BREACHES.breach("volume-name")
    def bad_volume_name(definition: Wire, _: Random, bad: str = bad) -> str:
        return volume(definition, name=bad) + ".name"


@BREACHES.breach("volume-name")
def two_volumes_of_a_name(definition: Wire, _: Random) -> str:
    volume(definition, name="twin")
    return volume(definition, name="twin") + ".name"


@BREACHES.breach("host-path", *INSTANCES)
def empty_host_path(definition: Wire, _: Random) -> str:
    return volume(definition, name="empty", host={"sourcePath": ""}) + ".host.sourcePath"


@BREACHES.breach("mount-points")
def unknown_volume(definition: Wire, _: Random) -> str:
    at = extra(definition, mountPoints=[{"sourceVolume": "ghost", "containerPath": "/a"}])
    return f"{at}.mountPoints[0].sourceVolume"


@BREACHES.breach("mount-points")
def no_volume(definition: Wire, _: Random) -> str:
    return f"{extra(definition, mountPoints=[{'containerPath': '/a'}])}.mountPoints[0].sourceVolume"


@BREACHES.breach("mount-points")
def two_volumes_at_a_path(definition: Wire, _: Random) -> str:
    volume(definition, name="one")
    volume(definition, name="two")
    mounts = [{"sourceVolume": name, "containerPath": "/a"} for name in ("one", "two")]
    at = extra(definition, mountPoints=mounts)
    return f"{at}.mountPoints[1].containerPath"


@BREACHES.breach("volumes-from", *INSTANCES)
def volumes_of_a_ghost(definition: Wire, random: Random) -> str:
    at = extra(definition, volumesFrom=[{"sourceContainer": random.choice(["ghost", "extra"])}])
    return f"{at}.volumesFrom[0].sourceContainer"


def efs(**members: Any) -> Wire:
    return {"name": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **members}}


@BREACHES.breach("efs-access-point", *LINUX)
def a_root_below_an_access_point(definition: Wire, _: Random) -> str:
    access = {"accessPointId": "fsap-1"}
    made = efs(rootDirectory="/data", transitEncryption="ENABLED", authorizationConfig=access)
    return volume(definition, **made) + ".efsVolumeConfiguration.rootDirectory"


@BREACHES.breach("efs-encryption", *LINUX)
def no_encryption(definition: Wire, random: Random) -> str:
    access = random.choice([{"accessPointId": "fsap-1"}, {"iam": "ENABLED"}])
    made = efs(authorizationConfig=access, **random.choice([{}, {"transitEncryption": "DISABLED"}]))
    return volume(definition, **made) + ".efsVolumeConfiguration.transitEncryption"


@BREACHES.breach("efs-port", *LINUX)
def no_port_of_efs(definition: Wire, random: Random) -> str:
    made = efs(transitEncryption="ENABLED", transitEncryptionPort=random.choice([-1, 65536]))
    return volume(definition, **made) + ".efsVolumeConfiguration.transitEncryptionPort"


@BREACHES.breach("efs-port", *LINUX)
def a_port_without_encryption(definition: Wire, _: Random) -> str:
    return volume(definition, **efs(transitEncryptionPort=2049)) + ".efsVolumeConfiguration.transitEncryptionPort"


_S3 = {"fileSystemArn": "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-1"}


@BREACHES.breach("s3files", *ON_FARGATE_LINUX)
def s3_without_role(definition: Wire, _: Random) -> str:
    definition.pop("taskRoleArn", None)
    definition.pop("volumes", None)
    for container in definition["containerDefinitions"]:
        container.pop("mountPoints", None)
    return volume(definition, name="s3", s3filesVolumeConfiguration=_S3) + ".s3filesVolumeConfiguration"


@BREACHES.breach("s3files", *ON_FARGATE_LINUX)
def a_root_below_an_access_point_of_s3(definition: Wire, _: Random) -> str:
    definition["taskRoleArn"] = ROLE
    made = {**_S3, "accessPointArn": "arn:aws:s3files:x", "rootDirectory": "/x"}
    return volume(definition, name="s3", s3filesVolumeConfiguration=made) + ".s3filesVolumeConfiguration.rootDirectory"


@BREACHES.breach("autoprovision", *INSTANCES)
def autoprovision(definition: Wire, random: Random) -> str:
    made = {"autoprovision": False, **random.choice([{}, {"scope": "task"}])}
    return volume(definition, name="d", dockerVolumeConfiguration=made) + ".dockerVolumeConfiguration.autoprovision"
