"""Copies of what ECS describes keep members that ecskit does not know, at every level."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from support import simulated_ecs
from support.both_clients import Act

from ecskit._core.effects import RawResponse, Send
from ecskit.testing import Simulator

from .support import both, update

Wire = dict[str, Any]


@attrs.define
class Newer:
    """A newer ECS: it describes members that ecskit does not know, and takes them in requests."""

    described: Mapping[str, Callable[[Wire], None]]
    """What it adds to responses, by operation."""
    sent: dict[str, list[Wire]] = attrs.field(factory=dict)
    """The requests, by operation."""

    def __call__(self, sim: Simulator, send: Send) -> RawResponse:
        """Answer a request without the members that the simulator does not know."""
        self.sent.setdefault(send.operation, []).append(dict(send.params))
        answered = simulated_ecs.answer(sim, attrs.evolve(send, params=_without_unknown(send.params)))
        body = json.loads(answered.body)
        self.described.get(send.operation, simulated_ecs.nothing)(body)
        return RawResponse(json.dumps(body).encode(), {})


def _without_unknown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_unknown(each) for name, each in value.items() if name != "tomorrow"}
    return [_without_unknown(each) for each in value] if isinstance(value, list) else value


def sent(act: Act, operation: str, described: Mapping[str, Callable[[Wire], None]], **options: Any) -> Wire:
    """Perform an act with both clients, without a warning, and return the first request of an operation."""
    answers: list[Newer] = []

    def hooks() -> Mapping[str, Any]:
        answers.append(Newer(described))
        return {"answer": answers[-1]}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both(act, hooks=hooks, **options).returned()
    requests = [each.sent[operation][0] for each in answers]
    assert all(request == requests[0] for request in requests)
    return requests[0]


def _definition(body: Wire) -> None:
    described = body["taskDefinition"]
    described["tomorrow"] = {"size": 3}
    described["executionRoleArn"] = "arn:aws:iam::123456789012:role/start"  # secrets need it
    described["containerDefinitions"][0]["tomorrow"] = [1]


@pytest.mark.parametrize(
    "change",
    [
        {"images": {"app": "image:2"}},
        {"environment": {"app": {"A": "b"}}},
        {"secrets": {"app": {"A": "arn:aws:ssm:us-east-1:123456789012:parameter/b"}}},
    ],
    ids=["images", "environment", "secrets"],
)
def test_deploy_registers_them_again(change: Wire) -> None:
    """A revision that lacks a member of the one before would differ in more than what was requested."""
    request = sent(
        lambda ecs: ecs.services.deploy("web", **change),
        "RegisterTaskDefinition",
        {"DescribeTaskDefinition": _definition},
    )
    assert {"size": 3} == request["tomorrow"]
    assert [1] == request["containerDefinitions"][0]["tomorrow"]


def _configuration(body: Wire) -> None:
    for service in body["services"]:
        service["deploymentConfiguration"]["tomorrow"] = True


def test_a_strategy_keeps_them_in_the_configuration() -> None:
    """The rest of the configuration is sent as it was described."""
    request = sent(
        lambda ecs: ecs.services.deploy("web", strategy="ROLLING", force=True),
        "UpdateService",
        {"DescribeServices": _configuration},
    )
    assert {"strategy": "ROLLING", "tomorrow": True}.items() <= request["deploymentConfiguration"].items()


def _revisions(body: Wire) -> None:
    for revision in body["serviceRevisions"]:
        # Different in each, and the same in all.
        revision["tomorrow"] = {"of": revision["taskDefinition"]}
        revision["always"] = 1


def test_rollback_restores_them() -> None:
    """A member that differs between the two revisions is sent; one that is the same stays as it is."""
    request = sent(
        lambda ecs: ecs.services.rollback("web"),
        "UpdateService",
        {"DescribeServiceRevisions": _revisions},
        prepare=lambda sim: update(sim, wait=200, taskDefinition="next"),
    )
    assert request["tomorrow"]["of"].endswith("/web:1")
    assert request["taskDefinition"].endswith("/web:1")
    assert "always" not in request


def test_members_of_one_revision_do_not_make_it_another_one() -> None:
    """A rollback finds the revision that differs in what it restores, also if each has an unknown ARN of its own."""

    def number(body: Wire) -> None:
        for revision in body["serviceRevisions"]:
            revision["tomorrow"] = f"arn/{revision['serviceRevisionArn'][-19:]}"

    def prepare(sim: Simulator) -> None:
        update(sim, wait=200, taskDefinition="next")
        update(sim, wait=200, forceNewDeployment=True)

    act: Act = lambda ecs: ecs.services.rollback("web")  # noqa: E731
    request = sent(act, "UpdateService", {"DescribeServiceRevisions": number}, prepare=prepare)
    assert request["taskDefinition"].endswith("task-definition/web:1")
