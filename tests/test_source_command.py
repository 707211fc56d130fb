"""`fengsui source` as an operator uses it: the catalogue, a trial that leaves nothing, a draft of a new column."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from commands.source_words import trial_lines
from config.settings import PROJECT
from config.sources import load_source, load_sources
from core.clock import system_clock
from crawlers.trial_run import Bench, try_source
from pipelines.intake import StoreIntake
from store.database import Store
from tests.crawl_server import ReactorThread, Reply, Site
from tests.forked import run_apart, start

DAY = datetime.now(UTC) - timedelta(days=2)
LIST = "<html><head><title>通知公告-某市市场监督管理局</title></head><body><ul class='list'>{rows}</ul></body></html>"
ROW = "<li><a href='/tzgg/{n}.html'>第{n}号产品质量监督抽查结果的通告</a><span>{day:%Y-%m-%d}</span></li>"
PAGE = "<html><head><title>{t}</title></head><body><h1>{t}</h1><div id=zoom><p>{t}。{text}</p></div></body></html>"
TEXT = "经检验，三批次产品不合格，市场监管部门已责令相关企业停止销售并召回已售出产品。"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.routes["/tzgg/"] = Reply(LIST.format(rows="".join(ROW.format(n=n, day=DAY) for n in range(1, 7))))
    for n in range(1, 7):
        title = f"第{n}号产品质量监督抽查结果的通告"
        site.routes[f"/tzgg/{n}.html"] = Reply(PAGE.format(t=title, text=TEXT))
    yield site
    site.close()


CONTACT = {"FENGSUI_CONTACT": "mailto:desk@example.org"}


def source(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """Exit code, output, errors, in a process of its own: a reactor runs once."""
    done = run_apart("source", *arguments, "--data", str(folder / "data"), environment=CONTACT | environment)
    return done.returncode, done.stdout, done.stderr


def written(folder: Path, site: Site, **values: object) -> str:
    """A source file of the site's column; its path."""
    keys = {
        "title": "某市 通知公告", "family": "html_list", "kind": "notice", "every": "2h", "item": "ul.list > li",
        "item_date": "span", "list_url": f"{site.base}/tzgg/", "allow_private": ["127.0.0.1"], "delay": 0,
        "timeout": "5s", "enabled": False, **values,
    }  # fmt: skip
    path = folder / "some_column.yml"
    path.write_text(yaml.safe_dump(keys, allow_unicode=True), encoding="utf-8")
    return str(path)


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# list


def test_the_catalogue_counts_its_sources_by_evidence_mark(tmp_path: Path) -> None:
    code, out, _ = source("list", "--profile", "live", folder=tmp_path)
    sources = load_sources(PROJECT / "config", "live")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == len(sources) + 2
    for mark in ("code+", "code", "mem"):
        of_mark = [one for one in sources if one.evidence == mark]
        assert f"{mark} {len(of_mark)}（启用 {sum(one.enabled for one in of_mark)}）" in lines[-1]
    row = next(line for line in lines if line.startswith("samr_jdcc "))
    for word in ("产品质量监督抽查通报", "jpaas_unit", "spotcheck", "CN", "2h", "国家市场监督管理总局质量监督司"):
        assert word in row


def test_the_catalogue_is_narrowed_and_told_as_json(tmp_path: Path) -> None:
    _, out, _ = source("list", "--profile", "live", "--evidence", "code+", "--enabled", "--json", folder=tmp_path)
    shown = [json.loads(line) for line in out.splitlines()]
    expected = [one for one in load_sources(PROJECT / "config", "live") if one.enabled and one.evidence == "code+"]
    assert [one["key"] for one in shown] == [one.key for one in expected]
    code, _, err = source("list", "--evidence", "sure", folder=tmp_path)
    assert (code, "code+" in err) == (2, True)


# try


def test_a_trial_shows_what_would_be_collected_and_leaves_nothing_behind(tmp_path: Path, site: Site) -> None:
    before = everything_below(tmp_path)
    file = written(tmp_path, site)
    code, out, _ = source("try", file, "--limit", "2", folder=tmp_path)
    assert code == 0
    assert "第1号产品质量监督抽查结果的通告" in out
    assert f"{site.base}/tzgg/1.html" in out
    assert f"{DAY:%Y-%m-%d}" in out
    assert "列表 6 行" in out
    assert "判断：正常 (ok)" in out
    assert everything_below(tmp_path) - before == {"some_column.yml"}
    assert sum(path.startswith("/tzgg/") and path.endswith(".html") for path in site.hits()) == 2


def test_a_trial_as_json_tells_the_same(tmp_path: Path, site: Site) -> None:
    _, out, _ = source("try", written(tmp_path, site), "--limit", "1", "--json", folder=tmp_path)
    told = json.loads(out)
    assert (told["status"], told["well"], told["items"], told["read"]) == ("ok", True, 6, 1)
    row = told["rows"][0]
    assert row["title"] == "第1号产品质量监督抽查结果的通告"
    assert row["characters"] == len(f"{row['title']}。{TEXT}")
    assert (row["date_source"], row["attachments"], row["problems"]) == ("list", [], [])


