"""Rules of Fargate, for definitions that are meant for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ecskit._rules.checks import absent, below, between, fits
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.environment import awslogs
from ecskit._rules.rule import Places, Problem, Rule, api, guide
from ecskit._rules.task_sizes import SIZES, WINDOWS_CPU

__all__ = ["FARGATE_RULES", "has_size"]

_CONTAINER = "containerDefinitions[]"
_LINUX = "containerDefinitions[].linuxParameters"
_UNSUPPORTED = guide("fargate-tasks-services")
_TEXT = "not supported on Fargate"
_ROLE = guide("task_execution_IAM_role")

_KNOWN_CAPABILITIES = frozenset(
    "ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER"
    " KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP"
    " SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_RAWIO SYS_RESOURCE SYS_TIME"
    " SYS_TTY_CONFIG SYSLOG WAKE_ALARM".split()
)
"""The capabilities that Fargate cannot add. It can add SYS_PTRACE."""
_ECR_IMAGE = re.compile(r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws|on\.aws)\S*")


def _needs_size(definition: TaskDefinitionWire, _: Places) -> Iterator[Problem]:
    for name in ("cpu", "memory"):
        if not definition.wire.get(name):
            yield Problem(name, f"Fargate requires {name} for the task", about=name)


def has_size(cpu: int, memory: int) -> bool:
    """Return whether Fargate has a task size. Sizes larger than those in the table count as such."""
    return cpu > max(SIZES) or memory in SIZES.get(cpu, ())


def _size(definition: TaskDefinitionWire, _: Places) -> Iterator[Problem]:
    cpu, memory = definition.cpu, definition.memory
    if cpu is None:
        return
    offered = [units for units in SIZES if units in WINDOWS_CPU or not definition.is_windows]
    about = f"{cpu} CPU, {memory} memory"
    if cpu not in offered and (cpu <= max(SIZES) or definition.is_windows):
        yield Problem("cpu", f"expected one of {', '.join(map(str, offered))} CPU units, got {{value}}", about=about)
    elif memory is not None and not has_size(cpu, memory):
        text = f"with {cpu} CPU units, expected {_range_text(SIZES[cpu])} MiB, got {{value}}"
        yield Problem("memory", text, about=about)


def _range_text(sizes: Sequence[int]) -> str:
    if isinstance(sizes, range):
        return f"{sizes[0]} to {sizes[-1]}, in steps of {sizes.step}"
    return f"one of {', '.join(map(str, sizes))}"


def _cpu_sum(definition: TaskDefinitionWire, _: Places) -> Iterator[Problem]:
    wanted = sum(container.get("cpu") or 0 for _, container in definition.containers)
    if definition.cpu is not None and wanted > definition.cpu:
        yield Problem("cpu", f"the containers reserve {wanted} CPU units, the task has {definition.cpu}")


def _network_mode(definition: TaskDefinitionWire, _: Places) -> Iterator[Problem]:
    if definition.mode in ("bridge", "host", "none"):
        yield Problem("networkMode", "Fargate requires awsvpc")


def _ecr_needs_role(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    if not definition.wire.get("executionRoleArn"):
        for path, image in places:
            if _ECR_IMAGE.fullmatch(image):
                yield Problem(path, "an image of ECR requires an executionRoleArn in the task definition on Fargate")


def _awslogs_need_role(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    if not definition.wire.get("executionRoleArn"):
        for path, driver in places:
            if driver == "awslogs":
                text = "awslogs requires an executionRoleArn in the task definition on Fargate"
                yield Problem(path, text)


def _prefix(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in awslogs(places):
        if "awslogs-stream-prefix" not in options:
            yield Problem(path, "awslogs requires awslogs-stream-prefix on Fargate")


def _gpu(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, requirement in places:
        if requirement.get("type") in ("GPU", "InferenceAccelerator", "NeuronDevice"):
            yield Problem(f"{path}.type", f"{{value}} is {_TEXT}")


def _capabilities(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, names in places:
        refused = sorted(_KNOWN_CAPABILITIES.intersection(names))
        if refused:
            yield Problem(path, f"Fargate adds only SYS_PTRACE, not {', '.join(refused)}")


def _firelens(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, options in places:
        if options.get("config-file-type") == "s3":
            yield Problem(path, "Fargate supports only configuration files of the type file")


FARGATE_RULES: Sequence[Rule[TaskDefinitionWire]] = (
    Rule(
        "fargate-network-mode",
        "",
        _network_mode,
        source=api("RegisterTaskDefinition"),
        words="Fargate only supports network mode \u2018awsvpc\u2019.",
        seen="aws/amazon-ecs-cli#1145",
    ),
    Rule(
        "fargate-size",
        "",
        _needs_size,
        source=guide("task-cpu-memory-error"),
        words="Fargate requires that '{about}' be defined at the task level.",
        seen="mongodb/terraform-aws-ecs-task-definition#38",
    ),
    Rule(
        "fargate-size",
        ("cpu", "memory"),
        _size,
        source=guide("task-cpu-memory-error"),
        words="No Fargate configuration exists for given values: {about}. See the Amazon ECS documentation for the"
        " valid values.",
        seen="aws-games/cloud-game-development-toolkit#737",
    ),
    Rule(
        "fargate-cpu-sum",
        "cpu",
        _cpu_sum,
        source=api("ContainerDefinition"),
        words="The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        seen="klothoplatform/klotho#892",
    ),
    Rule(
        "execution-role",
        "containerDefinitions[].image",
        _ecr_needs_role,
        source=_ROLE,
        words="Fargate requires task definition to have execution role ARN to support ECR images.",
        seen="hashicorp/terraform-provider-aws#3051",
    ),
    Rule(
        "execution-role",
        "containerDefinitions[].logConfiguration.logDriver",
        _awslogs_need_role,
        source=_ROLE,
        words="Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        seen="virtual-kubelet/virtual-kubelet#193",
    ),
    Rule(
        "fargate-unsupported",
        ("ipcMode",),
        absent(_TEXT),
        source=_UNSUPPORTED,
        words="Tasks using the Fargate launch type do not support ipcMode.",
        seen="cn-terraform/terraform-aws-ecs-fargate#2",
    ),
    Rule(
        "fargate-unsupported",
        "pidMode",
        fits(lambda mode: mode != "host", "Fargate supports only task"),
        source=_UNSUPPORTED,
        words="Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is"
        " 'task'.",
        seen="aws/aws-cdk#29619",
    ),
    Rule(
        "fargate-unsupported",
        ("volumes[].host.sourcePath",),
        absent(_TEXT),
        source=_UNSUPPORTED,
        words="Fargate compatible task definitions do not support sourcePath",
        seen="cloudposse/terraform-aws-ecs-alb-service-task#174",
    ),
    Rule(
        "fargate-unsupported",
        (
            "placementConstraints",
            "inferenceAccelerators",
            "volumes[].dockerVolumeConfiguration",
            "volumes[].fsxWindowsFileServerVolumeConfiguration",
            *below(
                _CONTAINER,
                "disableNetworking dnsSearchDomains dnsServers dockerSecurityOptions extraHosts hostname links"
                " privileged",
            ),
            *below(_LINUX, "devices maxSwap sharedMemorySize swappiness"),
        ),
        absent(_TEXT),
        source=_UNSUPPORTED,
    ),
    Rule(
        "fargate-unsupported",
        "containerDefinitions[].resourceRequirements[]",
        _gpu,
        source=_UNSUPPORTED,
    ),
    Rule(
        "fargate-timeouts",
        below(_CONTAINER, "startTimeout stopTimeout"),
        between(2, 120, "seconds on Fargate"),
        source=api("ContainerDefinition"),
    ),
    Rule(
        "log-driver",
        "containerDefinitions[].logConfiguration.logDriver",
        fits(
            lambda driver: driver not in {"fluentd", "gelf", "journald", "json-file", "syslog"},
            "FARGATE does not support {value}",
        ),
        source=api("LogConfiguration"),
    ),
    Rule("log-options", "containerDefinitions[].logConfiguration", _prefix, source=api("LogConfiguration")),
    Rule(
        "fargate-capabilities",
        "containerDefinitions[].linuxParameters.capabilities.add",
        _capabilities,
        source=api("KernelCapabilities"),
    ),
    Rule(
        "fargate-firelens",
        "containerDefinitions[].firelensConfiguration.options",
        _firelens,
        source=api("FirelensConfiguration"),
    ),
)
