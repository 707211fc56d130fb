"""A small desk for tests: the sample pack as an analysed store (its annotations stand in for the reading), six alerts
with findings and history, runs, jobs and deliveries; and the real server over it, in a thread or as a program.

Run it by hand: `python -m tests.desk_server FOLDER PORT` prints the address that signs the first administrator in.
"""

import atexit
import re
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import Connection

from alerts.feeds import FeedWriter
from alerts.lifecycle import act
from alerts.router import Router
from alerts.rule_examples import ACK_HOURS
from alerts.rule_query import queries_of
from alerts.setup import EngineParts, duty_of
from config.clusters import load_clusters
from config.grouping import load_grouping
from config.intake import load_intake
from config.laws import load_laws
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.orgs import load_orgs
from config.progress import load_progress
from config.reporting import load_reporting
from config.rules import Rule
from config.settings import PROJECT, Settings
from config.sources import SourceConfig, parse_source
from config.tiles import load_tiles
from config.weekly import load_weekly
from core.clock import BEIJING, Clock, as_utc
from core.ids import content_hash, document_id, short_id
from core.records import (
    Alert,
    AlertEvent,
    AlertState,
    Analysis,
    Document,
    Finding,
    Kind,
    Mention,
    MentionType,
    Notification,
    RegistryEntry,
)
from demo.sources import SOURCES
from demo.story import read_pack
from nlp.analyze import dictionary_words
from nlp.segment import Segmenter
from search.names import NameTable
from search.open import open_backend
from search.records import entry_of
from search.text import Segmenter as CutWords
from store import alert_log, documents, pulses, runs, source_states
from store.database import Store, check_profile
from store.processes import beat
from store.registry import save_entries
from store.schema import documents as table
from web.app import entry_path
from web.server import make_server
from web.services import Services

DAY_ZERO = datetime(2026, 11, 23, tzinfo=BEIJING)
NOW = as_utc(datetime(2026, 11, 23, 14, 32, tzinfo=BEIJING))
CONFIG = PROJECT / "config"
PACK_KINDS = {"popsci": Kind.NEWS, "ad": Kind.NEWS}
TITLES = {
    "jx_amr_notice": "江西省市场监督管理局 通知公告",
    "nc_amr": "南昌市市场监督管理局",
    "hongcheng_evening": "洪城晚报网",
    "ganjiang_daily": "赣江日报",
    "complaint_board": "消诉网",
    "gan_forum": "赣人论坛",
    "microblog": "微帖",
    "national_wire": "国讯社",
    "emergency": "事故快报",
    "county_media": "县融媒联播",
    "recall_centre": "缺陷产品召回信息",
    "ask_jiangxi": "问政赣鄱",
    "export_12315": "12315 导出表",
    "jx_amr_spotcheck": "江西省市场监督管理局 监督抽查",
}


def read_rules() -> tuple[Rule, ...]:
    """Two rules of the test's own: what the project's files say may change."""
    example = {"fires": [[{"product": "ebike"}]], "quiet": [[{"level": 0}]]}
    fire = {
        "title": "同类产品起火、受伤信号激增", "why": "起火危及生命；多个独立来源说同一产品，多为批次问题",
        "condition": {"type": "spike", "window": "24h", "at_least": 4, "ratio": 3}, "level": "orange",
        "scope": {"products": ["key"], "issues": ["fire", "explosion"]}, "examples": example,
    }  # fmt: skip
    failed = {
        "title": "监督抽查不合格",
        "why": "抽查结论由官方作出，须跟到整改", "condition": {"type": "any"}, "level": "yellow",
        "scope": {"kinds": ["spotcheck"]}, "examples": example,
    }  # fmt: skip
    return (
        Rule.model_validate({"id": "product_fire", **fire}),
        Rule.model_validate({"id": "spotcheck_fail", **failed}),
    )


def read_parts(lexicon: Lexicon) -> EngineParts:
    """What rules of the desk are made with: the two rules above, the words of the lexicon, the demo's firms."""
    registry = load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")
    firms = {entry.id: entry for entry in registry}
    return EngineParts(
        read_rules(), lexicon, load_grouping(CONFIG), firms.get, ACK_HOURS, None,
        queries_of(lexicon, registry, sources=read_sources()), duty=duty_of(CONFIG),
    )  # fmt: skip


