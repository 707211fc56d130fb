"""`fengsui doctor`: each look says what is and, where it needs a person, what to do; the exit code says the same."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from commands import doctor_looks
from commands.doctor import _processes
from commands.doctor_looks import Finding
from config.settings import Settings
from core.clock import system_clock
from core.records import Notification
from store.alert_log import add_delivery
from store.database import Store, set_fact
from store.leader import LEADING
from store.processes import beat
from store.schema import deliveries
from store.wake import INDEX, wake
from tests.command_line import run_here
from tests.postgresql import Database

LOOKS = (
    "数据库 队列 搁置 索引待写 索引 唤醒队列 时钟 落盘 进程 调度 链路自检"
    " 邮件 渠道 待发 指标 识别模型 磁盘 中文字体 备份 存档与库"
)


def one(found: Iterable[Finding], name: str) -> Finding:
    return next(finding for finding in found if finding.name == name)


def test_every_part_is_looked_at_once_and_what_fails_has_a_remedy(store: Store, tmp_path: Path) -> None:
    done = run_here("doctor", "--json", "--data", str(tmp_path))
    told = json.loads(done.stdout)
    names = {check["name"] for check in told["checks"]}
    assert set(LOOKS.split()) <= names, set(LOOKS.split()) - names
    assert "检查" not in names, "a look broke off"
    bad = [check for check in told["checks"] if check["ok"] is False]
    assert all(check["remedy"] for check in bad)
    assert done.returncode == int(bool(bad)) == int(not told["ok"])


def test_a_message_that_is_due_and_not_sent_is_told(store: Store, tmp_path: Path) -> None:
    settings, now = Settings(data=tmp_path), system_clock()
    assert one(doctor_looks.look_at_channels(settings, store), "待发").ok is True
    with store.write() as db:
        for state, age in (("waiting", timedelta(hours=2)), ("failed", timedelta(hours=1))):
            notice = Notification(
                id=state, channel="mail", recipient="a@b.cn", alert=None, level=2, subject="", text="", html=""
            )
            add_delivery(db, notice, now=now - age)
            db.execute(deliveries.update().where(deliveries.c.id == state).values(state=state))
    found = list(doctor_looks.look_at_channels(settings, store))
    assert one(found, "待发").ok is False
    assert "2 小时" in one(found, "待发").detail
    assert one(found, "发送 mail").ok is False


def test_who_leads_and_who_stands_by(store: Store) -> None:
    now = system_clock()
    with store.write() as db:
        beat(db, "scheduler@a/1", pid=1, now=now)
        beat(db, "scheduler@b/2", pid=2, now=now)
        set_fact(db, LEADING, "scheduler@a/1")
    found = one(doctor_looks.look_at_leader(store), "调度")
    assert found.ok is True
    assert found.detail.startswith("scheduler@a，")
    assert found.detail.endswith("候补 scheduler@b")
    with store.write() as db:
        beat(db, "scheduler@a/1", pid=1, now=now - timedelta(minutes=5))
    assert one(doctor_looks.look_at_leader(store), "调度").ok is False


def test_a_process_that_fell_silent_while_others_run_needs_a_person(store: Store, tmp_path: Path) -> None:
    now, old = system_clock(), system_clock() - timedelta(minutes=5)
    with store.write() as db:
        beat(db, "worker", pid=1, now=old)
    assert one(_processes(store), "进程 worker").ok is None  # nothing runs: that is allowed
    with store.write() as db:
        for name, at in (("sender", now), ("crawler@a", old), ("crawler@b", now)):
            beat(db, name, pid=2, now=at)
    found = list(_processes(store))
    assert [one(found, f"进程 {name}").ok for name in ("worker", "sender", "crawler@a", "crawler@b")] == [
        False, True, None, True,
    ]  # fmt: skip


def test_a_database_that_is_away_is_told_by_every_command_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGSUI_DATABASE_URL", "postgresql+psycopg://fengsui:hunter2@127.0.0.1:1/fengsui")
    done = run_here("doctor", "--json", "--data", str(tmp_path))
    [found] = json.loads(done.stdout)["checks"]
    assert (done.returncode, found["name"], found["ok"]) == (1, "数据库", False)
    assert "数据库连不上" in found["detail"]
    other = run_here("hold", "list", "--data", str(tmp_path))
    assert (other.returncode, "FENGSUI_DATABASE_URL 的主机" in other.stderr) == (1, True)
    assert "hunter2" not in done.stdout + other.stderr


def test_open_metrics_are_told(tmp_path: Path) -> None:
    assert one(doctor_looks.look_at_watching(Settings(data=tmp_path)), "指标").ok is None
    token = SecretStr("0123456789abcdef")
    found = one(doctor_looks.look_at_watching(Settings(data=tmp_path, metrics_token=token)), "指标")
    assert found.ok is True
    assert "0123456789abcdef" not in found.detail


def test_clock_and_queues_of_a_real_postgresql(postgresql: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.empty()
    store = Store(postgresql.url)
    assert one(doctor_looks.look_at_clock(store), "时钟").ok is True
    monkeypatch.setattr(doctor_looks, "system_clock", lambda: system_clock() - timedelta(seconds=90))
    slow = one(doctor_looks.look_at_clock(store), "时钟")
    assert slow.ok is False
    assert "快 90." in slow.detail or "快 89." in slow.detail
    assert one(doctor_looks.look_at_queue(store), "唤醒队列").detail == "空"
    with store.write() as db:
        wake(db, INDEX)
    assert one(doctor_looks.look_at_queue(store), "唤醒队列").ok is True
    with store.write() as db:
        db.execute(text("update procrastinate_events set at = at - interval '10 minutes'"))
    stuck = one(doctor_looks.look_at_queue(store), "唤醒队列")
    assert stuck.ok is False
    assert "index" in stuck.remedy
    kept = one(doctor_looks.look_at_durability(store), "落盘")  # the tests' server keeps nothing over a power cut
    assert (kept.ok, kept.detail) == (False, "PostgreSQL 关了 fsync、full_page_writes、synchronous_commit")
    store.close()
