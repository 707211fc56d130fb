"""What is asked for, threatened by law, shown or feared did not happen; counts are read only of people."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.lexicon import load_lexicon
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), ())


def asserted(analyzer: Analyzer, text: str) -> set[str | None]:
    return {m.id_or_norm for m in analyzer.analyze("", text).mentions if m.type.value == "issue" and not m.negated}


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("电线不合格，请责令他们召回。", "recall"),
        ("电线不合格，建议市场监管部门查封这家店。", "seize"),
        ("钢筋不合格；涉嫌犯罪的，移送公安机关。", "transfer"),
        ("钢筋不合格；对拒不整改的，依法吊销许可证。", "revoke"),
        ("电线不合格。现场演示了假冒灭火器的危害。", "counterfeit"),
    ],
)
def test_what_is_asked_threatened_or_shown_did_not_happen(analyzer, text, issue):
    found = asserted(analyzer, text)
    assert issue not in found
    assert "nonconf" in found


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("企业已召回该批电线，电线不合格。", "recall"),
        ("市场监管局查封了这家店的电线，抽检不合格。", "seize"),
        ("电线不合格，该公司涉嫌犯罪，已移送公安机关。", "transfer"),
    ],
)
def test_what_was_done_happened(analyzer, text, issue):
    assert issue in asserted(analyzer, text)


def test_a_meeting_tells_of_an_accident_without_being_a_signal(analyzer):
    text = (
        "会议强调，要部署开展专项整治工作，推进排查，压实责任。会议通报，上月外县一餐馆燃气灶爆炸造成3人死亡，教训深刻。"
        "会议要求各地制定实施方案，开展宣传活动。"
    )
    analysis = analyzer.analyze("全省产品质量安全工作部署会召开", text)
    assert not analysis.is_risk
    assert any(m.id_or_norm == "explosion" and not m.negated for m in analysis.mentions)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("电动自行车起火，3楼住户受伤1人。", {"injured": 1}),
        ("车棚起火烧毁6辆电动自行车，无人受伤。", {}),
        ("YH-T9型电动车断电致人受伤。", {}),
        ("两名村民在家中使用热水器发生一氧化碳中毒。", {"injured": 2}),
        ("烧烤店爆炸致31死7伤。", {"dead": 31, "injured": 7}),
    ],
)
def test_numbers_of_floors_vehicles_and_models_are_no_people(analyzer, text, counts):
    found = analyzer.analyze("", text, published=datetime(2026, 11, 1, tzinfo=UTC)).casualties
    assert {name: number for name, number in found.items() if name != "units"} == counts


def test_two_poisoned_are_serious_three_are_grave(analyzer):
    assert analyzer.analyze("", "燃气热水器致2人一氧化碳中毒，已送医。").level == 2
    assert analyzer.analyze("", "燃气热水器致3人一氧化碳中毒，已送医。").level == 3


def test_several_cases_of_poisoning_are_grave_though_each_hurt_few(analyzer):
    assert analyzer.analyze("", "近一个月内发生两起燃气热水器一氧化碳中毒，2人受伤。").level == 3


@pytest.mark.parametrize(
    "text",
    [
        "一男子骑着电动车与货车相撞，当场死亡。",
        "谁懂啊，前任给我的伤害就像一块鼓包的电池，早晚要爆，不如趁早扔了",
        "考研英语做完，我的脑子已经短路+冒烟+自燃三连了，谁给我来个灭火器",
        "新建充电车棚6处，配了智能插座。去年这里曾因飞线充电引燃杂物，如今大家睡觉也踏实。",
    ],
)
def test_crashes_similes_and_past_cases_are_no_signals(analyzer, text):
    assert not analyzer.analyze("", text).is_risk