@cache
def read_lexicon() -> Lexicon:
    """The project's own lexicon."""
    return load_lexicon(CONFIG)


@cache
def read_segmenter() -> CutWords:
    """Cuts texts with the words of the lexicon."""
    return Segmenter(dictionary_words(read_lexicon(), ())).words


@cache
def read_sources() -> tuple[SourceConfig, ...]:
    """The pack's sources, as plain feeds."""
    kinds = {row["source"]: PACK_KINDS.get(row["kind"], row["kind"]) for row in read_pack()}
    base = {"family": "feed", "list_url": "http://127.0.0.1/feed", "every": "30m"}
    return tuple(
        parse_source(key, {**base, "title": TITLES.get(key, SOURCES[key].title), "kind": str(kind)})
        for key, kind in sorted(kinds.items())
    )


ILL = {
    "gz_amr": ("layout_changed", "列表页结构改变：找不到 ul.notices li"),
    "gan_forum": ("silent", "31 小时没有新内容，通常应有约 24 篇；近八周最长间隔 12 小时"),
    "microblog": ("surging", "今日已有 212 篇，这样的一天通常约 38.0 篇"),
    "national_wire": ("blocked", "http://127.0.0.1/feed: HTTP 412"),
}


def moment(day: int, time: str = "00:00") -> datetime:
    """A moment of the pack, UTC."""
    hours, minutes = time.split(":")
    return as_utc(DAY_ZERO + timedelta(days=day, hours=int(hours), minutes=int(minutes)))


def _kind(row: dict[str, Any]) -> Kind:
    return Kind(PACK_KINDS.get(row["kind"], row["kind"]))


class Reader:
    """Marks dictionary words; enough to draw evidence with."""

    def __init__(self, lexicon: Lexicon, registry: tuple[RegistryEntry, ...]) -> None:
        words: dict[str, tuple[MentionType, str]] = {}
        for product in lexicon.products.values():
            words |= {term: (MentionType.PRODUCT, product.id) for term in product.terms if len(term) > 1}
        for issue in lexicon.issues.values():
            words |= {cue: (MentionType.ISSUE, issue.id) for cue in issue.cues if len(cue) > 1}
        for region in lexicon.regions:
            words[region.name] = (MentionType.REGION, region.code)
        for entry in registry:
            words |= dict.fromkeys((entry.name, *entry.short_names), (MentionType.ENTERPRISE, entry.id))
        self.words, self.issues = words, lexicon.issues
        self.pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """The words of the dictionaries in `text`, those after 未 or 无 negated."""
        found = []
        for match in self.pattern.finditer(text):
            kind, norm = self.words[match[0]]
            negated = kind is MentionType.ISSUE and text[max(0, match.start() - 4) : match.start()].find("未") >= 0
            found.append(Mention(match.start(), match.end(), match[0], kind, norm, negated=negated, rule="dictionary"))
        return tuple(found)

    def analysis(self, title: str, text: str, truth: dict[str, Any]) -> Analysis:
        """An analysis with the annotator's judgement."""
        spans = self.mentions(text)

        def asserted(kind: MentionType) -> tuple[str, ...]:
            ids = [m.id_or_norm for m in spans if m.type is kind and not m.negated and m.id_or_norm]
            return tuple(dict.fromkeys(ids))

        issues = asserted(MentionType.ISSUE)
        return Analysis(
            is_risk=truth["is_risk"], level=truth["level"], score=0.9 if truth["is_risk"] else 0.1,
            primary_product=truth["product"], primary_enterprise=truth["enterprise"],
            jurisdiction_code=truth["jurisdiction"], mentions=spans, title_mentions=self.mentions(title),
            issues=issues, products=asserted(MentionType.PRODUCT), enterprises=asserted(MentionType.ENTERPRISE),
            regions=asserted(MentionType.REGION), reasons=tuple(f"提到{self.issues[issue].name}" for issue in issues),
            masked_title=title, masked_text=text, version="test",
        )  # fmt: skip


