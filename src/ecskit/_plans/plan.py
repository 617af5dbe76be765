"""`Plan`: what an apply would register, create and change. It holds no secret, and can be written as JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import RequestError
from ecskit._core.wire import encode
from ecskit._definitions.diffing import Change, Difference
from ecskit.models.services import CreateServiceRequest, Service, UpdateServiceRequest
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest

__all__ = ["Action", "Inputs", "Plan", "Steps", "differences"]

Action = Literal["create", "update", "none"]
FORMAT = 1
"""The format that `from_json` reads."""
_CLUSTER = re.compile(r"arn:[^:]*:ecs:[^:]*:[^:]*:cluster/[^:]+")
_ROUNDS = 100_000
"""Rounds of the digest: a secret of few characters takes long to guess."""


@attrs.frozen(kw_only=True, repr=False)  # definitions may hold secrets
class Inputs:
    """What a plan is made of."""

    definition: CreateServiceRequest
    task_definition: str | RegisterTaskDefinitionRequest | None = None
    images: Mapping[str, str] = attrs.field(factory=dict)
    scale: bool = False

    def digest(self, salt: str) -> str:
        """Return a digest of the filled definitions. It shows whether another process has the same."""
        task = self.task_definition
        content = [
            encode(attrs.evolve(self.definition, cluster=None)),  # the plan has its ARN
            encode(task) if isinstance(task, RegisterTaskDefinitionRequest) else task,
            dict(self.images),
            self.scale,
        ]
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.pbkdf2_hmac("sha256", text.encode(), bytes.fromhex(salt), _ROUNDS).hex()


@attrs.frozen(kw_only=True, repr=False)
class Steps:
    """The requests of a plan."""

    before: Service | None = None
    """The service, if it exists."""
    registration: RegisterTaskDefinitionRequest | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)
    """Tags to set."""
    request: CreateServiceRequest | UpdateServiceRequest | None = None
    """Without the task definition, if that is registered first."""


@attrs.frozen(kw_only=True)
class Plan(Documented):
    """What an apply would register, create and change. Nothing was changed.

    `str` shows it as a difference without secrets. `to_json` takes it to another process.
    """

    service: str
    """Name of the service."""
    cluster: str
    """ARN of the cluster, which has its account and its region."""
    action: Action
    """What happens to the service: "create", "update" or "none"."""
    changes: Difference
    """What is created, or each changed member of the service, with its tags."""
    registers: str | None = None
    """The family of which a revision is registered; None if no revision is registered."""
    registration: Difference = attrs.field(factory=Difference)
    """The difference from the latest revision of the family; empty if there is none."""
    task_definition: str | None = None
    """ARN of the task definition, if it exists already; None if it is registered, or stays as it is."""
    deployment: Literal["yes", "no", "unknown"] = "no"
    """Whether a deployment follows, as AWS documents it."""
    notes: tuple[str, ...] = ()
    """What the plan leaves as it is, although the definition states something else."""
    state: str = attrs.field(repr=False)
    """A digest of what the service has beyond the definition; empty if it does not exist."""
    salt: str = attrs.field(repr=False)
    """The salt of the digests, and the client token of a creation."""
    images: Mapping[str, str] = attrs.field(factory=dict)
    """The images by the names of the containers, as they are deployed."""
    scale: bool = False
    """Whether the desired count of an existing service is changed."""
    inputs: Inputs | None = attrs.field(default=None, repr=False, eq=False)
    """The definitions; None after `from_json`."""
    steps: Steps | None = attrs.field(default=None, repr=False, eq=False)
    """The requests; None after `from_json`."""
    digest: str | None = attrs.field(default=None, repr=False, eq=False)
    """A digest of the filled definitions, after `from_json`."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.action != "none" or self.registers is not None or bool(self.changes)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        _, _, _, region, account, cluster = self.cluster.split(":", 5)
        where = f"service {self.service} of {cluster.removeprefix('cluster/')} in {region}, account {account}"
        if not self.changed:
            yield f"{where}: nothing to change"
        if self.registers is not None:
            yield f"register a revision of {self.registers}"
            yield from (f"  {change}" for change in self.registration)
        if self.changed and (self.action != "none" or self.changes):
            verb = {"create": "create", "update": "update", "none": "tag"}[self.action]
            follows = {"yes": "a deployment follows", "no": "no deployment follows"}.get(
                self.deployment, "it is not documented whether a deployment follows"
            )
            yield f"{verb} {where}: {follows}"
            yield from (f"  {change}" for change in self.changes)
        yield from (f"  note: {note}" for note in self.notes)

    @property
    def summary(self) -> Mapping[str, object]:
        """The plan as plain data, without the digest of its definitions."""
        return {
            "service": self.service,
            "cluster": self.cluster,
            "action": self.action,
            "registers": self.registers,
            "registration": [[each.path, each.before, each.after] for each in self.registration],
            "task_definition": self.task_definition,
            "changes": [[each.path, each.before, each.after] for each in self.changes],
            "deployment": self.deployment,
            "notes": [*self.notes],
            "state": self.state,
            "salt": self.salt,
            "images": {**self.images},
            "scale": self.scale,
        }

    def to_json(self) -> str:
        """Return the plan as one line of JSON, for `from_json`.

        It holds no definition, and no secret, but a salted digest of both.
        """
        digest = self.inputs.digest(self.salt) if self.inputs else self.digest
        return json.dumps({"ecskit_plan": FORMAT, **self.summary, "digest": digest})

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan that `to_json` wrote. `apply` takes it together with the definitions.

        Args:
            text: What `to_json` returned.

        Raises:
            RequestError: The text is something else, or another version of ecskit wrote it in another format.
        """
        try:
            data: Any = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or "ecskit_plan" not in data:
            raise RequestError("Plan", [("text", "expected the result of `to_json`")])
        written = data.pop("ecskit_plan")
        data |= {"inputs": None, "steps": None}
        if written != FORMAT:
            problem = f"the plan has format {written!r}, this version of ecskit reads format {FORMAT}"
            raise RequestError("Plan", [("text", problem)])
        try:
            for name in ("changes", "registration"):
                data[name] = Difference(Change(path, before, after) for path, before, after in data[name])
            data["notes"] = tuple(data["notes"])
            plan = cls(**data)
            _check_written(plan)
        except (KeyError, TypeError, ValueError):
            problem = "expected the result of `to_json`; parts of it are missing or changed"
            raise RequestError("Plan", [("text", problem)]) from None
        return plan


def _check_written(plan: Plan) -> None:
    """Raise TypeError or ValueError unless the members that were read have their types."""
    bytes.fromhex(plan.salt)
    values: tuple[Any, ...] = (plan.service, plan.cluster, plan.state, plan.images, plan.scale)
    fits = (
        all(isinstance(value, kind) for value, kind in zip(values, (str, str, str, dict, bool), strict=True))
        and _CLUSTER.fullmatch(plan.cluster) is not None
        and plan.action in get_args(Action)
        and plan.deployment in ("yes", "no", "unknown")
    )
    if not fits:
        raise ValueError


def differences(plan: Plan, now: Plan) -> list[str]:
    """Return what a plan that is made now has beyond the earlier one. Nothing, if a part was carried out already."""
    lines: list[str] = []
    for name, what in (("registration", "the task definition"), ("changes", "the service")):
        planned = {_key(each, plan) for each in getattr(plan, name)}
        lines += [f"{what}: {each}" for each in getattr(now, name) if _key(each, plan) not in planned]
    if now.action not in (plan.action, "none"):
        lines.insert(0, f"the plan was to {plan.action} the service, and now is to {now.action} it")
    if now.registers is not None and plan.registers is None:
        lines.append(f"a revision of {now.registers} has to be registered")
    if plan.state and now.state and plan.state != now.state:
        lines.append("a member that the definition does not state, or the whole service")
    return lines


def _key(change: Change, plan: Plan) -> tuple[str, ...]:
    """Return what makes a change the same. A revision that was to be registered may be registered now."""
    after = None if change.path == "task_definition" and plan.registers is not None else change.after
    return tuple(map(repr, (change.path, change.before, after)))
