"""Random stories for rules of every type, and the ways in which their documents may arrive."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import yaml
from sqlalchemy import select

from alerts.clockwork import Clockwork
from alerts.engine import AlertEngine
from alerts.rule_examples import ACK_HOURS
from alerts.rule_query import queries_of
from alerts.setup import EngineParts
from config.calendar_classes import load_calendar
from config.grouping import load_grouping
from config.lexicon import Lexicon
from config.rules import Rule, read_rule
from config.settings import PROJECT
from core.clock import parse_published
from core.records import AlertState, Analysis, Document, Kind, RegistryEntry, Signal
from store.alert_log import alert_details, list_alerts
from store.database import Store
from store.schema import findings

BEGIN = parse_published("2026-03-02T00:00:00+08:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COMPLAINTS = {"voices": ["complaint"]}
CONDITIONS: Mapping[str, dict[str, Any]] = {
    "any": {"condition": {"type": "any"}, "scope": {"issues": ["explosion"]}},
    "blacklist": {"condition": {"type": "blacklist", "field": "product", "values": ["helmet"]}},
    "frequency": {"condition": {"type": "frequency", "window": "3d", "at_least": 4, "sources": 2}},
    "frequency_apart": {
        "condition": {"type": "frequency", "window": "2d", "at_least": 3},
        "group_by": ["product", "county"],
        "repeat_after": "4d",
    },
    "spike": {
        "condition": {"type": "spike", "window": "2d", "at_least": 3, "ratio": 2, "history": 4},
        "group_by": ["product", "issue"],
    },
    "new_term": {"condition": {"type": "new_term", "window": "7d", "lookback": "20d", "at_least": 2}},
    "new_pair": {
        "condition": {"type": "new_term", "window": "7d", "lookback": "20d"},
        "group_by": ["firm", "product"],
    },
    "cardinality": {
        "condition": {"type": "cardinality", "window": "5d", "of": "source", "at_least": 3},
        "group_by": ["product"],
    },
    "resonance": {
        "condition": {"type": "resonance", "window": "3d", "origins": 3, "voices": 2, "sources": 2},
        "group_by": ["firm"],
    },
    "tier_jump": {"condition": {"type": "tier_jump", "window": "5d"}},
    "ratio": {
        "condition": {"type": "ratio", "window": "4d", "at_least": 4, "part": {"issues": ["fire"]}, "share": 0.6},
        "group_by": ["product"],
    },
    "metric": {
        "condition": {"type": "metric", "window": "5d", "of": "hurt", "how": "sum", "at_least": 4},
        "group_by": ["product"],
    },
    "change": {"condition": {"type": "change", "window": "9d", "of": "product"}, "group_by": ["firm"]},
    "chained": {
        "condition": {
            "type": "chained",
            "window": "20d",
            "steps": [{"scope": COMPLAINTS, "at_least": 2, "window": "4d"}, {"scope": {"kinds": ["spotcheck"]}}],
        },
        "group_by": ["firm"],
    },
    "chained_loose": {
        "condition": {
            "type": "chained",
            "window": "9d",
            "ordered": False,
            "steps": [{"scope": COMPLAINTS}, {"scope": {"kinds": ["recall"]}}, {"scope": {"kinds": ["news"]}}],
        },
        "group_by": ["firm"],
    },
    "anomaly": {"condition": {"type": "anomaly", "threshold": 1.2}, "group_by": ["product", "issue"]},
    "anomaly_sources": {"condition": {"type": "anomaly", "threshold": 1, "count": "sources"}, "group_by": ["product"]},
    "anomaly_fdr": {
        "condition": {"type": "anomaly", "correct": "benjamini_hochberg", "false_share": 0.5},
        "group_by": ["product", "issue"],
    },
    "anomaly_ears": {
        "condition": {"type": "anomaly", "detector": "ears_c1", "parameters": {"baseline": 14, "alpha": 0.05}},
        "group_by": ["product"],
    },
    "anomaly_cusum": {"condition": {"type": "anomaly", "detector": "cusum"}, "group_by": ["firm"]},
    "flatline": {
        "condition": {"type": "flatline", "window": "30h", "forget_after": "12d"},
        "scope": {"min_level": 0},
        "group_by": ["source"],
    },
    "flatline_few": {"condition": {"type": "flatline", "window": "4d", "at_most": 2}, "group_by": ["product"]},
}
FIRMS = ("ENT0140", "ENT0043", "NIL:某某电缆厂", None)
PLACES = ("360981", "360113", "361128", "360100")
SPEAKERS = (
    ("12315", Kind.COMPLAINT),
    ("shop", Kind.REVIEW),
    ("blog", Kind.SOCIAL),
    ("paper", Kind.NEWS),
    ("amr", Kind.SPOTCHECK),
    ("dprc", Kind.RECALL),
)
CLOSING = "closing"


@dataclass(frozen=True)
class Arrival:
    """A revision of a page, or its withdrawal, as it comes in. page: what a page says comes in its order."""

    at: datetime
    page: str
    signal: Signal


def rules_of(names: Sequence[str] = tuple(CONDITIONS)) -> list[Rule]:
    """Rules of these types, as files would hold them."""
    examples: dict[str, Any] = {"fires": [[{}]], "quiet": [[{}]]}
    return [
        read_rule(
            yaml.safe_dump(
                {
                    "title": f"试验 {name}",
                    "why": "用于测试",
                    "level": "yellow",
                    "examples": examples,
                    **CONDITIONS[name],
                },
                allow_unicode=True,
            ),
            stem=name,
            name=name,
        )
        for name in names
    ]


def engine_of(rules: Sequence[Rule], lexicon: Lexicon, firms: Mapping[str, RegistryEntry]) -> AlertEngine:
    """An engine with these rules and the calendar of the checkout."""
    config = PROJECT / "config"
    reader = queries_of(lexicon)
    grouping, calendar = load_grouping(config), load_calendar(config)
    return EngineParts(tuple(rules), lexicon, grouping, firms.get, ACK_HOURS, None, reader, calendar=calendar).engine()


def story(seed: int, *, days: int = 45, pages: int = 90) -> list[Arrival]:
    """Pages of a few firms and products with bursts, silences, copies, corrections, withdrawals; in order of time."""
    chance = random.Random(seed)
    found: list[Arrival] = []
    bursts = [chance.uniform(16, days) for _ in range(3)]
    for place in range(pages):
        hours = chance.choice(bursts) * 24 + chance.expovariate(1 / 20) if chance.random() < 0.5 else 0.0
        hours = hours or chance.uniform(0, days * 24)
        found += _page(chance, f"p{place:03}", BEGIN + min(hours, days * 24.0) * HOUR, found)
    end = BEGIN + (days + 20) * DAY
    last = _signal(chance, CLOSING, end, 1)
    return [*sorted(found, key=lambda one: (one.at, one.page)), Arrival(end, CLOSING, last)]


def _page(chance: random.Random, name: str, at: datetime, before: Sequence[Arrival]) -> Iterator[Arrival]:
    signal = _signal(chance, name, at, 1)
    origins = [one.signal.document.id for one in before if one.at < at and one.signal.document.repost_of is None]
    if origins and chance.random() < 0.08:
        signal = replace(signal, document=replace(signal.document, repost_of=chance.choice(origins)))
    yield Arrival(at, name, signal)
    later = at + chance.uniform(1, 72) * HOUR
    if chance.random() < 0.08:
        speaker = (signal.document.source, signal.document.kind)
        yield Arrival(later, name, _signal(chance, name, later, 2, speaker))
    elif chance.random() < 0.05:
        gone = replace(signal.document, withdrawn_at=later)
        yield Arrival(later, name, replace(signal, document=gone))


def _signal(
    chance: random.Random, name: str, at: datetime, revision: int, speaker: tuple[str, Kind] | None = None
) -> Signal:
    source, kind = (CLOSING, Kind.NEWS) if name == CLOSING else speaker or chance.choice(SPEAKERS)
    risk = name != CLOSING and chance.random() < 0.92
    product = chance.choice(("cable", "cable", "cable", "helmet", "ebike"))
    firm, issue = chance.choice(FIRMS), chance.choice(("fire", "fire", "defect", "explosion"))
    document = Document(
        id=name, source=source, kind=kind, url=f"http://{source}.example/{name}",
        canonical_url=f"http://{source}.example/{name}", title=f"{product} {name}", text=f"{name} 的正文",
        event_time=at, published=at, fetched_at=at, stored_at=at, revision=revision, content_hash=f"{name}{revision}",
    )  # fmt: skip
    analysis = Analysis(
        is_risk=risk, level=chance.choice((1, 2, 3)) if risk else 0, score=0.9 if risk else 0.1,
        primary_product=product if risk else None, primary_enterprise=firm if risk else None,
        jurisdiction_code=chance.choice(PLACES), mentions=(), title_mentions=(), issues=(issue,) if risk else (),
        products=(product,) if risk else (), enterprises=(firm,) if firm and risk else (), regions=(), reasons=(),
        masked_title=document.title, masked_text=document.text,
        casualties={"injured": chance.choice((0, 0, 1, 3))} if risk else {},
    )  # fmt: skip
    return Signal(document, analysis)


def arriving(order: Sequence[Arrival], how: Callable[[random.Random, Arrival], datetime], seed: int) -> list[Arrival]:
    """The arrivals in the order in which they come in, each stored then; what one page says keeps its order."""
    chance = random.Random(seed)
    came: dict[str, datetime] = {}
    found: list[tuple[datetime, int, Arrival]] = []
    for place, one in enumerate(order):
        at = max(how(chance, one), one.at, came.get(one.page, one.at))
        came[one.page] = at
        document = replace(one.signal.document, stored_at=at)
        found.append((at, place, replace(one, signal=replace(one.signal, document=document))))
    return [one for _, _, one in sorted(found, key=lambda row: row[:2])]


def delayed(hours: float) -> Callable[[random.Random, Arrival], datetime]:
    """Each comes late by itself; most within so many hours, a few much later."""

    def how(chance: random.Random, one: Arrival) -> datetime:
        late = chance.expovariate(1 / hours) if chance.random() < 0.9 else chance.uniform(0, 20 * hours)
        return one.at + late * HOUR if one.page != CLOSING else one.at + 60 * DAY

    return how


def halted(since: float, until: float) -> Callable[[random.Random, Arrival], datetime]:
    """The system stands still between two days of the story; what came meanwhile is found then, the newest first."""
    start, end = BEGIN + since * DAY, BEGIN + until * DAY

    def how(_chance: random.Random, one: Arrival) -> datetime:
        if start <= one.at < end:
            return end + (end - one.at) / 1000
        return one.at if one.page != CLOSING else one.at + 60 * DAY

    return how


def anyhow(chance: random.Random, one: Arrival) -> datetime:
    """In whatever order."""
    return BEGIN + (90 + chance.random()) * DAY if one.page != CLOSING else BEGIN + 120 * DAY


def tell(
    store: Store, rules: Sequence[Rule], order: Sequence[Arrival], lexicon: Lexicon,
    firms: Mapping[str, RegistryEntry], *, restarts: int = 0, seed: int = 0,
) -> None:  # fmt: skip
    """Judge the arrivals, each in a transaction of its own. restarts: so often everything in memory is forgotten."""
    chance = random.Random(seed)
    engine = engine_of(rules, lexicon, firms)
    passes = Clockwork(store, engine)
    passes.begin()
    stops = set(chance.sample(range(len(order)), min(restarts, len(order))))
    passed = BEGIN
    for place, one in enumerate(order):
        now = one.signal.document.stored_at
        with store.write() as db:
            engine.judge(db, one.signal, now=now)
        if now - passed >= 12 * HOUR:
            passes.run(now)
            passed = now
        if place in stops:
            engine = engine_of(rules, lexicon, firms)
            passes = Clockwork(store, engine)
    passes.run(order[-1].signal.document.stored_at)


def found_in(store: Store) -> dict[str, set[Any]]:
    """All that must not depend on how the documents came in: findings that stand, and alerts that do."""
    with store.read() as db:
        rows = list(db.execute(select(findings).where(findings.c.withdrawn_at.is_(None))).mappings())
        notes = {one.id: alert_details(db, one.id) for one in list_alerts(db)}
        kept = [one for one in list_alerts(db) if not notes[one.id].get("merged_into")]
    told = ("id", "rule", "key", "level", "window_start", "window_end", "fired_at", "reason")
    alerts = {
        (
            one.subject,
            one.title,
            one.level,
            one.first_at,
            one.updated_at,
            one.reason,
            frozenset(one.documents),
            one.state,
        )
        for one in kept
        if one.state is not AlertState.DISMISSED
    }
    return {
        "findings": {
            (*(row[name] for name in told), tuple(row["documents"]), tuple(sorted(row["numbers"].items())))
            for row in rows
        },
        "alerts": alerts,
    }
