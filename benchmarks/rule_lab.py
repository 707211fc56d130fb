"""What the rule lab costs on a year of documents: seconds a condition type, and the most memory it takes.

    python -m benchmarks.rule_lab                     500,000 documents of a year, every condition type
    python -m benchmarks.rule_lab --documents 50000   fewer
    python -m benchmarks.rule_lab --store lab.db      makes the store there, or takes the one that is there
    python -m benchmarks.rule_lab --only spike query  some of them

Documents are made up: firms, products, issues and places by Zipf's law, a third of the signals reposts, texts of 250
characters from templates, outbreaks on some firms, notices after some of them. Each type runs in a process of its own.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from alerts.cards import View, card_of, keys_of, stored
from alerts.lab.report import as_json
from alerts.lab.run import LabAsk, run_lab
from alerts.lab.series import CALENDAR_NB, Detector
from alerts.rule_query import queries_of
from alerts.setup import EngineParts
from config.calendar_classes import load_calendar
from config.grouping import load_grouping
from config.lexicon import load_lexicon, load_registry_csv
from config.rules import Rule
from config.settings import PROJECT
from core.records import Analysis, Document, Kind, RegistryEntry, Signal
from store.database import Store
from store.documents import analysis_columns
from store.schema import documents, signal_cards, signal_keys

END = datetime(2026, 11, 20, tzinfo=UTC)
KINDS = (
    (Kind.NEWS, 22), (Kind.NOTICE, 8), (Kind.SPOTCHECK, 5), (Kind.RECALL, 1), (Kind.COMPLAINT, 24), (Kind.SOCIAL, 20),
    (Kind.FORUM, 10), (Kind.HOTLIST, 5), (Kind.REVIEW, 5),
)  # fmt: skip
WORDS = {
    "defect": "断裂", "nonconf": "不合格", "complaint": "投诉", "label": "标识不全", "fire": "起火", "lowq": "三无",
    "injury": "受伤", "penalty": "处罚", "leak": "漏气", "explosion": "爆炸", "recall": "召回",
}  # fmt: skip
ISSUES = tuple(WORDS)
FILLER = (
    "记者从市场监管部门了解到，近期消费者反映较多的几类商品已经列入重点检查范围。",
    "当事人表示商品购买不足三个月，多次联系商家未得到答复，希望有关部门介入。",
    "专家提醒选购时留意强制性认证标志，保留发票等凭证，发现问题及时向属地反映。",
    "执法人员现场查看了进货台账和检验报告，对涉事批次采取了先行登记保存措施。",
)
RISKY, REPOSTED, REVISED = 0.45, 0.33, 0.01
BATCH = 5_000

RULES: dict[str, dict[str, Any]] = {
    "any": {"scope": {"min_level": 2}, "condition": {"type": "any"}},
    "any (every signal)": {"condition": {"type": "any"}},
    "blacklist": {"condition": {"type": "blacklist", "field": "product", "values": ["ebike", "ebike_power"]}},
    "whitelist": {"condition": {"type": "whitelist", "field": "issue", "values": ["label", "complaint", "defect"]}},
    "frequency": {"condition": {"type": "frequency", "window": "7d", "at_least": 8, "sources": 2}},
    "frequency (product, issue)": {
        "condition": {"type": "frequency", "window": "7d", "at_least": 30, "places": 3},
        "group_by": ["product", "issue"],
    },
    "frequency (all)": {"condition": {"type": "frequency", "window": "7d", "at_least": 5000}, "group_by": ["all"]},
    "spike": {
        "condition": {"type": "spike", "window": "3d", "at_least": 6, "ratio": 3, "places": 2},
        "group_by": ["product", "issue"],
    },
    "new_term": {
        "condition": {"type": "new_term", "window": "7d", "lookback": "365d"},
        "group_by": ["matter", "issue"],
    },
    "new_term (firm, issue)": {
        "condition": {"type": "new_term", "window": "7d", "lookback": "180d", "at_least": 2},
        "group_by": ["firm", "issue"],
    },
    "cardinality": {
        "condition": {"type": "cardinality", "window": "7d", "of": "firm", "at_least": 5},
        "group_by": ["product", "issue"],
    },
    "resonance": {"condition": {"type": "resonance", "window": "7d", "origins": 4, "voices": 3}},
    "tier_jump": {"condition": {"type": "tier_jump", "window": "7d"}, "group_by": ["firm"]},
    "ratio": {
        "condition": {"type": "ratio", "window": "7d", "at_least": 10, "share": 0.4, "part": {"issues": ["fire"]}},
        "group_by": ["product"],
    },
    "metric": {
        "condition": {"type": "metric", "window": "7d", "of": "hurt", "how": "sum", "at_least": 5},
        "group_by": ["product"],
    },
    "change": {"condition": {"type": "change", "window": "7d", "of": "issue"}, "group_by": ["firm"]},
    "chained": {
        "condition": {
            "type": "chained",
            "window": "90d",
            "steps": [
                {"scope": {"kinds": ["complaint"]}, "at_least": 3, "window": "14d"},
                {"scope": {"kinds": ["spotcheck"]}},
                {"scope": {"kinds": ["recall"]}},
            ],
        },
        "group_by": ["firm"],
    },
    "text": {"scope": {"text": ["强制性认证"]}, "condition": {"type": "frequency", "window": "7d", "at_least": 5}},
    "query": {
        "scope": {"query": "起火 or 爆炸"},
        "group_by": ["product"],
        "condition": {"type": "frequency", "window": "7d", "at_least": 10},
    },
    "query (narrowed)": {
        "scope": {"query": "起火 and 正文:台账", "issues": ["fire"]},
        "group_by": ["product"],
        "condition": {"type": "frequency", "window": "7d", "at_least": 10},
    },
    CALENDAR_NB: {"condition": {"type": "frequency", "window": "1d", "at_least": 2}, "group_by": ["product", "issue"]},
}


@dataclass(frozen=True)
class World:
    """What is loaded once."""

    parts: EngineParts
    registry: tuple[RegistryEntry, ...]
    view: View


def world() -> World:
    """The shipped dictionaries and the demo's registry."""
    config = PROJECT / "config"
    lexicon = load_lexicon(config)
    registry = load_registry_csv(config / "lexicons" / "enterprises_demo.csv")
    find = {entry.id: entry for entry in registry}.get
    parts = EngineParts((), lexicon, load_grouping(config), find, {}, None, queries_of(lexicon, registry))
    return World(parts, registry, parts.engine().view)


