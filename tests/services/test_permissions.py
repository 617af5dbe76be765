"""Refused permissions: each operation of each method, one at a time; and no error shows a secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.both_clients import Ecs, perform, then
from support.simulated_ecs import nothing

from ecskit.errors import AccessDeniedException, EcsError
from ecskit.models import AwsVpcConfiguration, CreateServiceRequest, NetworkConfiguration
from ecskit.testing import Fault, Simulator

from .support import BARE_BREAKER, PERFORMANCES, both, furnished, stream, update

Prepare = Callable[[Simulator], object]
NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"]))
FALLBACKS = {"ListServiceDeployments", "DescribeServiceDeployments", "ListTasks", "DescribeTasks"}
"""What a deployment can be followed without."""


@attrs.frozen
class Verb:
    """A verb, what it meets, and what it cannot do without besides."""

    act: Callable[[Ecs], Any]
    prepare: Prepare = nothing
    needs: frozenset[str] = frozenset()


def started(ecs: Ecs) -> Any:
    return ecs.services.start_deployment("web", task_definition="next")


LISTS = frozenset({"ListServiceDeployments", "DescribeServiceDeployments"})
VERBS: dict[str, Verb] = {
    "deploy": Verb(lambda ecs: ecs.services.deploy("web", images={"app": "image:2"})),
    "deploy what fails": Verb(lambda ecs: ecs.services.deploy("web", task_definition="bad")),
    "deploy and roll back": Verb(
        lambda ecs: ecs.services.deploy("web", task_definition="next", timeout=8, on_timeout="rollback")
    ),
    "refresh": Verb(lambda ecs: ecs.services.refresh("web")),
    "scale": Verb(lambda ecs: ecs.services.scale("web", desired_count=3)),
    "rollback": Verb(
        lambda ecs: ecs.services.rollback("web"),
        lambda sim: update(sim, wait=200, taskDefinition="next"),
        frozenset({"ListServiceDeployments"}),
    ),
    "delete": Verb(lambda ecs: ecs.services.delete("web")),
    "handle.wait": Verb(lambda ecs: then(started(ecs), lambda handle: handle.wait())),
    "handle.status": Verb(lambda ecs: then(started(ecs), lambda handle: handle.status())),
    "handle.stop": Verb(lambda ecs: then(started(ecs), lambda handle: handle.stop()), needs=LISTS),
    "handle.rollback": Verb(lambda ecs: then(started(ecs), lambda handle: handle.rollback()), needs=LISTS),
    "handle.events": Verb(stream(started)),
    "create": Verb(
        lambda ecs: ecs.services.create(
            CreateServiceRequest(
                service_name="two",
                task_definition="web",
                desired_count=1,
                launch_type="FARGATE",
                network_configuration=NETWORK,
            )
        )
    ),
}


def operations_of(verb: Verb) -> list[str]:
    """Return the operations that a verb sends, when all are allowed."""
    return sorted(set(perform(verb.act, Ecs.sync(furnished(verb.prepare))).operations))


CASES = [(name, operation) for name, verb in VERBS.items() for operation in operations_of(verb)]


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_refused(name: str, operation: str, caplog: pytest.LogCaptureFixture) -> None:
    """One AccessDeniedException that names the operation, or the same end and one warning."""
    verb = VERBS[name]

    def prepare(sim: Simulator) -> None:
        verb.prepare(sim)
        sim.fail(operation, Fault.access_denied(), times=None)

    with caplog.at_level(logging.WARNING, "ecskit"):
        went = both(verb.act, prepare=prepare)
    sent = [each for each in went.calls if each.operation == "UpdateService" and each.status == 200]  # HTTP
    if operation in FALLBACKS - verb.needs:
        allowed = perform(verb.act, Ecs.sync(furnished(verb.prepare)))
        assert type(allowed.error) is type(went.error), repr(went.error)
        warned = [each for each in caplog.records if "is refused" in each.getMessage()]
        assert len(warned) <= 2 * PERFORMANCES  # each time one for each deployment that is followed
        return
    if operation == "StopServiceDeployment" and name == "deploy and roll back":
        assert ("DeploymentRolledBack", "web:1") == (went.verdict, went.runs)
        return
    if (name, operation) == ("handle.rollback", "DescribeServiceDeployments"):
        assert (None, "web:1") == (went.error, went.runs)  # by an update
        return
    if operation in FALLBACKS and name in ("handle.stop", "handle.rollback"):
        assert isinstance(went.error, EcsError), repr(went.result)
        return
    assert isinstance(went.error, AccessDeniedException), repr(went.error)
    assert operation in str(went.error)
    if sent and name not in ("scale", "delete", "rollback"):
        assert went.error.story is not None


# Secrets.

VALUE = "hunter2-is-the-password"
PLACE = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hunter2-is-the-password"
SECRET_ARGUMENTS: dict[str, Any] = {"environment": {"app": {"PASSWORD": VALUE}}, "secrets": {"app": {"TOKEN": PLACE}}}


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "UpdateService",
        "RegisterTaskDefinition",
        "DescribeServices",
        "DescribeTaskDefinition",
        "DescribeServiceDeployments",
    ],
)
@pytest.mark.parametrize(
    "options", [{}, {"timeout": 5, "on_timeout": "rollback"}, {"images": {"app": "gone"}}], ids=repr
)
def test_no_secret_is_shown(broken: str, options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Values of environments and secrets are in no message, log, repr, event or handle."""

    def prepare(sim: Simulator) -> None:
        if broken:
            sim.fail(broken, Fault.access_denied(), times=None, after=1 if broken == "DescribeServices" else 0)

    lines: list[str] = []
    with caplog.at_level(logging.DEBUG, "ecskit"):

        def act(ecs: Any) -> Any:
            return ecs.services.deploy(
                "web", **SECRET_ARGUMENTS, on_poll=lambda story: lines.append(repr(story)), **options
            )

        went = both(act, prepare=prepare, service={"deploymentConfiguration": BARE_BREAKER})
        followed = both(
            stream(lambda ecs: ecs.services.start_deployment("web", **SECRET_ARGUMENTS), timeout=60),
            prepare=prepare,
        )
    lines += [record.getMessage() for record in caplog.records]
    for end in (went, followed):
        lines += [repr(end.result), str(end.error), repr(end.error), *map(repr, end.items), *map(str, end.items)]
        if isinstance(end.error, EcsError) and end.error.story is not None:
            lines += [repr(end.error.story), end.error.story.handle.to_json()]
        if hasattr(end.result, "started"):
            lines.append(end.result.started.to_json())
    assert lines
    assert [] == [line for line in lines if "hunter2" in line]


@pytest.mark.parametrize(
    "wrong",
    [
        {"environment": {"nope": {"PASSWORD": VALUE}}},
        {"environment": {"app": {"PASSWORD": [VALUE]}}},
        {"environment": {"app": [VALUE]}},
        {"environment": [VALUE]},
        {"secrets": {"nope": {"TOKEN": PLACE}}},
        {"secrets": {"app": {"TOKEN": {"x": PLACE}}}},
        {"secrets": PLACE},
    ],
    ids=repr,
)
def test_errors_of_arguments_show_no_secret(wrong: dict[str, Any]) -> None:
    """The error names what is wrong, and not what it holds."""
    went = both(lambda ecs: ecs.services.deploy("web", **wrong))
    assert isinstance(went.error, EcsError), repr(went.error)
    assert "hunter2" not in f"{went.error} {went.error!r}"


def test_nothing_secret_is_in_a_change() -> None:
    """Not even where a debugger shows it."""
    from ecskit._deployments.arguments import Change

    assert "hunter2" not in repr(Change(**SECRET_ARGUMENTS))
