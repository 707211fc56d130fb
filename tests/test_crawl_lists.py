"""Lists of pages: by form, redirected, partly forbidden; columns that tell once how long they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from config.settings import PROJECT
from config.sources import load_sources, parse_source
from core.errors import ConfigError
from tests.crawl_server import Asked, Bench, Reply, Site


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


def article(title: str) -> Reply:
    return Reply(f"<html><title>{title}</title><h1>{title}</h1><div id='zoom'><p>{title}的正文，不合格。</p></div>")


def rows(*links: str) -> Reply:
    return Reply("<ul>" + "".join(f"<li><a href='{link}'>第{link[-1]}号抽查通告</a></li>" for link in links) + "</ul>")


def listing(bench: Bench, **values: Any) -> Any:
    return bench.source(
        "html_list", **{"list_url": f"{bench.site.base}/list", "item": "li", "detail": {"body": "#zoom"}, **values}
    )


def test_a_list_may_be_asked_for_by_a_form_with_its_page_number(bench: Bench) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(request: Asked) -> Reply:
        if request.method != "POST":
            return Reply(status=405)
        asked.append(parse_qs(request.body.decode()))
        page = int(asked[-1]["pagingHidden"][0])
        return rows(f"/a/{2 * page + 1}", f"/a/{2 * page + 2}") if page < 2 else Reply("<ul><li>なし</li></ul>")

    bench.site.routes["/list"] = answer
    bench.site.routes |= {f"/a/{n}": article(f"第{n}号抽查通告") for n in range(1, 5)}
    form = {"screenkbn": "03", "pagingHidden": "{page}"}
    source = listing(bench, method="POST", form=form, first_page=0, pages=9)
    run = bench.crawl(source)
    assert (run.status, run.new, run.problems) == ("ok", 4, ())
    assert [(told["screenkbn"], told["pagingHidden"]) for told in asked] == [(["03"], [str(n)]) for n in range(3)]
    assert bench.crawl(source).not_modified == 1


def test_a_form_needs_a_post() -> None:
    values = {"title": "t", "family": "html_list", "kind": "news", "every": "1h", "list_url": "http://x/", "item": "li"}
    with pytest.raises(ValueError, match="method: POST with form"):
        parse_source("k", {**values, "form": {"a": "b"}})


def test_a_date_of_a_row_before_1990_or_in_the_future_is_told_and_not_taken(bench: Bench) -> None:
    bench.site.routes["/list"] = Reply("<ul><li><a href='/a/1'>第1号抽查通告</a><i>1970-01-01</i></li></ul>")
    bench.site.routes["/a/1"] = article("第1号抽查通告")
    run = bench.crawl(listing(bench, item_date="i"))
    assert (run.status, run.newest) == ("ok", None)
    assert any("1970-01-01" in problem for problem in run.problems)


def test_a_row_that_redirects_is_fetched_once(bench: Bench) -> None:
    bench.site.routes["/list"] = rows("/go/1")
    bench.site.routes["/go/1"] = Reply(status=302, headers={"Location": "/a/1"})
    bench.site.routes |= {"/a/1": article("第1号抽查通告"), "/a/2": article("第2号抽查通告")}
    bench.crawl(listing(bench))
    bench.site.routes["/list"] = rows("/a/2", "/go/1")
    assert bench.crawl(listing(bench)).new == 1
    assert bench.site.hits()["/go/1"] == 1


def test_a_page_that_robots_txt_forbids_is_left_out_and_the_others_are_read(bench: Bench) -> None:
    bench.site.routes["/robots.txt"] = Reply("User-agent: *\nDisallow: /inner/\n")
    bench.site.routes["/list"] = rows("/a/1", "/inner/2", "/a/3")
    bench.site.routes |= {path: article(f"第{path[-1]}号抽查通告") for path in ("/a/1", "/inner/2", "/a/3")}
    run = bench.crawl(listing(bench))
    assert (run.status, run.new, run.not_before) == ("ok", 2, None)
    assert run.problems[0].startswith("1 × a page that robots.txt keeps from us was left out")
    assert "/inner/2" not in bench.site.hits()


def test_a_site_whose_pages_are_nearly_all_forbidden_is_no_success(bench: Bench) -> None:
    bench.site.routes["/robots.txt"] = Reply("User-agent: *\nDisallow: /inner/\n")
    bench.site.routes["/list"] = rows("/inner/1", "/inner/2")
    assert bench.crawl(listing(bench)).status == "blocked"


def test_a_column_that_tells_on_its_first_page_only_how_long_it_is_is_not_read_beyond(bench: Bench) -> None:
    row = '<li><a href="./202611/t20261120_{n}.html">第{n}号公告说明</a></li>'
    for n in range(1, 6):
        told = "var countPage = 3;" if n == 1 else ""
        name = "/col/" if n == 1 else f"/col/index_{n - 1}.html"
        bench.site.routes[name] = Reply(f"<html><ul>{row.format(n=n)}</ul><script>{told}</script></html>")
        bench.site.routes[f"/col/202611/t20261120_{n}.html"] = article(f"第{n}号公告说明")
    run = bench.crawl(bench.source("trs_static", list_url=f"{bench.site.base}/col/", item="li", pages=5))
    assert (run.status, run.new, run.problems) == ("ok", 3, ())
    assert "/col/index_3.html" not in bench.site.hits()


# --- instances an office runs itself


def configured(folder: Path, *, enabled: bool, instances: str) -> Path:
    live = folder / "sources" / "live"
    live.mkdir(parents=True)
    shipped = PROJECT / "config" / "sources" / "live" / "hot_weibo.yml"
    values = yaml.safe_load(shipped.read_text(encoding="utf-8")) | {"enabled": enabled}
    (live / "hot_weibo.yml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    (folder / "instances.yml").write_text(instances, encoding="utf-8")
    return folder


def test_one_setting_names_the_instance_of_all_sources_that_use_it(tmp_path: Path) -> None:
    (source,) = load_sources(configured(tmp_path, enabled=True, instances="newsnow: http://10.1.2.3:4444/\n"), "live")
    assert source.addresses == ("http://10.1.2.3:4444/api/s?id=weibo",)
    assert source.allow_private == ("10.1.2.3:4444",), "the office's own word allows its own host, and no other port"


def test_a_source_that_is_on_without_its_instance_says_which_setting_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_sources(configured(tmp_path, enabled=True, instances="newsnow:\n"), "live")
    assert "sources/live/hot_weibo.yml: list_url: {newsnow} has no address" in str(error.value)
    assert "instances.yml, `newsnow: http://host:port`" in str(error.value)


def test_a_source_that_is_off_needs_no_instance_and_says_so_when_it_is_crawled_by_hand(
    tmp_path: Path, bench: Bench
) -> None:
    (source,) = load_sources(configured(tmp_path / "c", enabled=False, instances="newsnow:\n"), "live")
    run = bench.crawl(source)
    assert run.status == "failed"
    assert run.problems[0] == "list_url: {newsnow} has no address: write it into instances.yml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("newsnow: 10.1.2.3\n", "newsnow: '10.1.2.3' is no web address"),
        ("newsnov: http://x\n", "newsnov: unknown key (accepted: newsnow"),
        ("- x\n", "is not a mapping"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_what_is_wrong_with_the_instances_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_sources(configured(tmp_path, enabled=False, instances=text), "live")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("http://news.lan", "news.lan:80"),
        ("https://news.lan/x", "news.lan:443"),
        ("http://[fd00::1]:8080", "[fd00::1]:8080"),
    ],
)
def test_an_instance_is_allowed_at_its_own_port(tmp_path: Path, address: str, named: str) -> None:
    (source,) = load_sources(configured(tmp_path, enabled=True, instances=f"newsnow: {address}\n"), "live")
    assert source.allow_private == (named,)
