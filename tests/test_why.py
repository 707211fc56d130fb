"""Why there is an alert and why there is none: each stage, through the real pipeline and the shipped rules."""

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.cards import Card, View, card_of
from alerts.desk_rules import DeskRule, read_desk_rules
from alerts.engine import AlertEngine
from alerts.lifecycle import act
from alerts.rule_examples import signals_of
from alerts.rule_query import queries_of
from alerts.scopes import in_scope
from alerts.setup import build_engine, load_parts
from alerts.transitions import add_event
from alerts.why.answer import Answer, Stage, answer_json
from alerts.why.explain import explain
from alerts.why.scope_misses import scope_misses
from alerts.why.world import World
from cli import main
from config.lexicon import Lexicon
from config.rules import ExampleDocument, Scope
from config.settings import PROJECT
from config.sources import parse_source
from core.errors import UsageError
from core.records import AlertEvent, AlertState, Kind, RegistryEntry
from store import desk_rules, rechecks, runs
from store.alert_log import add_history, next_history_number, save_alert
from store.database import Store
from store.documents import ANALYSED, FETCHED, JUDGED, REFUSED, claim, give_back
from store.schema import documents
from store.silences import Silence, insert_silence
from tests.test_alert_engine import (
    BLOG,
    CLEARED,
    CORRECTED,
    FIRST_COUNT,
    NOISE,
    NOTICE,
    PRESS,
    REPOST,
    START,
    VIDEO,
    WRONG,
    WRONG_TOO,
    Desk,
    Page,
)

CONFIG = PROJECT / "config"
SOURCES = (
    parse_source("daily", {"family": "feed", "title": "日报", "kind": "news", "every": "30m", "list_url": "https://daily.example/feed"}),
    parse_source("asleep", {
        "family": "feed", "title": "停用的源", "kind": "news", "every": "30m", "list_url": "https://asleep.example/feed",
        "enabled": False,
    }),
    parse_source("listed", {
        "family": "html_list", "title": "通报栏目", "kind": "notice", "every": "1h", "list_url": "https://www.amr.gov.cn/list/",
        "item": "li", "accept": "/notice/\\d+",
    }),
)  # fmt: skip


