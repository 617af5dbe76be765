"""The values of an explanation: causes, evidence, findings, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import bounded, escaped

__all__ = ["Cause", "Evidence", "EvidencePlace", "Finding", "FindingWeight", "by_weight", "in_message", "merged"]

EvidencePlace: TypeAlias = Literal[
    "task", "container", "exit code", "stop code", "event", "health", "agent", "status", "call", "log"
]
"""Where ECS shows something: `stoppedReason` of a task, `reason`, `exitCode` and `healthStatus` of a container,
`stopCode`, events of a service and the reason of a deployment, `managedAgents` of a container, `lastStatus` of a task
that starts, errors and `failures` of calls, and log lines."""
FindingWeight: TypeAlias = Literal["cause", "unknown", "exit code", "event", "minor", "consequence", "no fault"]
"""How much a finding explains, from most to least: a text that names the cause; a text that is not in the table; an
exit code alone; an event of the service; a fault that stops no task; what follows from another failure; what is no
failure, such as a stop that was intended."""

_WEIGHTS: Sequence[str] = get_args(FindingWeight)
_OTHERS = 2
"""How many further texts the lines of a finding show."""
_CUT = 250
"""ECS cuts reasons at 255 characters. A text of this length or more may be cut."""


@attrs.frozen
class Cause(Documented):
    """A possible cause, and what to do about it."""

    why: str
    """The cause, in one sentence."""
    action: str
    """What to do if this is the cause, in one or two sentences."""

    def __str__(self) -> str:
        return f"{self.why} {self.action}"


@attrs.frozen
class Evidence(Documented):
    """What ECS shows."""

    place: EvidencePlace
    """Where ECS shows it."""
    text: str
    """The text of ECS, or the code as text."""
    container: str | None = None
    """Name of the container; None if it is not about one container."""

    @property
    def may_be_cut(self) -> bool:
        """Whether ECS may have cut the text, as it does at 255 characters."""
        return self.place in ("task", "container") and len(self.text) >= _CUT

    def __str__(self) -> str:
        cut = " (may be cut by ECS)" if self.may_be_cut else ""
        return bounded(escaped(f"{self.text}{cut}"), 600)


@attrs.frozen(kw_only=True)
class Finding(Documented):
    """One reason why tasks stopped, did not start, or are not placed."""

    name: str
    """The name of the row in the table, such as `image-not-found`; `unknown` for a text that is not in the table."""
    weight: FindingWeight
    """How much it explains."""
    what: str
    """What is wrong, in one sentence; empty for a text that is not in the table."""
    evidence: Sequence[Evidence]
    """What ECS shows. The first explains most."""
    causes: Sequence[Cause] = ()
    """Possible causes, the most likely one first."""
    source: str | None = None
    """Where AWS, or a report, describes it."""
    container: str | None = None
    """Name of the container that it is about; None if it is not about one container."""
    image: str | None = None
    """The image of this container."""
    count: int = 1
    """How many tasks, or events if no task shows it, have this finding."""
    total: int = 1
    """How many tasks were read: stopped ones, or those that are not stopped, for what only these show."""

    @property
    def sentence(self) -> str:
        """The finding in one sentence: what is wrong, and what to do about the most likely cause."""
        if not self.what:
            return f"ECS reports: {self.evidence[0]}"
        if not self.causes:
            return self.what
        action = self.causes[0].action
        return f"{self.what.removesuffix('.')}: {action[0].lower()}{action[1:]}"

    def lines(self) -> Iterator[str]:
        """Yield the lines of the finding: what ECS shows, then the causes with what to do, then the source."""
        first, *others = self.evidence
        yield f"  {first}{self._share()}"
        # The same text arrives in several places: in an event it follows the name of the service.
        yield from (f"    {each.place}: {each}" for each in others[:_OTHERS] if first.text not in each.text)
        if self.what:
            yield f"    {self.what}"
        numbered = len(self.causes) > 1
        for number, cause in enumerate(self.causes, 1):
            yield f"    {f'{number}. ' if numbered else ''}{cause}"
        if self.source:
            yield f"    {self.source}"

    def _share(self) -> str:
        """Return how many tasks have the finding, and in which container."""
        from_events = self.evidence[0].place == "event"
        parts = [f"{self.count} events"] if from_events and self.count > 1 else []
        if not from_events and self.total > 1:
            parts.append(f"{self.count} of {self.total}")
        parts += [f"container {self.container}"] if self.container else []
        parts += [f"image {self.image}"] if self.image and self.container else []
        return escaped(f" ({', '.join(parts)})") if parts else ""

    def __str__(self) -> str:
        return "\n".join(self.lines())


def in_message(findings: Iterable[Finding]) -> str:
    """Return the first finding that is in the table as a part of the message of an error; empty if there is none."""
    known = next((each for each in findings if each.what and each.weight != "consequence"), None)
    return f"; finding: {known.sentence.removesuffix('.')}" if known else ""


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings in order: by weight. Findings of the same weight keep their order."""
    return sorted(findings, key=lambda finding: _WEIGHTS.index(finding.weight))


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with those of the same name and container as one, which has the evidence of all."""
    found: dict[tuple[str, str | None, str], Finding] = {}
    for finding in findings:
        text = finding.evidence[0].text if finding.name == "unknown" else ""
        first = found.setdefault((finding.name, finding.container, text), finding)
        more = [each for each in finding.evidence if each not in first.evidence]
        found[finding.name, finding.container, text] = attrs.evolve(first, evidence=(*first.evidence, *more))
    return list(found.values())
