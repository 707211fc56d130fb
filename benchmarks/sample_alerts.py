"""The sample pack through analyzer, store and alert engine, scored against its truth.

    python -m benchmarks.sample_alerts                 in order of publication, with the real analyzer
    python -m benchmarks.sample_alerts --seed 7        documents arrive shuffled: the same alerts must come
    python -m benchmarks.sample_alerts --truth         the annotator's decision in place of the analyzer's
    python -m benchmarks.sample_alerts --list          prints every alert with its history

Reposts are those the pack names; finding them is measured elsewhere.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, update

from alerts.alert_json import alert_line
from alerts.clockwork import Clockwork
from alerts.setup import build_engine
from config.lexicon import load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.clock import BEIJING, as_utc
from core.ids import content_hash, document_id
from core.records import Analysis, Document, Kind, Signal
from demo.score import render, score
from demo.sources import SOURCES
from demo.story import read_pack
from nlp.analyze import Analyzer
from store.alert_log import history_of, list_alerts
from store.database import Store
from store.documents import add_revision, analysis_columns, withdraw
from store.schema import documents

DAY_ZERO = date(2026, 11, 23)


@dataclass(frozen=True)
class Arrival:
    """A document revision that arrives, or its withdrawal. group: arrivals of one page keep their order."""

    at: datetime
    group: str
    document: Document | None
    withdrawn: str = ""


def arrivals(day_zero: date) -> list[Arrival]:
    """Everything the pack's sources ever say, in order of publication."""
    rows = {row["id"]: row for row in read_pack()}
    found: list[Arrival] = []
    revisions: dict[str, int] = {}
    for row in sorted(rows.values(), key=lambda row: (row["day"], row["time"], row["id"])):
        first = _first(rows, row)
        revisions[first["id"]] = revisions.get(first["id"], 0) + 1
        moment = _moment(day_zero, row["day"], row["time"])
        origin = _first(rows, rows[row["repost_of"]]) if row["repost_of"] else None
        document = _document(row, first["id"], revisions[first["id"]], moment, origin["id"] if origin else None)
        found.append(Arrival(moment, first["id"], document))
        if row["withdrawn_day"] is not None:
            gone = _moment(day_zero, row["withdrawn_day"], "00:00")
            found.append(Arrival(gone, first["id"], None, withdrawn=first["id"]))
    return sorted(found, key=lambda arrival: arrival.at)


