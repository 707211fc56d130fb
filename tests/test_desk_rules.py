"""Rules made on the desk: taken up while documents come, judged in the order of arrival, kept through restarts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cli
from alerts.desk_rules import RuleShelf, as_yaml, export_note, read_desk_rules
from alerts.rule_examples import ACK_HOURS, signals_of
from alerts.rule_judge import RuleJudge
from alerts.rule_query import RuleQueries, queries_of
from alerts.rule_trial import try_rule
from alerts.setup import EngineParts, load_file_rules
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon
from config.rules import ExampleDocument
from config.settings import PROJECT
from core.records import AlertState, Signal
from store import desk_rules
from store.alert_log import findings_of_alert, list_alerts
from store.database import Store
from store.desk_rules import Overtaken, RuleVersion
from store.documents import INDEXED, add_revision, analysis_columns
from store.schema import documents

CONFIG = PROJECT / "config"
NOW = datetime.fromisoformat("2026-03-20T00:00:00+00:00")
ANY: Mapping[str, Any] = {"type": "any"}
OFTEN: Mapping[str, Any] = {"type": "frequency", "window": "24h", "at_least": 3}
SPIKE: Mapping[str, Any] = {"type": "spike", "window": "24h", "at_least": 3, "ratio": 2}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon(CONFIG)


@pytest.fixture(scope="module")
def queries(lexicon: Lexicon) -> RuleQueries:
    return queries_of(lexicon)


def words(query: str = "楼道 and 起火", condition: Mapping[str, Any] = ANY, **more: Any) -> dict[str, Any]:
    group = ["matter"] if condition["type"] == "any" else ["all"]
    scope = {"query": query, "synonyms": True, "min_level": 0}
    named = {"title": "楼道起火", "why": "用于测试", "level": "yellow", "repeat_after": None, "group_by": group}
    return {**named, "scope": scope, "condition": dict(condition), **more}


@dataclass
class Desk:
    """A store, a judge over it that has no rules but the desk's, and documents that come in one after the other."""

    store: Store
    parts: EngineParts
    judge: RuleJudge
    count: int = 0

    def restart(self) -> None:
        self.judge = RuleJudge(self.store, self.parts)

    def make(self, definition: Mapping[str, Any], *, territory: str = "000000") -> RuleVersion:
        self.count += 1
        with self.store.write() as db:
            return desk_rules.create_rule(
                db, definition, actor="chief", territory=territory, now=NOW, once=f"form-{self.count:04d}"
            )

    def change(self, made: RuleVersion, action: desk_rules.Action, definition: Any = None, *, seen: int) -> RuleVersion:
        self.count += 1
        with self.store.write() as db:
            return desk_rules.change_rule(
                db, made.rule, action, seen=seen, actor="chief", now=NOW, once=f"form-{self.count:04d}",
                definition=definition,
            )  # fmt: skip

    def arrive(self, hours: float, title: str, **more: Any) -> Signal:
        """A document comes in and is read; nobody has judged it."""
        self.count += 1
        told = {"product": "ebike", "issues": ["fire"], "jurisdiction": "360702", "level": 2, "at": hours} | more
        [made] = signals_of([ExampleDocument.model_validate({"title": title, **told})])
        document = replace(made.document, id=f"doc{self.count}", content_hash=title)
        with self.store.write() as db:
            add_revision(db, document, external_id=document.id, raw={})
            row = documents.c.id == document.id
            db.execute(documents.update().where(row).values(stage=INDEXED, **analysis_columns(made.analysis)))
        return replace(made, document=document)

    def judged(self, signal: Signal) -> None:
        with self.store.write() as db:
            self.judge(db, signal, signal.document.event_time)

    def come(self, hours: float, title: str, **more: Any) -> Signal:
        """A document comes in and is judged."""
        signal = self.arrive(hours, title, **more)
        self.judged(signal)
        return signal

    def fired(self) -> list[tuple[str, list[str]]]:
        """(rule, documents) of every standing finding."""
        with self.store.read() as db:
            return [
                (finding.rule, list(finding.documents))
                for alert in list_alerts(db)
                for finding in findings_of_alert(db, alert.id)
            ]

    def states(self) -> list[AlertState]:
        with self.store.read() as db:
            return [alert.state for alert in list_alerts(db)]


@pytest.fixture
def desk(store: Store, lexicon: Lexicon, queries: RuleQueries) -> Desk:
    parts = EngineParts((), lexicon, load_grouping(CONFIG), lambda _: None, ACK_HOURS, None, queries)
    return Desk(store, parts, RuleJudge(store, parts))


