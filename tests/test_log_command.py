"""One document's way through the logs of all processes."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.sender import send_due
from commands.assemble import build_pipeline, judge_of
from commands.knowledge import knowledge_of
from commands.options import settings_of
from core.clock import system_clock
from core.logs import TerminalFormatter, setup_logs
from core.records import Kind, RawDocument
from pipelines.intake import StoreIntake
from store.database import Store
from store.schema import documents
from tests.command_line import run_here

FIRE = RawDocument(
    source="gz_news",
    kind=Kind.NEWS,
    url="https://news.example.org/1",
    external_id="1",
    title="南昌县一小区电动自行车充电起火致3人死亡",
    text="11月20日凌晨，南昌县莲塘镇一小区电动自行车充电时起火，造成3人死亡、2人受伤。密码 hunter2 不在日志中。",
    published=datetime(2026, 11, 20, 1, 0, tzinfo=UTC),
    fetched_at=datetime(2026, 11, 20, 1, 5, tzinfo=UTC),
)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    held, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        if handler not in held:
            handler.close()
    for handler in held:
        root.addHandler(handler)
    root.setLevel(level)


def as_process(folder: Path, name: str) -> None:
    setup_logs(file=folder / "logs" / f"{name}.log")


def lines_of(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_document_is_followed_through_all_processes(store: Store, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "demo")
    as_process(tmp_path, "crawler")
    intake = StoreIntake(store, system_clock)
    intake.save(FIRE)
    intake.save(
        replace(FIRE, url="https://news.example.org/2", external_id="2", title="天气晴好", text="今日晴。" * 20)
    )
    with store.read() as db:
        fire, other = db.execute(documents.select().order_by(documents.c.seq)).mappings().all()
    as_process(tmp_path, "worker")
    known = knowledge_of(settings, store)
    judge = judge_of(settings, store, known, notify=True)
    build_pipeline(settings, store, known, who="worker", judge=judge).drain()
    as_process(tmp_path, "sender")
    send_due(store, {}, clock=system_clock, who="sender")

    done = run_here("log", "--document", fire["id"], "--json", "--data", str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = lines_of(done.stdout)
    assert [(line["process"], line["event"]) for line in told][:3] == [
        ("crawler", "document stored"),
        ("worker", "alert opened"),
        ("worker", "document judged"),
    ]
    times = [str(line["time"]) for line in told]
    assert times == sorted(times)
    assert all(line.get("document", fire["id"]) == fire["id"] for line in told)
    assert not any(other["id"] in json.dumps(line) for line in told)
    alert = next(line["alert"] for line in told if "alert" in line)

    by_alert = run_here("log", "--alert", str(alert), "--data", str(tmp_path))
    assert "alert opened" in by_alert.stdout
    whole = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert FIRE.text[:20] not in whole, "texts are in the store, not in logs"


def test_deliveries_rotated_files_and_torn_lines(store: Store, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    old = {
        "time": "2026-11-20T09:00:00+08:00",
        "level": "info",
        "event": "documents indexed",
        "documents": ["d7", "d8"],
    }
    new = {"time": "2026-11-20T09:00:00.500+08:00", "level": "error", "event": "step failed", "document": "d7"}
    (logs / "indexer.log.1").write_text(json.dumps(old) + "\n" + json.dumps({"document": "d77"}) + "\n")
    (logs / "worker.log").write_text(json.dumps(new) + '\n{"event": "torn", "document": "d7')
    done = run_here("log", "--document", "d7", "--data", str(tmp_path))
    assert done.stdout.splitlines() == [
        "2026-11-20T09:00:00+08:00 indexer: documents indexed documents=2",
        "2026-11-20T09:00:00.500+08:00 worker error: step failed document=d7",
    ]


def test_what_is_told_of_a_page_commands_no_terminal() -> None:
    record = logging.LogRecord("crawlers", logging.WARNING, "", 1, "run failed", (), None)
    record.fields = {"why": "\x1b[2J\x9b31m\u202egnp.exe\nnext"}
    told = TerminalFormatter().format(record)
    assert "\\x1b[2J\\x9b31m\\x202egnp.exe\nnext" in told


def test_what_no_log_knows_ends_with_1_and_a_wrong_question_with_2(store: Store, tmp_path: Path) -> None:
    done = run_here("log", "--document", "d0", "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "d0" in done.stderr
    assert run_here("log", "--data", str(tmp_path)).returncode == 2
