"""Source files of the live catalogue, read against pages in the shape their sites are documented to have."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import PROJECT
from config.sources import SourceConfig, parse_source
from core.clock import beijing
from tests.crawl_server import Asked, Bench, Reply, Site

PAGES = sorted((PROJECT / "tests" / "pages").glob("*.yml"))
HOST = re.compile(r"https?://[^/\"'\s]+|\{(?:newsnow|dailyhot|rsshub)\}")
LOCAL = {"delay": 0, "autothrottle": False, "allow_private": ["127.0.0.1"], "enabled": True}
FEW = {"min_items": 1}
"""A fixture holds a few rows only; how fresh they must be is the file's own."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


def shipped(key: str, base: str) -> SourceConfig:
    """The live file, every site in it replaced by the loopback."""
    text = (PROJECT / "config" / "sources" / "live" / f"{key}.yml").read_text(encoding="utf-8")
    values = yaml.safe_load(HOST.sub(base, text))
    return parse_source(key, {**values, **LOCAL, "expect": {**values.get("expect", {}), **FEW}})


def route(told: Mapping[str, Any], base: str) -> Any:
    charset = told.get("charset", "utf-8")
    body = str(told["body"]).replace("{base}", base).encode(charset)
    headers = {"Content-Type": told["type"]} if "type" in told else {"Content-Type": "text/html"}
    reply = Reply(body, told.get("status", 200), headers)

    def answer(asked: Asked) -> Reply:
        return reply if (asked.method == "POST") == bool(told.get("post")) else Reply(status=405)

    return answer


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_live_source_reads_pages_in_its_documented_shape(bench: Bench, file: Path) -> None:
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    for path, page in told["routes"].items():
        bench.site.routes[path] = route(page, bench.site.base)
    source = shipped(file.stem, bench.site.base)
    run = bench.crawl(source)
    assert run.status == "ok", run.problems
    found = {raw.title: raw for raw in bench.intake.documents.values()}
    assert sorted(found) == sorted(wanted["title"] for wanted in told["documents"])
    for wanted in told["documents"]:
        raw = found[wanted["title"]]
        assert wanted.get("text", "") in raw.text
        assert raw.external_id == wanted.get("id", raw.external_id)
        assert raw.url == wanted.get("url", raw.url)
        assert raw.origin == wanted.get("origin", raw.origin)
        assert len(raw.attachments) >= wanted.get("attachments", 0)
        assert raw.kind == source.kind
        if "published" in wanted:
            assert raw.published is not None
            assert f"{beijing(raw.published):%Y-%m-%d %H:%M}" == wanted["published"]
        if raw.published is not None:
            assert raw.published <= datetime(2026, 11, 24, tzinfo=UTC)
    for sign in told.get("absent", ()):
        assert sign not in repr(found)
    expected = told.get("problems", [])
    unexpected = [problem for problem in run.problems if not any(part in problem for part in expected)]
    assert not [problem for problem in unexpected if "attachment" not in problem and "paging" not in problem]
    again = bench.crawl(source)
    assert (again.status, again.new, again.changed) == ("ok", 0, 0)


def test_a_page_that_does_not_name_its_records_is_a_changed_source(bench: Bench) -> None:
    bench.site.routes["/xhsxw.htm"] = Reply("<html><body>" + "改版。" * 2000 + "</body></html>")
    run = bench.crawl(shipped("xinhua", bench.site.base))
    assert run.status == "changed"
    assert "lookup.regex" in run.problems[0]


def test_headlines_of_a_paid_site_are_kept_without_asking_for_their_pages(bench: Bench) -> None:
    links = "".join(
        f"<a href='/2026-11-2{n}/10250000{n}.html'>电池行业观察{n}</a><a href='/ad/{n}'>广告</a>" for n in (1, 2)
    )
    bench.site.routes["/"] = Reply(f"<html><body>{links}</body></html>")
    run = bench.crawl(shipped("caixin", bench.site.base))
    assert (run.status, run.new) == ("ok", 2)
    assert set(bench.site.hits()) == {"/"}
    document = bench.intake.documents["caixin", f"{bench.site.base}/2026-11-21/102500001.html"]
    assert (document.title, document.text, document.date_source) == ("电池行业观察1", "", "url")
