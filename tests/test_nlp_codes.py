"""Models, batches, standards and licence numbers are mentions; personal numbers never are."""

import itertools
from pathlib import Path

import pytest

from config.lexicon import load_lexicon
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), ())


@pytest.mark.parametrize(
    ("text", "quoted", "norm", "rule"),
    [
        ("依据GB 17761-2018检验", "GB 17761-2018", "GB17761-2018", "standard"),
        ("符合ＧＢ/Ｔ 5023.3的规定", "ＧＢ/Ｔ 5023.3", "GB/T5023.3", "standard"),
        ("与EN 60335-2-23不符", "EN 60335-2-23", "EN60335-2-23", "standard"),
        ("许可证编号XK06-001-00123", "XK06-001-00123", "XK06-001-00123", "licence"),
        ("3C证书编号：2022011119900040", "2022011119900040", "2022011119900040", "licence"),
        (
            "(赣)YH安许证字〔2022〕000123号",
            "(赣)YH安许证字〔2022〕000123号",
            "(赣)YH安许证字〔2022〕000123号",
            "licence",
        ),
        ("型号TDT2107Z的整车", "TDT2107Z", "TDT2107Z", "model"),
        ("召回LP-20型移动电源", "LP-20", "LP-20", "model"),
        ("批号：20260301a，请停用", "20260301a", "20260301A", "batch"),
    ],
)
def test_numbers_that_name_a_thing_are_found(analyzer, text, quoted, norm, rule):
    found = [m for m in analyzer.analyze("", text).mentions if m.rule in ("standard", "licence", "model", "batch")]
    assert [(m.text, m.id_or_norm, m.rule) for m in found] == [(quoted, norm, rule)]


@pytest.mark.parametrize(
    "text", ["编号：13800138000", "产品编号：11010519491231002X", "2026年11月24日", "共12批次不合格"]
)
def test_personal_numbers_dates_and_counts_are_no_codes(analyzer, text):
    assert not [m for m in analyzer.analyze("", text).mentions if m.type.value in ("model", "standard")]


def test_codes_overlap_nothing(analyzer):
    text = "型号RVV3的电线按GB/T 5023.3检验，批号20260301，导体电阻不合格。"
    spans = [(m.start, m.end) for m in analyzer.analyze("", text).mentions]
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))


def test_numbers_behind_their_word_without_a_colon_are_found(analyzer):
    text = "批号20240315的电动自行车，CCC证书2022011101234567，不符合要求。"
    found = {m.id_or_norm: m.rule for m in analyzer.analyze("", text).mentions if m.rule in ("batch", "licence")}
    assert found == {"20240315": "batch", "2022011101234567": "licence"}