def tried(folder: Path, file: str) -> tuple[bool, str]:
    """Whether the source of a file is well, and how that is told."""
    bench = Bench(folder / "kept", folder, "mailto:desk@example.org", system_clock, limit=1)
    trial = ReactorThread.get().run(try_source(load_source(Path(file)), bench))
    return trial.well, "\n".join(trial_lines(trial))


def test_a_trial_says_what_is_wrong_with_a_source(tmp_path: Path, site: Site) -> None:
    well, told = tried(tmp_path, written(tmp_path, site, item="ul.neu > li"))
    assert (well, "版面变了 (changed)" in told, "ul.neu > li" in told) == (False, True, True)
    well, told = tried(tmp_path, written(tmp_path, site, detail={"body": "div.fort"}))
    assert (well, "body 的选择器什么也没找到：div.fort" in told) == (True, True)
    well, told = tried(tmp_path, written(tmp_path, site, expect={"min_items": 50}))
    assert (well, "列表读出 6 行，至少应有 50 行" in told) == (False, True)
    well, told = tried(tmp_path, written(tmp_path, site, expect={"newest_within": "1d"}))
    assert (well, "最新一行是" in told) == (False, True)
    site.routes["/tzgg/"] = Reply("no", status=412)
    well, told = tried(tmp_path, written(tmp_path, site))
    assert (well, "对方拒绝访问 (blocked)" in told, "412" in told) == (False, True, True)


def test_rows_that_all_lead_nowhere_are_no_success(tmp_path: Path, site: Site) -> None:
    for n in range(1, 7):
        del site.routes[f"/tzgg/{n}.html"]
    well, told = tried(tmp_path, written(tmp_path, site))
    assert not well
    assert "列表 6 行，一条也没有读出" in told
    assert "死链" in told


def test_pages_that_all_say_the_same_are_doubted(tmp_path: Path, site: Site) -> None:
    for n in range(1, 7):
        site.routes[f"/tzgg/{n}.html"] = Reply(PAGE.format(t="某市市场监督管理局", text=TEXT))
    bench = Bench(tmp_path / "kept", tmp_path, "mailto:desk@example.org", system_clock, limit=3)
    trial = ReactorThread.get().run(try_source(load_source(Path(written(tmp_path, site))), bench))
    assert any("标题完全相同" in why for why in trial.why)


