"""The memory of resource states, and the errors of evaluations."""

from __future__ import annotations

from functools import partial

import attrs

from ecskit._polling.batches import DescribedType, Targets
from ecskit._polling.conditions import AllMet, Unreachable, wait_for
from ecskit._polling.errors import WaitFailed
from ecskit._polling.identifiers import targets_of
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions
from ecskit._waits.errors import ServiceGone
from ecskit._waits.services import SERVICE_IDENTIFIERS, SERVICES as RESOURCE_TYPE
from ecskit.models import Service

from .other_support import run_both
from .service_support import SERVICES, model

PLAIN: DescribedType[Service] = DescribedType(
    operation="DescribeServices",
    noun="service",
    batch_size=10,
    describe=RESOURCE_TYPE.describe,
    id_of=RESOURCE_TYPE.id_of,
    state=RESOURCE_TYPE.state,
)


def test_there_is_no_memory_by_default() -> None:
    """A resource type without `remember` has no memory."""
    state = ResourceState.before_polls(model("A+1=C"), PLAIN).merge(model("A+1=I"), PLAIN)
    assert state.memory is None


def test_a_memory_is_made_of_the_previous_state_and_an_observation() -> None:
    """It is made of the caller's observation and of each poll, but not of stale observations or missing targets."""

    def remember(state: ResourceState[Service], service: Service) -> list[tuple[bool, int | None]]:
        return [*(state.memory or []), (state.shown, service.running_count)]

    resource_type = attrs.evolve(PLAIN, remember=remember, rank=lambda service: (service.running_count, 0))
    state = ResourceState.before_polls(model("A+r1"), resource_type)
    for word in ("A+r2", "A+r5", "A+r3", "A+r5"):
        state = state.merge(model(word), resource_type).merge_missing(0)
    assert state.memory == [(False, 1), (False, 2), (True, 5), (True, 5)]


def test_an_evaluation_may_have_its_own_error() -> None:
    """If all failed targets have the same error, it is raised; otherwise the error of the goal."""
    evaluations: dict[str, Unreachable] = {
        "a": Unreachable("x", ServiceGone),
        "b": Unreachable("y", ServiceGone),
        "c": Unreachable("z"),
    }

    def condition(state: ResourceState[Service]) -> Unreachable:
        assert state.last is not None
        return evaluations[state.last.service_name]

    goal = AllMet(name="w", resource_type=PLAIN, condition=condition, wait_options=WaitOptions())
    for names, error in (("a", ServiceGone), ("ab", ServiceGone), ("c", WaitFailed), ("ac", WaitFailed)):
        targets: Targets[Service] = targets_of("w", SERVICE_IDENTIFIERS, [*names])
        ran = run_both(SERVICES, "A/A/A", partial(wait_for, goal, targets))
        assert type(ran.error) is error
