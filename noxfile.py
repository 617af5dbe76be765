"""All that is checked, one session each. `nox` alone runs what a change has to pass; `nox -l` lists the rest."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.sessions = ["lint", "types", "generate", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
CODE = ["src", "tests", "examples", "benchmarks", "docs", "noxfile.py"]
MINISTACK = "ministack==1.5.33"
"""An emulator that is asked as well. It is pinned: what it answers is compared word by word."""
PROVENANCE = Path("src/ecskit/_api/provenance.py")


def group(*names: str) -> list[str]:
    """Return the requirements of dependency groups."""
    return [requirement for name in names for requirement in nox.project.dependency_groups(PROJECT, name)]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and mistakes that can be seen; and the package works with nothing but what it depends on."""
    session.install(*group("lint"))
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)
    # The wheel, not the folder: what is missing from it is missed here.
    session.install(".")
    session.run("python", "tests/without_extras.py")


@nox.session
def types(session: nox.Session) -> None:
    """Both type checkers, in their strict modes, over the package and over code as users write it."""
    session.install("-e.[async,speed]", *group("types", "test"), "nox")
    session.run("mypy")
    session.run("pyright")
    session.run("pytest", "tests/typing", *session.posargs)


@nox.session
def generate(session: nox.Session) -> None:
    """The generated files are what the generator writes from the botocore version that `_api/provenance.py` names."""
    named = re.search(r'BOTOCORE = "(\d+\.\d+\.\d+)"', PROVENANCE.read_text("utf-8"))
    if named is None:
        session.error(f"{PROVENANCE} names no botocore version")
    session.install("-e.", f"botocore=={named[1]}")
    session.run("python", "-m", "ecskit._codegen", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Every test, with what a user gets who installs today."""
    session.install("-e.[async,speed]", *group("test"))
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=PYTHONS)
def all_pythons(session: nox.Session) -> None:
    """Every test, on each Python that is supported and found."""
    tests(session)


@nox.session
def floor(session: nox.Session) -> None:
    """Every test, with the lowest versions that pyproject.toml allows."""
    if session.venv_backend != "uv":
        session.skip("finding the lowest versions needs uv")
    lowest = Path(session.create_tmp()) / "lowest.txt"
    session.run(
        *("uv", "pip", "compile", "pyproject.toml", "--quiet"),
        *("--extra", "async", "--extra", "speed", "--extra", "progress"),
        *("--resolution", "lowest-direct", "--output-file", str(lowest)),
        external=True,
    )
    session.install("-e.[async,speed,progress]", "-r", str(lowest), *group("test"))
    session.run("pytest", *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """The sync tests without any extra, with the newest botocore, which aiobotocore may not allow yet."""
    session.install("-e.", *group("test"), "botocore>=1.44.5")
    # The quick start shows both clients in one process.
    session.run("pytest", "--ignore=tests/test_readme.py", *session.posargs)


@nox.session
def worlds(session: nox.Session) -> None:
    """Check random deployments beyond those of the tests: `nox -s worlds -- 20000`."""
    session.install("-e.[async,speed]", *group("test"))
    session.run("python", "-m", "tests.properties.worlds", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e.[async]", *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session
def ministack(session: nox.Session) -> None:
    """Compare the simulator with an emulator by others, and have our verbs work on both."""
    session.install("-e.[async,speed]", *group("test"))
    # It pins a botocore that is not ours.
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
