"""`fengsui doctor`: what is reachable and healthy, and what to do where it is not."""

import json
import shutil
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

import typer

from alerts.source_health.verdict import STATE_WORDS, Verdict
from charts.png import has_chinese
from commands.assemble import open_index
from commands.doctor_looks import (
    Finding,
    look_at_channels,
    look_at_clock,
    look_at_durability,
    look_at_leader,
    look_at_model,
    look_at_pressure,
    look_at_queue,
    look_at_watching,
)
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.source_watching import source_watch_of
from commands.stores import open_store
from config.elastic_access import warnings_about
from config.keeping import load_keeping
from config.settings import Settings
from core.clock import iso_beijing, system_clock
from core.durations import duration_words
from core.errors import FengsuiError
from crawlers.problem_words import in_chinese
from keeping.check import Budget, check_kept
from keeping.erase import unfinished
from store.backups import last_backup, state_of
from store.canaries import newest
from store.checks import last_check
from store.database import Store
from store.documents import QUARANTINED, SETTLED, count_by_stage, count_documents
from store.processes import list_processes, missed, stale
from store.pulses import Pulse, all_pulses
from store.runs import SourceHealth, lateness, list_jobs, source_health
from store.source_states import WELL, StateChange, present_states
from web.health import complete_health, index_lag

