"""The ledger of hidden dangers: its steps, who may not take them, what closing needs, its clocks."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from alerts.duty import Duty
from config.ledger import LedgerRules, load_ledger_rules
from config.lexicon import Lexicon
from config.settings import PROJECT
from core.clock import BEIJING, as_utc
from core.errors import ConfigError, UsageError
from core.records import Analysis, Document, Kind
from ledger import proofs
from ledger.book import Deed, Ledger
from ledger.clocks import due_words
from ledger.steps import act, add
from ledger.words import bureau_of
from store import documents
from store.database import Store
from store.ledger import Entry, HazardState, Proof, find_entry, proofs_of, rows_of
from store.schema import documents as table

NOW = as_utc(datetime(2026, 11, 23, 10, 0, tzinfo=BEIJING))  # a Monday
TODAY = date(2026, 11, 23)
FIRM, PRODUCT = "ENT0043", "ebike"
DRAFT = Entry(
    id="", state=HazardState.TO_CHECK, level=2, title="电动自行车擅自解除限速", origin="check", found_on=TODAY,
    due_on=TODAY, territory="360702", created_at=NOW, updated_at=NOW, firm=FIRM, product=PRODUCT, issue="modify",
)  # fmt: skip
PDF = b"%PDF-1.7 report"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.migrate()
    yield made
    made.close()


class Office:
    """Takes steps with fresh forms; the clock stands unless told."""

    def __init__(self, store: Store, rules: LedgerRules | None = None, *, key: bool = False) -> None:
        self.store, self.now, self.forms = store, NOW, 0
        self.book = Ledger(rules or LedgerRules(), Duty().is_workday, lambda _: key)

    def deed(self, actor: str, **values: Any) -> Deed:
        self.forms += 1
        named = {"territory": "360000", "once": f"form-{self.forms:04d}", **values}
        known = {name: named.pop(name) for name in list(named) if name in Deed.__dataclass_fields__ and name != "typed"}
        return Deed(actor=actor, now=self.now, typed=named, **known)

    def add(self, draft: Entry = DRAFT, **values: Any) -> Entry:
        with self.store.write() as db:
            return add(self.book, db, draft, self.deed("desk"), **values)

    def act(self, entry: Entry, action: str, actor: str, **values: Any) -> Entry:
        with self.store.write() as db:
            return act(self.book, db, entry.id, action, self.deed(actor, **values))

    def upload(self, entry: Entry, kind: str, actor: str = "county") -> Entry:
        return self.act(entry, "proof", actor, proof=Proof("", 0, kind, "a.pdf", "pdf", "ab" * 32, 10))

    def put_right(self, entry: Entry) -> Entry:
        """All the county does until it applies."""
        day = (self.now + timedelta(hours=8)).date().isoformat()
        self.act(entry, "dispatch", "desk", unit="360702")
        self.act(entry, "receive", "county", person="王某")
        self.act(entry, "visit", "county", note="现场查实", on=day)
        self.act(entry, "rectify", "county", note="已恢复限速", on=day)
        self.act(entry, "recheck", "county", on=day, first="甲", second="乙", passed="yes")
        for kind in ("report", "recheck"):
            self.upload(entry, kind)
        return self.act(entry, "apply", "county")


def signal(store: Store, at: datetime, *, issues: tuple[str, ...] = ("fire",), **more: Any) -> None:
    """A stored risk signal on the firm and product."""
    name = f"s{at.isoformat()}"
    url = f"http://x.example/{name}"
    document = Document(
        id=name, source="news", kind=Kind.NEWS, url=url, canonical_url=url, title="又一起", text="", event_time=at,
        published=at, fetched_at=at, stored_at=at, revision=1, content_hash=name, **more,
    )  # fmt: skip
    read = Analysis(
        is_risk=True, level=2, score=0.9, primary_product=PRODUCT, primary_enterprise=FIRM, jurisdiction_code="360702",
        mentions=(), title_mentions=(), issues=issues, products=(PRODUCT,), enterprises=(FIRM,), regions=(), reasons=(),
        masked_title="又一起", masked_text="", version="test",
    )  # fmt: skip
    with store.write() as db:
        documents.add_revision(db, document, external_id=name, raw={})
        db.execute(table.update().where(table.c.id == name).values(**documents.analysis_columns(read)))


def test_numbers_count_within_the_year_and_one_form_enters_once(store: Store) -> None:
    office = Office(store)
    assert [office.add().id, office.add().id] == ["YH-2026-0001", "YH-2026-0002"]
    office.now = as_utc(datetime(2027, 1, 4, 9, tzinfo=BEIJING))
    assert office.add(replace(DRAFT, found_on=date(2027, 1, 4))).id == "YH-2027-0001"
    with store.write() as db:
        deed = office.deed("desk")
        twice = [add(office.book, db, replace(DRAFT, found_on=TODAY), deed).id for _ in range(2)]
    assert twice == ["YH-2027-0002", "YH-2027-0002"]


def test_from_entry_to_close_by_another_person(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    assert entry.state is HazardState.TO_CLOSE
    with pytest.raises(UsageError, match="还差 1 项：30 日内无同企业同产品新信号"):
        office.act(entry, "close", "chief")
    office.now += timedelta(days=30)
    with pytest.raises(UsageError, match="county 办理过或申请过本项，须由另一人审核"):
        office.act(entry, "close", "county")
    closed = office.act(entry, "close", "chief")
    assert closed.state is HazardState.CLOSED
    assert closed.closed_at == office.now
    with store.read() as db:
        told = rows_of(db, entry.id)
    assert [row.action for row in told] == [
        "add", "dispatch", "receive", "visit", "rectify", "recheck", "proof", "proof", "apply", "close",
    ]  # fmt: skip
    assert set(told[-1].details["conditions"]) == {"report", "recheck", "quiet"}


def test_an_administration_that_is_called_bureau_is_not_called_so_twice(lexicon: Lexicon) -> None:
    assert [bureau_of(lexicon.regions, code) for code in ("369103", "360702", "")] == ["湾里管理局", "章贡区局", ""]


def test_who_comes_second_is_told_who_was_first(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.act(entry, "return", "chief", reason="lacking", note="缺照片", refused=["report"])
    with pytest.raises(UsageError, match=r"不能销号：由 chief 已于 11-23 10:00 退回补正，现为退回补正"):
        office.act(entry, "close", "other")


def test_what_was_sent_back_counts_no_longer(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.act(entry, "return", "chief", reason="doubtful", note="报告无公章", refused=["report"])
    with store.read() as db:
        found = {one.key: one for one in office.book.conditions(db, entry, TODAY)}
    assert not found["report"].met
    assert found["recheck"].met


@pytest.mark.parametrize(
    ("change", "key", "needed"),
    [
        ({}, False, {"report", "recheck", "quiet"}),
        ({}, True, {"report", "recheck", "retest", "quiet"}),
        ({"level": 1}, True, {"report", "recheck", "quiet"}),  # a key product, but only blue
        ({"level": 1, "issue": "fire"}, False, {"report", "recheck", "retest", "quiet"}),
        ({"level": 3}, False, {"report", "recheck", "goods", "quiet"}),
        ({"origin": "recall"}, False, {"report", "recheck", "goods", "quiet"}),
        ({"case_number": "赣市监案〔2026〕1号"}, False, {"report", "recheck", "case", "quiet"}),
    ],
)
def test_what_applies_depends_on_the_hazard(store: Store, change: Any, key: bool, needed: set[str]) -> None:
    office = Office(store, key=key)
    entry = office.add(replace(DRAFT, **change))
    with store.read() as db:
        assert {one.key for one in office.book.conditions(db, entry, TODAY)} == needed


def test_a_recheck_is_by_two_and_the_last_one_counts(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.act(entry, "return", "chief", reason="doubtful", note="复看现场")
    with pytest.raises(UsageError, match="两名复查人相同"):
        office.act(entry, "recheck", "county", on="2026-11-23", first="甲", second="甲", passed="yes")
    office.act(entry, "recheck", "county", on="2026-11-23", first="甲", second="乙", passed="no")
    with store.read() as db:
        recheck = next(one for one in office.book.conditions(db, entry, TODAY) if one.key == "recheck")
    assert not recheck.met
    assert "未合格" in recheck.text


def test_a_recheck_before_the_rectification_was_done_does_not_count(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.act(entry, "return", "chief", reason="doubtful", note="整改不实")
    office.now += timedelta(days=40)
    day = (office.now + timedelta(hours=8)).date()
    office.act(entry, "rectify", "county", on=day.isoformat(), note="重新整改")
    with store.read() as db:
        recheck = next(one for one in office.book.conditions(db, entry, day) if one.key == "recheck")
    assert not recheck.met
    assert recheck.text.endswith("早于 01-02 整改完成，须再复查")


@pytest.mark.parametrize(("on", "told"), [("1999-12-31", "不在可用的年份内"), ("2026-11-01", "早于发现日")])
def test_no_work_was_done_before_the_hazard_was_found(store: Store, on: str, told: str) -> None:
    office = Office(store)
    entry = office.add()
    office.act(entry, "dispatch", "desk", unit="360702")
    office.act(entry, "receive", "county")
    with pytest.raises(UsageError, match=told):
        office.act(entry, "visit", "county", on=on, note="现场查实")


def test_who_is_named_as_a_rechecker_does_not_close(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.now += timedelta(days=30)
    with pytest.raises(UsageError, match="乙 是本项复查人，须由另一人审核"):
        office.act(entry, "close", "chief", called="乙")


def test_a_day_before_our_time_is_no_day_of_finding(store: Store) -> None:
    with pytest.raises(UsageError, match="发现日 1900-01-01 不在可用的年份内"):
        Office(store).add(replace(DRAFT, found_on=date(1900, 1, 1)))


def test_a_new_signal_starts_the_quiet_days_anew_and_a_supervisor_may_waive_them(store: Store) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.now += timedelta(days=20)
    signal(store, office.now - timedelta(days=1))
    office.now += timedelta(days=11)
    with pytest.raises(UsageError, match=r"自 12-12 已满 12 日，到 01-11 满"):
        office.act(entry, "close", "chief")
    with pytest.raises(UsageError, match="须由另一人审核"):
        office.act(entry, "waive", "county", note="同一批次的旧报道")
    office.act(entry, "waive", "chief", note="同一批次的旧报道")
    assert office.act(entry, "close", "chief").state is HazardState.CLOSED


@pytest.mark.parametrize(
    ("issues", "more"), [(("penalty",), {}), (("fire",), {"repost_of": "d1"}), (("fire",), {"withdrawn_at": NOW})]
)
def test_copies_and_news_of_the_penalty_are_no_new_signal(store: Store, issues: tuple[str, ...], more: Any) -> None:
    office = Office(store)
    entry = office.put_right(office.add())
    office.now += timedelta(days=30)
    signal(store, office.now - timedelta(days=1), issues=issues, **more)
    assert office.act(entry, "close", "chief").state is HazardState.CLOSED


def test_from_orange_on_the_office_above_decides(store: Store) -> None:
    office = Office(store, LedgerRules.model_validate({"close": {"quiet_days": 0}}))
    entry = office.put_right(office.add(replace(DRAFT, level=3)))
    office.upload(entry, "goods")
    with pytest.raises(UsageError, match="由承办单位的上级审核"):
        office.act(entry, "close", "county_chief", territory="360702")
    assert office.act(entry, "close", "city_chief", territory="360700").state is HazardState.CLOSED


def test_reopening_keeps_the_number_and_asks_for_everything_again(store: Store) -> None:
    office = Office(store, LedgerRules.model_validate({"close": {"quiet_days": 0}}))
    entry = office.act(office.put_right(office.add()), "close", "chief")
    again = office.act(entry, "reopen", "chief", reason="recurred", note="群众再次反映")
    assert again.id == entry.id
    assert again.state is HazardState.REOPENED
    assert again.closed_at is None
    with store.read() as db:
        assert not any(one.met for one in office.book.conditions(db, again, TODAY))
    office.act(again, "visit", "county", note="再次查实", on="2026-11-23")
    with pytest.raises(UsageError, match="还没有报告整改完成"):
        office.act(again, "apply", "county")


def test_an_extension_is_asked_for_and_approved_by_another(store: Store) -> None:
    office = Office(store)
    entry = office.add()
    assert entry.due_on == date(2026, 12, 8)
    with pytest.raises(UsageError, match="一次至多 60 日"):
        office.act(entry, "extend", "county", to="2027-03-01", note="设备到货晚")
    office.act(entry, "extend", "county", to="2026-12-20", note="设备到货晚")
    with pytest.raises(UsageError, match="须由另一人审批"):
        office.act(entry, "extend_yes", "county")
    assert office.act(entry, "extend_no", "chief").due_on == date(2026, 12, 8)
    office.act(entry, "extend", "county", to="2026-12-20", note="设备到货晚")
    assert office.act(entry, "extend_yes", "chief").due_on == date(2026, 12, 20)


def test_steps_of_the_office_wait_for_dispatch_and_receipt(store: Store) -> None:
    office = Office(store)
    entry = office.add()
    with pytest.raises(UsageError, match="请先派单"):
        office.act(entry, "receive", "county")
    sent = office.act(entry, "dispatch", "desk", unit="360702")
    assert sent.step_due_on == date(2026, 11, 24)
    with pytest.raises(UsageError, match="请先签收"):
        office.act(entry, "visit", "county", note="现场查实", on="2026-11-23")
    assert office.act(entry, "receive", "county").step_due_on == date(2026, 11, 26)
    office.act(entry, "dispatch", "desk", unit="360700")  # moved on: the other office receives anew
    with pytest.raises(UsageError, match="请先签收"):
        office.act(entry, "visit", "county", note="现场查实", on="2026-11-23")


def test_a_case_leads_to_its_own_proof_and_transfers_are_noted(store: Store) -> None:
    office = Office(store)
    entry = office.add()
    office.act(entry, "dispatch", "desk", unit="360702")
    filed = office.act(entry, "file", "county", document="章市监案〔2026〕7号", on="2026-11-23")
    assert filed.state is HazardState.FILED
    moved = office.act(entry, "transfer", "county", to="police", document="章市监移〔2026〕1号", on="2026-11-23")
    assert moved.case_number == "章市监案〔2026〕7号；章市监移〔2026〕1号"
    assert moved.state is HazardState.FILED
    with store.read() as db:
        assert "case" in {one.key for one in office.book.conditions(db, moved, TODAY)}


def test_looking_again_keeps_it_closed_or_opens_the_same_number(store: Store) -> None:
    office = Office(store, LedgerRules.model_validate({"close": {"quiet_days": 0}}))
    entry = office.put_right(office.add(replace(DRAFT, level=3)))
    office.upload(entry, "goods")
    closed = office.act(entry, "close", "chief")
    assert closed.look_on == date(2026, 12, 23)  # orange: always
    office.now += timedelta(days=30)
    kept = office.act(entry, "look_back", "city", on="2026-12-23", recurred="no", note="未再现")
    assert (kept.state, kept.look_on) == (HazardState.CLOSED, None)
    back = office.act(entry, "look_back", "city", on="2026-12-23", recurred="yes", note="又见解除限速的车")
    assert (back.id, back.state) == (entry.id, HazardState.REOPENED)
    with store.read() as db:
        assert not any(one.met for one in office.book.conditions(db, back, TODAY))


def test_about_a_fifth_of_the_others_is_looked_at_again(store: Store) -> None:
    book = Office(store).book
    drawn = [book.look_on(replace(DRAFT, id=f"YH-2026-{number:04d}"), TODAY) for number in range(1, 101)]
    assert sum(one is not None for one in drawn) == 20


def test_due_dates_count_days_and_never_end_on_a_free_day(store: Store) -> None:
    office = Office(store, LedgerRules.model_validate({"rectify": {"yellow": {"days": 3, "working": True}}}))
    assert office.add().due_on == date(2026, 11, 26)
    assert office.add(replace(DRAFT, level=1)).due_on == date(2026, 12, 23)
    friday = replace(DRAFT, found_on=date(2026, 11, 20), level=4)
    office.now -= timedelta(days=3)
    assert office.add(friday).due_on == date(2026, 11, 23)
    sunday = LedgerRules.model_validate({"rectify": {"blue": {"days": 2}}})
    assert Ledger(sunday, Duty().is_workday, lambda _: False).due(1, date(2026, 11, 20)) == date(2026, 11, 23)


def test_a_typed_due_date_is_not_later_than_the_rules(store: Store) -> None:
    office = Office(store)
    assert office.add(due_on=date(2026, 12, 1)).due_on == date(2026, 12, 1)
    with pytest.raises(UsageError, match="更晚须列入后申请延期"):
        office.add(due_on=date(2026, 12, 9))


def test_overdue_is_told_from_the_day() -> None:
    assert due_words(TODAY, date(2026, 11, 26)) == ("逾期 3 日", "over")
    assert due_words(TODAY, TODAY) == ("今日到期", "soon")
    assert due_words(date(2026, 11, 28), TODAY) == ("剩 5 日", "")
    closed = replace(DRAFT, state=HazardState.CLOSED, due_on=date(2026, 11, 1))
    assert closed.days_over(TODAY) == 0


def test_a_file_is_known_by_its_bytes_and_lies_under_its_hash(tmp_path: Path) -> None:
    rules = LedgerRules().proofs
    kept = proofs.keep(tmp_path, "report", "..\\..\\整改<报告>.exe", PDF, rules)
    assert kept.name == "整改报告.pdf"
    assert proofs.path_of(tmp_path, kept.sha256).read_bytes() == PDF
    assert proofs.read(tmp_path, kept) == PDF
    for body, told in (
        (b"", "空的"),
        (b"<html><script>", "类型不收"),
        (b"MZ\x90", "类型不收"),
        (b"%PDF-" + b"x" * (21 << 20), "20 MB"),
    ):
        with pytest.raises(UsageError, match=told):
            proofs.keep(tmp_path, "report", "a.pdf", body, rules)


def test_a_workbook_with_macros_is_no_proof_however_its_part_is_written(tmp_path: Path) -> None:
    names = ["xl/workbook.xml", *(f"xl/{number}.xml" for number in range(5001)), "xl/VBAProject.BIN"]
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    with pytest.raises(UsageError, match="类型不收"):
        proofs.keep(tmp_path, "report", "a.xlsx", packed.getvalue(), LedgerRules().proofs)


def test_a_changed_file_is_not_handed_out(tmp_path: Path) -> None:
    kept = proofs.keep(tmp_path, "report", "a.pdf", PDF, LedgerRules().proofs)
    proofs.path_of(tmp_path, kept.sha256).write_bytes(b"%PDF-1.7 other")
    with pytest.raises(UsageError, match="SHA-256 不符"):
        proofs.read(tmp_path, kept)


def test_an_uploaded_file_belongs_to_the_row_it_came_with(store: Store) -> None:
    office = Office(store)
    entry = office.add()
    office.upload(entry, "report")
    with store.read() as db:
        assert [(one.number, one.kind) for one in proofs_of(db, entry.id)] == [(2, "report")]
        assert find_entry(db, "yh-2026-0001") is not None


def test_the_shipped_file_is_what_the_program_takes_without_one(tmp_path: Path) -> None:
    assert load_ledger_rules(PROJECT / "config") == load_ledger_rules(tmp_path)


def test_a_wrong_file_names_key_and_what_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "ledger.yml").write_text("close: {quiet: 3}\noverdue: {steps: [5, 1]}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_ledger_rules(tmp_path)
    assert any("close.quiet: unknown key (accepted:" in one for one in told.value.mistakes)
    assert any("overdue.steps: do not rise" in one for one in told.value.mistakes)
