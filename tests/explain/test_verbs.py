"""The verbs `tasks.explain` and `services.explain`, with both clients: what is read, and what is refused."""

from __future__ import annotations

from typing import Any

from support.both_clients import then
from tasks.support import FARGATE, both

from ecskit.tasks import Diagnosis
from ecskit.testing import Simulator, TaskScript

NOT_FOUND = "pull image manifest has been retried 1 time(s): failed to resolve ref acme/app:9: acme/app:9: not found"


def explained(ecs: Any, family: str = "job", **arguments: Any) -> Any:
    """Run a task, and explain it a minute later."""

    def explain(started: Any) -> Any:
        ecs.clock.advance(60)
        return ecs.tasks.explain(started.tasks[0], **arguments)

    return then(ecs.tasks.run(family, **FARGATE), explain)


def test_a_task_whose_image_does_not_exist() -> None:
    """Two reads; the text has the reason of ECS, the causes, what to do, and the page of AWS."""

    def prepare(sim: Simulator) -> None:
        sim.script("job", TaskScript.fails_to_pull(NOT_FOUND))

    went = both(explained, prepare=prepare)
    assert went.operations[-2:] == ["DescribeTasks", "DescribeTaskDefinition"]
    diagnosis: Diagnosis = went.returned()
    [finding] = diagnosis.findings
    assert finding is diagnosis.first
    assert finding.name == "image-not-found"
    elsewhere = "The repository is in another account or region, or does not exist."
    assert str(diagnosis).splitlines() == [
        f"task {diagnosis.subject} of job:1 failed to start.",
        f"  CannotPullContainerError: {NOT_FOUND} (container app, image image:1)",
        "    The registry does not have this image.",
        "    1. The tag does not exist in the repository. Push it, or deploy one that exists.",
        f"    2. {elsewhere} Write the full URI of the repository in the task definition.",
        "    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
    ]