# --- the store --------------------------------------------------------------------------------------------------


def zipf(count: int, exponent: float = 1.0) -> list[float]:
    """Weights of `count` things by Zipf's law."""
    return [1 / (rank + 3) ** exponent for rank in range(count)]


def signals(count: int, known: World) -> Iterator[Signal]:
    """Made-up documents of a year, in order of event time."""
    chance = random.Random(11)
    firms = [entry for entry in known.registry if entry.products]
    chance.shuffle(firms)
    firm_weights, issue_weights = zipf(len(firms)), zipf(len(ISSUES), 1.2)
    kinds, kind_weights = [kind for kind, _ in KINDS], [weight for _, weight in KINDS]
    outbreaks = [(chance.random(), chance.choice(firms), chance.choice(ISSUES[4:8])) for _ in range(60)]
    recent: list[Signal] = []
    for place in range(count):
        share = place / count
        at = END - timedelta(days=365) * (1 - share) + timedelta(seconds=chance.randrange(3600))
        firm = chance.choices(firms, firm_weights)[0]
        issues = tuple(dict.fromkeys(chance.choices(ISSUES, issue_weights, k=chance.choice((1, 1, 2)))))
        risk = chance.random() < RISKY
        running = [one for one in outbreaks if one[0] <= share < one[0] + 0.02]
        if running and chance.random() < 0.05:
            _, firm, issue = chance.choice(running)
            issues, risk = (issue,), True
        kind = chance.choices(kinds, kind_weights)[0]
        made = _signal(place, at, kind, firm, issues, risk, chance)
        if risk and recent and chance.random() < REPOSTED:
            origin = chance.choice(recent[-400:])
            copied = replace(made.document, repost_of=origin.document.repost_of or origin.document.id)
            made = Signal(copied, replace(origin.analysis, version="bench"))
        elif risk and recent and chance.random() < REVISED:
            before = chance.choice(recent[-50:]).document
            made = Signal(replace(made.document, id=before.id, revision=before.revision + 1), made.analysis)
            recent = [one for one in recent if one.document.id != before.id]
        elif risk:
            recent = [*recent[-400:], made]
        yield made


def _signal(
    place: int,
    at: datetime,
    kind: Kind,
    firm: RegistryEntry,
    issues: tuple[str, ...],
    risk: bool,
    chance: random.Random,
) -> Signal:
    told = "、".join(WORDS[issue] for issue in issues)
    name = firm.short_names[0] if firm.short_names else firm.name
    title = f"{name}产品被反映{told}（第 {place} 号）"
    text = f"{name}生产的产品近日被反映存在{told}等情况。{''.join(chance.sample(FILLER, 3))}"
    document = Document(
        id=f"b{place:07d}", source=f"s{chance.randrange(60)}", kind=kind, url=f"https://example.invalid/{place}",
        canonical_url=f"https://example.invalid/{place}", title=title, text=text, event_time=at, published=at,
        fetched_at=at, stored_at=at, revision=1, content_hash=f"h{place}",
    )  # fmt: skip
    named = chance.random()
    who = firm.id if named < 0.6 else f"NIL:{name[:2]}制造" if named < 0.7 else None
    hurt = {"injured": chance.choice((1, 1, 2, 3))} if "injury" in issues and chance.random() < 0.5 else {}
    level = chance.choices((1, 2, 3, 4), (60, 28, 10, 2))[0] if risk else 0
    analysis = Analysis(
        is_risk=risk, level=level, score=0.9 if risk else 0.1,
        primary_product=firm.products[0] if chance.random() < 0.9 else None, primary_enterprise=who,
        jurisdiction_code=firm.region_code if chance.random() < 0.85 else None, mentions=(), title_mentions=(),
        issues=issues if risk else (), products=firm.products[:1], enterprises=(who,) if who else (),
        regions=(firm.region_code,) if firm.region_code else (), reasons=("示例理由",), masked_title=title,
        masked_text=text, casualties=hurt,
    )  # fmt: skip
    return Signal(document, analysis)


