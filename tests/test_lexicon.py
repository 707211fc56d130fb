"""Dictionaries and the registry: what operators edit is read whole, and mistakes are named."""

import shutil
from pathlib import Path

import pytest

from config.lexicon import load_lexicon, load_registry_csv
from config.regions import ABROAD
from core.errors import ConfigError
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"


def copy_config(folder: Path) -> None:
    shutil.copytree(CONFIG / "lexicons", folder / "lexicons")
    shutil.copy(CONFIG / "province.yml", folder)


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon(CONFIG)


def test_a_locality_adds_words_to_a_product_without_touching_the_base(tmp_path: Path):
    copy_config(tmp_path)
    local = "products:\n- {id: ebike, terms: [土名小跑车]}\n"
    (tmp_path / "lexicons" / "local_more.yaml").write_text(local, encoding="utf-8")
    product = load_lexicon(tmp_path).products["ebike"]
    assert "土名小跑车" in product.terms
    assert "电动自行车" in product.terms


def test_all_mistakes_are_reported_at_once_with_what_is_accepted(tmp_path: Path):
    copy_config(tmp_path)
    wrong = "products:\n- {id: nobody_knows, terms: [一]}\nissues:\n- {id: fyre, cues: [着火]}\n"
    (tmp_path / "lexicons" / "wrong_more.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_lexicon(tmp_path)
    assert len(error.value.mistakes) == 2
    assert "wrong_more.yaml: issues.fyre: unknown issue (accepted: unlicensed" in str(error.value)


def test_another_province_is_one_line_of_config(tmp_path: Path):
    copy_config(tmp_path)
    (tmp_path / "province.yml").write_text('code: "330000"', encoding="utf-8")
    text = "多名家长反映一批儿童玩具小零件脱落，孩子误吞后窒息，要求召回"
    assert Analyzer(load_lexicon(tmp_path), ()).analyze("", text).jurisdiction_code == "330000"


@pytest.mark.parametrize(("content", "mistake"), [('code: "360100"', "'360100' is no province"), ("", "is missing")])
def test_a_home_that_is_no_province_is_refused(tmp_path: Path, content: str, mistake: str):
    copy_config(tmp_path)
    (tmp_path / "province.yml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"province.yml: code: {mistake}"):
        load_lexicon(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path):
    copy_config(tmp_path)
    (tmp_path / "lexicons" / "risk.yaml").unlink()
    with pytest.raises(ConfigError, match=r"risk\.yaml: file is missing"):
        load_lexicon(tmp_path)


def test_a_registry_may_be_a_header_alone_and_cells_may_be_empty(tmp_path: Path):
    path = tmp_path / "firms.csv"
    path.write_text("\ufeffid,name,short_names,region_code\n", encoding="utf-8")
    assert load_registry_csv(path) == ()
    path.write_text("id,name,short_names,brands\nE1,某某电器有限公司,,云上；云下\n", encoding="utf-8")
    (entry,) = load_registry_csv(path)
    assert entry.brands == ("云上", "云下")
    assert (entry.role, entry.status, entry.short_names) == ("producer", "存续", ())


def test_refused_registry_rows_are_all_named_with_their_lines(tmp_path: Path):
    path = tmp_path / "firms.csv"
    path.write_text("id,name,role\nE1,甲厂,producer\nE1,乙厂,producer\nE2,丙厂,maker\n,丁厂,\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_registry_csv(path)
    assert [mistake.split(": ")[1] for mistake in error.value.mistakes] == ["line 3", "line 4", "line 5"]
    assert "accepted: producer, dealer, service" in str(error.value)


def test_a_registry_without_its_columns_says_which(tmp_path: Path):
    path = tmp_path / "firms.csv"
    path.write_text("企业名称,地址\n甲厂,南昌\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="missing column id, name"):
        load_registry_csv(path)


def test_regions_know_parents_prefectures_and_territories(lexicon):
    regions = lexicon.regions
    assert regions.chain("360121") == ("360121", "360100", "360000")
    assert regions.prefecture_of("360981") == "360900"
    assert regions.prefecture_of("360000") is None
    assert regions.full_name_of("360113") == "江西省南昌市红谷滩区"
    assert regions.is_within("360100", "360121")
    assert not regions.is_within("360121", "360100")
    assert regions.name_of(ABROAD) == "境外"
    assert regions.chain("430281") == ("430281", "430200", "430000")  # a county outside the list still has parents


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("floor: 2", "floor: 9", "severity.2.floor"),
        ("    lead_issues: [recall]", "    lead_isues: [recall]", "reach.2.lead_isues: unknown key"),
        ("lead_issues: [recall]", "lead_issues: [recal]", "'recal' is not known"),
        ("1: {1: [1, 2, 3, 4]", "1: {1: [1, 2, 3]", "table.1.1: expected 4 levels"),
        ("'长期(?:", "'长期((?:", "不是可用的正则表达式"),
        ("  3: {patterns:", "  5: {patterns:", "likelihood.5: unknown grade"),
        ("{1: 个案,", "{", "names.likelihood"),
    ],
)
def test_mistakes_in_the_level_card_are_named(tmp_path: Path, old: str, new: str, said: str):
    copy_config(tmp_path)
    file = tmp_path / "lexicons" / "level_card.yaml"
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"level_card\.yaml") as error:
        load_lexicon(tmp_path)
    assert said in str(error.value)


def test_another_table_gives_other_levels(tmp_path: Path):
    copy_config(tmp_path)
    file = tmp_path / "lexicons" / "level_card.yaml"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("1: {1: [1, 2, 3, 4]", "1: {1: [4, 4, 4, 4]", 1), encoding="utf-8")
    text = "抽查发现南昌某厂的电线不合格。"
    assert Analyzer(load_lexicon(CONFIG), ()).analyze("", text).level == 1
    assert Analyzer(load_lexicon(tmp_path), ()).analyze("", text).level == 4
