"""Rules run on the search index: the same findings, come by from the other side.

The pipeline judges each document when it comes. This asks the index, for all of a stretch of time at once: which groups
hold as many signals as a rule needs (one count, search/groups.py), which signals those are, and then judges these
signals with the conditions that the pipeline uses. So a finding has the same id, the same reason and the same documents
whichever came first; what only one of the two knows is a difference, told with its reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.cards import Card, card_from, card_of, grouped_by, key_of
from alerts.engine import AlertEngine
from alerts.fired_windows import fire_windows
from alerts.first_sights import sights_of
from alerts.held import Held
from alerts.index_questions import FIELD_OF, NotOnIndex, Question, question_of
from alerts.replay import fire_single
from alerts.rule_query import RuleQueries
from config.conditions import NewTermCondition
from config.rules import Rule
from core.records import Finding, Signal
from search.backend import SearchRequest
from search.groups import CountingBackend, GroupCount, GroupsAsked, every_hit
from search.query import QueryError
from search.where import AnyOf, OneOf, Scalar, Where, both
from store.alert_log import findings_between
from store.cards import cards_of
from store.database import Store
from store.documents import all_revisions, find_signal

SOME_GROUPS = 100
"""Groups whose signals are asked for by name in one question."""
Values = tuple[Scalar, ...]


@dataclass(frozen=True)
class Difference:
    """A finding that only one side has. side: `index` or `store`, who has it.  why: in Chinese.

    missing: documents it rests on that the index does not hold.  grave: nothing explains it but a loss.
    """

    finding: Finding
    side: str
    why: str
    missing: tuple[str, ...] = ()
    grave: bool = False


@dataclass(frozen=True)
class RuleRun:
    """One rule over a stretch of time. why: why it is judged in the pipeline only; empty where the index says it.

    groups: how many of them hold enough to fire.  read: signals of theirs that were looked at.  findings: what the
    index says, oldest first.  differences: from what stands in the store.  unasked: signals that the rule counts and
    that were judged without it, for they came before it was there.
    """

    rule: Rule
    why: str = ""
    groups: int = 0
    read: int = 0
    findings: tuple[Finding, ...] = ()
    differences: tuple[Difference, ...] = ()
    unasked: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Asker:
    """Asks an index on behalf of the rules of an engine; reads signals from the store, writes nothing."""

    store: Store
    index: CountingBackend
    engine: AlertEngine
    queries: RuleQueries

    def run(self, rule: Rule, since: datetime, until: datetime) -> RuleRun:
        """What a rule finds with since <= fired <= until. Raises SearchUnavailable."""
        view = self.engine.view
        try:
            question = question_of(rule, self.queries, view.regions, view.key_products)
        except QueryError as problem:
            return RuleRun(rule, f"检索语句第 {problem.column} 字：{problem.message}")
        if isinstance(question, NotOnIndex):
            return RuleRun(rule, question.why)
        groups = self._worth_reading(question, since, until)
        ids = self._ids(question, groups, since, until)
        cards = self._cards(ids)
        held = [one for one in self._fire(question, groups, cards, since) if since <= one.finding.fired_at <= until]
        findings = sorted({one.finding.id: one.finding for one in held}.values(), key=lambda f: (f.fired_at, f.id))
        standing = [one.finding for one in held if one.lost_at is None]
        with self.store.read() as db:
            known = {finding.id: finding for finding in findings_between(db, rule.id, since, until)}
            unasked = tuple(_unasked(db, rule, cards))
            late = {document for document, _ in unasked}
            here = {finding.id for finding in standing}
            differences = [_only_on_index(one, late=late) for one in standing if one.id not in known]
            differences += [self._only_in_store(db, one) for one in known.values() if one.id not in here]
        return RuleRun(rule, "", len(groups), len(ids), tuple(findings), tuple(differences), unasked)

    def take_up(self, run: RuleRun, *, now: datetime) -> None:
        """Judge what came before the rule was there, as if it came now: the engine writes what there is to find.

        What the pipeline found meanwhile is found there and not written twice.
        """
        for document, revision in run.unasked:
            with self.store.write() as db:
                signal = find_signal(db, document, revision)
                if signal is not None:
                    self.engine.judge(db, signal, now=now)

    # --- what the index counts --------------------------------------------------------------------------------------

    def _worth_reading(self, question: Question, since: datetime, until: datetime) -> list[Values]:
        """The groups that may fire; one for all signals of a rule that fires on each by itself."""
        if not question.window:
            return [()]
        first_sights = isinstance(question.rule.condition, NewTermCondition)
        asked = GroupsAsked(
            since - (question.back if first_sights else timedelta(0)) - question.window * 2,
            until + timedelta(milliseconds=1),
            question.window,
            question.by,
            question.where if first_sights else question.originals,
        )
        counted: dict[Values, list[GroupCount]] = {}
        for group in self.index.groups(asked):
            counted.setdefault(group.values, []).append(group)
        new = _may_be_new if first_sights else _may_be_enough
        return sorted((values for values, groups in counted.items() if new(question, groups, since)), key=repr)

    def _ids(self, question: Question, groups: Sequence[Values], since: datetime, until: datetime) -> list[str]:
        """The signals of these groups that may decide what fires in the time asked for."""
        start = since - question.back - question.window * (2 if question.window else 0)
        found: dict[str, None] = {}
        for first in range(0, len(groups), SOME_GROUPS):
            some = [_of_group(question, values) for values in groups[first : first + SOME_GROUPS]]
            where = both([question.where, some[0] if len(some) == 1 else AnyOf(tuple(some))])
            request = SearchRequest(where, start, until + timedelta(milliseconds=1))
            found |= dict.fromkeys(str(fields["id"]) for fields in every_hit(self.index, request))
        return list(found)

    # --- what the signals say ---------------------------------------------------------------------------------------

    def _cards(self, ids: Sequence[str]) -> list[Card]:
        """The cards of all revisions of these documents, each with its end, in order of event time."""
        cards: list[Card] = []
        with self.store.read() as db:
            for revisions in all_revisions(db, ids):
                cards += _with_ends([self._card(signal, number) for number, signal in revisions])
        return sorted(cards, key=lambda card: card.order)

    def _card(self, signal: Signal, number: int) -> Card:
        return card_of(signal, self.engine.view, number=number)

    def _fire(
        self, question: Question, groups: Sequence[Values], cards: Sequence[Card], since: datetime
    ) -> Iterator[Held]:
        rule, regions, whole = question.rule, self.engine.view.regions, set(groups)
        counted = [card for card in cards if card.counts_for(rule.id)]
        if not question.window:
            yield from (fire_single(rule, card) for card in counted if card.is_origin and rule.id in card.rules)
            return
        by_key: dict[str, list[Card]] = {}
        for card in counted:
            for values in grouped_by(card, rule, regions):
                if _in_index(question, values) in whole:  # of other groups only a part was read
                    by_key.setdefault(key_of(rule, values), []).append(card)
        for key, theirs in by_key.items():
            if isinstance(rule.condition, NewTermCondition):
                yield from sights_of(rule, rule.condition, key, theirs, lambda _start, _end: False)
            else:
                yield from fire_windows(rule, key, [c for c in theirs if c.is_origin], regions, since=since)

    # --- what the store says ----------------------------------------------------------------------------------------

    def _only_in_store(self, db: Connection, finding: Finding) -> Difference:
        missing = self._missing(finding.documents)
        if missing:
            return Difference(finding, "store", f"索引里缺 {len(missing)} 件它所依据的文档", missing, grave=True)
        if any(len(revisions) > 1 for revisions in all_revisions(db, finding.documents)):
            return Difference(finding, "store", "依据的文档后来改过，索引只有最新一版")
        rules = {rule.id: rule for rule in self.engine.rules}
        if rules[finding.rule].version != finding.rule_version:
            return Difference(finding, "store", "是规则改动之前判断的")
        return Difference(finding, "store", "索引计数与库不符", grave=True)

    def _missing(self, ids: Sequence[str]) -> tuple[str, ...]:
        request = SearchRequest(OneOf("id", tuple(ids)))
        there = {fields["id"] for fields in every_hit(self.index, request)}
        return tuple(sorted(set(ids) - there))


def _only_on_index(finding: Finding, *, late: set[str]) -> Difference:
    """Why the pipeline did not find it."""
    if late & set(finding.documents):
        return Difference(finding, "index", "信号到来时还没有这条规则，或规则改过")
    if "|" not in finding.key:
        return Difference(finding, "index", "按事项判断不成立：已澄清、撤下，或同一事项当日信号过多")
    return Difference(finding, "index", "库计数与索引不符", grave=True)


def _unasked(db: Connection, rule: Rule, cards: Sequence[Card]) -> Iterator[tuple[str, int]]:
    """Those of the cards that the rule counts and that are stored without it, in order of event time."""
    documents = sorted({card.document for card in cards})
    stored = {(kept.document, kept.revision): card_from(kept) for kept in cards_of(db, documents)}
    for card in cards:
        kept = stored.get((card.document, card.revision))
        if card.counts_for(rule.id) and (kept is None or not kept.counts_for(rule.id)):
            yield card.document, card.revision


def _may_be_enough(question: Question, groups: Iterable[GroupCount], since: datetime) -> bool:
    """Whether a window that ends in the time asked for may hold enough: it lies in two stretches of its own length."""
    counts = {group.start: group.count for group in groups}
    return any(
        count + counts.get(start - question.window, 0) >= question.fewest
        for start, count in counts.items()
        if start + question.window > since
    )


def _may_be_new(question: Question, groups: Iterable[GroupCount], since: datetime) -> bool:
    """Whether the group may have been seen for the first time within the look-back."""
    if question.window > question.back:
        return True
    before: datetime | None = None
    for start in sorted(group.start for group in groups):
        new = before is None or start + question.window - before > question.back
        if new and start + question.window * 3 > since:
            return True
        before = start
    return False


def _in_index(question: Question, values: Sequence[str]) -> Values:
    """A rule's group as the index groups: a county stands for its prefecture, too."""
    named = sorted(zip(question.rule.group_by, values, strict=True), key=lambda pair: pair[0] == "county")
    by_field = {FIELD_OF[group]: value for group, value in named if group in FIELD_OF}
    return tuple(by_field[field] for field in question.by)


def _of_group(question: Question, values: Values) -> Where:
    return both([OneOf(field, (value,)) for field, value in zip(question.by, values, strict=True)])


def _with_ends(revisions: Sequence[Card]) -> list[Card]:
    """Each ends where the next one begins, as the store has it; the last one where it was withdrawn."""
    following = [*revisions[1:], None]
    return [
        card if after is None else replace(card, until=max(after.at, card.at))
        for card, after in zip(revisions, following, strict=True)
    ]
