"""The simulator: one account in one region that answers ECS requests.

`Simulator` has the methods with which a test scripts, injects and inspects. `request_handler` answers a request, and
`operations` perform it.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import deque
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any, get_args

from ecskit._core.quotas import Quota
from ecskit._drive.clock import Clock, SystemClock
from ecskit._simulator import operations, scalable_targets
from ecskit._simulator.account import DEFAULT_CLUSTER, Account, seeded
from ecskit._simulator.arns import Arns
from ecskit._simulator.clients import ClientSettings
from ecskit._simulator.deployment_script import DeploymentScript
from ecskit._simulator.disturbances import Disturbances
from ecskit._simulator.emitted_events import EmittedEvents, Route
from ecskit._simulator.errors import LostAnswerError, SimulatedError
from ecskit._simulator.event_clock import EventClock
from ecskit._simulator.event_delivery import Deliveries
from ecskit._simulator.event_source import SimulatedSource
from ecskit._simulator.exec.exec_script import ExecScript
from ecskit._simulator.exec.executed import ExecCommand
from ecskit._simulator.exec.links import AsyncSimulatedLink, SimulatedLink, refused_opening
from ecskit._simulator.exec.pace import RealPace
from ecskit._simulator.exec.session import Connection, session_of
from ecskit._simulator.exec.ways import ChannelFaults
from ecskit._simulator.fault_injection import ANY, OPENING, FaultInjector, RandomFaults
from ecskit._simulator.faults import Fault, arriving_part
from ecskit._simulator.log_behaviour import LogBehaviour
from ecskit._simulator.operations import capacity_providers, clusters, gateway_associations
from ecskit._simulator.quotas import Buckets
from ecskit._simulator.read_options import Counting, Lag
from ecskit._simulator.recorded_calls import Call
from ecskit._simulator.request_handler import OTHERS, RequestHandler
from ecskit._simulator.resource_script import DEFAULT_SECONDS, Progress, ResourceType
from ecskit._simulator.scaled_clock import ScaledClock
from ecskit._simulator.scheduler import loop, rebalancing, rollouts
from ecskit._simulator.scheduler.service_states import DeploymentState, ServiceState, deployment_states, service_state
from ecskit._simulator.task_script import ScriptSequence, TaskScript
from ecskit._simulator.task_state import TaskState
from ecskit._simulator.wire import Response, Wire, copied, parse_body, parse_target, render, render_error
from ecskit._transport import service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence

    from tenacity.wait import wait_base

    from ecskit._polling.budget import PollBudget
    from ecskit._simulator.virtual_clock import VirtualClock
    from ecskit.aio import AsyncClient
    from ecskit.client import Client


class Simulator(RequestHandler):
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

    @contextmanager
    def _advanced(self) -> Generator[None, None, None]:
        """Hold the lock, with the account advanced to now."""
        with self._held():
            self._account.advance(self._now())
            yield

    @contextmanager
    def _held(self) -> Generator[None, None, None]:
        """Hold the lock. Afterwards, wake the links to which something has happened."""
        try:
            with self._lock:
                yield
        finally:
            self._account.exec.wake_links()

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

    def script(self, family: str, script: TaskScript | Sequence[TaskScript]) -> None:
        """Set the behaviour of tasks that are launched from now on.

        Args:
            family: A task definition family, or "*" for all families without a script of their own.
            script: The script; or several, for the first task of a family, the second and so on. The last one is for
                all further tasks.

        Raises:
            ValueError: The sequence is empty.
        """
        scripts = [script] if isinstance(script, TaskScript) else list(script)
        if not scripts:
            raise ValueError("script must not be an empty sequence")
        with self._advanced():
            self._account.scripts[family] = ScriptSequence(scripts)

    def script_exec(self, command: str | Sequence[str], script: ExecScript | str | Sequence[ExecScript | str]) -> None:
        """Set what a command does that ECS Exec runs from now on, in any container.

        A command without a script is refused with `NotSimulatedException`. Only `sh` and `bash` need none: they run
        commands that have one. This applies to `execute`, to sessions, and to ExecuteCommand of any client.

        Args:
            command: The command as it is passed to `execute`: a text or a list of arguments. Or "*" for all commands
                without a script of their own.
            script: The script, or a text that the command writes before it exits with 0. Or several, for the first
                run, the second and so on. The last one is for all further runs.

        Raises:
            TypeError: `script` is none.
            ValueError: The sequence is empty.
        """
        given: Any = list(script) if isinstance(script, list | tuple) else [script]
        if not given:
            raise ValueError("script must not be an empty sequence")
        scripts = [ExecScript(each) if isinstance(each, str) else each for each in given]
        for each in scripts:
            if not isinstance(each, ExecScript):
                raise TypeError(f"script must be an ExecScript or the output, not {type(each).__name__}")
        with self._advanced():
            self._account.exec.scripts.set(command, scripts)

    @property
    def exec_commands(self) -> list[ExecCommand]:
        """The commands that ECS Exec has started so far, oldest first, with their input."""
        with self._lock:
            return [each.show() for each in self._account.exec.started]

    def disturb_exec(
        self,
        *,
        late: tuple[float, float] = (0.02, 0.02),
        twice: float = 0.0,
        lost: float = 0.0,
        cut: float = 0.0,
        cut_at: Sequence[float] = (),
        seed: int = 0,
    ) -> None:
        """Disturb the messages of sessions of ECS Exec that begin from now on, until `heal`.

        The choices depend on the seed, the number of the session, and the number of the message in it.

        Args:
            late: The least and the most seconds until a message arrives. If the two differ, messages arrive in another
                order. Default: 20 ms.
            twice: The share of messages that arrive twice, 0 to 1. Default 0.
            lost: The share of messages that never arrive, 0 to 1. Both ends send again what is not acknowledged.
                Default 0.
            cut: The share of messages at which the client's connection is cut, 0 to 1. The session goes on. Default 0.
            cut_at: Seconds from ExecuteCommand at which the connection is cut as well; with a clock that is faster than
                real time, from the first connection, which takes real time. Default: none.
            seed: The seed of these choices. Default 0.

        Raises:
            ValueError: `late` is negative or decreases, or a share is out of bounds.
        """
        faults = ChannelFaults(late=late, twice=twice, lost=lost, cut=cut, cut_at=tuple(cut_at), seed=seed)
        with self._held():
            self._account.exec.faults = faults

    def script_logs(self, behaviour: LogBehaviour) -> None:
        """Set how CloudWatch Logs answers from now on: page sizes, tokens, log groups that do not exist.

        The lines are those of `TaskScript.logs`. Use `fail` for throttles and refusals, with the operations
        FilterLogEvents and GetLogEvents.

        Args:
            behaviour: The behaviour.
        """
        with self._advanced():
            self._account.log_behaviour = behaviour

    def script_resource(self, resource_type: ResourceType, name: str, progress: Progress) -> None:
        """Set how changes of a daemon, a gateway or an Express service proceed that are requested from now on.

        Args:
            resource_type: "daemon" (for its deployments), "daemon-task-definition" (for its deletion), "gateway" (for
                its updates), "gateway-route" or "express-gateway-service" (for its deployments and its deletion).
            name: The name of the resource: the family of a daemon task definition, the gateway of a route. Or "*" for
                all resources of the type without a script of their own.
            progress: The duration of changes, and whether they fail.

        Raises:
            ValueError: `resource_type` is not one of these.
        """
        if resource_type not in DEFAULT_SECONDS:
            raise ValueError(f"resource_type must be one of {', '.join(DEFAULT_SECONDS)}: {resource_type!r}")
        with self._advanced():
            self._account.progress[resource_type, name] = progress

    def open_route(self, gateway: str, service: str, *, port: str = "http", cluster: str = DEFAULT_CLUSTER) -> str:
        """Connect a service to a gateway, and return the ARN of the route. A route that exists is updated.

        Simulated services open no routes. This method does what the creation or update of a service would do.

        Args:
            gateway: The name or the ARN of the gateway.
            service: The name of the service.
            port: The name of the container port. Default "http".
            cluster: The name of the service's cluster. Default "default".

        Raises:
            SimulatedError: `GatewayNotFoundException`.
        """
        with self._advanced():
            return gateway_associations.open_route(self._account, gateway, f"{cluster}/{service}", port)

    def close_route(self, route: str) -> None:
        """Disconnect the service of a route from the gateway.

        Args:
            route: The ARN of the route.

        Raises:
            SimulatedError: `ResourceNotFoundException`.
        """
        with self._advanced():
            gateway_associations.close_route(self._account, route)

    def tasks(self, family: str | None = None) -> list[TaskState]:
        """Return the current state of every task that was ever launched, in the order of launches.

        Args:
            family: Only tasks of this task definition family. Default None: all.
        """
        with self._advanced():
            states = self._account.task_states()
        return [state for state in states if family in (None, state.family)]

    def script_deployment(self, service: str, script: DeploymentScript) -> None:
        """Set how deployments of a service proceed that begin from now on.

        Args:
            service: The name of a service, or "*" for all services without a script of their own.
            script: The durations of statuses and stages, and what fails. Use `script` for its tasks.
        """
        with self._advanced():
            self._account.deployment_scripts[service] = script

    def fire_alarm(self, name: str) -> int:
        """Fire a CloudWatch alarm: the deployments in progress that watch it fail.

        Args:
            name: The name of the alarm.

        Returns:
            The number of deployments that failed.
        """
        with self._advanced():
            failed = [
                each for each in self._account.services.values() if rollouts.fire_alarm(self._account, each, name)
            ]
            for service in failed:
                loop.run_service(self._account, service)
        return len(failed)

    def rebalance(self, service: str) -> str:
        """Move one task of a service to another Availability Zone: its replacement starts, then it is stopped.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html

        Args:
            service: The name or the ARN of the service.

        Returns:
            The ARN of the task that is stopped: the oldest healthy one in the zone with the most tasks.

        Raises:
            ValueError: No ACTIVE service has this name, or ECS does not rebalance it: it is a DAEMON, has task sets, a
                `maximumPercent` of 100, rebalancing DISABLED, a deployment in progress, or no task that may be stopped.
        """
        with self._advanced():
            for each in self._account.services.values():
                if service in (each.name, each.arn) and each.status == "ACTIVE":
                    arn = rebalancing.begin_move(self._account, each)
                    loop.run_service(self._account, each)
                    return arn
        raise ValueError(f"there is no ACTIVE service {service!r}")

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

    def fail(self, operation: str, fault: Fault | SimulatedError, *, times: int | None = 1, after: float = 0.0) -> None:
        """Inject a fault into the next valid requests for an operation.

        Args:
            operation: The operation, for example `RunTask`, or "*" for any. `OpenDataChannel` is the opening of the
                WebSocket of a session of ECS Exec.
            fault: The fault, for example `Fault.reset(after_effect=True)`. A `SimulatedError` is answered without
                performing the request.
            times: The number of requests that meet it. Default 1; None: all, until `heal`. The faults of later calls
                wait until these are used up.
            after: Seconds from now until it applies. Default 0.

        Raises:
            TypeError: `fault` is neither a fault nor an error.
            ValueError: ECS has no such operation, or its requests cannot meet the fault; `times` is below 1; `after` is
                below 0.
        """
        met = Fault(error=fault) if isinstance(fault, SimulatedError) else fault
        if not isinstance(met, Fault):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"fault must be a Fault or a SimulatedError, not {type(met).__name__}")
        self._check_operation(operation)
        if operation != ANY and not met.fits(operation):
            raise ValueError(f"{operation} launches no tasks: no_capacity is for RunTask and StartTask")
        if after < 0 or (times is not None and times < 1):
            raise ValueError(f"times must be at least 1, and after at least 0: times={times}, after={after}")
        with self._lock:
            self._faults.plan(operation, met, begins=self._now() + after, times=times)

    def misbehave(
        self,
        *,
        rate: float,
        seed: int = 0,
        operations: Collection[str] | None = None,
        faults: Sequence[Fault] | None = None,
    ) -> None:
        """Inject random faults into a share of all valid requests, until `heal`. Faults of `fail` come first.

        The fault of a request depends on the seed, the operation, the content of the request without its `clientToken`,
        and how often the same content was sent before. It does not depend on the order of threads.

        Args:
            rate: The share of requests, 0 to 1.
            seed: The seed. Default 0.
            operations: The operations whose requests meet faults. Default None: all.
            faults: The faults to choose from, with equal probability. Default None: throttling, ServerException, resets
                and timeouts; for operations that change something, both before and after the effect; for RunTask also
                `Fault.disguised_throttle`.

        Raises:
            ValueError: The rate is out of bounds, or ECS has no such operation.
        """
        for operation in operations or ():
            self._check_operation(operation)
        random_faults = RandomFaults(seed=seed, rate=rate, operations=operations, faults=faults)
        with self._lock:
            self._faults.random_faults = random_faults

    def heal(self) -> None:
        """Remove all faults of `fail` and `misbehave`, and of `disturb_exec` for sessions that begin later."""
        with self._lock:
            self._faults.end()
            self._account.exec.faults = ChannelFaults()

    def _check_operation(self, operation: str) -> None:
        if operation not in (ANY, OPENING) and operation not in self._model_of(operation)["operations"]:
            raise ValueError(f"ECS has no operation {operation!r}")

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
