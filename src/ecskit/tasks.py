"""Values and argument types of tasks: results of launches, outcomes. The methods are in `client.tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._exec.blocks import Opening
    from ecskit._exec.executing import OnOutput
    from ecskit._exec.result import ExecKind, ExecResult
    from ecskit._explain.diagnosis import Diagnosis
    from ecskit._explain.finding import Cause, Evidence, EvidencePlace, Finding, FindingWeight
    from ecskit._logs.arguments import AsyncOnLog, Moment, OnLog
    from ecskit._logs.lines import LogLine
    from ecskit._logs.places import LogPlace, LogsElsewhere, LogStream, log_places
    from ecskit._tasks.launch import OnCancel, OnConflict, OnPartial
    from ecskit._tasks.outcome import EssentialSource, OutcomeKind, TaskOutcome
    from ecskit._tasks.reading import TaskStatusFilter
    from ecskit._tasks.result import RunTaskResult
    from ecskit._tasks.stopping import UntilStopped
    from ecskit._tasks.watching import TaskChange
    from ecskit._waits.task_identifiers import Tasks

__all__ = [
    "AsyncOnLog",
    "Cause",
    "Diagnosis",
    "EssentialSource",
    "Evidence",
    "EvidencePlace",
    "ExecKind",
    "ExecResult",
    "Finding",
    "FindingWeight",
    "LogLine",
    "LogPlace",
    "LogStream",
    "LogsElsewhere",
    "Moment",
    "OnCancel",
    "OnConflict",
    "OnLog",
    "OnOutput",
    "OnPartial",
    "Opening",
    "OutcomeKind",
    "RunTaskResult",
    "TaskChange",
    "TaskOutcome",
    "TaskStatusFilter",
    "Tasks",
    "UntilStopped",
    "log_places",
]

publish(
    globals(),
    {
        "AsyncOnLog": "ecskit._logs.arguments",
        "Cause": "ecskit._explain.finding",
        "Diagnosis": "ecskit._explain.diagnosis",
        "EssentialSource": "ecskit._tasks.outcome",
        "Evidence": "ecskit._explain.finding",
        "EvidencePlace": "ecskit._explain.finding",
        "ExecKind": "ecskit._exec.result",
        "ExecResult": "ecskit._exec.result",
        "Finding": "ecskit._explain.finding",
        "FindingWeight": "ecskit._explain.finding",
        "LogLine": "ecskit._logs.lines",
        "LogPlace": "ecskit._logs.places",
        "LogStream": "ecskit._logs.places",
        "LogsElsewhere": "ecskit._logs.places",
        "Moment": "ecskit._logs.arguments",
        "OnCancel": "ecskit._tasks.launch",
        "OnConflict": "ecskit._tasks.launch",
        "OnLog": "ecskit._logs.arguments",
        "OnOutput": "ecskit._exec.executing",
        "OnPartial": "ecskit._tasks.launch",
        "Opening": "ecskit._exec.blocks",
        "OutcomeKind": "ecskit._tasks.outcome",
        "RunTaskResult": "ecskit._tasks.result",
        "TaskChange": "ecskit._tasks.watching",
        "TaskOutcome": "ecskit._tasks.outcome",
        "TaskStatusFilter": "ecskit._tasks.reading",
        "Tasks": "ecskit._waits.task_identifiers",
        "UntilStopped": "ecskit._tasks.stopping",
        "log_places": "ecskit._logs.places",
    },
)
