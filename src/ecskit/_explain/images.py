"""Rows: images that cannot be pulled."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause
from ecskit._explain.row import START, Row
from ecskit._explain.sources import NOT_PULLED, READ, REPOST, github

__all__ = ["IMAGE_ROWS", "UNKNOWN_IMAGE_ROWS"]

IMAGE_ROWS: Sequence[Row] = (
    Row(
        name="image-platform",
        places=START,
        pattern=r"descriptor .*platform|no matching manifest for|no match for platform",
        what="The image is not built for the CPU architecture of the task.",
        causes=(
            Cause(
                "The image was built on a machine of another architecture.",
                "Build it for the architecture of the task, or for several: docker buildx build --platform.",
            ),
            Cause(
                "The task definition names another architecture than intended.",
                "Set runtimePlatform.cpuArchitecture to that of the image.",
            ),
        ),
        example="CannotPullContainerError: failed to find a descriptor for platform {linux/amd64}",
        report=github("aws/containers-roadmap#1120"),
        seen="2020-10-16",
        source=NOT_PULLED,
    ),
    Row(
        name="image-rate-limit",
        places=START,
        what="The registry limits how often images are pulled.",
        causes=(
            Cause(
                "Anonymous pulls from Docker Hub are limited by address.",
                "Set repositoryCredentials, or copy the image to Amazon ECR, for example with a pull-through cache.",
            ),
            Cause("Many tasks start at the same time.", "Wait: ECS tries again, and the limit passes by itself."),
        ),
        example="CannotPullContainerError: toomanyrequests: You have reached your pull rate limit",
        report=NOT_PULLED,
        seen=READ,
        source=f"{REPOST}/ecs-pull-container-error-rate-limit",
    ),
    Row(
        name="image-denied",
        places=START,
        pattern=r"CannotPull.*?(?:\b40[13] (?:Forbidden|Unauthorized)|access denied|AccessDenied|no basic auth"
        r"|not authorized|unauthorized|authorization failed|no pull access)",
        what="The registry refuses to give out this image.",
        causes=(
            Cause(
                "The image is not an image of Docker Hub, or its name is wrong: such names are refused, not missing.",
                "Write the full URI of the repository in the task definition.",
            ),
            Cause(
                "The execution role may not pull from the repository.",
                "Allow it ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer.",
            ),
            Cause(
                "The policy of the repository, or of a VPC endpoint, excludes the execution role.",
                "Allow the role and its account there. The layers come from S3, so the S3 endpoint counts too.",
            ),
            Cause(
                "The service keeps the digest of an image that was overwritten or deleted.",
                "Start a new deployment, which resolves the tag again.",
            ),
        ),
        example="CannotPullContainerError: Error response from daemon: pull access denied for acme/app, repository does"
        " not exist or may require 'docker login'",
        report=github("aws/amazon-ecs-agent#2343"),
        seen="2020-01-17",
        source=NOT_PULLED,
    ),
    Row(
        name="image-not-found",
        places=START,
        pattern=r"CannotPull.*?(?:not found|manifest unknown|does not exist|\(404\))",
        what="The registry does not have this image.",
        causes=(
            Cause("The tag does not exist in the repository.", "Push it, or deploy one that exists."),
            Cause(
                "The repository is in another account or region, or does not exist.",
                "Write the full URI of the repository in the task definition.",
            ),
        ),
        example="CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
        " ghcr.io/acme/app:2.4.1: ghcr.io/acme/app:2.4.1: not found",
        report=github("usdigitalresponse/usdr-gost#4036"),
        seen="2025-02-21",
        source=NOT_PULLED,
    ),
    Row(
        name="disk-full",
        places=START,
        pattern=r"no space left on device|thin pool has",
        what="The disk is full.",
        causes=(
            Cause(
                "On Fargate, the image and its data are larger than the storage of the task.",
                "Raise ephemeralStorage in the task definition, or make the image smaller.",
            ),
            Cause(
                "On a container instance, old images and containers fill the disk.",
                "Remove unused images, or use a larger volume.",
            ),
        ),
        example="CannotPullContainerError: ref pull has been retried 1 time(s): failed to extract layer"
        " sha256:7c52: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/86/fs/x: no space"
        " left on device",
        report=github("anomalyco/sst#3542"),
        seen="2023-11-30",
        source=NOT_PULLED,
    ),
    Row(
        name="registry-failure",
        places=START,
        pattern=r"CannotPull.*?\b50\d (?:Gateway|Bad Gateway|Service Unavailable|Internal Server Error)",
        what="The registry failed.",
        causes=(Cause("The registry has an outage.", "Run the task again later. Services do this by themselves."),),
        example="CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed"
        " open: unexpected status code https://registry-1.docker.io/v2/acme/app/blobs/sha256:69e5: 504 Gateway"
        " Time-out",
        report=github("PrefectHQ/prefect#14730"),
        seen="2024-07-24",
        source=NOT_PULLED,
    ),
    Row(
        name="image-unreachable",
        places=START,
        pattern=r"CannotPull.*?(?:time-?out\b|timed out|request canceled|deadline exceeded|no such host"
        r"|connection (?:refused|reset)|failed to do request)",
        what="The task has no connection to the registry.",
        causes=(
            Cause(
                "The subnet has no route to the internet.",
                "Use a NAT gateway; in a public subnet, enable assignPublicIp.",
            ),
            Cause(
                "The subnet is private, and VPC endpoints are missing.",
                "Create endpoints for ecr.api, ecr.dkr and S3, or use a NAT gateway.",
            ),
            Cause(
                "A security group or network ACL blocks the way.",
                "Allow outbound TCP 443, and inbound TCP 443 at the endpoints.",
            ),
        ),
        example="CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref"
        ' quay.io/acme/app:1: failed to do request: Head "https://quay.io/v2/acme/app/manifests/1":'
        " dial tcp 192.0.2.1:443: i/o timeout",
        report=github("deepfence/terraform-aws-cloud-scanner#13"),
        seen="2023-05-18",
        source=f"{REPOST}/ecs-fargate-pull-container-error",
    ),
)

UNKNOWN_IMAGE_ROWS: Sequence[Row] = (
    Row(
        name="image-not-pulled",
        places=START,
        pattern=r"CannotPull\w*Error",
        what="The image could not be pulled, and ECS does not show why, or cut the reason.",
        causes=(
            Cause(
                "The image or its tag does not exist.", "Compare the image of the task definition with the registry."
            ),
            Cause("The execution role may not pull it.", "Allow it the actions of ecr: that pull images."),
            Cause("There is no route to the registry.", "Use a NAT gateway, a public IP, or VPC endpoints."),
        ),
        example="CannotPullContainerError: API error (500)",
        report=github("aws-samples/aws-modern-application-workshop#71"),
        seen="2018-12-30",
        source=NOT_PULLED,
    ),
)
"""After all other rows: other texts have the same beginning."""
