"""Restore an earlier task definition. A revision that was deregistered is registered again.

ECS refuses to update a service to an INACTIVE task definition, but still describes it. Deregistering old revisions is
common in pipelines.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html
"""

from __future__ import annotations

import logging

import attrs

from ecskit._api.service_errors import ClientException
from ecskit._core.effects import Flow
from ecskit._core.errors import AccessDeniedError, InvalidRequestError
from ecskit._core.retrying import Retrying
from ecskit._deployments.errors import NothingToRollBack
from ecskit._deployments.reference import StartedDeployment, primary_of, primary_started
from ecskit._deployments.update import Update
from ecskit._task_definitions.files import to_register_request
from ecskit._task_definitions.registering import register_if_changed
from ecskit.models.services import UpdateServiceRequest
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, DescribeTaskDefinitionResponse

__all__ = ["restore"]

log = logging.getLogger("ecskit")


def restore(update: Update) -> Flow[StartedDeployment]:
    """Make an update that restores an earlier task definition, and return the deployment that it started.

    If ECS refuses it because the task definition is INACTIVE, a copy of it is registered and deployed.

    Raises:
        NothingToRollBack: The task definition was deleted.
        EcsError: ECS refuses a request, or the effect of the update is unknown: then `story` has a handle.
    """
    earlier = update.request.task_definition
    try:
        return (yield from update.make())
    except InvalidRequestError as refused:
        # Wording and class of the refusal vary, so the status of the task definition decides.
        if earlier is None or update.pending or refused.retryable:
            raise
        found = yield from _described(update, earlier, refused)
        if found.task_definition.status == "DELETE_IN_PROGRESS":
            raise _deleted(update, earlier) from refused
        if found.task_definition.status != "INACTIVE":
            raise
    tags = [tag for tag in found.tags if not (tag.key or "").startswith("aws:")]
    registered = yield from register_if_changed(to_register_request(found.task_definition, tags=tags))
    copy, original = registered.definition.task_definition_arn, found.task_definition.task_definition_arn
    primary, plain = primary_of(update.before), attrs.evolve(update.request, task_definition=None)
    nothing_else = plain == UpdateServiceRequest(service=plain.service, cluster=plain.cluster)
    if nothing_else and primary is not None and primary.task_definition == copy:
        return attrs.evolve(primary_started(update.before), copy_of=original)  # an earlier rollback has deployed it
    text = "task definition %s was deregistered; %s is a copy of it and is deployed instead"
    log.warning(text, _last(earlier), _last(copy))
    again = attrs.evolve(update, request=attrs.evolve(update.request, task_definition=copy))
    return attrs.evolve((yield from again.make()), copy_of=original)


def _described(update: Update, name: str, refused: InvalidRequestError) -> Flow[DescribeTaskDefinitionResponse]:
    request = DescribeTaskDefinitionRequest(task_definition=name, include=["TAGS"])
    try:
        try:
            return (yield from Retrying(request, single_attempt=True).send())
        except AccessDeniedError:  # tags may need a permission of their own
            request = DescribeTaskDefinitionRequest(task_definition=name)
            return (yield from Retrying(request, single_attempt=True).send())
    except AccessDeniedError:
        raise refused from None
    except ClientException as error:
        if error.retryable:
            raise
        raise _deleted(update, name) from refused


def _deleted(update: Update, name: str) -> NothingToRollBack:
    why = f"the task definition {_last(name)} was deleted, or never existed"
    return NothingToRollBack(update.before.service_name, f"{why}; deploy another one with `ecs.services.deploy`")


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
