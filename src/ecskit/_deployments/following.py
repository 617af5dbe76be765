"""Following a deployment to where it was to come to: the wait, and the stream of what happens meanwhile.

Decides what becomes of hooks that pause a deployment, and which deployment is followed when another one takes its
place. When to look and when to give up is decided by the engine that all waits share.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Invoke, Reply
from ecskit._core.errors import AccessDeniedError, EcsError, RequestError, ServiceError
from ecskit._core.handles import WaitHandle
from ecskit._core.retrying import Retrying
from ecskit._deployments.errors import DeploymentSuperseded
from ecskit._deployments.events import DeploymentEvent, ServiceSaid, changes, name_of
from ecskit._deployments.observing import Watch
from ecskit._deployments.pauses import after_answer, key_of
from ecskit._deployments.progress import RANKS, STAGES, DeploymentProgress
from ecskit._deployments.reference import StartedDeployment, id_of_revision
from ecskit._deployments.verdict_values import Ends
from ecskit._deployments.verdicts import Aim, DeploymentGoal, Until, verdict
from ecskit._polling.conditions import LONGEST_INTERVAL
from ecskit._polling.loop import Waiter
from ecskit._polling.observations import MISSING, ResourceType, WaitState
from ecskit._polling.options import WaitOptions, is_count, is_seconds
from ecskit.models.literals import DeploymentLifecycleHookAction
from ecskit.models.services import ContinueServiceDeploymentRequest, DeploymentLifecycleHookDetail

__all__ = [
    "AsyncOnPause",
    "FollowOptions",
    "OnPause",
    "OnSuperseded",
    "Tracker",
    "Until",
    "check_action",
    "continue_",
    "resume_deployment",
]

log = logging.getLogger("ecskit")

OnSuperseded: TypeAlias = Literal["raise", "follow"]
"""What to do when a newer deployment takes the place of this one."""
PauseAnswer: TypeAlias = DeploymentLifecycleHookAction | None
"""How a hook is answered: "CONTINUE", "ROLLBACK", or None for not yet."""
OnPause: TypeAlias = Literal["wait", "raise"] | Callable[[DeploymentLifecycleHookDetail], PauseAnswer]
"""What to do when a hook pauses the deployment: a function is called with the hook, and returns the answer."""
AsyncOnPause: TypeAlias = OnPause | Callable[[DeploymentLifecycleHookDetail], Awaitable[PauseAnswer]]
"""The same for async clients, which also take a coroutine function."""

_UNTIL = ("deployed", "stable", "paused", *STAGES)


@attrs.frozen(kw_only=True)
class FollowOptions:
    """How far, and how, a deployment is followed.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.

    Raises:
        DeploymentFailed: The deployment failed, and nothing was rolled back; its subclasses tell more:
        DeploymentRolledBack: It failed, and the service is back at what it ran before.
        DeploymentRollbackFailed: It failed, and so did the rollback.
        DeploymentStalled: Its tasks fail or cannot be placed, and nothing in ECS will end it.
        DeploymentUnstable: It succeeded, and its tasks did not stay up; only with `stable_for` or until "stable".
        DeploymentSuperseded: A newer deployment has taken its place.
        DeploymentPaused: A hook waits for somebody, and `on_pause` is "raise".
        ServiceGone: The service was deleted.
        NotVisible: No read ever showed the deployment.
    """

    until: Until = "deployed"
    """How far to follow it: "deployed" until ECS calls it SUCCESSFUL; "stable" until nothing else runs any more, too;
    "paused" until a hook waits for somebody; or a lifecycle stage of BLUE_GREEN, LINEAR and CANARY, until it came to
    that or a later one. What comes to its end without a pause or stages is followed to its end."""
    on_superseded: OnSuperseded = "raise"
    """What to do when a newer deployment takes its place: "raise", or "follow" the newer one in its stead."""
    on_pause: AsyncOnPause = "wait"
    """What to do when a hook pauses it: "wait" until it is answered or expires, "raise" DeploymentPaused, or a function
    that is called once with each hook and returns "CONTINUE", "ROLLBACK", or None to wait; an async client also takes a
    coroutine function."""
    stalled_after: float | None = None
    """Seconds after which a deployment that lacks tasks is stalled, if nothing changes and no task starts or stops;
    None never calls it stalled for that."""
    max_failed_tasks: int | None = None
    """Failed tasks in a row after which a deployment is stalled, if no circuit breaker can end it, and stopped tasks
    after which one that has succeeded is unstable; by default the configured threshold of the circuit breaker, else
    half of the desired count, but 3 to 200."""
    stable_for: float | None = None
    """Seconds for which the tasks must stay up once the deployment has succeeded: all run, none is unhealthy, none
    stops by its own fault. A task that stops starts the seconds anew; without such a stretch in three times as long, or
    after too many stopped tasks, the deployment is unstable. The seconds do not count against `timeout`. Where tasks
    are only lacking, WaitTimeout is raised when both times are over. None, and 0, end when it has succeeded. Tasks are
    observed also where nothing was changed."""
    pause_timeout: float | None = None
    """Seconds that one pause may take before WaitTimeout is raised; None waits as long as ECS lets it. Pauses do not
    count against `timeout`, and each has its own limit."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What of it can be written down."""
        members = attrs.asdict(self, recurse=False)
        return {name: value for name, value in members.items() if not callable(value)}

    def check(self, verb: str) -> None:
        """Raise RequestError if something is not what it must be."""
        problems: list[tuple[str, str]] = []
        if self.until not in _UNTIL:
            problems.append(("until", f"expected one of {', '.join(_UNTIL)}, got {self.until!r}"))
        if self.on_superseded not in get_args(OnSuperseded):
            problems.append(("on_superseded", f"expected raise or follow, got {self.on_superseded!r}"))
        if self.on_pause not in ("wait", "raise") and not callable(self.on_pause):
            problems.append(("on_pause", f"expected wait, raise or a function, got {self.on_pause!r}"))
        if self.stalled_after is not None and not is_seconds(self.stalled_after):
            problem = f"expected seconds, 0 or more, or None for never, got {self.stalled_after!r}"
            problems.append(("stalled_after", problem))
        for name, given in (("stable_for", self.stable_for), ("pause_timeout", self.pause_timeout)):
            if given is not None and not is_seconds(given):
                problems.append((name, f"expected seconds, 0 or more, or None, got {given!r}"))
        if self.max_failed_tasks is not None and not is_count(self.max_failed_tasks):
            problems.append(("max_failed_tasks", f"expected a whole number, 1 or more, got {self.max_failed_tasks!r}"))
        if problems:
            raise RequestError(verb, problems)


