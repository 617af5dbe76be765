"""Rules about the whole task: family, sizes, roles, tags, launch types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecskit._core.members import members
from ecskit._core.sizes import CONTAINERS, definition_bytes, definition_problem
from ecskit._rules.checks import absent, between, by_name, fits, matches, most, repeated, when
from ecskit._rules.definition import DefinitionCheck, TaskDefinitionWire
from ecskit._rules.placeholders import has_placeholder
from ecskit._rules.rule import Places, Problem, Rule, api, deployed, guide
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest

__all__ = ["NAME", "TASK_RULES"]

NAME = r"[A-Za-z0-9_-]*", "letters, digits, hyphens and underscores only"
_SENT = frozenset(m.wire for m in members(RegisterTaskDefinitionRequest))
_LEAST_CPU, _MOST_CPU = 128, 196608
_REQUEST = api("RegisterTaskDefinition")
_PARAMETERS = guide("task_definition_parameters")


def _is_managed(definition: TaskDefinitionWire) -> bool:
    """Return whether the definition is for Managed Instances."""
    return definition.runs_on("MANAGED_INSTANCES")


def _bytes(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, wire in places:
        sent = {name: value for name, value in wire.items() if name in _SENT}
        text = definition_problem(sent)
        if text:
            yield Problem(path, text, about=str(definition_bytes(sent)))


def _essential(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, containers in places:
        if containers and all(container.get("essential") is False for container in containers):
            yield Problem(path, "at least one container must be essential")


def _sizes(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    texts = {
        "cpu": (definition.cpu, "CPU units, such as 1024, or vCPUs, such as 1 vCPU"),
        "memory": (definition.memory, "MiB, such as 2048, or GB, such as 2 GB"),
    }
    for path, written in places:
        size, text = texts[path]
        if written and size is None and not has_placeholder(written):
            yield Problem(path, f"expected {text}, got {{value}}", about=path)


def _cpu_range(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, _ in places:
        # Public files have 0, for a task without a size.
        if definition.cpu and not _LEAST_CPU <= definition.cpu <= _MOST_CPU:
            yield Problem(path, f"expected {_LEAST_CPU} to {_MOST_CPU} CPU units, got {{value}}")


def _memory_sum(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    if [*_above_the_task(definition, definition.at("containerDefinitions[].memory"))]:
        return  # another rule reports the container
    wanted = sum(c.get("memoryReservation") or c.get("memory") or 0 for _, c in definition.containers)
    for path, _ in places:
        if definition.memory is not None and wanted > definition.memory and not definition.is_windows:
            yield Problem(path, f"the containers reserve {wanted} MiB, the task has {definition.memory}")


def _above_the_task(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, memory in places:
        if definition.memory is not None and memory > definition.memory and not definition.is_windows:
            yield Problem(path, f"must not be above the memory of the task, {definition.memory}, got {{value}}")


def _needs_role(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, value in places:
        if value and not definition.wire.get("executionRoleArn"):
            yield Problem(path, "requires an executionRoleArn in the task definition")


_ROLE_ARN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_ROLE_NAME = r"[\w+=,.@/-]+"


def _constraint_types(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, kind in places:
        if kind != "memberOf" and not has_placeholder(kind):
            text = "{value} is not for task definitions, which have memberOf only; pass it to the service or to RunTask"
            if kind.casefold() == "memberof":
                text = "{value} is not a value of type"
            yield Problem(path, text, "memberOf" if kind.casefold() == "memberof" else None)


def _is_free(value: str) -> bool:
    return not value.lower().startswith("aws:")


def _attestation(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, trusted in places:
        if trusted.get("isolationMode") == "CONFIDENTIAL_SANDBOX" and not trusted.get("attestationPolicy"):
            yield Problem(f"{path}.attestationPolicy", "required with the isolation mode CONFIDENTIAL_SANDBOX")


def _storage_elsewhere(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    if definition.launch_types == frozenset({"EC2"}):
        for path, _ in places:
            yield Problem(path, "is for Fargate; leave it out on EC2")


def _keyless(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, tag in places:
        if tag.get("key") is None:
            yield Problem(f"{path}.key", "required for each tag")


def _proxy_network(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    if definition.mode in ("bridge", "host", "none"):
        for path, _ in places:
            yield Problem(path, f"requires the network mode awsvpc, got {definition.mode}")


def _proxy_ports(*names: str) -> DefinitionCheck:
    def check(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
        for path, proxy in places:
            given = by_name([("", each) for each in proxy.get("properties") or ()])
            missing = [name for name in names if name not in given]
            if missing:
                yield Problem(f"{path}.properties", f"requires {' and '.join(missing)}")

    return check


def _proxy(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    names = by_name(definition.containers)
    for path, name in places:
        if name not in names and not has_placeholder(name):
            yield Problem(path, f"the task definition has no container {name}")


TASK_RULES: Sequence[Rule[TaskDefinitionWire]] = (
    Rule(
        "definition-size",
        "",
        _bytes,
        source=guide("service-quotas"),
        words="Actual length: '{about}'. Max allowed length is '65536' bytes.",
        seen="awsdocs/amazon-ecs-developer-guide#149",
    ),
    Rule(
        "family",
        "family",
        matches(NAME[0], NAME[1]),
        source=_REQUEST,
        words="Family contains invalid characters.",
        seen="aws/amazon-ecs-cli#37",
    ),
    Rule("family", "family", fits(lambda name: 1 <= len(name) <= 255, "expected 1 to 255 characters"), source=_REQUEST),
    Rule(
        "containers",
        "containerDefinitions",
        fits(bool, "expected at least one container"),
        source=_REQUEST,
        words="Container list cannot be empty.",
        seen="awsdocs/aws-cloudformation-user-guide#454",
    ),
    Rule(
        "containers",
        "containerDefinitions",
        most(CONTAINERS, "containers"),
        source=guide("service-quotas"),
        words="Too many containers.",
        seen="aws/amazon-ecs-cli#184",
    ),
    Rule(
        "unique-containers",
        "containerDefinitions",
        repeated("name", "another container has the name {name}"),
        source=_PARAMETERS,
        words="Container names must be unique within a Task Definition.",
        seen="Shippable/support#2946",
    ),
    Rule(
        "essential",
        "containerDefinitions",
        _essential,
        source=api("ContainerDefinition"),
        words="Task definition doesn't have any essential container.",
        seen="eagletmt/hako#68",
    ),
    Rule(
        "task-size",
        ("cpu", "memory"),
        _sizes,
        source=_REQUEST,
        words="Invalid '{about}' setting for task.",
        seen="oranmoshai/ecsServiceRestart#2",
    ),
    Rule(
        "task-size",
        "cpu",
        when(lambda d: not d.runs_on("FARGATE") and not _is_managed(d), _cpu_range),
        source=_REQUEST,
    ),
    Rule(
        "memory-sum",
        "containerDefinitions[].memory",
        _above_the_task,
        source=api("ContainerDefinition"),
        words="The 'memory' setting for container '{container}' is greater than for the task",
        seen=deployed("pf-ecs-container-memory-over-task"),
    ),
    Rule("memory-sum", "memory", _memory_sum, source=api("ContainerDefinition")),
    Rule(
        "execution-role",
        "containerDefinitions[].secrets",
        _needs_role,
        source=guide("task_execution_IAM_role"),
        words="When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        seen="fabfuel/ecs-deploy#87",
    ),
    Rule(
        "execution-role",
        ("containerDefinitions[].repositoryCredentials", "containerDefinitions[].logConfiguration.secretOptions"),
        _needs_role,
        source=guide("task_execution_IAM_role"),
    ),
    Rule(
        "role",
        ("taskRoleArn", "executionRoleArn"),
        matches(
            rf"{_ROLE_ARN}|(?!arn:){_ROLE_NAME}|",
            "the ARN of a role, such as arn:aws:iam::123456789012:role/name, or its name",
        ),
        source=_REQUEST,
        words="Role is not valid",
        seen="aws-samples/aws-modern-application-workshop#9",
    ),
    Rule(
        "role",
        ("taskRoleArn", "executionRoleArn"),
        fits(bool, "is empty; leave it out"),
        source=_REQUEST,
        severity="hint",
        known="reported once",
        seen="fabfuel/ecs-deploy#231",
    ),
    Rule("ephemeral-storage", "ephemeralStorage.sizeInGiB", between(21, 200, "GiB"), source=api("EphemeralStorage")),
    Rule("placement-constraints", "placementConstraints", most(10, "constraints"), source=_REQUEST),
    Rule(
        "placement-constraints",
        "placementConstraints[].type",
        _constraint_types,
        source=api("TaskDefinitionPlacementConstraint"),
        words="constraint.type '{value}' is not supported.",
        seen="aws-samples/aws-cdk-examples#628",
    ),
    Rule(
        "ephemeral-storage",
        "ephemeralStorage",
        _storage_elsewhere,
        source=_REQUEST,
        words="Tasks using the EC2 launch type do not support EphemeralStorage.",
        seen=deployed("pf-ecs-fargate-ephemeral-storage-ec2"),
    ),
    Rule(
        "proxy-container",
        "proxyConfiguration.containerName",
        _proxy,
        source=api("ProxyConfiguration"),
        words="Proxy container [{value}] does not exist.",
        seen=deployed("pf-ecs-proxy-configuration-container-missing"),
    ),
    Rule(
        "proxy-network-mode",
        "proxyConfiguration",
        _proxy_network,
        source=api("ProxyConfiguration"),
        words="APPMESH proxy configuration is only supported in networkMode=awsvpc",
        seen=deployed("pf-ecs-proxy-configuration-awsvpc-required"),
    ),
    Rule(
        "proxy-ports",
        "proxyConfiguration",
        _proxy_ports("ProxyIngressPort"),
        source=api("ProxyConfiguration"),
        words="Ingress port not found",
        seen=deployed("pf-ecs-proxy-configuration-missing-required-props"),
    ),
    Rule(
        "proxy-ports",
        "proxyConfiguration",
        _proxy_ports("ProxyEgressPort", "AppPorts"),
        source=api("ProxyConfiguration"),
    ),
    Rule("tags", "tags", most(50, "tags"), source=api("Tag")),
    Rule("tags", "tags[]", _keyless, source=api("Tag")),
    Rule("tags", "tags", repeated("key", "the key {name} is not unique"), source=api("Tag")),
    Rule(
        "tags", "tags[].key", fits(lambda key: 1 <= len(key) <= 128, "expected 1 to 128 characters"), source=api("Tag")
    ),
    Rule("tags", "tags[].value", most(256, "characters"), source=api("Tag")),
    Rule(
        "tags",
        (
            "tags[].key",
            "tags[].value",
        ),
        fits(_is_free, "aws: is reserved"),
        source=api("Tag"),
    ),
    Rule(
        "attestation-policy", "trustedExecutionConfiguration", _attestation, source=api("TrustedExecutionConfiguration")
    ),
    Rule(
        "windows-unsupported",
        (
            "pidMode",
            "ipcMode",
        ),
        when(lambda d: d.is_windows, absent("not supported by Windows containers")),
        source=_REQUEST,
    ),
)
