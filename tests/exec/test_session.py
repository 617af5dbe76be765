"""Sessions, as `tasks.open_session` opens them: reading, sending, resizing, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import logging
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ecskit import errors
from ecskit._exec.pump import _ids
from ecskit._exec.session import BUFFER_LIMIT, End, Place, Session
from ecskit._simulator.exec.exec_script import ExecScript

from .worlds import COLOURS, REFUSED, World, perform

PLACE = Place("arn:aws:ecs:eu-west-1:1:cluster/prod", "arn:aws:ecs:eu-west-1:1:task/prod/abc", "app", "abc-123")


def _raised(result: Any) -> Any:
    if isinstance(result, BaseException):
        raise result
    return result


@pytest.mark.parametrize("colour", COLOURS)
def test_a_shell_reads_and_writes(colour: str) -> None:
    """What is sent is echoed, what a command writes is read; the end of the block ends the session."""

    async def act(world: World) -> Any:
        world.sim.script_exec("ls", "bin\nlib\n")
        async with world.session() as session:
            await session.read_until(b"# ")
            await session.send(b"ls\n")
            output = await session.read_until(b"# ")
            assert (world.task, "app", False, None) == (
                session.task_arn,
                session.container,
                session.ended,
                session.end_reason,
            )
            assert [session.session_id] == world.open_sessions()
        assert (True, "it was closed", None) == (session.ended, session.end_reason, session.exit_code)
        await session.close()
        return output

    world, output = perform(colour, act)
    assert _raised(output) == b"ls\r\nbin\r\nlib\r\n# "
    assert 1 == world.count("TerminateSession")


@pytest.mark.parametrize("colour", COLOURS)
def test_iterating_yields_all_output(colour: str) -> None:
    """The service has closed the session: nothing is terminated."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript([(0, "a\n"), (1, "b\n"), (15, "c\n")]))
        async with world.session("run it") as session:
            output = await session.read_all()
            assert b"" == await session.read()
            return output, session.end_reason

    world, result = perform(colour, act)
    assert (b"a\r\nb\r\nc\r\n", None) == _raised(result)
    assert 0 == world.count("TerminateSession")


@pytest.mark.parametrize("colour", COLOURS)
def test_the_exit_code_of_a_command(colour: str) -> None:
    """With `exit_code=True` it is known once the end was read, without the mark; before, it is None.

    A child of the command may keep the terminal open. Reading ends with the command.
    """

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("a\n", exit_code=7, seconds=1, lingers=600))
        async with world.session("run it", exit_code=True) as session:
            first, began = session.exit_code, world.sim.time()
            output = await session.read_all()
            assert world.sim.time() - began < 5
            return first, output, session.exit_code

    _, result = perform(colour, act)
    assert (None, b"a\r\n", 7) == _raised(result)


@pytest.mark.parametrize("exit_code", [True, False])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_program_that_prints_nothing_first_gets_input(colour: str, exit_code: bool) -> None:  # noqa: FBT001  # a case
    """At once with `exit_code=True`: a mark shows that it begins. Otherwise, the channel waits 5 s for output."""

    async def act(world: World) -> Any:
        world.sim.script_exec("cat", ExecScript.echoing())
        async with world.session("cat", exit_code=exit_code) as session:
            before = world.sim.clock.now()
            await session.send(b"a\n\x04")
            return await session.read_all(), world.sim.clock.now() - before

    _, result = perform(colour, act)
    output, seconds = _raised(result)
    assert (b"a\r\na\r\n", not exit_code) == (output, seconds > 4)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        (ExecScript("a\n", exit_code=7), 7, None),
        (
            ExecScript.killed("a\n"),
            None,
            "its shell was killed, the session was ended from outside, or its end was lost",
        ),
    ],
    ids=["exited", "killed"],
)
def test_the_end_of_a_session_with_an_exit_code(
    script: ExecScript, code: int | None, reason: str | None, colour: str
) -> None:
    """The service closes it: nothing is terminated. A missing code is no normal end."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", script)
        async with world.session("run it", exit_code=True) as session:
            output = await session.read_all()
        return output, session.exit_code, session.end_reason

    world, result = perform(colour, act)
    assert (b"a\r\n", code, reason) == _raised(result)
    assert 0 == world.count("TerminateSession")


@pytest.mark.parametrize("colour", COLOURS)
def test_a_timeout_of_reading_is_a_timeout_error(colour: str) -> None:
    """The session goes on."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript([(8, "late\n")]))
        async with world.session("run it") as session:
            before = world.sim.time()
            with pytest.raises(TimeoutError) as raised:
                await session.read(timeout=5)
            error: Any = raised.value
            assert type(error) is errors.SessionTimeout
            assert f"session {session.session_id}: no output arrived within 5 s" == str(error)
            assert (5.0, 0) == (error.seconds, error.sent)
            assert 5 == pytest.approx(world.sim.time() - before, abs=0.1)
            return await session.read(timeout=5)

    _, result = perform(colour, act)
    assert b"late\r\n" == _raised(result)


