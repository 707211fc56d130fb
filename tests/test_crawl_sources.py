"""Source files: typed, and every mistake in them named at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.instances import PLACE
from config.settings import PROJECT
from config.sources import FAMILIES, SourceConfig, load_sources, parse_source
from core.errors import ConfigError


def write(folder: Path, name: str, text: str) -> None:
    target = folder / "sources" / "live"
    target.mkdir(parents=True, exist_ok=True)
    (target / name).write_text(text, encoding="utf-8")


GOOD = "title: 样例\nfamily: feed\nkind: news\nevery: 30m\nlist_url: '{base}/rss'\n"


def test_all_mistakes_of_all_files_are_told_with_what_is_accepted(tmp_path: Path) -> None:
    write(tmp_path, "one.yml", GOOD.replace("kind: news", "kind: newz").replace("30m", "half an hour"))
    write(tmp_path, "two.yml", GOOD + "detail: {titel: h1}\n")
    write(tmp_path, "three.yml", "family: fead\n")
    with pytest.raises(ConfigError) as error:
        load_sources(tmp_path, "live")
    text = str(error.value)
    assert "sources/live/one.yml: kind: 'newz' is not one of the accepted values (accepted: 'news'" in text
    assert "sources/live/one.yml: every: 'half an hour' is not a duration (accepted: 30s" in text
    assert "sources/live/two.yml: detail.titel: unknown key (accepted: attachments, author, body" in text
    assert "sources/live/three.yml: family: 'fead' is unknown (accepted: feed, html_list" in text


def test_a_key_that_nothing_reads_is_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "one.yml", GOOD + "spider: one\n")
    with pytest.raises(ConfigError, match=r"sources/live/one\.yml: spider: unknown key \(accepted: allow_private"):
        load_sources(tmp_path, "live")


def test_the_base_address_is_put_in(tmp_path: Path) -> None:
    write(tmp_path, "one.yml", GOOD)
    (source,) = load_sources(tmp_path, "live", base="http://127.0.0.1:8100/")
    assert (source.key, source.addresses) == ("one", ("http://127.0.0.1:8100/rss",))


# --- the live catalogue

LIVE = load_sources(PROJECT / "config", "live")
CATALOGUED = (
    "samrdprc_consumer_news",
    "samrdprc_consumer_notice",
    "samrdprc_vehicle_news",
    "samrdprc_vehicle_notice",
    "samrdprc_notice",
    "samr_jdcc",
    "ecqs_jdcc",
    "cqn_quality",
    "cnca_supervision",
    "cnca_industry",
    "cnca_notices",
    "samr_news",
    "samr_departments",
    "samr_local",
    "samr_media",
    "samr_announcements",
    "samr_circulars",
    "samr_documents",
    "samr_ly_spotcheck",
    "samr_ly_recall",
    "samr_ly_licence",
    "samr_ly_ccc",
    "samr_ly_sanbao",
    "samr_ly_counterfeit",
    "jx_amr_food_spotcheck",
    "jx_amr_notice",
    "hn_amr",
    "hb_amr",
    "ah_amr",
    "fj_amr",
    "gd_amr",
    "mem_accident_reports",
    "mem_supervised_accidents",
    "cca",
    "chinanews_importnews",
    "chinanews_china",
    "chinanews_society",
    "chinanews_life",
    "chinanews_health",
    "foodmate",
    "foodmate_guonei",
    "foodmate_guoji",
    "xinhua",
    "people_society",
    "thepaper_channel",
    "caixin",
    "jxnews",
    "ccn",
    "cmrnn",
    "rsshub_samrdprc_consumer",
    "rsshub_samrdprc_vehicle",
    "rsshub_samrdprc_notice",
    "rsshub_samr_ly",
    "rsshub_mem",
    "rsshub_cnca",
    "heimao",
    "heimao_groups",
    "import_12315",
    "liuyan_jiangxi",
    "auto_12365",
    "hot_weibo",
    "hot_zhihu",
    "hot_baidu_newsnow",
    "hot_toutiao_newsnow",
    "hot_douyin",
    "hot_tieba",
    "hot_thepaper_newsnow",
    "hot_ifeng",
    "hot_tencent",
    "hot_dailyhot",
    "hot_baidu",
    "hot_toutiao",
    "hot_thepaper",
    "cpsc",
    "safetygate",
    "opss",
    "health_canada",
    "accc",
    "nhtsa",
    "caa_japan",
    "safetykorea",
    "oecd_recalls",
)
"""Every source of the catalogue; hosts it wants no spider for (119, the enterprise register, 12315) are not in it."""
ASKS_FIRST = {"heimao", "heimao_groups", "liuyan_jiangxi", "auto_12365", "ecqs_jdcc", "safetykorea"}
"""Verified by code, and off until somebody has a permission or a key."""
OUTDATED = {"jx_amr_notice", "oecd_recalls"}
"""Off for good: replaced by a newer platform, forbidden by robots.txt."""
UNDATED = ("hotlist", "file_import")


def test_every_source_of_the_catalogue_is_present() -> None:
    assert sorted(source.key for source in LIVE) == sorted(CATALOGUED)


def test_what_nobody_verified_is_off_and_what_code_verified_is_on() -> None:
    assert [source.key for source in LIVE if source.evidence == "mem" and source.enabled] == []
    off = {source.key for source in LIVE if source.evidence in ("code", "code+") and not source.enabled}
    on_an_instance = {source.key for source in LIVE if any(PLACE.search(url) for url in source.addresses)}
    assert off == ASKS_FIRST | OUTDATED | on_an_instance


@pytest.mark.parametrize("source", LIVE, ids=lambda source: source.key)
def test_a_source_of_the_catalogue_is_described_whole(source: SourceConfig) -> None:
    said = source.model_fields_set
    assert {"title", "kind", "tier", "evidence", "every", "region", "attribution", "expect"} <= said
    assert "min_items" in source.expect.model_fields_set
    assert source.attribution
    if source.enabled and source.family not in UNDATED:
        assert source.expect.newest_within, "its newest row may be how old?"
    if not source.enabled:
        assert source.note, "why is it off?"


def test_sources_on_the_web_are_asked_politely() -> None:
    web = [source for source in LIVE if source.addresses]
    assert [source.key for source in web if source.delay < 3 or source.allow_private] == []
    assert [source.key for source in web if source.jitter == timedelta(0)] == []
    assert [source.key for source in web if source.every < timedelta(minutes=10)] == []


def test_the_region_of_a_source_is_a_division_or_a_country() -> None:
    values = {"title": "t", "family": "feed", "kind": "news", "every": "1h", "list_url": "http://x/"}
    assert parse_source("k", {**values, "region": "360100"}).region == "360100"
    with pytest.raises(ValueError, match="region"):
        parse_source("k", {**values, "region": "江西"})


def test_every_key_of_a_source_file_is_explained_to_operators() -> None:
    told = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
    keys = {key for family in FAMILIES.values() for key in family.model_fields if key != "key"}
    assert sorted(key for key in keys if f"`{key}`" not in told) == []
    assert sorted(family for family in FAMILIES if f"`{family}`" not in told) == []
