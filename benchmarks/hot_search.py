"""Six years of hot-search topics through reading, events and rules at story speed, scored against dated incidents.

    python -m benchmarks.hot_search STREAMS                   the folder with weibo_hot/ and incidents.json
    python -m benchmarks.hot_search STREAMS --from 2022-01-01 --to 2022-12-31
    python -m benchmarks.hot_search STREAMS --incidents FILE --json OUT    other incidents; all figures as JSON

The real pipeline (clean, dedupe, analyse, rules, events) over a throw-away store with the shipped rules of a profile. A
topic is stored as the crawler of hot lists stores it: once, at its first sighting. Every topic is read; one that is no
risk and names no firm is not stored unless --whole says so, because rules and events do nothing with it (2.5 hours
instead of minutes). Topics whose hour is not known count at the end of their day and are left out of delays and of
ordinary weeks. Streams are third-party data and stay outside.
"""

import argparse
import csv
import gzip
import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from alerts.rule_judge import RuleJudge
from benchmarks.hot_search_score import Incident, Snapshot, Topic, render, score
from commands.assemble import build_pipeline, judge_of
from commands.knowledge import Knowledge, knowledge_of
from commands.stores import open_store
from config.settings import Settings
from core.clock import BEIJING, as_utc, beijing
from core.ids import document_id
from core.records import Analysis, Kind, MentionType, RawDocument, Signal
from pipelines.ingest import StoryClock
from pipelines.intake import save_raw
from store.alert_log import find_alert
from store.database import Store
from store.schema import event_documents

SOURCE, PLATFORM = "hot_weibo", "weibo"
STEP = 20_000  # topics between two lines of progress


def read_topics(folder: Path, start: date, end: date) -> list[Topic]:
    """The topics of the days start..end, each once, in order of first sighting."""
    first: dict[str, Topic] = {}
    for path in sorted((folder / "weibo_hot").glob("weibo_hot_*.tsv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                day = date.fromisoformat(row["list_day"])
                if not start <= day <= end:
                    continue
                topic = _topic(row["first_seen"], day, row["title"])
                if topic.title not in first or topic.at < first[topic.title].at:
                    first[topic.title] = topic
    return sorted(first.values(), key=lambda topic: (topic.at, topic.title))


def _topic(seen: str, day: date, title: str) -> Topic:
    at = datetime.fromisoformat(seen) if seen else datetime.combine(day, datetime.max.time(), BEIJING)
    return Topic(title, as_utc(at.replace(microsecond=0)), day, timed=bool(seen))


def read_incidents(path: Path, start: date, end: date) -> list[Incident]:
    """The incidents whose window lies within the days replayed."""
    rows: Sequence[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    found = [
        Incident(
            id=row["id"],
            name=row["name"],
            first_day=date.fromisoformat(row["window"][0]),
            last_day=date.fromisoformat(row["window"][1]),
            pattern=re.compile(row["title_regex"]),
            product=bool(row["product_quality"]),
            note=row.get("note", ""),
            first=_moment(row.get("first_seen")),
            third=_moment(row.get("third_title")),
        )
        for row in rows
    ]
    return [one for one in found if start <= one.first_day and one.last_day <= end]


def _moment(text: str | None) -> datetime | None:
    return as_utc(datetime.fromisoformat(text)) if text else None


@dataclass
class Recorder:
    """The pipeline's judge, and what stood in each alert after every change: what the desk saw at that moment."""

    judge: RuleJudge
    seen: list[Snapshot] = field(default_factory=list)
    _scores: dict[str, float] = field(default_factory=dict)

    def __call__(self, db: Connection, signal: Signal, now: datetime) -> None:
        if signal.analysis.is_risk:
            self._scores[signal.document.id] = signal.analysis.score
        for name in self.judge.engine.judge(db, signal, now=now).alerts:
            if (alert := find_alert(db, name)) is not None:
                surest = max((self._scores.get(document, 0.0) for document in alert.documents), default=0.0)
                self.seen.append(Snapshot.of(alert, now, surest))


def replay(
    topics: Sequence[Topic], settings: Settings, store: Store, known: Knowledge, *, whole: bool
) -> list[Snapshot]:
    """Feed the topics, those of one sighting together, on the story's clock."""
    clock = StoryClock()
    judge = judge_of(settings, store, known, notify=False)
    pipeline = build_pipeline(settings, store, known, who="hot_search", clock=clock, notify=False, judge=judge)
    recorder = Recorder(judge)
    pipeline.judge = recorder
    started, done, stored = time.monotonic(), 0, 0
    for at, group in groupby(topics, key=lambda topic: topic.at):
        clock.now = at
        together = list(group)
        kept = [topic for topic in together if whole or _concerns(pipeline.analyzer.analyze(topic.title, ""))]
        if kept:
            with store.write() as db:
                for topic in kept:
                    save_raw(db, _raw(topic), now=at)
            pipeline.drain()
        stored += len(kept)
        done += len(together)
        if done // STEP != (done - len(together)) // STEP:
            speed = done / (time.monotonic() - started)
            print(f"{beijing(at):%Y-%m-%d}: {done} topics, {stored} stored, {speed:.0f} a second", file=sys.stderr)
    return recorder.seen


def _concerns(analysis: Analysis) -> bool:
    """Whether rules or events do anything with a document: cards and traits of all others have no keys."""
    firms = (MentionType.ENTERPRISE, MentionType.BRAND)
    return analysis.is_risk or any(m.type in firms for m in (*analysis.title_mentions, *analysis.mentions))


def _raw(topic: Topic) -> RawDocument:
    """As crawlers/families/hotlist.py makes it."""
    return RawDocument(
        source=SOURCE,
        kind=Kind.HOTLIST,
        url="",
        title=topic.title,
        text="",
        fetched_at=topic.at,
        external_id=external_id(topic.title),
        published=topic.at,
        date_source="first_seen",
        fields={"platform": PLATFORM},
    )


def _events(store: Store) -> dict[str, str]:
    """The event of each document that is in one."""
    with store.read() as db:
        return {row.document: row.event for row in db.execute(select(event_documents))}


def external_id(title: str) -> str:
    """The id of a topic on its platform."""
    return f"{PLATFORM}:{''.join(title.split())}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("streams", type=Path, help="folder with weibo_hot/weibo_hot_*.tsv.gz and incidents.json")
    parser.add_argument("--from", dest="start", type=date.fromisoformat, default=date(2021, 1, 1))
    parser.add_argument("--to", dest="end", type=date.fromisoformat, default=date(2023, 12, 31))
    parser.add_argument("--incidents", type=Path, help="a file of the form of incidents.json")
    parser.add_argument("--registry", type=Path, help="firms (CSV); none, as in a fresh live profile, when not given")
    parser.add_argument("--profile", choices=("live", "demo"), default="live")
    parser.add_argument("--whole", action="store_true", help="store every topic, also those that concern nobody")
    parser.add_argument("--samples", type=int, default=20, help="false alarms to show of each kind")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    topics = read_topics(options.streams, options.start, options.end)
    incidents = read_incidents(options.incidents or options.streams / "incidents.json", options.start, options.end)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(profile=options.profile, data=Path(folder))
        store = open_store(settings, synchronous="NORMAL")
        snapshots = replay(
            topics, settings, store, knowledge_of(settings, store, options.registry), whole=options.whole
        )
        events = _events(store)
        store.close()
    by_id = {document_id(SOURCE, external_id(topic.title)): topic for topic in topics}
    result = score(snapshots, by_id, incidents, events)
    print(render(result, samples=options.samples))
    if options.json:
        options.json.write_text(json.dumps(result.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
