"""What part each firm plays, and what a locality adds without code."""

import shutil
from pathlib import Path

import pytest

from config.lexicon import load_lexicon, load_registry_csv
from core.records import MentionType
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))


@pytest.mark.parametrize(
    ("text", "firm", "role"),
    [
        ("江西光明线缆有限公司生产的电线不合格。", "江西光明线缆有限公司", "maker"),
        ("样品抽自吉安市顺发商贸有限公司，导体电阻不合格。", "吉安市顺发商贸有限公司", "sampled"),
        ("委托方：南昌佳暖电器有限公司，取暖器不合格。", "南昌佳暖电器有限公司", "brand_owner"),
        ("受托生产企业：中山市宏达电器有限公司，取暖器不合格。", "中山市宏达电器有限公司", "commissioned"),
        ("南昌佳暖电器有限公司委托外厂生产的取暖器不合格。", "南昌佳暖电器有限公司", "brand_owner"),
        ("进口商为宁波海瑞进出口有限公司，电吹风起火。", "宁波海瑞进出口有限公司", "seller"),
        ("经赣西正衡质检技术服务有限公司检验，水泥强度不合格。", "赣西正衡质检技术服务有限公司", "lab"),
        ("该电缆并非江西光明线缆有限公司生产，系假冒。", "江西光明线缆有限公司", "bystander"),
    ],
)
def test_the_text_tells_the_part_a_firm_plays(analyzer, text, firm, role):
    roles = {mention.text: mention.role for mention in analyzer.analyze("", text).mentions if mention.role}
    assert roles[firm] == role


def test_a_laboratory_and_a_sampled_shop_never_answer(analyzer):
    text = "经赣西正衡质检技术服务有限公司检验，抽自吉安市顺发商贸有限公司、江西光明线缆有限公司生产的电线不合格。"
    assert analyzer.analyze("", text).primary_enterprise == "ENT0140"


def test_a_regulator_is_no_firm(analyzer):
    text = "南昌县市场监督管理局、江西省市场监督管理局通报：电线抽查不合格，已责令下架。"
    assert analyzer.analyze("", text).enterprises == ()


def test_a_locality_adds_products_and_headline_words_without_code(tmp_path):
    shutil.copytree(CONFIG / "lexicons", tmp_path / "lexicons")
    shutil.copy(CONFIG / "province.yml", tmp_path)
    (tmp_path / "lexicons" / "products_local_more.yaml").write_text(
        "version: 1\nproducts:\n- {id: bamboo_stove, name: 竹炭炉, terms: [竹炭炉, 火笼炉], colloquial: [火笼]}\n"
        "- {id: cable, colloquial: [胶皮索]}\n",
        encoding="utf-8",
    )
    local = Analyzer(load_lexicon(tmp_path), ())
    assert local.analyze("", "火笼炉使用中爆裂，一人烫伤。").primary_product == "bamboo_stove"
    assert local.analyze("", "这胶皮索导体电阻不合格。").primary_product == "cable"
    assert local.analyze("竹炭炉爆炸致两人受伤", "").is_risk


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("日前，沃尔沃汽车销售(上海)有限公司备案了召回计划", "沃尔沃汽车销售(上海)有限公司"),
        ("日前，一汽-大众汽车有限公司备案了召回计划", "一汽-大众汽车有限公司"),
        ("奥的斯电梯(中国)有限公司被罚", "奥的斯电梯(中国)有限公司"),
        ("由广东美的厨房电器制造有限公司生产", "广东美的厨房电器制造有限公司"),
    ],
)
def test_full_names_with_brackets_dashes_and_de_are_found_whole(analyzer, text, name):
    found = [m.text for m in analyzer.analyze("", text).mentions if m.type is MentionType.ENTERPRISE]
    assert found == [name]


def test_who_orders_and_who_makes_are_told_apart(analyzer):
    text = "深圳市暖岛电器有限公司委托江西雪松坡电器有限公司生产的电水壶干烧起火。"
    roles = {m.text: m.role for m in analyzer.analyze("", text).mentions if m.type is MentionType.ENTERPRISE}
    assert roles == {"深圳市暖岛电器有限公司": "brand_owner", "江西雪松坡电器有限公司": "commissioned"}


def test_an_accident_abroad_without_a_chinese_party_is_nobodys_territory_here(analyzer):
    assert analyzer.analyze("", "日本大阪一家充电宝仓库起火，造成2人死亡。").jurisdiction_code == "000000"