@pytest.mark.parametrize("colour", COLOURS)
def test_sending_waits_for_a_program_that_does_not_read(colour: str) -> None:
    """Then `timeout` counts, and the error has how much was accepted."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("go\n", seconds=600))
        async with world.session("run it") as session:
            await session.read_until(b"go")
            try:
                await session.send(b"x\n" * 500_000, timeout=20)
            except errors.SessionTimeout as error:
                return error, copy.copy(error), pickle.loads(pickle.dumps(error)), session.session_id
        raise AssertionError

    _, result = perform(colour, act)
    error, *copies, name = _raised(result)
    assert 16384 <= error.sent < 300_000
    assert f"session {name}: only {error.sent} of 1000000 bytes were accepted within 20 s" == str(error)
    assert [str(error)] * 2 == list(map(str, copies))
    assert error.retryable


@pytest.mark.parametrize("colour", COLOURS)
def test_sending_ends_with_the_session(colour: str) -> None:
    """What waits for room does not wait for ever."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("go\n", seconds=600))
        async with world.session("run it") as session:
            await session.read_until(b"go")
            world.stop_task()
            with pytest.raises(errors.SessionEnded, match=r"the task .* \(UserInitiated: deployed\)"):
                await session.send(b"x\n" * 500_000)

    _, result = perform(colour, act)
    _raised(result)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_slow_reader_gets_all_input(colour: str) -> None:
    """`send` goes on as the program reads. Others read at the same time."""
    data = bytes(range(32, 127)) * 2000

    async def act(world: World) -> Any:
        def dialog(_: object) -> Any:
            yield {"echo": False, "crlf": False, "lines": False, "signals": False}
            yield "go\n"
            read = 0
            while read < len(data):
                yield 0.05
                piece = yield None
                read += len(piece)
                yield piece
            return 0

        world.sim.script_exec("run it", ExecScript.running(dialog))
        async with world.session("run it") as session:
            await session.read_until(b"go\n")
            began = world.sim.time()
            if colour == "async":
                _, output = await asyncio.gather(session.send(data), session.read_all())
                return output, world.sim.time() - began
            with world.sim.clock.flow():  # the clock waits until both have begun
                sender = threading.Thread(target=session.handle.send, args=(data,))
                sender.start()
            output = session.handle.read(timeout=60)
            while piece := session.handle.read(timeout=60):
                output += piece
            sender.join()
            return output, world.sim.time() - began

    _, result = perform(colour, act)
    output, seconds = _raised(result)
    assert data == output
    assert seconds < 10


@pytest.mark.parametrize("colour", COLOURS)
def test_sending_goes_on_when_input_was_acknowledged(colour: str) -> None:
    """Also while the program writes nothing."""

    async def act(world: World) -> Any:
        def dialog(_: object) -> Any:
            yield {"echo": False, "lines": False, "signals": False}
            yield "go\n"
            read = 0
            while read < 300_000:
                read += len((yield None))
            return 0

        world.sim.script_exec("run it", ExecScript.running(dialog))
        async with world.session("run it") as session:
            await session.read_until(b"go")
            began = world.sim.time()
            await session.send(bytes(300_000))
            return world.sim.time() - began

    _, seconds = perform(colour, act)
    assert _raised(seconds) < 10


@pytest.mark.parametrize("colour", COLOURS)
def test_many_small_sends_do_not_wait(colour: str) -> None:
    """Each is taken at once, also if nothing else happens in the session."""

    async def act(world: World) -> Any:
        def dialog(_: object) -> Any:
            yield {"echo": False}
            yield "go\n"
            for _ in range(40):
                yield None
            return 0

        world.sim.script_exec("run it", ExecScript.running(dialog))
        async with world.session("run it") as session:
            await session.read_until(b"go")
            began = world.sim.time()
            for _ in range(40):
                await session.send(b"x\n", timeout=5)
            return world.sim.time() - began

    _, seconds = perform(colour, act)
    assert _raised(seconds) < 5


