"""The async client: whose bytes, whose clock, and the namespaces that speak for it."""

from __future__ import annotations

from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ecskit._core.call import call
from ecskit._core.errors import MissingExtraError
from ecskit._core.model import Request, Response
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.clock import Clock, SystemClock
from ecskit._facades.aio_operations import AsyncOperations
from ecskit._lazy import publish
from ecskit._transport.options import Options, require

if TYPE_CHECKING:
    from typing_extensions import Self

    from ecskit._facades.aio_container_instances import AsyncContainerInstanceVerbs
    from ecskit._facades.aio_pages import AsyncPaginate
    from ecskit._facades.aio_services import AsyncServiceVerbs
    from ecskit._facades.aio_task_definitions import AsyncTaskDefinitionVerbs
    from ecskit._facades.aio_task_sets import AsyncTaskSetVerbs
    from ecskit._facades.aio_tasks import AsyncTaskVerbs
    from ecskit._facades.aio_wait import AsyncWait
    from ecskit._transport.aio import AsyncTransport

__all__ = [
    "AsyncClient",
    "AsyncContainerInstanceVerbs",
    "AsyncPaginate",
    "AsyncServiceVerbs",
    "AsyncTaskDefinitionVerbs",
    "AsyncTaskSetVerbs",
    "AsyncTaskVerbs",
    "AsyncWait",
]

publish(
    globals(),
    {
        "AsyncContainerInstanceVerbs": "ecskit._facades.aio_container_instances",
        "AsyncPaginate": "ecskit._facades.aio_pages",
        "AsyncServiceVerbs": "ecskit._facades.aio_services",
        "AsyncTaskDefinitionVerbs": "ecskit._facades.aio_task_definitions",
        "AsyncTaskSetVerbs": "ecskit._facades.aio_task_sets",
        "AsyncTaskVerbs": "ecskit._facades.aio_tasks",
        "AsyncWait": "ecskit._facades.aio_wait",
    },
)

ResponseT = TypeVar("ResponseT", bound=Response)


