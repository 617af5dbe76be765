"""The errors of calls that act on many things: some failed, or some were not found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from .errors import EcsError, described
from .wording import listed

__all__ = ["BulkError", "MissingError"]


class BulkError(EcsError):
    """Some of many things failed, or the call ended before all were done. The others succeeded.

    Attributes:
        operation: The operation of ECS, such as `StopTask`.
        noun: What was given, in the singular.
        results: The results of those that succeeded, by identifier as it was given.
        unfinished: Those that had not ended when an exception of `on_progress` ended the call. Requests for some of
            them may have been sent.
        retryable: Whether all the errors are temporary.
    """

    operation: str = ""
    noun: str = "resource"
    results: Mapping[str, Any]

    def __init__(
        self,
        errors: Mapping[str, EcsError],
        results: Mapping[str, Any],
        unfinished: Sequence[str] = (),
        *,
        operation: str | None = None,
        noun: str | None = None,
    ) -> None:
        """Hold the errors, the results, and what has not ended, of an operation; subclasses have the operation."""
        self.args = (errors, results, unfinished)
        self.operation, self.noun = operation or self.operation, noun or self.noun
        self._errors = dict(errors)
        self.results = dict(results)
        self.unfinished = tuple(unfinished)
        self.retryable = all(error.retryable for error in errors.values())

    @property
    def errors(self) -> Mapping[str, EcsError]:
        """The error of each that failed, by its identifier as it was given."""
        return self._errors

    def _text(self) -> str:
        total = len(self.errors) + len(self.results) + len(self.unfinished)
        shared: dict[int, list[str]] = {}  # by the identity of the error: that of a call for many
        for name, error in self.errors.items():
            shared.setdefault(id(error), []).append(name)
        texts = (f"{listed(names, 3)}: {described(self.errors[names[0]])}" for names in shared.values())
        reasons = listed(texts, separator="; ")
        if self.errors and not self.unfinished:
            return f"{self.operation} failed for {len(self.errors)} of {total} {self.noun}s: {reasons}"
        text = f"{self.operation} ended after {total - len(self.unfinished)} of {total} {self.noun}s"
        return f"{text}, {len(self.errors)} of which failed: {reasons}" if self.errors else text


class MissingError(BulkError):
    """ECS does not show some of the resources that were named.

    They may not exist, may be in another cluster, or may not be visible yet.

    Attributes:
        missing: The names, ids or ARNs that ECS does not show, as they were given.
        results: The resources that ECS shows, by name, id or ARN as it was given.
        found: The same resources, in order.
    """

    found: tuple[Any, ...]

    def __init__(self, missing: Sequence[str], results: Mapping[str, Any], clusters: Sequence[str] = ()) -> None:
        """Hold what is missing, what was found, and the cluster of each that is missing: an ARN, a name or empty."""
        super().__init__({}, results)
        self.args = (missing, results, clusters)
        self.retryable = False
        self.missing = tuple(missing)
        self.found = tuple(results.values())
        self._scopes = tuple(cluster.rsplit("/", 1)[-1] or "default" for cluster in clusters)

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters in which those that are missing were looked up."""
        return tuple(dict.fromkeys(self._scopes))

    @property
    def errors(self) -> Mapping[str, EcsError]:
        """An error of this class for each that is missing."""
        scopes: Iterable[tuple[str, str | None]] = zip_longest(self.missing, self._scopes)
        return {name: type(self)([name], {}, [] if scope is None else [scope]) for name, scope in scopes}

    def _text(self) -> str:
        total = len(self.missing) + len(self.found)
        text = f"ECS does not show {len(self.missing)} of {total} {self.noun}s"
        if self.clusters:
            text += f" in {'cluster' if len(self.clusters) == 1 else 'clusters'} {listed(map(repr, self.clusters))}"
        return f"{text}: {listed(self.missing)}"
