"""Tests of run_command.py with the simulator."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from run_command import create_service, main, perform, read_arguments

import ecskit
from ecskit.errors import ConfigurationError
from ecskit.testing import ExecScript, Simulator

COMMANDS: dict[str, str | ExecScript] = {
    "./check": "all is well\n",
    "./check --deep": ExecScript("no\n", exit_code=3),
    "exit 4 | cat": ExecScript(exit_code=4),
    "sort": ExecScript.echoing(),
    "sleep 900": ExecScript.silent(900),
    "kill -9 -1": ExecScript.killed("x\n"),
}
CASES = [
    ("web -- ./check", 0, "all is well\n", ""),
    ("web --container app -- ./check --deep", 3, "no\n", ""),
    ("web --shell -- exit 4 | cat", 4, "", ""),
    ("web --input -- sort", 0, "typed\n", ""),
    ("web --timeout 30 -- sleep 900", 124, "", "TIMED_OUT"),
    ("web -- kill -9 -1", 125, "x\n", "KILLED"),
    ("old -- ./check", 125, "", "the service old has no running task that was started with ECS Exec\n"),
]
"""Arguments, the exit code, standard output, and standard error without the reason."""


def test_the_exit_code_is_that_of_the_command(
    ecs_client: ecskit.Client,
    ecs_simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its output is shown, and on standard error why there is no exit code."""
    for service in ("web", "old"):
        create_service(ecs_client, read_arguments([service, "--", "x"]))
    ecs_client.services.scale("old", desired_count=0)
    for command, script in COMMANDS.items():
        ecs_simulator.script_exec(command, script)
    for arguments, code, out, err in CASES:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"typed\n")))
        assert (arguments, code) == (arguments, perform(ecs_client, read_arguments(arguments.split())))
        shown = capsys.readouterr()
        assert (arguments, out, err) == (arguments, shown.out, shown.err.partition(": ")[0])


@pytest.mark.parametrize(("container", "code"), [("app", 0), ("db", 125)])
def test_it_runs_without_an_account(
    container: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --simulate, over real connections. A refusal is one line."""
    monkeypatch.setattr("run_command.create_service", lambda ecs, _: create_service(ecs, read_arguments(["web", "x"])))
    monkeypatch.setattr(sys, "argv", ["run_command.py", "web", "--simulate", "--container", container, "--", "./check"])
    assert code == main()
    refusal = "tasks.execute: container: the task has no container 'db'; it has app\n"
    assert capsys.readouterr() == (("simulated\n", "") if code == 0 else ("", refusal))


def test_a_terminal_is_needed_for_one(ecs_client: ecskit.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --terminal, and standard input from a file."""
    create_service(ecs_client, read_arguments(["web", "x"]))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ConfigurationError, match="standard input is not a terminal"):
        perform(ecs_client, read_arguments(["web", "--terminal", "--", "sh"]))