class AsyncClient(AsyncOperations):
    """A client for Amazon ECS. Its methods are the operations of the API; lists and waits are in its namespaces.

    It belongs to the event loop that it is first used in. Use it with `async with`, or `aclose()` it in the end.

    Args:
        region_name: AWS region; else the session's, else the environment's or the profile's.
        profile_name: Profile of the AWS configuration files to take region and credentials from.
        endpoint_url: Where to send requests instead of the region's own endpoint.
        config: Options of botocore. They overrule ecskit's defaults, which are the standard retry mode with
            3 attempts, 5 s to connect and 20 s to read, and which also give way to environment and profile.
        session: An aiobotocore session to take credentials, configuration and event handlers from, or a botocore
            or boto3 session, whose event handlers are not taken. It is not changed.

    Raises:
        ConfigurationError: There is no such profile, or an argument is not of its type. A missing region is told by
            `async with` or the first call.
        MissingExtraError: The extra `async` is not installed.
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
        options = Options(region_name, profile_name, endpoint_url, config, session)
        self._set_up(transport_module().new_transport(**options.as_arguments()), options)

    @classmethod
    def wrap(cls, client: Any) -> Self:
        """Return a client that sends through an aiobotocore client for ECS, which stays its owner's.

        Args:
            client: The client. It answers its owner as before, and `aclose()` leaves it open.

        Raises:
            ConfigurationError: It is not an aiobotocore client for ECS.
        """
        wrapped = cls.__new__(cls)
        wrapped._set_up(transport_module().wrap(client), None)
        return wrapped

    def _set_up(self, transport: AsyncTransport, options: Options | None) -> None:
        self._transport = transport
        self._options = options
        self._runtime = AsyncRuntime(transport, SystemClock(), SystemRandom())

    def _with_runtime(self, clock: Clock, random: Random) -> Self:
        """Let time and chance come from elsewhere, as the simulator does."""
        self._runtime = AsyncRuntime(self._transport, clock, random)
        return self

    @property
    def botocore_client(self) -> Any:
        """The aiobotocore client that requests go through; ConfigurationError before `async with` or the first call."""
        return self._transport.client

    @property
    def container_instances(self) -> AsyncContainerInstanceVerbs:
        """Container instances: draining them and giving them tasks again, updating their agents, finding them."""
        from ecskit._facades.aio_container_instances import AsyncContainerInstanceVerbs

        return AsyncContainerInstanceVerbs(self._runtime)

    @property
    def paginate(self) -> AsyncPaginate:
        """Lists, followed page by page."""
        from ecskit._facades.aio_pages import AsyncPaginate

        return AsyncPaginate(self._runtime)

    @property
    def services(self) -> AsyncServiceVerbs:
        """Services: deploying, scaling, creating, deleting, finding them."""
        from ecskit._facades.aio_services import AsyncServiceVerbs

        return AsyncServiceVerbs(self._runtime)

    @property
    def task_definitions(self) -> AsyncTaskDefinitionVerbs:
        """Registering task definitions; what is done with them offline is in `ecskit.task_definitions`."""
        from ecskit._facades.aio_task_definitions import AsyncTaskDefinitionVerbs

        return AsyncTaskDefinitionVerbs(self._runtime)

    @property
    def task_sets(self) -> AsyncTaskSetVerbs:
        """Task sets of services that somebody else deploys: creating, scaling, switching, deleting them."""
        from ecskit._facades.aio_task_sets import AsyncTaskSetVerbs

        return AsyncTaskSetVerbs(self._runtime)

    @property
    def tasks(self) -> AsyncTaskVerbs:
        """Running tasks and what comes after: waiting, judging, finding, stopping, protecting them."""
        from ecskit._facades.aio_tasks import AsyncTaskVerbs

        return AsyncTaskVerbs(self._runtime)

    @property
    def wait(self) -> AsyncWait:
        """Waits, each of which ends in a typed result or says why not."""
        from ecskit._facades.aio_wait import AsyncWait

        return AsyncWait(self._runtime)

    async def send(self, request: Request[ResponseT], /) -> ResponseT:
        """Send a request and return its response; the operations are shorthand for this.

        Args:
            request: A request of `ecskit.models`, such as `RunTaskRequest`.

        Raises:
            RequestError: Something in the request is not of its type; nothing was sent.
            ServiceError: ECS answered with an error.
            TransportError: No answer came, or one that is not what the operation returns.
            ConfigurationError: The client is closed, or wraps a client that lacks the operation.
        """
        return await self._runtime.run(call(request))

    def with_options(
        self,
        *,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: Any = None,
        session: Any = None,
    ) -> AsyncClient:
        """Return a new client like this one but for the arguments given; `config` is merged over this one's.

        Raises:
            ConfigurationError: This client wraps one, whose options are not ecskit's, or see `Client`.
        """
        given = Options(region_name, profile_name, endpoint_url, config, session)
        variant = AsyncClient(**require(self._options).changed(given).as_arguments())
        return variant._with_runtime(self._runtime.clock, self._runtime.random)

    async def aclose(self) -> None:
        """Cancel what runs in this client, wait for it to clean up, and close the connections.

        Whoever waits for a verb or an item meanwhile gets ClientClosedError, after the clean-up that `on_cancel` asks
        for, which takes at most 10 s. Called inside a callback, this only begins; the connections close when the last
        verb has ended. A wrapped client stays open. Closing twice does nothing.
        """
        await self._runtime.close(self._transport.close)

    async def __aenter__(self) -> Self:
        """Connect as far as that can be done, and return this client."""
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this client."""
        await self.aclose()


def transport_module() -> Any:
    """Return the module that sends through aiobotocore, or raise MissingExtraError."""
    try:
        from ecskit._transport import aio
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "aiobotocore":
            raise  # it is there, and something that it needs is not
        raise MissingExtraError("AsyncClient needs aiobotocore: pip install 'ecskit[async]'") from error
    return aio
