"""The turns of requests: in every window at most the burst and the rate of each quota, and none waits without need."""

from __future__ import annotations

import heapq
import itertools

import attrs
from hypothesis import given, settings, strategies as st

from ecskit._core.effects import Reply, Share, Sleep
from ecskit._core.quotas import FARGATE_LAUNCH, FARGATE_REQUEST, PUBLISHED_QUOTAS, Quota
from ecskit._core.turns import Turns, await_turn

KINDS = {
    "RunTask": {"RunTask": 1.0},
    "RunTask on Fargate": {"RunTask": 1.0, FARGATE_REQUEST: 1.0, FARGATE_LAUNCH: 10.0},
    "one task on Fargate": {"RunTask": 1.0, FARGATE_REQUEST: 1.0, FARGATE_LAUNCH: 1.0},
    "StopTask": {"StopTask": 1.0},
    "UpdateService": {"UpdateService": 1.0},
    "TagResource": {"TagResource": 1.0},
}


@attrs.frozen
class Request:
    """A request of a schedule."""

    kind: str
    at: float
    first: bool
    gives_up_after: float


def run(requests: list[Request]) -> list[tuple[float, Request]]:
    """Perform the flows of requests on one timeline, and return when each was sent."""
    turns, order = Turns(), itertools.count()
    flows = [await_turn(KINDS[request.kind], first=request.first) for request in requests]
    due = [(request.at, next(order), request, flow, True) for request, flow in zip(requests, flows, strict=True)]
    heapq.heapify(due)
    sent: list[tuple[float, Request]] = []
    while due:
        now, _, request, flow, starts = heapq.heappop(due)
        if now > request.at + request.gives_up_after:
            flow.close()
            continue
        try:
            effect = next(flow) if starts else flow.send(Reply(now))
            while isinstance(effect, Share):
                effect = flow.send(Reply(now, effect.use(turns) if effect.use else turns))
        except StopIteration:
            sent.append((now, request))
            continue
        assert isinstance(effect, Sleep)
        assert effect.seconds > 0
        heapq.heappush(due, (now + effect.seconds, next(order), request, flow, False))
    return sent


def tokens(sent: list[tuple[float, Request]], quota: Quota) -> list[tuple[float, float]]:
    """Return the tokens of a quota that requests took, with their times."""
    return [
        (at, cost) for at, request in sent for name, cost in KINDS[request.kind].items() if name in quota.operations
    ]


REQUESTS = st.lists(
    st.builds(
        Request,
        kind=st.sampled_from(sorted(KINDS)),
        at=st.one_of(st.just(0.0), st.floats(0, 20)),
        first=st.booleans(),
        gives_up_after=st.one_of(st.just(1e9), st.floats(0, 10)),
    ),
    max_size=60,
).map(lambda some: some * 6)


@settings(max_examples=60, deadline=None)
@given(REQUESTS)
def test_the_quotas_hold_in_every_window(requests: list[Request]) -> None:
    """Whatever is sent, when, before others or not, and given up."""
    sent = run(requests)
    assert len(sent) >= sum(request.gives_up_after == 1e9 for request in requests)  # each has its turn
    for quota in PUBLISHED_QUOTAS:
        taken = tokens(sent, quota)
        for first, (begin, _) in enumerate(taken):
            total = 0.0
            for at, cost in taken[first:]:
                total += cost
                assert total <= quota.burst + quota.per_second * (at - begin) + 1e-6


def request(kind: str, at: float = 0.0, *, first: bool = False, gives_up_after: float = 1e9) -> Request:
    """Return a request that waits as long as it has to."""
    return Request(kind, at, first, gives_up_after)


def test_requests_are_sent_as_soon_as_the_quota_allows() -> None:
    """In order: 49 of the burst of 50 at once, then five per second."""
    sent = run([request("UpdateService", at=n / 1e6) for n in range(100)])
    expected = [max(n / 1e6, (n - 48) / 5) for n in range(100)]
    assert all(abs(at - due) < 0.01 for (at, _), due in zip(sent, expected, strict=True))
    assert [each.at for _, each in sent] == sorted(each.at for _, each in sent)


def test_what_goes_first_does_not_wait_for_the_others() -> None:
    """In their order among themselves, and also if they take more tokens at once."""
    waiting = [request("one task on Fargate", n / 1e6) for n in range(400)]
    urgent = [request("RunTask on Fargate", 1 + n / 1e6, first=True) for n in range(4)]
    sent = run([*waiting, *urgent])
    at = [moment for moment, each in sent if each.first]
    assert at == sorted(at)
    assert at[-1] <= 4
    assert [each.at for _, each in sent if each.first] == [each.at for each in urgent]


def test_other_operations_do_not_wait_for_a_slower_quota() -> None:
    """StopTask shares a quota with RunTask, but not those of Fargate."""
    sent = run([*(request("one task on Fargate") for _ in range(1000)), request("StopTask", 5.0)])
    [stopped] = [at for at, each in sent if each.kind == "StopTask"]
    assert stopped - 5.0 <= 0.1


def test_requests_that_gave_up_leave_no_debt() -> None:
    """Those after them, and those behind them, are sent within seconds."""
    left = [request("UpdateService", gives_up_after=2.0) for _ in range(500)]
    sent = run([*left, request("UpdateService"), request("UpdateService", 10.0)])
    stayed, late = [at for at, each in sent if each.gives_up_after == 1e9]
    assert stayed <= 2.0 + 5.1
    assert late == 10.0
