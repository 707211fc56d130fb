"""Completion: what is offered where the cursor (`|`) stands, by function, by API and on the command line."""

import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from cli import main
from core.clock import fixed_clock
from core.errors import SearchUnavailable
from search.backend import FacetValue, SearchRequest, SearchResult
from search.completion import Completion, complete
from search.frequent import FrequentValues
from search.names import NameTable
from search.query import QueryError, read_query
from search.where import OneOf, Scalar
from store import users
from tests.desk_server import NOW as DESK_NOW
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD, sign_in
from tests.search_documents import NAMES, NOW
from web.app import create_app
from web.services import Services

COUNTED: dict[str, list[tuple[Scalar, int]]] = {
    "level": [(0, 99), (3, 9), (1, 5)],
    "products": [("ebike", 7), ("cable", 3)],
    "enterprises": [("ENT0001", 4), ("NIL:某某 厂", 2)],
    "kind": [("news", 5)],
    "territory": [("360000", 9), ("360700", 4)],
    "is_risk": [(True, 3), (False, 9)],
}


def values(field: str, _typed: str) -> Sequence[tuple[Scalar, int]]:
    return COUNTED.get(field, [])


def at_bar(marked: str, **more: Sequence[str]) -> tuple[str, Completion]:
    """The text without the mark, and what is offered at it."""
    cursor = marked.index("|")
    text = marked.replace("|", "", 1)
    return text, complete(text, cursor, names=NAMES, values=values, now=NOW, **more)  # type: ignore[arg-type]


def offered(marked: str) -> list[str]:
    """What the whole text would be with each suggestion."""
    text, found = at_bar(marked)
    return [text[: found.start] + one.text + text[found.end :] for one in found.suggestions]


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        ("|", "时间:"),
        ("级|", "级别:"),
        ("lev|", "level:"),
        ("源|", "来源:"),
        ("级别|", "级别>="),
        ("级别 |", "级别 :"),
        ("级|别>=3", "级别>=3"),
        ("级别:|", "级别:无"),
        ("级别：|", "级别：无"),
        ("级别>=|", "级别>=无"),
        ("级别:橙|", "级别:橙"),
        ("级别:3 |", "级别:3 and "),
        ("级别:3 o|", "级别:3 or "),
        ("级别:3 产|", "级别:3 and 产品:"),
        ("(级别:3)|", "(级别:3) and "),
        ('标题:"起火"|', '标题:"起火" and '),
        ("起火 or|", "起火 or "),
        ("起火 级|", "起火 级别:"),
        ("not 产|", "not 产品:"),
        ("产品:电|动自行车 and 级别>=3", "产品:电动自行车 and 级别>=3"),
        ("企业:|某某 and 起火", "企业:赣州某某电池有限公司 and 起火"),
        ("产品:(电动自行车 or 燃|", "产品:(电动自行车 or 燃气灶"),
        ("产品：（电动自行车 or 燃|）", "产品：（电动自行车 or 燃气灶）"),
        ("产品:(not 燃|", "产品:(not 燃气灶"),
        ("产品:(燃气灶 |", "产品:(燃气灶 and "),
        ("企业:某|", '企业:"某某 厂"'),
        ('企业:"某|', '企业:"某某 厂"'),
        ('企业:"某|" and 起火', '企业:"某某 厂" and 起火'),
        ("企业:某某电|", "企业:赣州某某电池有限公司"),
        ("属地:|", "属地:江西省"),
        ("属地:赣|", "属地:赣州市"),
        ("来源：热|", "来源：热搜榜"),
        ("标题:起|", "标题:起火"),
        ("风险信号:|", "风险信号:否"),
        ("类型:|", "类型:新闻"),
        ("类型:投|", "类型:投诉"),
        ("电动|", "产品:电动自行车"),
        ("时间:|", "时间:今天"),
        ("时间>=3|", "时间>=近3天"),
        ("时间>=2026|", "时间>=2026-11-24"),
        ('时间:"近|', '时间:"近24小时"'),
        ("提及|", "提及:{"),
        ("提及:|", "提及:{类型:"),
        ("提及:{|", "提及:{类型:"),
        ("提及:{角|", "提及:{角色:"),
        ("提及:{类型:企业 and 角色:生|}", "提及:{类型:企业 and 角色:生产}"),
        ("提及:{类型:企业 |", "提及:{类型:企业 and "),
        ("提及:{编号:赣|", "提及:{编号:赣州市"),
        ("提及:{类型:(企业 or 产|", "提及:{类型:(企业 or 产品"),
        ("提及：｛位置：|", "提及：｛位置：标题"),
        ("提及:{类型:企业} |", "提及:{类型:企业} and "),
        ("🔥 and 级|", "🔥 and 级别:"),
        ("((级别:3 or 产|", "((级别:3 or 产品:"),
        ("a:(b or c) and 级|", "a:(b or c) and 级别:"),
    ],
)
def test_the_first_suggestion_fits_the_place(marked: str, first: str) -> None:
    assert offered(marked)[0] == first


