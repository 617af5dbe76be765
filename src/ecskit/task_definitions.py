"""Read, write, derive, compare and validate task definitions offline.

`client.task_definitions` registers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._definitions.diffing import Change, Difference
    from ecskit._rules.rule import Finding
    from ecskit._task_definitions.deriving import Variables, derive
    from ecskit._task_definitions.diffing import diff
    from ecskit._task_definitions.files import RESPONSE_ONLY, dump, load, to_register_request
    from ecskit._task_definitions.normalizing import Definition
    from ecskit._task_definitions.pruning import Pruned
    from ecskit._task_definitions.registering import Registered
    from ecskit._task_definitions.validating import raise_for_findings, validate

__all__ = [
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
]

publish(
    globals(),
    {
        "RESPONSE_ONLY": "ecskit._task_definitions.files",
        "Change": "ecskit._definitions.diffing",
        "Definition": "ecskit._task_definitions.normalizing",
        "Difference": "ecskit._definitions.diffing",
        "Finding": "ecskit._rules.rule",
        "Pruned": "ecskit._task_definitions.pruning",
        "Registered": "ecskit._task_definitions.registering",
        "Variables": "ecskit._task_definitions.deriving",
        "derive": "ecskit._task_definitions.deriving",
        "diff": "ecskit._task_definitions.diffing",
        "dump": "ecskit._task_definitions.files",
        "load": "ecskit._task_definitions.files",
        "raise_for_findings": "ecskit._task_definitions.validating",
        "to_register_request": "ecskit._task_definitions.files",
        "validate": "ecskit._task_definitions.validating",
    },
)
