"""Images in ECR: how they are named, whether they exist, their digests and their platforms.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError
from ecskit._verification.checks import Check
from ecskit._verification.reading import Unread, send, why_unread
from ecskit._verification.references import Reference, ResourceType, Scene

__all__ = ["IMAGE", "EcrImage", "ecr_image", "image_of"]

_NAME = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+)"
    r"/(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
"""The media types of manifests that list images by platform."""
_ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}


@attrs.frozen(kw_only=True)
class EcrImage:
    """The name of an image in a private registry of ECR."""

    registry: str
    account: str
    region: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters of requests for it."""
        id_ = {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag or "latest"}
        return {"registryId": self.account, "repositoryName": self.repository, "imageIds": [id_]}

    def pinned(self, digest: str) -> str:
        """Return the name of the image by its digest."""
        return f"{self.registry}/{self.repository}@{digest}"


def ecr_image(name: str) -> EcrImage | None:
    """Return what the name of an image says; None if it is in another registry than ECR."""
    found = _NAME.fullmatch(name)
    return EcrImage(**found.groupdict()) if found else None


def image_of(scene: Scene, path: str, name: str) -> Iterator[Reference | Check]:
    """Yield the image of a container."""
    image = ecr_image(name)
    if image is None:  # the name may hold a password
        yield Check(path, "the image", "not made", "it is in another registry than ECR")
        return
    platform = _platform(scene)
    resource, judge = (INDEXED_IMAGE, _fits(platform)) if any(platform) else (IMAGE, _exists)
    yield Reference(path=path, resource=resource, key=image, shown=name, region=image.region, judge=judge)


def _platform(scene: Scene) -> tuple[str | None, str | None]:
    """Return operating system and architecture that images need; None if any will do."""
    stated = scene.task.get("runtimePlatform", {})
    system = stated.get("operatingSystemFamily", "LINUX" if scene.is_fargate else None)
    architecture = stated.get("cpuArchitecture", "X86_64" if scene.is_fargate else None)
    return system and system.partition("_")[0].lower(), _ARCHITECTURES.get(architecture, architecture)


def _exists(reference: Reference, _: Any) -> Iterator[Check]:
    yield reference.holds()


def _fits(platform: tuple[str | None, str | None]) -> Callable[[Reference, Any], Iterator[Check]]:
    wanted = "/".join(part or "any" for part in platform)

    def judge(reference: Reference, shown: Any) -> Iterator[Check]:
        yield reference.holds()
        of_platform = attrs.evolve(reference, prefix="the platform of ")
        platforms = shown["platforms"]
        if isinstance(platforms, Unread):
            yield of_platform.not_made(platforms.reason)
        elif any(all(want in (None, has) for want, has in zip(platform, each, strict=True)) for each in platforms):
            yield of_platform.holds(wanted)
        else:
            there = ", ".join(sorted({"/".join(each) for each in platforms})) or "none"
            advice = "build it for that platform, or change runtimePlatform"
            yield of_platform.missing(f"does not fit: tasks need {wanted}, and the image index has {there}; {advice}")

    return judge


def _found(reference: Reference, shown: Any) -> Flow[Any]:
    """Return the image; `Unread` if it does not exist yet, and a pull through cache rule may fetch it."""
    if shown is not None:
        return shown
    image: EcrImage = reference.key
    operation, rules, token = "DescribePullThroughCacheRules", list[Any](), None
    try:
        while True:
            params = {"registryId": image.account, **({"nextToken": token} if token else {})}
            answer = yield from send("ecr", operation, params, image.region)
            rules += answer.get("pullThroughCacheRules", ())
            token = answer.get("nextToken")
            if not token:
                break
    except EcsError as error:
        why = why_unread(error, f"ecr:{operation}")
        return Unread(f"it is not in ECR, and whether a pull through cache rule fetches it was not read: {why}")
    for rule in rules:
        prefix = rule["ecrRepositoryPrefix"]
        if prefix == "ROOT" or image.repository.startswith(f"{prefix}/"):
            return Unread(f"it is not in ECR yet; its pull through cache rule {prefix} fetches it when it is pulled")
    return None


def _with_platforms(reference: Reference, shown: Any) -> Flow[Any]:
    """Return the image with its platforms, if its manifest lists them."""
    found = yield from _found(reference, shown)
    if found is None or isinstance(found, Unread):
        return found
    image: EcrImage = reference.key
    if found.get("imageManifestMediaType") not in _INDEXES:
        return {**found, "platforms": Unread("only the manifest of an image index names platforms, and this is none")}
    try:
        params = {**image.params, "acceptedMediaTypes": list(_INDEXES)}
        answer = yield from send("ecr", "BatchGetImage", params, image.region)
    except EcsError as error:
        return {**found, "platforms": Unread(why_unread(error, "ecr:BatchGetImage"))}
    try:
        manifests = json.loads(answer["images"][0]["imageManifest"])["manifests"]
        platforms = [(each["platform"]["os"], each["platform"]["architecture"]) for each in manifests]
    except (LookupError, TypeError, ValueError):
        return {**found, "platforms": Unread("its image index cannot be read")}
    return {**found, "platforms": [each for each in platforms if "unknown" not in each]}  # those are attestations


IMAGE = ResourceType(
    noun="image",
    service="ecr",
    operation="DescribeImages",
    action="ecr:DescribeImages",
    params=lambda keys: keys[0].params,
    read=lambda answer, _: next(iter(answer.get("imageDetails", ())), None),
    absent=frozenset({"RepositoryNotFoundException", "ImageNotFoundException"}),
    advice="push it, or correct the name",
    then=_found,
)
INDEXED_IMAGE = attrs.evolve(IMAGE, then=_with_platforms)
"""An image whose platform is compared. Reading an image index counts as a pull of the image."""