def test_a_rule_is_taken_up_by_a_running_judge_and_judges_what_comes_after_it(desk: Desk) -> None:
    before = desk.come(0, "凌晨楼道起火")
    made = desk.make(words())
    assert (made.rule, made.number, made.state) == ("desk_1", 1, "on")
    assert desk.judge.refresh()
    assert not desk.judge.refresh()
    after = desk.come(1, "又一处楼道起火")
    desk.come(2, "车棚起火")
    desk.judged(before)  # its origin moved, it was withdrawn, ...: still nothing new
    assert desk.fired() == [("desk_1", [after.document.id])]


def test_the_evidence_names_the_query(desk: Desk) -> None:
    desk.make(words())
    desk.judge.refresh()
    desk.come(1, "楼道起火")
    with desk.store.read() as db:
        [alert] = list_alerts(db)
    assert alert.rule == "desk_1"
    assert alert.reason.startswith("规则「楼道起火」：《楼道起火》")
    assert "检索语句“楼道 and 起火”" in alert.reason


def test_a_restart_between_any_two_steps_changes_nothing(desk: Desk) -> None:
    desk.come(0, "楼道起火一")
    desk.restart()
    made = desk.make(words())
    desk.restart()
    second = desk.come(1, "楼道起火二")
    desk.restart()
    desk.change(made, "off", seen=1)
    desk.restart()
    desk.come(2, "楼道起火三", jurisdiction="360400")
    desk.restart()
    assert desk.fired() == [("desk_1", [second.document.id])]


def test_switching_off_stops_judging_and_leaves_what_was_found(desk: Desk) -> None:
    made = desk.make(words())
    desk.judge.refresh()
    first = desk.come(1, "楼道起火一")
    desk.change(made, "off", seen=1)
    desk.judge.refresh()
    second = desk.come(2, "楼道起火二")  # the same matter is told again
    assert desk.fired() == [("desk_1", [first.document.id])]
    assert desk.states() == [AlertState.NEW]
    desk.change(made, "on", seen=2)
    desk.judge.refresh()
    third = desk.come(3, "楼道起火三")
    desk.judged(second)
    assert desk.fired() == [("desk_1", [first.document.id]), ("desk_1", [third.document.id])]
    desk.change(made, "deleted", seen=3)
    desk.judge.refresh()
    desk.come(4, "楼道起火四")
    assert len(desk.fired()) == 2
    assert desk.states() == [AlertState.NEW]


def test_an_edited_rule_judges_later_documents_by_its_new_words(desk: Desk) -> None:
    made = desk.make(words())
    desk.judge.refresh()
    first = desk.come(1, "楼道起火")
    missed = desk.come(2, "车棚起火")
    desk.change(made, "changed", words("车棚 and 起火"), seen=1)
    desk.judge.refresh()
    desk.come(3, "楼道起火又一起")
    last = desk.come(4, "车棚起火又一起")
    for signal in (first, missed):
        desk.judged(signal)
    assert {documents[0] for _, documents in desk.fired()} == {first.document.id, last.document.id}
    assert desk.states() == [AlertState.NEW]


@pytest.mark.parametrize("count_in", [True, False])
def test_what_came_before_counts_in_windows_once_it_is_counted_in(desk: Desk, count_in: bool) -> None:
    early = [desk.come(n, f"楼道起火第{n}起") for n in range(2)]
    desk.make(words(condition=OFTEN))
    desk.judge.refresh()
    if count_in:
        assert desk.judge.count_in(NOW, seconds=60)
    last = desk.come(3, "楼道起火最后一起")
    expected = [("desk_1", [*(signal.document.id for signal in early), last.document.id])] if count_in else []
    assert desk.fired() == expected
    if not count_in:  # the worker was busy: it makes up for it
        desk.judge.count_in(NOW, seconds=60)
        assert len(desk.fired()) == 1


def test_what_came_before_fires_nothing_by_itself(desk: Desk) -> None:
    for n in range(6):
        desk.come(n, f"楼道起火第{n}起")
    desk.make(words(condition=OFTEN))
    desk.judge.refresh()
    desk.judge.count_in(NOW, seconds=60)
    desk.come(7, "与此无关的刹车失灵", issues=["defect"])
    assert desk.fired() == []


