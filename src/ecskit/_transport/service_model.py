"""Where the shipped copy of the ECS service model lies, and how to read it as plain data.

Both transports and the simulator read the model the code was generated from, never the one of the
botocore that happens to be installed: what is sent and understood does not depend on it.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

API_VERSION = "2014-11-13"
DATA_PATH = Path(__file__).parents[1] / "_api" / "data"


@functools.cache
def load() -> dict[str, Any]:
    """Return the service model: `metadata`, `operations` and `shapes` as botocore's JSON has them."""
    model: dict[str, Any] = json.loads((DATA_PATH / "ecs" / API_VERSION / "service-2.json").read_bytes())
    return model
