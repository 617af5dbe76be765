"""The sync client: whose bytes, whose clock, and the namespaces that speak for it."""

from __future__ import annotations

from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ecskit._core.call import call
from ecskit._core.model import Request, Response
from ecskit._drive.clock import Clock, SystemClock
from ecskit._drive.sync import Runtime
from ecskit._facades.sync_operations import Operations
from ecskit._lazy import publish
from ecskit._transport.options import Options, require

if TYPE_CHECKING:
    from typing_extensions import Self

    from ecskit._facades.sync_container_instances import ContainerInstanceVerbs
    from ecskit._facades.sync_pages import Paginate
    from ecskit._facades.sync_services import ServiceVerbs
    from ecskit._facades.sync_task_definitions import TaskDefinitionVerbs
    from ecskit._facades.sync_task_sets import TaskSetVerbs
    from ecskit._facades.sync_tasks import TaskVerbs
    from ecskit._facades.sync_wait import Wait
    from ecskit._transport.sync import Transport

__all__ = [
    "Client",
    "ContainerInstanceVerbs",
    "Paginate",
    "ServiceVerbs",
    "TaskDefinitionVerbs",
    "TaskSetVerbs",
    "TaskVerbs",
    "Wait",
]

publish(
    globals(),
    {
        "ContainerInstanceVerbs": "ecskit._facades.sync_container_instances",
        "Paginate": "ecskit._facades.sync_pages",
        "ServiceVerbs": "ecskit._facades.sync_services",
        "TaskDefinitionVerbs": "ecskit._facades.sync_task_definitions",
        "TaskSetVerbs": "ecskit._facades.sync_task_sets",
        "TaskVerbs": "ecskit._facades.sync_tasks",
        "Wait": "ecskit._facades.sync_wait",
    },
)

ResponseT = TypeVar("ResponseT", bound=Response)


class Client(Operations):
    """A client for Amazon ECS. Its methods are the operations of the API; lists and waits are in its namespaces.

    It may be shared by threads. Use it as a context manager, or `close()` it in the end.

    Args:
        region_name: AWS region; else the session's, else the environment's or the profile's.
        profile_name: Profile of the AWS configuration files to take region and credentials from.
        endpoint_url: Where to send requests instead of the region's own endpoint.
        config: Options of botocore. They overrule ecskit's defaults, which are the standard retry mode with
            3 attempts, 5 s to connect and 20 s to read, and which also give way to environment and profile.
        session: A botocore or boto3 session to take credentials, configuration and event handlers from. It is not
            changed.

    Raises:
        ConfigurationError: There is no region, no such profile, or an argument is not of its type.
    """

    def __init__(
        self,
        *,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: Any = None,
        session: Any = None,
    ) -> None:
        from ecskit._transport.sync import new_transport

        options = Options(region_name, profile_name, endpoint_url, config, session)
        self._set_up(new_transport(**options.as_arguments()), options)

    @classmethod
    def wrap(cls, client: Any) -> Self:
        """Return a client that sends through a boto3 or botocore client for ECS, which stays its owner's.

        Args:
            client: The client. It answers its owner as before, and `close()` leaves it open.

        Raises:
            ConfigurationError: It is not a botocore client for ECS.
        """
        from ecskit._transport.sync import wrap

        wrapped = cls.__new__(cls)
        wrapped._set_up(wrap(client), None)
        return wrapped

    def _set_up(self, transport: Transport, options: Options | None) -> None:
        self._transport = transport
        self._options = options
        self._runtime = Runtime(transport, SystemClock(), SystemRandom())

    def _with_runtime(self, clock: Clock, random: Random) -> Self:
        """Let time and chance come from elsewhere, as the simulator does."""
        self._runtime = Runtime(self._transport, clock, random)
        return self

    @property
    def botocore_client(self) -> Any:
        """The botocore client that requests go through."""
        return self._transport.client

    @property
    def container_instances(self) -> ContainerInstanceVerbs:
        """Container instances: draining them and giving them tasks again, updating their agents, finding them."""
        from ecskit._facades.sync_container_instances import ContainerInstanceVerbs

        return ContainerInstanceVerbs(self._runtime)

    @property
    def paginate(self) -> Paginate:
        """Lists, followed page by page."""
        from ecskit._facades.sync_pages import Paginate

        return Paginate(self._runtime)

    @property
    def services(self) -> ServiceVerbs:
        """Services: deploying, scaling, creating, deleting, finding them."""
        from ecskit._facades.sync_services import ServiceVerbs

        return ServiceVerbs(self._runtime)

    @property
    def task_definitions(self) -> TaskDefinitionVerbs:
        """Registering task definitions; what is done with them offline is in `ecskit.task_definitions`."""
        from ecskit._facades.sync_task_definitions import TaskDefinitionVerbs

        return TaskDefinitionVerbs(self._runtime)

    @property
    def task_sets(self) -> TaskSetVerbs:
        """Task sets of services that somebody else deploys: creating, scaling, switching, deleting them."""
        from ecskit._facades.sync_task_sets import TaskSetVerbs

        return TaskSetVerbs(self._runtime)

    @property
    def tasks(self) -> TaskVerbs:
        """Running tasks and what comes after: waiting, judging, finding, stopping, protecting them."""
        from ecskit._facades.sync_tasks import TaskVerbs

        return TaskVerbs(self._runtime)

    @property
    def wait(self) -> Wait:
        """Waits, each of which ends in a typed result or says why not."""
        from ecskit._facades.sync_wait import Wait

        return Wait(self._runtime)

    def send(self, request: Request[ResponseT], /) -> ResponseT:
        """Send a request and return its response; the operations are shorthand for this.

        Args:
            request: A request of `ecskit.models`, such as `RunTaskRequest`.

        Raises:
            RequestError: Something in the request is not of its type; nothing was sent.
            ServiceError: ECS answered with an error.
            TransportError: No answer came, or one that is not what the operation returns.
            ConfigurationError: The client is closed, or wraps a client that lacks the operation.
        """
        return self._runtime.run(call(request))

    def with_options(
        self,
        *,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: Any = None,
        session: Any = None,
    ) -> Client:
        """Return a new client like this one but for the arguments given; `config` is merged over this one's.

        Raises:
            ConfigurationError: This client wraps one, whose options are not ecskit's, or see `Client`.
        """
        given = Options(region_name, profile_name, endpoint_url, config, session)
        variant = Client(**require(self._options).changed(given).as_arguments())
        return variant._with_runtime(self._runtime.clock, self._runtime.random)

    def close(self) -> None:
        """Cancel what runs in this client, wait for it to clean up, and close the connections.

        Whoever waits for a verb or an item meanwhile gets ClientClosedError, after the clean-up that `on_cancel` asks
        for, which takes at most 10 s. A request under way is awaited. Called inside a callback, this only begins; the
        last verb to end closes the connections. A wrapped client stays open. Closing twice does nothing.
        """
        self._runtime.close(self._transport.close)

    def __enter__(self) -> Self:
        """Return this client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this client."""
        self.close()
