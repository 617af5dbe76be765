"""The async client: its transport, its driver, and the namespaces of its methods."""

from __future__ import annotations

from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ecskit._core.call import call
from ecskit._core.errors import MissingExtraError
from ecskit._core.hints import missing_client_attribute
from ecskit._core.model import Request, Response
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.clock import Clock, SystemClock
from ecskit._drive.shared import SharedValues
from ecskit._facades.aio_operations import AsyncOperations
from ecskit._lazy import publish
from ecskit._transport.options import Options, check_poll, require
from ecskit._transport.portable import Portable

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.session import Session
    from tenacity.wait import wait_base
    from typing_extensions import Self

    from ecskit._events.observing import AsyncObserving
    from ecskit._events.sources import EventSource
    from ecskit._facades.aio_clusters import AsyncClusterVerbs
    from ecskit._facades.aio_container_instances import AsyncContainerInstanceVerbs
    from ecskit._facades.aio_pages import AsyncPaginate
    from ecskit._facades.aio_services import AsyncServiceVerbs
    from ecskit._facades.aio_tags import AsyncTagVerbs
    from ecskit._facades.aio_task_definitions import AsyncTaskDefinitionVerbs
    from ecskit._facades.aio_task_sets import AsyncTaskSetVerbs
    from ecskit._facades.aio_tasks import AsyncTaskVerbs
    from ecskit._facades.aio_wait import AsyncWait
    from ecskit._polling.budget import PollBudget
    from ecskit._transport.aio import AsyncTransport
    from ecskit._transport.options import Boto3Session

__all__ = [
    "AsyncClient",
    "AsyncClusterVerbs",
    "AsyncContainerInstanceVerbs",
    "AsyncPaginate",
    "AsyncServiceVerbs",
    "AsyncTagVerbs",
    "AsyncTaskDefinitionVerbs",
    "AsyncTaskSetVerbs",
    "AsyncTaskVerbs",
    "AsyncWait",
]

publish(
    globals(),
    {
        "AsyncClusterVerbs": "ecskit._facades.aio_clusters",
        "AsyncContainerInstanceVerbs": "ecskit._facades.aio_container_instances",
        "AsyncPaginate": "ecskit._facades.aio_pages",
        "AsyncServiceVerbs": "ecskit._facades.aio_services",
        "AsyncTagVerbs": "ecskit._facades.aio_tags",
        "AsyncTaskDefinitionVerbs": "ecskit._facades.aio_task_definitions",
        "AsyncTaskSetVerbs": "ecskit._facades.aio_task_sets",
        "AsyncTaskVerbs": "ecskit._facades.aio_tasks",
        "AsyncWait": "ecskit._facades.aio_wait",
    },
)

ResponseT = TypeVar("ResponseT", bound=Response)


