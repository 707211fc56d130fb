"""What a text names: products, firms, places and issues, with offsets of the text as given."""

from itertools import pairwise
from pathlib import Path

import pytest

from config.lexicon import load_lexicon, load_registry_csv
from core.records import Analysis, MentionType
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    registry = load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")
    return Analyzer(load_lexicon(CONFIG), registry)


def named(analysis: Analysis, kind: MentionType) -> list[tuple[str, str | None]]:
    return [(m.text, m.id_or_norm) for m in analysis.mentions if m.type is kind and not m.negated]


@pytest.mark.parametrize(
    ("text", "product", "start", "end"),
    [
        ("某某牌电动自行车锂电池充电时起火", "ebike_power", 3, 11),
        ("新买的充 电 器冒烟了", "ebike_power", 3, 8),
        ("電動車昨晚在樓下起火", "ebike", 0, 3),
        ("小\u200b电\u200b驴半夜烧起来了", "ebike", 0, 5),
        ("超市买的即热式电热水器漏电", "water_heater_e", 4, 11),
    ],
)
def test_products_are_found_in_the_forms_people_write(analyzer, text, product, start, end):
    mention = next(m for m in analyzer.analyze("", text).mentions if m.type is MentionType.PRODUCT)
    assert (mention.id_or_norm, mention.start, mention.end) == (product, start, end)
    assert mention.text == text[start:end]


@pytest.mark.parametrize("text", ["逃离钢筋水泥的城市森林", "门口的水泥路修好了", "烟花三月最好看", "夏天在樟树下乘凉"])
def test_figures_of_speech_and_roads_name_no_product_and_no_place(analyzer, text):
    analysis = analyzer.analyze("", text)
    assert named(analysis, MentionType.PRODUCT) == []
    assert named(analysis, MentionType.REGION) == []


def test_a_firm_is_linked_by_full_former_and_short_name(analyzer):
    text = "江西云骓智能科技有限公司由南昌云骓电动车有限公司更名而来，云骓智能回应称已整改。"
    ids = {norm for _, norm in named(analyzer.analyze("", text), MentionType.ENTERPRISE)}
    assert ids == {"ENT0043"}


def test_namesakes_are_told_apart_by_place_and_stay_open_without_one(analyzer):
    settled = analyzer.analyze("", "章贡区抽查发现，宏泰昊的电线绝缘厚度不合格。")
    assert {norm for _, norm in named(settled, MentionType.ENTERPRISE) + named(settled, MentionType.BRAND)} == {
        "ENT0095"
    }
    open_link = analyzer.analyze("", "宏泰昊的东西质量怎么样，我家用了有点担心。")
    mention = next(m for m in open_link.mentions if m.text == "宏泰昊")
    assert mention.id_or_norm is None
    assert set(mention.candidates) >= {"ENT0095", "ENT0112"}


@pytest.mark.parametrize("text", ["明天会更好", "希望大家平安顺利", "满天星光照着稳得住的脚步"])
def test_everyday_words_are_not_firms(analyzer, text):
    assert named(analyzer.analyze("", text), MentionType.ENTERPRISE) == []


def test_a_firm_in_no_list_is_kept_by_its_grammar_and_found_again(analyzer):
    text = "抽查发现苏州泓芯微电子科技有限公司生产的充电器不合格。泓芯微电子称将召回。"
    found = named(analyzer.analyze("", text), MentionType.ENTERPRISE)
    assert found == [
        ("苏州泓芯微电子科技有限公司", "NIL:苏州泓芯微电子科技有限公司"),
        ("泓芯微电子", "NIL:泓芯微电子"),
    ]


def test_a_described_firm_is_not_a_name(analyzer):
    text = "上栗一家花炮厂和本地某五金店被查，涉事水泥厂停产。"
    assert named(analyzer.analyze("", text), MentionType.ENTERPRISE) == []


def test_brands_in_no_list_are_kept(analyzer):
    text = "直播间买的“闪能侠”充电宝鼓包了，闪能侠客服不理人。"
    assert named(analyzer.analyze("", text), MentionType.BRAND) == [("闪能侠", "NIL:闪能侠")] * 2


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("樟树市场监管局通报", ["360982"]),
        ("南昌县市场监管局通报", ["360121"]),
        ("杭州西湖区居民反映", ["330100"]),
        ("贵溪市民反映自来水问题", ["360681"]),
        ("家住北京东路的住户", []),
        ("新建项目即将开工", []),
    ],
)
def test_places_are_read_to_the_county_and_namesakes_left_alone(analyzer, text, codes):
    assert [norm for _, norm in named(analyzer.analyze("", text), MentionType.REGION)] == codes


