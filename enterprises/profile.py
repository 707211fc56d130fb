"""The dossier of a firm as of a day: who it is, which papers covered the day, what is recorded of it.

What is counted and listed is cut to the viewer's territory; the registry and what it knows of a firm is everybody's.
Records after the day are left out and counted, so that nobody takes what was learnt later for what was known then.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection

from config.lexicon import Lexicon
from config.org_records import Orgs
from config.routes import Routes
from core.clock import BEIJING, as_utc, beijing
from core.firms import EntryChange, FirmFact, FirmTie
from core.records import Alert, RegistryEntry
from enterprises import axis
from enterprises.axis import Axis, Point
from enterprises.mentions import Find, Mentions, mentions_of
from enterprises.office import Office, office_of
from enterprises.papers import KINDS, Need, Paper, needs_of, papers_on
from enterprises.relations import TIE_WORDS, Relation, relations_of
from enterprises.signals import MOST_SIGNALS, NIL, Cut, SignalRow, count_signals, signals_of
from enterprises.trade import Trade, trade_of
from store.alert_log import list_alerts
from store.events import events_of_documents
from store.firm_facts import changed_field, changed_tie, changes_of, fact_id, facts_of, said_before, ties_of
from store.ledger import Entry
from store.ledger_list import entries_of_firm
from store.registry import find_entries, find_entry

MOST_EVENTS, MOST_ALERTS = 60, 200  # on the axis
FIRST = datetime.min.replace(tzinfo=UTC)
ENTRY_WORDS: Mapping[str, str] = {
    "name": "名称",
    "short_names": "简称",
    "brands": "品牌",
    "former_names": "曾用名",
    "english_names": "外文名",
    "region_code": "属地代码",
    "region_name": "属地",
    "products": "产品",
    "role": "角色",
    "parent_id": "上级",
    "uscc": "信用代码",
    "licence_no": "许可认证",
    "status": "登记状态",
    "tags": "标记",
    "address": "住所",
    "person": "法定代表人",
    "industry": "行业",
}
"""Fields of an entry in words."""


@dataclass(frozen=True)
class Asked:
    """What a dossier is asked for. day: as of its end.  span: a key of axis.SPANS.  now: the present moment."""

    firm: str
    day: date
    span: str
    now: datetime

    @property
    def today(self) -> date:
        """The present day in Beijing."""
        return beijing(self.now).date()

    @property
    def is_today(self) -> bool:
        """Whether the dossier is as of now."""
        return self.day == self.today

    @property
    def end(self) -> datetime:
        """The moment until which records count."""
        last = as_utc(datetime.combine(self.day, time.max, BEIJING))
        return min(last, self.now) if self.is_today else last


@dataclass(frozen=True)
class Known:
    """What a dossier is read with. kinds: words of kinds of documents.  find: firms by a name.

    orgs: None leaves the office out.
    """

    lexicon: Lexicon
    kinds: Mapping[str, str]
    find: Find
    orgs: Orgs | None = None
    routes: Routes | None = None


@dataclass(frozen=True)
class ProductRow:
    """A product of the firm. id: of the lexicon, or the words of a paper.  listed: by the registry; else by a paper or
    a result."""

    id: str
    listed: bool
    needs: tuple[Need, ...]


FACT_WORDS = {
    "day": "日期", "until": "有效期止", "state": "状态", "state_since": "状态起始日", "outcome": "结果",
    "count": "数量", "text": "内容", "document": "依据",
}  # fmt: skip
TIE_FIELDS = {"since": "起", "until": "止", "document": "依据"}


@dataclass(frozen=True)
class Change:
    """A change by a re-import. after: it came after the day of the dossier.  label: of a field of a paper or record; ""
    where it is one of the entry.
    """

    at: datetime
    source: str
    field: str
    before: str
    now: str
    after: bool
    label: str = ""

    @property
    def word(self) -> str:
        """What the field is called."""
        return self.label or ENTRY_WORDS.get(self.field, self.field)


@dataclass(frozen=True)
class Profile:
    """A dossier. entry: None for a firm in no list.  parent: id and name.  later: signals after the day.

    then: what fields of the entry said on the day, where re-imports have changed them since.
    trade: None where it has no product, or that one no signals.  mentions: of a firm in no list.
    """

    asked: Asked
    name: str
    entry: RegistryEntry | None
    parent: tuple[str, str] | None
    facts: Sequence[FirmFact]
    ties: Sequence[FirmTie]
    relations: Sequence[Relation]
    papers: Sequence[Paper]
    changes: Sequence[Change]
    then: Mapping[str, str]
    products: Sequence[ProductRow]
    signals: Sequence[SignalRow]
    alerts: Sequence[Alert]
    entries: Sequence[Entry]
    axis: Axis
    later: int
    office: Office | None
    trade: Trade | None
    mentions: Mentions | None

    @property
    def bad_papers(self) -> list[Paper]:
        """The papers that did not cover the day."""
        return [paper for paper in self.papers if paper.bad]

    @property
    def open_entries(self) -> list[Entry]:
        """Hazards of the firm that are not done with, as things stand."""
        return [entry for entry in self.entries if entry.open]


def read_profile(db: Connection, asked: Asked, cut: Cut, known: Known) -> Profile | None:
    """The dossier; None where neither the registry nor anything this viewer sees knows the firm."""
    firm = asked.firm
    entry, facts = find_entry(db, firm), facts_of(db, [firm])[firm]
    alerts = [one for one in list_alerts(db, firm=firm, merged=False) if _seen(one, cut)]
    entries = entries_of_firm(db, firm, cut.entries)
    told = [fact for fact in facts if fact.day is None or fact.day <= asked.day]
    start = None if asked.span == "all" else axis.span_of(asked.span, asked.end, ())
    of_records = [
        *axis.of_alerts([one for one in alerts if (start or FIRST) <= one.first_at <= asked.end][:MOST_ALERTS]),
        *axis.of_entries(one for one in entries if one.found_on <= asked.day),
        *axis.of_facts(told, _names(known.lexicon)),
    ]
    signals = signals_of(db, cut, firm, start=start, end=asked.end)
    ties = ties_of(db, [firm])
    later = 0 if asked.is_today else count_signals(db, cut, firm, after=asked.end)
    if not (entry or facts or ties or signals or alerts or entries or later or count_signals(db, cut, firm)):
        return None
    history = changes_of(db, firm)
    by_id = {fact_id(fact): fact for fact in facts}
    said = {by_id[which]: then for which, then in said_before(facts, history, asked.end).items()}
    papers = papers_on(facts, asked.day, asked.today, said)
    tied = [found[1] for change in history for field in change.changes if (found := changed_tie(field))]
    names = {side: one.name for side, one in find_entries(db, _sides(tied)).items()}
    changes = [each for change in history for each in _changes(change, asked.end, by_id, names)]
    parent = find_entry(db, entry.parent_id) if entry and entry.parent_id else None
    product = _main_product(entry, signals)
    schemes = [scheme for product in (entry.products if entry else ()) for scheme in _schemes(known.lexicon, product)]
    return Profile(
        asked=asked, name=entry.name if entry else firm.removeprefix(NIL), entry=entry,
        parent=(parent.id, parent.name) if parent else None, facts=facts, ties=ties,
        relations=relations_of(db, firm, entry, ties, asked.day), papers=papers, changes=changes,
        then={change.field: change.before for change in changes if change.after and not change.label},
        products=_products(entry, facts, papers, known.lexicon), signals=signals, alerts=alerts, entries=entries,
        axis=_axis(db, asked, cut, known, of_records, signals, papers), later=later,
        office=office_of(known.orgs, known.routes, entry.region_code if entry else "", schemes) if known.orgs else None,
        trade=trade_of(db, cut, firm, product, asked.end) if product else None,
        mentions=None if entry else mentions_of(db, firm.removeprefix(NIL), signals, known.find),
    )  # fmt: skip


def _main_product(entry: RegistryEntry | None, signals: Sequence[SignalRow]) -> str:
    """The product most signals are about, else the first one of the registry."""
    counts = Counter(signal.product for signal in signals if signal.product)
    most = counts.most_common(1)
    return most[0][0] if most else entry.products[0] if entry and entry.products else ""


def _seen(alert: Alert, cut: Cut) -> bool:
    return any(cut.sees(code) for code in (alert.territory, *alert.territories))


def _axis(
    db: Connection, asked: Asked, cut: Cut, known: Known, records: Sequence[Point], signals: Sequence[SignalRow],
    papers: Sequence[Paper],
) -> Axis:  # fmt: skip
    stories = [
        event for event in events_of_documents(db, [signal.id for signal in signals])
        if any(cut.sees(code) for code in event.facts.get("territories", ()))
    ]  # fmt: skip
    points = [*records, *axis.of_signals(signals, known.kinds), *axis.of_events(stories[:MOST_EVENTS])]
    start = axis.span_of(asked.span, asked.end, points)
    inside = [point for point in points if start <= point.at <= asked.end + timedelta(hours=12)]
    inside.sort(key=lambda point: point.at, reverse=True)
    given = [paper for paper in papers if paper.fact.day is None or paper.fact.day <= asked.day]
    return Axis(start, asked.end, inside, given, cut_off=len(signals) == MOST_SIGNALS)


def _sides(ties: Sequence[FirmTie]) -> list[str]:
    """The firms of relations."""
    return sorted({side for tie in ties for side in (tie.one, tie.other)})


def _changes(
    change: EntryChange, end: datetime, facts: Mapping[str, FirmFact], names: Mapping[str, str]
) -> list[Change]:
    return [
        Change(change.at, change.source, field, before, now, change.at > end, _label(field, facts, change.firm, names))
        for field, (before, now) in change.changes.items()
    ]


def _tie_words(tie: FirmTie, firm: str, names: Mapping[str, str]) -> str:
    """`供货给 某某电池厂`, as seen from one side."""
    first = tie.one == firm
    other = tie.other if first else tie.one
    word = TIE_WORDS[tie.kind, first]
    return f"关系：{word} {names.get(other, other.removeprefix(NIL))}"


def _label(field: str, facts: Mapping[str, FirmFact], firm: str, names: Mapping[str, str]) -> str:
    """What a field of a paper, record or relation is called: `CCC 认证 2024… 有效期止`."""
    if tied := changed_tie(field):
        return f"{_tie_words(tied[1], firm, names)} {TIE_FIELDS.get(tied[0], tied[0])}"
    which, name = changed_field(field) or ("", "")
    if not which:
        return ""
    fact = facts.get(which)
    told = f"{KINDS[fact.kind]} {fact.number}".strip() if fact else "记录"
    return f"{told} {FACT_WORDS.get(name, name)}"


def _products(
    entry: RegistryEntry | None, facts: Sequence[FirmFact], papers: Sequence[Paper], lexicon: Lexicon
) -> list[ProductRow]:
    listed = entry.products if entry else ()
    others = dict.fromkeys(fact.product for fact in facts if fact.product and fact.product not in listed)
    maker = entry is None or entry.role == "producer"
    return [
        ProductRow(
            product, product in listed,
            needs_of(product, _schemes(lexicon, product), papers) if maker and product in listed else (),
        )
        for product in (*listed, *others)
    ]  # fmt: skip


def _schemes(lexicon: Lexicon, product: str) -> tuple[str, ...]:
    found = lexicon.products.get(product)
    return found.schemes if found else ()


def _names(lexicon: Lexicon) -> Mapping[str, str]:
    return {product.id: product.name for product in lexicon.products.values()}