FREE_GB = 2.0
LATELY = timedelta(hours=1)
LATE_SECONDS = 60.0
"""How late the twentieth of all visits may be."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(doctor)


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="逐页核对全部存档、材料和库 (reads everything that is kept)")
    ] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """各部分是否正常、如何处理 (what is healthy, with remedies). Exit 1 when something is not."""
    settings = settings_of(data, profile, log_level="ERROR")
    found = list(examine(settings, deep=deep))
    well = all(one.ok is not False for one in found)
    if as_json:
        print(json.dumps({"ok": well, "checks": [asdict(one) for one in found]}, ensure_ascii=False))
    else:
        for one in found:
            mark = {True: "正常", False: "异常", None: "未设"}[one.ok]
            print(
                f"{mark}  {one.name}：{one.detail}" + (f"；{one.remedy}" if one.remedy and one.ok is not True else "")
            )
    if not well:
        raise typer.Exit(1)


def examine(settings: Settings, *, deep: bool = False) -> Iterator[Finding]:
    """Look at everything once; a failing look is a finding, never an exception."""
    try:
        store = open_store(settings)
    except FengsuiError as problem:
        remedies = {"已损坏": "fengsui restore 目录 --only store", "连不上": "数据库恢复后各进程自己接着做"}
        remedy = next((do for word, do in remedies.items() if word in str(problem)), "fengsui migrate")
        yield Finding("数据库", False, str(problem), remedy)
        return
    looks: list[Callable[[], Iterator[Finding]]] = [
        lambda: _store(settings, store),
        lambda: _index(settings, store),
        lambda: look_at_pressure(settings, store),
        lambda: look_at_queue(store),
        lambda: look_at_clock(store),
        lambda: look_at_durability(store),
        lambda: _processes(store),
        lambda: look_at_leader(store),
        lambda: _jobs(store),
        lambda: _sources(settings, store),
        lambda: _canary(store),
        lambda: _mail(settings),
        lambda: look_at_channels(settings, store),
        lambda: look_at_watching(settings),
        lambda: look_at_model(settings),
        lambda: _machine(settings),
        lambda: _backup(settings, store),
        lambda: _kept(settings, store, deep),
    ]
    for look in looks:
        try:
            yield from look()
        except (FengsuiError, OSError) as problem:
            yield Finding("检查", False, str(problem))


def _canary(store: Store) -> Iterator[Finding]:
    with store.read() as db:
        last = next(iter(newest(db)), None)
    if last is None:
        yield Finding("链路自检", None, "还没有过", "系统运行后每小时一次；立即自检用 fengsui canary")
    elif last.failed_at is not None:
        yield Finding(
            "链路自检", False, f"{iso_beijing(last.planted_at)} 未到达订阅：{last.note}", "看各进程是否在运行"
        )
    else:
        told = f"用时 {last.seconds:.1f} 秒" if last.seconds is not None else "进行中"
        yield Finding("链路自检", True, f"{iso_beijing(last.planted_at)} {told}")


def _store(settings: Settings, store: Store) -> Iterator[Finding]:
    with store.read() as db:
        counts, stages = count_documents(db), count_by_stage(db)
    detail = f"{settings.profile}，结构 {store.schema_version()}，文档 {counts['documents']}，信号 {counts['signals']}"
    yield Finding("数据库", True, detail)
    waiting = sum(n for stage, n in stages.items() if stage not in SETTLED)
    yield Finding("队列", True, f"待处理 {waiting}")
    aside = stages.get(QUARANTINED, 0)
    yield Finding("搁置", aside == 0, f"{aside} 件", "在状态页看原因，修正后 fengsui reanalyze")
    with store.read() as db:
        lag = index_lag(db, system_clock())
    since = f"，最早自 {iso_beijing(lag.since)}（{lag.why}）" if lag.since else ""
    yield Finding(
        "索引待写", not lag.sentence, f"{lag.waiting} 件{since}", "系统运行时自动补写；或 fengsui index retry"
    )
    yield Finding("索引拒收", lag.refused == 0, f"{lag.refused} 件", "在状态页看原因，修正后 fengsui index retry")


def _index(settings: Settings, store: Store) -> Iterator[Finding]:
    health = open_index(settings, knowledge_of(settings, store)).health()
    with store.read() as db:
        health = complete_health(db, health)
    generation = f"{health.generation}，" if health.generation else ""
    detail = f"{health.backend}，{generation}{health.documents} 件，{health.detail}"
    yield Finding("索引", health.well, detail, health.remedy or "fengsui reindex")
    for warning in warnings_about(settings.elastic_access):
        yield Finding("索引连接", None, warning)


def _processes(store: Store) -> Iterator[Finding]:
    now = system_clock()
    with store.read() as db:
        known = list_processes(db)
    if not known:
        yield Finding("进程", None, "没有在运行", "make run")
    silent, running = missed(known, now), [one for one in known if not stale(one, now)]
    for process in known:
        detail = f"pid {process.pid}，最近心跳 {iso_beijing(process.beat_at)} {process.note or ''}".strip()
        if not running:
            yield Finding(f"进程 {process.name}", None, detail, "没有在运行：make run")
        elif process in silent:  # the others run: this one is missing
            yield Finding(f"进程 {process.name}", False, detail, "没有心跳：看其日志，重新启动它")
        elif process in running:
            yield Finding(f"进程 {process.name}", True, detail)
        else:
            yield Finding(f"进程 {process.name}", None, detail, "已停，同类的进程在做它的事")


def _jobs(store: Store) -> Iterator[Finding]:
    with store.read() as db:
        for job in list_jobs(db):
            when = iso_beijing(job.next_at) if job.next_at else "—"
            detail = f"{job.trigger}，下次 {when}，上次 {job.last_status or '—'}，错过 {job.misfires} 次"
            yield Finding(f"任务 {job.what}", job.last_status != "failed", detail, job.last_note or "看 scheduler 日志")


def _sources(settings: Settings, store: Store) -> Iterator[Finding]:
    now, watch = system_clock(), source_watch_of(settings, store)
    with store.read() as db:
        verdicts, pulses, present = watch.look(db, now), all_pulses(db), present_states(db)
        late = lateness(db, now - LATELY)
    if late:
        p95 = sorted(late)[int(0.95 * (len(late) - 1))]
        detail = f"近 1 小时按时抓取 {len(late)} 次，p95 迟 {duration_words(timedelta(seconds=p95))}"
        yield Finding("抓取及时", p95 < LATE_SECONDS, detail, "抓取进程跟不上：看 docs/crawling.md")
    for source in watch.sources:
        if not source.enabled:
            continue
        with store.read() as db:
            health = source_health(db, source.key)
        verdict = verdicts.get(source.key)
        if health.last is None:
            yield Finding(f"信源 {source.title}", None, "还没有采集过")
            continue
        detail = _how_it_is(health, verdicts.get(source.key), present.get(source.key), pulses.get(source.key), now)
        ok = health.last.status == "ok" and (verdict is None or verdict.state == WELL)
        why = "；".join(map(in_chinese, health.last.problems[:2]))
        yield Finding(f"信源 {source.title}", ok, detail, why or f"fengsui crawl {source.key}")


def _how_it_is(
    health: SourceHealth, verdict: Verdict | None, present: StateChange | None, pulse: Pulse | None, now: datetime
) -> str:
    """One source's last run, state, interval and next turn, in words."""
    last = health.last.status if health.last else ""
    detail = f"上次 {last}，连续失败 {health.failures_in_a_row} 次，文档 {health.documents}"
    if verdict is not None:
        known = present is not None and present.state == verdict.state != WELL
        since = f"（自 {iso_beijing(present.at)}）" if known and present else ""
        detail += f"，{STATE_WORDS[verdict.state]}{since}" + (f"：{verdict.why}" if verdict.why else "")
    if pulse is not None:
        detail += f"，间隔 {duration_words(timedelta(seconds=pulse.pace))}，下次 {iso_beijing(pulse.next_at)}"
    if health.not_before is not None and health.not_before > now:
        detail += f"，对方要求 {iso_beijing(health.not_before)} 之前不再访问"
    return detail


