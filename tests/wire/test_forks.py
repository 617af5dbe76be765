"""Clients in forked children: each process has connections, locks and calls of its own."""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.credentials import RefreshableCredentials

import ecskit
from ecskit import _forks, errors

from .model_server import ModelServer
from .support import REGION

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

CALLS = 500
LIMIT = 60.0


class Echo(BaseHTTPRequestHandler):
    """Answers with the cluster that was asked for, as the ARN of a task."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["cluster"].startswith("slow"):
            time.sleep(0.02)  # two processes that shared this connection would both wait for a response now
        body = json.dumps({"taskArns": [asked["cluster"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def forked(*targets: Callable[[Any], None]) -> Generator[list[Any], None, None]:
    """Run functions in forked children, with a pipe each; kill children that still run at the end."""
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe() for _ in targets]
    children = [context.Process(target=target, args=(end,)) for target, (_, end) in zip(targets, pipes, strict=True)]
    with warnings.catch_warnings():
        # Since Python 3.12 there is a warning about forks of programs with threads, which these tests are about.
        warnings.simplefilter("ignore", DeprecationWarning)
        for child in children:
            child.start()
    try:
        yield [own for own, _ in pipes]
    finally:
        for child in children:
            child.join(0.2)
            if child.is_alive():
                child.kill()
            child.join(5)
        for ends in pipes:
            for end in ends:
                end.close()


def result(pipe: Any) -> Any:
    assert pipe.poll(LIMIT), "the child does not respond"
    return pipe.recv()


def in_a_child(act: Callable[[], Any]) -> Any:
    """Return what a function returns in a forked child, or the error that it raises."""

    def run(pipe: Any) -> None:
        try:
            pipe.send(act())
        except BaseException as error:  # noqa: BLE001  # the test shows it
            pipe.send(error)

    with forked(run) as (pipe,):
        return result(pipe)


def refreshed_often() -> tuple[Any, list[int]]:
    """Return a session whose credentials are refreshed for each request, and the processes that did so."""
    refreshed: list[int] = []

    def fetch() -> dict[str, str]:
        refreshed.append(os.getpid())
        time.sleep(0.0005)  # so that the lock of the credentials is usually held
        expiry = datetime.now(timezone.utc) + timedelta(minutes=1)  # botocore refreshes them ten minutes before
        key = f"AKID{len(refreshed)}"
        return {"access_key": key, "secret_key": "s", "token": "t", "expiry_time": expiry.isoformat()}

    session: Any = botocore.session.Session()
    session._credentials = RefreshableCredentials.create_from_metadata(fetch(), fetch, method="test")
    return session, refreshed


def asks(ecs: ecskit.Client, name: str, count: int) -> list[str]:
    """Ask for clusters with different names; return those whose answer was for another one."""
    wrong = []
    for i in range(count):
        asked = f"{name}-{i}"
        got = list(ecs.list_tasks(cluster=asked).task_arns)
        if got != [asked]:
            wrong.append(f"{asked}: {got}")
    return wrong


def test_two_children_and_the_threads_of_their_parent_use_a_client(echo: str) -> None:
    """Each gets its own answers, while credentials are refreshed and all locks are in use; nothing hangs."""
    session, refreshed = refreshed_often()
    config = Config(max_pool_connections=4, retries={"mode": "adaptive", "total_max_attempts": 1})
    ecs = ecskit.Client(region_name=REGION, endpoint_url=echo, session=session, config=config)
    ecs = ecs.with_options(config=Config(retries={"mode": "standard"}))
    done = threading.Event()
    wrong: list[str] = []

    def call_until_done(name: str) -> None:
        while not done.is_set():
            wrong.extend(asks(ecs, name, 5))
            done.wait(0.01)

    both = multiprocessing.get_context("fork").Barrier(2)

    def child(pipe: Any) -> None:
        before = len(refreshed)
        both.wait(LIMIT)
        mixed_up = asks(ecs, f"slow-{os.getpid()}", 10) + asks(ecs, f"child-{os.getpid()}", CALLS - 10)
        pipe.send((mixed_up, len(refreshed) - before))
        ecs.close()
        pipe.send("closed")

    with ThreadPoolExecutor(3) as threads:
        calling = [threads.submit(call_until_done, f"parent-{i}") for i in range(3)]
        try:
            asks(ecs, "warm", 5)
            with forked(child, child) as pipes:
                for pipe in pipes:
                    mixed_up, count = result(pipe)
                    assert [] == mixed_up
                    assert count > 0
                    assert "closed" == result(pipe)
        finally:
            done.set()
        for future in calling:
            future.result(LIMIT)
    assert [] == wrong
    assert [] == asks(ecs, "afterwards", 5)
    ecs.close()


def test_credentials_of_a_class_of_the_users_do_not_block_the_child(echo: str) -> None:
    """A subclass of botocore's has its lock, too."""

    class Mine(RefreshableCredentials):
        pass

    session, _ = refreshed_often()
    session._credentials.__class__ = Mine
    with (
        ecskit.Client(region_name=REGION, endpoint_url=echo, session=session) as ecs,
        session._credentials._refresh_lock,
    ):
        assert [] == in_a_child(lambda: asks(ecs, "child", 2))