def test_a_new_spike_rule_knows_what_is_usual(desk: Desk) -> None:
    for day in range(8):
        for n in range(3):
            desk.come(24 * day + 2 * n, f"楼道起火第{day}日第{n}起")
    desk.make(words(condition=SPIKE))
    desk.judge.refresh()
    desk.judge.count_in(NOW, seconds=60)
    for n in range(3):
        desk.come(24 * 8 + 2 * n, f"楼道起火今日第{n}起")
    assert desk.fired() == [], "three a day is what every day had"
    for n in range(3, 8):
        desk.come(24 * 8 + 2 * n, f"楼道起火今日第{n}起")
    assert [rule for rule, _ in desk.fired()] == ["desk_1"]


def test_counting_in_goes_on_after_a_kill(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.rule_judge.PAGE", 2)
    for n in range(5):
        desk.come(n, f"楼道起火第{n}起")
    desk.make(words(condition={**OFTEN, "at_least": 6}))
    desk.judge.refresh()
    assert not desk.judge.count_in(NOW, seconds=-1)
    desk.restart()
    assert desk.judge.count_in(NOW, seconds=60)
    desk.come(6, "楼道起火最后一起")
    assert [len(found) for _, found in desk.fired()] == [6]


def test_a_late_document_completes_the_window_of_its_own_time(desk: Desk) -> None:
    desk.come(30, "楼道起火之二")
    desk.come(31, "楼道起火之三")
    desk.make(words(condition=OFTEN))
    desk.judge.take_up(NOW)
    desk.come(60, "与此无关的刹车失灵", issues=["defect"])
    desk.come(29, "楼道起火之一")
    assert [len(found) for _, found in desk.fired()] == [3]


def test_a_rule_is_cut_to_the_territory_it_was_made_in(desk: Desk) -> None:
    desk.make(words(), territory="360400")
    desk.judge.refresh()
    desk.come(1, "楼道起火", jurisdiction="360702")
    mine = desk.come(2, "楼道起火", jurisdiction="360402")
    assert desk.fired() == [("desk_1", [mine.document.id])]


def test_an_or_in_the_query_does_not_escape_the_territory(desk: Desk) -> None:
    desk.make(words("楼道 or 起火"), territory="360400")
    desk.judge.refresh()
    desk.come(1, "楼道起火", jurisdiction="360702")
    assert desk.fired() == []


def test_a_broken_rule_is_told_and_stops_nothing(desk: Desk, lexicon: Lexicon, queries: RuleQueries) -> None:
    broken = desk.make(words("产品:ebike and 起火"))
    fine = desk.make(words("楼道"))
    lost = replace(queries, known={**queries.known, "products": frozenset({"cable"})})
    desk.parts = replace(desk.parts, queries=lost)
    desk.restart()
    signal = desk.come(1, "楼道起火")
    assert desk.fired() == [(fine.rule, [signal.document.id])]
    shelf = RuleShelf(desk.store, lost)
    told = shelf.find(broken.rule)
    assert told is not None
    assert told.broken.startswith("检索语句第 4 字：没有“ebike”这个产品")
    assert not told.judging


def test_the_second_of_two_who_edit_is_told_and_overwrites_nothing(desk: Desk) -> None:
    made = desk.make(words())
    desk.change(made, "changed", words("车棚"), seen=1)
    with pytest.raises(Overtaken) as problem:
        desk.change(made, "changed", words("电梯"), seen=1)
    assert problem.value.version.number == 2
    with desk.store.read() as db:
        versions = desk_rules.all_versions(db)[made.rule]
    assert [version.definition["scope"]["query"] for version in versions] == ["楼道 and 起火", "车棚"]


def test_the_same_form_twice_makes_one_rule(desk: Desk) -> None:
    with desk.store.write() as db:
        first, second = (
            desk_rules.create_rule(db, words(), actor="chief", territory="000000", now=NOW, once="the-same-form")
            for _ in range(2)
        )
    assert first == second


def test_numbers_of_deleted_rules_are_not_given_again(desk: Desk) -> None:
    made = desk.make(words())
    desk.change(made, "deleted", seen=1)
    assert desk.make(words()).rule == "desk_2"


# --- trying -----------------------------------------------------------------------------------------------------


def test_a_trial_comes_to_what_the_engine_came_to(desk: Desk, queries: RuleQueries) -> None:
    made = desk.make(words(condition=OFTEN))
    desk.judge.refresh()
    for n in range(10):
        desk.come(5 * n, f"楼道起火第{n}起")
        desk.come(5 * n + 1, f"刹车失灵第{n}起", issues=["defect"])
    with desk.store.read() as db:
        [one] = read_desk_rules({made.rule: (made,)}, queries)
        alerts = [(a.title, a.first_at, a.level, a.documents) for a in list_alerts(db)]
    assert one.rule is not None
    now = desk.arrive(72, "今天", level=0).document.event_time
    trial = try_rule(desk.store, one.rule, desk.parts, now=now, days=30)
    assert [(a.title, a.first_at, a.level, a.documents) for a in trial.alerts] == alerts
    assert (len(trial.hits), trial.whole, trial.cut_short) == (10, True, False)
    with desk.store.read() as db:
        assert len(list_alerts(db)) == len(alerts), "a trial writes nothing"


def test_a_trial_that_takes_too_long_says_how_far_it_came(desk: Desk, queries: RuleQueries) -> None:
    for n in range(4):
        desk.arrive(24 * n, f"楼道起火第{n}起")
    made = desk.make(words())
    [one] = read_desk_rules({made.rule: (made,)}, queries)
    assert one.rule is not None
    now = desk.arrive(100, "今天", level=0).document.event_time
    trial = try_rule(desk.store, one.rule, desk.parts, now=now, days=30, seconds=-1)
    assert not trial.whole
    assert trial.start > now - timedelta(days=1)


# --- the command line -------------------------------------------------------------------------------------------


def fengsui(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(args)
    return int(ended.value.code or 0)


def test_an_exported_rule_is_a_rule_file(desk: Desk, tmp_path: Path, lexicon: Lexicon, queries: RuleQueries) -> None:
    made = desk.make(words("楼道 and 电瓶车", SPIKE, repeat_after="3d"), territory="360400")
    [one] = read_desk_rules({made.rule: (made,)}, queries)
    assert one.rule is not None
    text = as_yaml(one.rule, export_note(one))
    examples = "examples:\n  fires: [[{title: 楼道里的电瓶车}]]\n  quiet: [[{title: 电梯}]]\n"
    (tmp_path / "stairs.yml").write_text(text + examples, encoding="utf-8")
    [rule] = load_file_rules(CONFIG, lexicon, queries, folder=tmp_path)
    assert rule.version == one.rule.version


def lines(folder: Path, name: str, *titles: str) -> str:
    path = folder / f"{name}.jsonl"
    rows = [
        {"id": f"{name}{n}", "source": "daily", "source_type": "news", "title": title, "published": f"2026-03-0{n + 1}",
         "text": f"{title}。3月{n + 1}日凌晨，赣州市章贡区一居民楼楼道内电动自行车充电时起火，两人受伤，电池烧毁。"}
        for n, title in enumerate(titles)
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return str(path)


def test_ingested_documents_meet_a_rule_of_the_desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    assert fengsui("ingest", lines(tmp_path, "early", "居民楼楼道电动车起火"), "--data", str(data)) == 0
    store = Store(f"sqlite:///{data / 'fengsui.db'}")
    with store.write() as db:
        desk_rules.create_rule(
            db, words("标题:楼道 and 电瓶车 and 风险:起火", level="red"), actor="chief", territory="360700", now=NOW,
            once="ingest-test",
        )  # fmt: skip
    assert fengsui("ingest", lines(tmp_path, "late", "另一处楼道电动车起火"), "--data", str(data)) == 0
    capsys.readouterr()
    assert fengsui("alerts", "--json", "--data", str(data)) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(alert["rule"] == "desk_1" and "检索语句“(标题:楼道" in alert["reason"] for alert in alerts), alerts
    assert fengsui("rules", "list", "--json", "--data", str(data)) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [mine] = [rule for rule in listed if rule["origin"] == "desk"]
    assert (mine["id"], mine["state"], mine["number"], mine["broken"]) == ("desk_1", "on", 1, "")
    assert "属地" in mine["words"]
    assert fengsui("rules", "export", "desk_1", "--data", str(data)) == 0
    assert "(标题:楼道 and 电瓶车 and 风险:起火) and 属地:360700" in capsys.readouterr().out
    assert fengsui("rules", "export", "desk_9", "--data", str(data)) == 2
    with store.write() as db:
        desk_rules.create_rule(
            db, words("产品:没有的东西"), actor="chief", territory="000000", now=NOW, once="broken-test"
        )
    store.close()
    assert fengsui("rules", "test", "--data", str(data)) == 1  # runs the examples of every file, too
    told = capsys.readouterr().out
    assert "desk_2: 检索语句第 4 字" in told
    assert "0 个不符；网页所建 2 条，1 条读不出" in told