def fill(store: Store, lexicon: Lexicon) -> None:
    """Put everything in. About a second."""
    registry = load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")
    rows = [row for row in read_pack() if moment(row["day"], row["time"]) <= NOW]
    with store.write() as db:
        check_profile(db, "demo")
        save_entries(db, registry, now=NOW)
        made = _fill_documents(db, rows, Reader(lexicon, registry))
        _fill_alerts(db, rows, made)
        _fill_runs(db)


def _fill_documents(db: Connection, rows: list[dict[str, Any]], reader: Reader) -> dict[str, Document]:
    made: dict[str, Document] = {}
    for row in rows:
        first = row["id"]
        revision = 1
        if row["revision_of"] in made:
            before = made[row["revision_of"]]
            first, revision = before.url.rsplit("/", 1)[1], before.revision + 1
        at = moment(row["day"], row["time"])
        url = f"https://{row['source'].replace('_', '-')}.example/{first}"
        origin = made.get(row["repost_of"] or "")
        document = Document(
            id=document_id(row["source"], url), source=row["source"], kind=_kind(row),
            url=url, canonical_url=url, title=row["title"], text=row["text"], event_time=at, published=at,
            fetched_at=at + timedelta(minutes=2), stored_at=at + timedelta(minutes=2), revision=revision,
            content_hash=content_hash(row["title"], row["text"]), repost_of=origin.id if origin else None,
            withdrawn_at=moment(row["withdrawn_day"], "12:00") if row["withdrawn_day"] is not None else None,
            tables=tuple(tuple(tuple(cells) for cells in rows) for rows in row.get("tables") or ()),
        )  # fmt: skip
        made[row["id"]] = document
        documents.add_revision(db, document, external_id=first, raw={})
        columns = documents.analysis_columns(reader.analysis(row["title"], row["text"], row["truth"]))
        mine = (table.c.id == document.id) & (table.c.revision == revision)
        db.execute(table.update().where(mine).values(**columns, stage=documents.INDEXED))
    return made


STORIES = (
    # incident, title, level, rule, state, updated (day, time), hours to the limit
    ("I1", "云骓牌电动自行车电池起火，南昌、赣州两地有人伤亡", 3, "product_fire", AlertState.NEW, (0, "13:19"), 2.0),
    ("I2", "监督抽查不合格线缆在另一设区市再现同一型号", 2, "spotcheck_fail", AlertState.NEW, (0, "06:20"), 8.0),
    ("I3", "燃气热水器致三人一氧化碳中毒", 3, "product_fire", AlertState.ACCEPTED, (-1, "09:10"), 40.0),
    ("I4", "热轧带肋钢筋重量偏差不合格，流向四地工地", 3, "spotcheck_fail", AlertState.NEW, (0, "10:12"), 8.0),
    ("I5", "万载一花炮厂爆炸", 4, "product_fire", AlertState.DISPATCHED, (-2, "08:00"), 72.0),
    ("I6", "境外召回充电器与本省企业出口型号一致", 2, "product_fire", AlertState.CLOSED, (-5, "16:00"), 24.0),
)


