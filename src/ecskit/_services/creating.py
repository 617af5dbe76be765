"""The method `services.create`: create a service once, and wait until it is deployed."""

from __future__ import annotations

import attrs

from ecskit._core.effects import DrawRandom, Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._core.wire import encode
from ecskit._deployments.arguments import FollowOptions
from ecskit._deployments.follow import Tracker
from ecskit._deployments.reference import started_from
from ecskit._polling.options import WaitOptions
from ecskit._waits.errors import UnsupportedController
from ecskit.models.services import CreateServiceRequest, Service

__all__ = ["create"]

_TOKEN_LENGTH = 36


def create(request: CreateServiceRequest, *, follow_options: FollowOptions, wait_options: WaitOptions) -> Flow[Service]:
    """Create a service, and wait until its first deployment has succeeded.

    A request whose response is lost, or that is throttled, is repeated with the same client token, so that the service
    is created once. A service with the controller EXTERNAL has no deployments and is returned when it is created.

    Args:
        request: The service, as `create_service` takes it. Its `client_token`, at most 36 characters, is random if
            absent. Another call with the same token and request returns the same service.
        follow_options: How far, and how, to follow its deployment.
        wait_options: How long to wait, from the creation, and how often to poll.

    Returns:
        The service, as the last poll showed it.

    Raises:
        UnsupportedController: CodeDeploy would control the deployments. Create such a service by `create_service`,
            which does not wait.
        RequestError: A member of the request has a wrong type; nothing was sent.
        ServiceError: ECS refuses: no permission, no such cluster or task definition, a name that is taken. If the
            service was created, `story.handle` of the error is the handle of its deployment.
        TransportError: ECS could not be reached, or its responses were lost. Call again with the `client_token` of the
            error.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """
    verb = "services.create"
    if not isinstance(request, CreateServiceRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        advice = "use CreateServiceRequest(...), or ecskit.services.load for a file or the dict of boto3"
        problem = f"expected a CreateServiceRequest, got {type(request).__name__}; {advice}"
        raise RequestError(verb, [("request", problem)])
    encode(request)
    token = request.client_token
    if token is not None and not 0 < len(token) <= _TOKEN_LENGTH:
        raise RequestError(verb, [("request.client_token", f"expected 1 to {_TOKEN_LENGTH} characters")])
    controller = request.deployment_controller.type if request.deployment_controller else "ECS"
    if controller == "CODE_DEPLOY":
        raise UnsupportedController(request.service_name, controller)
    follow_options.check(verb)
    wait_options.check(verb)

    def flow() -> Flow[Service]:
        key = token or f"{(yield DrawRandom()).get():032x}"
        created = yield from Retrying(attrs.evolve(request, client_token=key)).send()
        if controller == "EXTERNAL":
            return created.service
        tracker = Tracker.of(started_from(verb, created), follow_options, wait_options, verb=verb)
        progress = yield from tracker.wait()
        return progress.service or created.service

    return flow()