def held(*locks: Any) -> None:
    for lock in locks:
        assert lock.acquire(blocking=False)


def retry_locks() -> dict[int, Any]:
    """Return the locks of all retry quotas and rate limiters of botocore."""
    owners = [each for each in gc.get_objects() if str(type(each).__module__).startswith("botocore.retries.")]
    return {id(owner._lock): owner._lock for owner in owners if hasattr(owner, "_lock")}


def test_locks_that_are_held_at_the_fork_do_not_block_the_child(echo: str) -> None:
    """Those of ecskit, of the retry quota, of the rate limiter, of the pools and of the credentials."""
    session, _ = refreshed_often()
    config = Config(retries={"mode": "adaptive"})
    before = retry_locks()
    with ecskit.Client(region_name=REGION, endpoint_url=echo, session=session, config=config) as ecs:
        assert [] == asks(ecs, "before", 2)
        retrying = [lock for key, lock in retry_locks().items() if key not in before]
        assert len(retrying) >= 4  # the quota, the limiter, its bucket and its rate
        pools = ecs.botocore_client._endpoint.http_session._manager.pools.lock
        ours = [ecs._transport._lock, ecs._runtime.flows._changed]
        locks = [*ours, pools, session._credentials._refresh_lock, *retrying]
        held(*locks)
        try:

            def use_and_close() -> list[str]:
                answers = asks(ecs, "child", 3)
                ecs._transport.close()
                return answers

            assert [] == in_a_child(use_and_close)
        finally:
            for lock in locks:
                lock.release()


def test_half_stored_credentials_are_fetched_again(echo: str) -> None:
    """A thread of the parent was storing them at the fork: the key id may be new, and its key old."""
    session, refreshed = refreshed_often()
    credentials = session._credentials
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(hours=1)
    with ecskit.Client(region_name=REGION, endpoint_url=echo, session=session) as ecs, credentials._refresh_lock:
        assert 2 == in_a_child(lambda: len(refreshed) if asks(ecs, "child", 1) == [] else "mixed up")


def test_a_fork_without_hooks_is_noticed(echo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by C code: the first call compares process ids; also if two threads make it at once."""
    monkeypatch.setattr(_forks._registry, "_replace", lambda: None)
    with ecskit.Client(region_name=REGION, endpoint_url=echo) as ecs:
        assert [] == asks(ecs, "before", 1)
        held(ecs._runtime.flows._changed)

        def act() -> Any:
            monkeypatch.undo()
            with ThreadPoolExecutor(2) as threads:
                found = list(threads.map(lambda name: asks(ecs, name, 5), ("a", "b")))
            return found, len(ecs._runtime.flows._runs)

        assert ([[], []], 0) == in_a_child(act)
        ecs._runtime.flows._changed.release()


def test_an_open_async_client_belongs_to_the_process_that_opened_it(server: ModelServer) -> None:
    """In a child it raises WrongEventLoopError with both processes, and closing it leaves the parent's connections."""

    async def use() -> None:
        async with ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url) as ecs:
            await ecs.list_clusters()

            async def call() -> Any:
                try:
                    await ecs.list_clusters()
                except errors.WrongEventLoopError as error:
                    await ecs.aclose()
                    return os.getpid(), str(error)

            child, text = await asyncio.to_thread(in_a_child, lambda: asyncio.run(call()))
            assert (
                f"this AsyncClient was first used in process {os.getpid()}, whose event loop owns its connections;"
                f" this is process {child}, a fork of it; make an AsyncClient in each process"
            ) == text
            await ecs.list_clusters()

    asyncio.run(use())


