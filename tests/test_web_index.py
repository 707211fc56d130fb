"""What the desk and the commands say about the index: how far behind, since when, why, and what was refused."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

import cli
from alerts.index_check import FACT, Checked, Told
from store import audit, users
from store.database import set_fact
from store.documents import INDEXED, JUDGED, REFUSED
from store.processes import beat
from store.schema import documents
from tests.command_line import Finished, run_here
from tests.desk_server import NOW, make_services
from web.app import create_app, entry_path
from web.services import Services

REASON = "有一个词过长：immense term in field <products>"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, clock=lambda: NOW)
    yield made
    made.store.close()


@pytest.fixture
def admin(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services)) as client:
        with services.store.write() as db:
            path = entry_path(db, services=services)
        assert client.get(path).status_code == 200
        yield client


def put(services: Services, stage: str, *, minutes: float = 10, count: int = 3, error: str | None = None) -> list[str]:
    """Move some documents into a stage; their ids."""
    with services.store.write() as db:
        seqs = list(db.execute(select(documents.c.seq).where(documents.c.latest).limit(count)).scalars())
        values = {"stage": stage, "moved_at": NOW - timedelta(minutes=minutes), "error": error}
        db.execute(update(documents).where(documents.c.seq.in_(seqs)).values(**values))
        return list(db.execute(select(documents.c.id).where(documents.c.seq.in_(seqs))).scalars())


def test_a_desk_whose_index_is_up_to_date_says_nothing_of_it(admin: TestClient) -> None:
    for path in ("/", "/search", "/status"):
        assert "落后" not in admin.get(path).text


def test_the_desk_says_how_far_behind_the_index_is(services: Services, admin: TestClient) -> None:
    put(services, JUDGED)
    with services.store.write() as db:
        beat(db, "indexer", pid=1, now=NOW, note="Elasticsearch（es:9200）拒绝连接：没有启动，或端口不对")
    told = "检索索引落后：3 件待写入，自 14:22（Elasticsearch（es:9200）拒绝连接：没有启动，或端口不对）"
    for path in ("/", "/search", "/status"):
        assert told in admin.get(path).text
    put(services, INDEXED)
    assert "落后" not in admin.get("/search").text


def test_what_was_written_a_moment_ago_is_not_late(services: Services, admin: TestClient) -> None:
    put(services, JUDGED, minutes=0.05)
    assert "落后" not in admin.get("/").text
    assert "3 件，最早自" in admin.get("/status").text


def test_a_refused_document_is_listed_with_its_reason_and_sent_again_by_a_button(
    services: Services, admin: TestClient
) -> None:
    ids = put(services, REFUSED, error=REASON)
    page = admin.get("/status").text
    assert "索引拒收的文档" in page
    assert "&lt;products&gt;" in page
    for known in ids:
        assert f'href="/documents/{known}"' in page
    assert "索引拒收" in admin.get(f"/documents/{ids[0]}").text
    csrf = page.partition('action="/status/index/retry"')[2].partition('value="')[2].partition('"')[0]
    assert admin.post("/status/index/retry", data={"csrf": "wrong"}).status_code == 403
    after = admin.post("/status/index/retry", data={"csrf": csrf}).text
    assert "已把 3 件排入重写" in after
    assert "索引拒收的文档" not in after
    with services.store.read() as db:
        assert audit.newest(db, 1)[0].action == "index_retry"
        waiting = db.execute(select(documents.c.id).where(documents.c.stage == JUDGED)).scalars()
        assert set(waiting) == set(ids)


def test_only_an_administrator_sends_again(services: Services) -> None:
    put(services, REFUSED, error=REASON)
    with services.store.write() as db:
        users.create_user(
            db,
            "duty",
            role="officer",
            territory="000000",
            display_name="值班",
            password="烽火连三月，家书抵万金",
            now=NOW,
        )
    with TestClient(create_app(services)) as client:
        door = client.get("/signin").text.partition('name="door" value="')[2].partition('"')[0]
        client.post("/signin", data={"door": door, "username": "duty", "password": "烽火连三月，家书抵万金"})
        page = client.get("/status").text
        assert "索引拒收的文档" in page
        assert "/status/index/retry" not in page
        csrf = client.get("/account").text.partition('name="csrf" value="')[2].partition('"')[0]
        assert client.post("/status/index/retry", data={"csrf": csrf}).status_code == 403


def fengsui(folder: Path, *words: str) -> Finished:
    return run_here(*words, "--data", str(folder))


def test_doctor_and_index_status_tell_the_same(services: Services, tmp_path: Path) -> None:
    put(services, REFUSED, error=REASON, count=5)
    put(services, JUDGED, count=2)
    found = {one["name"]: one for one in json.loads(fengsui(tmp_path, "doctor", "--json").stdout)["checks"]}
    assert found["索引待写"]["ok"] is False
    assert "2 件，最早自 2026-11-23T14:22" in found["索引待写"]["detail"]
    assert "写索引的进程" in found["索引待写"]["detail"]
    assert (found["索引拒收"]["ok"], found["索引拒收"]["detail"]) == (False, "3 件")
    assert "g000001" in found["索引"]["detail"]
    told = json.loads(fengsui(tmp_path, "index", "status", "--json").stdout)
    assert (told["backend"], told["generation"], told["waiting"], told["refused"]) == ("embedded", "g000001", 2, 3)
    assert told["oldest_waiting"].startswith("2026-11-23T14:22")
    retried = fengsui(tmp_path, "index", "retry")
    assert retried.stdout == "写入 5 件，其中 3 件曾被拒收；仍被拒收 0 件\n"


def test_a_snapshot_by_hand_is_restored_and_what_came_later_is_written_again(tmp_path: Path) -> None:
    def lines(start: int, count: int) -> str:
        rows = [
            {"id": f"x{n}", "source": "daily", "title": f"第{n}起", "published": f"2026-11-20T10:{n:02d}:00",
             "text": f"南昌市一小区车棚内第{n}辆电动自行车充电时起火，编号{n * 7919}。"}
            for n in range(start, start + count)
        ]  # fmt: skip
        file = tmp_path / f"lines{start}.jsonl"
        file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        return str(file)

    data = tmp_path / "data"
    assert fengsui(data, "ingest", lines(0, 10)).returncode == 0
    assert fengsui(data, "index", "snapshot", "first").stdout == "已做快照 first：10 件\n"
    assert fengsui(data, "ingest", lines(10, 5)).returncode == 0
    [told] = json.loads(fengsui(data, "index", "snapshots", "--json").stdout)
    assert (told["name"], told["documents"], told["whole"]) == ("first", 10, True)
    restored = fengsui(data, "index", "restore", "first")
    assert restored.stdout.startswith("已恢复快照 first：10 件；其后的 ")
    found = json.loads(fengsui(data, "search", "起火", "--json", "--size", "100").stdout)
    assert found["total"] == 15
    unknown = fengsui(data, "index", "restore", "second")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "没有快照 second（现有：first）" in unknown.stderr


def test_an_index_that_lost_what_it_had_is_not_called_well(services: Services, admin: TestClient) -> None:
    put(services, INDEXED)
    assert "索引缺" not in admin.get("/").text + admin.get("/status").text
    assert services.search is not None
    with services.store.read() as db:
        taken = select(documents.c.id).where(documents.c.stage == INDEXED, documents.c.latest)
        everything = list(db.execute(taken).scalars())
    services.search.delete(everything)
    told = f"索引缺 {len(everything)} 件：已写入过 {len(everything)} 件，现有 0 件"
    for path in ("/", "/status"):
        assert told in admin.get(path).text
    with TestClient(create_app(services), cookies=admin.cookies) as later:  # looked at once a minute
        for path in ("/search?q=起火", "/analytics"):
            assert f"检索结果不全：{told}" in later.get(path).text


def test_the_status_page_shows_a_document_that_index_or_store_lost(services: Services, admin: TestClient) -> None:
    assert "规则复核" not in admin.get("/status").text
    lost = Told("fires", "电池<起火>", "2026-11-23T08:00:00+08:00", "索引里缺 1 件它所依据的文档", ("d/1 ?",))
    checked = Checked("2026-11-23T14:30:00+08:00", 500, 320, 41, lost=1, late=2, told=(lost,))
    with services.store.write() as db:
        set_fact(db, FACT, json.dumps(asdict(checked)))
    page = admin.get("/status").text
    assert "索引与库不符" in page
    assert "500 条中 320 条可在索引上跑，近两天触发 41 次" in page
    assert "电池&lt;起火&gt;" in page
    assert 'href="/documents/d/1%20%3F"' in page
    assert "fengsui rules run --on-index" in page
    with services.store.write() as db:
        set_fact(db, FACT, json.dumps(asdict(replace(checked, lost=0, late=0, told=()))))
    assert "索引与库不符" not in admin.get("/status").text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rules", "run"), "rules run needs --on-index"),
        (("rules", "run", "nobody", "--on-index"), "nobody: no such rule"),
        (("rules", "run", "--on-index", "--since", "soon"), "--since: 'soon' is neither 7d nor an ISO date"),
        (("rules", "run", "--on-index", "--at", "10 o'clock"), '--at: "10 o\'clock" is no ISO date'),
        (("rules", "run", "--on-index", "--since", "2026-11-25", "--at", "2026-11-20"), "is not before --at"),
        (("rules", "run", "--on-index", "--since", "99999999999w"), "is too long (accepted: up to 36500d)"),
    ],
)
def test_running_rules_on_the_index_says_what_is_wrong_with_a_call(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--data", str(tmp_path)])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