@pytest.fixture
def engine_of(lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Callable[[], AlertEngine]:
    return lambda: build_engine(CONFIG, registry=firms.get, lexicon=lexicon)


@pytest.fixture
def desk(store: Store, engine_of: Callable[[], AlertEngine]) -> Desk:
    return Desk(store, engine_of)


def asked(desk: Desk, question: str, made: tuple[DeskRule, ...] = ()) -> Answer:
    assert desk.engine is not None
    world = World(desk.engine, sources=SOURCES, profile="live", desk=made)
    with desk.store.read() as db:
        return explain(world, db, question, desk.now)


def why(desk: Desk, page: Page) -> Answer:
    return asked(desk, page.raw.url)


def stage(answer: Answer, key: str) -> Stage:
    [found] = [one for one in answer.stages if one.key == key]
    return found


def told(one: Stage) -> str:
    return "\n".join((one.sentence, *(evidence.text for evidence in one.evidence)))


def stopped_at(answer: Answer) -> str | None:
    return answer.stop.key if answer.stop else None


# -- not crawled ------------------------------------------------------------------------------------------------------


def test_no_source_covers_the_address(desk: Desk) -> None:
    answer = asked(desk, "https://nobody.example/a/1")
    assert (answer.about, stopped_at(answer)) == ("address", "crawled")
    assert "没有信源覆盖 nobody.example" in answer.sentence
    assert "config/sources/live/" in told(answer.stages[0])


def test_the_source_that_would_bring_it_failed_last_time(desk: Desk) -> None:
    with desk.store.write() as db:
        runs.ask_for_run(db, "daily", reason="schedule", now=START)
        run = runs.claim_run(db, who="crawler", now=START)
        assert run is not None
        problems = ["robots.txt forbids https://daily.example/a/1"]
        runs.finish_run(db, run.id, status="blocked", counts={"failed": 1}, problems=problems, now=START)
        runs.hold_back(db, "daily", until=START + timedelta(hours=1), why="robots")
    answer = asked(desk, "https://daily.example/a/1?utm_source=x")
    said = told(answer.stages[0])
    assert "信源 日报 没有带回这个地址" in said
    assert "被拒" in said
    assert "robots.txt 不许抓" in said
    assert "之前不访问" in said


def test_a_source_that_is_switched_off_is_named(desk: Desk) -> None:
    assert "已停用" in told(asked(desk, "https://asleep.example/x").stages[0])


def test_a_list_that_filters_the_address_out_says_so(desk: Desk) -> None:
    said = told(asked(desk, "https://amr.gov.cn/other/7").stages[0])
    assert "同一网站的信源 通报栏目" in said
    assert "accept 不收这个地址" in said
    assert "accept 不收" not in told(asked(desk, "https://amr.gov.cn/notice/7").stages[0])


def test_an_address_that_was_gone_when_a_crawler_came(desk: Desk) -> None:
    with desk.store.write() as db:
        rechecks.note_missing(db, "daily", "https://daily.example/gone", START)
    assert "404 或 410" in asked(desk, "https://daily.example/gone").sentence


def test_what_was_handed_in_is_named_by_its_title_and_was_not_crawled(desk: Desk) -> None:
    desk.read(PRESS)
    assert desk.engine is not None
    world = World(desk.engine, handed_in={PRESS.raw.source: "12315 投诉举报"})
    with desk.store.read() as db:
        said = explain(world, db, PRESS.raw.url, desk.now).stages[0].sentence
    assert said.startswith("12315 投诉举报，")
    assert "收到" in said


@pytest.mark.parametrize("question", ["", "   ", "长" * 2001, "\x00\x07", "\ud800"])
def test_no_question_is_a_wrong_use(desk: Desk, question: str) -> None:
    with pytest.raises(UsageError, match="问什么"):
        asked(desk, question)


@pytest.mark.parametrize("question", ["http://[::1", "https://", "ftp://daily.example/a"])
def test_an_address_no_crawler_opens_is_a_wrong_use(desk: Desk, question: str) -> None:
    with pytest.raises(UsageError, match="地址"):
        asked(desk, question)


@pytest.mark.parametrize(
    "question",
    ["d0000", "YJ-2026-9999", "没有这样的标题", "%", "_", "'; drop table alerts --", "a/b",
     "\x00x", "http://" + "a" * 1900],
)  # fmt: skip
def test_what_is_nowhere_is_said_to_be_nowhere(desk: Desk, question: str) -> None:
    desk.read(PRESS)
    answer = asked(desk, question)
    assert stopped_at(answer) == "crawled"
    assert answer.id == ""


# -- on its way -------------------------------------------------------------------------------------------------------


def test_a_document_that_waits_says_where_in_the_queue(desk: Desk) -> None:
    for page in (VIDEO, BLOG, PRESS):
        desk.put(page)
    answer = why(desk, PRESS)
    assert (stopped_at(answer), stage(answer, "deduped").outcome) == ("deduped", "waiting")
    assert "待去重，前面还有 2 件" in answer.sentence
    desk.pipeline().clean()
    assert "待研读，前面还有 2 件" in why(desk, PRESS).sentence
    desk.pipeline().analyse()
    answer = why(desk, PRESS)
    assert (stopped_at(answer), stage(answer, "judged").sentence) == ("judged", "待判规则，前面还有 2 件")


def test_a_text_that_nothing_could_read_is_quarantined_with_its_error(desk: Desk) -> None:
    desk.put(PRESS)
    for _ in range(3):
        with desk.store.write() as db:
            [work] = claim(db, FETCHED, who="x", now=desk.now, limit=1)
            give_back(db, work, who="x", error="fetched: ValueError: 坏字节")
    answer = why(desk, PRESS)
    assert stopped_at(answer) == "read"
    assert "已隔离：fetched: ValueError: 坏字节" in answer.sentence


def test_a_text_that_no_rule_could_judge_is_told_apart(desk: Desk) -> None:
    desk.put(PRESS)
    desk.pipeline().clean()
    desk.pipeline().analyse()
    for _ in range(3):
        with desk.store.write() as db:
            [work] = claim(db, ANALYSED, who="x", now=desk.now, limit=1)
            give_back(db, work, who="x", error="analysed: KeyError: x")
    assert stopped_at(why(desk, PRESS)) == "judged"


def test_a_copy_is_told_from_its_original_with_the_likeness(desk: Desk) -> None:
    desk.read(VIDEO, BLOG, REPOST)
    answer = why(desk, REPOST)
    assert stopped_at(answer) == "deduped"
    origin = stage(answer, "deduped").evidence[0]
    assert origin.document == why(desk, VIDEO).id
    assert "100% 的句子相同" in answer.sentence
    assert origin.numbers["shared_sentences"] == 1.0
    # It is still shown where it went.
    assert [one.number for one in desk.alerts()] == list(answer.alerts)


# -- read as no risk --------------------------------------------------------------------------------------------------


def test_a_text_that_is_no_risk_says_its_score(desk: Desk) -> None:
    calm = Page("本市举办消费者权益日活动", 1, level=0)
    desk.read(calm)
    answer = why(desk, calm)
    assert stopped_at(answer) == "read"
    assert "得分 0.10，需 0.50" in answer.sentence
    assert stage(answer, "read").evidence[0].numbers == {"score": 0.1, "threshold": 0.5}


def test_a_refutation_is_said_to_clear_others(desk: Desk) -> None:
    desk.read(WRONG, WRONG_TOO, CLEARED)
    assert "澄清" in told(stage(why(desk, CLEARED), "read"))


# -- the rules --------------------------------------------------------------------------------------------------------


def test_below_threshold_says_how_many_of_how_many(desk: Desk) -> None:
    desk.read(VIDEO)
    answer = why(desk, VIDEO)
    assert stopped_at(answer) == "rules"
    near = stage(answer, "rules").evidence
    insider = next(one for one in near if one.rule == "insider_report")
    assert "3 天内独立来源 1 个" in insider.text
    assert "需 2 个" in insider.text
    assert insider.numbers["count"] == 1
    assert insider.numbers["needed"] == 2
    assert near[0].rule in answer.sentence


def test_each_rule_says_which_key_of_its_scope_kept_it_out(desk: Desk) -> None:
    far = Page("外省某地小厂线缆不合格", 1, product="cable", place="430100", issues=("nonconf",), level=1)
    desk.read(far)
    said = {one.rule: one.text for one in stage(why(desk, far), "rules").evidence}
    assert "scope.min_level：要单篇" in said["insider_report"]
    assert "scope.regions：要江西省（360000），这篇在长沙市（430100）" in said["death"]
    assert "scope.dead：要死亡 1 人以上，这篇为 0 人" in said["death"]


def test_a_refuted_charge_names_the_refutation(desk: Desk) -> None:
    desk.read(WRONG, WRONG_TOO, CLEARED)
    answer = why(desk, WRONG)
    assert stopped_at(answer) == "valid"
    assert CLEARED.name in told(stage(answer, "valid"))
    assert "曾触发" in stage(answer, "rules").sentence


def test_a_withdrawn_page_stops_at_its_page(desk: Desk) -> None:
    desk.read(PRESS)
    desk.gone(PRESS, 30)
    answer = why(desk, PRESS)
    assert stopped_at(answer) == "crawled"
    assert "起打不开" in answer.sentence
    assert "曾触发，依据已于" in stage(answer, "rules").sentence


def test_a_revision_is_told_as_one(desk: Desk) -> None:
    desk.read(FIRST_COUNT, CORRECTED)
    answer = why(desk, CORRECTED)
    assert "第 2 版" in told(stage(answer, "crawled"))
    assert answer.stop is None


def test_a_counted_document_names_alert_rule_and_who_is_told(desk: Desk) -> None:
    desk.read(VIDEO, BLOG)
    answer = why(desk, BLOG)
    alert = desk.one()
    assert (answer.stop, answer.alerts) == (None, (alert.number,))
    assert alert.number in answer.sentence
    assert stage(answer, "rules").evidence[0].rule == "insider_report"
    assert "在席位和订阅中可见" in stage(answer, "told").sentence


def test_a_document_without_a_finding_of_its_own_is_grouped(desk: Desk) -> None:
    desk.read(PRESS, NOTICE, replace(VIDEO, hours=30))
    answer = why(desk, VIDEO)
    assert desk.one().number in stage(answer, "grouped").sentence


def test_a_document_refused_by_the_index_still_alerts(desk: Desk) -> None:
    desk.read(VIDEO, BLOG)
    with desk.store.write() as db:
        db.execute(documents.update().where(documents.c.stage == JUDGED).values(stage=REFUSED, error="太长的字段"))
    answer = why(desk, BLOG)
    assert answer.stop is None
    assert "索引拒收，检索不到；预警不受影响：太长的字段" in stage(answer, "indexed").sentence
    assert answer.alerts


@pytest.mark.parametrize(("action", "end"), [("silenced", "unsilenced"), ("inhibited", "released")])
def test_a_muted_alert_stops_at_what_mutes_it(desk: Desk, action: str, end: str) -> None:
    desk.read(VIDEO, BLOG)
    alert = desk.one()

    def row(what: str) -> None:
        with desk.store.write() as db:
            number = next_history_number(db, alert.id)
            event = AlertEvent(alert.id, number, desk.now, desk.now, "zhang", what, 2, AlertState.NEW, "周末不扰")
            assert add_history(db, event)

    row(action)
    answer = why(desk, BLOG)
    assert stopped_at(answer) == action
    assert "周末不扰" in answer.sentence
    row(end)
    assert why(desk, BLOG).stop is None


def test_a_silence_names_who_why_and_until_when_and_ends_by_itself(desk: Desk) -> None:
    desk.read(VIDEO, BLOG)
    alert, now = desk.one(), desk.now
    until = now + timedelta(hours=2)
    with desk.store.write() as db:
        made = Silence("", ("level=yellow",), "检修期间", "zhang", "000000", now, now, until)
        kept, _ = insert_silence(db, made, once="once-silence")
        more = {"silence": kept.id, "until": until.isoformat()}
        add_event(db, alert, "silenced", "silence", "静默", now, more=more)
    answer = why(desk, BLOG)
    assert stopped_at(answer) == "silenced"
    said = told(stage(answer, "silenced"))
    assert f"静默 {kept.id}：zhang 设，理由“检修期间”，至 " in said
    assert "条件 level=yellow" in said
    desk.now = until
    assert why(desk, BLOG).stop is None


def test_an_inhibited_alert_names_the_one_that_rules_over_it(desk: Desk) -> None:
    desk.read(VIDEO, BLOG, NOISE)
    mine, ruler = desk.alerts()
    with desk.store.write() as db:
        add_event(db, mine, "inhibited", "ruled", "同一企业", desk.now, more={"under": ruler.id})
    inhibited = stage(why(desk, BLOG), "inhibited")
    assert inhibited.evidence[0].alert == ruler.id
    assert ruler.number in inhibited.evidence[0].text


def test_a_rule_that_came_later_is_told_apart_from_one_that_missed(desk: Desk, lexicon: Lexicon) -> None:
    desk.read(PRESS)
    assert desk.engine is not None
    new = replace_rule(desk.engine, "media_report", "media_report_anew")
    view = desk.engine.view
    rules = [*desk.engine.rules, new]
    desk.engine = AlertEngine(rules, lexicon=lexicon, grouping=view.grouping, registry=view.registry, ack_hours={})
    said = {one.rule: one.text for one in stage(why(desk, PRESS), "rules").evidence}
    assert "fengsui reanalyze" in said["media_report_anew"]


def replace_rule(engine: AlertEngine, rule_id: str, name: str) -> Any:
    [rule] = [rule for rule in engine.rules if rule.id == rule_id]
    return rule.model_copy(update={"id": name})


@pytest.mark.parametrize(("state", "words"), [("off", "停用"), ("deleted", "删除")])
def test_a_rule_that_the_desk_switched_off_is_named(
    desk: Desk, lexicon: Lexicon, firms: dict[str, RegistryEntry], state: Any, words: str
) -> None:
    definition = {
        "title": "钢筋的任何一条", "why": "试一试", "scope": {"query": "产品:rebar"}, "condition": {"type": "any"},
        "group_by": ["matter"], "level": "blue",
    }  # fmt: skip
    with desk.store.write() as db:
        made = desk_rules.create_rule(db, definition, actor="li", territory="000000", now=START, once="once-1")
        desk_rules.change_rule(db, made.rule, state, seen=1, actor="wang", now=START, once="once-2")
    parts = load_parts(CONFIG, registry=firms.get, lexicon=lexicon, queries=queries_of(lexicon))
    with desk.store.read() as db:
        rules = read_desk_rules(desk_rules.all_versions(db), parts.queries)
    desk.engine = parts.engine(rules)
    desk.read(VIDEO)
    said = {one.rule: one.text for one in stage(asked(desk, VIDEO.raw.url, rules), "rules").evidence}
    assert f"规则已由 wang 于 11-09 08:00 {words}" in said[made.rule]


# -- how a document may be asked for ----------------------------------------------------------------------------------


def test_a_document_is_found_by_address_id_and_title(desk: Desk) -> None:
    desk.read(PRESS)
    by_url = why(desk, PRESS)
    for question in (
        by_url.id,
        PRESS.name,
        PRESS.name[2:9],
        f" {PRESS.raw.url}#top ",
        PRESS.raw.url.removeprefix("http://"),
    ):
        assert asked(desk, question).id == by_url.id


def test_several_titles_are_told_apart(desk: Desk) -> None:
    desk.read(VIDEO, BLOG, PRESS)
    answer = asked(desk, "红炉")
    assert len({answer.id, *(one.id for one in answer.others)}) == 3


# -- why this alert ---------------------------------------------------------------------------------------------------


def test_an_alert_tells_rule_version_numbers_condition_and_evidence(desk: Desk) -> None:
    desk.read(VIDEO, BLOG)
    alert = desk.one()
    answer = asked(desk, alert.number)
    assert (answer.about, answer.number, answer.sentence) == ("alert", alert.number, alert.reason)
    [finding] = desk.findings(alert)
    rules = stage(answer, "rules")
    assert finding.rule_version in rules.evidence[0].text
    assert rules.evidence[0].numbers == dict(finding.numbers)
    assert "条件：" in told(rules)
    assert {one.document for one in stage(answer, "evidence").evidence} == set(alert.documents)
    assert "仅有自媒体信息" in told(stage(answer, "level"))


def test_an_alert_tells_what_would_change_it(desk: Desk) -> None:
    desk.read(VIDEO, BLOG)
    said = told(stage(asked(desk, desk.one().id), "change"))
    assert "升：媒体或官方称死亡 3 人或重伤 10 人，即为红色（现为死亡 0 人" in said
    assert "落：规则「多个自媒体指称较大质量问题」靠 2 篇" in said


def test_the_fact_that_gave_the_level_is_named_with_its_document(desk: Desk) -> None:
    desk.read(FIRST_COUNT)
    level = stage(asked(desk, desk.one().number), "level")
    fact = next(one for one in level.evidence if one.text.startswith("事实定级"))
    assert fact.text == "事实定级橙色：伤害程度：3 人受伤或中毒"
    assert fact.document == why(desk, FIRST_COUNT).id


def test_a_person_s_level_is_named(desk: Desk) -> None:
    desk.read(FIRST_COUNT)
    with desk.store.write() as db:
        act(db, desk.one().id, "level", actor="zhao", note="现场核实为误报人数", now=desk.now, once="once-l", level=1)
    assert "zhao 于" in told(stage(asked(desk, desk.one().number), "level"))


def test_an_alert_merged_into_another_is_explained_there(desk: Desk) -> None:
    desk.read(PRESS, NOISE)
    first, second = desk.alerts()
    with desk.store.write() as db:
        save_alert(db, second, details={"merged_into": first.id})
    assert asked(desk, second.number).number == first.number


def test_the_json_has_a_line_for_every_stage(desk: Desk) -> None:
    desk.read(VIDEO)
    found = json.loads(json.dumps(answer_json(why(desk, VIDEO)), ensure_ascii=False))
    assert found["stopped_at"] == "rules"
    assert [one["stage"] for one in found["stages"]] == ["crawled", "deduped", "read", "valid", "rules", "indexed"]
    assert {one["outcome"] for one in found["stages"]} <= {"passed", "stopped", "waiting", "noted"}


# -- the reason of a scope is the scope's own answer ------------------------------------------------------------------


def test_what_a_scope_misses_agrees_with_whether_it_takes_the_signal(
    desk: Desk, lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    chance = random.Random(7)
    assert desk.engine is not None
    view: View = desk.engine.view
    for number in range(400):
        card = made_up_card(chance, number, view)
        scope = made_up_scope(chance)
        text = chance.choice(["本报讯 学校", "工地"])
        misses = scope_misses(card, scope, view, lexicon, text=text)
        assert (not misses) == in_scope(card, scope, view.regions, view.key_products, text=text), scope


def made_up_card(chance: random.Random, number: int, view: View) -> Card:
    page = Page(
        f"第{number}篇", 1, chance.choice(list(Kind)), product=chance.choice(["rebar", "cable", None]),
        firm=chance.choice(["ENT0190", "NIL:某厂", None]), place=chance.choice(["360313", "430100", "360000", None]),
        issues=chance.choice([("fire",), ("nonconf", "death"), ()]), level=chance.randint(1, 4),
        hurt=chance.choice([{}, {"dead": 1}, {"injured": 4}]),
    )  # fmt: skip
    told_as = ExampleDocument(
        kind=page.kind, product=page.product, enterprise=page.firm, jurisdiction=page.place or "", issues=page.issues,
        level=page.level, casualties=dict(page.hurt),
    )  # fmt: skip
    [signal] = signals_of([told_as])
    return card_of(signal, view)


def made_up_scope(chance: random.Random) -> Scope:
    choices: dict[str, list[Any]] = {
        "products": [(), ("key",), ("cable", "ebike")],
        "issues": [(), ("fire", "death"), ("leak",)],
        "kinds": [(), (Kind.NEWS, Kind.SOCIAL), (Kind.COMPLAINT,)],
        "voices": [(), ("media",), ("official", "social")],
        "min_level": [0, 1, 3],
        "regions": [(), ("360000",), ("430000",)],
        "text": [(), ("学校",)],
        "maker": [None, "known", "listed", "home", "china"],
        "hurt": [0, 1],
        "dead": [0, 1],
        "specific": [False, True],
    }
    return Scope(**{key: chance.choice(values) for key, values in choices.items()})


def test_every_key_of_a_scope_can_be_missed() -> None:
    keys = set(Scope.model_fields) - {"query", "synonyms"}
    source = (PROJECT / "alerts" / "why" / "scope_misses.py").read_text(encoding="utf-8")
    assert {key for key in keys if f'"{key}"' not in source} == set()


# -- at a shell, with the real reading --------------------------------------------------------------------------------

DRILL = "消防救援支队开展电动自行车起火应急演练"
STORY = [
    {"id": "drill", "source": "amr", "source_type": "news", "url": "https://amr.example/drill", "title": DRILL,
     "text": "11月9日，某市消防救援支队联合市场监管局开展电动自行车电池起火应急演练。演练模拟某小区电动自行车充电时"
             "起火，3名“伤员”被困。演习现场，救援人员迅速处置。", "published": "2026-11-10T09:00:00+08:00"},
    {"id": "failed", "source": "amr", "source_type": "spotcheck", "url": "https://amr.example/failed",
     "title": "抽查通报：江西光明线缆有限公司电线电缆不合格",
     "text": "丰城市市场监管局通报，江西光明线缆有限公司生产的电线电缆绝缘厚度不合格，导体电阻不合格，责令停产整改。",
     "published": "2026-11-11T09:00:00+08:00"},
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    lines = folder / "story.jsonl"
    lines.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in STORY), encoding="utf-8")
    assert done(["ingest", str(lines), "--data", str(folder)]) == 0
    return folder


def done(words: list[str]) -> int:
    try:
        main(words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_drill_says_that_it_read_like_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done(["why", "https://amr.example/drill", "--json", "--data", str(data)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stopped_at"] == "read"
    [read] = [one for one in found["stages"] if one["stage"] == "read"]
    said = "\n".join(one["text"] for one in read["evidence"])
    assert "文体像演练" in said
    spans = list(itertools.chain.from_iterable(one.get("spans", ()) for one in read["evidence"]))
    assert any(span["type"] == "issue" and span["negated"] for span in spans)


def test_the_command_reads_like_a_list(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done(["why", "failed", "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert "已计入，见预警 YJ-2026-0001" in said
    assert "√ 归入预警" in said
    assert done(["why", "YJ-2026-0001", "--data", str(data)]) == 0
    assert "· 怎样会变" in capsys.readouterr().out


def test_an_empty_question_ends_with_two(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done(["why", " ", "--data", str(data)]) == 2
    assert "问什么" in capsys.readouterr().err


# -- addresses as people write them -----------------------------------------------------------------------------------


def test_the_s_of_https_does_not_matter(desk: Desk) -> None:
    desk.read(PRESS)
    assert asked(desk, PRESS.raw.url.replace("http://", "https://")).about == "document"


def test_a_document_whose_id_has_quotes_finds_its_findings(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        **STORY[1],
        "id": 'odd"id\\',
        "url": "https://amr.example/odd",
        "title": "抽查：江西光明线缆有限公司电线电缆复检不合格",
    }
    lines = data / "odd.jsonl"
    lines.write_text(
        json.dumps({**row, "published": "2026-11-12T09:00:00+08:00"}, ensure_ascii=False), encoding="utf-8"
    )
    assert done(["ingest", str(lines), "--data", str(data)]) == 0
    capsys.readouterr()
    assert done(["why", 'odd"id\\', "--json", "--data", str(data)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in found["stages"] if one["stage"] == "rules"] == ["passed"]
