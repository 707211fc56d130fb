"""Firms are found by whatever name people use; namesakes are warned of; a large registry is one file that is opened."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from cli import main
from core.errors import ConfigError
from core.records import RegistryEntry
from enterprises import match_file
from enterprises.match import Matcher
from enterprises.match_file import FILE, MatcherShelf, compile_matches
from enterprises.match_index import build_index, open_index, write_index
from enterprises.name_parts import NameSplitter, known_places
from enterprises.registry_import import VERSION
from store.database import Store, set_fact
from store.registry import save_entries
from web.language.catalogue import HAN, load_catalogue

FIRMS = (
    RegistryEntry(
        "A", "赣州云骓锂电科技有限公司", ("云骓锂电",), ("云骓",), ("赣州飞马电池有限公司",), "360702",
        uscc="91361003YX9100005J", english_names=("GANZHOU YUNZHUI LITHIUM TECH CO., LTD.",),
    ),
    RegistryEntry("B", "南昌市宏达电器有限公司", region_code="360102"),
    RegistryEntry("C", "九江市宏达电器有限公司", region_code="360402"),
    RegistryEntry("D", "抚州喜盈门楼涂料有限公司", ("喜盈门楼",), region_code="361003"),
    RegistryEntry("E", "江西砺铁钢业有限公司", region_code="360402"),
)  # fmt: skip


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(FIRMS)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("赣州云骓锂电科技有限公司", "全称相同"),
        ("赣州云骓锂电科技【有限】公司", "全称相同"),
        ("贛州雲騅鋰電科技有限公司", "全称相同"),
        ("赣州飞马电池有限公司", "曾用名相同"),
        ("云骓锂电", "简称相同"),
        ("云骓", "品牌相同"),
        ("赣州云锥锂电科技有限公司", "读音相同"),
        ("赣州云骅锂电科技有限公司", "差 1 字"),
        ("赣州云骓锂科技有限公司", "字号“云骓”相同"),
        ("赣州骓云锂电科技有限公司", ""),
        ("云骓锂电科技", "未说地名"),
        ("南昌云骓锂电科技有限公司", "地名不同"),
        ("赣州云骓锂电科技有限公司南昌分公司", "分支机构不同"),
        ("云骓集团", "字号“云骓”相同"),
        ("ganzhou yunzhui lidian keji", "全称的拼音"),
        ("yunzhui", "品牌的拼音"),
        ("gzyzldkj", "拼音首字母"),
        ("GZYZ", "拼音首字母"),
        ("Ganzhou Yunzhui Technology Co., Ltd.", "字号“云骓”的拼音在内"),
        ("Yunzhui Batteries", "字号“云骓”的拼音在内"),
        ("标称生产企业：赣州云骓锂电科技有限公司（盖章）", "全称相同"),
        ("赣州云骓锂电科技有限公司等3家", "字号和行业相同"),
        ("YZ 云骓锂电", "简称相同"),
        ("云骓锂电南昌分公司", "分支机构不同"),
        ("云骓锂电官方旗舰店", "分支机构不同"),
        ("云骓充电宝厂家", "字号“云骓”相同"),
        ("ganzou yunzui lidian keji", "拼音相近"),
        ("赣州yunzhui锂电科技有限公司", "读音相同"),
        ("云骓（赣州）锂电科技有限公司", "全称相同"),
        ("标称生产企业：赣州云骓锂电科技有限公司", "全称相同"),
        ("被抽样单位 赣州云骓锂电科技有限公司", "全称相同"),
        ("Ganzhou Yunzhui Lithium Tech Company Limited", "英文名相同"),
        ("91361003YX9100005J", "代码相同"),
        ("９1361003yx9100006J", "仅一位不同"),
    ],
)
def test_a_firm_is_found_by_what_people_call_it(matcher: Matcher, query: str, why: str) -> None:
    best = matcher.match(query)[0]
    assert best.id == "A", query
    assert why in best.why
    english = re.sub("“[^”]*”", "", load_catalogue().told(best.why))
    assert not HAN.search(english), f"no English for {best.why}"


def test_what_no_firm_is_called_finds_none(matcher: Matcher) -> None:
    assert matcher.match("") == matcher.match("哈尔滨某某乳业") == matcher.match("()") == []


def test_namesakes_are_warned_of_and_the_region_decides(matcher: Matcher) -> None:
    first, second = matcher.match("宏达电器")
    assert {first.id, second.id} == {"B", "C"}
    assert (first.namesakes, second.namesakes) == (1, 1)
    assert matcher.match("宏达电器", region="360400")[0].id == "C"
    assert "属地相符" in matcher.match("宏达电器", region="360400")[0].why
    assert matcher.match("南昌宏达电器")[0].id == "B"
    assert matcher.match("九江市宏达电器有限公司")[0].namesakes == 0


def test_a_name_falls_into_its_parts() -> None:
    split = NameSplitter(known_places()).split_new
    parts = split("江西省赣州市云骓锂电科技（集团）有限公司南昌分公司")
    assert (parts.region, parts.own, parts.trade) == ("江西省赣州市", "云骓", "锂电科技")
    assert (parts.form, parts.branch) == ("集团有限公司", "南昌分公司")
    assert split("南昌东湖电子有限公司").own == "东湖"  # a place may be the own name


def test_a_compiled_file_answers_like_the_registry_in_memory(matcher: Matcher, tmp_path: Path) -> None:
    path = tmp_path / FILE
    write_index(build_index(FIRMS, version="1"), path)
    opened = Matcher.over(open_index(path))
    for query in ("云锥锂电", "宏达", "lt", "91361003YX9100006J"):
        assert opened.match(query) == matcher.match(query)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ConfigError, match="compile it again"):
        open_index(path)


def test_the_file_is_opened_again_when_the_registry_changed(
    store: Store, tmp_path: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bring(*firms: RegistryEntry) -> None:
        with store.write() as db:
            save_entries(db, firms, now=noon)
            set_fact(db, VERSION, str(len(firms)))
        compile_matches(store, tmp_path)

    monkeypatch.setattr(match_file, "SMALL", 1)
    shelf = MatcherShelf(store, tmp_path)
    bring(*FIRMS[:2])
    assert (tmp_path / FILE).exists()
    assert shelf.matcher() is shelf.matcher()
    assert shelf.matcher().match("砺铁钢业") == []
    bring(*FIRMS)
    assert shelf.matcher().match("砺铁钢业")[0].id == "E"
    (tmp_path / FILE).unlink()
    assert shelf.matcher().match("砺铁钢业")[0].id == "E", "a lost file is made again"
    assert (tmp_path / FILE).exists()


def test_the_command_tells_candidates_and_namesakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "names.txt"
    names.write_text("喜盈门楼\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="0"):
        main(["match", "通安阀门管件", "--file", str(names), "--json", "--data", str(tmp_path / "data")])
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["query"] == "通安阀门管件"
    assert first["candidates"][0]["id"] == "ENT0002"
    assert {"id", "name", "score", "why"} <= first["candidates"][0].keys()
    assert (second["namesakes"], len(second["candidates"])) == (1, 2)


def test_a_factory_that_is_misspelt_with_the_sign_of_factories_is_found() -> None:
    found = Matcher([RegistryEntry("A", "浔阳广府文化化工厂"), RegistryEntry("B", "九江浔阳化工有限公司")])
    assert found.match("浔阳厂府文化化工厂")[0].id == "A"


def test_a_bare_brand_with_goods_means_the_firm_of_that_trade() -> None:
    found = Matcher(
        [
            RegistryEntry("A", "上饶桉源钢铁有限公司", ("桉源",)),
            RegistryEntry("B", "江西桉源电动车有限公司", ("桉源",)),
            RegistryEntry("C", "抚州桉源水泥有限公司", ("桉源",)),
        ]
    )
    first, second, third = found.match("桉源电动自行车")
    assert first.id == "B"
    assert first.score > second.score >= third.score


def test_a_code_that_lacks_a_sign_is_not_every_code_that_begins_alike() -> None:
    found = Matcher(
        [
            RegistryEntry("A", "甲厂", uscc="91360982YX91066692"),
            RegistryEntry("B", "乙厂", uscc="91360982YX9111476J"),
        ]
    )
    assert [one.id for one in found.match("91360982YX9106669")] == ["A"]  # the last one missing
    assert [one.id for one in found.match("9136982YX91066692")] == ["A"]  # one amid it missing
    assert [one.id for one in found.match("91360982YX910666692")] == ["A"]  # one doubled
    assert found.match("91360982YX9106669")[0].namesakes == 0
