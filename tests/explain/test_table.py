"""The table of findings: each row matches its texts, whole and cut, and no text that is only near."""

from __future__ import annotations

import re

import pytest

from ecskit._core.reasons import REASONS
from ecskit._explain.row import Row
from ecskit._explain.table import ROWS, row_of

from .texts import TEXTS

CUT = 255
"""ECS cuts reasons at this length."""
FALLBACKS = {"image-not-pulled", "secret-not-read", "log-driver", "efs-not-mounted", "container-not-started"}
"""The findings of texts whose cause ECS has cut off. They list the causes that texts with this beginning have."""
NAMES = sorted({row.name for row in ROWS})
DATE = re.compile(r"20\d\d-\d\d(?:-\d\d)?")


def rows(name: str) -> list[Row]:
    """Return the rows of a finding."""
    return [row for row in ROWS if row.name == name]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} {row.example[:20]}")
def test_a_row_matches_its_own_example_first(row: Row) -> None:
    """At each place, also if ECS has cut the text at 255 characters."""
    for place in row.places:
        assert row is row_of(place, row.example)
        cut = row_of(place, row.example[:CUT])
        assert cut
        assert cut is row or (len(row.example) > CUT and cut.name in FALLBACKS)


@pytest.mark.parametrize("name", NAMES)
def test_the_second_text_has_the_same_finding(name: str) -> None:
    """Whole, cut at 255, and in an event, where it follows the name of the service."""
    text = TEXTS[name].second
    if text is None:
        return  # one public source is known: the example's
    places = dict.fromkeys(place for row in rows(name) for place in row.places)
    assert name in {row.name for place in places if (row := row_of(place, text))}
    for place in places:
        row = row_of(place, text)
        cut = row_of(place, text[:CUT])
        assert (row and row.name) == (cut and cut.name) or (len(text) > CUT and cut and cut.name in FALLBACKS)
        if row and row.name == name and place == "event" and not text.startswith("(service"):
            event = row_of("event", f"(service web) was unable to place a task. Reason: {text}")
            assert event
            assert event.name == name


@pytest.mark.parametrize("name", NAMES)
def test_a_near_text_has_another_finding_or_none(name: str) -> None:
    """Names of services and images mean nothing, and neither does a word alone."""
    for row in rows(name):
        for place in row.places:
            found = row_of(place, TEXTS[name].near)
            assert found is None or found.name != name, place


def test_each_row_has_its_source_and_a_date() -> None:
    """Of its example and of the second text; half of the findings have a second text at least."""
    assert set(NAMES) == TEXTS.keys()
    for row in ROWS:
        assert row.source.startswith("https://")
        assert row.report.startswith("https://")
        assert DATE.fullmatch(row.seen)
    for texts in TEXTS.values():
        assert (texts.second is None) == (not texts.source) == (not texts.seen)
        assert texts.second is None or DATE.fullmatch(texts.seen)
    assert sum(texts.second is not None for texts in TEXTS.values()) >= 60


def test_some_texts_are_cut_in_the_reports_too() -> None:
    """As ECS or a console cuts them: they end in the middle of a word or with dots."""
    texts = [row.example for row in ROWS] + [texts.second or "" for texts in TEXTS.values()]
    assert sum(text.endswith("...") for text in texts) >= 5


def test_capacity_throttles_and_placement_have_one_pattern() -> None:
    """That of the table of reasons: a row without a pattern of its own uses it, and no key is without a row."""
    of_reasons = {reason.finding for reason in REASONS if reason.finding}
    assert of_reasons == {row.name for row in ROWS if not row.pattern}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} {row.example[:20]}")
def test_sentences_are_sentences(row: Row) -> None:
    """What is wrong, each cause, and what to do, which begins with a verb in its own sentence."""
    assert row.causes
    for text in (row.what, *(cause.why for cause in row.causes), *(cause.action for cause in row.causes)):
        assert text.endswith(".")
        assert text[0].isupper() or text.startswith(("minimumHealthyPercent", "distinctInstance", "requiresCompat"))
    assert row.what.count(".") == 1