class AsyncClient(Portable, AsyncOperations):
    """A client for Amazon ECS. Its methods are the operations of the API. Lists, waits and verbs are in its namespaces.

    It belongs to the event loop in which it is first used. Use it with `async with`, or call `aclose()` at the end.

    Args:
        region_name: AWS region. Default: that of the session, the environment or the profile.
        profile_name: Profile of the AWS configuration files, for region and credentials.
        endpoint_url: The endpoint to use instead of that of the region.
        config: Options of botocore. Options from here, the environment or the profile override the defaults of
            ecskit: the standard retry mode with 3 attempts, 5 s to connect and 20 s to read.
        session: An aiobotocore session, for credentials, configuration and event handlers; or a botocore or boto3
            session, for all but event handlers. It is not changed.
        aws_access_key_id: With `aws_secret_access_key`: credentials to use instead of those of the session, the
            environment or the profile. They are not refreshed.
        aws_secret_access_key: The secret key of `aws_access_key_id`.
        aws_session_token: The token of temporary credentials.
        verify: False to accept any TLS certificate, or the path of a CA bundle. Default: the environment variable
            AWS_CA_BUNDLE, the profile, or the bundle of botocore.
        use_ssl: False for HTTP instead of HTTPS. `endpoint_url` overrides it.
        poll: A tenacity wait strategy for the seconds between polls, for all waits and verbs that are called without
            `poll`. Default: intervals by the state of the resource.
        polls_per_second: How many polls per second all waits and verbs of this client send at most, for each group of
            operations that ECS counts together. Default 5: a quarter of what ECS accepts from an account in a region.
        budget: A budget that several clients share, in place of `polls_per_second`.

    Raises:
        ConfigurationError: The profile does not exist, or an argument has a wrong type. `async with` or the first call
            raises it if the region is missing.
        MissingExtraError: The extra `async` is not installed.
        CredentialsError: A provider of credentials failed. `async with` or the first call raises it.
    """

    def __init__(
        self,
        *,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
        session: Session | Boto3Session | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        verify: bool | str | None = None,
        use_ssl: bool | None = None,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> None:
        options = Options(
            region_name=region_name,
            profile_name=profile_name,
            endpoint_url=endpoint_url,
            config=config,
            session=session,
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            verify=verify,
            use_ssl=use_ssl,
            poll=poll,
            polls_per_second=polls_per_second,
            budget=budget,
        )
        self._open(options)

    @classmethod
    def wrap(
        cls,
        client: BaseClient,
        *,
        logs: BaseClient | None = None,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> Self:
        """Return a client that sends through an aiobotocore client for ECS.

        Args:
            client: The client to use. Its own calls work as before, and `aclose()` leaves it open.
            logs: A client for CloudWatch Logs, in the region of the log groups, for verbs that read log lines. It stays
                open, too.
            poll: As for a new client.
            polls_per_second: As for a new client.
            budget: As for a new client.

        Raises:
            ConfigurationError: It is not an aiobotocore client for ECS, or `logs` is not one for CloudWatch Logs.
        """
        polling = Options(poll=poll, polls_per_second=polls_per_second, budget=budget)
        return cls.__new__(cls)._wrap(client, polling, logs)

    def _open(self, options: Options) -> Self:
        return self._set_up(transport_module().new_transport(options), options, options)

    def _wrap(self, client: Any, polling: Options, logs: Any = None) -> Self:
        check_poll(polling.poll)
        return self._set_up(transport_module().wrap(client, logs), None, polling)

    def _set_up(self, transport: AsyncTransport, options: Options | None, polling: Options) -> Self:
        self._transport: AsyncTransport = transport
        self._options, self._polling = options, polling
        from ecskit._polling.budget import given_budget

        shared = SharedValues(given_budget(polling.polls_per_second, polling.budget))
        self._runtime: AsyncRuntime = AsyncRuntime(
            transport,
            transport.clock or SystemClock(),
            SystemRandom(),
            polling.poll,
            connect=transport.connect,
            shared=shared,
        )
        return self

    def _with_runtime(self, clock: Clock, random: Random) -> Self:
        """Use another clock and source of randomness, as the simulator does."""
        self._runtime = self._runtime.on(clock, random)
        return self

    if not TYPE_CHECKING:  # type checkers would accept every name

        def __getattr__(self, name: str) -> Any:
            return missing_client_attribute(self, name)

    @property
    # Any: the class is in the stubs of aiobotocore. To users without them its name is unknown, and a checker in strict
    # mode would report each use; the base class in botocore does not have the methods.
    def botocore_client(self) -> Any:
        """The aiobotocore client that sends the requests; ConfigurationError before `async with` or the first call."""
        return self._transport.client

    @property
    def clusters(self) -> AsyncClusterVerbs:
        """Find and describe clusters."""
        from ecskit._facades.aio_clusters import AsyncClusterVerbs

        return AsyncClusterVerbs(self._runtime)

    @property
    def container_instances(self) -> AsyncContainerInstanceVerbs:
        """Drain and activate container instances, update their agents, and find them."""
        from ecskit._facades.aio_container_instances import AsyncContainerInstanceVerbs

        return AsyncContainerInstanceVerbs(self._runtime)

    @property
    def paginate(self) -> AsyncPaginate:
        """Paginated lists. Requests are sent as you iterate."""
        from ecskit._facades.aio_pages import AsyncPaginate

        return AsyncPaginate(self._runtime)

    @property
    def services(self) -> AsyncServiceVerbs:
        """Deploy, scale, create, delete and find services."""
        from ecskit._facades.aio_services import AsyncServiceVerbs

        return AsyncServiceVerbs(self._runtime)

    @property
    def tags(self) -> AsyncTagVerbs:
        """Add tags to any number of resources, and remove them."""
        from ecskit._facades.aio_tags import AsyncTagVerbs

        return AsyncTagVerbs(self._runtime)

    @property
    def task_definitions(self) -> AsyncTaskDefinitionVerbs:
        """Register and remove task definitions. Functions that need no client are in `ecskit.task_definitions`."""
        from ecskit._facades.aio_task_definitions import AsyncTaskDefinitionVerbs

        return AsyncTaskDefinitionVerbs(self._runtime)

    @property
    def task_sets(self) -> AsyncTaskSetVerbs:
        """Create, scale, switch and delete task sets, of services with an external deployment controller."""
        from ecskit._facades.aio_task_sets import AsyncTaskSetVerbs

        return AsyncTaskSetVerbs(self._runtime)

    @property
    def tasks(self) -> AsyncTaskVerbs:
        """Run tasks, wait for them, evaluate how they ended; find, watch, stop and protect them."""
        from ecskit._facades.aio_tasks import AsyncTaskVerbs

        return AsyncTaskVerbs(self._runtime)

    @property
    def wait(self) -> AsyncWait:
        """Waits. Each returns a typed result, or raises an error that gives the reason."""
        from ecskit._facades.aio_wait import AsyncWait

        return AsyncWait(self._runtime)

    def observing(self, source: EventSource) -> AsyncObserving:
        """Receive the events of ECS in an `async with` block, in a task of its own, for the waits of this client.

        Waits for tasks end on events then, and poll only every 60 s, as long as events arrive in time. Other waits
        poll as before, but at once when an event is about what they poll. If the source fails, polls go on at their
        own pace, and it is opened again; its error is in `WaitStory.events_error`.

        Args:
            source: Where the events come from, such as `ecskit.events.SqsSource(queue_url)`. Without a session and a
                client of its own, it uses the session and the credentials of this client.

        Returns:
            An async context manager, whose `counts` and `error` show what was received.

        Raises:
            RequestError: `source` is not a source of events, or a `SqsSource` without a session and a client, while
                this client wraps another one.
            EventSourceError: The queue does not exist, refuses, or cannot be reached. The block raises it at its start.
        """
        from ecskit._events.observing import AsyncObserving

        return AsyncObserving(self._runtime, source, self._options, self._transport.open)

    async def send(self, request: Request[ResponseT], /) -> ResponseT:
        """Send a request and return its response. The methods of operations use this.

        Args:
            request: A request of `ecskit.models`, such as `RunTaskRequest`.

        Raises:
            RequestError: A member of the request has a wrong type; nothing was sent.
            ServiceError: ECS returned an error.
            TransportError: No response arrived, or an invalid one.
            ConfigurationError: The client is closed, or it wraps a client that lacks the operation.
        """
        return await self._runtime.run(call(request))

    def with_options(
        self,
        *,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
        session: Session | Boto3Session | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        verify: bool | str | None = None,
        use_ssl: bool | None = None,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> AsyncClient:
        """Return a new client with these arguments changed. `config` is merged over the one of this client.

        Raises:
            ConfigurationError: This client wraps another one. Otherwise as for a new client.
        """
        given = Options(
            region_name=region_name,
            profile_name=profile_name,
            endpoint_url=endpoint_url,
            config=config,
            session=session,
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            verify=verify,
            use_ssl=use_ssl,
            poll=poll,
            polls_per_second=polls_per_second,
            budget=budget,
        )
        variant = AsyncClient.__new__(AsyncClient)._open(require(self._options).changed(given))
        return variant._with_runtime(self._runtime.clock, self._runtime.random)

    async def aclose(self) -> None:
        """Cancel all calls in this client, wait for their clean-up, and close the connections.

        Calls under way raise ClientClosedError, after the clean-up that `on_cancel` requests, which takes at most 10 s.
        Called inside a callback, this returns at once; the last call to end closes the connections. A wrapped client
        stays open. Closing twice does nothing.
        """
        await self._runtime.close(self._transport.close)

    async def __aenter__(self) -> Self:
        """Make the aiobotocore client, and return this client."""
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this client."""
        await self.aclose()


def transport_module() -> Any:
    """Return the module of the async transport. Raise MissingExtraError if aiobotocore is not installed."""
    try:
        from ecskit._transport import aio
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "aiobotocore":
            raise  # aiobotocore is installed, but one of its dependencies is not
        raise MissingExtraError("AsyncClient needs aiobotocore: pip install 'ecskit[async]'") from error
    return aio
