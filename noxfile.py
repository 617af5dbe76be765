"""One session for each check. `nox` runs those that every change must pass; `nox -l` lists all."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.sessions = ["lint", "types", "generate", "tests"]

# Bytecode is written, even where the environment turns it off: tests start many programs, and each would compile again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

WORKERS = str((os.cpu_count() or 1) + 1)
"""Processes that run tests: one more than there are cores, because some tests wait for real servers and programs."""
PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
CODE = ["src", "tests", "examples", "benchmarks", "docs", "noxfile.py"]
MINISTACK = "ministack==1.5.33"
"""An emulator to compare with. It is pinned, because its responses are compared word by word."""
PROVENANCE = Path("src/ecskit/_api/provenance.py")


def group(*names: str) -> list[str]:
    """Return the requirements of dependency groups."""
    return [requirement for name in names for requirement in nox.project.dependency_groups(PROJECT, name)]


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linter, and check that the package works with its required dependencies only."""
    session.install(*group("lint"))
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)
    # Install the wheel, not the folder, to find files that are missing from it.
    session.install(".")
    session.run("python", "tests/without_extras.py")


@nox.session
def types(session: nox.Session) -> None:
    """Run both type checkers in strict mode, on the package and on code that uses it."""
    session.install("-e.[async,speed]", *group("types", "test"), "nox")
    # Both at the same time: mypy uses one core, and pyright little more.
    with ThreadPoolExecutor() as checkers:
        list(checkers.map(session.run, ("mypy", "pyright")))
    # The tests share the cache of mypy.
    session.run("pytest", "tests/typing", *session.posargs, env={"MYPY_CACHE_DIR": str(Path(".mypy_cache").resolve())})


@nox.session
def generate(session: nox.Session) -> None:
    """Compare the generated files with the generator's output for the botocore of `_api/provenance.py`."""
    named = re.search(r'BOTOCORE = "(\d+\.\d+\.\d+)"', PROVENANCE.read_text("utf-8"))
    if named is None:
        session.error(f"{PROVENANCE} names no botocore version")
    session.install("-e.", f"botocore=={named[1]}")
    session.run("python", "-m", "ecskit._codegen", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests with the newest versions that can be installed."""
    session.install("-e.[async,speed]", *group("test"))
    session.run("pytest", "-n", WORKERS, *session.posargs)


@nox.session(python=PYTHONS)
def all_pythons(session: nox.Session) -> None:
    """Run all tests on each supported Python that is found."""
    tests(session)


@nox.session
def floor(session: nox.Session) -> None:
    """Run all tests with the lowest versions that pyproject.toml allows."""
    if session.venv_backend != "uv":
        session.skip("needs uv to find the lowest versions")
    lowest = Path(session.create_tmp()) / "lowest.txt"
    session.run(
        *("uv", "pip", "compile", "pyproject.toml", "--quiet"),
        *("--extra", "async", "--extra", "speed", "--extra", "progress", "--extra", "yaml", "--extra", "exec"),
        *("--resolution", "lowest-direct", "--output-file", str(lowest)),
        external=True,
    )
    session.install("-e.[async,speed,progress,yaml,exec]", "-r", str(lowest), *group("test"))
    session.run("pytest", "-n", WORKERS, *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """Run the sync tests without extras and with the newest botocore, which aiobotocore may not allow yet."""
    session.install("-e.", *group("test"), "botocore>=1.44.5")
    # The quick start uses both clients.
    session.run("pytest", "-n", WORKERS, "--ignore=tests/test_readme.py", *session.posargs)


@nox.session
def worlds(session: nox.Session) -> None:
    """Check more random waits, runs and deployments than the tests do: `nox -s worlds -- 20000 --of deployments`."""
    session.install("-e.[async,speed]", *group("test"))
    session.run("python", "-m", "properties.worlds", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def fleet(session: nox.Session) -> None:
    """Run 200 jobs through the fleet of `examples/fleet` while its workers are killed. The tests run 12 jobs."""
    session.install("-e.[async,speed]", *group("test"))
    more = {"ECSKIT_FLEET_JOBS": "200", "ECSKIT_FLEET_KILLS": "24"}
    session.run("pytest", "examples/test_fleet_processes.py", "-s", *session.posargs, env=more)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, and check the result. A warning is an error."""
    session.install("-e.[async]", *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)
    session.run("python", "docs/check_build.py", "docs/_build/html")


@nox.session
def ministack(session: nox.Session) -> None:
    """Compare the simulator with the ministack emulator, and run all verbs on both."""
    session.install("-e.[async,speed]", *group("test"))
    # It pins another botocore, so it gets an environment of its own.
    theirs = Path(session.create_tmp()).resolve() / MINISTACK
    programs = theirs / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / "ministack").exists():
        session.run("python", "-m", "venv", "--clear", str(theirs))
        session.run(str(programs / "python"), "-m", "pip", "install", "--quiet", MINISTACK, external=True)
    session.run("pytest", "tests/emulators", *session.posargs, env={"ECSKIT_MINISTACK": str(programs / "ministack")})


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Print the tables that compare ecskit with its peers, and its waits with botocore's."""
    session.install("-e.[async,speed]", *group("benchmarks"))
    session.run("python", "-m", "benchmarks", *session.posargs)
    session.run("python", "-m", "benchmarks.waits")
    session.run("python", "-m", "benchmarks.deployments")


@nox.session
def scale(session: nox.Session) -> None:
    """Print calls, delays, CPU and memory of waits for 1 to 1,000 tasks: `nox -s scale -- --most 10000` for more."""
    session.install("-e.[async,speed]", *group("benchmarks"))
    session.run("python", "-m", "benchmarks.scale", *session.posargs)
