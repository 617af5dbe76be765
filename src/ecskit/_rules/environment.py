"""Rules about what a container gets at its start: variables, secrets, files of variables, and where its logs go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ecskit._core.wording import nearest
from ecskit._rules.checks import by_name, matches, most, repeated
from ecskit._rules.definition import DefinitionCheck, TaskDefinitionWire
from ecskit._rules.placeholders import has_placeholder
from ecskit._rules.rule import Places, Problem, Rule, Wire, api, guide

__all__ = ["ENVIRONMENT_RULES", "awslogs"]

_AWSLOGS = frozenset(
    "awslogs-create-group awslogs-datetime-format awslogs-endpoint awslogs-credentials-endpoint"
    " awslogs-force-flush-interval-seconds awslogs-format awslogs-group awslogs-max-buffered-events"
    " awslogs-multiline-pattern awslogs-region awslogs-stream awslogs-stream-prefix max-buffer-size mode tag".split()
)
"""The options of the log driver awslogs: those of ECS, and those of Docker."""

_PARAMETER = re.compile(r"[A-Za-z0-9_./-]+")
_ARN = re.compile(
    r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/\S+"
    r"|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:\s]+(:[^:\s]*){0,3}"
)
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
_SECRETIVE = re.compile(
    r"passw(or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential", re.IGNORECASE
)
_PASSWORD = re.compile(r"//[^/:@\s]*:[^/@\s]+@")
"""A password in an address."""
_HARMLESS = re.compile(
    r"(_?(name|arn|id|file|path|url|uri|ttl|length|enabled|expir\w*|endpoint|region|prefix|timeout))$", re.IGNORECASE
)


def _sources(form: re.Pattern[str], *, is_arn: bool) -> DefinitionCheck:
    def check(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
        for path, secret in places:
            source = secret["valueFrom"]
            if source.startswith("arn:") is is_arn and not form.fullmatch(source) and not has_placeholder(source):
                text = "expected the name or ARN of a parameter, or the ARN of a secret, got {value}"
                yield Problem(f"{path}.valueFrom", text, about=secret["name"])

    return check


def _shared_names(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, container in places:
        variables = by_name([("", each) for each in container.get("environment") or ()])
        for i, secret in enumerate(container.get("secrets") or ()):
            if secret["name"] in variables:
                text = f"environment has {secret['name']}, too"
                yield Problem(f"{path}.secrets[{i}].name", text, about=secret["name"])


def _names(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, variable in places:
        if not variable.get("name"):
            yield Problem(f"{path}.name", "required for each variable")


def _plain_secrets(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, variable in places:
        name, value = variable.get("name") or "", variable.get("value")
        if not value or has_placeholder(value):
            continue
        if (_SECRETIVE.search(name) and not _HARMLESS.search(name)) or _PASSWORD.search(value):
            yield Problem(f"{path}.value", f"{name} may be a secret; secrets keeps it out of the task definition")


def _plain_options(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in places:
        for name, value in options.items():
            if value and _SECRETIVE.search(name) and not _HARMLESS.search(name) and not has_placeholder(value):
                text = f"{name} may be a secret; secretOptions keeps it out of the task definition"
                yield Problem(f"{path}[{name!r}]", text)


def awslogs(places: Places) -> Iterator[tuple[str, Wire]]:
    """Yield the options of the log driver awslogs, and the path of each."""
    for path, logs in places:
        if logs["logDriver"] == "awslogs":
            secret = {each["name"]: "" for each in logs.get("secretOptions") or ()}
            yield f"{path}.options", {**(logs.get("options") or {}), **secret}


def _required_options(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in awslogs(places):
        missing = [name for name in ("awslogs-region", "awslogs-group") if name not in options]
        if missing:
            yield Problem(path, f"awslogs requires {' and '.join(missing)}", about=", ".join(missing))


def _unknown_options(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in awslogs(places):
        for name in sorted(options.keys() - _AWSLOGS):
            yield Problem(f"{path}[{name!r}]", f"awslogs has no option {name}", nearest(name, _AWSLOGS), about=name)


def _create_group(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in awslogs(places):
        if options.get("awslogs-create-group", "true").casefold() != "true":
            yield Problem(f"{path}['awslogs-create-group']", 'must be "true"; leave it out otherwise')


def _regions(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in awslogs(places):
        region = options.get("awslogs-region") or "us-east-1"
        if not _REGION.fullmatch(region) and not has_placeholder(region):
            yield Problem(f"{path}['awslogs-region']", "expected a region, such as eu-west-1")


def _formats(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in awslogs(places):
        if {"awslogs-datetime-format", "awslogs-multiline-pattern"} <= options.keys():
            yield Problem(path, "awslogs-datetime-format and awslogs-multiline-pattern exclude each other")


def _no_router(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    if not definition.at("containerDefinitions[].firelensConfiguration"):
        for path, driver in places:
            if driver == "awsfirelens":
                yield Problem(path, "{value} requires a container with a firelensConfiguration")


def _no_routed_logs(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    drivers = [driver for _, driver in definition.at("containerDefinitions[].logConfiguration.logDriver")]
    if not any(driver.casefold() == "awsfirelens" or has_placeholder(driver) for driver in drivers):
        for path, router in places:
            if router["type"] in ("fluentd", "fluentbit"):  # otherwise another rule reports it
                yield Problem(path, "requires a container with the log driver awsfirelens")


ENVIRONMENT_RULES: Sequence[Rule[TaskDefinitionWire]] = (
    Rule(
        "secret-names",
        "containerDefinitions[]",
        _shared_names,
        source=guide("specifying-sensitive-data"),
        words="The secret name must be unique and not shared with any new or existing environment variables set on the"
        " container, such as '{about}'.",
        seen="dagster-io/dagster#11622",
    ),
    Rule(
        "secret-names",
        ("containerDefinitions[].secrets", "containerDefinitions[].logConfiguration.secretOptions"),
        repeated("name", "another secret of the container has the name {name}"),
        source=guide("specifying-sensitive-data"),
        words="Duplicate secret names found: {about}. Each secret name must be unique.",
        seen="CircleCI-Public/aws-ecs-orb#190",
    ),
    Rule(
        "variable-names",
        "containerDefinitions[].environment[]",
        _names,
        source=api("KeyValuePair"),
        words="Environment variable name cannot be null or blank.",
        seen="thnery/terraform-aws-template#2",
    ),
    Rule(
        "variable-names",
        "containerDefinitions[].environment",
        repeated("name", "another variable of the container has the name {name}"),
        source=api("ContainerDefinition"),
        severity="hint",
    ),
    Rule(
        "value-from",
        ("containerDefinitions[].secrets[]", "containerDefinitions[].logConfiguration.secretOptions[]"),
        _sources(_PARAMETER, is_arn=False),
        source=api("Secret"),
        words="The Systems Manager parameter name specified for secret {about} is invalid. The parameter name can be up"
        " to 2048 characters and include the following letters and symbols: a-zA-Z0-9_.-",
        seen="aws/copilot-cli#3446",
    ),
    Rule(
        "value-from",
        ("containerDefinitions[].secrets[]", "containerDefinitions[].logConfiguration.secretOptions[]"),
        _sources(_ARN, is_arn=True),
        source=api("Secret"),
    ),
    Rule(
        "plain-secret",
        "containerDefinitions[].environment[]",
        _plain_secrets,
        source=api("ContainerDefinition"),
        severity="hint",
    ),
    Rule(
        "plain-secret",
        "containerDefinitions[].logConfiguration.options",
        _plain_options,
        source=api("LogConfiguration"),
        severity="hint",
    ),
    Rule(
        "environment-files", "containerDefinitions[].environmentFiles", most(10, "files"), source=api("EnvironmentFile")
    ),
    Rule(
        "environment-files",
        "containerDefinitions[].environmentFiles[].value",
        matches(
            r"(?s)arn:aws[a-z-]*:s3:::.+\.env",
            "the ARN of an object in S3 whose name ends in .env",
        ),
        source=api("EnvironmentFile"),
    ),
    Rule(
        "firelens",
        "containerDefinitions[].logConfiguration.logDriver",
        _no_router,
        source=guide("using_firelens"),
        words="When awsfirelens log driver is specified in log configuration, a firelens configuration object must be"
        " configured in one of the containers.",
        seen="fabfuel/ecs-deploy#164",
    ),
    Rule(
        "firelens",
        "containerDefinitions[].firelensConfiguration",
        _no_routed_logs,
        source=guide("using_firelens"),
        words="When a firelensConfiguration object is specified, at least one container has to be configured with the"
        " awsfirelens log driver.",
        seen="aws/amazon-cloudwatch-logs-for-fluent-bit#20",
    ),
    Rule(
        "log-options",
        "containerDefinitions[].logConfiguration",
        _required_options,
        source=api("LogConfiguration"),
        words="Log driver awslogs requires options: {about}",
        seen="klothoplatform/klotho#892",
    ),
    Rule(
        "log-options",
        "containerDefinitions[].logConfiguration",
        _unknown_options,
        source=api("LogConfiguration"),
        words="Log driver awslogs disallows options: {about}",
        seen="aws-samples/amazon-ecs-firelens-examples#83",
    ),
    Rule(
        "log-options",
        "containerDefinitions[].logConfiguration",
        _create_group,
        source=api("LogConfiguration"),
        words="Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option.",
        seen="terraform-linters/tflint-ruleset-aws#348",
    ),
    Rule("log-options", "containerDefinitions[].logConfiguration", _formats, source=api("LogConfiguration")),
    Rule(
        "log-region",
        "containerDefinitions[].logConfiguration",
        _regions,
        source=api("LogConfiguration"),
        severity="hint",
    ),
)
