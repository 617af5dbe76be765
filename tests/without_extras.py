"""Use ecskit without any extra. `nox -s lint` runs this without pytest."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

for extra in ("aiobotocore", "cryptography", "orjson", "pytest", "rich", "websockets", "yaml"):
    assert importlib.util.find_spec(extra) is None, f"{extra} is installed: this proves nothing"

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")

import ecskit  # noqa: E402  # what is not installed is found out first
from ecskit.errors import MissingExtraError  # noqa: E402
from ecskit.testing import SimulatorServer  # noqa: E402

with SimulatorServer() as server, ecskit.Client(region_name="us-east-1", endpoint_url=server.url) as ecs:
    created = ecs.create_cluster(cluster_name="prod")
    assert created.cluster.cluster_name == "prod"
    assert created.cluster.cluster_arn in list(ecs.paginate.list_clusters())

message = ""
try:
    ecskit.AsyncClient(region_name="us-east-1")
except MissingExtraError as error:
    message = str(error)
assert "ecskit[async]" in message, message

with ecskit.progress.auto() as show:  # nothing is missing where there is no terminal
    show.say("works")
try:
    ecskit.progress.live()
except MissingExtraError as error:
    message = str(error)
assert "ecskit[progress]" in message, message

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "service.yaml")
    file.write_text("serviceName: web")
    try:
        ecskit.services.load(file)
    except MissingExtraError as error:
        message = str(error)
assert "ecskit[yaml]" in message, message

with SimulatorServer(speed=100) as server, server.client() as ecs:
    ecs.register_task_definition(
        family="web",
        container_definitions=[ecskit.models.ContainerDefinition(name="app", image="app")],
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    network = ecskit.models.AwsVpcConfiguration(subnets=["subnet-1"])
    started = ecs.tasks.run("web", launch_type="FARGATE", network=network, enable_execute_command=True)
    try:
        ecs.tasks.execute(started.tasks[0], "date")
    except MissingExtraError as error:
        message = str(error)
    assert "ExecuteCommand" not in {call.operation for call in server.simulator.calls}
assert "ecskit[exec]" in message, message
