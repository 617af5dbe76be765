"""The records of jobs, in SQLite: for all workers of one machine. A fleet of many machines uses its database instead.

Another store needs the same methods. What they write is durable when they return. A write under a claim raises
ClaimLost if another worker has claimed the job since.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

from .jobs import Record, Result

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, attempt INTEGER NOT NULL DEFAULT 0, began REAL, task TEXT, handle TEXT,
    state TEXT, detail TEXT, exit_code INTEGER, claim TEXT UNIQUE, claimed_until REAL NOT NULL DEFAULT 0
)
"""


class ClaimLost(Exception):  # noqa: N818  # named by what happened
    """A claim ended before its work: another worker has the job."""


class JobStore:
    """Records of jobs. At any time, one claim on a job holds at most.

    Args:
        path: The file of the database. It is created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=30, isolation_level=None)  # each statement is a transaction
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def claim(self, job: str, now: float, until: float) -> str | None:
        """Claim a job until a time, and return the claim. None if another claim holds."""
        claim = uuid.uuid4().hex
        self._database.execute("INSERT OR IGNORE INTO jobs (id) VALUES (?)", (job,))
        changes = "UPDATE jobs SET claim = ?, claimed_until = ? WHERE id = ? AND claimed_until <= ?"
        return claim if self._database.execute(changes, (claim, until, job, now)).rowcount else None

    def extend(self, claim: str, until: float) -> None:
        """Let a claim end at another time."""
        self._write("claimed_until = ?", until, claim=claim)

    def release(self, claim: str) -> None:
        """End a claim."""
        self._database.execute("UPDATE jobs SET claimed_until = 0 WHERE claim = ?", (claim,))

    def read(self, job: str) -> Record | Result:
        """Return what is recorded about a claimed job."""
        statement = "SELECT attempt, began, task, handle, state, detail, exit_code FROM jobs WHERE id = ?"
        [row] = self._database.execute(statement, (job,)).fetchall()
        attempt, began, task, handle, *result = row
        return Record(attempt, began, task, handle) if result[0] is None else Result(*result)

    def begin(self, claim: str, now: float) -> int:
        """Record that a new attempt to launch the task begins now, and return its number."""
        return self._write("attempt = attempt + 1, began = ?", now, claim=claim)

    def refused(self, claim: str) -> None:
        """Record that the attempt started nothing, by the answer of ECS. A new one may begin."""
        self._write("began = NULL", claim=claim)

    def started(self, claim: str, task: str) -> None:
        """Record the ARN of the task."""
        self._write("task = ?", task, claim=claim)

    def waiting(self, claim: str, handle: str) -> None:
        """Record the handle of the wait, with which another worker resumes it."""
        self._write("handle = ?", handle, claim=claim)

    def finish(self, claim: str, result: Result) -> None:
        """Record how the job ended."""
        self._write("state = ?, detail = ?, exit_code = ?", *result, claim=claim)

    def results(self) -> Iterator[tuple[str, Result | None]]:
        """Yield the id of each job and its result; None for a job that has none yet."""
        for job, *result in self._database.execute("SELECT id, state, detail, exit_code FROM jobs ORDER BY id"):
            yield job, None if result[0] is None else Result(*result)

    def _write(self, changes: str, *values: object, claim: str) -> int:
        """Change the record of a claimed job, and return the number of its attempt."""
        statement = f"UPDATE jobs SET {changes} WHERE claim = ? RETURNING attempt"  # noqa: S608  # constants of this file
        rows: list[tuple[int]] = self._database.execute(statement, (*values, claim)).fetchall()
        if not rows:
            raise ClaimLost
        return rows[0][0]
