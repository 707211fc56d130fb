"""Who a text takes a charge away from, and how grave it finds what it tells without anybody hurt."""

from pathlib import Path

import pytest

from alerts.card_words import clears_of
from config.lexicon import load_lexicon, load_registry_csv
from core.records import Document, Kind, Signal
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"
LIGHT = "ENT0140"  # 江西光明线缆有限公司


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))


def cleared(analyzer, noon, title, text):
    analysis = analyzer.analyze(title, text)
    document = Document(
        id="x", source="paper", kind=Kind.NEWS, url="", canonical_url="", title=title, text=text, event_time=noon,
        published=noon, fetched_at=noon, stored_at=noon, revision=1, content_hash="x",
    )  # fmt: skip
    return analysis.primary_enterprise, clears_of(Signal(document, analysis))


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (
            "电线短路起火：户主称用的是杂牌 与光明线缆无关",
            "网传江西光明线缆有限公司电线起火。户主说，线是集市买的散装货。",
        ),
        ("", "一出租屋电线起火。经核对，烧毁的电线并非江西光明线缆有限公司产品，是三无产品。"),
        ("", "市场监管部门通报：起火电线与江西光明线缆有限公司没有任何关系，卖家已被查处，电线不合格。"),
    ],
)
def test_a_firm_that_others_say_is_not_concerned_is_cleared_and_not_named(analyzer, noon, title, text):
    assert cleared(analyzer, noon, title, text) == (None, (LIGHT,))


@pytest.mark.parametrize(
    "text",
    [
        "江西光明线缆有限公司声明：起火电线与江西光明线缆有限公司无关，系假冒我公司产品。现场电线起火。",
        "这并不是江西光明线缆有限公司第一次出问题，其生产的电线导体电阻不合格。",
        "起火的电线是江西光明线缆有限公司的吗？市场监管局抽检其电线不合格。",
    ],
)
def test_its_own_word_a_question_and_not_the_first_time_clear_nobody(analyzer, noon, text):
    assert cleared(analyzer, noon, "", text) == (LIGHT, ())


def test_who_was_copied_does_not_answer_and_is_not_cleared_of_other_things(analyzer, noon):
    text = "执法人员查获假冒江西光明线缆有限公司注册商标的电线1.1万卷，经检验导体电阻不合格，货主已移送公安。"
    assert cleared(analyzer, noon, "“光明线缆”遭冒牌", text) == (None, ())


@pytest.mark.parametrize(
    ("title", "text", "level"),
    [
        ("头盔监督抽查结果", "某厂生产的头盔吸收碰撞能量性能不合格，属关键安全项目，已责令整改。", 2),
        ("头盔监督抽查结果", "某厂生产的头盔标志不合格，关键安全项目全部合格，已责令整改。", 1),
        ("燃气报警器漏气不响", "社区装的燃气报警器，我拿打火机对着放气，一直不响，质量太差。", 2),
        ("校服监督抽查结果", "一款校服检出可分解致癌芳香胺染料，不合格，已责令下架。", 2),
        ("肥料监督抽查结果", "某公司掺混肥料总养分不合格。该企业已召回未售出的11吨，承诺整改。", 1),
        ("某公司召回部分调压器", "因膜片装配偏移，关闭压力不合格，召回5000只。", 2),
        ("召回退款未到账", "我买的取暖器按召回公告登记退款12天没收到，客服说排队，投诉要求尽快退款。", 1),
        ("加了柴油没劲", "在加油站加的柴油，发动机冒黑烟，喷油嘴堵了，质量有问题，要求赔偿。", 1),
    ],
)
def test_the_level_of_what_hurt_nobody(analyzer, title, text, level):
    assert analyzer.analyze(title, text).level == level


def test_diesel_that_chokes_engines_is_fuel(analyzer):
    assert (
        analyzer.analyze("加了柴油打不着火", "加油站的柴油有杂质，喷油嘴坏了，维修花了三千。").primary_product
        == "fuel_oil"
    )
    assert analyzer.analyze("", "油罐车侧翻，柴油泄漏，消防到场处置，道路封闭。").primary_product != "fuel_oil"


def test_a_traffic_accident_alone_is_none_of_ours(analyzer):
    text = "昨晚一辆小型客车与一辆电动自行车发生碰撞，造成1人死亡、1人受伤。驾驶人已被控制，排除酒驾。"
    assert not analyzer.analyze("某县发生一起交通事故 1死1伤", text).is_risk
