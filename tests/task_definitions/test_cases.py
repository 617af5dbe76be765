"""Small files with one kind of problem each: what is found, what is left out, and what `load` reports instead.

Each file in `cases/` is of a kind that public repositories have. ECS refuses it, or it looks wrong and is right.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from ecskit._core.wire import encode
from ecskit.errors import RequestError
from ecskit.models import RegisterTaskDefinitionRequest
from ecskit.task_definitions import load, validate
from ecskit.testing import Simulator

from .support import refused

FOLDER = Path(__file__).parent / "cases"
CART = "containerDefinitions[0]"

FOUND: dict[str, set[tuple[str, str, str, str | None]]] = {
    # ECS registers these.
    "a01_fargate_32_vcpu": set(),
    "a02_tcp_and_udp": {(f"{CART}.portMappings[1]", "port-protocols", "hint", None)},
    "a03_health_check_of_one_word": {(f"{CART}.healthCheck.command", "health-check", "hint", None)},
    "a04_protocol_grpc": {(f"{CART}.portMappings[0].protocol", "protocol", "hint", None)},
    "b01_empty_enums_of_the_task": set(),  # once `load` has left them out
    "b02_empty_enums_of_a_container": set(),
    "b11_misspelt_inside": {
        (f"{CART}.portMapping", "unknown-member", "hint", "portMappings"),
        (f"{CART}.healthcheck", "unknown-member", "hint", "healthCheck"),
    },
    # ECS refuses these.
    "b03_image_blank": {(f"{CART}.image", "image", "error", None)},
    "b03_image_percent": {(f"{CART}.image", "placeholder", "error", None)},
    "b03_image_placeholder": {(f"{CART}.image", "placeholder", "error", None)},
    "b03_image_template": {(f"{CART}.image", "placeholder", "error", None)},
    "b03_image_variable": {(f"{CART}.image", "placeholder", "error", None)},
    "b04_role_placeholder": {("taskRoleArn", "role", "error", None)},
    "b05_secret_placeholder": {(f"{CART}.secrets[0].valueFrom", "placeholder", "error", None)},
    "b06_secret_and_variable": {(f"{CART}.secrets[0].name", "secret-names", "error", None)},
    "b07_secret_twice": {(f"{CART}.secrets[2].name", "secret-names", "error", None)},
    "b08_ecr_without_role": {(f"{CART}.image", "execution-role", "error", None)},
    "b09_compatibility_in_mixed_case": {
        ("requiresCompatibilities[0]", "enum", "error", "FARGATE"),
        ("memory", "fargate-size", "error", None),  # the rules of Fargate apply all the same
    },
    "b10_enum_values": {
        ("networkMode", "unknown-value", "hint", "awsvpc"),
        ("runtimePlatform.cpuArchitecture", "unknown-value", "hint", "ARM64"),
        ("runtimePlatform.operatingSystemFamily", "enum", "error", "LINUX"),
        (f"{CART}.ulimits[0].name", "enum", "error", "nofile"),
        (f"{CART}.firelensConfiguration.type", "unknown-value", "hint", "fluentbit"),
    },
    "b12_twelve_containers": {("containerDefinitions", "containers", "error", None)},
    "b13_volume_names_twice": {("volumes[2].name", "volume-name", "error", None)},
    "b15_fargate_gpu": {(f"{CART}.resourceRequirements[0].type", "fargate-unsupported", "error", None)},
    "b17_awslogs_option_typo": {
        (
            f"{CART}.logConfiguration.options['awslogs-steam-prefix']",
            "log-options",
            "error",
            "awslogs-stream-prefix",
        )
    },
    "b18_windows_arm64_efs": {
        ("runtimePlatform.cpuArchitecture", "windows-unsupported", "error", None),
        ("volumes[0].efsVolumeConfiguration", "windows-unsupported", "error", None),
    },
    "b21_placement_spread": {("placementConstraints[1].type", "placement-constraints", "error", None)},
}
"""What is found in each file: path, rule, severity and what was probably meant."""

LEFT_OUT = {
    "b01_empty_enums_of_the_task": {"pidMode", "ipcMode"},
    "b02_empty_enums_of_a_container": {f"{CART}.portMappings[0].appProtocol", f"{CART}.versionConsistency"},
}
"""What `load` leaves out with a warning."""

NOT_READ: dict[str, str] = {
    "c01_service_definition": (
        "this is a service definition, not a task definition; pass the file of its task definition"
    ),
    "c03_pascal_case": (
        "the names are in PascalCase, as in CloudFormation; write all of them in camelCase: "
        "family for Family, cpu for Cpu, containerDefinitions for ContainerDefinitions"
    ),
    "c04_sizes_as_numbers": """\
cpu: expected text, got the number 512; write "512"
memory: expected text, got the number 1024; write "1024\"""",
    "c05_several_wrong_types": f"""\
{CART}.environment: expected a list, got an object; write a list of {{"name": ..., "value": ...}}
{CART}.memory: expected a number, got text; write 256
{CART}.portMappings[0].containerPort: expected a number, got text; write 80""",
}
"""What `load` reports instead, a problem a line."""


def read(name: str) -> tuple[RegisterTaskDefinitionRequest, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return load(FOLDER / f"{name}.json"), [str(each.message) for each in caught]


def test_each_file_is_in_a_table() -> None:
    """And the other way round."""
    assert {path.stem for path in FOLDER.glob("*.json")} == FOUND.keys() | NOT_READ.keys()


@pytest.mark.parametrize("name", FOUND)
def test_what_is_found_in_a_file(name: str) -> None:
    """The simulator refuses what has an error. It registers what has hints only."""
    definition, warned = read(name)
    found = validate(definition)
    assert {(each.path, each.rule, each.severity, each.suggestion) for each in found} == FOUND[name]
    is_refused = any(each.severity == "error" for each in found)
    assert refused(Simulator(), encode(definition)) == is_refused
    assert bool(warned) == (name in LEFT_OUT)
    assert all(path in text for text in warned for path in LEFT_OUT[name])


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_no_task_definition_is_named(name: str) -> None:
    """All problems in one error."""
    with pytest.raises(RequestError) as caught:
        read(name)
    problems = [f"{path}: {text}".lstrip(": ") for path, text in caught.value.problems]
    assert sorted(problems) == NOT_READ[name].splitlines()


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "b09_compatibility_in_mixed_case",
            """\
memory: with 512 CPU units, expected 1024 to 4096, in steps of 1024 MiB, got "16384"
requiresCompatibilities[0]: "Fargate" is not a value of requiresCompatibilities; did you mean FARGATE?""",
        ),
        (
            "b11_misspelt_inside",
            f"""\
{CART}.healthcheck: unknown member, left out by ECS; did you mean healthCheck? (hint)
{CART}.portMapping: unknown member, left out by ECS; did you mean portMappings? (hint)""",
        ),
        (
            "b03_image_variable",
            f'{CART}.image: "registry.example.com/cart:${{GIT_SHA}}" holds a placeholder that was not filled',
        ),
    ],
)
def test_a_finding_reads_like_a_sentence(name: str, lines: str) -> None:
    """The value and what was probably meant are in it."""
    assert [str(each) for each in validate(read(name)[0])] == lines.splitlines()
