"""Random stories for the rule lab: signals of a few firms with copies, revisions, withdrawals and refutations."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection

from alerts.rule_examples import ACK_HOURS, signals_of
from alerts.rule_query import queries_of
from alerts.setup import EngineParts
from config.grouping import load_grouping
from config.lexicon import load_lexicon, load_registry_csv
from config.rules import ExampleDocument, Rule
from config.settings import PROJECT
from core.records import Kind, Mention, MentionType, RegistryEntry, Signal
from store.database import open_engine
from store.schema import metadata

KINDS = (Kind.NEWS, Kind.NOTICE, Kind.COMPLAINT, Kind.SOCIAL, Kind.FORUM, Kind.SPOTCHECK, Kind.REVIEW)
ISSUES = ("fire", "defect", "nonconf", "label", "injury", "penalty")
CONDITIONS: Sequence[Mapping[str, Any]] = (
    {"type": "any"},
    {"type": "blacklist", "field": "product", "values": ["ebike", "cable", "rebar"]},
    {"type": "whitelist", "field": "source", "values": ["s1", "s2"]},
    {"type": "frequency", "window": "5d", "at_least": 2},
    {"type": "frequency", "window": "5d", "at_least": 3, "sources": 2, "places": 2},
    {"type": "spike", "window": "2d", "at_least": 2, "ratio": 1.5, "history": 4},
    {"type": "new_term", "window": "5d", "at_least": 2, "lookback": "365d"},
    {"type": "cardinality", "window": "5d", "of": "issue", "at_least": 3},
    {"type": "cardinality", "window": "5d", "of": "place", "at_least": 2},
    {"type": "resonance", "window": "5d", "origins": 3, "voices": 2, "sources": 2},
    {"type": "tier_jump", "window": "5d", "tier": 3, "start": ["social", "complaint"], "to": ["media", "official"]},
    {"type": "ratio", "window": "5d", "at_least": 3, "share": 0.5, "part": {"voices": ["social"]}},
    {"type": "metric", "window": "5d", "of": "hurt", "how": "sum", "at_least": 3},
    {"type": "metric", "window": "5d", "of": "level", "how": "mean", "at_least": 1.5},
    {"type": "metric", "window": "5d", "of": "level", "how": "max", "at_least": 2},
    {"type": "change", "window": "5d", "of": "issue"},
    {
        "type": "chained",
        "window": "9d",
        "steps": [
            {"scope": {"voices": ["complaint", "social"]}, "at_least": 2},
            {"scope": {"voices": ["official"]}},
        ],
    },
    {
        "type": "chained",
        "window": "9d",
        "ordered": False,
        "steps": [
            {"scope": {"voices": ["complaint"]}, "at_least": 2, "window": "2d"},
            {"scope": {"voices": ["media", "official"]}},
        ],
    },
)
GROUPS = (["matter"], ["all"], ["firm"], ["product", "issue"], ["prefecture"])
SINGLE = ("any", "blacklist", "whitelist")


@cache
def world() -> tuple[EngineParts, tuple[RegistryEntry, ...]]:
    """What an engine is made of, without rules; the registry."""
    config = PROJECT / "config"
    lexicon = load_lexicon(config)
    registry = load_registry_csv(config / "lexicons" / "enterprises_demo.csv")
    find = {entry.id: entry for entry in registry}.get
    queries = queries_of(lexicon, registry)
    return EngineParts((), lexicon, load_grouping(config), find, ACK_HOURS, None, queries), registry


def rule_of(condition: Mapping[str, Any], groups: Sequence[str] = ("matter",), **more: Any) -> Rule:
    """A rule that counts every signal."""
    words = {"id": "tried", "title": "试验", "why": "试验", "level": "yellow", "group_by": list(groups)}
    return Rule.model_validate({**words, "condition": dict(condition), **more})


@cache
def _schema() -> bytes:
    """An empty database as SQLite keeps it: making 80 tables takes a tenth of a second, copying them none."""
    engine = open_engine("sqlite://")
    with engine.begin() as db:
        metadata.create_all(db)
    with closing(engine.raw_connection()) as raw:
        held: bytes = raw.driver_connection.serialize()  # type: ignore[union-attr]
    engine.dispose()
    return held


@contextmanager
def empty_store() -> Iterator[Connection]:
    """An empty database in memory."""
    engine = open_engine("sqlite://")
    try:
        with closing(engine.raw_connection()) as raw:
            raw.driver_connection.deserialize(_schema())  # type: ignore[union-attr]
        with engine.begin() as db:
            yield db
    finally:
        engine.dispose()


def story(seed: int, length: int, *, changes: bool) -> list[Signal]:
    """Signals in the order they arrive; changes: whether pages change a few hours later, or are taken down."""
    chance = random.Random(seed)
    _, registry = world()
    firms = chance.sample([entry for entry in registry if entry.products], 3)
    told: list[Signal] = []
    hours = 0.0
    for number in range(length):
        hours += chance.choice((0, 0, 1, 5, 20, 60, 100))
        made = _signal(number, hours, firms, chance)
        drawn = chance.random()
        if drawn < 0.15 and told:
            made = _as(made, repost_of=chance.choice(told).document.id)
        elif drawn < 0.25 and changes and (near := _fresh(told, made)):
            before = max(
                (one.document for one in told if one.document.id == near.document.id), key=lambda d: d.revision
            )
            made = _as(made, id=before.id, revision=before.revision + 1, source=before.source)
        told.append(made)
        if changes and chance.random() < 0.05:
            last = {one.document.id: one for one in told}
            gone = chance.choice(sorted(last.values(), key=lambda one: one.document.id))
            if gone.document.withdrawn_at is None:
                told.append(_as(gone, withdrawn_at=made.document.event_time))
    return told


def _fresh(told: Sequence[Signal], made: Signal) -> Signal | None:
    day = timedelta(hours=30)
    near = [one for one in told if made.document.event_time - one.document.event_time < day]
    return near[-1] if near else None


def _as(signal: Signal, **changes: Any) -> Signal:
    return replace(signal, document=replace(signal.document, **changes))


def _signal(number: int, hours: float, firms: Sequence[RegistryEntry], chance: random.Random) -> Signal:
    firm, named = chance.choice(firms), chance.random()
    told = ExampleDocument(
        at=hours,
        kind=chance.choice(KINDS),
        source=f"s{chance.randrange(5)}",
        product=firm.products[0] if chance.random() < 0.9 else None,
        enterprise=firm.id if named < 0.5 else "NIL:某电器" if named < 0.6 else None,
        jurisdiction=firm.region_code if chance.random() < 0.8 else "",
        issues=tuple(chance.sample(ISSUES, chance.choice((1, 1, 2)))),
        level=chance.choice((0, 1, 1, 2, 3)),
        title="示例 QX-2345 型" if chance.random() < 0.15 else "示例",
        casualties={"injured": chance.choice((1, 2))} if chance.random() < 0.2 else {},
        places=(chance.choice(firms).region_code,) if chance.random() < 0.3 else (),
    )
    [signal] = signals_of([told])
    signal = _as(signal, id=f"m{number:04d}", content_hash=f"m{number}")
    if not signal.analysis.is_risk and chance.random() < 0.5:
        cleared = Mention(0, 1, "示", MentionType.ENTERPRISE, firm.id, negated=False)
        analysis = replace(signal.analysis, stance="refutation", mentions=(cleared,), primary_enterprise=None)
        return replace(signal, analysis=analysis)
    return signal