def test_a_value_that_is_whole_can_be_kept_and_joined() -> None:
    assert "级别:3 and " in offered("级别:3|")
    assert "产品:电动自行车 or " in offered("产品:电动自行车|")


def test_the_most_frequent_values_come_first_with_their_counts_then_other_names() -> None:
    _, found = at_bar("产品:|")
    assert [(one.text, one.count) for one in found.suggestions] == [
        ("电动自行车", 7), ("cable", 3), ("燃气灶", None), ("*", None),
    ]  # fmt: skip


def test_a_date_is_told_as_the_moment_it_means() -> None:
    _, found = at_bar("时间:近7|")
    assert (found.suggestions[0].text, found.suggestions[0].note) == ("近7天", "2026-11-17 12:00 起")


def test_earlier_queries_are_offered_for_an_empty_bar_only() -> None:
    _, found = at_bar("  |", recent=("级别>=3", "起火"))
    assert [(one.kind, one.text) for one in found.suggestions[:2]] == [("recent", "级别>=3"), ("recent", "起火")]
    assert (found.start, found.end) == (0, 2)
    _, found = at_bar("级|", recent=("级别>=3",))
    assert "recent" not in {one.kind for one in found.suggestions}


@pytest.mark.parametrize("marked", ["foo:|", "a:b:c|", "-|", "\\|", "来源:龘|"])
def test_where_nothing_is_known_nothing_is_offered(marked: str) -> None:
    assert offered(marked) == []


def test_every_value_offered_can_be_read() -> None:
    for field in ("级别", "产品", "企业", "类型", "风险信号", "属地", "风险", "来源", "时间", "信源层级", "立场"):
        for text in offered(f"{field}:|"):
            assert read_query(text, names=NAMES, now=NOW).warnings == ()


def test_names_that_look_like_syntax_are_quoted() -> None:
    names = NameTable({"products": [("not a (b)", "x"), ('5" 管', "y"), ("a:b", "z")]})
    found = complete("产品:", 3, names=names, values=lambda field, typed: (), now=NOW)
    for one in found.suggestions[:3]:
        query = read_query(f"产品:{one.text}", names=names, now=NOW)
        assert isinstance(query.where, OneOf)
        assert query.where.values in (("x",), ("y",), ("z",))


def test_the_cursor_may_stand_anywhere_in_anything() -> None:
    chance = random.Random(4)
    pieces = ["级别", "提及", "产品", "起火", "and", "or", "not", " ", ":", "：", "(", ")", "{", "}", '"', "“", "”",
              "*", "\\", ">=", "<", "近", "3", "🔥", "\ud800", "\0", "类型", "\u3000"]  # fmt: skip
    for _ in range(5_000):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(0, 9)))
        cursor = chance.randint(-1, len(text) + 1)
        found = complete(text, cursor, names=NAMES, values=values, now=NOW)
        assert 0 <= found.start <= min(max(cursor, 0), len(text)) <= found.end <= len(text)
        assert len({one.text for one in found.suggestions}) == len(found.suggestions) <= 12


def test_following_the_suggestions_writes_a_query_that_can_be_read() -> None:
    """Whoever takes suggestions only, from an empty bar on, ends with a valid query at every join."""
    chance = random.Random(6)
    for _ in range(200):
        text = ""
        for _ in range(chance.randint(3, 12)):
            found = complete(text, len(text), names=NAMES, values=values, now=NOW)
            if not found.suggestions:
                break
            text = text[: found.start] + chance.choice(found.suggestions).text + text[found.end :]
        opened = text.count("{") - text.count("}")
        _, place = at_bar(f"{text}|")
        if any(one.label == "and" for one in place.suggestions) and place.start == len(text):
            read_query(text + "}" * opened, names=NAMES, now=NOW)


class _Index:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[SearchRequest] = []
        self.down = False

    def search(self, request: SearchRequest) -> SearchResult:
        self.asked.append(request)
        if self.down:
            raise SearchUnavailable("down")
        counts = {name: (FacetValue("ebike", 3),) for name in request.facets}
        return SearchResult(0, (), counts, None, 0.0)


