"""A row of the table: where ECS writes a text, how it is recognised, and what it means."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import attrs

from ecskit._core.reasons import REASONS
from ecskit._explain.finding import Cause, Evidence, EvidencePlace, Finding, FindingWeight

__all__ = ["CODES", "EXITS", "START", "STOPPED", "Row"]

START: Sequence[EvidencePlace] = ("task", "container", "event", "call")
"""Where a text about the start of a task is shown. The same text is in all of these."""
STOPPED: Sequence[EvidencePlace] = ("task", "event")
"""Where ECS shows why it stopped a running task."""
EXITS: Sequence[EvidencePlace] = ("container", "task")
"""Where a text about the end of a container is shown."""
CODES: Sequence[EvidencePlace] = ("exit code",)


@attrs.frozen(kw_only=True)
class Row:
    """A row of the table."""

    name: str
    """The name of the finding."""
    places: Sequence[EvidencePlace]
    """Where ECS writes the text."""
    pattern: str = ""
    """A regular expression that is searched in the text without its names. Upper and lower case are equal. It needs no
    end of a text, because ECS cuts texts. If empty, the rows of `ecskit._core.reasons` with this finding are used."""
    what: str
    """What is wrong, in one sentence."""
    causes: Sequence[Cause]
    """Possible causes, the most likely one first."""
    example: str
    """The text as ECS writes it, with other names."""
    report: str
    """Where this text was seen."""
    seen: str
    """When it was seen there: a date, or the month in which a page was read."""
    source: str
    """Where AWS describes it; the report if AWS does not."""
    weight: FindingWeight = "cause"
    """How much it explains."""
    refines: str = ""
    """The name of the finding that another text about the same gives, which explains less."""

    @functools.cached_property
    def _patterns(self) -> Sequence[re.Pattern[str]]:
        patterns = [self.pattern] if self.pattern else [row.pattern for row in REASONS if row.finding == self.name]
        return [re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns]

    def matches(self, place: EvidencePlace, text: str) -> bool:
        """Whether a text at a place, without its names, is the one of this row."""
        return place in self.places and any(pattern.search(text) for pattern in self._patterns)

    def part_of(self, text: str) -> str:
        """Return the part of a text that the pattern describes."""
        found = [pattern.search(text) for pattern in self._patterns]
        return next((each[0] for each in found if each), "")

    def finding(self, evidence: Evidence, *, image: str | None = None) -> Finding:
        """Return the finding for what ECS shows."""
        return Finding(
            name=self.name,
            weight=self.weight,
            what=self.what,
            evidence=(evidence,),
            causes=self.causes,
            source=self.source,
            container=evidence.container,
            image=image,
        )
