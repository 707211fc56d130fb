"""The status page: what is wrong comes first, each with what to do; queues with the age of the oldest; the disk."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from store import canaries, runs
from store.database import Store
from store.processes import beat
from store.pulses import HELD, move_turn
from store.queues import queues
from store.schema import documents
from store.schema import runs as table_of_runs
from tests.desk_server import NOW, make_services
from web import machine
from web.app import create_app, entry_path
from web.services import Services
from web.source_states import marks_of, source_states


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(100 << 30, 40 << 30, 60 << 30))
    made = make_services(tmp_path, clock=lambda: NOW)
    with made.store.write() as db:
        for name in ("crawler", "worker", "indexer", "sender", "scheduler"):
            beat(db, name, pid=100, now=NOW)
        db.execute(update(documents).values(stage="indexed"))
    yield made
    made.store.close()


def page_of(services: Services, path: str = "/status") -> str:
    client = TestClient(create_app(services), follow_redirects=False)
    with services.store.write() as db:
        door = entry_path(db, services=services)
    client.get(door)
    return client.get(path).text


def faults_of(page: str) -> list[str]:
    part = page.split('id="ft"')[1].split("</section>")[0] if 'id="ft"' in page else ""
    return [re.sub("<[^>]+>", "", one) for one in re.findall(r"<dt>(.*?</dd>)", part)]


def settle_deliveries(store: Store) -> None:
    with store.write() as db:
        db.exec_driver_sql("update deliveries set state = 'sent'")


def test_a_desk_that_is_well_says_so(services: Services) -> None:
    settle_deliveries(services.store)
    page = page_of(services)
    assert faults_of(page) == []
    assert "没有要处理的" in page
    assert "60.0 GB" not in page  # written as disks are sold: 64.4 GB
    assert "余 64.4 GB，60%" in page
    assert "数据库" in page


def test_each_fault_says_what_to_do(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(100 << 30, 95 << 30, 5 << 30))
    with services.store.write() as db:
        beat(db, "worker", pid=100, now=NOW - timedelta(minutes=3))
        runs.save_job(db, "digest", what="每日摘要", trigger="每日 08:30", next_at=NOW - timedelta(minutes=9))
        runs.note_job(db, "watch", at=NOW, status="failed", note="连不上 <x>", next_at=NOW + timedelta(minutes=1))
        old = {"stage": "deduped", "stored_at": NOW - timedelta(hours=2), "moved_at": NOW - timedelta(hours=1)}
        first = documents.select().with_only_columns(documents.c.seq).limit(3)
        db.execute(update(documents).where(documents.c.seq.in_(first)).values(**old))
    told = "\n".join(faults_of(page_of(services)))
    assert "研读进程自 14:29 起没有回应怎么办：" in told
    assert "fengsui run" in told
    assert "磁盘只余 5.4 GB（5%），低于设定的 10%" in told
    assert "定时任务“每日摘要”迟了 9 分" in told
    assert "失败：连不上 &lt;x&gt;" in told
    assert "已去重，待分析 3 件，最早的已等 1 时 00 分" in told
    assert "到时间未发的通知" in told
    assert told.count("怎么办：") == len(faults_of(page_of(services)))


def test_sources_that_give_way_to_a_backlog_are_told_with_what_goes_on(services: Services) -> None:
    with services.store.write() as db:
        key = db.execute(text("select source from source_pulses order by source limit 1")).scalar_one()
        move_turn(db, key, NOW + timedelta(minutes=1), f"{HELD}：5,001 件待研读，只取可能伤人的内容")
    told = next(one for one in faults_of(page_of(services)) if "只取可能伤人" in one)
    assert "1 个信源只取可能伤人的内容，其余推后；投诉、召回、抽检、通报和热搜照常" in told
    assert "fengsui run --workers 2" in told
    assert "1 个因待研读过多只取可能伤人的内容" in page_of(services, "/sources")


def test_a_job_tells_its_last_and_its_next_run_and_how_it_ended(services: Services) -> None:
    with services.store.write() as db:
        runs.note_job(
            db, "watch", at=NOW - timedelta(minutes=1), status="ok", note="3 条", next_at=NOW + timedelta(minutes=4)
        )
    row = page_of(services).split("预警巡检</th>")[1].split("</tr>")[0]
    assert "14:31" in row
    assert "正常" in row
    assert "3 条" in row
    assert "14:36" in row


def test_the_last_canaries_stand_there_with_their_seconds(services: Services) -> None:
    with services.store.write() as db:
        made = canaries.plant(db, NOW - timedelta(minutes=1))
        reached = "update canaries set reached_at = planted_at, stage = 'reached' where id = :id"
        db.execute(text(reached), {"id": made.id})
    assert "0.0 秒" in page_of(services).split("最近的试投信号")[1].split("</table>")[0]


def test_sources_stand_in_pages_of_a_hundred_the_ill_ones_first(services: Services) -> None:
    own = services.sources
    more = [own[0].model_copy(update={"key": f"more_{n}", "title": f"后加 {n:03d}"}) for n in range(120)]
    many = replace(services, sources=(*own, *more))
    first, second = page_of(many, "/sources"), page_of(many, "/sources?page=2")
    rows = [page.split("信源状态")[1].split("</tbody>")[0].count("<tr>") for page in (first, second)]
    assert rows == [101, 1 + len(own) + 20]  # with the head
    assert f"101–{len(own) + 120} / {len(own) + 120}" in second
    assert "版面改变" in first
    assert "版面改变" not in second.split("信源状态")[1].split("</tbody>")[0]


def test_a_source_that_failed_often_says_how_often(services: Services) -> None:
    with services.store.write() as db:
        db.execute(update(table_of_runs).where(table_of_runs.c.source == "gz_amr").values(status="failed"))
    with services.store.read() as db:
        states = {state.source.key: state for state in source_states(db, services)}
        marks = marks_of(db, NOW, ["gz_amr", "gan_forum"])
    assert states["gz_amr"].failures == 6  # all there are
    assert states["gan_forum"].failures == 0
    assert marks["gz_amr"] == "ffffff"
    assert set(marks["gan_forum"]) <= {"o", "z"}


def test_a_delivery_held_for_later_does_not_wait(services: Services) -> None:
    settle_deliveries(services.store)
    with services.store.write() as db:
        db.exec_driver_sql("update deliveries set state = 'waiting', next_at = '2026-11-24 00:00:00.000000'")
    with services.store.read() as db:
        waiting = {one.key: one.waiting for one in queues(db, NOW)}
    assert waiting["deliveries"] == 0


def test_folders_are_added_up_once_in_a_while(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.warc").write_bytes(b"x" * 5000)
    watch = machine.DiskWatch(tmp_path)
    assert dict(watch.look(NOW, 100).parts) == {"原文存档": 5000, "数据库": 100}
    (tmp_path / "archive" / "b.warc").write_bytes(b"x" * 5000)
    assert dict(watch.look(NOW + timedelta(minutes=1), 100).parts)["原文存档"] == 5000
    assert dict(watch.look(NOW + timedelta(minutes=6), 100).parts)["原文存档"] == 10_000
