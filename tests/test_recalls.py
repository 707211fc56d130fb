"""Recalls of every agency end in one record, whether they come as fields, labels, prose, a title or images only."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from benchmarks import recalls as benchmark
from config.source_parts import Pick
from config.sources import JsonApiSource, SourceConfig, load_sources
from core.facts import Firm, Recall
from core.records import Kind, RawDocument, Table
from facts.barcodes import gtin14, is_gtin, read_barcodes
from facts.hazards import hazard_types
from facts.models import join_key, models_in, read_models
from facts.quantities import read_quantity
from facts.recall_titles import TitleFacts, read_title
from facts.recalls import read_day, read_recall
from tests.crawl_server import Bench, Reply, Site

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "recalls"
PUBLISHED = datetime(2026, 11, 20, 4, tzinfo=UTC)
NO_FIELDS: Mapping[str, str] = {}


def recall(
    title: str, text: str = "", *, fields: Mapping[str, str] = NO_FIELDS, tables: tuple[Table, ...] = ()
) -> Recall:
    found = read_recall(Kind.RECALL, title, text, fields=fields, tables=tables, published=PUBLISHED)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("About 3,200", 3200),
        ("约1.2万台", 12_000),
        ("12 345", 12_345),
        ("12\u202f345 units", 12_345),
        ("3,200 (in addition, about 400 in Canada)", 3200),
        ("About 130,000 (An additional 3,100 in Canada and 230 in Mexico)", 130_000),
        ("1.3 million", 1_300_000),
        ("涉及数量为1，248辆", 1248),
        ("2026年3月生产的500台", 500),
        ("１２３台", 123),
        ("2.5万余件", 25_000),
        ("共计一万二千三百台", 12_300),
        ("两千余台", 2000),
        ("1200-1500台", 1500),
        ("About 1,000\n500", 1500),
        ("About 1,000\nAbout 1,000", 1000),
        ("1.234.567", 1_234_567),
        ("0", 0),
        ("Unknown", None),
        ("", None),
        ("2026年3月", None),
    ],
)
def test_quantities_are_read_as_agencies_write_them(text: str, number: int | None) -> None:
    assert read_quantity(text) == number


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("This recall involves model numbers AB-100, AB-200 and XK300.", ("AB-100", "AB-200", "XK300")),
        ("（型号/规格：KT-17、KT-18，220V），涉及数量为 500 台", ("KT-17", "KT-18")),
        ("型号为ＸＬ－4812的电池", ("XL-4812",)),
        ("召回部分NY-T302型婴儿推车", ("NY-T302",)),
        ("型番：MB-1000", ("MB-1000",)),
        ("符合GB4706.1，额定220V，容量500ml，2025年3月生产", ()),
        ("model year 2007-2008 vehicles", ()),
        ("Model No. R410A with CR2032 cells", ()),
    ],
)
def test_models_are_found_in_prose_and_what_only_looks_like_one_is_not(text: str, models: tuple[str, ...]) -> None:
    assert models_in(text) == models


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("KT-17、KT-18；KT-19", ("KT-17", "KT-18", "KT-19")),
        ("KT-17，220V~ 1500W", ("KT-17",)),
        ("Unknown", ()),
        ("GENESIS", ("GENESIS",)),
        ("4812", ("4812",)),
        ("GB 4706.1-2005", ()),
        ("500ml", ()),
        ("TV-4820C, also marked ZML-4820C. Batch", ("TV-4820C", "ZML-4820C")),
        ("TV-5430C / ZML-5430C. Manufacturer as marked on the", ("TV-5430C", "ZML-5430C")),
        ("SR-20. Wheels", ("SR-20",)),
    ],
)
def test_a_model_field_is_parted_and_cleared_of_traps(text: str, models: tuple[str, ...]) -> None:
    assert read_models(text) == models


def test_models_join_by_their_letters_and_digits_and_general_ones_do_not() -> None:
    assert join_key("xl-4812") == join_key("ＸＬ 4812") == "XL4812"
    assert join_key("CR2032") == join_key("R410A") == join_key("6000-6500K") == join_key("A1") == ""


def test_barcodes_are_digits_and_their_check_digit_can_be_told() -> None:
    assert read_barcodes("6 901234 567892, UPC 618842135844") == ("6901234567892", "618842135844")
    assert is_gtin("6901234567892")
    assert is_gtin("618842135844")
    assert not is_gtin("6901234567893")
    assert not is_gtin("0000000000000")
    assert gtin14("618842135844") == "00618842135844"


@pytest.mark.parametrize(
    ("title", "facts"),
    [
        (
            "【河南】郑州赤隼电器有限公司召回部分赤隼牌电热水壶",
            TitleFacts("电热水壶", "赤隼", ("郑州赤隼电器有限公司",), place="河南"),
        ),
        ("赤隼汽车有限公司扩大召回部分青鹭汽车", TitleFacts("青鹭汽车", "", ("赤隼汽车有限公司",))),
        (
            "甲有限公司、乙有限公司召回部分“小暖”电热毯的公告",
            TitleFacts("电热毯", "小暖", ("甲有限公司", "乙有限公司")),
        ),
        (
            "赤隼（中国）有限公司再次召回部分进口Acme电动滑板车",
            TitleFacts("电动滑板车", "Acme", ("赤隼（中国）有限公司",)),
        ),
        ("关于召回部分电热毯的公告", TitleFacts("电热毯")),
        (
            "Acme Recalls Turbo Heaters Due to Fire Hazard; Sold Exclusively at Foo",
            TitleFacts("Turbo Heaters", firms=("Acme",), hazard="Fire Hazard"),
        ),
        ("Neon Transformers Recalled Due To Shock Hazard", TitleFacts("Neon Transformers", hazard="Shock Hazard")),
        ("Product Recall: Glow USB Charger (2511-0162)", TitleFacts("Glow USB Charger", number="2511-0162")),
        ("Acme Pty Ltd — Glow Kids Lamp", TitleFacts("Glow Kids Lamp", firms=("Acme Pty Ltd",))),
        ("市场监管总局召开会议", TitleFacts()),
    ],
)  # fmt: skip
def test_titles_say_firm_brand_product_and_hazard(title: str, facts: TitleFacts) -> None:
    assert read_title(title) == facts


def test_prose_of_a_domestic_notice_fills_the_record() -> None:
    found = recall(
        "【河南】郑州赤隼电器有限公司召回部分赤隼牌电热水壶",
        "日前，郑州赤隼电器有限公司向河南省市场监督管理局报告了召回计划，将召回2025年3月1日至2025年8月31日期间生产的"
        "赤隼牌电热水壶（型号/规格：KT-17、KT-18，220V），涉及数量为 1,248 台。\n"
        "本次召回范围内的产品由于温控器装配不当，可能导致产品干烧，存在起火风险。\n"
        "郑州赤隼电器有限公司将为消费者免费更换合格产品。截至目前未收到人员伤亡报告。",
    )
    assert (found.product_name, found.brand, found.models) == ("电热水壶", "赤隼", ("KT-17", "KT-18"))
    assert (found.quantity, found.quantity_text) == (1248, "1,248 台")
    assert found.production_period == "2025年3月1日至2025年8月31日"
    assert found.defect == "由于温控器装配不当"
    assert found.hazard_type == ("fire",)
    assert found.consequence.startswith("可能导致产品干烧")
    assert "免费更换" in found.measure
    assert found.firms == (Firm("郑州赤隼电器有限公司", "recaller"),)
    assert found.injuries == "截至目前未收到人员伤亡报告"
    assert found.recall_date == date(2026, 11, 20)


def test_a_label_table_of_a_vehicle_notice_fills_the_record() -> None:
    rows = (
        ("召回编号", "S2026M0012V"), ("生产者名称", "赤隼汽车有限公司"), ("召回实施时间", "2026年12月1日"),
        ("召回车辆总数量", "12 345 辆"), ("缺陷描述", "制动软管磨损"), ("可能造成的后果", "制动失效，存在碰撞风险"),
        ("召回维修措施", "免费更换"),
    )  # fmt: skip
    found = recall("赤隼汽车有限公司召回部分青鹭汽车", tables=(rows,))
    assert (found.recall_no, found.quantity, found.defect) == ("S2026M0012V", 12_345, "制动软管磨损")
    assert (found.consequence, found.measure) == ("制动失效，存在碰撞风险", "免费更换")
    assert found.hazard_type == ("crash",)
    assert found.firms == (Firm("赤隼汽车有限公司", "manufacturer"),)
    assert found.recall_date == date(2026, 12, 1)


def test_rows_of_a_table_add_up_their_models_batches_and_pieces() -> None:
    rows = (
        ("产品名称", "品牌", "型号/规格", "生产批号/批次", "涉及数量"),
        ("电热毯", "小暖", "DRT-100", "A1", "1,200"),
        ("电热毯", "小暖", "DRT-200", "A2", "800"),
    )
    found = recall("甲有限公司召回部分电热毯", tables=(rows,))
    assert (found.models, found.batches, found.quantity) == (("DRT-100", "DRT-200"), ("A1", "A2"), 2000)


def test_labelled_lines_are_read_like_labels() -> None:
    found = recall(
        "召回公告",
        "产品名称：电热毯\n品牌：小暖\n涉及数量：约1.2万条\n一、存在的缺陷：\n温控器失效\n具体召回措施：退货",
    )
    assert (found.product_name, found.brand, found.quantity) == ("电热毯", "小暖", 12_000)
    assert (found.defect, found.measure) == ("温控器失效", "退货")


def test_a_notice_of_images_only_has_what_its_title_says() -> None:
    found = recall("【江西】南昌青鹭童车有限公司召回部分青鹭牌婴儿推车")
    assert (found.product_name, found.brand) == ("婴儿推车", "青鹭")
    assert found.firms == (Firm("南昌青鹭童车有限公司", "recaller"),)


def test_other_kinds_of_documents_are_no_recalls() -> None:
    assert read_recall(Kind.NEWS, "甲公司召回部分电热毯", "", fields={}) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01T00:00:00", date(2026, 3, 1)),
        ("2026年3月1日", date(2026, 3, 1)),
        ("20260301", date(2026, 3, 1)),
        ("07/19/2013", date(2013, 7, 19)),
        ("2026-13-45", None),
        ("soon", None),
    ],
)
def test_days(text: str, day: date | None) -> None:
    assert read_day(text) == day


def test_hazards_are_told_by_the_words_of_agencies() -> None:
    assert hazard_types("Fire & Fire-Related Burn") == ("fire", "burn")
    assert hazard_types("Electrocution/Electric Shock") == ("electric_shock",)
    assert hazard_types("存在触电和起火风险") == ("fire", "electric_shock")
    assert hazard_types("risk of injury") == ("injury",)
    assert hazard_types("laceration injury") == ("laceration",)


@pytest.mark.parametrize(
    "hostile", ["召回" * 50_000, "由于" * 40_000, "model " * 30_000, "1,234 " * 30_000, "：\n" * 30_000]
)
def test_hostile_texts_are_read_in_time(hostile: str) -> None:
    assert recall(hostile[:300], hostile, fields={"quantity": hostile, "model": hostile}) is not None


KETTLE = (
    "This recall involves Nordlys-branded glass kettles with model number NK-2200X and date codes 2331 through 2418. "
    "The brand name is printed on the base. Manufactured in China. The handle can detach, posing a burn hazard."
)


def test_english_prose_says_brand_codes_and_country_where_no_field_does() -> None:
    found = recall("Blue Heron Recalls Glass Kettles Due to Burn Hazard", KETTLE)
    assert (found.brand, found.batches, found.origin_country) == ("Nordlys", ("2331 through 2418",), "China")
    assert (
        recall("Acme Recalls Lamps", "The brand is on the base. Made in March 2024. Lot codes are unknown.").brand == ""
    )


def test_the_vehicles_of_a_defect_summary_are_its_models() -> None:
    summary = "Evergreen Truck, Inc. (Evergreen) is recalling certain 2024-2026 Ridge and Trail 500 vehicles."
    found = recall("Seat Belt May Not Lock", summary)
    assert (found.brand, found.models) == ("Evergreen", ("Ridge", "Trail 500"))


def test_labels_of_british_and_australian_notices_are_known() -> None:
    fields = {"Brand / Trade name": "Sunnydale", "Model name / number": "SD-9 BW", "Batch number": "Not known"}
    found = recall("Product Recall: Baby Walkers (2605-0042)", fields=fields)
    assert (found.brand, found.models, found.batches) == ("Sunnydale", ("SD-9 BW",), ())
    asked = "What are the defects?\nThe cap may release steam.\nWhat should consumers do?\nReturn it for a refund."
    found = recall("Homely Pty Ltd — Homely Steam Mop SM-400", asked)
    assert (found.defect, found.measure) == ("The cap may release steam.", "Return it for a refund.")
    assert found.models == ("SM-400",)


def test_a_japanese_title_parts_firm_and_product_and_the_call_centre_is_no_part_of_the_firm() -> None:
    fields = {"連絡先": "山吹電機株式会社 お客様相談室 電話番号：0120-000-000", "販売台数": "12,300台"}
    found = recall("山吹電機株式会社「電気ストーブ」 - 返金/回収", fields=fields)
    assert (found.product_name, found.quantity) == ("電気ストーブ", 12_300)
    assert found.firms == (Firm("山吹電機株式会社", "firm"),)


def test_what_nobody_knows_is_no_value() -> None:
    found = recall("Toy", fields={"brand": "Unknown", "origin_country": "unknown", "model": "Unknown", "batch": "-"})
    assert (found.brand, found.origin_country, found.models, found.batches) == ("", "", (), ())


def test_a_domestic_notice_says_its_whole_defect_and_when_the_recall_begins() -> None:
    found = recall(
        "岚山蓝焰厨具有限公司召回部分蓝焰牌电烤箱",
        "将自2026年5月20日起，召回部分电烤箱。由于玻璃门处理不到位，使用过程中玻璃可能自爆，可能对消费者造成割伤。",
    )
    assert found.defect == "由于玻璃门处理不到位，使用过程中玻璃可能自爆"
    assert (found.consequence, found.recall_date) == ("可能对消费者造成割伤", date(2026, 5, 20))


# the sources of the catalogue, each through its own file


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


def live(bench: Bench, key: str, path: str) -> SourceConfig:
    """The shipped source, its list on the loopback."""
    (source,) = [each for each in load_sources(ROOT / "config", "live") if each.key == key]
    local = {
        "delay": 0.0,
        "autothrottle": False,
        "allow_private": ("127.0.0.1",),
        "list_url": (bench.site.base + path,),
    }
    return source.model_copy(update=local)


def crawled(bench: Bench, source: SourceConfig) -> list[Recall]:
    bench.crawl(source)
    return [found for raw in bench.intake.documents.values() if (found := record(raw))]


def record(raw: RawDocument) -> Recall | None:
    return read_recall(raw.kind, raw.title, raw.text, fields=raw.fields, tables=raw.tables, published=raw.published)


JSON = {"Content-Type": "application/json"}
PAGES = Path(__file__).parent / "pages"


def page(name: str) -> str:
    """A page as the agency publishes it, made by us after its documented shape."""
    return (PAGES / name).read_text(encoding="utf-8")


def test_cpsc(bench: Bench) -> None:
    bench.site.routes["/cpsc"] = Reply(page("cpsc.json"), headers=JSON)
    (found,) = crawled(bench, live(bench, "cpsc", "/cpsc"))
    assert found.models == ("TH-1500A", "TH-1500B")  # the field is empty: from the prose
    assert (found.recall_no, found.agency, found.jurisdiction) == ("26090", "CPSC", "US")
    assert (found.quantity, found.barcodes, found.hazard_type) == (3200, ("618842135844",), ("fire",))
    assert found.firms[:3] == (
        Firm("Acme Co. Ltd., of China", "manufacturer"),
        Firm("Acme Inc., of Ohio", "importer"),
        Firm("Foo stores", "retailer"),
    )
    assert (found.origin_country, found.injuries) == ("China", "None reported")
    assert found.measure == "Stop using the heaters and contact Acme for a refund.\nRefund"
    assert found.recall_date == date(2026, 11, 19)


def test_safety_gate_new_and_old_reports(bench: Bench) -> None:
    row = "<weeklyReport><publicationDate>{}</publicationDate><URL> {}{} </URL></weeklyReport>"
    base = bench.site.base
    rows = row.format("20/11/2026", base, "/r47") + row.format("13/11/2015", base, "/old")
    bench.site.routes["/list"] = Reply(f"<weeklyReports>{rows}</weeklyReports>")
    bench.site.routes["/r47"] = Reply(page("safetygate.xml"))
    bench.site.routes["/old"] = Reply(
        "<report><notification><caseNumber>A12/0001/15</caseNumber><product>Lamp</product><name>Lux</name>"
        "<batchNumber_barcode>6901234567892</batchNumber_barcode><riskType>Electric shock</riskType>"
        "</notification></report>"
    )
    old, new = sorted(crawled(bench, live(bench, "safetygate", "/list")), key=lambda found: found.recall_no)
    assert (new.recall_no, new.agency, new.jurisdiction) == ("SR/00842/26", "Safety Gate", "EU")
    assert (new.brand, new.models, new.batches) == ("GlowKid", ("GK-2201", "GK-2202"), ("LOT A1",))
    assert (new.barcodes, new.hazard_type) == (("6901234567892",), ("choking",))
    assert new.hazard_text == "Small parts come off."
    assert (new.measure, new.origin_country, new.status) == ("Recall from end users", "China", "Serious risk")
    assert new.recall_date == date(2026, 11, 20)
    assert (old.product_name, old.barcodes, old.hazard_type) == ("Lamp", ("6901234567892",), ("electric_shock",))


def test_opss(bench: Bench) -> None:
    bench.site.routes["/search"] = Reply(page("opss.json"), headers=JSON)
    bench.site.routes["/product-safety-alerts/glow"] = Reply(page("opss.html"))
    source = live(bench, "opss", "/search")
    assert isinstance(source, JsonApiSource)
    here = source.map.model_copy(update={"url": Pick(template=bench.site.base + "{link}")})
    (found,) = crawled(bench, source.model_copy(update={"map": here}))
    assert (found.recall_no, found.product_name, found.brand) == ("2511-0162", "Glow USB Charger", "Glow")
    assert (found.models, found.batches, found.barcodes) == (("GC-20",), (), ("6901234567892",))
    assert found.hazard_text.startswith("serious risk of electric shock")
    assert (found.hazard_type, found.origin_country) == (("fire", "electric_shock"), "China")


def test_health_canada(bench: Bench) -> None:
    bench.site.routes["/hc"] = Reply(page("health_canada.json"), headers=JSON)
    (found,) = crawled(bench, live(bench, "health_canada", "/hc"))
    assert (found.recall_no, found.jurisdiction, found.status) == ("77001", "CA", "Class 2")
    assert (found.hazard_type, found.models) == (("fire",), ("TH-1500A",))
    assert found.firms == (Firm("Acme", "recaller"),)


def test_accc(bench: Bench) -> None:
    bench.site.routes["/rss"] = Reply(page("accc.xml"), headers={"Content-Type": "application/rss+xml"})
    (found,) = crawled(bench, live(bench, "accc", "/rss"))
    assert (found.recall_no, found.agency) == ("PRA No. 2026/20311", "ACCC")
    assert (found.defect, found.hazard_type) == ("The button battery can come loose.", ("choking",))
    assert (found.product_name, found.firms) == ("Glow Kids Lamp", (Firm("Acme Pty Ltd", "recaller"),))
    assert found.recall_date == date(2026, 11, 18)


def test_nhtsa(bench: Bench) -> None:
    bench.site.routes["/n"] = Reply(page("nhtsa.json"), headers=JSON)
    (found,) = crawled(bench, live(bench, "nhtsa", "/n"))
    assert (found.recall_no, found.quantity, found.hazard_type) == ("26V777000", 12_345, ("crash",))
    assert (found.defect, found.firms) == ("The brake hose may leak.", (Firm("Acme Motors, LLC", "manufacturer"),))


def test_caa_japan_is_asked_by_form_from_page_0_on(bench: Bench) -> None:
    row = "<table><tbody><tr><td><a href='/result/detail.php?rcl={}'>青鹭社 回収</a></td></tr></tbody></table>"
    pages = iter((row.format("00000001"), row.format("00000002")))
    bench.site.routes["/result/index.php"] = lambda asked: Reply(
        f"<html><body><div class='search_result_main'>{next(pages)}</div></body></html>"
    )
    bench.site.routes["/result/detail.php"] = Reply(page("caa_japan.html"))
    found = crawled(bench, live(bench, "caa_japan", "/result/index.php"))
    forms = [asked.body.decode() for asked in bench.site.asked if asked.method == "POST"]
    assert [form.split("pagingHidden=")[1] for form in forms] == ["0", "1"]
    assert len(found) == 2
    assert (found[0].product_name, found[0].models) == ("モバイルバッテリー", ("MB-1000",))
    assert (found[0].measure, found[0].recall_date) == ("回収/返金", date(2026, 11, 18))
    assert found[0].hazard_type == ("fire",)


def test_samrdprc_table_and_images(bench: Bench) -> None:
    bench.site.routes["/c/"] = Reply(page("samrdprc_list.html"))
    bench.site.routes["/c/202611/t1.html"] = Reply(page("samrdprc_notice.html"))
    bench.site.routes["/c/202611/t2.html"] = Reply(page("samrdprc_images.html"))
    bench.site.routes["/c/202611/i.jpg"] = Reply(b"\xff\xd8\xff\xe0", headers={"Content-Type": "image/jpeg"})
    bench.crawl(live(bench, "samrdprc_consumer_notice", "/c/"))
    table, image = sorted(bench.intake.documents.values(), key=lambda raw: raw.url)
    found, seen = record(table), record(image)
    assert found is not None
    assert seen is not None
    assert (found.models, found.quantity, found.hazard_type) == (("KT-17",), 1248, ("fire",))
    assert (found.agency, found.measure) == ("河南省市场监督管理局", "免费更换\n停止使用")
    assert found.firms == (Firm("郑州赤隼电器有限公司", "manufacturer"),)
    assert image.body_kind == "image"
    assert (seen.product_name, seen.brand, seen.agency) == ("婴儿推车", "青鹭", "国家市场监督管理总局")


@pytest.mark.parametrize("source", benchmark.FILES)
def test_the_real_files_go_into_the_record_without_a_loss(source: str) -> None:
    path = DATA / benchmark.FILES[source]
    if not path.exists():
        pytest.skip(f"no shared data here: {benchmark.FILES[source]}")
    outcome = benchmark.check(source, path)
    assert outcome.records > 0
    assert outcome.read == outcome.records
    assert outcome.losses == []
