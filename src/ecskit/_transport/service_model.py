"""The copy of the ECS service model that ecskit ships.

Both transports and the simulator use the model from which the code was generated. What is sent and decoded does not
depend on the installed botocore.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

API_VERSION = "2014-11-13"
DATA_PATH = Path(__file__).parents[1] / "_api" / "data"
ENDPOINTS = str(DATA_PATH.parent / "endpoints")
"""The endpoints of the services that ecskit uses, without extension as botocore's loader has it."""


@functools.cache
def load() -> dict[str, Any]:
    """Return the service model with `metadata`, `operations` and `shapes`, as in botocore's JSON."""
    model: dict[str, Any] = json.loads((DATA_PATH / "ecs" / API_VERSION / "service-2.json").read_bytes())
    return model
