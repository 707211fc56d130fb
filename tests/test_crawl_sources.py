"""Source files: typed, and every mistake in them named at once."""

from pathlib import Path

import pytest

from config.settings import PROJECT
from config.sources import FAMILIES, load_sources
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


def test_the_live_catalogue_loads_and_what_nobody_verified_is_off() -> None:
    sources = load_sources(PROJECT / "config", "live")
    assert len(sources) > 50
    assert [source.key for source in sources if source.evidence == "mem" and source.enabled] == []
    assert [source.key for source in sources if source.allow_private] == []
    assert [source.key for source in sources if source.addresses and source.delay < 3] == []
    assert [source.key for source in sources if not source.attribution] == []


def test_every_key_of_a_source_file_is_explained_to_operators() -> None:
    told = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
    keys = {key for family in FAMILIES.values() for key in family.model_fields if key != "key"}
    assert sorted(key for key in keys if f"`{key}`" not in told) == []
    assert sorted(family for family in FAMILIES if f"`{family}`" not in told) == []