def fill(store: Store, count: int, known: World) -> None:
    """Write documents, cards and keys as judging them would have, without judging."""
    rows: list[dict[str, Any]] = []
    cards: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for place, signal in enumerate(signals(count, known), 1):
        rows.append(_document_row(signal))
        card = card_of(signal, known.view)
        kept = stored(card)
        cards.append(
            {"document": kept.document, "revision": kept.revision, "at": kept.at, "facts": json.loads(kept.facts)}
        )
        mine = sorted(set(keys_of(card, known.view)))
        keys += [{"key": k, "document": kept.document, "revision": kept.revision, "at": kept.at} for k in mine]
        if place % BATCH == 0 or place == count:
            with store.write() as db:
                for table, some in ((documents, rows), (signal_cards, cards), (signal_keys, keys)):
                    if some:
                        db.execute(insert(table), some)
            rows, cards, keys = [], [], []
            print(f"{place:,} documents made", file=sys.stderr, flush=True)
    with store.write() as db:  # each revision ends where the next one begins
        later = "FROM signal_cards AS l WHERE l.document = signal_cards.document AND l.revision > signal_cards.revision"
        db.exec_driver_sql(
            f"UPDATE signal_cards SET until = (SELECT min(l.at) {later}) WHERE EXISTS (SELECT 1 {later})"
        )


def _document_row(signal: Signal) -> dict[str, Any]:
    document = signal.document
    values = {name: getattr(document, name) for name in Document.__dataclass_fields__ if name != "archive"}
    values |= {"kind": document.kind.value, "fields": {}, "tables": [], "attachments": [], "flags": []}
    values |= {"external_id": "", "latest": True, "raw": {"title": document.title, "text": document.text}}
    return values | {"stage": "indexed", **analysis_columns(signal.analysis)}


# --- measuring --------------------------------------------------------------------------------------------------


def rule_of(name: str) -> Rule:
    """One of RULES."""
    words = {"title": name, "why": "benchmark", "level": "yellow", **RULES[name]}
    return Rule.model_validate({"id": "bench", **words})


def measure(name: str, address: str) -> dict[str, Any]:
    """One rule in this process: seconds of all and of the parts, the most memory, what came of it."""
    known = world()
    store = Store(address)
    detector = Detector(CALENDAR_NB, {}, load_calendar(PROJECT / "config")) if name == CALENDAR_NB else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, used = time.perf_counter(), time.process_time()
    ask = LabAsk(timedelta(days=365), budget=5.0, floor=0.3)
    told = as_json(run_lab(store, rule_of(name), known.parts, ask, now=END + timedelta(days=1), detector=detector))
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu": round(time.process_time() - used, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "before_mb": round(before / 1024),
        "signals": told["signals"],
        "counted": told["counted"],
        "findings": told["findings"],
        "alerts": told["alerts"]["total"],
        "known": told["incidents"]["known"],
        "caught": told["incidents"]["caught"],
        "points": sum(len(curve["points"]) for curve in told["curves"]),
    }


def run(address: str, names: Sequence[str]) -> None:
    """Each rule in a process of its own, one after the other."""
    print(f"{'rule':28} {'seconds':>8} {'cpu':>6} {'MB':>6} {'counted':>9} {'findings':>9} {'alerts':>8} {'points':>7}")
    for name in names:
        words = [sys.executable, "-m", "benchmarks.rule_lab", "--measure", name, "--store", address]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name:28} failed: {done.stderr.strip().splitlines()[-1:]}")
            continue
        told = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{name:28} {told['seconds']:8.1f} {told['cpu']:6.1f} {told['peak_mb']:6} {told['counted']:9,}"
            f" {told['findings']:9,} {told['alerts']:8,} {told['points']:7}",
            flush=True,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, default=500_000)
    parser.add_argument("--store", type=str)
    parser.add_argument("--only", nargs="*", choices=list(RULES))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.store)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(options.store) if options.store else Path(folder) / "lab.db"
        address, fresh = f"sqlite:///{path}", not path.exists()
        if fresh:
            store = Store(address, synchronous="NORMAL")
            store.migrate()
            began = time.perf_counter()
            fill(store, options.documents, world())
            store.close()
            print(f"{options.documents:,} documents made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        run(address, options.only or list(RULES))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
