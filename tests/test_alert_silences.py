"""Silences and inhibitions: what is muted, what never is, what is told when it may be told again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.labels import labels_of
from alerts.muting import source_levels
from alerts.silences import draft_of, preview
from config.alert_life import AlertLife, load_alert_life
from config.lexicon import Lexicon
from config.matchers import parse_matcher, parse_matchers
from config.settings import PROJECT
from core.errors import ConfigError, UsageError
from core.records import AlertState
from store import audit
from store.alert_log import save_alert
from store.database import Store
from store.silences import active_silences
from tests.alert_story import MONDAY_NOON, Story, alert_at
from tests.command_line import Finished, run_here

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def story(store: Store, lexicon: Lexicon) -> Story:
    made = Story(store, lexicon)
    made.life = load_alert_life(PROJECT / "config")
    return made


# --- matchers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("level=orange", True), ("level=橙", True), ("level=3", True), ("level=Ⅱ级", None), ("level!=red", True),
        ("level=~orange|red", True), ("level=~range", False), ("level!~.*ange", False),
        ("product=ebike_power", True), ("product=电动自行车充电器和电池", True), ("product!=ebike_power", False),
        ("territory=360113", True), ("territory=360100", True), ("territory=360000", True), ("territory=360700", False),
        ("territory=南昌市", True), ("place=360100", True), ("territory!=360100", False),
        ("firm=ENT0001", True), ('firm=~"ENT000[12]"', True), ("firm=~ENT", False), ("firm=", False),
        ("issue=fire", True), ("issue!=death", True), ("rule=fire", True), ("matter=f:ENT0001", True),
        ("alert=yj-2026-0001", True), ("event=", True), ("kind=social", False), (" level = orange ", True),
    ],
)  # fmt: skip
def test_a_matcher_fits_an_alert(story: Story, text: str, fits: bool | None) -> None:
    alert = story.opened(3)
    if fits is None:
        with pytest.raises(ValueError, match="没有“Ⅱ级”这一级别"):
            parse_matcher(text)
        return
    with story.store.read() as db:
        words = labels_of(db, [alert], story.lexicon)[alert.id].words
    matcher = parse_matcher(text)
    assert matcher.holds(words.get(matcher.label, ())) is fits
    assert parse_matcher(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("level", "不是匹配条件（写法：标签=值"),
        ("colour=red", "没有“colour”这一标签（可用：level、"),
        ("firm=~(", "不是可用的正则表达式"),
        ("firm=~(?<=a)b", "不是可用的正则表达式"),
        ("firm=~(((a{1,100}){1,100}){1,100}){1,100}", "不是可用的正则表达式"),
        (f"firm={'a' * 201}", "最多 200 字"),
    ],
)
def test_a_mistake_in_a_matcher_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("（", r"\（")):
        parse_matchers([text])


def test_a_hostile_pattern_is_answered_at_once() -> None:  # an engine that goes back would take days
    for pattern in ("(a+)+$", "(?:(?:a*)*)*b", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", "(a|aa)+$"):
        assert parse_matcher(f"firm=~{pattern}").holds(("a" * 200 + "!",)) is False


# --- silences -----------------------------------------------------------------------------------------------------


def test_a_silenced_alert_stands_is_marked_and_not_mailed(story: Story) -> None:
    silence = story.silence("product=ebike_power")
    alert = story.opened(3)
    assert story.alert(alert).state is AlertState.NEW
    assert story.mails(alert) == []
    assert story.reasons(alert) == [("opened", "rule_fired"), ("silenced", "silence")]
    row = story.rows(alert)[-1]
    assert (row.actor, row.details["silence"]) == ("system", silence.id)
    assert silence.id in row.note
    assert "演练" in row.note
    story.go(5 * HOUR)
    assert story.mails(alert) == []
    assert story.actions(alert) == ["opened", "silenced"]


def test_what_is_still_to_be_accepted_is_told_once_when_the_silence_ends(story: Story) -> None:
    story.silence("level=orange", hours=2)
    waiting, accepted, ended = story.opened(3), story.opened(3), story.opened(3)
    story.act(accepted, "accept")
    story.act(ended, "dismiss", reason="not_event", note="演练")
    story.go(2 * HOUR)
    story.tick()
    assert story.mails(waiting) == [("desk", "[橙] 新预警"), ("zhang", "[橙] 新预警")]
    assert story.mails(ended) == []
    assert story.reasons(waiting)[-1] == ("unsilenced", "silence_over")
    story.send()
    assert story.go(HOUR) == {"repeated": 1}  # the clocks run from when it was told
    assert story.go(HOUR) == {"escalated": 1}
    assert "escalated" not in story.actions(accepted)


def test_what_was_told_before_is_told_again_once_when_the_silence_ends(story: Story) -> None:
    alert = story.opened(3)
    story.send()
    story.silence("level=orange", hours=1)
    assert story.muted(alert)
    story.go(HOUR)
    assert story.send() == [("desk", "[橙] 静默结束，仍待受理"), ("zhang", "[橙] 静默结束，仍待受理")]
    story.tick()
    assert story.send() == []


def test_a_silence_ended_early_is_said_so(story: Story) -> None:
    silence = story.silence("level=orange")
    alert = story.opened(3)
    story.now += HOUR
    story.expire(silence)
    story.tick()
    assert story.reasons(alert)[-1] == ("unsilenced", "silence_expired")
    assert "演练结束" in story.rows(alert)[-1].note
    assert story.mails(alert) == [("desk", "[橙] 新预警"), ("zhang", "[橙] 新预警")]
    with pytest.raises(UsageError, match="已于 11-23 13:00 结束"):
        story.expire(silence)


def test_a_notice_that_waits_for_the_morning_is_taken_back_by_a_silence(story: Story) -> None:
    story.now += 10 * HOUR
    alert = story.opened(2)
    story.now += HOUR
    story.silence("level=yellow", hours=24)
    story.now += 12 * HOUR
    assert story.send() == []
    story.go(12 * HOUR)
    assert [what for _who, what in story.mails(alert)] == ["[黄] 新预警"] * 2


@pytest.mark.parametrize(
    ("matchers", "muted"),
    [
        (["product=ebike_power"], False),
        (["level!=blue"], False),
        (["level=~.*"], False),
        (["level=~.ed"], False),
        (["level=red"], True),
        (["level=~orange|red"], True),
        (["level=~(?:red|orange)"], True),
        (["level=红", "product=ebike_power"], True),
    ],
)
def test_red_is_muted_only_where_the_silence_says_red(story: Story, matchers: list[str], muted: bool) -> None:
    story.silence(*matchers)
    alert = story.opened(4)
    assert story.muted(alert) is muted
    assert (story.mails(alert) == []) is muted


def test_an_alert_that_turns_red_under_a_silence_is_told_at_once(story: Story) -> None:
    story.silence("product=ebike_power")
    alert = story.opened(2)
    story.changed(alert, "raised", "casualties", level=4)
    assert story.mails(alert) == [("desk", "[红] 升级"), ("zhang", "[红] 升级")]
    assert story.reasons(alert)[-1] == ("unsilenced", "no_longer_matches")


def test_a_silence_of_a_city_mutes_that_city_alone(story: Story) -> None:
    story.silence("level=orange", territory="360100")
    here, elsewhere = story.opened(3), story.opened(3, territory="360702", territories=("360702", "360113"))
    assert (story.muted(here), story.muted(elsewhere)) == (True, False)


def test_a_silence_that_begins_later_mutes_later(story: Story) -> None:
    story.silence("level=orange", starts_at=story.now + HOUR, ends_at=story.now + 2 * HOUR)
    alert = story.opened(3)
    assert not story.muted(alert)
    story.go(HOUR)
    assert story.muted(alert)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"reason": " "}, "须写明静默的理由"),
        ({"ends_at": timedelta(days=91)}, "静默最长 90d"),
        ({"ends_at": timedelta(0)}, "到期时间须晚于起始时间"),
        ({"starts_at": timedelta(days=-2), "ends_at": timedelta(days=-1)}, "到期时间 2026-11-22 12:00 已过"),
        ({"texts": []}, "至少写一个匹配条件"),
        ({"texts": ["product=ebike_powr"]}, "product：没有“ebike_powr”"),
        ({"texts": ["territory=999999", "issue=fier"]}, "territory：没有“999999”（可用：行政区划代码或全称"),
        ({"texts": ["rule=dangr"]}, "rule：没有“dangr”（可用：页面“规则”"),
        ({"texts": ["level=redd"]}, "没有“redd”这一级别（可用：blue、yellow、orange、red"),
    ],
)  # fmt: skip
def test_a_silence_that_may_not_be_is_refused_in_words(story: Story, change: dict[str, Any], why: str) -> None:
    values: dict[str, Any] = {"texts": ["level=blue"], "reason": "演练", "starts_at": timedelta(0), "ends_at": HOUR}
    values |= change
    for name in ("starts_at", "ends_at"):
        values[name] = story.now + values[name]
    with pytest.raises(UsageError) as problem:
        draft_of(
            values.pop("texts"), **values, now=story.now, longest=timedelta(days=90), lexicon=story.lexicon,
            rules=("danger",),
        )  # fmt: skip
    assert why in str(problem.value)


def test_a_preview_names_what_would_be_muted_and_the_red_that_is_spared(story: Story) -> None:
    orange, red = story.opened(3), story.opened(4)
    draft = draft_of(
        ["product=ebike_power"], reason="试看", starts_at=story.now, ends_at=story.now + HOUR, now=story.now,
        longest=timedelta(days=90), lexicon=story.lexicon, rules=("danger",),
    )  # fmt: skip
    with story.store.read() as db:
        found = preview(db, draft, story.lexicon)
    assert ([a.id for a in found.muted], [a.id for a in found.spared], found.open) == ([orange.id], [red.id], 2)


def test_a_silence_is_never_changed_only_ended_and_the_log_keeps_both(story: Story) -> None:
    silence = story.silence("level=orange")
    story.now += MINUTE
    story.expire(silence)
    with story.store.read() as db:
        assert active_silences(db, story.now) == []
        assert [(line.actor, line.action, line.object) for line in audit.newest(db)] == [
            ("li", "silence_expire", silence.id),
            ("li", "silence_add", silence.id),
        ]
        assert audit.verify(db) is None


# --- inhibition ---------------------------------------------------------------------------------------------------


def test_red_rules_over_the_lower_alerts_of_its_firm(story: Story) -> None:
    red = story.opened(4, enterprises=("ENT0043",))
    lower = story.opened(3, enterprises=("ENT0043",), territory="360702")
    other = story.opened(3, territory="360702")
    assert (story.mails(lower), len(story.mails(other))) == ([], 2)
    assert story.reasons(lower)[-1] == ("inhibited", "ruled")
    assert f"由 {red.number}（红色）统领" in story.rows(lower)[-1].note
    assert not story.muted(red)
    story.send()
    story.act(red, "dismiss", reason="wrong_object", note="同名厂")
    story.tick()
    assert story.reasons(lower)[-1] == ("released", "source_ended")
    assert [what for _who, what in story.mails(lower)] == ["[橙] 新预警", "[橙] 新预警"]
    story.tick()
    assert len(story.mails(lower)) == 2


def test_same_place_and_product_is_ruled_over_another_place_is_not(story: Story) -> None:
    story.opened(4)
    here = story.opened(3, territory="360111")  # another county of the same prefecture
    away = story.opened(3, territory="360702")
    other = story.opened(3, products=("cable",))
    assert [story.muted(alert) for alert in (here, away, other)] == [True, False, False]


def test_alerts_without_a_firm_are_no_echo_of_each_other(story: Story) -> None:
    story.opened(4, enterprises=(), products=(), territory="360702")
    lower = story.opened(3, enterprises=(), products=(), territory="360113")
    assert not story.muted(lower)


def test_missing_labels_are_equal_where_a_rule_asks_for_nothing_else(story: Story) -> None:
    rules = [{"name": "一切", "source": ["level=red"], "target": ["level!=red"], "equal": ["firm"]}]
    story.life = AlertLife.model_validate({"inhibit": rules})
    story.opened(4, enterprises=())
    nameless, named = story.opened(3, enterprises=()), story.opened(3)
    assert (story.muted(nameless), story.muted(named)) == (True, False)


def test_what_fits_both_sides_does_not_rule_over_itself_nor_over_its_like(story: Story) -> None:
    rules = [
        {"name": "一切", "source": ["level=~orange|yellow"], "target": ["level=~orange|yellow"], "equal": ["product"]}
    ]
    story.life = AlertLife.model_validate({"inhibit": rules})
    one, two = story.opened(3), story.opened(2)
    story.tick()
    assert (story.muted(one), story.muted(two)) == (False, False)


def test_red_is_never_ruled_over(story: Story) -> None:
    story.life = AlertLife.model_validate(
        {"inhibit": [{"name": "x", "source": ["rule=fire"], "target": ["rule=death"]}]}
    )
    story.opened(3)
    red = story.opened(4, rule="death")
    assert not story.muted(red)


def test_a_red_that_comes_later_mutes_what_stands(story: Story) -> None:
    lower = story.opened(3, enterprises=("ENT0043",))
    story.send()
    story.opened(4, enterprises=("ENT0043",), territory="360702")
    story.tick()
    assert story.muted(lower)
    story.send()
    assert story.go(2 * HOUR) == {"repeated": 1, "escalated": 1}  # of the red one


def test_a_ruler_that_falls_lets_the_others_speak(story: Story) -> None:
    red = story.opened(4, enterprises=("ENT0043",))
    lower = story.opened(3, enterprises=("ENT0043",))
    story.changed(red, "lowered", "official_statement", level=2)
    story.tick()
    assert story.reasons(lower)[-1] == ("released", "source_changed")
    assert len(story.mails(lower)) == 2


def test_only_alerts_of_levels_that_may_rule_are_looked_at(story: Story) -> None:
    assert source_levels(story.life.inhibit) == {4}


@pytest.mark.parametrize(
    ("yaml", "mistake"),
    [
        ("inhibit: [{name: a, source: [level=pink], target: [level=blue]}]", "inhibit.0.source.0: level：没有“pink”"),
        ("inhibit: [{name: a, source: [level=red], target: [level=blue], equal: [colour]}]", "'colour' is no label"),
        ("inhibit: [{name: a, source: [], target: [level=blue]}]", "inhibit.0.source"),
        ("all_clear: {close_gone: [orange]}", "all_clear.close_gone.0: 'orange' is not one of the accepted values"),
        ("all_clear: {statistical: soon}", "all_clear.statistical: 'soon' is not a duration"),
        ("silence: {longest: 999d}", "silence.longest: is too short or too long (accepted: 1m to 365d)"),
        ("reopn: {}", "reopn: unknown key (accepted: all_clear, inhibit, reopen, sensitive, silence)"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, yaml: str, mistake: str) -> None:
    (tmp_path / "alert_life.yml").write_text(yaml, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_alert_life(tmp_path)
    assert mistake in str(problem.value)


# --- by hand ------------------------------------------------------------------------------------------------------


@pytest.fixture
def fengsui(tmp_path: Path) -> Callable[..., Finished]:
    return lambda *words: run_here(*words, "--data", str(tmp_path / "data"))


def test_a_silence_is_made_listed_and_ended_by_hand(fengsui: Callable[..., Finished], tmp_path: Path) -> None:
    refused = fengsui("silence", "add", "--match", "level=yellow", "--for", "8h")
    assert (refused.returncode, "须写明静默的理由" in refused.stderr) == (2, True)
    refused = fengsui("silence", "add", "--match", "level=yellow", "--reason", "演练")
    assert (refused.returncode, "须写明到期" in refused.stderr) == (2, True)
    both = fengsui(
        "silence", "add", "--match", "level=yellow", "--reason", "演练", "--for", "8h", "--until", "2030-01-01"
    )
    assert (both.returncode, "--for 和 --until 只写一个" in both.stderr) == (2, True)
    store = Store(f"sqlite:///{tmp_path / 'data' / 'fengsui.db'}")
    with store.write() as db:
        save_alert(db, alert_at(MONDAY_NOON, level=2), details={})
    shown = json.loads(fengsui("silence", "preview", "--match", "level=yellow", "--json").stdout)
    assert [one["number"] for one in shown["muted"]] == ["YJ-2026-0001"]
    words = ("--match", "level=yellow", "--match", "territory=360100", "--reason", "演练", "--for", "8h")
    made = json.loads(fengsui("silence", "add", *words, "--author", "li", "--json").stdout)
    assert (made["matchers"], made["muted"], made["author"]) == (
        ["level=yellow", "territory=360100"],
        ["YJ-2026-0001"],
        "li",
    )
    [line] = [json.loads(row) for row in fengsui("alerts", "--json").stdout.splitlines()]
    assert line["silence"] == made["id"]
    assert line["history"][-1]["action"] == "silenced"
    assert fengsui("silence", "expire", made["id"], "--reason", "结束").returncode == 0
    assert fengsui("silence", "list", "--json").stdout == ""
    [over] = [json.loads(row) for row in fengsui("silence", "list", "--all", "--json").stdout.splitlines()]
    assert (over["state"], over["expired_why"]) == ("ended", "结束")
    assert json.loads(fengsui("watch", "--json").stdout)["unsilenced"] == 1
    assert fengsui("watch", "--json").stdout == "{}\n"
    store.close()


def test_while_the_past_is_ingested_a_silence_is_judged_by_story_time(
    fengsui: Callable[..., Finished], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    words = ("--match", "level!=red", "--reason", "旧案", "--starts", (now - timedelta(days=9)).isoformat())
    assert fengsui("silence", "add", *words, "--until", (now + timedelta(days=1)).isoformat()).returncode == 0
    text = "经查，该企业生产的电动自行车锂电池充电时起火，造成2人受伤，产品检验不合格。"
    stories = [(10, "红谷滩区", "江西云骓智能科技有限公司"), (8, "湘东区", "萍乡红炉轧钢有限公司")]
    lines = [
        {
            "id": f"d{days}", "source": "amr", "source_type": "regulator", "title": f"{firm}电动自行车电池起火的通报",
            "text": f"{place}市场监督管理局通报：{firm}{text}", "published": (now - timedelta(days=days)).isoformat(),
        }
        for days, place, firm in stories
    ]  # fmt: skip
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    assert fengsui("ingest", str(file)).returncode == 0
    found = [json.loads(row) for row in fengsui("alerts", "--json").stdout.splitlines()]
    muted = {one for line in found for one in line["documents"] if line["silence"]}
    told = {one for line in found for one in line["documents"] if not line["silence"]}
    assert (muted, "d10" in told) == ({"d8"}, True)


def test_check_counts_the_duty_book(fengsui: Callable[..., Finished]) -> None:
    told = fengsui("check")
    assert told.returncode == 0
    assert "值守 3" in told.stdout
    assert "统领 3" in told.stdout
