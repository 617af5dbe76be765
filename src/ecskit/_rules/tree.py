"""Rules about every member of a definition: unknown names, values of enums, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ecskit._core.wording import listed, nearest
from ecskit._rules.members import belongs, meant
from ecskit._rules.placeholders import has_placeholder, holds_placeholder, is_impossible_name, is_unfilled_tag
from ecskit._rules.rule import Check, Places, Problem, Rule, api
from ecskit._rules.walk import RequestWire
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["TREE_RULES"]


def _unknown_members(subject: RequestWire, _: Places) -> Iterator[Problem]:
    if subject.model is TaskDefinition:
        return  # ECS described it, so ECS has the member
    is_task = subject.model is RegisterTaskDefinitionRequest
    for place in subject.texts:
        if place.member is None:
            structure, _dot, name = place.where.rpartition(".")
            text, elsewhere = "unknown member, left out by ECS", belongs(name, structure) if is_task else None
            if elsewhere:
                yield Problem(place.path, f"{text}; {elsewhere}")
            else:
                yield Problem(place.path, text, meant(name, place.siblings))


_OWN_RULES = frozenset({"containerDefinitions.portMappings.protocol", "placementConstraints.type"})
"""Enums with rules of their own."""
_ULIMIT = "containerDefinitions.ulimits.name"
_MEANT: Mapping[str, str] = {"aarch64": "ARM64", "amd64": "X86_64", "x64": "X86_64", "x86": "X86_64"}
"""Other names of values."""


def _enums(kind: Literal["certain", "ulimit", "new"]) -> Check[RequestWire]:
    """Check the values of enums that are surely wrong, those of ulimits, or those that ECS may have learnt."""

    def check(subject: RequestWire, _: Places) -> Iterator[Problem]:
        for place in subject.texts:
            member = place.member
            if member is None or not member.kind.values or place.value in member.kind.values:
                continue
            if place.where in _OWN_RULES or has_placeholder(place.value):
                continue
            value, values = place.value.strip().casefold(), member.kind.values
            same = next((each for each in values if each.casefold() == value), None)
            if kind == ("ulimit" if place.where == _ULIMIT else "certain" if same or not value else "new"):
                name = place.where.rpartition(".")[2]
                text = f"{{value}} is not {'the name of a ulimit' if kind == 'ulimit' else f'a value of {name}'}"
                if kind == "new":
                    text += f", which has {listed(values)}"
                if not value:
                    text = f"{name} must not be empty" + ("" if member.required else "; leave it out")
                value_meant = same or next((each for each in (_MEANT.get(value),) if each in values), None)
                yield Problem(
                    place.path,
                    text,
                    value_meant or nearest(place.value, values) if value else None,
                    about=f"{name}. The value must be one of [{','.join(values)}]",
                )

    return check


_FORMS = frozenset({"cpu", "memory", "containerDefinitions.portMappings.containerPortRange"})
"""Texts that are numbers, and no names."""
_NAMES = re.compile(
    r"family|taskRoleArn|executionRoleArn|volumes\.name"
    r"|containerDefinitions\.(name|image|secrets\.valueFrom|logConfiguration\.secretOptions\.valueFrom)"
)
"""Texts whose characters ECS checks."""


def _placeholders(*, checked: bool) -> Check[RequestWire]:
    def check(subject: RequestWire, _: Places) -> Iterator[Problem]:
        for place in subject.texts:
            if place.member is None:
                continue
            has_form = place.where in _FORMS or bool(place.member.kind.values)
            is_name = _NAMES.fullmatch(place.where) is not None and is_impossible_name(place.value)
            holds = holds_placeholder(place.where, place.value) or is_unfilled_tag(place.where, place.value)
            if holds and (has_form or is_name) is checked:
                yield Problem(place.path, "{value} holds a placeholder that was not filled")

    return check


TREE_RULES: Sequence[Rule[RequestWire]] = (
    Rule(
        "unknown-member",
        "",
        _unknown_members,
        source=api("RegisterTaskDefinition"),
        severity="hint",
        known="reported once",
    ),
    Rule(
        "enum",
        "",
        _enums("certain"),
        source=api("RegisterTaskDefinition"),
        words="{value} is not a valid value for {about}",
        seen="aws/amazon-ecs-cli#667",
    ),
    Rule(
        "enum",
        "",
        _enums("ulimit"),
        source=api("Ulimit"),
        words="Unrecognized ulimit name {value}",
        seen="Shippable/support#3699",
    ),
    Rule("unknown-value", "", _enums("new"), source=api("RegisterTaskDefinition"), severity="hint"),
    Rule("placeholder", "", _placeholders(checked=True), source=api("RegisterTaskDefinition")),
    Rule("placeholder", "", _placeholders(checked=False), source=api("RegisterTaskDefinition"), severity="hint"),
)