def _state(progress: DeploymentProgress) -> str:
    return " ".join(filter(None, (progress.status, progress.stage)))


def _is_known_state(state: str) -> bool:
    known = {*RANKS, *STAGES, MISSING, "COMPLETED", "FAILED", "PRIMARY", "ACTIVE", "INACTIVE", "DRAINING"}
    known |= {"STABILIZING", "STEADY_STATE"}  # of services with task sets
    return set(state.split()) <= known


DEPLOYMENTS: ResourceType[DeploymentProgress] = ResourceType(
    noun="deployment",
    state=_state,
    is_known_state=_is_known_state,
    remember=lambda _, progress: progress,  # it holds everything that was observed before
)


@attrs.define(kw_only=True)
class Tracker:
    """One deployment that is followed, and what is known of it: also for whoever has to clean up behind it."""

    follow_options: FollowOptions
    wait_options: WaitOptions
    watch: Watch
    aim: Aim
    waiter: Waiter[DeploymentProgress]
    _emitted: DeploymentProgress = attrs.field(alias="emitted")
    _answered: set[object] = attrs.field(factory=set[object])
    _quoted: set[object] = attrs.field(factory=set[object])

    @classmethod
    def of(
        cls,
        started: StartedDeployment,
        follow_options: FollowOptions,
        wait_options: WaitOptions,
        *,
        aim: Aim | None = None,
        progress: DeploymentProgress | None = None,
        verb: str = "wait.deployment",
    ) -> Tracker:
        """Return how a deployment is to be followed.

        Args:
            started: The deployment.
            follow_options: How far, and how.
            wait_options: For how long.
            aim: What else is waited for.
            progress: What is known already.
            verb: Who asks, for messages.

        Raises:
            RequestError: Something is not what it must be.
        """
        from tenacity.wait import wait_fixed

        follow_options.check(verb)
        wait_options.check(verb)
        goal = DeploymentGoal(
            until=aim or follow_options.until,
            pause_is_an_end=follow_options.on_pause == "raise",
            stalled_after=follow_options.stalled_after,
            max_failed_tasks=follow_options.max_failed_tasks,
            stable_for=follow_options.stable_for,
            pause_timeout=follow_options.pause_timeout,
            grace=wait_options.visibility_grace,
        )

        def next_one(progress: DeploymentProgress) -> StartedDeployment | None:
            said = verdict(progress, goal, elapsed=0.0, now=0.0)
            superseded = isinstance(said, Ends) and said.error is DeploymentSuperseded
            return _successor(progress) if superseded and follow_options.on_superseded == "follow" else None

        watch = Watch(
            progress=progress or DeploymentProgress(started=started),
            follows=next_one,
            # Where nothing is deployed, the counts are what is waited for, unless the tasks are to stay up.
            stability=goal.stability if follow_options.stable_for or started.expected != "scaling" else None,
            max_failed_tasks=follow_options.max_failed_tasks,
            stalled_after=follow_options.stalled_after,
        )
        return cls(
            follow_options=follow_options,
            wait_options=wait_options,
            watch=watch,
            aim=goal.until,
            emitted=DeploymentProgress(started=started),
            waiter=Waiter(
                resource_type=DEPLOYMENTS,
                query=watch,
                goal=goal,
                due=goal.due,
                timeout=wait_options.timeout,
                max_polls=wait_options.max_polls,
                poll=wait_options.poll or wait_fixed(2 * LONGEST_INTERVAL),
                on_poll=wait_options.on_poll,
                arguments={**started.arguments, "following": follow_options.arguments},
            ),
        )

    @classmethod
    def resumed(cls, handle: WaitHandle, wait_options: WaitOptions) -> Tracker:
        """Return how to go on with the wait for a deployment, as it was followed before.

        Raises:
            RequestError: The handle was changed, or written by another version.
        """
        started = StartedDeployment.from_handle(handle)
        try:
            follow_options = FollowOptions(**handle.arguments.get("following", {}))
        except TypeError:
            problem = "it does not tell how it was followed: it was changed, or written by another version"
            raise RequestError("resume", [("handle", problem)]) from None
        return cls.of(started, follow_options, wait_options, verb="resume")

    @property
    def progress(self) -> DeploymentProgress:
        """What is known of the deployment."""
        return self.watch.progress

    def then(
        self,
        started: StartedDeployment,
        timeout: float,
        *,
        aim: Aim | None = None,
        follow_options: FollowOptions = FollowOptions(),
    ) -> Tracker:
        """Return how to follow what comes next, with the same poll strategy; no event is emitted twice.

        Args:
            started: The same deployment, or the one that comes after it.
            timeout: Seconds to wait at the most.
            aim: What is waited for, if it is not what `follow_options` says.
            follow_options: How far, and how.
        """
        wait_options = attrs.evolve(self.wait_options, timeout=timeout, max_polls=None)
        same = started.key == self.progress.started.key
        tracker = Tracker.of(started, follow_options, wait_options, aim=aim, progress=self.progress if same else None)
        tracker._quoted = self._quoted
        if same:
            tracker._emitted, tracker._answered = self._emitted, self._answered
            # One watch goes on: it knows which tasks it has read.
            tracker.watch.resume(self.watch)
        return tracker

    def catch_up(self, later: Tracker) -> None:
        """Take over what another course of the same deployment has read and emitted."""
        self.watch, self._emitted = later.watch, later._emitted

    def follow(self, *, stream: bool) -> Flow[DeploymentProgress]:
        """Follow the deployment, emitting what happens if wanted, and return what is known of it in the end."""
        if stream:
            yield from self.events()
            return self.progress
        return (yield from self.flow())

    def flow(self) -> Flow[DeploymentProgress]:
        """Follow the deployment, and return what is known of it in the end."""
        return (yield from self._run(self._between))

    def events(self) -> Emits[DeploymentEvent]:
        """Follow the deployment, and emit what happens to it; end as `flow` does."""
        yield from self._run(self._emitting)

    def _run(self, announce: Callable[[WaitState[DeploymentProgress]], Flow[None]]) -> Flow[DeploymentProgress]:
        self.waiter = attrs.evolve(self.waiter, after_poll=announce)
        try:
            wait_state = yield from self.waiter.final_state([self.watch.id], {})
        except EcsError as error:
            # What was found out about the deployment meanwhile, or which one is followed by now, belongs to its handle.
            arguments = {**self.progress.started.arguments, "following": self.follow_options.arguments}
            error.story = (error.story or self.progress.story()).with_arguments(arguments)
            raise
        [known] = wait_state.resources.values()
        assert known.last is not None  # the goal says that it is there
        return known.last

    def _emitting(self, wait_state: WaitState[DeploymentProgress]) -> Emits[DeploymentEvent]:
        [known] = wait_state.resources.values()
        if known.last is not None:
            told, self._emitted = self._emitted, known.last
            for event in changes(told, known.last):
                if isinstance(event, ServiceSaid):
                    # What is followed in its stead may not tell at first since when its service speaks of it.
                    if name_of(event.event) in self._quoted:
                        continue
                    self._quoted.add(name_of(event.event))
                yield Emit(event)
        yield from self._between(wait_state)

    def _between(self, wait_state: WaitState[DeploymentProgress]) -> Flow[None]:
        """Ask about hooks that wait, each once, and do as is said."""
        [known] = wait_state.resources.values()
        on_pause = self.follow_options.on_pause
        if known.last is None or isinstance(on_pause, str):
            return
        for hook in known.last.paused:
            if key_of(hook) in self._answered:
                continue
            self._answered.add(key_of(hook))
            reply: Reply[object] = yield Invoke(on_pause, hook)
            action = reply.get()
            if action is not None:
                yield from continue_(known.last.started, hook.hook_id or "", action)
                self.watch.progress = after_answer(self.watch.progress, hook)