def test_escape_sequences_of_a_site_do_not_reach_the_terminal(tmp_path: Path, site: Site) -> None:
    rows = "<li><a href='/tzgg/1.html' title='红\x1b[31m字\u202e的通告标题'>x</a><span>2026-01-01</span></li>"
    site.routes["/tzgg/"] = Reply(LIST.format(rows=rows))
    site.routes["/tzgg/1.html"] = Reply(f"<html><body><div><p>{TEXT}</p></div></body></html>")
    _, told = tried(tmp_path, written(tmp_path, site))
    assert "通告标题" in told
    assert "\x1b" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("try", "recall_center"), "recall_centre"),
        (("try", "samr_jdcc"), "--profile live"),
        (("try", "no/such.yml"), "no such file"),
        (("try", "../../secrets"), "no such file"),
    ],
)
def test_a_wrong_name_is_told_with_the_way_out(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    code, out, err = source(*arguments, folder=tmp_path)
    assert (code, out) == (2, "")
    assert told in err


def test_a_mistake_in_a_file_is_named_and_a_neighbours_mistake_is_none_of_ours(tmp_path: Path, site: Site) -> None:
    code, _, err = source("try", written(tmp_path, site, itm="li"), folder=tmp_path)
    assert (code, "some_column.yml: itm: unknown key" in err) == (2, True)
    config = tmp_path / "config"
    (config / "sources" / "live").mkdir(parents=True)
    (config / "sources" / "live" / "broken.yml").write_text("family: nonsense", encoding="utf-8")
    Path(written(config / "sources" / "live", site))
    code, _, _ = source("try", "some_column", "--profile", "live", folder=tmp_path, FENGSUI_CONFIG=str(config))
    assert code == 0


def test_a_base_that_stands_for_nothing_is_wrong_use_and_one_that_is_given_is_asked(tmp_path: Path, site: Site) -> None:
    file = written(tmp_path, site, list_url="{base}/tzgg/")
    code, _, err = source("try", file, "--profile", "live", folder=tmp_path)
    assert (code, "FENGSUI_SOURCE_BASE" in err) == (2, True)
    code, _, _ = source("try", file, "--profile", "live", folder=tmp_path, FENGSUI_SOURCE_BASE=site.base)
    assert code == 0


def test_a_demo_source_is_tried_on_a_sample_site_of_its_own(tmp_path: Path) -> None:
    code, out, _ = source("try", "hot_list", "--json", folder=tmp_path)
    told = json.loads(out)
    assert (code, told["family"], told["status"]) == (0, "hotlist", "ok")
    assert not (tmp_path / "data").exists()


def test_dropped_files_are_read_and_left_as_they_are(tmp_path: Path) -> None:
    inbox = tmp_path / "data" / "inbox" / "import_12315"
    inbox.mkdir(parents=True)
    file = inbox / "1123.csv"
    file.write_bytes("编号,标题,投诉内容,登记时间\nT1,电池鼓包,充电时电池鼓包并冒烟,2026-01-20\n".encode("gb18030"))
    os.utime(file, (DAY.timestamp(), DAY.timestamp()))
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    for _ in range(2):
        code, out, _ = source("try", "import_12315", "--profile", "live", folder=tmp_path)
        assert (code, "电池鼓包" in out) == (0, True)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert everything_below(tmp_path / "data") == {"inbox", "inbox/import_12315", "inbox/import_12315/1123.csv"}


def test_an_empty_drop_folder_is_named(tmp_path: Path) -> None:
    code, out, _ = source("try", "import_12315", "--profile", "live", folder=tmp_path)
    assert (code, "inbox/import_12315" in out) == (1, True)
    assert not (tmp_path / "data").exists()


def test_a_source_that_asked_for_peace_is_not_tried_before_its_time(tmp_path: Path, site: Site) -> None:
    store = Store(f"sqlite:///{tmp_path / 'fengsui.db'}")
    store.migrate()
    StoreIntake(store, system_clock).hold_back("some_column", system_clock() + timedelta(hours=5), "HTTP 412")
    store.close()
    database = f"sqlite:///{tmp_path / 'fengsui.db'}"
    code, out, _ = source("try", written(tmp_path, site), folder=tmp_path, FENGSUI_DATABASE_URL=database)
    assert (code, "(blocked)" in out) == (1, True)
    assert site.asked == []


def test_a_slow_trial_tells_how_far_it_is_and_ends_when_it_is_told_to(tmp_path: Path, site: Site) -> None:
    site.routes["/tzgg/1.html"] = Reply("<html>", endless=True)
    file = written(tmp_path, site, timeout="60s")
    process = start("source", "try", file, "--data", str(tmp_path / "data"), environment=CONTACT)
    assert "秒" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


# new


def test_a_new_column_becomes_a_draft_that_is_off_and_its_page_beside_it(tmp_path: Path, site: Site) -> None:
    out_dir = tmp_path / "out"
    arguments = ("new", f"{site.base}/tzgg/", "--key", "some_tzgg", "--out", str(out_dir), "--delay", "0")
    code, out, _ = source(*arguments, "--allow-private", "127.0.0.1", "--kind", "spotcheck", folder=tmp_path)
    assert code == 0
    draft = load_source(out_dir / "some_tzgg.yml")
    assert (draft.family, draft.kind, draft.enabled, draft.evidence) == ("html_list", "spotcheck", False, "mem")
    assert (out_dir / "some_tzgg.html").read_bytes() == site.routes["/tzgg/"].body.encode()  # type: ignore[union-attr]
    assert out.startswith("1. 取到 ")
    assert "判断：正常 (ok)" in out
    before = everything_below(tmp_path)
    asked = len(site.asked)
    code, _, err = source(*arguments, folder=tmp_path)
    assert (code, "nothing is overwritten" in err) == (2, True)
    assert (everything_below(tmp_path), len(site.asked)) == (before, asked)
    code, out, _ = source("try", str(out_dir / "some_tzgg.yml"), "--limit", "1", folder=tmp_path)
    assert code == 0


def test_where_nothing_fits_no_draft_is_left_and_what_was_seen_is_told(tmp_path: Path, site: Site) -> None:
    site.routes["/app/"] = Reply("<html><body><p>欢迎访问</p><a href='/a'>栏目导航</a></body></html>")
    arguments = ("new", f"{site.base}/app/", "--out", str(tmp_path / "out"), "--delay", "0")
    code, _, err = source(*arguments, "--allow-private", "127.0.0.1", folder=tmp_path)
    assert code == 1
    assert "没有合适的族" in err
    assert not (tmp_path / "out").exists()
    code, _, err = source(*arguments, folder=tmp_path)
    assert (code, "private" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new", "ftp://example.org/"), "no web address"),
        (("new", "https://example.org/", "--kind", "gossip"), "spotcheck"),
        (("new", "https://example.org/", "--key", "../x"), "no key"),
        (("new", "https://example.org/", "--key", "canary"), "canary"),
    ],
)
def test_wrong_use_of_new_is_told_before_anything_is_asked(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, _, err = source(*arguments, folder=tmp_path)
    assert (code, told in err) == (2, True)
