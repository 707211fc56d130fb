"""What a text means for the desk: signal or not, level, who answers, whose territory, why."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.lexicon import load_lexicon, load_registry_csv
from nlp.analysis_json import analysis_to_json
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("江西光明线缆有限公司生产的电线经抽查标志不合格。", 1),
        ("昨晚一辆疾风狐电动自行车在楼道起火，无人员伤亡。", 2),
        ("电动自行车电池起火，造成1人死亡、2人受伤。", 3),
        ("万载春雷出口花炮厂发生爆炸，造成3人死亡、5人受伤。", 4),
        ("燃气热水器致3人一氧化碳中毒。", 3),
    ],
)
def test_levels_follow_harm(analyzer, text, level):
    analysis = analyzer.analyze("", text)
    assert (analysis.is_risk, analysis.level) == (True, level)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("消防应急演练", "演练模拟电动自行车电池爆炸起火，3名“伤员”被救出，演练圆满结束。"),
        ("如何选购充电器", "一看标识，二看3C，不要混用，一旦鼓包起火请拨打119。消费提示仅供参考。"),
        ("限时优惠", "疾风狐电动车到手价1999，刹车不失灵，零投诉，扫码领取优惠券！"),
        ("辟谣", "网传玉山青峦水泥塌楼压死人，经核实纯属谣言，请广大网民不信谣、不传谣。"),
        ("专项整治方案", "印发实施方案，部署对电线电缆、水泥等产品开展排查，严厉打击无证生产、偷工减料。"),
        ("中超", "补时绝杀，主教练说锋线像电动车没电，球迷情绪爆炸，联赛争冠形势明朗。"),
        ("发票", "买了燃气灶，机器没毛病，就是发票抬头开错了，客服让等快递。"),
    ],
)
def test_temptations_are_left_alone(analyzer, title, text):
    analysis = analyzer.analyze(title, text)
    assert (analysis.is_risk, analysis.level) == (False, 0)
    assert (analysis.primary_product, analysis.primary_enterprise, analysis.jurisdiction_code) == (None, None, None)


def test_the_jurisdiction_is_the_makers_not_the_newspapers(analyzer):
    text = "国讯社南昌电 鄱阳县两户村民使用江西光明线缆有限公司生产的电线起火，无人受伤。"
    assert analyzer.analyze("", text).jurisdiction_code == "360981"


def test_without_a_firm_the_scene_decides_and_without_a_place_the_province(analyzer):
    fire = "昨晚一辆电动自行车在楼道起火，消防员到场扑灭，车主已报警。"
    assert analyzer.analyze("章贡区一小区车棚起火", fire).jurisdiction_code == "360702"
    assert analyzer.analyze("", fire).jurisdiction_code == "360000"


def test_a_cleared_firm_does_not_answer(analyzer):
    text = "经核查，涉案电缆确非光明线缆生产，系袁州区个体户从省外购入的无厂名厂址产品，致1人触电受伤。"
    analysis = analyzer.analyze("", text)
    assert analysis.primary_enterprise is None
    assert analysis.jurisdiction_code == "360902"


def test_facts_may_stand_in_a_table_alone(analyzer):
    table = (("样品", "标称生产企业", "结论"), ("铜芯电线", "江西光明线缆有限公司", "导体电阻不合格"))
    analysis = analyzer.analyze("监督抽查结果", "现将抽查结果公布如下，详见附表。", tables=[table])
    assert (analysis.primary_enterprise, analysis.primary_product) == ("ENT0140", "cable")
    assert "nonconf" in analysis.issues
    assert all(mention.end <= len("现将抽查结果公布如下，详见附表。") for mention in analysis.mentions)


def test_an_english_recall_is_read_to_the_makers_city(analyzer):
    text = (
        "Hazard: The charger can overheat and catch fire. Units: About 6,300. Incidents: 9 reports of fire. "
        "Manufacturer: Jiangxi Some Electric Co., Ltd., of Ji'an, China. Remedy: Refund."
    )
    analysis = analyzer.analyze("Electric Bicycle Chargers Recalled Due to Fire Hazard", text)
    assert (analysis.is_risk, analysis.primary_product) == (True, "ebike_power")
    assert (analysis.jurisdiction_code, analysis.casualties["units"]) == ("360800", 6300)


def test_casualties_of_older_cases_do_not_count(analyzer):
    text = "2019年外省一起电动自行车火灾造成5人死亡。昨日章贡区一辆云骓牌电动自行车起火，2人受伤。"
    analysis = analyzer.analyze("", text, published=datetime(2026, 11, 1, tzinfo=UTC))
    assert analysis.casualties == {"injured": 2}


def test_a_denial_is_told_apart_from_a_refutation(analyzer):
    denial = "针对电池鼓包起火的报道，江西云骓智能科技有限公司发布严正声明，否认产品有缺陷，称用户改装。"
    assert analyzer.analyze("云骓声明", denial).stance == "denial"
    refuted = "网传上栗花炮厂又炸了，经核查系谣言，视频为外省旧闻，造谣者已被处罚。"
    assert analyzer.analyze("辟谣", refuted).stance == "refutation"


def test_every_decision_comes_with_reasons(analyzer):
    analysis = analyzer.analyze("", "云骓电动自行车电池鼓包起火，两人受伤，店家不管。")
    assert analysis.reasons[0].startswith("2级：")
    assert any("起火" in reason for reason in analysis.reasons)
    assert analysis.reasons[-1].startswith("管辖：")


def test_the_contract_has_exactly_its_fields(analyzer):
    row = analysis_to_json(analyzer.analyze("", "“闪能侠”充电宝鼓包起火，投诉人张三，电话13800000000。"), id="x1")
    wanted = {
        "id", "is_risk", "level", "score", "primary_product", "primary_enterprise", "jurisdiction_code", "mentions",
        "title_mentions", "issues", "reasons", "masked_text",
    }  # fmt: skip
    assert wanted <= row.keys()
    assert row["primary_enterprise"] == "NIL"
    assert "13800000000" not in row["masked_text"]
    assert {"start", "end", "text", "type", "id_or_norm", "negated"} <= row["mentions"][0].keys()


@pytest.mark.parametrize(
    "text",
    [
        "", "\0" * 50, "起\ud800火\udfff了", "😭🔥👏" * 200, "1" * 300_000, "不合格，" * 60_000, "“" * 60_000,
        "有限公司" * 60_000, "电-" * 60_000,
    ],
    ids=["empty", "nul", "surrogates", "emoji", "digits", "one word", "quotes", "suffixes", "split"],
)  # fmt: skip
def test_any_string_is_read_without_an_error(analyzer, text):
    analysis = analyzer.analyze(text[:100], text)
    assert len(analysis.masked_text) == len(text)
    analysis.masked_text.encode("utf-8")


def test_a_post_whose_title_is_its_text_is_read_like_any_voice(analyzer):
    post = "我在厂里做化工桶，掺六成回料，贴上危包证就敢装酸，再不说要出人命"
    assert analyzer.analyze(post, post).is_risk


def test_a_voice_that_names_no_listed_product_is_heard(analyzer):
    text = "昨天那个摇摇车电到我侄子了，小手一碰铁杆就哇哇哭，我自己摸也麻，前台说是静电，要求退钱。"
    assert analyzer.analyze("", text).is_risk


def test_what_is_only_listed_as_tested_does_not_raise_the_level(analyzer):
    tested = "本次抽查对灭火器的主要组分含量、喷射性能、标志等8个项目进行检验，1批次不合格，不合格项目为标志。"
    failed = "本次抽查1批次灭火器不合格，主要组分含量仅为标准的一半，标称75%，实测51.6%。"
    levels = [analyzer.analyze("灭火器监督抽查不合格名单", text).level for text in (tested, failed)]
    assert levels == [1, 2]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("昨晚我家电热毯冒白烟，被子烤焦一块，客服不理。", 2),
        ("商场扶梯突然逆行，人往下滑，幸好没人摔倒。", 2),
        ("孩子玩磁力珠时吞下七颗，肠壁破了两处，昨晚做完手术。", 3),
        ("取暖器夜里起火，老两口没能逃出来。", 3),
    ],
)
def test_danger_without_injuries_is_yellow_and_grave_harm_told_in_plain_words_is_orange(analyzer, text, level):
    assert analyzer.analyze("", text).level == level


def test_a_refutation_that_tells_another_cause_is_one(analyzer):
    text = "经核查，系住户煮粥时锅盖阀门堵塞所致，灶具完好，与江西灶王厨电有限公司产品无关，网上燃气灶爆炸等内容不实。"
    analysis = analyzer.analyze("关于厨房异响的核查情况", text)
    assert (analysis.is_risk, analysis.stance) == (False, "refutation")
