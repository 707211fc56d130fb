"""What `fengsui doctor` looks at beside the parts themselves: between processes and machines, and what goes out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from config.channels import load_channels
from config.recogniser import recogniser_folder
from config.settings import Settings
from core.clock import iso_beijing, system_clock
from core.durations import duration_words
from nlp.recogniser import read_card
from pipelines.pressure import HIGH, pressure_on
from store.database import Store, get_fact
from store.figures import read_figures
from store.leader import LEADING
from store.processes import list_processes, name_of, stale
from store.pulses import held_turns
from store.schema import deliveries

OFF_SECONDS = 2.0
"""How far this machine's clock may be from the database's: leases are minutes, beats ten seconds."""
STUCK = timedelta(minutes=2)
"""A job of a queue is taken at once, or by the look every half minute."""
OVERDUE = timedelta(minutes=15)
LATELY = timedelta(days=1)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ok None: not set up, which is allowed."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""


def look_at_pressure(settings: Settings, store: Store) -> Iterator[Finding]:
    """Whether more texts wait than are read, so that sources of low worth are visited later."""
    with store.read() as db:
        pressure, held = pressure_on(db, settings.backlog_most), held_turns(db, system_clock())
    many = "以上" if pressure.waiting > HIGH * pressure.most else ""
    told = f"待研读 {pressure.waiting:,} 件{many}，超过 {pressure.most:,} 件时低价值信源只取可能伤人的内容"
    if held:
        told += f"；现有 {len(held)} 个让路：{'、'.join(held[:5])}"
    remedy = "加研读进程：fengsui run --workers 2，或在别的机器上 fengsui worker；积压降下来后自动恢复"
    yield Finding("积压", not (pressure.some or held), told, remedy)


def look_at_queue(store: Store) -> Iterator[Finding]:
    """The queues that wake processes; SQLite has none."""
    if store.engine.dialect.name != "postgresql":
        yield Finding("唤醒队列", None, "SQLite：各进程自己查看")
        return
    with store.read() as db:
        rows = db.execute(_JOBS).all()
    told = "，".join(f"{row.queue_name} {row.jobs} 个" for row in rows) or "空"
    old = [row.queue_name for row in rows if row.seconds is not None and row.seconds > STUCK.total_seconds()]
    remedy = f"没有进程取 {'、'.join(old)} 的活：看对应进程；行不会丢，进程每半分钟自己查看一次"
    yield Finding("唤醒队列", not old, told, remedy)


_JOBS = text(
    "select j.queue_name, count(*) as jobs, extract(epoch from clock_timestamp() - min(e.at)) as seconds"
    " from procrastinate_jobs j left join procrastinate_events e on e.job_id = j.id and e.type = 'deferred'"
    " where j.status = 'todo' group by j.queue_name order by j.queue_name"
)


def look_at_clock(store: Store) -> Iterator[Finding]:
    """This machine's clock against the database server's: half of the question's way is taken off."""
    if store.engine.dialect.name != "postgresql":
        yield Finding("时钟", None, f"{iso_beijing(system_clock())}；库在本机，没有另一只钟可比")
        return
    with store.read() as db:
        db.execute(_CLOCK).scalar_one()  # the first question also opens the transaction
        asked = system_clock()
        theirs: datetime = db.execute(_CLOCK).scalar_one()
        answered = system_clock()
    off = (theirs - (asked + (answered - asked) / 2)).total_seconds()
    remedy = "让两台机器都对时（chrony、systemd-timesyncd）：租约、迟到和时限按时钟算"
    yield Finding(
        "时钟", abs(off) <= OFF_SECONDS, f"数据库服务器的钟比本机{'快' if off > 0 else '慢'} {abs(off):.2f} 秒", remedy
    )


_CLOCK = select(func.clock_timestamp())


