"""The names of `ecskit.task_definitions`: which there are, and that each loads no more than it needs."""

from __future__ import annotations

import subprocess
import sys

from ecskit import task_definitions


def test_public_names_are_listed() -> None:
    """And there are no others."""
    assert set(task_definitions.__all__) == {
        "RESPONSE_ONLY",
        "Change",
        "Definition",
        "Difference",
        "Finding",
        "Pruned",
        "Registered",
        "Variables",
        "derive",
        "diff",
        "dump",
        "load",
        "raise_for_findings",
        "to_register_request",
        "validate",
    }


def test_importing_loads_nothing_of_it() -> None:
    """Each name loads its module on first use: reading a file does not load the rules."""
    code = """
import sys
import ecskit.task_definitions
first = sorted(name for name in sys.modules if name.startswith(("ecskit._task_definitions.", "ecskit.models")))
ecskit.task_definitions.load
print(first, sorted(name for name in sys.modules if name.startswith("ecskit._task_definitions.")))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    read = [f"ecskit._task_definitions.{name}" for name in ("files", "recognizing")]
    assert ran.stdout.strip() == f"[] {read}"
