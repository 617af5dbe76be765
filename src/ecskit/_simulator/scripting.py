"""The part of `Simulator` with which a test scripts tasks, deployments, commands and other resources, and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecskit._simulator.account import DEFAULT_CLUSTER
from ecskit._simulator.errors import SimulatedError
from ecskit._simulator.exec.exec_script import ExecScript
from ecskit._simulator.exec.ways import ChannelFaults
from ecskit._simulator.fault_injection import ANY, OPENING, RandomFaults
from ecskit._simulator.faults import Fault
from ecskit._simulator.operations import gateway_associations
from ecskit._simulator.request_handler import RequestHandler
from ecskit._simulator.resource_script import DEFAULT_SECONDS, Progress, ResourceType
from ecskit._simulator.scheduler import loop, rebalancing, rollouts
from ecskit._simulator.task_script import ScriptSequence, TaskScript

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ecskit._simulator.deployment_script import DeploymentScript
    from ecskit._simulator.log_behaviour import LogBehaviour


class Scripting(RequestHandler):
    """Set what happens in the simulated account from now on."""

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

    def script_deployment(self, service: str, script: DeploymentScript) -> None:
        """Set how deployments of a service proceed that begin from now on.

        Args:
            service: The name of a service, or "*" for all services without a script of their own.
            script: The durations of statuses and stages, and what fails. Use `script` for its tasks.
        """
        with self._advanced():
            self._account.deployment_scripts[service] = script

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