def look_at_durability(store: Store) -> Iterator[Finding]:
    """Whether what is committed is on the disk: what a crash forgets is mailed twice, or lost (docs/faults.md)."""
    if store.engine.dialect.name != "postgresql":
        yield Finding("落盘", True, "SQLite：每次提交都写到磁盘")
        return
    with store.read() as db:
        off = list(db.execute(_NOT_KEPT).scalars())
    told = f"PostgreSQL 关了 {'、'.join(off)}" if off else "PostgreSQL：每次提交都写到磁盘"
    remedy = "断电或崩溃会忘掉已提交的预警和发送记录，邮件会重发；在 postgresql.conf 改回 on，重新载入"
    yield Finding("落盘", not off, told, remedy)


_NOT_KEPT = text(
    "select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')"
    " and setting = 'off' order by name"
)


def look_at_leader(store: Store) -> Iterator[Finding]:
    """Which scheduler leads, and who stands by."""
    now = system_clock()
    with store.read() as db:
        leads = get_fact(db, LEADING)
        known = [one for one in list_processes(db) if one.role == "scheduler"]
    if not known:
        yield Finding("调度", None, "没有在运行", "make run；或 fengsui scheduler")
        return
    leader = next((one for one in known if leads and one.name == name_of(leads)), None)
    others = [one.name for one in known if one is not leader and not stale(one, now)]
    beside = f"，候补 {'、'.join(others)}" if others else ""
    if leader is None:
        yield Finding("调度", None, f"还没有进程取得调度权{beside}", "刚启动时等几秒")
        return
    silent = stale(leader, now)
    since = f"{leader.name}，最近心跳 {iso_beijing(leader.beat_at)}{beside}"
    yield Finding(
        "调度", None if silent and not others else not silent, since, "候补会自动接管；没有候补则重新启动调度进程"
    )


def look_at_channels(settings: Settings, store: Store) -> Iterator[Finding]:
    """What goes out: each channel that is set up, what failed of the last day, what is due and waits."""
    now = system_clock()
    with store.read() as db:
        failed = _failed(db, now - LATELY)
        due = timedelta(seconds=read_figures(db, now, sources=()).due)
    channels = load_channels(settings.config)
    for name, channel in channels.items():
        bad = failed.pop(name, 0)
        told = f"{channel.title}，近一天 {bad} 条未送达" if bad else channel.title
        yield Finding(f"渠道 {name}", bad == 0, told, f"看发送记录中的答复；fengsui channel test {name}")
    if not channels:
        yield Finding("渠道", None, "没有设置邮件以外的渠道", "docs/channels.md")
    for name, bad in failed.items():
        yield Finding(f"发送 {name}", False, f"近一天 {bad} 条未送达", "看网页“发送记录”中的答复")
    told = f"到时的已等 {duration_words(due)}" if due > timedelta(minutes=1) else "没有压着的"
    yield Finding("待发", due <= OVERDUE, told, "看发送进程和邮件服务器")


def _failed(db: Connection, since: datetime) -> dict[str, int]:
    lost = deliveries.c.state.in_(["failed", "unsure", "bounced"]) & (deliveries.c.created_at >= since)
    rows = db.execute(select(deliveries.c.channel, func.count()).where(lost).group_by(deliveries.c.channel))
    return {row[0]: row[1] for row in rows}


def look_at_watching(settings: Settings) -> Iterator[Finding]:
    """Whether anybody reads our numbers and traces."""
    if settings.metrics_token is None:
        yield Finding("指标", None, "没有开放 /metrics", "设置 FENGSUI_METRICS_TOKEN：docs/watching.md")
    else:
        yield Finding("指标", True, f"{settings.public_url.rstrip('/')}/metrics，凭令牌读")


def look_at_model(settings: Settings) -> Iterator[Finding]:
    """The recogniser of firms that no list has; one that cannot be read is a mistake."""
    folder = recogniser_folder(settings.config)
    if folder is None:
        yield Finding("识别模型", None, "未使用模型，只用名录与名称规则", "config/models/recogniser.yml")
        return
    card = read_card(folder)
    yield Finding("识别模型", True, f"{card.title or folder.name}（{card.kind}）")
