"""The emulators as servers on the loopback interface, as context managers."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from ecskit.testing import SimulatorServer

from .clients import REGION, SPEED
from .steps import Seen

MINISTACK = os.environ.get("ECSKIT_MINISTACK")
"""The program that `nox -s ministack` installs. Without it, the tests skip ministack."""
_STARTUP_SECONDS = 30.0


@contextlib.contextmanager
def simulator() -> Generator[str]:
    """Serve the simulator, and yield its URL."""
    with SimulatorServer(speed=SPEED) as server:
        yield server.url


@contextlib.contextmanager
def moto() -> Generator[str]:
    """Serve moto, and yield its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@functools.cache
def network_of_moto(url: str) -> Seen:
    """Return an existing subnet and security group of moto: it refuses others."""
    ec2: Any = boto3.client(
        "ec2", region_name=REGION, endpoint_url=url, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    ec2.close()
    return {"subnet": {"subnet": subnet, "group": group}}


@contextlib.contextmanager
def ministack(program: str, folder: Path) -> Generator[str]:
    """Run ministack as a process, yield its URL, and end that process.

    The environment limits it to the loopback interface and HTTP, and keeps it from using Docker.
    """
    port = _free_port()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "ecs",
        "DOCKER_HOST": f"unix://{folder}/no-docker",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    url = f"http://127.0.0.1:{port}"
    log = folder / "ministack.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [program], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait_for(f"{url}/_ministack/health", process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"ministack did not start:\n{log.read_text('utf-8', 'replace')}")
