"""The rule lab: what a run says, what each threshold costs, what is proposed, and two versions side by side."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from alerts.lab.curve import Scale, Yardstick
from alerts.lab.incidents import Incident, catches, caught_of
from alerts.lab.replayed import Opened
from alerts.lab.report import as_json
from alerts.lab.run import LabAsk, LabRun, run_lab
from alerts.lab.series import CALENDAR_NB, Detector
from alerts.lab.text import lines_of
from alerts.marks import mark_alert
from alerts.rule_examples import signals_of
from cli import main
from config.calendar_classes import load_calendar
from config.rules import ExampleDocument, Rule
from config.settings import PROJECT
from core.errors import UsageError
from core.records import Kind, Signal
from store.alert_log import list_alerts
from store.database import Store
from store.documents import add_revision, analysis_columns
from store.schema import documents
from tests.lab_stories import rule_of, world

FIRM, OTHER = "ENT0140", "ENT0278"
NOW = signals_of([ExampleDocument()])[0].document.event_time + timedelta(days=400)


def complaint(day: float, number: int, *, firm: str = FIRM, product: str = "cable", **more: object) -> ExampleDocument:
    words = {"kind": Kind.COMPLAINT, "source": f"s{number % 4}", "jurisdiction": "360981", "issues": ("cutcorner",)}
    return ExampleDocument(**{**words, "at": day * 24, "product": product, "enterprise": firm, **more})


def notice(day: float, *, firm: str = FIRM, product: str = "cable") -> ExampleDocument:
    return complaint(
        day, 0, firm=firm, product=product, kind=Kind.SPOTCHECK, source="samr", issues=("nonconf",), level=2
    )


STORY = [
    *(complaint(10 + 0.2 * n, n) for n in range(8)),  # a burst, then the failed check five days later
    notice(15),
    *(complaint(60 + 0.3 * n, n, firm=OTHER, product="ebike_power") for n in range(3)),  # a small one, then a check
    notice(70, firm=OTHER, product="ebike_power"),
    *(complaint(120 + 0.2 * n, n, firm="ENT0179", product="ebike") for n in range(5)),  # a burst nobody confirms
    notice(200, firm="ENT0050"),  # nothing before it
]


def keep(store: Store, signals: Sequence[Signal], rules: Sequence[Rule] = ()) -> None:
    parts, _ = world()
    engine = replace(parts, rules=tuple(rules)).engine()
    with store.write() as db:
        for signal in signals:
            add_revision(db, signal.document, external_id="", raw={})
            mine = documents.c.id == signal.document.id
            db.execute(documents.update().where(mine).values(stage="judged", **analysis_columns(signal.analysis)))
            engine.judge(db, signal, now=signal.document.event_time)


def named(told: Sequence[ExampleDocument]) -> list[Signal]:
    """The documents of a story, each with an id of its own."""
    found = []
    for number, one in enumerate(told):
        [signal] = signals_of([one])
        found.append(replace(signal, document=replace(signal.document, id=f"d{number:03d}", content_hash=str(number))))
    return found


COUNTED = rule_of(
    {"type": "frequency", "window": "7d", "at_least": 4},
    scope={"kinds": ["complaint"]},
    id="gathering",
    repeat_after="7d",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path_factory.mktemp('lab')}/lab.db")
    made.migrate()
    keep(made, named(STORY), [COUNTED])
    with made.write() as db:
        burst = next(alert for alert in list_alerts(db) if "ENT0179" in alert.enterprises)
        mark_alert(db, burst.id, "false", actor="zhang", note="", now=NOW, once="once-false")
    yield made
    made.close()


def run(store: Store, rule: Rule = COUNTED, **more: object) -> LabRun:
    parts, _ = world()
    ask = LabAsk(timedelta(days=365), **{"budget": 1.0, "floor": 0.5, **more})  # type: ignore[arg-type]
    return run_lab(store, rule, parts, ask, now=NOW)


def test_alerts_a_day_and_the_calendar_count_every_day_of_the_span(store: Store) -> None:
    told = as_json(run(store))
    assert told["alerts"]["total"] == 2
    calendar = told["alerts"]["calendar"]
    assert len(calendar) == 191  # from the first signal to the last one: earlier there is nothing to replay
    assert sum(day["alerts"] for day in calendar) == 2
    assert told["alerts"]["a_day"]["p50"] == 0
    assert not told["whole"]


def test_an_incident_is_caught_with_the_hours_between_alert_and_notice(store: Store) -> None:
    told = as_json(run(store))["incidents"]
    assert (told["known"], told["caught"], told["ahead"]) == (3, 1, 1)
    [caught] = told["earliest"]
    assert caught["firm"] == FIRM
    assert caught["lead_hours"] == pytest.approx((15 - 10.6) * 24, abs=0.1)  # the fourth complaint fires
    assert {one["firm"] for one in told["missed"]} == {OTHER, "ENT0050"}


def test_the_desk_s_marks_say_which_share_was_confirmed(store: Store) -> None:
    told = as_json(run(store))["desk"]
    assert (told["confirmed"], told["false"], told["unmarked"]) == (0, 1, 1)
    assert told["confirmed_share"] == 0


def test_the_rule_s_own_point_of_a_curve_is_the_run_itself(store: Store) -> None:
    told = as_json(run(store))
    curve = next(curve for curve in told["curves"] if curve["threshold"] == "at_least")
    own = next(point for point in curve["points"] if point["value"] == curve["own"])
    assert own["alerts"] == told["alerts"]["total"]
    assert (own["caught"], own["known"]) == (told["incidents"]["caught"], told["incidents"]["known"])


@pytest.mark.parametrize("value", [2, 3, 5, 8])
def test_a_point_of_a_curve_is_what_the_rule_with_that_threshold_does(store: Store, value: int) -> None:
    changed = COUNTED.model_copy(update={"condition": COUNTED.condition.model_copy(update={"at_least": value})})
    curve = next(curve for curve in run(store).curves if curve.knob == "at_least")
    point = next(point for point in curve.points if point.thresholds["at_least"] == value)
    other = run(store, changed)
    assert point.alerts == len(other.alerts)
    assert point.caught == caught_of(other.caught)
    assert point.verdicts == other.verdicts


def test_the_proposal_keeps_the_budget_and_the_floor_and_can_be_pasted(store: Store) -> None:
    told = as_json(run(store, floor=0.6))["proposal"]
    chosen = told["chosen"]
    assert chosen["thresholds"]["at_least"] in (2, 3)  # the small burst is caught from three on
    assert chosen["recall"] >= 0.6
    assert chosen["a_shift"] <= 1
    assert chosen["yaml"].startswith(
        f"condition: {{type: frequency, window: 1w, at_least: {chosen['thresholds']['at_least']}"
    )


def test_where_budget_and_floor_cannot_both_be_kept_both_sides_are_shown(store: Store) -> None:
    told = as_json(run(store, budget=0.0025, floor=0.6))["proposal"]
    assert told["chosen"] is None
    assert told["within_budget"]["a_shift"] <= 0.0025
    assert told["above_floor"]["recall"] >= 0.6


def test_two_versions_are_told_apart_alert_by_alert(store: Store) -> None:
    parts, _ = world()
    looser = COUNTED.model_copy(
        update={"condition": COUNTED.condition.model_copy(update={"at_least": 3}), "id": "looser"}
    )
    found = run_lab(store, COUNTED, parts, LabAsk(timedelta(days=365)), now=NOW, against=looser)
    told = as_json(found)["against"]
    assert (told["only_this"], told["only_other"], told["both"]) == (0, 1, 2)
    assert told["this_later"] == 2
    assert OTHER in str(found.difference.examples_b[0].spoke) if found.difference else False


def test_types_without_a_threshold_are_weighed_by_the_lowest_level_they_count(store: Store) -> None:
    told = as_json(run(store, rule_of({"type": "any"}, scope={"voices": ["official"]})))
    assert [curve["threshold"] for curve in told["curves"]] == ["min_level"]
    jump = rule_of({"type": "tier_jump", "window": "30d", "start": ["complaint"], "to": ["official"]})
    told = as_json(run(store, jump))
    [curve] = told["curves"]
    assert [point["alerts"] for point in curve["points"]][:2] == [2, 0]  # the complaints are of level one


def test_a_chain_s_proposal_is_written_as_a_rule_file_has_it(store: Store) -> None:
    steps = [{"scope": {"kinds": ["complaint"]}, "at_least": 2, "window": "7d"}, {"scope": {"kinds": ["spotcheck"]}}]
    told = as_json(run(store, rule_of({"type": "chained", "window": "30d", "steps": steps}), floor=0.3))
    pasted = yaml.safe_load(told["proposal"]["chosen"]["yaml"])
    assert pasted["scope"] == {"min_level": 1}
    assert pasted["condition"]["window"] == "30d"
    assert pasted["condition"]["steps"][0] == {"scope": {"kinds": ["complaint"]}, "at_least": 2, "window": "1w"}
    rule_of(pasted["condition"], scope=pasted["scope"])  # can be read again


def test_a_detector_is_replayed_over_daily_counts(store: Store) -> None:
    parts, _ = world()
    rule = rule_of({"type": "frequency", "window": "1d", "at_least": 2}, ["product", "issue"], id=CALENDAR_NB)
    detector = Detector(CALENDAR_NB, {}, load_calendar(PROJECT / "config"))
    found = run_lab(store, rule, parts, LabAsk(timedelta(days=365)), now=NOW, detector=detector)
    assert {alert.key for alert in found.alerts} >= {f"w:{CALENDAR_NB}|cable|cutcorner"}
    assert {alert.first_at.date() for alert in found.alerts} == {
        finding.fired_at.date() for finding in found.replayed.findings
    }
    assert as_json(found)["rule"]["type"] == CALENDAR_NB


def test_a_text_in_scope_is_looked_for_in_the_stored_text(store: Store) -> None:
    parts, _ = world()
    for words, counted in ((["示例"], 19), (["没有这样的话"], 0)):
        found = run_lab(
            store, rule_of({"type": "any"}, scope={"text": words}), parts, LabAsk(timedelta(days=365)), now=NOW
        )
        assert found.replayed.counted == counted


def test_a_query_counts_what_the_engine_s_own_matcher_counts(store: Store) -> None:
    parts, _ = world()
    ask = LabAsk(timedelta(days=365))
    found = run_lab(store, rule_of({"type": "any"}, scope={"query": "标题:示例 and 产品:电缆"}), parts, ask, now=NOW)
    assert found.replayed.counted == 10
    none = run_lab(store, rule_of({"type": "any"}, scope={"query": "起火"}), parts, ask, now=NOW)
    assert none.replayed.counted == 0


def test_an_empty_store_is_said_to_be_empty(tmp_path: Path) -> None:
    empty = Store(f"sqlite:///{tmp_path}/none.db")
    empty.migrate()
    with pytest.raises(UsageError, match="没有可回放的信号"):
        run(empty)


def test_an_alert_that_opened_long_before_the_notice_does_not_catch_it() -> None:
    at = NOW
    incident = Incident("recall", at, FIRM, "cable", ("n",))
    early = Opened(at - timedelta(days=91), frozenset({(FIRM, "cable")}), ())
    other = Opened(at - timedelta(days=9), frozenset({(FIRM, "ebike")}), ())
    ours = Opened(at - timedelta(days=2), frozenset({(FIRM, None)}), ())
    assert [one.at for one in catches([incident], [early, other])] == [None]
    [caught] = catches([incident], [early, other, ours])
    assert caught.lead == 48


def test_the_text_says_the_numbers_of_the_json(store: Store) -> None:
    told = as_json(run(store, floor=0.6))
    lines = "\n".join(lines_of(told))
    assert "预警 2 条" in lines
    assert "对照事件 3 起，赶上 1 起（33%）" in lines
    assert "→" in lines
    assert "建议（每班 1 条以内、赶上 60% 以上" in lines


def test_a_scale_looks_at_nothing_outside_its_span(store: Store) -> None:
    found = run(store)
    late = Yardstick([], {}, found.end, found.end, 1.0)
    assert Scale(found.replayed, late).point({"at_least": 2, "sources": 1, "places": 1}).alerts == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--past", "tomorrow"], "--past: 'tomorrow' is not a duration"),
        (["--past", "365d", "--recall-floor", "0.8"], "--recall-floor goes with --budget"),
        (["--past", "365d", "--budget", "-1"], "--budget"),
        (["--past", "365d", "--budget", "1", "--recall-floor", "80"], "a share from 0 to 1"),
        (["--budget", "3"], "belongs to the rule lab"),
    ],
)
def test_a_wrong_option_is_named(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rules", "test", "complaints_many", *words, "--data", str(tmp_path)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_without_examples_is_replayed_and_its_mistakes_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    made = Store(f"sqlite:///{data}/fengsui.db")
    made.migrate()
    keep(made, named(STORY))
    made.close()
    draft = tmp_path / "draft.yml"
    draft.write_text(
        "title: 草稿\nwhy: 试试\nscope: {kinds: [complaint]}\nlevel: yellow\n"
        "condition: {type: frequency, window: 7d, at_least: 4}\n",
        encoding="utf-8",
    )
    words = ["rules", "test", str(draft), "--past", "365d", "--json", "--until", "2027-02-01", "--data", str(data)]
    with pytest.raises(SystemExit) as done:
        main([*words, "--against", "complaints_many"])
    assert done.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rule"]["id"] == "draft"
    assert told["alerts"]["total"] == 2
    assert told["against"]["rule"]["id"] == "complaints_many"
    draft.write_text(draft.read_text(encoding="utf-8").replace("at_least", "at_lest"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "draft.yml: condition.at_lest: unknown key" in capsys.readouterr().err
