"""Recognize what a file holds by its names at the top level, if it is no definition.

A file is named if no other file has these names; the message about all others lists the names that were found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._core.wording import listed, restyled, shortened

__all__ = ["FOREIGN", "Subject", "foreign", "names_of", "other_style", "this_is", "unknown"]


def names_of(*classes: type[Model]) -> frozenset[str]:
    """Return the wire names of the members of some structures."""
    return frozenset(m.wire for cls in classes for m in members(cls))


@attrs.frozen
class Subject:
    """What a file should hold."""

    noun: str
    expected: str
    """What to pass, as advice in messages."""
    other: Callable[[Mapping[str, Any]], tuple[str, str] | None]
    """Returns what a file is that is often taken for this one, and what to do; None for all others."""

    @property
    def member(self) -> str:
        """The member of ecspresso's configuration that names the file."""
        return self.noun.replace(" ", "_")


_TEMPLATE = "pass the properties of one {noun} as JSON, with names in camelCase"

FOREIGN: Sequence[tuple[frozenset[str], str, str]] = [
    (frozenset(names.split()), what, advice)
    for names, what, advice in [
        ("AWSEBDockerrunVersion", "a Dockerrun.aws.json of Elastic Beanstalk", "{expected}"),
        ("version Resources", "an AppSpec file of CodeDeploy", "pass the file of its {noun}"),
        ("Resources", "a CloudFormation template", _TEMPLATE),
        ("AWSTemplateFormatVersion", "a CloudFormation template", _TEMPLATE),
        ("Type Properties", "a resource of a CloudFormation template", _TEMPLATE),
        ("terraform_version", "a plan or state of Terraform", "{expected}"),
        ("resource", "a Terraform configuration", "{expected}"),
        ("apiVersion kind", "a Kubernetes manifest", "{expected}"),
        ("cluster service service_definition", "the configuration of ecspresso", "pass the file of {member}"),
        ("version task_definition", "an ecs-params file of the ECS CLI", "{expected}"),
        ("version run_params", "an ecs-params file of the ECS CLI", "{expected}"),
        ("version phases", "a build specification of CodeBuild", "{expected}"),
        ("containerProperties", "a job definition of AWS Batch", "{expected}"),
        ("jobDefinitionName", "a job definition of AWS Batch", "{expected}"),
        ("containerOverrides", "an overrides structure of RunTask", "{expected}"),
        ("StartAt States", "a state machine of Step Functions", "{expected}"),
        ("on jobs", "a workflow of GitHub Actions", "{expected}"),
        ("Version Statement", "an IAM policy", "{expected}"),
        ("version artifacts", "a manifest of the CDK", "pass the properties in its template, with names in camelCase"),
        ("taskArn lastStatus", "a task that ECS described", "describe its {noun}"),
    ]
]
"""Names that other files have at the top level, what the file is, and what to do. The first row that fits counts."""


def foreign(data: Mapping[str, Any], subject: Subject) -> str | None:
    """Return what a file with these names is, if it is known and not the subject, and what to do."""
    for names, what, advice in FOREIGN:
        if names <= data.keys():
            return this_is(subject, what, advice)
    if isinstance(data.get("services"), Mapping) or data.get("services", ...) is None:
        return this_is(subject, "a Docker Compose file")
    if {"name", "type"} <= data.keys() and not data.keys().isdisjoint({"image", "http", "network"}):
        return this_is(subject, "a manifest of AWS Copilot")
    other = subject.other(data)
    return this_is(subject, *other) if other else None


def this_is(subject: Subject, what: str, advice: str = "{expected}") -> str:
    """Return a message about a file that is something else."""
    wanted = advice.format(expected=subject.expected, noun=subject.noun, member=subject.member)
    return f"this is {what}, not a {subject.noun}; {wanted}"


def other_style(data: Mapping[str, Any], first: str, known: frozenset[str], request: frozenset[str]) -> str:
    """Return a message about names in another style, such as the name `first`."""
    styled = {name: meant for name in data if name not in known and (meant := restyled(name, request))}
    cased = "PascalCase, as in CloudFormation" if first[:1].isupper() else "another case"
    style = "snake_case" if "_" in first else "kebab-case" if "-" in first else cased
    names = listed((f"{meant} for {shortened(name)}" for name, meant in styled.items()), 3)
    return f"the names are in {style}; write all of them in camelCase: {names}"


def unknown(data: Mapping[str, Any], subject: Subject) -> str:
    """Return a message about a file that has other names."""
    names = listed(map(shortened, data)) or "none"
    return f"this is not a {subject.noun}: it has the names {names}; {subject.expected}"