def test_an_async_client_that_is_not_open_yet_can_be_used_in_a_child(server: ModelServer) -> None:
    """As by a web server that loads the program and then forks its workers."""
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)

    async def use() -> int:
        async with ecs:
            return len((await ecs.list_clusters()).cluster_arns)

    assert 0 == in_a_child(lambda: asyncio.run(use()))
    assert 0 == asyncio.run(use())


def test_credentials_that_an_event_loop_of_the_parent_refreshes_do_not_block_the_child(server: ModelServer) -> None:
    """An unused AsyncClient may share a session with clients that are in use."""
    expiry = datetime.now(timezone.utc) + timedelta(minutes=1)
    fetched = {"access_key": "AKID", "secret_key": "s", "token": "t", "expiry_time": expiry.isoformat()}

    async def fetch() -> dict[str, str]:
        return fetched

    session: Any = AioSession()
    session._credentials = AioRefreshableCredentials.create_from_metadata(fetched, fetch, method="test")
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url, session=session)

    async def use() -> int:
        async with ecs:
            return len((await ecs.list_clusters()).cluster_arns)

    async def hold_and_fork() -> None:
        async with session._credentials._refresh_lock:
            assert 0 == await asyncio.to_thread(in_a_child, lambda: asyncio.run(use()))

    asyncio.run(hold_and_fork())


def test_a_child_says_nothing_about_the_unclosed_clients_of_its_parent(server: ModelServer) -> None:
    """It does not own them."""
    kept: list[Any] = []

    async def use() -> Any:
        kept.append(ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url))
        await kept[0].list_clusters()

        def act() -> list[str]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                kept.clear()
                gc.collect()
            return [str(warning.message) for warning in caught]

        found = await asyncio.to_thread(in_a_child, act)
        await kept[0].aclose()
        return found

    assert [] == asyncio.run(use())


def test_a_wrapped_client_is_refused_in_a_child(server: ModelServer) -> None:
    """Its connections belong to its owner, who has to make another one."""
    wrapped = boto3.client("ecs", region_name=REGION, endpoint_url=server.url)
    ecs = ecskit.Client.wrap(wrapped)
    ecs.list_clusters()
    error = in_a_child(ecs.list_clusters)
    assert type(error) is errors.ConfigurationError
    assert (
        f"ListClusters: the wrapped botocore client was made in process {os.getpid()}, from which this process was"
        " forked, and would mix up their responses; make and wrap a client in each process"
    ) == str(error)
    ecs.list_clusters()
    wrapped.close()


def test_a_botocore_whose_pools_cannot_be_replaced_is_reported(server: ModelServer) -> None:
    """Calls in a child are refused: answers could be mixed up."""
    with ecskit.Client(region_name=REGION, endpoint_url=server.url) as ecs:
        another = SimpleNamespace(close=lambda: None)  # as a later version may have it
        ecs.botocore_client._endpoint.http_session = another
        error = in_a_child(ecs.list_clusters)
    assert type(error) is errors.ConfigurationError
    assert "connections cannot be replaced with this version of botocore; make a client in each process" in str(error)


def test_calls_of_the_parent_are_not_the_childs(server: ModelServer) -> None:
    """A child does not wait for them when it closes the client, nor continue or clean up what the parent iterates."""
    server.full = True
    with ecskit.Client(region_name=REGION, endpoint_url=server.url) as ecs:
        stream = ecs.paginate.list_tasks().pages()
        next(stream)

        def act() -> Any:
            with pytest.raises(errors.ConfigurationError, match="belongs to the process that started it"):
                next(stream)
            ecs.close()
            return "closed"

        assert "closed" == in_a_child(act)
        assert next(stream).task_arns
        stream.close()
