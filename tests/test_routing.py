"""Which organisations an alert goes to: by place, level, product, kind, and the words of orgs.yaml."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.router import Router, concern, notices
from alerts.routing import Route, route
from alerts.routing_facts import Facts, facts_of_record
from config.lexicon import Lexicon, load_lexicon
from config.orgs import Orgs, load_orgs
from config.routes import Recipient, Routes, load_routes
from config.settings import PROJECT
from core.errors import ConfigError
from core.records import Alert, AlertState

CONFIG = PROJECT / "config"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def orgs(lexicon: Lexicon) -> Orgs:
    return load_orgs(CONFIG, lexicon)


def alert_of(
    level: int = 1, product: str | None = "cable", issues: tuple[str, ...] = ("nonconf",), **more: Any
) -> Alert:
    values: dict[str, Any] = {
        "id": "a1", "number": "YJ-2026-0001", "subject": "s", "level": level, "state": AlertState.NEW,
        "first_at": NOON, "updated_at": NOON, "created_at": NOON, "title": "某厂抽查不合格", "rule": "r", "reason": "",
        "products": (product,) if product else (), "enterprises": ("ENT0001",), "issues": issues,
        "territory": "360000", "territories": ("360000",), "documents": (), "findings": (),
    }  # fmt: skip
    return Alert(**{**values, **more})


@dataclass(frozen=True)
class Case:
    """What an alert is like, and who must get it. told: role by code, those and no others named here must be there;
    never: must not be told."""

    name: str
    facts: Facts
    owner: str
    told: Mapping[str, str] = field(default_factory=dict)
    never: tuple[str, ...] = ()
    level: int = 1
    product: str | None = "cable"
    issues: tuple[str, ...] = ("nonconf",)
    title: str = "某厂抽查不合格"


MAKER = Facts(seats=("360113",), firms=1)
SCENE = Facts(scenes=("360702",))
NOTHING = Facts()
COPY, LETTER, OVER = "抄送", "函告", "移送"
CASES = [
    # county first
    Case("the maker's county", MAKER, "360113", never=("360100", "zljd", "zfjc", "press")),
    Case("the county of the accident where no maker is known", SCENE, "360702"),
    Case("the prefecture where no county is known", Facts(scenes=("360700",)), "360700"),
    Case("a zone is its county's", Facts(seats=("369104",), firms=1), "360121"),
    Case("a zone of a prefecture is the prefecture's", Facts(seats=("369101",), firms=1), "360100"),
    Case("the new area has a bureau of its own", Facts(seats=("369001",), firms=1), "369001", never=("360100",)),
    Case("the new area has no prefecture above it", Facts(seats=("369001",), firms=1), "369001", {"zljd": COPY},
         ("360100", "360400"), level=2),
    Case("a direct county copies to its prefecture, even on blue", Facts(seats=("360781",), firms=1), "360781",
         {"360700": COPY}),
    Case("a direct county where it only happened", Facts(scenes=("361128",)), "361128", {"361100": COPY}),
    Case("another county of one prefecture is told", Facts(seats=("360113",), scenes=("360102",), firms=1), "360113",
         {"360102": COPY}, ("360100",)),
    # levels
    Case("yellow: prefecture and quality division",
         MAKER, "360113", {"360100": COPY, "zljd": COPY}, ("zfjc",), level=2),
    Case("orange: the leading division, enforcement, press", MAKER, "360113",
         {"360100": COPY, "zljd": COPY, "gxz": COPY, "zfjc": COPY, "press": COPY}, ("emergency", "leader"), level=3),
    Case("red: everybody", MAKER, "360113",
         {"leader": COPY, "duty": COPY, "zfjc": COPY, "emergency": COPY, "government_duty": COPY, "000000": COPY},
         level=4),
    Case("a level above the scale is red", MAKER, "360113", {"leader": COPY}, level=9),
    Case("a level below the scale is blue", MAKER, "360113", never=("360100",), level=0),
    # products and their schemes
    Case("CCC leads to certification", MAKER, "360113", {"rzjg": COPY}, ("gxz",), level=3, product="ebike"),
    Case("XK leads to licences", MAKER, "360113", {"gxz": COPY}, ("rzjg",), level=3, product="rebar"),
    Case("no scheme leads to quality", MAKER, "360113", {"zljd": COPY}, ("rzjg", "gxz"), level=3, product="furniture"),
    Case("fireworks lead to quality", MAKER, "360113", {"zljd": COPY}, ("rzjg", "gxz"), level=3, product="fireworks"),
    Case("gas cylinders go to special equipment", MAKER, "360113", {"lead_tse": COPY}, product="gas_cylinder"),
    Case("lifts go to special equipment", MAKER, "360113", {"lead_tse": COPY}, product="elevator"),
    Case("tankers go to special equipment", MAKER, "360113", {"lead_tse": COPY}, product="tanker"),
    Case("a boiler that the catalogue lacks, too",
         SCENE, "360702", {"lead_tse": COPY}, product=None, title="一锅炉爆炸"),
    Case("an e-bike that burns in a lift is no lift", MAKER, "360113", never=("lead_tse",), product="ebike",
         title="电动自行车在电梯内起火"),
    Case("a product nobody knows leads to the contact division", MAKER, "360113", {"zljd": COPY}, ("gxz",), level=3,
         product="no_such_thing"),
    Case("no product at all", MAKER, "360113", {"zljd": COPY}, level=3, product=None),
    # kinds of matter
    Case("a case for the police, even on blue", MAKER, "360113", {"zfjc": COPY, "police": OVER}, issues=("transfer",)),
    Case("opinion goes to the press division", MAKER, "360113", {"press": COPY}, ("zfjc",), issues=("opinion",)),
    Case("a recall goes to the centre for recalls", replace(MAKER, kinds={"recall": 2}), "360113", {"fzjl": COPY},
         ("tousu",), level=2),
    Case("complaints go to the centre for complaints", replace(MAKER, kinds={"complaint": 5}), "360113",
         {"tousu": COPY}, ("fzjl",), level=2),
    Case("not on blue", replace(MAKER, kinds={"complaint": 5, "recall": 1}), "360113", never=("tousu", "fzjl")),
    Case("a clue about staff goes to discipline, by a person", replace(MAKER, text="执法人员为其通风报信"), "360113",
         {"discipline": OVER}),
    Case("a dealer's matter is the county's where it was sold", Facts(sellers=("360102",), firms=1), "360102"),
    Case("an offence of trade is handled where goods are sold", Facts(seats=("360113",), scenes=("360102",), firms=1),
         "360102", {"360113": COPY}, issues=("sell_unlic",)),
    Case("sold without a licence and burnt: the maker answers",
         Facts(seats=("360113",), scenes=("360102",), firms=1), "360113", {"360102": COPY},
         issues=("sell_unlic", "fire")),
    # borders
    Case("goods in another prefecture: it gets a copy", Facts(seats=("360113",), scenes=("360702",), firms=1), "360113",
         {"360702": COPY, "360700": COPY}, ("360100",)),
    Case("two prefectures: the province's desk", Facts(scenes=("360113", "360702")), "360000",
         {"360113": COPY, "360100": COPY, "360702": COPY, "360700": COPY, "gxz": COPY}),
    Case("the new area beside a prefecture: the province's desk", Facts(scenes=("369001", "360702")), "360000",
         {"369001": COPY, "360700": COPY}),
    Case("several makers of several prefectures", Facts(seats=("360113", "360702"), firms=2), "360000",
         {"360113": COPY, "360702": COPY}),
    Case("one maker with two seats is one maker",
         Facts(seats=("360113", "360702"), firms=1), "360113", {"360702": COPY}),
    Case("a maker outside, an accident inside", Facts(seats=("442000",), scenes=("360702",), firms=1), "360702",
         {"440000": LETTER, "360000": COPY}, ("442000",)),
    Case("a maker inside, an accident outside", Facts(seats=("360113",), far=("430100",), firms=1), "360113",
         {"430000": LETTER, "360000": COPY}),
    Case("all of it outside: handed over", Facts(seats=("442000",), far=("430100",), firms=1), "360000",
         {"440000": OVER, "430000": OVER}),
    Case("a municipality is a province",
         Facts(seats=("360113",), far=("110105",), firms=1), "360113", {"110000": LETTER}),
    Case("an importer only: to the national bureau", Facts(abroad=True), "000000", {"360000": COPY}),
    Case("an importer, sold here", Facts(abroad=True, scenes=("360702",)), "360702", {"000000": COPY}),
    # nobody knows where
    Case("no place at all: the province's desk", NOTHING, "360000"),
    Case("the province alone is no place", Facts(scenes=("360000",)), "360000"),
    Case("a county that no list has: its prefecture", Facts(scenes=("360199",)), "360100"),
    Case("a prefecture that no list has: the province's desk", Facts(scenes=("369999",)), "360000"),
    Case("a province that no list has: the province's desk", Facts(seats=("999999",), firms=1), "360000"),
    Case("what is no code", Facts(seats=("'; --", "", "36"), scenes=("<b>", "\u202e360113", "0" * 500)), "360000"),
    Case("codes that are no code beside one that is", Facts(seats=("nil",), scenes=("360702",), firms=1), "360702"),
    # goods of other bureaus
    Case("cosmetics are not dispatched", SCENE, "360702", {"food_drug": OVER}, product=None, title="祛斑霜面膜汞超标"),
    Case("a person decided", replace(MAKER, assigned=("360702", "zhang")), "360702", {"360113": COPY}),
]  # fmt: skip


def routed(case: Case, orgs: Orgs, lexicon: Lexicon) -> Route:
    alert = alert_of(case.level, case.product, case.issues, title=case.title)
    return route(alert, replace(case.facts, titles=(case.title,)), orgs, lexicon)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_alert_goes_where_the_file_says(case: Case, orgs: Orgs, lexicon: Lexicon) -> None:
    found = routed(case, orgs, lexicon)
    assert found.owner.organisation.code == case.owner
    assert found.owner.role == "承办"
    told = {one.organisation.code: one.role for one in found.told}
    assert {code: told.get(code) for code in case.told} == dict(case.told)
    assert not set(case.never) & set(told)
    assert all(one.why and all(one.why) for one in found.everybody)
    assert found.owner.organisation.code not in told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nobody_is_told_twice_and_every_reason_names_its_rule_or_place(
    case: Case, orgs: Orgs, lexicon: Lexicon
) -> None:
    found = routed(case, orgs, lexicon)
    codes = [one.organisation.code for one in found.everybody]
    assert len(codes) == len(set(codes))
    for one in found.everybody:
        assert any(re.search("orgs|所在地|销售地|跨设区市|派单|跟踪", why) for why in one.why), one


def test_only_people_write_where_the_file_says_so(orgs: Orgs, lexicon: Lexicon) -> None:
    red = routed(Case("", replace(MAKER, far=("430100",)), "", level=4, issues=("transfer",)), orgs, lexicon)
    by_hand = {one.organisation.code for one in red.everybody if one.by_hand}
    assert by_hand == {"government_duty", "000000", "430000", "police"}
    assert not by_hand & set(red.sent_by_machine)
    assert red.confirm
    abroad = routed(Case("", Facts(abroad=True), ""), orgs, lexicon)
    assert abroad.owner.by_hand
    assert set(abroad.sent_by_machine) >= {"360000"}


@pytest.mark.parametrize(
    ("level", "how"), [(1, "每日摘要"), (2, "工作时间即时推送"), (3, "即时推送"), (4, "即时推送，全天候")]
)
def test_each_level_is_told_in_its_own_way(level: int, how: str, orgs: Orgs, lexicon: Lexicon) -> None:
    found = routed(Case("", MAKER, "", level=level), orgs, lexicon)
    assert {one.how for one in found.everybody if not one.by_hand} == {how}


def test_goods_of_other_bureaus_are_shown_and_not_sent(orgs: Orgs, lexicon: Lexicon) -> None:
    found = routed(Case("", SCENE, "", product=None, title="某品牌面膜含激素"), orgs, lexicon)
    assert not found.dispatch
    assert "非工业品" in found.no_dispatch
    assert found.sent_by_machine == {}
    assert found.owner.organisation.code == "360702"


def test_a_firm_with_food_in_its_name_may_make_anything(orgs: Orgs, lexicon: Lexicon) -> None:
    title = "江西某食品有限公司锅炉爆炸"
    facts = replace(SCENE, titles=(title,), names=("江西某食品有限公司",))
    found = route(alert_of(product=None, title=title), facts, orgs, lexicon)
    assert found.dispatch
    unknown = replace(facts, names=())
    assert route(alert_of(product=None, title=title), unknown, orgs, lexicon).dispatch


def test_of_the_catalogue_only_food_is_somebody_else_s(orgs: Orgs, lexicon: Lexicon) -> None:
    refused = [one for one in lexicon.products if not routed(Case("", MAKER, "", product=one), orgs, lexicon).dispatch]
    assert refused == ["food"]


def test_an_alert_without_documents_goes_by_its_own_places(lexicon: Lexicon, orgs: Orgs) -> None:
    alert = alert_of(territory="360313", territories=("360313", "360300", "360100", "430200", "360000"))
    facts = facts_of_record(alert, orgs.regions)
    assert (facts.scenes, facts.far) == (("360313", "360100"), ("430200",))
    assert route(alert, facts, orgs, lexicon).owner.organisation.code == "360000"


def test_a_municipality_routes_by_its_districts(tmp_path: Path) -> None:
    rows = "110000,北山市,北山,,,province,,,\n110101,东城区,东城,,110000,county,,,\n"
    regions = REGIONS.splitlines(keepends=True)[0] + rows
    bureau = {**ORGS["province_bureau"], "code": "110000"}
    routing = {**ORGS["routing"], "unresolved_region": {"to": "110000"}}
    folder = province(tmp_path / "config", province_bureau=bureau, routing=routing, bureaus={"rule": "{name}局"})
    (folder / "province.yml").write_text("code: '110000'\n", encoding="utf-8")
    (folder / "lexicons" / "regions.csv").write_text(regions, encoding="utf-8")
    lexicon = load_lexicon(folder)
    orgs = load_orgs(folder, lexicon)
    facts = facts_of_record(alert_of(territory="110101", territories=("110101", "110000")), orgs.regions)
    found = route(alert_of(2), facts, orgs, lexicon)
    assert (found.owner.organisation.name, found.territory) == ("东城区局", "110101")


# -- another province -------------------------------------------------------------------------------------------------

REGIONS = """code,name,short_name,aliases,parent_code,level,direct_admin,ambiguous_with,note
440000,岭海省,岭海,,,province,,,
440100,穗城市,穗城,,440000,prefecture,,,
440103,荔湾区,荔湾,,440100,county,,,
440200,韶岭市,韶岭,,440000,prefecture,,,
440281,乐昌市,乐昌,,440200,county,,,
449001,南沙新区,南沙,,440000,national_new_area,,,
360000,江西省,江西,,,province,,,
360100,南昌市,南昌,,360000,prefecture,,,
"""
ORGS: dict[str, Any] = {
    "version": 1,
    "levels": {"national": "国家局", "province": "岭海省质监局", "prefecture": "市局", "county": "区县局"},
    "province_bureau": {
        "name": "岭海省质监局", "code": "440000", "contact_division": "质量处",
        "divisions": [
            {"id": "zl", "name": "质量处", "roles": ["监督抽查"]},
            {"id": "zf", "name": "执法处", "aliases": ["稽查处"]},
        ],
        "lead_by_scheme": {"CCC": "zf", "TSE": "特设处(待核)"},
    },
    "bureaus": {
        "rule": "{name}质量监督局;别名 {short}质监局", "direct_counties": {"codes": ["440281"]},
        "nansha": {"code": "449001"},
    },
    "routing": {
        "owner_order": ["事发/销售地县级局", "生产者所在地县级局", "设区市局", "省局默认台"],
        "unresolved_region": {"to": "440000", "note": "送省局"}, "multi_prefecture": {"to": "稽查处", "rule": "多地"},
        "outside_province": {"to": "对方省级局(发函)", "copy": ["质量处"], "rule": "省外"},
        "national": {"to": "000000", "rule": "进口"}, "dealer_case": {"to": "销售地县级局", "rule": "流通"},
    },
    "alerts": [
        {"level": 1, "name": "四级", "to": ["区县局"], "digest": "daily", "ack_hours": 24},
        {"level": 2, "name": "三级", "to": ["区县局", "市局"], "push": "immediate", "ack_hours": 8},
        {"level": 3, "name": "二级", "to": ["区县局"], "copy": ["稽查处"], "push": "immediate", "ack_hours": 2},
        {"level": 4, "name": "一级", "to": ["区县局", "国家局(人工)"], "push": "immediate_24x7", "ack_hours": 1},
    ],
    "copy_rules": [{"when": "issue 含 fire 或 涉电动自行车", "copy": ["执法处"]}],
}  # fmt: skip


def province(folder: Path, **changes: Any) -> Path:
    """A config folder of another province."""
    shutil.copytree(CONFIG / "lexicons", folder / "lexicons")
    (folder / "province.yml").write_text("code: '440000'\n", encoding="utf-8")
    (folder / "lexicons" / "regions.csv").write_text(REGIONS, encoding="utf-8")
    (folder / "lexicons" / "towns.csv").unlink()
    content = {**ORGS, **changes}
    (folder / "lexicons" / "orgs.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("facts", "level", "owner", "told"),
    [
        (Facts(seats=("440103",), firms=1), 1, "440103", set()),
        (Facts(seats=("440103",), firms=1), 2, "440103", {"440100"}),
        (Facts(seats=("440103",), scenes=("440281",), firms=1), 1, "440281", {"440103", "440200", "440100"}),
        (Facts(seats=("449001",), firms=1), 2, "449001", set()),
        (Facts(scenes=("440103", "440281")), 1, "zf", {"440103", "440281", "440100", "440200"}),
        (Facts(seats=("360100",), scenes=("440103",), firms=1), 1, "440103", {"360000", "zl"}),
        (Facts(), 3, "440000", {"zf"}),
        (Facts(abroad=True), 1, "000000", {"440000"}),
    ],
)
def test_another_province_goes_by_its_own_file(
    tmp_path: Path, facts: Facts, level: int, owner: str, told: set[str]
) -> None:
    folder = province(tmp_path / "config")
    lexicon = load_lexicon(folder)
    orgs = load_orgs(folder, lexicon)
    found = route(alert_of(level, "cable"), facts, orgs, lexicon)
    assert found.owner.organisation.code == owner
    assert {one.organisation.code for one in found.told} == told


def test_another_province_names_its_bureaus_and_divisions_itself(tmp_path: Path) -> None:
    folder = province(tmp_path / "config")
    lexicon = load_lexicon(folder)
    orgs = load_orgs(folder, lexicon)
    assert [one.name for one in orgs.find("荔湾质监局")] == ["荔湾区质量监督局"]
    burnt = route(alert_of(1, "ebike", ("fire",)), Facts(scenes=("440103",)), orgs, lexicon)
    assert {one.organisation.name for one in burnt.told} == {"执法处"}
    lift = route(alert_of(1, "elevator"), Facts(), orgs, lexicon)
    assert "特设处" in {one.organisation.name for one in lift.told}


@pytest.mark.parametrize(
    ("key", "value", "mistake"),
    [
        ("alerts", [{**ORGS["alerts"][0], "to": ["区县局", "稽察处"]}, *ORGS["alerts"][1:]],
         "alerts.0.to: '稽察处' is nobody known (accepted: 县级局"),
        ("alerts", ORGS["alerts"][:3], "alerts: level 4 is there 0 times"),
        ("alerts", [{**ORGS["alerts"][0], "push": "at_once"}], "push: 'at_once' is not one of the accepted values"),
        ("copy_rules", [{"when": "涉飞碟", "copy": ["执法处"]}], "copy_rules.0.when: '涉飞碟': '飞碟' cannot be"),
        ("copy_rules", [{"when": "issue 含 ufo", "copy": ["执法处"]}], "copy_rules.0.when: 'ufo' is no known issue"),
        ("copy_rules", [{"when": "level>=3", "action": "火速处理"}], "copy_rules.0.action: '火速处理' is no known act"),
        ("copy_rules", [{"when": "level>=3", "copies": ["执法处"]}], "copies: unknown key (accepted: action, copy"),
        ("bureaus", {"rule": "各地都有"}, "bureaus.rule: does not say how a bureau is called"),
        ("bureaus", {**ORGS["bureaus"], "nansha": {"code": "360100"}},
         "bureaus.nansha.code: '360100' is no place of this province"),
        ("bureaus", {**ORGS["bureaus"], "direct_counties": {"codes": ["440100"]}},
         "bureaus.direct_counties.codes: '440100' is a prefecture (accepted: county)"),
        ("province_bureau", {**ORGS["province_bureau"], "code": "360000"}, "is not the province of province.yml"),
        ("province_bureau", {**ORGS["province_bureau"], "lead_by_scheme": {"UFO": "zf"}},
         "province_bureau.lead_by_scheme.UFO: is no licence scheme"),
        ("province_bureau", {**ORGS["province_bureau"], "contact_division": "不存在处"},
         "province_bureau.contact_division: '不存在处' is nobody known"),
        ("routing", {**ORGS["routing"], "owner_order": ["最近的局"]}, "owner_order: '最近的局' is nobody known"),
        ("offices", [{"id": "leader", "name": "领导"}], "the id 'leader' is given twice"),
        ("words", {"奇事": {"issues": ["ufo"]}}, "words.奇事.issues: 'ufo' is unknown"),
        ("words", {"奇事": {}}, "words.奇事: asks nothing"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_organisations_is_named(tmp_path: Path, key: str, value: object, mistake: str) -> None:
    folder = province(tmp_path / "config", **{key: value})
    with pytest.raises(ConfigError, match=re.escape(mistake)):
        load_orgs(folder, load_lexicon(folder))


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    rules = [{"when": "涉飞碟", "copy": ["不明处"]}, {"when": "level>=9", "action": "再说"}]
    folder = province(tmp_path / "config", copy_rules=rules)
    with pytest.raises(ConfigError) as caught:
        load_orgs(folder, load_lexicon(folder))
    assert len(caught.value.mistakes) == 4


# -- who is mailed ----------------------------------------------------------------------------------------------------


def recipient(**wishes: Any) -> Recipient:
    return Recipient.model_validate({"name": "某处", "mail": "a@x.example", **wishes})


@pytest.mark.parametrize(
    ("wishes", "told", "why"),
    [
        ({"orgs": ["zfjc"]}, True, "抄送执法稽查局"),
        ({"orgs": ["360113"]}, True, "承办红谷滩区市场监督管理局"),
        ({"orgs": ["360702"]}, False, "没有派往、抄送其机构"),
        ({"orgs": ["government_duty"]}, False, "没有派往、抄送其机构"),
        ({"orgs": ["zfjc"], "min_level": "red"}, False, "级别橙低于其最低级别红"),
        ({"orgs": ["zfjc"], "products": ["ebike"]}, False, "只收产品 ebike"),
        ({"orgs": ["360702"], "territories": ["360100"]}, True, "属地 红谷滩区（360113）在其范围内"),
        ({"territories": ["360700"]}, False, "属地不在其范围内"),
        ({"territories": ["360000"]}, True, "省局席位"),
    ],
)
def test_a_recipient_is_told_of_what_is_routed_to_its_organisation(
    wishes: dict[str, Any], told: bool, why: str, orgs: Orgs, lexicon: Lexicon
) -> None:
    alert = alert_of(3, territory="360113", territories=("360113", "360100"))
    found = route(alert, MAKER, orgs, lexicon)
    notice = concern(recipient(**wishes), alert, orgs.regions, lambda: found.sent_by_machine)
    assert (notice.told, why in notice.why) == (told, True), notice.why


def test_routing_is_not_asked_for_those_who_name_no_organisation(orgs: Orgs) -> None:
    def never() -> dict[str, Any]:
        raise AssertionError("asked")

    assert not concern(recipient(territories=["360700"]), alert_of(3, territory="360113"), orgs.regions, never).told


def test_an_old_story_is_told_to_nobody_and_the_reason_is_said(orgs: Orgs) -> None:
    routes = Routes(recipients=(recipient(territories=["360000"]),))
    [notice] = notices(alert_of(3), routes, orgs.regions, dict, NOON.replace(month=12))
    assert not notice.told
    assert "已过 3d，不再自动发" in notice.why


@pytest.mark.parametrize(("digest_at", "told"), [("08:00", True), (None, False)])
def test_what_the_digest_alone_tells_is_said(digest_at: str | None, told: bool, orgs: Orgs) -> None:
    routes = Routes(recipients=(recipient(territories=["360000"], digest_at=digest_at),))
    [notice] = notices(alert_of(1), routes, orgs.regions, dict, NOON, by_digest=True)
    assert (notice.told, "蓝色只进每日摘要" in notice.why) == (told, True)


def test_organisations_of_the_routes_are_found_by_any_of_their_names(
    tmp_path: Path, orgs: Orgs, lexicon: Lexicon
) -> None:
    names = "[执法稽查局, '360781', 瑞金市监局, 认证监管处, press, 赣江新区市场监督管理局]"
    text = f"recipients: [{{name: a, mail: a@x.example, orgs: {names}}}]"
    (tmp_path / "routes.yml").write_text(text, encoding="utf-8")
    [one] = load_routes(tmp_path, regions=lexicon.regions, products=lexicon.products, orgs=orgs).recipients
    assert one.orgs == ("zfjc", "360781", "rzjg", "press", "369001")


def test_an_unknown_organisation_of_the_routes_is_named(tmp_path: Path, orgs: Orgs, lexicon: Lexicon) -> None:
    text = "recipients: [{name: a, mail: a@x.example, orgs: [执法稽察局]}, {name: b, mail: b@x.example}]"
    (tmp_path / "routes.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_routes(tmp_path, regions=lexicon.regions, products=lexicon.products, orgs=orgs)
    assert "recipients.0.orgs.0: '执法稽察局' is no known organisation" in caught.value.mistakes[1]
    assert "recipients.1.territories: is missing" in caught.value.mistakes[0]


def test_the_router_asks_the_registry_only(lexicon: Lexicon, orgs: Orgs, store: Any) -> None:
    router = Router(orgs, lexicon, lambda _firm: None)
    with store.read() as db:
        found = router.route(db, alert_of(2, territory="360113", territories=("360113", "360100")))
    assert found.owner.organisation.code == "360113"
