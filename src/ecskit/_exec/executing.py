"""Run a command in a container, and return how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, AnyStr, TypeAlias

from ecskit._core.effects import DrawRandom, Flow
from ecskit._core.errors import RequestError
from ecskit._exec.result import ExecResult
from ecskit._exec.running import Run
from ecskit._exec.session import close
from ecskit._exec.starting import ExecOptions, Start, plain
from ecskit._exec.wrapper import wrap
from ecskit._polling.options import is_count, is_seconds
from ecskit.models.tasks import Task

__all__ = ["OnOutput", "execute"]

OnOutput: TypeAlias = Callable[[AnyStr], object]
"""A function that is called with each piece of output. An async client also takes a coroutine function."""


def execute(
    task: Task | str,
    command: str | Sequence[str],
    *,
    options: ExecOptions,
    input: bytes | str | None = None,  # as subprocess has it
    timeout: float | None = None,
    check: bool = False,
    binary: bool = False,
    max_output: int | None = 67108864,
    on_output: OnOutput[AnyStr] | None = None,
    exit_code: bool = True,
) -> Flow[ExecResult[AnyStr]]:
    """Run a command in a container of a task by ECS Exec, and return how it ended, with its output.

    The command runs as the user of the agent, which is root, in a terminal of its own: standard output and standard
    error arrive as one. ECS Exec has no exit codes. So the command runs under `sh`, which the image has to have,
    and the shell reports the code. Linux containers only.

    ECS Exec has to be enabled for the task. The call waits until the agent in the container runs, and sends one
    ExecuteCommand. It repeats that only while ECS reports that the agent is not connected, for 15 s: in all other
    cases the command might run twice.

    Every way out ends the session, for which the credentials need ssm:TerminateSession. That does not end the
    command: one that goes on without its terminal may live on in the container. The same holds after `timeout`.

    Args:
        task: The task, its id or its ARN.
        command: A list of the program and its arguments, as they are; or a text for `sh -c`, with pipes and
            variables.
        input: What the command reads from its standard input, text in UTF-8. Without it, the input is empty. The
            image needs `stty` and `head` for it.
        timeout: Seconds for the command, from the response to ExecuteCommand on; None for no limit. After that it
            gets Ctrl-C and 5 s to end, and the result is TIMED_OUT, with the output so far.
        check: Whether to raise ExecFailed unless the command exits with code 0.
        binary: Whether the output is `bytes`, exactly as the command wrote it. The image needs `base64` for it.
            Text is decoded as UTF-8; invalid bytes become U+FFFD.
        max_output: How many bytes, or characters of text, of the output the result keeps; None for no limit. The
            rest is dropped, and `truncated` is true. `on_output` gets all of it.
        on_output: Called with each piece of output as it arrives. With an async client it may be a coroutine
            function. While it runs, output waits: after 64 MiB the call fails. An exception that it raises ends the
            call.
        exit_code: Whether to run the command under `sh`. Without, for images that have none, a list is run as it is
            and a text is split as a shell splits it; there is no `input` and no `binary`, and the kind is never
            EXITED.
        options: Where, and how long that may take to begin.

    Returns:
        The result: the kind of the end, the exit code, the output.

    Raises:
        ExecFailed: With `check`: the command did not exit with code 0. The error has the result.
        SessionEnded: The session cannot be used: AWS KMS refuses the key, or `on_output` is too slow.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    start = Start.of("tasks.execute", task, options)
    data = _encoded(input)
    _check(data, timeout, max_output, on_output, check=check, binary=binary, exit_code=exit_code)
    wrap(command, nonce=0, input=data, binary=binary)  # raises RequestError

    def flow() -> Flow[ExecResult[AnyStr]]:
        drawn: int = (yield DrawRandom()).get()
        wrapped = wrap(command, nonce=drawn, input=data, binary=binary) if exit_code else None
        session = yield from start.session(wrapped.command if wrapped else plain(command), needs_gate=False)
        try:
            run: Run[Any] = Run(session, wrapped, timeout, max_output, on_output)
            yield from run.perform()
            result: ExecResult[AnyStr] = yield from run.result(binary=binary)
        finally:
            yield from close(session)
        return result.raise_for_result() if check else result

    return flow()


def _encoded(given: bytes | str | None) -> bytes | None:
    if not isinstance(given, str):
        return given
    try:
        return given.encode()
    except UnicodeEncodeError:
        problem = "it holds a lone surrogate, which UTF-8 cannot encode; pass bytes"
        raise RequestError("tasks.execute", [("input", problem)]) from None  # its cause has the text


def _check(
    data: Any,
    timeout: Any,
    max_output: Any,
    on_output: Any,
    *,
    check: bool,
    binary: bool,
    exit_code: bool,
) -> None:
    """Raise RequestError if an argument is wrong."""
    problems: list[tuple[str, str]] = []
    if data is not None and not isinstance(data, bytes):
        problems.append(("input", f"expected bytes or str, got {type(data).__name__}"))
    if timeout is not None and not is_seconds(timeout):
        problems.append(("timeout", f"expected seconds, 0 or more, or None for no limit, got {timeout!r}"))
    if max_output is not None and not is_count(max_output):
        problems.append(("max_output", f"expected a whole number, 1 or more, or None for no limit, got {max_output!r}"))
    if on_output is not None and not callable(on_output):
        problems.append(("on_output", f"expected a function, got {type(on_output).__name__}"))
    if not exit_code:
        for name, given in (("input", data is not None), ("binary", binary), ("check", check)):
            if given:
                problems.append((name, "needs exit_code=True: the shell around the command provides it"))
    if problems:
        raise RequestError("tasks.execute", problems)
