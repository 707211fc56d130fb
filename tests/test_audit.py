"""The audit log: one chain whoever writes, every kind of damage named, and a page cut to the territory."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from fastapi.testclient import TestClient
from sqlalchemy import Connection, create_engine, text

import cli
from core.ids import digest, to_json
from store import audit, users
from store.audit import Break
from store.database import Store, alembic_config
from store.schema import audit as table
from store.schema import audit_head
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD
from web.app import create_app

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'fengsui.db'}")
    made.migrate()
    with made.write() as db:
        for number in range(6):
            audit.note(db, "desk-1", "sign_in", "desk-1", at=NOW + timedelta(hours=number), details={"n": number})
    yield made
    made.close()


def sealed(db: Connection, number: int, previous: str, actor: str) -> str:
    """A forged row whose own hash is right."""
    values = {"number": number, "at": NOW, "actor": actor, "action": "sign_in", "object": "", "details": {}}
    made = audit.hash_of(previous, values)
    db.execute(table.insert().values(**values, previous_hash=previous, hash=made))
    return made


def change(db: Connection) -> None:
    db.execute(table.update().where(table.c.number == 3).values(actor="somebody"))


def change_details(db: Connection) -> None:
    db.execute(table.update().where(table.c.number == 3).values(details={"n": 9}))


def change_and_reseal(db: Connection) -> None:
    before = db.execute(table.select().where(table.c.number == 2)).mappings().one()
    db.execute(table.delete().where(table.c.number == 3))
    sealed(db, 3, before["hash"], "somebody")


def change_newest_and_reseal(db: Connection) -> None:
    before = db.execute(table.select().where(table.c.number == 5)).mappings().one()
    db.execute(table.delete().where(table.c.number == 6))
    sealed(db, 6, before["hash"], "somebody")


def remove(db: Connection) -> None:
    db.execute(table.delete().where(table.c.number == 3))


def remove_first(db: Connection) -> None:
    db.execute(table.delete().where(table.c.number == 1))


def remove_newest(db: Connection) -> None:
    db.execute(table.delete().where(table.c.number >= 5))


def remove_all(db: Connection) -> None:
    db.execute(table.delete())


def insert(db: Connection) -> None:
    before = db.execute(table.select().where(table.c.number == 2)).mappings().one()
    for number in range(6, 2, -1):
        db.execute(table.update().where(table.c.number == number).values(number=number + 1))
    sealed(db, 3, before["hash"], "somebody")


def append(db: Connection) -> None:
    last = db.execute(table.select().where(table.c.number == 6)).mappings().one()
    sealed(db, 7, last["hash"], "somebody")


def swap(db: Connection) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        db.execute(table.update().where(table.c.number == old).values(number=new))


def lose_the_head(db: Connection) -> None:
    db.execute(audit_head.delete())


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (change, Break(3, "changed")),
        (change_details, Break(3, "changed")),
        (change_and_reseal, Break(3, "changed")),
        (change_newest_and_reseal, Break(6, "changed")),
        (swap, Break(3, "inserted")),
        (remove, Break(3, "missing")),
        (remove_first, Break(1, "missing")),
        (remove_newest, Break(5, "missing")),
        (remove_all, Break(1, "missing")),
        (lose_the_head, Break(1, "missing")),
        (insert, Break(3, "inserted")),
        (append, Break(7, "inserted")),
    ],
)
def test_the_first_row_that_does_not_fit_is_named(
    store: Store, damage: Callable[[Connection], None], found: Break
) -> None:
    with store.write() as db:
        assert audit.verify(db) is None
        damage(db)
        assert audit.verify(db) == found


def test_a_chain_forged_from_end_to_end_is_told_by_a_hash_kept_elsewhere(store: Store) -> None:
    with store.write() as db:
        kept = audit.check_chain(db).head
        db.execute(table.delete())
        db.execute(audit_head.update().values(number=0, hash=""))
        for _ in range(8):
            audit.note(db, "somebody", "sign_in", "", at=NOW)
        assert audit.verify(db) is None
        assert audit.check_chain(db, kept=(kept.number, kept.hash)).broken == Break(6, "rewritten")


def test_a_hash_kept_earlier_still_fits_a_log_that_grew(store: Store) -> None:
    with store.write() as db:
        kept = audit.check_chain(db).head
        audit.note(db, "desk-1", "sign_out", "", at=NOW)
        assert audit.check_chain(db, kept=(kept.number, kept.hash)).broken is None


def test_only_the_newest_rows_can_be_looked_at(store: Store) -> None:
    with store.write() as db:
        change(db)
        assert audit.check_chain(db, last=2) == audit.Verdict(2, audit.head_of(db), None)
        assert audit.check_chain(db, last=4).broken == Break(3, "changed")


def test_many_writers_keep_one_chain(store: Store) -> None:
    def write(number: int) -> None:
        with store.write() as db:
            audit.note(db, f"writer-{number}", "sign_in", "", at=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with store.read() as db:
        verdict = audit.check_chain(db)
        assert (verdict.rows, verdict.head.number, verdict.broken) == (46, 46, None)


def test_what_was_rolled_back_leaves_no_gap(store: Store) -> None:
    def fail() -> None:
        with store.write() as db:
            audit.note(db, "desk-1", "sign_out", "", at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.write() as db:
        audit.note(db, "desk-1", "sign_out", "", at=NOW)
        assert audit.check_chain(db).head.number == 7
        assert audit.verify(db) is None


def test_pruning_keeps_the_chain_whole_and_is_itself_noted(store: Store) -> None:
    with store.write() as db:
        assert audit.prune(db, before=NOW + timedelta(hours=2), actor="admin", now=NOW + timedelta(days=1)) == 2
        verdict = audit.check_chain(db)
        assert (verdict.rows, verdict.broken, verdict.head.base_number) == (5, None, 2)
        assert audit.newest(db, 1)[0].action == "audit_prune"
        remove(db)  # the first one that is left
        assert audit.verify(db) == Break(3, "missing")


# --- rows written before the chain covered their numbers ---------------------------------------------------------


def old_database(folder: Path) -> str:
    """A database as it was before, with three rows in the old chain."""
    url = f"sqlite:///{folder / 'fengsui.db'}"
    command.upgrade(alembic_config(url), "0017")
    previous = ""
    with create_engine(url).begin() as db:
        for number in range(1, 4):
            at = NOW + timedelta(hours=number)
            made = digest(previous, str(at.timestamp()), "desk-1", "sign_in", "一席", to_json({"n": number}))
            db.execute(
                table.insert().values(
                    at=at, actor="desk-1", action="sign_in", object="一席", details={"n": number},
                    previous_hash=previous, hash=made,
                )
            )  # fmt: skip
            previous = made
    return url


def test_rows_from_before_are_chained_anew(tmp_path: Path) -> None:
    store = Store(old_database(tmp_path))
    store.migrate()
    with store.write() as db:
        audit.note(db, "desk-1", "sign_out", "", at=NOW)
        assert audit.verify(db) is None
        told = audit.search(db, action="audit_rechained")[0].details
        assert (told["rows"], told["broken_at"]) == (3, None)
        assert [line.details.get("n") for line in audit.newest(db)][2:] == [3, 2, 1]


def test_a_chain_that_was_broken_before_is_not_made_to_look_whole(tmp_path: Path) -> None:
    url = old_database(tmp_path)
    with create_engine(url).begin() as db:
        db.execute(text("update audit set actor = 'somebody' where number = 2"))
    store = Store(url)
    store.migrate()
    with store.read() as db:
        assert audit.search(db, action="audit_rechained")[0].details["broken_at"] == 2


# --- by hand -----------------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    try:
        cli.main(["audit", *words])
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    answer = capsys.readouterr()
    return code, answer.out + answer.err


def test_the_command_names_the_row_and_fails(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ("--data", str(tmp_path))
    code, said = run(capsys, "verify", *here)
    assert code == 0
    kept = re.search(r"\d+:[0-9a-f]{64}", said)
    assert kept
    assert run(capsys, "verify", "--kept", kept[0], *here)[0] == 0
    with store.write() as db:
        remove(db)
    assert run(capsys, "verify", *here) == (1, "链条断裂：自第 3 条起有缺失\n")
    code, said = run(capsys, "verify", "--json", *here)
    assert (code, json.loads(said)["broken"]) == (1, {"number": 3, "damage": "missing"})


def test_the_command_lists_who_did_what(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "list", "--who", "desk-1", "--limit", "2", "--json", "--data", str(tmp_path))
    assert code == 0
    assert [json.loads(line)["number"] for line in said.splitlines()] == [6, 5]
    code, said = run(capsys, "list", "--since", "yesterday", "--data", str(tmp_path))
    assert (code, "不是日期" in said) == (2, True)


def test_rows_are_exported_before_they_are_pruned_and_the_file_can_be_checked(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, file = ("--data", str(tmp_path)), tmp_path / "old.jsonl"
    # 2026-11-23 14:00 in Beijing is the first row, an hour later the second one.
    assert run(capsys, "prune", "--before", "2026-11-23T16:30", "--export", str(file), *here)[0] == 0
    assert [json.loads(line)["number"] for line in file.read_text(encoding="utf-8").splitlines()] == [1, 2, 3]
    assert run(capsys, "verify", "--file", str(file), *here)[0] == 0
    assert run(capsys, "verify", *here)[0] == 0
    code, said = run(capsys, "prune", "--before", "2026-11-23T17:30", "--export", str(file), *here)
    assert (code, "已存在" in said) == (2, True)
    file.write_text(file.read_text(encoding="utf-8").replace('"n":1', '"n":8'), encoding="utf-8")
    assert run(capsys, "verify", "--file", str(file), *here) == (1, "链条断裂：第 2 条被改动\n")


# --- the page ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_as(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], TestClient]]:
    services = make_services(tmp_path_factory.mktemp("audit"), clock=lambda: NOW)
    with services.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "000000"), ("yichun", "supervisor", "360900"), ("gaoan", "officer", "360981"),
            ("ganzhou", "officer", "360700"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
        audit.note(db, "gaoan", "export_search", "<b>起火</b>", at=NOW - timedelta(days=2), details={"rows": 5})
        audit.note(db, "ganzhou", "export_search", "爆炸", at=NOW - timedelta(days=1))
        audit.note(db, "nobody-there", "sign_in_refused", "nobody-there", at=NOW)

    def open_desk(name: str) -> TestClient:
        client = TestClient(create_app(services), follow_redirects=False)
        door = re.search(r'name="door" value="([^"]*)"', client.get("/signin").text)
        assert door
        client.post("/signin", data={"door": door[1], "username": name, "password": PASSWORD})
        return client

    yield open_desk
    services.store.close()


def test_the_page_finds_by_who_what_and_when(open_as: Callable[[str], TestClient]) -> None:
    chief = open_as("chief")
    everything = chief.get("/audit").text
    assert "链条完整" in everything
    assert "&lt;b&gt;起火&lt;/b&gt;" in everything
    assert "nobody-there" in everything
    found = chief.get("/audit?who=ganzhou&what=export_search").text
    assert "爆炸" in found
    assert "起火" not in found
    assert "起火" in chief.get("/audit?from=2026-11-21&to=2026-11-21").text
    assert "没有符合条件的记录" in chief.get("/audit?to=2020-01-01").text


def test_the_page_is_cut_to_the_territory(open_as: Callable[[str], TestClient]) -> None:
    page = open_as("yichun").get("/audit").text
    assert "起火" in page
    assert "爆炸" not in page
    assert "nobody-there" not in page
    assert "ganzhou" not in page


def test_officers_do_not_read_the_log(open_as: Callable[[str], TestClient]) -> None:
    assert open_as("gaoan").get("/audit").status_code == 403


@pytest.mark.parametrize("query", ["what=nothing", "from=soon", "to=9999-12-31", "before=-1", "before=" + "9" * 40])
def test_a_wrong_address_is_told_in_words(open_as: Callable[[str], TestClient], query: str) -> None:
    answer = open_as("chief").get(f"/audit?{query}")
    assert answer.status_code == 400
    assert "。" in answer.text