def _fill_alerts(db: Connection, rows: list[dict[str, Any]], made: dict[str, Document]) -> None:
    for number, (incident, title, level, rule, state, when, hours) in enumerate(STORIES, start=1):
        mine = [row for row in rows if row["incident"] == incident and row["truth"]["is_risk"]]
        ids = tuple(dict.fromkeys(made[row["id"]].id for row in mine))
        updated, first = moment(*when), made[mine[0]["id"]].event_time
        places = tuple(dict.fromkeys(row["truth"]["jurisdiction"] for row in mine if row["truth"]["jurisdiction"]))
        firms = tuple(dict.fromkeys(row["truth"]["enterprise"] for row in mine if row["truth"]["enterprise"]))[:2]
        products = tuple(dict.fromkeys(row["truth"]["product"] for row in mine if row["truth"]["product"]))[:2]
        origins = sum(made[row["id"]].repost_of is None for row in mine)
        finding = Finding(
            id=short_id("f", incident), rule=rule, rule_version="1", key=products[0], level=level,
            window_start=updated - timedelta(days=1), window_end=updated, fired_at=updated,
            reason=f"24 小时内信号 {len(ids)} 条，常态 1.2 条，上限 4 条；独立来源 {origins} 个",
            documents=ids, numbers={"count": len(ids), "usual": 1.2, "needed": 4},
        )  # fmt: skip
        alert = Alert(
            id=short_id("a", incident), number=f"YJ-2026-{number:04d}", subject=incident, level=level, state=state,
            first_at=first, updated_at=updated, created_at=updated, title=title, rule=rule, reason=finding.reason,
            products=products, enterprises=firms, issues=("fire",), territory=places[0], territories=places,
            documents=ids, findings=(finding.id,), origins=origins, due_at=updated + timedelta(hours=hours),
        )  # fmt: skip
        alert_log.save_alert(db, alert, details={})
        alert_log.add_finding(db, finding, alert=alert.id, now=updated)
        event = AlertEvent(alert.id, 1, updated, updated, "system", "opened", level, AlertState.NEW, finding.reason)
        alert_log.add_history(db, event)
        if state is not AlertState.NEW:
            later = updated + timedelta(minutes=20)
            second = replace(
                event, number=2, at=later, story_at=later, actor="admin", action="accept", state=state, note=""
            )
            alert_log.add_history(db, second)
        mail = Notification(short_id("n", incident), "mail", "desk@example.org", title, title, "", alert.id, level)
        alert_log.add_delivery(db, mail, now=updated)


def _fill_runs(db: Connection) -> None:
    for number, source in enumerate(read_sources()):
        for back in range(6):
            at = NOW - timedelta(minutes=30 * back + number)
            runs.ask_for_run(db, source.key, reason="schedule", now=at)
            run = runs.claim_run(db, who="crawler", now=at)
            assert run is not None
            failed = source.key == "gz_amr" and back < 3
            runs.finish_run(
                db, run.id, status="changed" if failed else "ok", counts={"new": back % 2, "unchanged": 3},
                problems=["列表页结构改变：找不到 ul.notices li"] if failed else [], now=at + timedelta(seconds=2),
            )  # fmt: skip
        _fill_pulse(db, source, number)
    runs.save_job(db, "watch", what="预警巡检", trigger="每 20 秒", next_at=NOW + timedelta(seconds=20))
    for name in ("crawler", "worker", "indexer", "sender", "scheduler"):
        beat(db, name, pid=100, now=NOW)


def _fill_pulse(db: Connection, source: SourceConfig, number: int) -> None:
    """How a source beats: one of its own in each state, the rest well."""
    state, why = ILL.get(source.key, (source_states.WELL, "列表 20 行"))
    trouble = {"layout_changed": "changed", "blocked": "blocked"}.get(state, "ok")
    pace, last = 1800.0 * 1.25 ** (number % 5), NOW - timedelta(minutes=number)
    hours = tuple(3.0 if 8 <= hour < 11 or 14 <= hour < 17 else 0.2 for hour in range(24))
    pulse = pulses.Pulse(
        source=source.key, every=1800.0, pace=pace, next_at=last + timedelta(seconds=pace), run_at=last,
        why="没有新内容，间隔由 30 分放到 38 分", first_read_at=NOW - timedelta(days=70), read_at=last, ok_at=last,
        news_at=last, newest=last, rows=20, trouble=trouble, trouble_why=why if trouble != "ok" else "", failures=0,
        hours=hours,
    )  # fmt: skip
    pulses.save_pulse(db, pulse)
    today = NOW.astimezone(BEIJING).toordinal()
    for back in range(60):
        for _ in range((back * 7 + number) % 5 + (3 if (today - back) % 7 not in (6, 0) else 0)):
            pulses.count_found(db, source.key, today - back)
        pulses.count_read(db, source.key, today - back, 3600.0 * (4 + back % 9))
    source_states.add_change(
        db, source_states.StateChange(source.key, None, source_states.WELL, NOW - timedelta(days=70), "列表 20 行")
    )
    if state != source_states.WELL:
        began = NOW - timedelta(days=number % 3, hours=2, minutes=7 * number)
        source_states.add_change(db, source_states.StateChange(source.key, source_states.WELL, state, began, why))


