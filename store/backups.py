"""What the store remembers of the last backup, for the status page and `fengsui doctor`."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from core.durations import duration_words
from store.database import Store, get_fact, set_fact

FACT = "last_backup"


@dataclass(frozen=True)
class LastBackup:
    """at: ISO, UTC, of the last finished one.  failed_at, why: of a later try that failed; empty: none.

    verified: None: it was not read back.  problems: of the backup itself, and of reading it back.
    """

    at: str = ""
    folder: str = ""
    bytes: int = 0
    verified: bool | None = None
    problems: tuple[str, ...] = ()
    failed_at: str = ""
    why: str = ""

    @property
    def moment(self) -> datetime | None:
        """When the last one was finished; None: never."""
        return datetime.fromisoformat(self.at) if self.at else None


@dataclass(frozen=True)
class BackupState:
    """How backups stand. on: whether they are made by themselves.  fault: what is wrong, in a sentence; empty: nothing.

    remedy: what to do about it.
    """

    last: LastBackup
    on: bool
    fault: str = ""
    remedy: str = ""


NO_BACKUPS = BackupState(LastBackup(), False)
"""None was made, none is asked for."""


def last_backup(store: Store) -> LastBackup:
    """What is remembered."""
    with store.read() as db:
        kept = get_fact(db, FACT)
    if not kept:
        return LastBackup()
    values = {name: value for name, value in json.loads(kept).items() if name in LastBackup.__dataclass_fields__}
    return LastBackup(**{**values, "problems": tuple(values.get("problems", ()))})


def note_backup(store: Store, last: LastBackup) -> None:
    """Remember it."""
    with store.write() as db:
        set_fact(db, FACT, json.dumps(asdict(last), ensure_ascii=False))


def state_of(last: LastBackup, now: datetime, *, on: bool, late: timedelta) -> BackupState:
    """Whether that is as it should be. late: how old the last one may be, where they are made by themselves."""
    moment = last.moment
    if last.failed_at:
        return BackupState(last, on, f"备份失败：{last.why}", "按说明处理后再做：fengsui backup 目录")
    if last.verified is False:
        return BackupState(last, on, f"最近的备份核对不符：{last.problems[0]}", "换一块盘重新做：fengsui backup 目录")
    if last.problems:
        return BackupState(last, on, f"备份时发现：{last.problems[0]}", "fengsui restore 目录 --only archive")
    if on and (moment is None or now - moment > late):
        age = f"最近的备份是 {duration_words(now - moment)}前" if moment else "还没有做过备份"
        return BackupState(
            last, on, f"{age}，应不超过 {duration_words(late)}", "看调度进程；立即做：fengsui backup 目录"
        )
    return BackupState(last, on)
