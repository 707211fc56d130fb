"""What is wrong with the system itself, each with what to do: the first thing the status page says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from search.backend import Health
from store.backups import NO_BACKUPS, BackupState
from store.canaries import Canary
from store.processes import Process, missed
from store.queues import Queue
from store.runs import Job
from web.machine import Disk, bytes_word
from web.names import CANARY_STAGES, Names
from web.times import short, span_in_words

LATE_JOB = timedelta(minutes=1)
"""A job starts within a second of its time; later, the scheduler stands still."""
LONG_WAIT = {"runs": timedelta(minutes=10), "deliveries": timedelta(minutes=5), "lab": timedelta(hours=1)}
LONGEST = timedelta(minutes=5)
"""How long a document may wait for a step: usually seconds."""
WORKERS = {
    "fetched": "worker", "deduped": "worker", "analysed": "worker", "judged": "indexer", "runs": "crawler",
    "deliveries": "sender", "lab": "scheduler",
}  # fmt: skip
REMEDIES = {
    "planted": "看采集进程和链路地址 FENGSUI_CANARY_URL；日志在数据目录 logs/crawler.log",
    "fetched": "看研读进程；日志在数据目录 logs/worker.log",
    "read": "看规则与研读进程；日志在数据目录 logs/worker.log",
    "alerted": "看网页进程和订阅地址；日志在数据目录 logs/desk.log",
}


@dataclass(frozen=True)
class Fault:
    """what: the fact, with its numbers.  do: what to do."""

    what: str
    do: str


@dataclass(frozen=True)
class Seen:
    """What was looked at. least: the share of the disk that should be free.  failing: mail addresses that take none.

    backup: how backups stand.  damage: of what is kept, and what to do.  held: how many sources give way to what waits.
    """

    processes: Sequence[Process]
    jobs: Sequence[Job]
    queues: Sequence[Queue]
    index: Health
    canaries: Sequence[Canary]
    canary_on: bool
    disk: Disk
    least: float
    quarantined: int
    refused: int
    now: datetime
    failing: int = 0
    backup: BackupState = NO_BACKUPS
    damage: Sequence[tuple[str, str]] = ()
    held: int = 0


def faults(seen: Seen, names: Names) -> list[Fault]:
    """All that is wrong, the gravest first; empty: all is well."""
    return [
        *_processes(seen, names), *_disk(seen), *_index(seen), *_canary(seen), *_queues(seen, names), *_held(seen),
        *_jobs(seen), *_set_aside(seen), *_backup(seen),
    ]  # fmt: skip


def late_by(job: Job, now: datetime) -> timedelta | None:
    """How late a job is; None: it is not."""
    late = now - job.next_at if job.next_at else None
    return late if late is not None and late > LATE_JOB else None


def long_wait(queue: Queue, now: datetime) -> bool:
    """Whether the oldest waits longer than it should."""
    return queue.since is not None and now - queue.since > LONG_WAIT.get(queue.key, LONGEST)


def _processes(seen: Seen, names: Names) -> Iterator[Fault]:
    for process in missed(seen.processes, seen.now):
        where = (
            f"在 {process.host} 上看它的服务和日志"
            if "@" in process.name
            else (f"没有在运行则用 fengsui run 启动，日志在数据目录 logs/{process.name}.log")
        )
        yield Fault(
            f"{names.process(process.name)}进程自 {short(process.beat_at, seen.now)} 起没有回应",
            f"整套系统在运行时会自动重启；{where}",
        )


def _disk(seen: Seen) -> Iterator[Fault]:
    if seen.disk.share < seen.least:
        largest = seen.disk.parts[0][0] if seen.disk.parts else "数据"
        yield Fault(
            f"磁盘只余 {bytes_word(seen.disk.free)}（{seen.disk.share:.0%}），低于设定的 {seen.least:.0%}",
            f"扩容或清理；占用最多的是{largest}。写满后采集和入库会停，已入库的不丢",
        )


def _index(seen: Seen) -> Iterator[Fault]:
    if not seen.index.well:
        yield Fault(f"检索索引不可用：{seen.index.detail}", seen.index.remedy or "查看 fengsui doctor")


def _canary(seen: Seen) -> Iterator[Fault]:
    last = seen.canaries[0] if seen.canaries else None
    if seen.canary_on and last is not None and last.failed_at:
        yield Fault(
            f"{short(last.planted_at, seen.now)} 的试投信号没有到达：{CANARY_STAGES[last.stage]}，{last.note}",
            REMEDIES.get(last.stage, "查看 fengsui doctor"),
        )


def _queues(seen: Seen, names: Names) -> Iterator[Fault]:
    for queue in seen.queues:
        if queue.since is not None and long_wait(queue, seen.now):
            yield Fault(
                f"{names.queue(queue.key)} {queue.waiting:,} 件，最早的已等 {span_in_words(seen.now - queue.since)}",
                f"看{names.process(WORKERS[queue.key])}进程是否在运行，日志在数据目录 logs/{WORKERS[queue.key]}.log",
            )


def _held(seen: Seen) -> Iterator[Fault]:
    if seen.held:
        unread = next((queue.waiting for queue in seen.queues if queue.key == "fetched"), 0)
        yield Fault(
            f"待研读 {unread:,} 件，{seen.held} 个信源只取可能伤人的内容，其余推后；投诉、召回、抽检、通报和热搜照常",
            "积压降下来后自动恢复；常有积压则加研读进程（fengsui run --workers 2，或在别的机器上 fengsui worker）",
        )


def _jobs(seen: Seen) -> Iterator[Fault]:
    for job in seen.jobs:
        late = late_by(job, seen.now)
        if late:
            told = f"定时任务“{job.what}”迟了 {span_in_words(late)}"
            yield Fault(told, "看调度进程，日志在数据目录 logs/scheduler.log")
        if job.last_status == "failed":
            when = short(job.last_at, seen.now) if job.last_at else "上次"
            told = f"定时任务“{job.what}”{when} 失败：{(job.last_note or '没有说明')[:200]}"
            yield Fault(told, "到时会再跑；日志在数据目录 logs/scheduler.log")


def _backup(seen: Seen) -> Iterator[Fault]:
    for what, do in seen.damage:
        yield Fault(what, do)
    if seen.backup.fault:
        yield Fault(seen.backup.fault, seen.backup.remedy)


def _set_aside(seen: Seen) -> Iterator[Fault]:
    if seen.quarantined:
        what = f"隔离的文档 {seen.quarantined:,} 件，多次处理不成"
        yield Fault(what, "看下面的原因；升级或改正后用 fengsui reanalyze 再读")
    if seen.refused:
        yield Fault(f"索引拒收 {seen.refused:,} 件，检索不到", "看下面的原因，改正后由管理员“重新写入”")
    if seen.failing:
        yield Fault(f"{seen.failing:,} 个邮件地址拒收或退信", "在通知记录核对这些地址，改正派送配置")
