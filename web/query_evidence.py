"""Where the texts of an alert say what a rule's query asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from alerts.desk_rules import DeskRule, rule_of
from config.rules import DESK_RULE, Rule
from core.records import Finding, Signal
from search.marking import mark, marker, snippet
from search.query import QueryError
from search.where import wanted_text
from web.search_hits import marked_words
from web.services import Services

MOST_PLACES = 6


@dataclass(frozen=True)
class Place:
    """A document with the words that were asked for marked in it."""

    id: str
    source: str
    at: datetime
    level: int
    title: Markup
    snippet: Markup


@dataclass(frozen=True)
class Answered:
    """A rule with a query that fired: the words it fired by, and where they stand. more: documents not shown."""

    rule: Rule
    version: int | None
    places: tuple[Place, ...]
    more: int


def answered(services: Services, findings: Sequence[Finding], signals: Sequence[Signal]) -> list[Answered]:
    """Of every rule with a query among the findings, in the words it had then; those that can be read no more are left
    out."""
    texts = {signal.document.id: signal for signal in signals}
    told: dict[tuple[str, str], dict[str, None]] = {}
    for finding in findings:
        told.setdefault((finding.rule, finding.rule_version), {}).update(dict.fromkeys(finding.documents))
    found = []
    for (rule_id, version), documents in told.items():
        rule, number = _rule_then(services, rule_id, version)
        if rule is None or not rule.scope.query or services.rule_parts is None:
            continue
        mine = [texts[document] for document in documents if document in texts]
        places = _places(services, rule, mine[:MOST_PLACES])
        found.append(Answered(rule, number, places, max(0, len(mine) - MOST_PLACES)))
    return found


def _rule_then(services: Services, rule_id: str, version: str) -> tuple[Rule | None, int | None]:
    """The rule as it was when it fired, and the number of that version on the desk."""
    if not rule_id.startswith(DESK_RULE):
        return services.rule_by_id.get(rule_id), None
    made: DeskRule | None = services.shelf.find(rule_id)
    for kept in reversed(made.versions if made else ()):
        try:
            rule = rule_of(rule_id, kept.definition, kept.territory)
        except ValueError:  # pydantic's: a version of an older program
            continue
        if rule.version == version:
            return rule, kept.number
    return (made.rule, None) if made else (None, None)


def _places(services: Services, rule: Rule, signals: Sequence[Signal]) -> tuple[Place, ...]:
    assert services.rule_parts is not None
    queries = services.rule_parts.queries
    try:
        leaves = wanted_text(queries.read(rule.scope))
    except QueryError:
        return ()
    in_title, in_body = (marker(leaves, name, queries.words) for name in ("title", "body"))
    found = []
    for signal in signals:
        analysis, document = signal.analysis, signal.document
        title = marked_words(mark(analysis.masked_title, in_title)) or Markup("（无标题）")
        body = marked_words(snippet(analysis.masked_text, in_body))
        found.append(Place(document.id, document.source, document.event_time, analysis.level, title, body))
    return tuple(found)