def continue_(started: StartedDeployment, hook_id: str, action: object) -> Flow[None]:
    """Let a deployment continue that a hook has paused, or roll it back."""
    check_action("on_pause", hook_id, action)
    request = ContinueServiceDeploymentRequest(
        service_deployment_arn=started.service_deployment_arn or "",
        hook_id=hook_id,
        action=action,  # type: ignore[arg-type]  # it was just compared
    )
    answer = Retrying(request, single_attempt=True)
    try:
        yield from answer.send()
    except ServiceError as error:
        if not answer.may_have_taken_effect or isinstance(error, AccessDeniedError):
            raise
        # It was answered by a call whose answer was lost, and waits no more.


def check_action(verb: str, hook: object, action: object) -> str:
    """Return the id of a hook; raise RequestError if it is none, or if the action is no answer."""
    hook_id: object = hook.hook_id if isinstance(hook, DeploymentLifecycleHookDetail) else hook
    if not isinstance(hook_id, str) or not hook_id:
        shown = repr(hook) if isinstance(hook, str) else type(hook).__name__
        raise RequestError(verb, [("hook", f"expected a hook, or its id, got {shown}")])
    if action not in get_args(DeploymentLifecycleHookAction):
        told = f"expected {' or '.join(get_args(DeploymentLifecycleHookAction))}, got {action!r}"
        raise RequestError(verb, [("action", told)])
    return hook_id


def _successor(progress: DeploymentProgress) -> StartedDeployment | None:
    """Return the deployment that has taken the place of one, as one to be followed."""
    by, started = progress.successor, progress.started
    if by is None:
        return None
    brief = next((each for each in progress.newer if each.service_deployment_arn == by), None)
    id_ = id_of_revision(brief.target_service_revision_arn) if brief else None
    if id_ is None and not by.startswith("arn:"):
        id_ = by
    shown = progress.service.deployments if progress.service else ()
    entry = next((each for each in shown if each.id == id_), None)
    return StartedDeployment(
        service=started.service,
        cluster=started.cluster,
        deployment_id=id_,
        service_deployment_arn=by if by.startswith("arn:") else None,
        task_definition=entry.task_definition if entry else None,
        created_at=(entry.created_at if entry else None) or (brief.created_at if brief else None),
        service_created_at=started.service_created_at,
        desired_count=progress.service.desired_count if progress.service else None,
        previous_id=started.deployment_id,
        previous_task_definition=started.task_definition,
    )


def resume_deployment(handle: WaitHandle, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Return the flow that resumes the wait for a deployment from its handle."""
    return Tracker.resumed(handle, wait_options).flow()
