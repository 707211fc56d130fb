"""A bare headline is a signal when something happened to what people buy, use, eat or visit."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from config.lexicon import load_lexicon, load_registry_csv
from core.errors import ConfigError
from nlp.analyze import Analyzer
from nlp.evaluation import evaluate

PROJECT = Path(__file__).resolve().parent.parent
CONFIG = PROJECT / "config"
LABELS = PROJECT.parent / "shared" / "data" / "quality_news_zh" / "relevance_labels.jsonl"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))


@pytest.mark.parametrize(
    ("title", "level", "issue"),
    [
        ("某市一烧烤店燃气爆炸致31人死亡", 4, "explosion"),
        ("一小区电梯突然下坠3人受伤", 3, "defect"),
        ("一幼儿园20名儿童疑食物中毒", 3, "poison"),
        ("电动车楼道充电时自燃", 2, "fire"),
        ("抽检发现12批次儿童玩具不合格", 1, "nonconf"),
        ("顾客在连锁火锅店吃出异物", 1, "lowq"),
        ("某品牌召回1200瓶婴童护理用品", 1, "recall"),
        ("主播直播间卖假货被罚50万", 2, "counterfeit"),
    ],
)
def test_something_that_happened_to_a_product_or_premises_is_a_signal(analyzer, title, level, issue):
    analysis = analyzer.analyze(title, "")
    assert analysis.is_risk
    assert analysis.level >= level
    assert issue in analysis.issues


@pytest.mark.parametrize(
    "title",
    [
        "龙卷风致8人死亡数十人受伤",
        "国足召回两名海外球员",
        "男子酒驾撞上护栏车辆起火",
        "某国首都机场发生两起爆炸",
        "演唱会现场气氛爆炸",
        "居民楼起火邻居合力救出老人",
        "如何正确使用燃气灶避免一氧化碳中毒",
        "男子持刀抢劫超市被刑拘",
        "新能源汽车销量爆炸式增长",
        "网传某超市卖死老鼠肉系谣言",
        "粉丝投诉演员造型",
        "多款应用软件被下架",
        "面包车与大货车相撞致4死",
        "消防演练模拟液化气站爆炸",
    ],
)
def test_weather_sport_crime_traffic_and_figures_of_speech_are_not(analyzer, title):
    analysis = analyzer.analyze(title, "")
    assert (analysis.is_risk, analysis.level) == (False, 0)


@pytest.mark.parametrize(
    ("title", "firm"),
    [
        ("特斯拉车主投诉刹车失灵", "NIL:特斯拉"),
        ("ModelY行驶中断轴", "NIL:特斯拉"),
        ("海底捞门店使用过期食材", "NIL:海底捞"),
        ("连锁火锅店使用过期食材", None),
    ],
)
def test_a_brand_that_no_list_has_is_the_firm_of_a_headline(analyzer, title, firm):
    assert analyzer.analyze(title, "").primary_enterprise == firm


def test_a_brand_in_a_headline_that_is_no_signal_is_nobody_accused(analyzer):
    assert analyzer.analyze("特斯拉公布季度销量", "").enterprises == ()


@pytest.mark.parametrize(
    ("title", "risk"),
    [
        ("河南一地发生爆炸致3人受伤", True),
        ("武汉一路面爆炸", False),  # nobody knows of what
        ("幼儿园女童意外身亡", False),  # a death at a place is not ours by itself
        ("酒店员工受伤", False),
        ("海外某首都机场发生爆炸事故", False),
    ],
)
def test_a_place_and_a_death_need_something_that_happened(analyzer, title, risk):
    assert analyzer.analyze(title, "").is_risk is risk


def test_what_is_eaten_is_food_where_no_product_is_named(analyzer):
    analysis = analyzer.analyze("某公司回应雪糕久放不化", "")
    assert analysis.primary_product == "food"
    assert [(m.text, m.id_or_norm) for m in analysis.title_mentions if m.type.value == "product"] == [("雪糕", "food")]
    assert analyzer.analyze("某公司回应雪糕久放不化", "文" * 40).primary_product is None  # an article is read otherwise


def test_one_word_is_one_mention_whatever_kinds_it_has(analyzer):
    mentions = analyzer.analyze("海天味业回应酱油添加剂争议", "").title_mentions
    assert all(a.end <= b.start for a, b in pairwise(mentions))


def test_a_headline_says_which_words_decided(analyzer):
    reasons = analyzer.analyze("充电宝充电时爆燃", "").reasons
    assert any("“充电宝”" in reason and "“爆燃”" in reason for reason in reasons)


def test_a_hot_search_rank_behind_the_title_does_not_make_it_an_article(analyzer):
    topic = analyzer.analyze("电动车充电时自燃", "热度 688.1万｜排名 6")
    assert topic.is_risk
    assert any(reason.startswith("标题说") for reason in topic.reasons)


def test_without_the_file_headlines_are_judged_like_any_text(analyzer):
    plain = Analyzer(replace(analyzer.lexicon, headlines={}), ())
    assert not any(reason.startswith("标题说") for reason in plain.analyze("电动车充电时自燃", "").reasons)


def test_a_mistake_in_the_card_of_headlines_is_named(tmp_path):
    folder = tmp_path / "lexicons"
    folder.mkdir()
    for file in (CONFIG / "lexicons").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = (folder / "headlines.yaml").read_text(encoding="utf-8")
    broken = card.replace("issue: poison", "issue: poisson").replace("  leak: [gas]", "  leak: [gass]")
    broken = broken.replace("named: [carmaker,", "named: [carmakers,").replace("  place: [hurt,", "  place: [hurts,")
    (folder / "headlines.yaml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_lexicon(tmp_path)
    assert "headlines.yaml: happenings.poison.issue" in str(caught.value)
    assert "pairs.leak: unknown subject 'gass'" in str(caught.value)
    assert "named: unknown subject 'carmakers'" in str(caught.value)
    assert "only_beside.place: unknown happening 'hurts'" in str(caught.value)


@pytest.mark.skipif(not LABELS.exists(), reason="labelled titles of a third party are not part of the project")
def test_hand_labelled_titles_of_a_real_stream(analyzer):
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    values = evaluate(rows, analyzer).values
    assert values["risk_precision"] >= 0.80
    assert values["risk_recall"] >= 0.85


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("某市突发龙卷风", "截至15日12时，龙卷风共造成8人遇难，230人受伤，倒塌房屋28户，严重损坏130户，救援仍在进行。"),
        ("海外一商场发生枪击案", "当地时间3日，某国一购物中心发生枪击事件，造成3人死亡、4人受伤，枪手已被警方控制。"),
        ("失联兄弟不幸身亡", "2月4日，一对12岁的兄弟上山放羊后失联，搜救人员在山谷中发现两人，均已身亡。"),
    ],
)
def test_deaths_without_a_product_or_premises_are_not_ours(analyzer, title, text):
    analysis = analyzer.analyze(title, text)
    assert (analysis.is_risk, analysis.level) == (False, 0)


def test_a_restaurant_that_exploded_is_ours_without_any_product_named(analyzer):
    text = "昨晚21时许，某市一烧烤店发生爆炸，造成31人死亡、7人受伤，其中2人重伤，消防、市场监管等部门赶到现场。"
    analysis = analyzer.analyze("烧烤店爆炸31人遇难", text)
    assert (analysis.is_risk, analysis.level) == (True, 4)
    assert analysis.casualties["dead"] == 31