def test_the_index_is_asked_once_in_half_a_minute_for_a_field_and_a_territory() -> None:
    index, now = _Index(), SimpleNamespace(at=NOW)
    frequent = FrequentValues(index, lambda: now.at)  # type: ignore[arg-type]
    for _ in range(3):
        assert frequent.of("360700")("products", "") == (("ebike", 3),)
    frequent.of(None)("products", "")
    frequent.of("360700")("kind", "")
    assert [(one.territory, *one.facets) for one in index.asked] == [
        ("360700", "products"), (None, "products"), ("360700", "kind"),
    ]  # fmt: skip
    now.at += timedelta(seconds=31)
    frequent.of(None)("products", "")
    assert len(index.asked) == 4


def test_an_index_that_is_down_leaves_names_to_complete() -> None:
    index = _Index()
    index.down = True
    counted = FrequentValues(index, fixed_clock(NOW)).of(None)  # type: ignore[arg-type]
    found = complete("产品:燃", 4, names=NAMES, values=counted, now=NOW)
    assert [one.text for one in found.suggestions] == ["燃气灶"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("desk"), clock=lambda: DESK_NOW)
    with made.store.write() as db:
        for name, territory in (("chief", "000000"), ("county", "360981")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=DESK_NOW
            )
    yield made
    made.store.close()


@pytest.fixture
def ask(services: Services) -> Callable[..., TestClient]:
    def signed_in(name: str) -> TestClient:
        client = TestClient(create_app(services), follow_redirects=False)
        if name:
            sign_in(client, name)
        return client

    return signed_in


def test_the_desk_completes_with_counts_of_what_the_person_may_see(ask: Callable[..., TestClient]) -> None:
    assert ask("").get("/api/complete?q=").status_code == 401
    counts = {}
    for name in ("chief", "county"):
        answer = ask(name).get("/api/complete", params={"q": "🔥 and 级别:", "at": 9}).json()
        assert (answer["start"], answer["end"]) == (9, 9)
        counts[name] = sum(one["count"] or 0 for one in answer["suggestions"])
    assert 0 < counts["county"] < counts["chief"]


def test_the_desk_completes_at_the_end_unless_told_and_takes_any_text(ask: Callable[..., TestClient]) -> None:
    client = ask("chief")
    assert client.get("/api/complete", params={"q": "级"}).json()["suggestions"][0]["text"] == "级别:"
    for query, at in [("级" * 5000, 99999), ('"\1(', -5), ("", 0)]:
        assert client.get("/api/complete", params={"q": query, "at": at}).status_code == 200
    assert client.get("/api/complete", params={"q": "a", "at": "x"}).status_code == 422


def run(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    code = 0
    try:
        main([*words, "--data", str(folder)])
    except SystemExit as end:
        code = int(end.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_command_line_parses_and_completes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(capsys, tmp_path, "query", "levl:3")
    assert (code, json.loads(out)) == (0, {"is": ["levl", "3"]})
    assert "没有“levl”这个字段" in err
    code, out, err = run(capsys, tmp_path, "query", "🔥🔥:(a or )")
    assert (code, out) == (1, "")
    assert err.startswith("第 10 列：这里应有字段或值")
    code, out, _ = run(capsys, tmp_path, "query", "来源:热搜榜单 or 级别:", "--json")
    assert (code, json.loads(out)["error"]["column"]) == (1, 15)
    code, out, _ = run(capsys, tmp_path, "query", "级别:3 a", "--complete", "6", "--json")
    answer = json.loads(out)
    assert (code, answer["start"], answer["suggestions"][0]["text"]) == (0, 3, "3 and ")

    lines = ['"a"', "", '"\\ud800:"', '"级别:"', '"x"'.replace("x", "起火")]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO("\n".join(lines).encode())))
    code, out, _ = run(capsys, tmp_path, "query", "-")
    assert code == 0
    assert [json.loads(line)["valid"] for line in out.splitlines()] == [True, False, False, True]


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        (b'"a"\n{"a"\n', "stdin line 2: no JSON"),
        (b"\n\n5\n", "stdin line 3: expected a JSON string"),
        (b'"\xff"\n', "stdin line 1: not UTF-8"),
        (b"[" * 100_000, "stdin line 1: no JSON"),
    ],
)
def test_a_line_that_is_no_query_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdin: bytes, told: str
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
    code, _, err = run(capsys, tmp_path, "query", "-")
    assert code == 2
    assert told in err


def test_a_query_error_is_an_error_of_use() -> None:
    assert QueryError(0, "x").exit_code == 2
