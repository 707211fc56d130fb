"""The families whose answers are not plain lists of pages. Shapes after docs/sources.md, firms invented."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.crawl_server import NOW, Asked, Bench, Reply, Site

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "application/xml"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


def article(title: str) -> Reply:
    body = f"<div id='zoom'><p>{title}的正文，不合格一批次。</p></div>"
    return Reply(f"<html><title>{title}</title><h1>{title}</h1>{body}")


def test_jpaas_reads_its_ids_from_the_column_and_pages_inside_param_json(bench: Bench) -> None:
    query = "{'parseType':'bulidstatic','webId':'w1','pageId':'p1','tplSetId':'t1','pageType':'column'}"
    script = f'<script parseType="bulidstatic" url="/gate/unit" queryData="{query}" tagId="内容区域"></script>'
    shell = f"<html><p>政务公开</p>{script}</html>"
    bench.site.routes["/col/"] = Reply(shell)
    cells = '<li><a href=\\"../art/{n}.html\\">第{n}号抽查通告</a></li><li class=\\"d\\">2026-11-2{n}</li>'
    row = f'<ul class=\\"row\\">{cells}</ul>'

    def unit(asked: Asked) -> Reply:
        asked_for = parse_qs(asked.path.partition("?")[2])
        assert asked.headers["Referer"] == f"{bench.site.base}/col/"
        assert (asked_for["webId"], asked_for["tagId"]) == (["w1"], ["内容区域"])
        number = 2 if '"pageNo":2' in asked_for["paramJson"][0] else 1
        html = row.format(n=number) + '<div count=\\"2\\"></div>'
        return Reply(f'{{"data":{{"html":"{html}"}}}}', headers=JSON)

    bench.site.routes["/gate/unit"] = unit
    bench.site.routes |= {"/art/1.html": article("第1号抽查通告"), "/art/2.html": article("第2号抽查通告")}
    keys: dict[str, Any] = {
        "item": "ul.row",
        "item_date": "li.d",
        "pages": 5,
        "page_size": 1,
        "detail": {"body": "#zoom"},
    }
    run = bench.crawl(bench.source("jpaas_unit", list_url=f"{bench.site.base}/col/", **keys))
    assert (run.status, run.new, run.problems) == ("ok", 2, ())


def test_a_column_that_hides_its_ids_is_a_changed_source(bench: Bench) -> None:
    bench.site.routes["/col/"] = Reply("<html><body>" + "改版。" * 2000 + "</body></html>")
    run = bench.crawl(bench.source("jpaas_unit", list_url=f"{bench.site.base}/col/", item="li"))
    assert run.status == "changed"
    assert "webId" in run.problems[0]


def test_jpage_rows_stand_in_a_script_and_further_ones_in_the_proxy(bench: Bench) -> None:
    def store(numbers: range) -> str:
        rows = "".join(
            f"<record><![CDATA[<li><a href='/art/{n}.html'>第{n}号消费警示</a><span>2026-11-20</span></li>]]></record>"
            for n in numbers
        )
        proxy = "/proxy/dataproxy.jsp?page=2&amp;columnid=7&amp;unitid=9"
        return (
            f'<datastore><totalrecord>3</totalrecord><nextgroup><![CDATA[<a href="{proxy}"></a>]]></nextgroup>'
            f"<recordset>{rows}</recordset></datastore>"
        )

    def proxy(asked: Asked) -> Reply:
        assert "columnid=7" in asked.path
        return Reply(store(range(1, 4)), headers={"Content-Type": "text/xml"})

    bench.site.routes["/col/"] = Reply(
        f"<html><p>通知公告</p><script type='text/xml'>{store(range(1, 2))}</script></html>"
    )
    bench.site.routes["/proxy/dataproxy.jsp"] = proxy
    bench.site.routes |= {f"/art/{n}.html": article(f"第{n}号消费警示") for n in range(1, 4)}
    run = bench.crawl(bench.source("hanweb_jpage", list_url=f"{bench.site.base}/col/", item_date="span", pages=3))
    assert run.problems == ()
    assert (run.status, run.new) == ("ok", 3)


def test_query_list_answers_whole_texts_to_a_form(bench: Bench) -> None:
    def query(asked: Asked) -> Reply:
        if asked.method != "POST" or asked.headers.get("X-Requested-With") != "XMLHttpRequest":
            return Reply(status=404)
        page = parse_qs(asked.body.decode())["current"][0]
        record = (
            f'{{"source":{{"id":"9{page}","title":"第{page}批抽查","pubDate":"2026-11-20 09:00:00",'
            f'"content":"<p>线缆不合格。</p><table><tr><td>企业</td><td>项目</td></tr><tr><td>甲厂</td><td>电阻</td></tr></table>",'
            f'"urls":"{{\\"pc\\":\\"/content_9{page}.html\\"}}","articleFiles":"[]"}}}}'
        )
        return Reply(f'{{"data":{{"total":2,"results":[{record}]}}}}', headers=JSON)

    bench.site.routes["/queryList"] = query
    form = {"current": "{page}", "channelCode": "spcjxx"}
    run = bench.crawl(bench.source("jx_querylist", list_url=f"{bench.site.base}/queryList", form=form, pages=9))
    assert (run.status, run.new) == ("ok", 2)
    document = bench.intake.documents["sample", "91"]
    assert (document.url, document.text) == (f"{bench.site.base}/content_91.html", "线缆不合格。")
    assert document.tables == ((("企业", "项目"), ("甲厂", "电阻")),)


def test_xml_reports_are_found_through_their_index(bench: Bench) -> None:
    report = "<weeklyReport><URL> {base}/r/{n} </URL><publicationDate>{n}/11/2026</publicationDate></weeklyReport>"
    index = "".join(report.format(base=bench.site.base, n=n) for n in (10, 17, 3))
    bench.site.routes["/index"] = Reply(f"<list>{index}</list>", headers=XML)
    alert = "<notifications><caseNumber>SR/{n}/26</caseNumber><product>Charger</product></notifications>"
    for n in (10, 17):
        text = f"<report><report_date>{n}/11/2026</report_date>{alert.format(n=n)}</report>"
        bench.site.routes[f"/r/{n}"] = Reply(text, headers=XML)
    source = bench.source(
        "xml_report",
        list_url=f"{bench.site.base}/index",
        index={"item": "weeklyReport", "url": "URL", "date": "publicationDate"},
        reports=2,
        items=["notifications", "notification"],
        map={"id": "caseNumber", "title": "product", "published": "report_date"},
    )
    run = bench.crawl(source)
    assert (run.status, run.new) == ("ok", 2)
    published = bench.intake.documents["sample", "SR/17/26"].published
    assert published is not None
    assert published.isoformat() == "2026-11-16T16:00:00+00:00"


def test_entities_of_an_xml_bomb_are_not_expanded(bench: Bench) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><r><row><t>&b;</t></row></r>'
    bench.site.routes["/x"] = Reply(bomb, headers=XML)
    run = bench.crawl(bench.source("xml_report", list_url=f"{bench.site.base}/x", items="row", map={"title": "t"}))
    assert not any("aaaa" in title for title in bench.intake.titles)
    assert run.new == 0


def test_a_hot_line_is_kept_once_with_its_first_rank(bench: Bench) -> None:
    def lines(*titles: str) -> Reply:
        line = '{{"id":"{t}","title":"{t}","url":"https://e.example/{t}","extra":{{"info":"12万"}}}}'
        items = ",".join(line.format(t=title) for title in titles)
        return Reply(f'{{"status":"success","items":[{items}]}}', headers=JSON)

    source = bench.source("hotlist", list_url=f"{bench.site.base}/s", shape="newsnow", platform="weibo", kind="hotlist")
    bench.site.routes["/s"] = lines("充电宝自燃", "换季降温")
    bench.crawl(source)
    bench.site.routes["/s"] = lines("换季降温", "充电宝自燃")
    run = bench.crawl(source)
    assert (run.new, run.unchanged) == (0, 2)
    document = bench.intake.documents["sample", "weibo:充电宝自燃"]
    assert document.fields == {"heat": "12万", "platform": "weibo", "rank": "1"}
    assert document.date_source == "first_seen"


def drop(bench: Bench, name: str, text: str, *, age: float = 60.0) -> None:
    folder = bench.folder / "inbox" / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode("gb18030"))
    os.utime(path, (NOW.timestamp() - age, NOW.timestamp() - age))


CSV = """投诉编号,标题,投诉内容,登记时间,投诉人
T1,电池鼓包,充电时鼓包,2026-11-20 10:00,李四
T2,线缆发热,通电发热,2026-11-21,王五
"""
COLUMNS = {"id": "投诉编号", "title": "标题", "text": ["投诉内容", "内容"], "published": "登记时间"}


def test_a_dropped_table_is_imported_once_and_its_people_are_left_out(bench: Bench) -> None:
    source = bench.source("file_import", map=COLUMNS, kind="complaint")
    drop(bench, "1123.csv", CSV)
    first = bench.crawl(source)
    drop(bench, "copy.csv", CSV)
    second = bench.crawl(source)
    assert (first.new, second.new, second.unchanged, second.status) == (2, 0, 0, "ok")
    document = bench.intake.documents["sample", "T1"]
    assert (document.title, document.text, document.url) == ("电池鼓包", "充电时鼓包", "")
    assert document.archive is not None
    assert "李四" not in repr(document)


def test_a_file_that_is_still_being_written_waits(bench: Bench) -> None:
    source = bench.source("file_import", map=COLUMNS, kind="complaint")
    drop(bench, "half.csv", CSV, age=0.5)
    drop(bench, "half.csv.part", CSV)
    assert bench.crawl(source).new == 0
    drop(bench, "half.csv", CSV)
    assert bench.crawl(source).new == 2


def test_a_table_without_the_expected_columns_is_a_changed_source(bench: Bench) -> None:
    drop(bench, "other.csv", "甲,乙\n1,2\n")
    run = bench.crawl(bench.source("file_import", map=COLUMNS))
    assert run.status == "changed"
    assert "标题" in run.problems[0]
