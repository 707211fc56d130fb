"""Help: every page of the desk has one, it is reached from that page, and what it links to is there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.errors import ConfigError
from tests.desk_pages import PAGES, fill_more, page_routes
from tests.desk_server import NOW, make_services
from web.app import create_app, entry_path
from web.help_text import FOLDER, ORDER, all_help, help_of, look_up, read_help
from web.services import Services

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("help"), clock=lambda: NOW)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services)) as opened:
        with services.store.write() as db:
            path = entry_path(db, services=services)
        opened.get(path)
        yield opened


def test_every_page_of_the_desk_is_looked_at_and_has_a_help_page() -> None:
    """A new GET address: name it in tests/desk_pages.py (PAGES, or NOT_PAGES with what it is), and in web/help/."""
    looked_at = {path.partition("?")[0] for path in PAGES.values()}
    for route in page_routes():
        assert any(route.path_regex.match(path) for path in looked_at), f"{route.path} stands in no test"
        assert help_of(re.sub(r"\{[^}]*\}", "x", route.path)), f"{route.path}: no file in web/help/ has its address"


@pytest.fixture(scope="module")
def pages(client: TestClient, services: Services) -> dict[str, Any]:
    """Every page as it is answered, by name."""
    return {name: client.get(path) for name, path in fill_more(services).items()}


def test_each_page_leads_to_its_own_help(pages: dict[str, Any]) -> None:
    for name, answer in pages.items():
        page, wanted = answer.text, help_of(answer.url.path)
        if "data-help" in page:  # the wall and the door have no menu
            assert f'href="/help/{wanted.key}" data-help' in page if wanted else 'href="/help" data-help' in page, name
    assert help_of("/alerts") != help_of("/alerts/a1") != help_of("/events/e1")
    assert help_of("/rules/x/lab").key == "lab"  # type: ignore[union-attr]  # the closest of two that fit
    assert help_of("/nothing") is None


def test_each_page_prints_with_what_it_is_whose_when_and_who(pages: dict[str, Any]) -> None:
    for name, answer in pages.items():
        if "data-help" in answer.text:
            head = re.search(r'<p class="print">(.*)</p>', answer.text)
            assert head, name
            assert re.search(r"\S.* · 内部使用 · 全部属地 · 打印于 <time .*>2026-11-23 14:32</time> 管理员", head[1]), (
                name
            )


def test_each_time_tells_zone_and_second_on_hover(pages: dict[str, Any]) -> None:
    exact = re.compile(r'datetime="[^"]*\+08:00" title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d（北京时间）"')
    for name, answer in pages.items():
        for time in re.findall(r"<time [^>]*>", answer.text):
            assert exact.search(time), f"{name}: {time}"


@pytest.mark.parametrize("key", TEXTS)
def test_a_help_page_says_steps_and_what_to_do_when_it_is_wrong(client: TestClient, key: str) -> None:
    answer = client.get(f"/help/{key}")
    assert answer.status_code == 200
    titles = [section.title for section in all_help()[key].sections]
    assert {"怎么做", "不对时"} <= set(titles)
    assert key in ORDER
    for word in ("！", "成功", "请您", "抱歉", "工单", "黑名单"):
        assert word not in TEXTS[key]
    for href in re.findall(r"\]\((/[^)#]*)", TEXTS[key]):
        assert client.get(href).status_code == 200, href


def test_what_a_help_page_opens_is_there(client: TestClient) -> None:
    for page in all_help().values():
        assert not page.address or client.get(page.address).status_code in (200, 403), page.address


def test_help_is_looked_through(client: TestClient) -> None:
    assert {page.key for page, _ in look_up("销号 材料")} >= {"ledger"}
    assert "隐患" in client.get("/help?q=销号").text
    nothing = client.get("/help?q=量子").text
    assert "没有同时写到这些词" in nothing
    assert "/search?q=" in nothing
    assert client.get("/help/nothing").status_code == 404


def test_no_markup_comes_out_of_a_help_text() -> None:
    page = read_help(
        "x", "# 名\n/x\n<script>x</script> [坏](javascript:alert(1)) `码` **重**\n\n## 怎么做\n1. 一\n2. 二\n- 点"
    )
    assert [piece.kind for piece in page.answers.blocks[0].lines[0]] == ["text", "code", "text", "strong"]
    assert [(block.kind, len(block.lines)) for block in page.sections[0].blocks] == [("ol", 2), ("ul", 1)]


def test_a_file_without_its_head_is_named() -> None:
    with pytest.raises(ConfigError, match=r"help/x\.md: needs"):
        read_help("x", "# 名\n没有地址")