def _first(rows: dict[str, dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
    while row["revision_of"] is not None:
        row = rows[row["revision_of"]]
    return row


def _moment(day_zero: date, day: int, clock: str) -> datetime:
    hours, minutes = clock.split(":")
    start = datetime.combine(day_zero, datetime.min.time(), BEIJING)
    return as_utc(start + timedelta(days=day, hours=int(hours), minutes=int(minutes)))


def _document(row: dict[str, Any], page: str, revision: int, at: datetime, origin: str | None) -> Document:
    source = row["source"]
    return Document(
        id=page,
        source=source,
        kind=Kind(SOURCES[source].kind),
        url=f"http://pack.invalid/{page}",
        canonical_url=f"http://pack.invalid/{page}",
        title=row["title"],
        text=row["text"],
        event_time=at,
        published=at,
        fetched_at=at,
        stored_at=at,
        revision=revision,
        content_hash=content_hash(row["title"], row["text"]),
        author=row["author"],
        tables=tuple(tuple(tuple(cells) for cells in table) for table in row.get("tables") or ()),
        repost_of=origin,
    )


def shuffled(order: Sequence[Arrival], seed: int) -> list[Arrival]:
    """Another order of arrival; what one page says stays in its order."""
    pages: dict[str, list[Arrival]] = {}
    for arrival in order:
        pages.setdefault(arrival.group, []).append(arrival)
    slots = [arrival.group for arrival in order]
    random.Random(seed).shuffle(slots)
    left = {group: iter(rows) for group, rows in pages.items()}
    return [next(left[group]) for group in slots]


class TruthAnalyzer:
    """The annotator's decision on top of what the real analyzer sees: what the alerts could be at best."""

    def __init__(self, real: Analyzer) -> None:
        self.real = real
        self.truth = {(row["title"], row["text"]): row["truth"] for row in read_pack()}

    def read(self, document: Document) -> Analysis:
        """The analysis of a document."""
        found = self.real.analyze(
            document.title,
            document.text,
            published=document.published,
            tables=document.tables,
        )
        truth = self.truth[document.title, document.text]
        others = tuple(product for product in found.products if product != truth["product"])
        return replace(
            found,
            is_risk=truth["is_risk"],
            level=truth["level"],
            primary_product=truth["product"],
            primary_enterprise=truth["enterprise"],
            jurisdiction_code=truth["jurisdiction"],
            products=(truth["product"], *others) if truth["product"] else others,
        )


def run(order: Sequence[Arrival], read: Any, engine: Any, store: Store) -> float:
    """Feed all arrivals; returns seconds spent judging."""
    spent = 0.0
    passes, day = Clockwork(store, engine), None
    passes.begin()
    for arrival in order:
        with store.write() as db:
            now = arrival.at
            signal = _store(db, arrival, read)
            started = time.perf_counter()
            engine.judge(db, signal, now=now)
            spent += time.perf_counter() - started
        if day != now.date():
            passes.run(now)
            day = now.date()
    passes.run(max(arrival.at for arrival in order))
    return spent


def _store(db: Connection, arrival: Arrival, read: Any) -> Signal:
    from store.documents import find_signal

    if arrival.document is None:
        withdraw(db, arrival.withdrawn, arrival.at)
        found = find_signal(db, arrival.withdrawn)
        assert found is not None
        return found
    document = arrival.document
    analysis = read(document)
    add_revision(db, document, external_id="", raw={})
    mine = (documents.c.id == document.id, documents.c.revision == document.revision)
    db.execute(update(documents).where(*mine).values(stage="judged", **analysis_columns(analysis)))
    return Signal(document, analysis)


def lines(db: Connection) -> Iterator[dict[str, Any]]:
    """The alerts as `fengsui alerts --json` prints them."""
    for alert in list_alerts(db):
        line = alert_line(db, alert)
        if line is not None:
            yield line


def same_story(found: Sequence[dict[str, Any]]) -> set[str]:
    """The alerts without what depends on when this system heard of them: ids, numbers, history."""
    told = ("level", "first_at", "updated_at", "title", "rule", "reason", "enterprises", "territories", "unconfirmed")
    rows = [{**{name: line[name] for name in told}, "documents": sorted(line["documents"])} for line in found]
    gone = [line["state"] == "dismissed" for line in found]
    return {
        json.dumps({**row, "gone": over}, ensure_ascii=False, sort_keys=True)
        for row, over in zip(rows, gone, strict=True)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=Path, help="write the alert lines there")
    options = parser.parse_args()
    config = PROJECT / "config"
    registry = load_registry_csv(config / "lexicons" / "enterprises_demo.csv")
    analyzer = Analyzer(load_lexicon(config), registry)
    cache: dict[tuple[str, int], Analysis] = {}
    truth = TruthAnalyzer(analyzer)

    def read(document: Document) -> Analysis:
        key = (document.id, document.revision)
        if key not in cache:
            cache[key] = (
                truth.read(document)
                if options.truth
                else analyzer.analyze(
                    document.title, document.text, published=document.published, tables=document.tables
                )
            )
        return cache[key]

    order = arrivals(DAY_ZERO)
    if options.seed is not None:
        order = shuffled(order, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/alerts.db")
        store.migrate()
        entries = {entry.id: entry for entry in registry}
        engine = build_engine(config, registry=entries.get)
        spent = run(order, read, engine, store)
        with store.read() as db:
            found = list(lines(db))
            if options.list:
                _print_alerts(db)
    print(render(score(found, day_zero=DAY_ZERO)))
    print(f"{len(order)} arrivals, {spent / len(order) * 1000:.1f} ms to judge one; {len(found)} alerts")
    if options.json:
        options.json.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in found), encoding="utf-8")
    return 0


def _print_alerts(db: Connection) -> None:
    for alert in sorted(list_alerts(db), key=lambda alert: alert.first_at):
        if alert_line(db, alert) is None:
            continue
        print(f"{alert.number} L{alert.level} {alert.state} {alert.subject} {alert.title}")
        print(f"    {alert.reason}")
        print(f"    {alert.territory} {alert.territories} {len(alert.documents)} {alert.documents[:8]}")
        for row in history_of(db, alert.id):
            print(f"    {row.number} {row.story_at:%m-%d %H:%M} L{row.level} {row.state} {row.action} {row.note[:70]}")


__all__ = ["DAY_ZERO", "arrivals", "document_id", "run", "shuffled"]

if __name__ == "__main__":
    raise SystemExit(main())
