"""The shells that tests run commands on."""

from __future__ import annotations

import pytest
from support.pty_program import bin_folder

from .wrapped_commands import Shell


@pytest.fixture
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder for PATH on which `sh` is the shell of the case."""
    folder = tmp_path_factory.mktemp(request.param)
    return Shell(request.param, folder, bin_folder(folder / "everything", request.param))