elsewhere: list[Callable[[Path, bool], str | None]] = []
"""Where a desk's store stands instead of its folder, by the folder: `pytest --store=postgresql` puts one in."""


def make_services(folder: Path, *, clock: Clock | None = None, **more: Any) -> Services:
    """Services over a filled store in `folder`; the clock stands at NOW, plus what really passes."""
    fresh = not (folder / "fengsui.db").exists()
    if fresh:
        shutil.copytree(filled_folder(), folder, dirs_exist_ok=True)
    url = elsewhere[0](folder, fresh) if elsewhere else None
    settings = Settings(
        profile="demo", data=folder, database_url=url, searches_per_minute=100_000, exports_per_minute=100_000
    )
    lexicon, segmenter = read_lexicon(), read_segmenter()
    started = datetime.now(UTC)
    ticking = clock or (lambda: NOW + (datetime.now(UTC) - started))
    values: dict[str, Any] = {
        **configured(),
        "search": open_backend(settings, words=segmenter, write=True),
        "act": act,
        "render_feed": FeedWriter(settings.public_url, lexicon),
        "clock": ticking,
        "story": ticking,
        **more,
    }
    return Services(store=Store(settings.database), settings=settings, lexicon=lexicon, **values)


@cache
def configured() -> Mapping[str, Any]:
    """What a desk is made of that no test changes: reading it takes a sixth of a second."""
    lexicon = read_lexicon()
    firms = {entry.id: entry for entry in load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")}
    return {
        "segmenter": read_segmenter(),
        "router": Router(load_orgs(CONFIG, lexicon), lexicon, firms.get),
        "query_names": _names(lexicon),
        "synonyms": lexicon.synonyms,
        "sources": read_sources(),
        "rules": read_rules(),
        "rule_parts": read_parts(lexicon),
        "laws": load_laws(CONFIG, issues=lexicon.issues),
        "clusters": load_clusters(CONFIG),
        "tiles": load_tiles(CONFIG, lexicon.regions),
        "weekly": load_weekly(CONFIG),
        "progress": load_progress(CONFIG),
        "intake": load_intake(CONFIG),
        "reporting": load_reporting(CONFIG, lexicon.regions),
    }


@cache
def filled_folder() -> Path:
    """A folder with store and index, filled once for the process and to be copied: filling takes two seconds."""
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = Settings(profile="demo", data=folder)
    store = Store(settings.database)
    store.migrate()
    fill(store, read_lexicon())
    with store.read() as db:
        signals = [signal for _, signal in documents.signals_after(db, 0, limit=1000)]
    store.close()
    index = open_backend(settings, words=read_segmenter(), write=True)
    index.index([entry_of(signal, read_segmenter()) for signal in signals])
    index.refresh()
    index.close()
    return folder


def _names(lexicon: Lexicon) -> NameTable:
    places = [(name, place.code) for place in lexicon.regions for name in (place.name, place.short_name)]
    products = [(product.name, product.id) for product in lexicon.products.values()]
    return NameTable({"products": products, "territory": places, "regions": places})


@dataclass(frozen=True)
class RunningDesk:
    """A real server on 127.0.0.1."""

    base: str
    services: Services

    def entry(self) -> str:
        """A fresh address that signs the first administrator in."""
        with self.services.store.write() as db:
            return self.base + entry_path(db, services=self.services)


@contextmanager
def running_desk(services: Services) -> Iterator[RunningDesk]:
    """Serve `services` in a thread, on a free port, until the block ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = make_server(services, host="127.0.0.1", port=0)
    ready = threading.Event()
    startup = server.startup

    async def tell(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = tell  # type: ignore[method-assign]  # the only way to know without asking again and again
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield RunningDesk(f"http://127.0.0.1:{listener.getsockname()[1]}", services)
    finally:
        services.stopping.set()
        server.should_exit = True
        thread.join(10)


def main() -> None:
    """Serve by hand until Ctrl-C; port 0 takes a free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[2])))
    listener.listen()
    services = make_services(Path(sys.argv[1]))
    with services.store.write() as db:
        path = entry_path(db, services=services)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}{path}", flush=True)
    make_server(services, host="127.0.0.1", port=0).run([listener])


if __name__ == "__main__":
    main()
