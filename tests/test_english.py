"""The desk in English: the switch, whole pages without a Chinese word of ours, and data that nothing touches."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from time import monotonic

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jinja2 import DictLoader, Environment, nodes
from markupsafe import Markup
from sqlalchemy import select, update

from config.settings import PROJECT
from core.errors import ConfigError
from store import users
from store.schema import alerts, documents, enterprises
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.help_text import all_help
from web.language.catalogue import EDGES, FOLDER, HAN, Catalogue, load_catalogue
from web.language.compile import constants_of, english_environment, key_of, runs_of, written
from web.names import EnglishNames
from web.services import Services

TEMPLATES = sorted((PROJECT / "web" / "templates").glob("*.html"))
FLOOR = json.loads((PROJECT / "tests" / "floors.json").read_text(encoding="utf-8"))["english"]["share"]
QUOTE = re.compile(r'<div class="quote">.*?</p>', re.S)
WHOLE = (
    "/",
    "/alerts",
    "/events",
    "/ledger",
    "/ledger/lookback",
    "/reports",
    "/rules",
    "/sources",
    "/status",
    "/account",
    "/handover",
    "/deliveries",
    "/settings",
)
"""Pages that are wholly English, but for a few pieces that somebody added since."""
SPARE = 3


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("english"), clock=lambda: NOW)
    with made.store.write() as db:
        for name in ("reader", "chooser", "third"):
            users.create_user(
                db, name, role="admin", territory="000000", display_name=f"{name} 王", password=PASSWORD, now=NOW
            )
        users.set_language(db, "reader", "en")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def app(services: Services) -> FastAPI:
    return create_app(services)


def choose(client: TestClient, language: str, back: str = "") -> int:
    found = re.search(r'name="csrf" value="([^"]*)"', client.get("/account").text)
    assert found
    form = {"csrf": unescape(found[1]), "language": language, "back": back}
    return client.post("/account/language", data=form).status_code


@pytest.fixture(scope="module")
def reader(app: FastAPI) -> TestClient:
    return signed_in(app, "reader")


@pytest.fixture(scope="module")
def data(services: Services) -> list[str]:
    """Texts that are not ours, the longest first."""
    with services.store.read() as db:
        rows = [row[0] for table in (alerts, documents) for row in db.execute(select(table.c.title))]
        rows += [row[0] for row in db.execute(select(enterprises.c.name))]
    rows += [place.name for place in services.lexicon.regions.by_code.values()]
    rows += [*(source.title for source in services.sources), "管理员", "王", "中文", "找不到 ul.notices li"]
    rows += [text for rule in services.rules for text in (str(rule.title), str(rule.why))]
    return sorted({text for text in rows if text and HAN.search(text)}, key=len, reverse=True)


def ours(page: str, data: list[str]) -> list[str]:
    """The Chinese of a page that is no data."""
    left = []
    page = QUOTE.sub("", page)
    for piece in {unescape(piece).strip() for piece in EDGES.split(page) if HAN.search(piece)}:
        rest = piece
        for text in data:
            rest = rest.replace(text, "")
        if HAN.search(rest):
            left.append(piece)
    return left


@pytest.mark.parametrize("path", WHOLE)
def test_everyday_pages_have_no_chinese_of_ours(reader: TestClient, data: list[str], path: str) -> None:
    page = reader.get(path)
    assert page.status_code == 200
    assert '<html lang="en"' in page.text
    left = ours(page.text, data)
    assert len(left) <= SPARE, f"add these to web/language/english: {left}"


@pytest.mark.parametrize("path", ["/", "/alerts", "/account", "/ledger", "/search"])
def test_both_languages_have_the_same_links_fields_and_keys(reader: TestClient, path: str) -> None:
    def skeleton(language: str) -> list[str]:
        page = (
            reader.get(path, params={"lang": language})
            .text.replace(f"lang={language}", "")
            .replace(f"lang%3D{language}", "")
        )
        return [
            re.sub(r"[?&]$", "", found) for found in re.findall(r' (?:href|id|name|action|data-key)="([^"]*)"', page)
        ]

    assert skeleton("en") == skeleton("zh")


def test_the_choice_stays_with_the_account(app: FastAPI) -> None:
    client = signed_in(app, "chooser")
    assert '<html lang="zh-CN"' in client.get("/").text
    assert choose(client, "en", back="/alerts?view=open") == 303
    assert "To do now" in client.get("/").text
    assert "To do now" in signed_in(app, "chooser").get("/").text
    assert choose(client, "zh") == 303
    assert "现在要办" in client.get("/").text


def test_the_menu_comes_back_to_the_page_it_was_used_on(reader: TestClient) -> None:
    page = reader.get("/alerts?view=open&lang=en").text
    assert '<input type="hidden" name="back" value="/alerts?view=open">' in page
    token = re.search(r'name="csrf" value="([^"]*)"', page)
    assert token
    form = {"csrf": unescape(token[1]), "language": "en", "back": "//evil.example"}
    assert reader.post("/account/language", data=form).headers["location"] == "/"


def test_an_unknown_language_is_ignored_in_addresses_and_refused_in_forms(app: FastAPI) -> None:
    client = signed_in(app, "third")
    assert '<html lang="zh-CN"' in client.get("/?lang=xx").text
    assert choose(client, "xx") == 400
    assert choose(client, "") == 400
    outside = TestClient(app, cookies={"fengsui_language": '"><script>'})
    assert '<html lang="zh-CN"' in outside.get("/signin").text


def test_english_chosen_at_the_door_goes_into_the_account(services: Services, app: FastAPI) -> None:
    client = TestClient(app)
    assert 'href="/signin?next=%2Falerts&amp;lang=en"' in client.get("/signin?next=/alerts").text
    page = client.get("/signin?next=/alerts&lang=en").text
    assert "Password" in page
    assert (
        "Account or password is wrong"
        in client.post(
            "/signin", data={"door": client.cookies["fengsui_door"], "username": "nobody", "password": "x"}
        ).text
    )
    assert "Today" in signed_in(app, "third", door="/signin?lang=en").get("/").text
    with services.store.write() as db:
        users.set_language(db, "third", "zh")


def test_refusals_are_english_too_and_keep_what_was_typed_escaped(reader: TestClient) -> None:
    page = reader.get("/alerts?view=<script>alert(1)</script>").text
    assert "in the address does not exist" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "There is no page here" in reader.get("/nowhere").text
    answer = reader.get("/api/v1/nowhere")
    assert "这里没有" in answer.text  # programs read one language


def test_a_hostile_title_stays_escaped(services: Services, reader: TestClient) -> None:
    with services.store.write() as db:
        first, title = db.execute(select(alerts.c.id, alerts.c.title)).first() or ("", "")
        db.execute(update(alerts).where(alerts.c.id == first).values(title='已办结<img src=x onerror="a">'))
    try:
        page = reader.get(f"/alerts/{first}").text
        assert "<img src=x" not in page
        assert "已办结&lt;img src=x onerror=&#34;a&#34;&gt;" in page
    finally:
        with services.store.write() as db:
            db.execute(update(alerts).where(alerts.c.id == first).values(title=title))


def test_rules_and_notes_of_the_system_are_told_those_of_people_stay(services: Services) -> None:
    names = EnglishNames(services, load_catalogue().told)
    note = "同一事项，并入 YJ-2026-0007"
    assert names.note("system", note) == "Same matter, merged into YJ-2026-0007"
    assert names.note("reader", note) == note


def test_every_rule_that_comes_with_the_system_has_english() -> None:
    told = load_catalogue().told
    rules = [yaml.safe_load(path.read_text("utf-8")) for path in (PROJECT / "config" / "rules").glob("*.yml")]
    texts = [str(rule[part]) for rule in rules for part in ("title", "why")]
    assert texts
    assert [text for text in texts if HAN.search(told(text))] == []


def test_every_help_has_an_english_title(services: Services) -> None:
    names = EnglishNames(services, load_catalogue().told)
    titles = {help.key: names.screen(help) for help in all_help().values()}
    assert [key for key, title in titles.items() if HAN.search(title)] == []
    assert titles["silences"] == "Silences"


def spoken(template: str, words: str, folder: Path, **context: object) -> str:
    (folder / "page.yml").write_text(words, encoding="utf-8")
    (folder / "words.yml").write_text("pieces: {待受理: New, '剩 {0} 分': '{0} min left'}", encoding="utf-8")
    env = english_environment(Catalogue(folder), loader=DictLoader({"page.html": template}), autoescape=True)
    return env.get_template("page.html").render(**context)


def test_only_what_the_page_says_is_looked_up(tmp_path: Path) -> None:
    words = "says: [state]\npieces: {状态: State}"
    assert spoken("<b>状态</b>{{ state }}，{{ note }}", words, tmp_path, state="待受理", note="待受理") == (
        "<b>State</b>New, 待受理"
    )


def test_english_may_put_the_figures_in_another_order(tmp_path: Path) -> None:
    words = "pieces: {'{0} 中有 {1} 条': '{1} row{1:s} of {0}'}"
    assert (
        spoken('<p title="{{ a }} 中有 {{ b }} 条">', words, tmp_path, a="<x>", b=1) == '<p title="1 row of &lt;x&gt;">'
    )
    assert spoken("{{ a }} 中有 {{ b }} 条", words, tmp_path, a=9, b=2) == "2 rows of 9"


def test_no_space_stands_before_a_mark(tmp_path: Path) -> None:
    drawn = spoken("<b>{{ a }}</b> 项，<i>完</i>", "pieces: {项，: ', of which'}", tmp_path, a=1)
    assert drawn == "<b>1</b>, of which<i>完</i>"


def test_what_has_no_english_stays_chinese(tmp_path: Path) -> None:
    assert spoken("<p>未译{% if a %}待{{ a }}{% endif %}</p>", "pieces: {}", tmp_path, a=1) == "<p>未译待1</p>"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pieces: {状态: '<b>State</b>'}", "page.yml: '状态': < > \" may not stand"),
        ("pieces: {状态: 'State {0}'}", "page.yml: '状态': its English has a place"),
        ("pieces: {状态: 3}", "page.yml: '状态': must be a text"),
        ("peices: {}", "page.yml: peices: unknown key (accepted: pieces, says)"),
    ],
)
def test_a_mistake_in_the_words_names_file_and_key(tmp_path: Path, words: str, told: str) -> None:
    (tmp_path / "page.yml").write_text(words, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(told)):
        Catalogue(tmp_path)


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("剩 3 时 40 分", "3 h 40 min left"),
        ("红色 Ⅰ级 特别重大", "Red I Extraordinary"),
        ("产品：重点产品；风险：起火、爆炸/爆燃", "Product: key products; Risk: Fire, Explosion"),
        ("橙 2、蓝 1", "Orange 2, Blue 1"),
        ("静默 1 个、激增 2 个", "1 silent, 2 surging"),
        ("某某牌电动自行车起火，南昌、赣州两地有人伤亡", "某某牌电动自行车起火，南昌、赣州两地有人伤亡"),
    ],
)
def test_sentences_of_code_are_told_whole_or_not_at_all(chinese: str, english: str) -> None:
    assert load_catalogue().told(chinese) == english


def test_a_long_hostile_text_costs_little() -> None:
    words = load_catalogue()
    began = monotonic()
    for text in ("没有预警 " * 190, "，".join("没有" * 6 for _ in range(15)), "至 至 至 " * 200):
        assert words.told(text) == text or HAN.search(text)
        words.drawn(Markup(text))
    assert monotonic() - began < 2


Piece = tuple[str, list[str]]


def pieces_of(path: Path) -> tuple[list[Piece], set[str]]:
    """What a template says, each whole and in its parts, and the expressions it prints."""
    tree = Environment(trim_blocks=True, lstrip_blocks=True).parse(path.read_text(encoding="utf-8"))
    runs = [run for output in tree.find_all(nodes.Output) for run in runs_of(output)]
    pieces = [(key_of(run), [part.strip() for part in run if isinstance(part, str)]) for run in runs]
    pieces += [(const.value.strip(), [const.value.strip()]) for const in constants_of(tree)]
    return pieces, {written(expression) for expression in tree.find_all(nodes.Expr)}


@pytest.fixture(scope="module")
def said() -> dict[str, tuple[list[Piece], set[str]]]:
    return {path.stem: pieces_of(path) for path in TEMPLATES}


def test_the_share_of_pieces_with_english_does_not_fall(said: dict[str, tuple[list[Piece], set[str]]]) -> None:
    known, missing = 0, []
    for template, (pieces, _) in said.items():
        page = load_catalogue().page(template)
        for key, parts in pieces:
            if not HAN.search(key):
                continue
            if key in page.pieces or all(page.find(part) is not None for part in parts):
                known += 1
            else:
                missing.append(f"{template}: {key}")
    share = known / (known + len(missing))
    assert share >= FLOOR, f"{share:.4f} of the pieces have English; add these to web/language/english: {missing}"


def test_every_word_of_a_page_is_used_by_it(said: dict[str, tuple[list[Piece], set[str]]]) -> None:
    used = {template: {text for key, parts in pieces for text in (key, *parts)} | printed
            for template, (pieces, printed) in said.items()}  # fmt: skip
    used["common"] = set().union(*used.values())
    unused = []
    for path in sorted(FOLDER.glob("*.yml")):
        if path.stem == "words":
            continue
        words = yaml.safe_load(path.read_text(encoding="utf-8"))
        every = [*(words.get("pieces") or {}), *(words.get("says") or [])]
        unused += [f"{path.name}: {word}" for word in every if word not in used.get(path.stem, set())]
    assert not unused, f"nothing says these any more, remove them from web/language/english: {unused}"