def _mail(settings: Settings) -> Iterator[Finding]:
    if settings.smtp_url is None:
        yield Finding("邮件", None, "没有设置", "设置 FENGSUI_SMTP_URL、FENGSUI_MAIL_FROM、FENGSUI_MAIL_TO")
        return
    address = urlsplit(settings.smtp_url.get_secret_value())
    kind, usual = (smtplib.SMTP_SSL, 465) if address.scheme == "smtps" else (smtplib.SMTP, 25)
    where, port = f"{address.hostname}:{address.port or usual}", address.port or usual
    try:
        with kind(address.hostname or "", port, timeout=5) as server:
            server.noop()
        yield Finding("邮件", True, where)
    except (OSError, smtplib.SMTPException) as problem:
        yield Finding("邮件", False, f"{where}：{problem}", "检查邮件服务器地址和网络")


def _backup(settings: Settings, store: Store) -> Iterator[Finding]:
    rules = load_keeping(settings.config).backup
    state = state_of(last_backup(store), system_clock(), on=bool(rules.to), late=rules.late)
    if state.fault:
        yield Finding("备份", False, state.fault, state.remedy)
    elif state.last.moment is None:
        yield Finding("备份", None, "没有做过", "设置 config/keeping.yml 的 backup.to，或 fengsui backup 目录")
    else:
        told = {True: "已读回核对", False: "核对不符", None: "没有读回核对"}[state.last.verified]
        yield Finding("备份", True, f"{iso_beijing(state.last.moment)}，在 {state.last.folder}，{told}")


def _kept(settings: Settings, store: Store, deep: bool) -> Iterator[Finding]:
    check = check_kept(store, settings.data_dir, Budget(), now=system_clock()) if deep else last_check(store)
    for what, remedy in check.faults:
        yield Finding("存档与库", False, what, remedy)
    with store.read() as db:
        for one in unfinished(db):
            yield Finding("按人删除", False, *one.fault)
    if not check.at:
        yield Finding("存档与库", None, "还没有核对过", "系统运行后每夜核对；立即核对用 fengsui doctor --deep")
    elif not check.faults:
        whole = f"，上一整轮完成于 {iso_beijing(datetime.fromisoformat(check.whole_at))}" if check.whole_at else ""
        at = iso_beijing(datetime.fromisoformat(check.at))
        yield Finding("存档与库", True, f"{at} 核对，本轮已看 {check.looked:,} 页{whole}")


def _machine(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.data_dir).free / 1e9
    yield Finding("磁盘", free >= FREE_GB, f"余 {free:.1f} GB", "清理磁盘；采集会停，已入库的不丢")
    fonts = has_chinese()
    detail = "邮件和公文中的图可用" if fonts else "没有找到；邮件不带图，数字列表"
    yield Finding("中文字体", fonts, detail, "Debian：apt-get install fonts-noto-cjk")