def test_a_description_that_hangs_delays_no_output() -> None:
    """The task is described beside the reading. Closing the client waits for it."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript([(13, "late\n")]))
        async with world.session("run it") as session:

            def hang(_: int, operation: str) -> None:
                if operation == "DescribeTasks":
                    world.sim.clock.sleep(60)

            world.runtime.transport.before = hang
            began = world.sim.time()
            assert b"late\r\n" == await session.read()
            seconds = world.sim.time() - began
        world.runtime.close(lambda: None)
        return seconds

    _, seconds = perform("sync", act)
    assert 13 <= _raised(seconds) < 15


@pytest.mark.parametrize("colour", COLOURS)
def test_sizes_are_passed_on(colour: str) -> None:
    """The first one, and each change. A wrong one is refused before anything is sent."""

    async def act(world: World) -> Any:
        sizes = []
        async with world.session(columns=100, rows=50) as session:
            await session.read_until(b"# ")
            agent = next(iter(world.sim._account.exec.sessions.values())).agent
            for columns, rows in ((100, 50), (81, 25)):
                await session.resize(columns, rows)
                with contextlib.suppress(TimeoutError):
                    await session.read(timeout=2)
                sizes.append(agent.resized)
            with pytest.raises(errors.RequestError, match="rows: expected a whole number from 1 to 65535, got 0"):
                await session.resize(80, 0)
            with pytest.raises(errors.RequestError, match="data: expected bytes, got str; encode it"):
                await session.send("ls\n")
            with pytest.raises(errors.RequestError, match="timeout: expected seconds, 0 or more, or None"):
                await session.read(timeout=-1)
        return sizes

    _, sizes = perform(colour, act)
    assert [(100, 50), (81, 25)] == _raised(sizes)


def _stop(world: World) -> None:
    world.stop_task()


def _kill(world: World) -> None:
    [session] = world.open_sessions()
    world.sim.handle("TerminateSession", {"SessionId": session})


def _cut(world: World) -> None:
    world.sim.fail("ResumeSession", REFUSED, times=None)
    world.sim._account.exec.live(world.sim._account.now)[0].cut(world.sim._account.now)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (_stop, " (UserInitiated: deployed)"),  # the container has stopped; the task has, or is stopping
        (_kill, None),
        (
            _cut,
            "the connection was closed with code 1006; to resume it, the credentials need ssm:ResumeSession (",
        ),
    ],
    ids=["task stopped", "terminated", "cut"],
)
def test_how_a_session_ends(by: Callable[[World], None], reason: str | None, colour: str) -> None:
    """Reading returns b"", or raises if output may be missing; sending raises."""

    async def act(world: World) -> Any:
        async with world.session() as session:
            await session.read_until(b"# ")
            by(world)
            if by is not _cut:
                assert b"" == await session.read(timeout=120)
            else:
                with pytest.raises(errors.SessionEnded) as raised:
                    await session.read(timeout=120)
                assert raised.value.reason == session.end_reason
            with pytest.raises(errors.SessionEnded, match=f"session {session.session_id} has ended: "):
                await session.send(b"x")
            with pytest.raises(errors.SessionEnded):
                await session.resize(80, 24)
            return session.end_reason

    _, result = perform(colour, act)
    assert _raised(result) is None if reason is None else reason in _raised(result)


@pytest.mark.parametrize("colour", COLOURS)
def test_an_encrypted_session(colour: str) -> None:
    """The cluster has a KMS key: the data key is requested with the context that the agent uses."""

    async def act(world: World) -> Any:
        _with_key(world)
        world.sim.script_exec("ls", "bin\n")
        async with world.session() as session:
            await session.read_until(b"# ")
            await session.send(b"ls\n")
            output = await session.read_until(b"# ")
        return output, (await world.execute("ls")).output

    world, result = perform(colour, act)
    assert (b"ls\r\nbin\r\n# ", "bin\n") == _raised(result)
    assert 2 == world.count("GenerateDataKey")
    # Whether there is a key matters for a session alone: a command gets its input after its first output.
    assert 1 == world.count("DescribeClusters")


@pytest.mark.parametrize("colour", COLOURS)
def test_a_refused_data_key(colour: str) -> None:
    """The error names the permission and the key. The command was not run."""

    async def act(world: World) -> Any:
        _with_key(world)
        world.sim.fail("GenerateDataKey", REFUSED, times=None)
        world.sim.script_exec("ls", "bin\n")
        return await world.execute("ls")

    world, error = perform(colour, act)
    assert type(error) is errors.SessionEnded
    assert (
        f"the cluster encrypts sessions: the credentials need kms:GenerateDataKey on {KEY} (GenerateDataKey:"
        " AccessDeniedException: User: me is not authorized to perform this action)" == error.reason
    )
    assert 1 == world.count("TerminateSession")


KEY = "arn:aws:kms:us-east-1:123456789012:key/11112222-3333-4444-5555-666677778888"


def _with_key(world: World) -> None:
    """Let the cluster encrypt sessions."""
    settings = {"kmsKeyId": KEY, "logging": "DEFAULT"}
    world.sim.handle(
        "UpdateCluster", {"cluster": "default", "configuration": {"executeCommandConfiguration": settings}}
    )


@pytest.mark.parametrize("colour", COLOURS)
def test_a_forked_child_leaves_the_session_to_its_parent(colour: str) -> None:
    """There, it has ended: nothing waits for a thread that only the parent has, and nothing is terminated."""

    async def act(world: World) -> Any:
        async with world.session() as session:
            await session.read_until(b"# ")
            parents = session.handle._session
            child = copy.copy(parents)
            child.after_fork()
            session.handle._session = child
            assert b"" == await session.read()
            with pytest.raises(errors.SessionEnded, match="it belongs to the process from which this one was forked"):
                await session.send(b"x")
            await session.close()
            assert 0 == world.count("TerminateSession")
            session.handle._session = parents
            await session.send(b"ls")

    world, result = perform(colour, act)
    _raised(result)
    assert 1 == world.count("TerminateSession")


def test_what_systems_manager_calls_a_container() -> None:
    """Names, not ARNs: one wrong letter, and the agent cannot decrypt the data key."""
    assert "ecs:prod_abc_abc-123" == PLACE.ssm_target


def test_no_part_of_the_random_numbers_repeats() -> None:
    """Nonces of the encryption are made of some of their bits. With a nonce used twice, it is broken."""
    numbers = list(itertools.islice(_ids(5), 2000))
    for shift in (0, 32, 64):
        assert 2000 == len({(number >> shift) & (2**64 - 1) for number in numbers})


def test_output_that_is_not_read_ends_the_session() -> None:
    """After 64 MiB; what was read makes room again."""
    session = Session(PLACE)
    piece = bytes(2**20)
    for _ in range(BUFFER_LIMIT // len(piece)):
        assert session.deliver(piece, 0.0)
    session.take()
    for _ in range(BUFFER_LIMIT // len(piece)):
        assert session.deliver(piece, 0.0)
    assert not session.deliver(b"x", 0.0)


def test_a_session_shows_no_secrets_and_cannot_be_copied() -> None:
    """Its repr has the id, the place and the state."""
    session = Session(PLACE)
    session.session_id, session.url = "ecs-execute-command-1", "wss://secret"
    session.put(b"password")
    session.deliver(b"hidden", 0.0)
    assert f"<ecs-execute-command-1 in container app of {PLACE.task_arn}, open>" == repr(session)
    session.finish(End("closed"))
    assert repr(session).endswith(", ended: closed>")


@pytest.mark.parametrize("colour", COLOURS)
def test_secrets_are_not_logged(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token nor what is read and written; no object of a session shows them."""
    caplog.set_level(logging.DEBUG)

    async def act(world: World) -> Any:
        _with_key(world)
        world.sim.disturb_exec(cut_at=(3,))
        world.sim.script_exec("cat", ExecScript.echoing())
        result = await world.execute(["cat"], input="password\n")
        assert "password\n" == result.output
        shown = [repr(result), str(result)]
        async with world.session() as session:
            await session.send(b"password\n")
            shown += [repr(session.handle), repr(session.handle._session)]
            with pytest.raises(TypeError, match="cannot be pickled"):
                pickle.dumps(session.handle)
        return shown

    _, shown = perform(colour, act)
    text = "\n".join([*_raised(shown), caplog.text])
    assert "password" not in text
    assert "oken" not in text
