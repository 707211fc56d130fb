"""The examples inside rule files, run: each little story goes through the real engine with that one rule loaded.

Nothing is kept: the stories are told to an empty database in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from sqlalchemy import Connection, select

from alerts.cards import Registry
from alerts.clockwork import Clockwork
from alerts.engine import AlertEngine
from alerts.rule_query import RuleQueries, queries_of
from alerts.setup import EngineParts
from config.calendar_classes import Calendar
from config.grouping import Grouping
from config.lexicon import Lexicon
from config.rules import ExampleDocument, Rule
from core.clock import parse_published
from core.records import LEVEL_IDS, Analysis, Document, Finding, Signal
from store.database import open_engine
from store.mirror import OPEN, keep_item
from store.schema import findings, metadata
from store.users import EVERYWHERE
from store.watchlists import Given, WatchList, add_firms, insert_list

Expected = Literal["fires", "quiet"]
STORY_BEGINS = parse_published("2026-03-02T09:00:00+08:00")
WORKING_HOURS = 12
ACK_HOURS: Mapping[int, float] = {1: 24, 2: 8, 3: 2, 4: 0.5}


@dataclass(frozen=True)
class ExampleRun:
    """What one example came to. number: its place under `fires` or `quiet`, from 1.  came: reasons of the findings."""

    rule: str
    expected: Expected
    number: int
    came: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the rule did as the example says."""
        return bool(self.came) == (self.expected == "fires")

    @property
    def told(self) -> str:
        """What was expected and what came, in one sentence."""
        wanted = "应触发" if self.expected == "fires" else "不应触发"
        return f"{wanted}，{'；'.join(self.came) if self.came else '未触发'}"


def run_examples(
    rule: Rule, *, lexicon: Lexicon, grouping: Grouping, registry: Registry, queries: RuleQueries | None = None,
    calendar: Calendar | None = None,
) -> list[ExampleRun]:  # fmt: skip
    """Run every example of a rule; the firing ones first, each group in the order of the file.

    queries: reads the rule's query (None: with the words of the lexicon). Raises QueryError where it cannot.
    """
    engine = engine_of_one(
        rule, lexicon=lexicon, grouping=grouping, registry=registry, queries=queries, calendar=calendar
    )
    groups: tuple[tuple[Expected, tuple[tuple[ExampleDocument, ...], ...]], ...] = (
        ("fires", rule.examples.fires if rule.examples else ()),
        ("quiet", rule.examples.quiet if rule.examples else ()),
    )
    return [
        ExampleRun(rule.id, expected, place, _reasons(engine, story))
        for expected, stories in groups
        for place, story in enumerate(stories, 1)
    ]


def engine_of_one(
    rule: Rule, *, lexicon: Lexicon, grouping: Grouping, registry: Registry, queries: RuleQueries | None,
    calendar: Calendar | None = None,
) -> AlertEngine:  # fmt: skip
    """An engine with this rule alone, as if it had always been there."""
    reader = queries or queries_of(lexicon)
    examples = (*rule.examples.fires, *rule.examples.quiet) if rule.examples else ()
    tiers = {document.source: document.tier for story in examples for document in story}
    reader = replace(reader, tiers={**reader.tiers, **tiers})
    parts = EngineParts((rule,), lexicon, grouping, registry, ACK_HOURS, None, reader, calendar=calendar or Calendar())
    return parts.engine()


def _reasons(engine: AlertEngine, story: Sequence[ExampleDocument]) -> tuple[str, ...]:
    database = open_engine("sqlite://")
    try:
        with database.begin() as db:
            metadata.create_all(db)
            _watch(db, story)
            passes = Clockwork(OneTransaction(db), engine)
            now = STORY_BEGINS
            for signal in signals_of(story):
                now = signal.document.event_time
                engine.judge(db, signal, now=now)
            passes.run(now)
            return tuple(finding.reason for finding in _standing(db))
    finally:
        database.dispose()


def _watch(db: Connection, story: Sequence[ExampleDocument]) -> None:
    """Put the firms that the example says are watched on a list, of the level it says; and the recalls abroad that very
    likely mean somebody into their queue.
    """
    for place, told in enumerate(story):
        if told.watched and told.enterprise:
            level, firm = LEVEL_IDS[told.watched], Given(told.enterprise, told.enterprise)
            made, _ = insert_list(
                db, WatchList("", "示例", "示例", "示例", EVERYWHERE, "", level, STORY_BEGINS), once=f"example-{place}"
            )
            add_firms(db, made.id, [firm], reason="示例", by="示例", now=STORY_BEGINS, until=None)
        if told.mirrored:
            firm_of_it = ["示例", "示例", told.mirrored, 0.99, ["示例"]]
            values: dict[str, object] = {
                "document": f"example-{place}-0",
                "day": None,
                "number": "",
                "maker": "示例",
                "product": "",
            }
            values |= {"models": [], "candidates": [firm_of_it], "score": 0.99, "exact": False, "state": OPEN}
            keep_item(db, values | {"firm": "", "looked_at": STORY_BEGINS})


@dataclass(frozen=True)
class OneTransaction:
    """A database that is thrown away: everything is done in one transaction."""

    db: Connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """The transaction."""
        yield self.db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The transaction."""
        yield self.db


def _standing(db: Connection) -> Iterator[Finding]:
    query = select(findings).where(findings.c.withdrawn_at.is_(None)).order_by(findings.c.fired_at)
    for row in db.execute(query).mappings():
        yield Finding(**{name: row[name] for name in Finding.__dataclass_fields__})


def signals_of(story: Sequence[ExampleDocument]) -> list[Signal]:
    """The documents of an example as the rules would see them, in order of event time."""
    found: list[Signal] = []
    for place, told in enumerate(story):
        apart = 1.0 if told.days == 1 else min(1.0, WORKING_HOURS / told.same)
        for number in range(told.days * told.same):
            day, copy = divmod(number, told.same)
            hours = told.at + 24 * told.every * day + apart * copy
            found.append(_signal(told, f"example-{place}-{number}", hours))
    return sorted(found, key=lambda signal: signal.document.event_time)


def _signal(told: ExampleDocument, name: str, hours: float) -> Signal:
    moment = STORY_BEGINS + timedelta(hours=hours)
    document = Document(
        id=name,
        source=told.source,
        kind=told.kind,
        url=f"https://example.invalid/{name}",
        canonical_url=f"https://example.invalid/{name}",
        title=told.title,
        text=told.text or told.title,
        event_time=moment,
        published=moment,
        fetched_at=moment,
        stored_at=moment,
        revision=1,
        content_hash=name,
        repost_of="example-0-0" if told.repost else None,
    )
    analysis = Analysis(
        is_risk=told.level > 0,
        level=told.level,
        score=1.0 if told.level else 0.0,
        primary_product=told.product,
        primary_enterprise=told.enterprise,
        jurisdiction_code=told.jurisdiction or None,
        mentions=(),
        title_mentions=(),
        issues=told.issues,
        products=(told.product,) if told.product else (),
        enterprises=(told.enterprise,) if told.enterprise else (),
        regions=told.places,
        reasons=(),
        masked_title=told.title,
        masked_text=told.text or told.title,
        casualties=told.casualties,
    )
    return Signal(document, analysis)
