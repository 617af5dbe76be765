"""The method `services.history`: which revisions of a service were deployed, how that ended, and what runs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

import attrs

from ecskit._core.documented import Documented
from ecskit._core.effects import Emit, Emits
from ecskit._core.wording import escaped, plural
from ecskit._deployments.read import check_service, read_service
from ecskit._deployments.reference import check_controller, id_of_revision
from ecskit._deployments.revisions import AT_ONCE, deployments_listed, revisions_of
from ecskit.models.services import Deployment, Service, ServiceDeploymentBrief, ServiceRevision

__all__ = ["DeployedRevision", "history"]

_DIGEST = 12
"""How many hexadecimal digits of the digest of an image are shown."""


@attrs.frozen(kw_only=True)
class DeployedRevision(Documented):
    """A revision of a service in its history: what was deployed, when, how it ended, and how many tasks run of it."""

    service_deployment: ServiceDeploymentBrief | None
    """The service deployment; None if ECS no longer shows it, although the revision runs."""
    service_revision: ServiceRevision | None
    """What was deployed; None if ECS no longer shows it."""
    deployment: Deployment | None
    """What the service shows of it, with the counts of its tasks; None if none of it runs any more."""

    @property
    def service_revision_arn(self) -> str | None:
        """ARN of the service revision; None if unknown."""
        if self.service_revision is not None:
            return self.service_revision.service_revision_arn
        return self.service_deployment.target_service_revision_arn if self.service_deployment else None

    @property
    def task_definition(self) -> str | None:
        """ARN of the task definition; None if ECS no longer shows it."""
        shown = self.service_revision or self.deployment
        return shown.task_definition if shown else None

    @property
    def images(self) -> Mapping[str, str]:
        """The image of each container, by its name, with the digest that ECS resolved if it did."""
        images = self.service_revision.container_images if self.service_revision else ()
        return {each.container_name or "": _image(each.image, each.image_digest) for each in images}

    @property
    def status(self) -> str | None:
        """The status of the service deployment, such as SUCCESSFUL; None if ECS no longer shows it."""
        return self.service_deployment.status if self.service_deployment else None

    @property
    def created_at(self) -> datetime | None:
        """When ECS created the deployment."""
        shown = self.service_deployment or self.deployment
        return shown.created_at if shown else None

    @property
    def is_current(self) -> bool:
        """Whether the service runs this revision, or is being deployed to it: it is its PRIMARY deployment."""
        return self.deployment is not None and self.deployment.status == "PRIMARY"

    def __str__(self) -> str:
        created = self.created_at
        when = created.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC") if created else "at an unknown time"
        what = (self.task_definition or "a task definition that ECS no longer shows").rsplit("/", 1)[-1]
        images = ", ".join(f"{name} {_shortened(image)}" for name, image in self.images.items())
        parts = [f"{when}  {what}{f' ({images})' if images else ''}  {self._end()}"]
        if self.is_current:
            parts.append("current")
        if self.deployment is not None:
            parts.append(plural(self.deployment.running_count or 0, "running task"))
        return escaped(", ".join(parts))

    def _end(self) -> str:
        """Return how the deployment ended."""
        brief = self.service_deployment
        if brief is None:
            return "deployed before what ECS still shows"
        began, ended = brief.started_at or brief.created_at, brief.finished_at
        seconds = f" after {(ended - began).total_seconds():.0f} s" if began and ended else ""
        why = f": {brief.status_reason}" if brief.status_reason and brief.status != "SUCCESSFUL" else ""
        return f"{brief.status}{seconds}{why}"


def _image(image: str | None, digest: str | None) -> str:
    name = image or ""
    return f"{name}@{digest}" if digest and "@" not in name else name


def _shortened(image: str) -> str:
    name, at, digest = image.partition("@sha256:")
    return f"{name}{at}{digest[:_DIGEST]}"


def history(service: str | Service, *, cluster: str | None = None) -> Emits[DeployedRevision]:
    """Yield what was deployed to a service, newest first: when, how it ended, and what runs of it.

    ECS shows service deployments for about 90 days. A revision that still runs and was deployed before that is yielded
    last, without its deployment. Reads 20 revisions per request. `services.rollback(to=)` takes what is yielded.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.

    Yields:
        Each deployed revision; `str` is one line. What ECS no longer shows of it is None.

    Raises:
        UnsupportedController: ECS does not control the deployments of the service.
        ServicesMissing: ECS does not show the service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a request, for example without permission.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html
    """
    check_service("services.history", service, cluster)

    def flow() -> Emits[DeployedRevision]:
        shown = yield from read_service("services.history", service, cluster)
        check_controller(shown)
        running = {each.id: each for each in shown.deployments}
        listed = yield from deployments_listed(shown)
        for start in range(0, len(listed), AT_ONCE):
            some = listed[start : start + AT_ONCE]
            revisions = yield from revisions_of([each.target_service_revision_arn for each in some])
            for brief in some:
                arn = brief.target_service_revision_arn
                yield Emit(
                    DeployedRevision(
                        service_deployment=brief,
                        service_revision=revisions.get(arn or ""),
                        deployment=running.pop(id_of_revision(arn) or "", None),
                    )
                )
        older: Sequence[str | None] = [each.arn for each in shown.current_service_revisions]
        revisions = yield from revisions_of([arn for arn in older if id_of_revision(arn) in running])
        by_id = {id_of_revision(arn): revision for arn, revision in revisions.items()}
        for id_, deployment in running.items():
            yield Emit(
                DeployedRevision(service_deployment=None, service_revision=by_id.get(id_), deployment=deployment)
            )

    return flow()