@pytest.mark.parametrize(
    ("text", "issue", "asserted"),
    [
        ("该电动车突然起火", "fire", True),
        ("检查未发现电动车起火", "fire", False),
        ("混用充电器可能引发起火", "fire", False),
        ("一旦电池起火请立即撤离", "fire", False),
        ("里面不是干粉是滑石粉", "adulterate", True),
        ("经检验导体电阻不合格", "nonconf", True),
        ("严厉打击无证生产、偷工减料等行为", "unlicensed", False),
    ],
)
def test_a_risk_word_counts_only_where_it_is_asserted(analyzer, text, issue, asserted):
    analysis = analyzer.analyze("", text)
    rules = {m.id_or_norm: m.rule for m in analysis.mentions if m.type is MentionType.ISSUE}
    assert issue in rules
    assert (rules[issue] in ("cue", "genre")) is asserted


def test_mentions_never_overlap_and_quote_the_text(analyzer):
    text = "5月5日，南昌县一辆“疾风狐”牌电 动 车起火，江西赣翼车业有限公司称系使用不当，伤者已送医。"
    mentions = analyzer.analyze("起火", text).mentions
    assert all(text[m.start : m.end] == m.text for m in mentions)
    assert all(left.end <= right.start for left, right in pairwise(mentions))


@pytest.mark.parametrize(
    ("text", "kind", "written", "norm"),
    [
        ("这不就是chi锂的电池吗，又着火", MentionType.BRAND, "chi锂", "ENT0291"),
        ("刚换的充电qi一直发烫", MentionType.PRODUCT, "充电qi", "ebike_power"),
        ("楼下电dong车着🔥了", MentionType.PRODUCT, "电dong车", "ebike"),
        ("楼下电动车着🔥了", MentionType.ISSUE, "着🔥", "fire"),
        ("新买的dianchi鼓包了，充电宝的", MentionType.ISSUE, "鼓包", "defect"),
        ("家里的液化气罐暴炸了", MentionType.ISSUE, "暴炸", "explosion"),
        ("小电驴的锂电迟坏了", MentionType.PRODUCT, "锂电迟", "ebike_power"),
    ],
)
def test_words_written_around_a_filter_are_read(analyzer, text, kind, written, norm):
    mention = next(m for m in analyzer.analyze("", text).mentions if m.type is kind and m.text == written)
    assert mention.id_or_norm == norm
    assert text[mention.start : mention.end] == written


@pytest.mark.parametrize(
    "text", ["应急等部门赶赴现场", "涉事者已被行拘", "刹车偏软，习惯就好", "电动自行车等11类产品", "AI车机和OTA升级"]
)
def test_plain_text_is_not_taken_for_a_disguise(analyzer, text):
    whole, _ = analyzer.read("", text)
    assert whole.text.strip() == text


def test_a_town_is_a_mention_and_tells_the_county(analyzer):
    text = "昨晚，滕王阁街道一居民楼内电动自行车充电时起火，无人受伤。"
    analysis = analyzer.analyze("", text)
    assert named(analysis, MentionType.TOWN) == [("滕王阁街道", "360102002")]
    assert analysis.jurisdiction_code == "360102"


def test_a_town_with_namesakes_stays_open_until_the_text_names_its_county(analyzer):
    text = "古县镇一电动自行车店起火。"
    assert analyzer.analyze("", text).jurisdiction_code == "360000"
    told = analyzer.analyze("", f"永丰县{text}")
    assert named(told, MentionType.TOWN) == [("古县镇", "360825103")]
    assert told.jurisdiction_code == "360825"
    assert named(analyzer.analyze("", f"鄱阳县{text}"), MentionType.TOWN) == []


def test_a_maker_in_a_county_elsewhere_belongs_to_its_prefecture(analyzer):
    text = "章贡区抽查发现，义乌市朗贝玩具厂生产的玩具邻苯二甲酸酯超标，不合格。"
    analysis = analyzer.analyze("", text)
    assert analysis.jurisdiction_code == "330700"
    assert [name for name, _ in named(analysis, MentionType.REGION)] == ["章贡区"]


@pytest.mark.parametrize(
    ("text", "product"),
    [("办公室冷得像冰箱，脸色像电热毯", None), ("这只杯子硬得像一块水泥，买的电热毯却坏了", "heater")],
)
def test_what_a_thing_is_compared_with_is_not_the_product(analyzer, text, product):
    found = [m.id_or_norm for m in analyzer.analyze("", text).mentions if m.type.value == "product"]
    assert found == ([product] if product else [])


def test_of_namesakes_the_one_that_makes_such_things_is_meant(analyzer):
    mentions = analyzer.analyze("", "消费者反映“霂泽”牌电热毯插头烧熔，床垫冒烟。").mentions
    assert [m.id_or_norm for m in mentions if m.type.value == "brand"] == ["ENT0254"]
