"""The simulator beside answers in the shape of recorded ones: present, absent, type, and value where it does not vary.

The answers were recorded from 2018 to 2024, so they lack what ECS added later: `SINCE` has these members.
"""

from __future__ import annotations

import re

import pytest

from .recorded_support import FOLDER, Case, differences, load_cases, run

CASES = load_cases()

OPERATIONS = {
    *("DescribeClusters", "ListClusters"),
    *("DescribeContainerInstances", "ListContainerInstances", "UpdateContainerInstancesState", "UpdateContainerAgent"),
    *("DescribeServices", "ListServices", "UpdateService", "DeleteService"),
    *("TagResource", "UntagResource", "ListTagsForResource"),
    *("RegisterTaskDefinition", "DescribeTaskDefinition", "ListTaskDefinitions"),
    *("DescribeTasks", "ListTasks", "RunTask", "StopTask"),
    "DescribeTaskSets",
}

# The year of the first answers that have a member, and why older ones lack it.
SINCE: dict[str, tuple[int, str]] = {
    "tags": (2019, "tags came in November 2018"),
    "cluster.tags": (2019, "tags came in November 2018"),
    "containerInstance.tags": (2019, "tags came in November 2018"),
    "task.tags": (2019, "tags came in November 2018"),
    "cluster.settings": (2020, "Container Insights came in 2019"),
    "cluster.capacityProviders": (2020, "capacity providers came in December 2019"),
    "cluster.defaultCapacityProviderStrategy": (2020, "capacity providers came in December 2019"),
    "service.createdBy": (2020, "an answer of February 2019 lacks it"),
    "service.deploymentController": (2022, "an answer of March 2021 lacks it if it was not requested; 2023 has it"),
    "service.enableExecuteCommand": (2022, "ECS Exec came in March 2021, and answers of that month lack it"),
    "service.platformFamily": (2022, "Windows on Fargate came in October 2021"),
    "service.currentServiceDeployment": (2025, "service deployments came in October 2024"),
    "service.currentServiceRevisions": (2025, "service deployments came in October 2024"),
    "service.availabilityZoneRebalancing": (2025, "rebalancing came in November 2024"),
    "service.resourceManagementType": (2026, "Express services came in November 2025"),
    "deploymentConfiguration.deploymentCircuitBreaker": (2021, "the circuit breaker came in November 2020"),
    "deploymentConfiguration.strategy": (2025, "deployments in stages came in July 2025"),
    "deploymentConfiguration.bakeTimeInMinutes": (2025, "deployments in stages came in July 2025"),
    "deployment.failedTasks": (2021, "the circuit breaker came in November 2020"),
    "deployment.rolloutState": (2021, "the circuit breaker came in November 2020"),
    "deployment.rolloutStateReason": (2021, "the circuit breaker came in November 2020"),
    "deployment.platformFamily": (2022, "Windows on Fargate came in October 2021"),
    "taskSet.platformFamily": (2022, "Windows on Fargate came in October 2021"),
    "containerDefinition.systemControls": (2025, "an answer of February 2024 lacks it; answers of 2026 have it"),
    "taskDefinition.registeredAt": (2021, "an answer of 2018 lacks it; 2024 has it"),
    "taskDefinition.registeredBy": (2021, "an answer of 2018 lacks it; 2024 has it"),
    "override.inferenceAcceleratorOverrides": (2020, "Elastic Inference came in 2019"),
    "task.attributes": (2021, "an answer of 2018 lacks it; 2023 has it"),
    "task.availabilityZone": (2020, "an answer of 2018 lacks it; 2023 has it"),
    "task.enableExecuteCommand": (2022, "ECS Exec came in March 2021"),
    "task.ephemeralStorage": (2021, "sizes of ephemeral storage came in 2021"),
    "task.fargateEphemeralStorage": (2024, "an answer of August 2023 lacks it; an example of 2025 has it"),
    "task.healthStatus": (2019, "container health checks came in March 2018"),
    "task.platformFamily": (2022, "Windows on Fargate came in October 2021"),
    "task.stopCode": (2019, "stop codes came in 2018"),
    "container.cpu": (2020, "an answer of 2018 lacks it; 2023 has it"),
    "container.healthStatus": (2019, "container health checks came in March 2018"),
    "container.image": (2020, "an answer of 2018 lacks it; 2023 has it"),
    "container.imageDigest": (2020, "an answer of 2018 lacks it; 2023 has it"),
    "container.runtimeId": (2020, "an answer of 2018 lacks it; 2023 has it"),
}


def member(path: str) -> str:
    """Return the member of a path with its structure: `deployment.failedTasks` for `services[].deployments[]...`."""
    *_, structure, name = ["", *path.split(".")]
    one = re.sub(r"s?(\[\])?$", "", structure)
    return f"{one}.{name}" if one else name


def added_later(path: str, year: int) -> bool:
    """Whether ECS showed a member only after a year."""
    return year < SINCE.get(member(path), (0, ""))[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_simulator_answers_as_recorded(case: Case) -> None:
    """Nothing is missing, nothing else is there but what ECS added later, and types and fixed values are equal."""
    found = differences(run(case), case.answer)
    assert [each for each in found if each[1] != "unexpected" or not added_later(each[0], case.year)] == []


def test_every_recorded_operation_has_a_fixture() -> None:
    """There is a file for each operation."""
    assert {path.stem for path in FOLDER.glob("*.json")} == OPERATIONS


def test_every_member_that_was_added_later_is_needed() -> None:
    """The table has no member that all fixtures have."""
    found = {
        member(path) for case in CASES for path, what in differences(run(case), case.answer) if what == "unexpected"
    }
    assert found == set(SINCE)


def test_what_differs_is_found() -> None:
    """Missing and additional members, lengths, types and values are found; what varies is compared by its form."""
    shown = {"a": 1, "b": [{"c": "x"}], "d": "", "startedAt": 1.5, "id": "ecs-svc/123456789012345678", "list": []}
    other = {"a": 1.0, "b": [{"c": "y"}], "e": "", "startedAt": 9.0, "id": "ecs-svc/987654321098765432", "list": [1]}
    assert sorted(differences(shown, other)) == [
        ("a", "(<class 'int'>, 1), not (<class 'float'>, 1.0)"),
        ("b[].c", "'x', not 'y'"),
        ("d", "unexpected"),
        ("e", "missing"),
        ("list", "0 items, not 1"),
    ]
    assert list(differences({"startedAt": "2024"}, {"startedAt": 9.0})) != []
    assert list(differences({"id": "web"}, {"id": "ecs-svc/987654321098765432"})) != []
