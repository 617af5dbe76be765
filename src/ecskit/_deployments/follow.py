"""Follow a deployment to its goal: a wait, and a stream of events.

`_polling` decides when to poll. `observe` polls, and `verdicts` decides. After each poll, events are emitted and hooks
that pause the deployment are passed to the caller's callback.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Invoke, Reply
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.handles import WaitHandle
from ecskit._deployments.arguments import DeploymentGoal, FollowOptions, Goal
from ecskit._deployments.errors import DeploymentSuperseded
from ecskit._deployments.events import DeploymentEvent, ServiceEventLogged, changes, key_of_event
from ecskit._deployments.merge import successor_of, with_answered_hook, with_facts
from ecskit._deployments.observe import Latest, Observed, Observer
from ecskit._deployments.pauses import answer_hook, key_of_hook
from ecskit._deployments.progress import RANKS, STAGES, DeploymentProgress
from ecskit._deployments.reference import FOLLOW_OPTIONS, WAIT, StartedDeployment
from ecskit._deployments.verdicts import SOON, Ends, InProgress, deadline_of, verdict
from ecskit._polling.conditions import LONGEST_INTERVAL
from ecskit._polling.loop import Continue, Done, Failed, Verdict, Waiter
from ecskit._polling.observations import MISSING, ResourceState, ResourceType, WaitState
from ecskit._polling.options import WaitOptions

__all__ = ["Tracker", "resume_deployment"]

_DEFAULTS = FollowOptions()


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
    remember=lambda _, progress: progress,  # it holds what earlier reads showed
)


@attrs.frozen
class _WaitGoal:
    """The goal of a deployment, in the form that waits take."""

    goal: DeploymentGoal
    name: str = WAIT

    def decide(self, wait_state: WaitState[DeploymentProgress], /) -> Verdict:
        """Decide about the one deployment of the wait."""
        [(id_, resource)] = wait_state.resources.items()
        if resource.last is None:
            return Continue({id_: "was not polled yet"}, SOON.first, math.inf if wait_state.has_tried else 0)
        now = wait_state.now
        elapsed = min(wait_state.elapsed, now - resource.last.facts.began)
        result = verdict(resource.last, self.goal, elapsed=elapsed, now=now)
        if isinstance(result, InProgress):
            soon = result.decided_at - now
            return Continue({id_: result.why}, result.pace.interval(resource.repeats), soon if soon > 0 else math.inf)
        return Done() if isinstance(result, Done) else Failed(result.error, {id_: result.why})

    def due(self, wait_state: WaitState[DeploymentProgress], deadline: float) -> float:
        """Return the deadline, given the deadline by the timeout alone."""
        [resource] = wait_state.resources.values()
        return deadline if resource.last is None else deadline_of(resource.last, self.goal, deadline)

    def at_timeout(self, wait_state: WaitState[Any], /) -> None:
        """Return None: the timeout error has the state of the deployment."""

    def is_final(self, resource: ResourceState[Any], /) -> bool:  # noqa: ARG002  # the one deployment is polled until the end
        """Whether the deployment needs no further poll."""
        return False


@attrs.frozen(kw_only=True)
class Tracker:
    """A deployment that is followed: its goal, the options, and the observer that holds its latest state."""

    goal: DeploymentGoal
    follow_options: FollowOptions
    wait_options: WaitOptions
    observer: Observer
    waiter: Waiter[DeploymentProgress]

    @classmethod
    def of(
        cls,
        started: StartedDeployment,
        follow_options: FollowOptions,
        wait_options: WaitOptions,
        *,
        until: Goal | None = None,
        latest: Latest | None = None,
        verb: str = "wait.deployment",
    ) -> Tracker:
        """Return the tracker of a deployment.

        Args:
            started: The deployment.
            follow_options: How far, and how, to follow it.
            wait_options: How long to wait and how often to poll.
            until: The goal, in place of the one of `follow_options`.
            latest: The state to continue from, which is replaced by each read.
            verb: The name of the method, for messages.

        Raises:
            RequestError: An option is wrong.
        """
        follow_options.check(verb)
        wait_options.check(verb)
        goal = DeploymentGoal(
            until=until or follow_options.until,
            raise_on_pause=follow_options.on_pause == "raise",
            stalled_after=follow_options.stalled_after,
            max_failed_tasks=follow_options.max_failed_tasks,
            stable_for=follow_options.stable_for,
            pause_timeout=follow_options.pause_timeout,
            visibility_grace=wait_options.visibility_grace,
        )

        def next_deployment(progress: DeploymentProgress) -> StartedDeployment | None:
            if follow_options.on_superseded != "follow":
                return None
            result = verdict(progress, goal, elapsed=0.0, now=0.0)
            superseded = isinstance(result, Ends) and result.error is DeploymentSuperseded
            return successor_of(progress) if superseded else None

        fresh = DeploymentProgress(started=started)
        latest = latest or Latest(observed=Observed(progress=fresh), emitted=fresh)
        observer = Observer(
            latest=latest,
            # Where nothing is deployed, the counts are the goal, unless the tasks must stay up.
            stability=goal.stability if follow_options.stable_for or started.expected != "scaling" else None,
            max_failed_tasks=follow_options.max_failed_tasks,
            stalled_after=follow_options.stalled_after,
            next_deployment=next_deployment,
        )
        wait_goal = _WaitGoal(goal)
        waiter = Waiter(
            resource_type=DEPLOYMENTS,
            query=observer,
            goal=wait_goal,
            due=wait_goal.due,
            timeout=wait_options.timeout,
            max_polls=wait_options.max_polls,
            poll=wait_options.poll or 2 * LONGEST_INTERVAL,
            on_poll=wait_options.on_poll,
            early=wait_options.paces_polls,
            arguments=_arguments(started, follow_options),
        )
        return cls(
            goal=goal,
            follow_options=follow_options,
            wait_options=wait_options,
            observer=observer,
            waiter=waiter,
        )

    @classmethod
    def resumed(cls, handle: WaitHandle, wait_options: WaitOptions) -> Tracker:
        """Return the tracker that continues the wait of a handle, with the options that the handle holds.

        Raises:
            RequestError: The handle was changed, or another version of ecskit wrote it.
        """
        started = StartedDeployment.from_handle(handle)
        try:
            follow_options = FollowOptions(**handle.arguments.get(FOLLOW_OPTIONS, {}))
        except TypeError:
            problem = f"its {FOLLOW_OPTIONS} are wrong: it was changed, or another version wrote it"
            raise RequestError("wait.resume", [("handle", problem)]) from None
        return cls.of(started, follow_options, wait_options, verb="wait.resume")

    @property
    def latest(self) -> Latest:
        """The latest state of the deployment."""
        return self.observer.latest

    @property
    def progress(self) -> DeploymentProgress:
        """The latest progress of the deployment."""
        return self.latest.progress

    def then(
        self,
        timeout: float,
        *,
        started: StartedDeployment | None = None,
        until: Goal | None = None,
        follow_options: FollowOptions = _DEFAULTS,
    ) -> Tracker:
        """Return the tracker of what comes next, with the same poll strategy. No event is emitted twice.

        Args:
            timeout: Seconds to wait at most.
            started: The deployment that comes after this one; None to continue with this one and its latest state. Both
                can have the same key, because an outdated response shows the id of this one.
            until: The goal, in place of the one of `follow_options`.
            follow_options: How far, and how, to follow it.
        """
        wait_options = attrs.evolve(self.wait_options, timeout=timeout, max_polls=None)
        latest = self.latest
        if started is None:
            latest.observed = attrs.evolve(latest.observed, polls=0, error=None, hidden_since=None)
        else:
            fresh = DeploymentProgress(started=started)
            latest = attrs.evolve(latest, observed=Observed(progress=fresh), emitted=fresh)
        return Tracker.of(latest.progress.started, follow_options, wait_options, until=until, latest=latest)

    def follow(self, *, stream: bool) -> Flow[DeploymentProgress]:
        """Follow the deployment, with its events if `stream`, and return the progress at its end."""
        if stream:
            yield from self.events()
            return self.progress
        return (yield from self.wait())

    def wait(self) -> Flow[DeploymentProgress]:
        """Follow the deployment, and return the progress at its end."""
        return (yield from self._run(self._answer_hooks))

    def events(self) -> Emits[DeploymentEvent]:
        """Follow the deployment, and emit its events. Ends as `wait` does."""
        yield from self._run(self._emit_and_answer)

    def _run(self, after_poll: Callable[[WaitState[DeploymentProgress]], Flow[None]]) -> Flow[DeploymentProgress]:
        waiter = attrs.evolve(self.waiter, after_poll=after_poll)
        try:
            wait_state = yield from waiter.final_state([self.observer.id], {})
        except EcsError as error:
            # Reads may have found more of the deployment, or another one that is followed now: the handle is of that.
            arguments = _arguments(self.progress.started, self.follow_options)
            error.story = (error.story or self.progress.story()).with_arguments(arguments)
            raise
        [resource] = wait_state.resources.values()
        assert resource.last is not None  # the goal is reached
        return resource.last

    def _emit_and_answer(self, wait_state: WaitState[DeploymentProgress]) -> Emits[DeploymentEvent]:
        [resource] = wait_state.resources.values()
        latest = self.latest
        latest.began = wait_state.started if latest.began is None else latest.began
        latest.elapsed = wait_state.now - latest.began
        if resource.last is not None:
            before, latest.emitted = latest.emitted, resource.last
            for event in changes(before, resource.last):
                if isinstance(event, ServiceEventLogged):
                    # A deployment that replaced this one can show the same events again.
                    key = key_of_event(event.event)
                    if key in latest.service_events:
                        continue
                    latest.service_events |= {key}
                yield Emit(attrs.evolve(event, elapsed=latest.elapsed))
        yield from self._answer_hooks(wait_state)

    def _answer_hooks(self, wait_state: WaitState[DeploymentProgress]) -> Flow[None]:
        """Call `on_pause` once with each hook that pauses the deployment, and send its answer."""
        [resource] = wait_state.resources.values()
        on_pause = self.follow_options.on_pause
        if resource.last is None or isinstance(on_pause, str):
            return
        for hook in resource.last.paused:
            passed = self.progress.facts.passed_to_callback
            if key_of_hook(hook) in passed:
                continue
            self._replace(with_facts(self.progress, passed_to_callback=passed | {key_of_hook(hook)}))
            reply: Reply[object] = yield Invoke(on_pause, hook)
            action = reply.get()
            if action is not None:
                yield from answer_hook(resource.last.started.service_deployment_arn, hook.hook_id or "", action)
                self._replace(with_answered_hook(self.progress, hook))

    def _replace(self, progress: DeploymentProgress) -> None:
        self.latest.observed = attrs.evolve(self.latest.observed, progress=progress)


def _arguments(started: StartedDeployment, follow_options: FollowOptions) -> Mapping[str, Any]:
    """Return what the handle of a wait holds besides the key of the deployment."""
    return {**started.arguments, FOLLOW_OPTIONS: follow_options.arguments}


def resume_deployment(handle: WaitHandle, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Return the flow that resumes the wait for a deployment from its handle."""
    return Tracker.resumed(handle, wait_options).wait()
