"""Writes rules.md: what ECS refuses, as `validate` and the simulator apply it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecskit._rules.launches import RUN_TASK_RULES, START_TASK_RULES
from ecskit._rules.rule import Rule
from ecskit._rules.services import SERVICE_RULES, TASK_SET_RULES
from ecskit._rules.table import LAUNCH_TYPE_RULES, RULES

PAGE = Path(__file__).parent / "rules.md"
TABLES: Mapping[str, Sequence[Rule[Any]]] = {
    "Task definitions": RULES,
    **{f"Task definitions for {launch_type}": rules for launch_type, rules in LAUNCH_TYPE_RULES.items()},
    "RunTask": RUN_TASK_RULES,
    "StartTask": [rule for rule in START_TASK_RULES if rule not in RUN_TASK_RULES],
    "CreateService and UpdateService": SERVICE_RULES,
    "CreateTaskSet": [rule for rule in TASK_SET_RULES if rule not in SERVICE_RULES],
}

INTRODUCTION = """\
# Rules

What ECS refuses, as [`validate`](task-definitions.md#validate) reports it and the [simulator](simulator.md) refuses it.
Both apply the same tables, which `python docs/rules.py` writes to this page. The tables about launches and services are
the simulator's. StartTask has those of RunTask too, other than `count`, `client-token` and `started-by`. An update of a
service is checked as the service that it makes.

| column | meaning |
|---|---|
| checks | the members, as in a JSON file; without an entry: the whole request |
| severity | `error`: ECS refuses it. `hint`: it may be accepted, or may not be meant; the simulator accepts it |
| known | `documented` by the linked page of AWS, `refused` by ECS in the linked report, or `reported once` |
| words of ECS | as in the report. Without an entry the words are not published: the simulator uses those of ecskit |

One hint is refused by the simulator: `unknown-value`, a value of an enum that is not in the service model of this
version of ecskit. A newer ECS may have it. The rule `type` of `validate` is not in the tables: the simulator refuses
wrong types in every request.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *(line for title, rules in TABLES.items() for line in _table(title, rules))])


def _table(title: str, rules: Sequence[Rule[Any]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| rule | checks | severity | known | words of ECS |"
    yield "|---|---|---|---|---|"
    for rule in rules:
        wheres = (rule.where,) if isinstance(rule.where, str) else rule.where
        looks_at = ", ".join(f"`{where}`" for where in wheres if where)
        known = f"[{rule.known}]({rule.report or rule.source})"
        words = f"`{rule.words}`" if rule.words else ""
        yield f"| `{rule.name}` | {looks_at} | {rule.severity} | {known} | {words} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
