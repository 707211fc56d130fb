"""Which documents and firms clusters count: kept up to date as documents are judged, and brought up to date hourly."""

from collections import Counter
from threading import Event

from sqlalchemy import Connection, func, or_, select

from config.clusters import ClusterRules
from core.clock import Clock, beijing
from core.firms import PAPERS
from core.records import CANARY, Signal
from store.clusters import ClusterRow, FirmCount, keep_firms, keep_row
from store.database import Store, get_fact, set_fact
from store.documents import signals_after
from store.registry import entry_of
from store.schema import enterprises, firm_facts

READ, COUNTED = "cluster_rows_read", "cluster_firms_counted"
AT_ONCE = 300
GONE = ("注销", "吊销")
"""Words of a status: no firm any more."""


def row_of(signal: Signal, rules: ClusterRules) -> ClusterRow | None:
    """What a document counts as: an independent signal about a product in a place; None for all others."""
    document, analysis = signal.document, signal.analysis
    counts = analysis.is_risk and document.repost_of is None and document.withdrawn_at is None
    if not counts or not analysis.primary_product or not analysis.jurisdiction_code or document.source == CANARY:
        return None
    spots = rules.spots_in(f"{document.title}\n{document.text}")
    return ClusterRow(document.id, document.event_time, analysis.primary_product, analysis.jurisdiction_code, spots)


class Counts:
    """Keeps the row of a document in the transaction that judges it."""

    def __init__(self, rules: ClusterRules) -> None:
        self.rules = rules

    def __call__(self, db: Connection, signal: Signal) -> None:
        """Count a document, or no longer."""
        keep_row(db, signal.document.id, row_of(signal, self.rules))


def catch_up(store: Store, rules: ClusterRules, stop: Event, *, clock: Clock) -> str:
    """Count documents of before, after an upgrade or a change of the words; count firms where the registry changed."""
    documents = _documents(store, rules, stop)
    firms = _firms(store, clock)
    return "，".join(filter(None, (f"补计文书 {documents:,} 份" if documents else "", firms)))


def _documents(store: Store, rules: ClusterRules, stop: Event) -> int:
    with store.read() as db:
        version, _, place = (get_fact(db, READ) or "").partition(":")
    if version == rules.version and place == "all":
        return 0
    count, after = 0, int(place or 0) if version == rules.version else 0
    while not stop.is_set():
        with store.read() as db:
            found = signals_after(db, after, limit=AT_ONCE)
        after = found[-1][0] if found else after
        rows = [(signal.document.id, row_of(signal, rules)) for _, signal in found]
        with store.write() as db:
            for document, row in rows:
                keep_row(db, document, row)
            set_fact(db, READ, f"{rules.version}:{after if found else 'all'}")
        count += len(found)
        if not found:
            break
    return count


def _firms(store: Store, clock: Clock) -> str:
    today = beijing(clock()).date()
    with store.read() as db:
        changed = db.execute(select(func.count(), func.max(enterprises.c.updated_at))).one()
        papers = db.execute(select(func.count(), func.max(firm_facts.c.updated_at))).one()
        stamp = f"{changed[0]} {changed[1]} {papers[0]} {papers[1]} {today}"
        if get_fact(db, COUNTED) == stamp:
            return ""
        valid = (
            select(firm_facts.c.firm)
            .where(firm_facts.c.kind.in_(PAPERS), firm_facts.c.state == "")
            .where(or_(firm_facts.c.until.is_(None), firm_facts.c.until >= today))
        )
        licensed = set(db.execute(valid.distinct()).scalars())
        firms: Counter[tuple[str, str]] = Counter()
        with_paper: Counter[tuple[str, str]] = Counter()
        query = select(enterprises.c.entry)
        for kept in db.execute(query, execution_options={"yield_per": 2000}).scalars():
            entry = entry_of(kept)
            if not entry.region_code or any(word in entry.status for word in GONE):
                continue
            for product in entry.products:
                firms[entry.region_code, product] += 1
                with_paper[entry.region_code, product] += bool(entry.licence_no) or entry.id in licensed
    counts = [FirmCount(*key, count, with_paper[key]) for key, count in sorted(firms.items())]
    with store.write() as db:
        keep_firms(db, counts)
        set_fact(db, COUNTED, stamp)
    return f"企业数 {sum(firms.values()):,}"
