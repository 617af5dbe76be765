"""Both type checkers, in their strict modes, over the files beside this one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("ok_*.py"), *HERE.glob("bad_*.py")])
SOURCE = str(HERE.parents[1] / "src")
MARK = re.compile(r"# E: (?P<mypy>[\w-]+) / (?P<pyright>\w+|-)$")

Reports = set[tuple[str, int, str]]
"""File, line and code of each."""


def marked(checker: str) -> Reports:
    """Return what the files say that a checker has to report."""
    lines = [(path.name, i, line) for path in FILES for i, line in enumerate(path.read_text("utf-8").splitlines(), 1)]
    marks = [(name, i, mark) for name, i, line in lines if (mark := MARK.search(line))]
    return {(name, i, mark[checker]) for name, i, mark in marks if mark[checker] != "-"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project: the files, and no settings but the strict modes."""
    for path in FILES:
        shutil.copy(path, tmp_path)
    settings = {"typeCheckingMode": "strict", "include": ["*.py"], "extraPaths": [SOURCE], "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    return tmp_path


def run(project: Path, module: str, *arguments: str) -> str:
    """Run a checker in a project and return what it prints."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed; `nox -s types` brings it")
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=project,
        env={**os.environ, "MYPYPATH": SOURCE},
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return ran.stdout


def test_mypy_reports_what_is_marked_and_nothing_else(project: Path) -> None:
    """`mypy --strict` finds the mistakes in bad_*.py, and none in ok_*.py."""
    # The same error codes as in pyproject.toml: else mypy's cache of the package does not serve here.
    codes = [f"--enable-error-code={code}" for code in ("ignore-without-code", "redundant-expr", "truthy-bool")]
    options = ("--strict", *codes, "--hide-error-context", "--no-color-output", "--no-error-summary")
    reported = run(project, "mypy", *options, *[path.name for path in FILES])
    reports = re.finditer(r"^(?P<path>[\w.]+):(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$", reported, re.MULTILINE)
    found = {(m["path"], int(m["line"]), m["code"]) for m in reports}
    assert marked("mypy") == found, reported


def test_pyright_reports_what_is_marked_and_nothing_else(project: Path) -> None:
    """pyright in its strict mode finds the mistakes in bad_*.py, and none in ok_*.py."""
    reported = run(project, "pyright", "--outputjson", "--pythonpath", sys.executable)
    reports = json.loads(reported)["generalDiagnostics"]
    found = {(Path(r["file"]).name, r["range"]["start"]["line"] + 1, r.get("rule", "")) for r in reports}
    places = {(name, line) for name, line, _ in marked("pyright")}
    # After a mistake pyright also says that the type of the expression is unknown.
    found = {f for f in found if f[:2] not in places or not f[2].startswith("reportUnknown")}
    assert marked("pyright") == found, json.dumps(reports, indent=1)
