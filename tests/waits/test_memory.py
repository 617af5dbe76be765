"""What a wait remembers of all that was seen, and the errors that opinions bring."""

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
from ecskit._waits.services import SERVICE_IDENTIFIERS, SERVICES as KIND
from ecskit.models import Service

from .other_support import run_both
from .service_support import SERVICES, model

PLAIN: DescribedType[Service] = DescribedType(
    noun="service", batch_size=10, describe=KIND.describe, id_of=KIND.id_of, state=KIND.state
)


def test_nothing_is_remembered_unless_asked_for() -> None:
    """A kind without `remember` has no memory."""
    known = ResourceState.before_polls(model("A+1=C"), PLAIN).merge(model("A+1=I"), PLAIN)
    assert known.memory is None


def test_a_memory_is_made_of_what_was_known_and_of_what_is_seen() -> None:
    """Of what the caller has seen, and of each look that counts; not of one that lags or shows nothing."""

    def remember(known: ResourceState[Service], seen: Service) -> list[tuple[bool, int | None]]:
        return [*(known.memory or []), (known.shown, seen.running_count)]

    kind = attrs.evolve(PLAIN, remember=remember, rank=lambda service: (service.running_count, 0))
    known = ResourceState.before_polls(model("A+r1"), kind)
    for word in ("A+r2", "A+r5", "A+r3", "A+r5"):
        known = known.merge(model(word), kind).merge_missing(0)
    assert known.memory == [(False, 1), (False, 2), (True, 5), (True, 5)]


def test_an_opinion_may_bring_its_own_error() -> None:
    """Where all that fails says the same one; else it is the error of the wait."""
    aims: dict[str, Unreachable] = {
        "a": Unreachable("x", ServiceGone),
        "b": Unreachable("y", ServiceGone),
        "c": Unreachable("z"),
    }

    def aim(known: ResourceState[Service]) -> Unreachable:
        assert known.last is not None
        return aims[known.last.service_name]

    goal = AllMet(name="w", resource_type=PLAIN, condition=aim, wait_options=WaitOptions())
    for names, error in (("a", ServiceGone), ("ab", ServiceGone), ("c", WaitFailed), ("ac", WaitFailed)):
        targets: Targets[Service] = targets_of("w", SERVICE_IDENTIFIERS, [*names])
        ran = run_both(SERVICES, "A/A/A", partial(wait_for, goal, targets))
        assert type(ran.error) is error
