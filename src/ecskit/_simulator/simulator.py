"""The simulator: one account in one region that answers ECS requests.

`Simulator` has clients, and shows what there is. `scripting` has the methods that set what happens, `request_handler`
answers a request, and `operations` perform it.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, get_args

from ecskit._core.quotas import Quota
from ecskit._drive.clock import Clock, SystemClock
from ecskit._simulator import operations, scalable_targets
from ecskit._simulator.account import DEFAULT_CLUSTER, Account, seeded
from ecskit._simulator.arns import Arns
from ecskit._simulator.clients import ClientSettings
from ecskit._simulator.disturbances import Disturbances
from ecskit._simulator.emitted_events import EmittedEvents, Route
from ecskit._simulator.errors import LostAnswerError, SimulatedError
from ecskit._simulator.event_clock import EventClock
from ecskit._simulator.event_delivery import Deliveries
from ecskit._simulator.event_source import SimulatedSource
from ecskit._simulator.exec.executed import ExecCommand
from ecskit._simulator.exec.links import AsyncSimulatedLink, SimulatedLink, refused_opening
from ecskit._simulator.exec.pace import RealPace
from ecskit._simulator.exec.session import Connection, session_of
from ecskit._simulator.fault_injection import OPENING, FaultInjector
from ecskit._simulator.faults import Fault, arriving_part
from ecskit._simulator.operations import capacity_providers, clusters
from ecskit._simulator.quotas import Buckets
from ecskit._simulator.read_options import Counting, Lag
from ecskit._simulator.recorded_calls import Call
from ecskit._simulator.request_handler import OTHERS
from ecskit._simulator.scaled_clock import ScaledClock
from ecskit._simulator.scheduler import loop
from ecskit._simulator.scheduler.service_states import DeploymentState, ServiceState, deployment_states, service_state
from ecskit._simulator.scripting import Scripting
from ecskit._simulator.task_state import TaskState
from ecskit._simulator.wire import Response, Wire, copied, parse_body, parse_target, render, render_error
from ecskit._transport import service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenacity.wait import wait_base

    from ecskit._polling.budget import PollBudget
    from ecskit._simulator.virtual_clock import VirtualClock
    from ecskit.aio import AsyncClient
    from ecskit.client import Client


class Simulator(Scripting):
    """Answer ECS requests from a simulated account.

    A cluster named "default" exists from the start. The time comes from `now` alone and randomness from `seed` alone:
    the same requests at the same moments get the same answers. Threads can share a simulator.

    Args:
        now: Returns the time in seconds since the epoch, which must not decrease. Default: the simulator's own `clock`,
            which moves only when all clients of `client` and `async_client` sleep. With a `ScaledClock`, their waits
            sleep at its speed; with another function, in real time.
        region: The region in ARNs. Default us-east-1.
        account: The account id in ARNs. Default 123456789012.
        seed: The root of all randomness. Default 0.
        lag: How far reads are behind. Default: every read is current.
        quotas: The token buckets that throttle requests, for example `PUBLISHED_QUOTAS`. Default: none.
        counting: How `desiredCount` of `deployments` is shown, see `Counting`. Default "zero_first", the one that was
            recorded most recently.
        bare_replays: Whether RunTask answers a repeated `clientToken` with only the ARNs and statuses of its tasks.
            Default False: with whole tasks.
        keep_calls: The number of latest calls in `calls`. Default None: all.

    Raises:
        ValueError: `counting` is not one of the policies.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
        seed: int = 0,
        lag: Lag | None = None,
        quotas: Sequence[Quota] = (),
        counting: Counting = "zero_first",
        bare_replays: bool = False,
        keep_calls: int | None = None,
    ) -> None:
        if counting not in get_args(Counting):
            raise ValueError(f"counting must be one of {', '.join(get_args(Counting))}: {counting!r}")
        self._virtual = EventClock() if now is None else None
        self._now = now or self.clock.epoch
        self._client_clock = _client_clock(now) or self.clock
        self._region = region
        self._seed = seed
        self._clients = itertools.count()
        self._model: dict[str, Any] = service_model.load()
        self._account = Account(
            arns=Arns(region, account),
            lag=lag or Lag(),
            seed=seed,
            buckets=Buckets(quotas, self._now()),
            counting=counting,
            bare_replays=bare_replays,
            run_scheduler=loop.run,
        )
        self._request_ids = seeded(seed, "requests")
        self._calls: deque[Call] = deque(maxlen=keep_calls)
        self._faults = FaultInjector()
        self._lock = threading.RLock()
        self._speed = _speed(now)
        self._account.exec.pace = RealPace(self._speed or 1.0)
        self._deliveries = Deliveries(self._account, self._advanced, self._client_clock, self._speed)
        if self._virtual is not None:
            self._virtual.deliveries = self._deliveries
        self._account.advance(self._now())
        capacity_providers.add_predefined(self._account)
        clusters.create(self._account, {"clusterName": DEFAULT_CLUSTER})

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock of the simulator; RuntimeError if it was made with `now`, and its time passes by itself."""
        if self._virtual is None:
            raise RuntimeError(
                "this simulator has no virtual clock, because it was made with now=...; read simulator.time(), and wait"
                " in place of advancing (in a test with the fixture ecs_server, time passes a hundred times as fast)"
            )
        return self._virtual

    @property
    def calls(self) -> list[Call]:
        """The calls received so far, oldest first."""
        with self._lock:
            return list(self._calls)

    def time(self) -> float:
        """Return the time in answers in seconds since the epoch, as `time.time` does.

        `clock.now` returns the seconds that have passed on the virtual clock, from 0.
        """
        return self._now()

    def _connect(self, url: str) -> SimulatedLink:
        """Return a link to the stream at a URL, in the process.

        Raises:
            TransportError: A fault refuses it.
        """
        fault = self._opening_fault(url)
        if fault is not None:
            raise refused_opening(fault)
        return SimulatedLink(self._connection(url), self._held, self._client_clock, self._now)

    async def _connect_async(self, url: str) -> AsyncSimulatedLink:
        """Return a link as that of `_connect`, for asyncio."""
        fault = self._opening_fault(url)
        if fault is not None:
            raise refused_opening(fault)
        return AsyncSimulatedLink(self._connection(url), self._held, self._client_clock, self._now)

    def _opening_fault(self, url: str) -> Fault | None:
        """Return the fault that the opening of a stream meets, if any."""
        with self._lock:
            return self._faults.fault_for(OPENING, {"streamUrl": url}, self._now())

    def _connection(self, url: str) -> Connection:
        return Connection(self._account.exec.sessions.get(session_of(url)), self._now)

    def _for_client(self, *, url: str | None = None) -> ClientSettings:
        # One source of randomness for each client: with the same source, two clients would use equal tokens.
        random = Random(f"{self._seed} client {next(self._clients)}")
        return ClientSettings(
            self._client_clock, self._region, random, self.respond, self._connect, self._connect_async, url
        )

    def client(
        self,
        *,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> Client:
        """Return a sync client whose requests this simulator answers, in-process and on the simulator's clock.

        It has credentials and a region, and reads no environment variables and no files. It makes one attempt per
        request, so that an injected fault is what remains after the SDK's retries.

        Args:
            poll: As for a client of ECS.
            polls_per_second: As for a client of ECS.
            budget: As for a client of ECS.

        Raises:
            ConfigurationError: An argument has a wrong type.
        """
        return self._for_client().client(poll=poll, polls_per_second=polls_per_second, budget=budget)

    def async_client(
        self,
        *,
        poll: wait_base | None = None,
        polls_per_second: float | None = None,
        budget: PollBudget | None = None,
    ) -> AsyncClient:
        """Return an async client whose requests this simulator answers, in-process and on the simulator's clock.

        It is as that of `client`.

        Args:
            poll: As for a client of ECS.
            polls_per_second: As for a client of ECS.
            budget: As for a client of ECS.

        Raises:
            ConfigurationError: An argument has a wrong type.
            MissingExtraError: The extra `async` is not installed.
        """
        return self._for_client().async_client(poll=poll, polls_per_second=polls_per_second, budget=budget)

    @property
    def exec_commands(self) -> list[ExecCommand]:
        """The commands that ECS Exec has started so far, oldest first, with their input."""
        with self._lock:
            return [each.show() for each in self._account.exec.started]

    def tasks(self, family: str | None = None) -> list[TaskState]:
        """Return the current state of every task that was ever launched, in the order of launches.

        Args:
            family: Only tasks of this task definition family. Default None: all.
        """
        with self._advanced():
            states = self._account.task_states()
        return [state for state in states if family in (None, state.family)]

    def services(self, name: str | None = None) -> list[ServiceState]:
        """Return the current state of every service that ECS still shows, in the order of creation.

        Args:
            name: Only services of this name. Default None: all.
        """
        with self._advanced():
            found = [service_state(self._account, each) for each in self._account.services.values()]
        return [each for each in found if name in (None, each.name)]

    def deployments(self, service: str) -> list[DeploymentState]:
        """Return the current state of every service deployment of a service, oldest first.

        Args:
            service: The name or the ARN of the service. If several clusters have the name, the result has all of them.
        """
        with self._advanced():
            found = [each for each in self._account.services.values() if service in (each.name, each.arn)]
            return [state for each in found for state in deployment_states(each)]

    def emit_events(
        self,
        to: Callable[[Wire], object] | None = None,
        *,
        late: tuple[float, float] = (0.0, 0.0),
        twice: float = 0.0,
        lost: float = 0.0,
        seed: int = 0,
    ) -> EmittedEvents:
        """Emit the events that ECS sends to EventBridge, from now on, until the result is closed.

        The envelopes have the detail types ECS Task State Change, ECS Container Instance State Change, ECS Service
        Action (steady states and failed placements), ECS Deployment State Change and ECS Hook State Change (hooks that
        await an action). Details of tasks and container instances are as describe operations show them, with times as
        text; those of tasks have neither health nor tags. Each new version of a task or a container instance is one
        event.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html

        Args:
            to: Called with each envelope when it arrives on the clock of the simulator, for example `sqs_target(...)`.
                On a virtual clock, the clock stands during the call, so it must not wait for another flow. Otherwise a
                thread makes the calls. After an error, which is logged, it is called no more, and `close` raises the
                error. Default None: `take` of the result returns the envelopes that have arrived.
            late: The least and the most seconds until an event arrives. Each event takes its own time, so if the two
                differ, events arrive in another order. Default: at once.
            twice: The share of events that arrive twice, 0 to 1. Default 0.
            lost: The share of events that never arrive, 0 to 1. Default 0.
            seed: The seed of these choices and of the ids of events. Default 0.

        Raises:
            TypeError: `to` cannot be called.
            ValueError: `late` is negative or decreases, or a share is out of bounds.
        """
        if to is not None and not callable(to):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"to must be a function of one envelope, not {type(to).__name__}")
        return EmittedEvents(self._deliveries, self._route(late=late, twice=twice, lost=lost, seed=seed), to)

    def event_source(
        self,
        *,
        late: tuple[float, float] = (0.0, 0.0),
        twice: float = 0.0,
        lost: float = 0.0,
        seed: int = 0,
        wait_seconds: float = 20.0,
    ) -> SimulatedSource:
        """Return a source of the events that `emit_events` emits, from now on, in place of `SqsSource` and its queue.

        Its receivers wait on the clock of the simulator, without moving it. A virtual clock stops when an event
        arrives, and stands until the receiver waits again.

        Args:
            late: The least and the most seconds until an event arrives. Default: at once.
            twice: The share of events that arrive twice, 0 to 1. Default 0.
            lost: The share of events that never arrive, 0 to 1. Default 0.
            seed: The seed of these choices and of the ids of events. Default 0.
            wait_seconds: How long `receive` waits for an event, in seconds of the simulator's clock. Default 20.

        Raises:
            ValueError: `late` is negative or decreases, a share is out of bounds, or `wait_seconds` is negative.
        """
        route = self._route(late=late, twice=twice, lost=lost, seed=seed)
        return SimulatedSource(self._deliveries, route, wait_seconds)

    def _route(self, *, late: tuple[float, float], twice: float, lost: float, seed: int) -> Route:
        return Route(self._account.arns, Disturbances(late=late, twice=twice, lost=lost, seed=seed))

    def handle(self, operation: str, request: Wire) -> Wire:
        """Perform one operation on plain JSON values and return the body of the answer.

        Args:
            operation: The operation, for example `RunTask`.
            request: The body of the request, with camelCase members.

        Raises:
            SimulatedError: An error answer. Its code is `NotSimulatedException` for an operation of ECS that the
                simulator does not implement.
            LostAnswerError: A fault lost the answer.
            SimulatorBug: The simulator built an answer that the service model forbids.
        """
        with self._held():
            answer: Wire = copied(self._answer(scalable_targets.named(operation, request), copied(request)))
            return answer

    def respond(self, target: str, body: bytes) -> Response:
        """Answer one HTTP request. Error answers are returned, too.

        Args:
            target: The `X-Amz-Target` header.
            body: The body of the request.

        Raises:
            LostAnswerError: A fault lost the whole answer: `reset` or `timeout`.
            SimulatorBug: The simulator built an answer that the service model forbids.
        """
        with self._held():
            request_id = str(uuid.UUID(int=self._request_ids.getrandbits(128), version=4))
            try:
                ours = self._model["metadata"]["targetPrefix"]
                prefix = next((each.TARGET_PREFIX for each in OTHERS if target.startswith(each.TARGET_PREFIX)), ours)
                operation = parse_target(target, prefix)
                if prefix == scalable_targets.TARGET_PREFIX:
                    operation = scalable_targets.named(operation, {}, by_prefix=True)
                return render(200, self._answer(operation, parse_body(body)), request_id)
            except SimulatedError as error:
                return render_error(error, request_id)
            except LostAnswerError as lost:
                left = arriving_part(render(200, lost.answer, request_id), lost.loss)
                if left is None:
                    raise
                return left


def _client_clock(now: Callable[[], float] | None) -> Clock | None:
    """Return the clock of clients for the `now` of a simulator; None for its own."""
    if now is None:
        return None
    return now._for_clients() if isinstance(now, ScaledClock) else SystemClock()


def _speed(now: Callable[[], float] | None) -> float | None:
    """Return the seconds of the clock per real second; None for a virtual clock."""
    return now._speed if isinstance(now, ScaledClock) else None if now is None else 1.0


def simulated_operations() -> frozenset[str]:
    """Return the names of the operations that the simulator implements."""
    return frozenset(operations.TABLE)
