"""The query language as written: trees, verdicts, and errors that say where and what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from search.query import QueryError, parse_query
from search.query.tree import And, Is, Nested, Not, Or, Range, Value, tree_json

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "kql"


def named(name: str, value: str) -> Is:
    return Is(Value((name,)), Value((value,)))


def bare(value: str) -> Is:
    return Is(None, Value((value,)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("起火", bare("起火")),
        ("  电动自行车 起火  ", bare("电动自行车 起火")),
        ("起火 or 爆炸 and 伤亡", Or((bare("起火"), And((bare("爆炸"), bare("伤亡")))))),
        ("(起火 or 爆炸) AND 伤亡", And((Or((bare("起火"), bare("爆炸"))), bare("伤亡")))),
        ("not 演练", Not(bare("演练"))),
        ("产品:(电动自行车 or not 燃气灶)", Or((named("产品", "电动自行车"), Not(named("产品", "燃气灶"))))),
        ("产品：（电动自行车 or 燃气灶）", Or((named("产品", "电动自行车"), named("产品", "燃气灶")))),
        ("级别 >= 3", Range(Value(("级别",)), "gte", Value(("3",)))),
        ("级别＞＝3", Range(Value(("级别",)), "gte", Value(("3",)))),
        ("级别≤3", Range(Value(("级别",)), "lte", Value(("3",)))),
        ("时间>=now-7d/d", Range(Value(("时间",)), "gte", Value(("now-7d/d",)))),
        ("标题:“电池 起火”", Is(Value(("标题",)), Value(("电池 起火",), quoted=True))),
        ("标题:「电池」", Is(Value(("标题",)), Value(("电池",), quoted=True))),
        ("电*车", Is(None, Value(("电", "车")))),
        (r"电\*车", bare("电*车")),
        (r"foo \and bar", bare("foo and bar")),
        (r"\u0041", bare("A")),
        ("foo:{ bar:baz }", Nested(Value(("foo",)), named("bar", "baz"))),
        ("orange", bare("orange")),
        ("cannot open", bare("cannot open")),
        (r"\oranges", bare("oranges")),
        (r"\not so", bare("not so")),
        ("and foo", bare("and foo")),
        ("foo or or bar", Or((bare("foo"), bare("or bar")))),
        ("foo and", bare("foo and")),
        ("起火\u3000and\u3000爆炸", And((bare("起火"), bare("爆炸")))),
        ("企业:某某（江西）公司", named("企业", "某某（江西）公司")),
        ("（起火（电池） or 召回）", Or((bare("起火（电池）"), bare("召回")))),
        ("产品:（甲（a）乙 or 丙）", Or((named("产品", "甲（a）乙"), named("产品", "丙")))),
        ("a : { b : c }", Nested(Value(("a",)), named("b", "c"))),
        ('"a":b', Is(Value(("a",), quoted=True), Value(("b",)))),
        ('a > "3"', Range(Value(("a",)), "gt", Value(("3",), quoted=True))),
        (r'"a\\"', Is(None, Value(("a\\",), quoted=True))),
        ("a:{b}", Nested(Value(("a",)), bare("b"))),
        ("a:(not (b or c) and d)", And((Not(Or((named("a", "b"), named("a", "c")))), named("a", "d")))),
        ("起火\tand\n爆炸", And((bare("起火"), bare("爆炸")))),
    ],
)
def test_a_query_becomes_a_tree(text: str, expected: Any) -> None:
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("级别:", 4, "应有值"),
        ("级别>=", 5, "应有值"),
        (">=3", 1, "比较符前应有字段"),
        ("起火 and ", 8, "应有值"),
        ("(起火 or 爆炸", 10, "“)”"),
        ("起火)", 3, "and"),
        ('标题:"起火', 4, "引号没有闭合"),
        ("标题:“起火", 4, "引号没有闭合"),
        ("来源:a 类型:b", 8, "and 或 or"),
        ("网址:https://a", 9, "加引号"),
        ("a:(b or )", 9, "应有字段或值"),
        ("not not a", 5, "应有字段或值"),
        ('"a" or"b"', 5, "and 或 or"),
        (r"a\b", 2, "反斜杠"),
        (r"a\ b", 2, "反斜杠"),
        ("某某(江西)公司", 3, "加引号"),
        ("not(a)", 4, "加引号"),
        ("a:()", 4, "应有字段或值"),
        ("a:{}", 4, "应有字段或值"),
        ("{a:b}", 1, "应有字段或值"),
        ("a > (3)", 5, "应有字段或值"),
        ("(a)and(b)", 4, "and"),
        ('foo "bar"', 5, "and"),
        (r'"foo\"', 1, "引号没有闭合"),
    ],
)
def test_a_mistake_is_told_with_its_column_and_a_form_that_works(text: str, column: int, words: str) -> None:
    with pytest.raises(QueryError) as told:
        parse_query(text)
    assert told.value.column == column
    assert words in told.value.message
    assert told.value.exit_code == 2


@pytest.mark.parametrize("text", ["(" * 51 + "a" + ")" * 51, "a" * 100_001, "(" * 10_000])
def test_a_hostile_query_is_refused_and_does_not_crash(text: str) -> None:
    with pytest.raises(QueryError):
        parse_query(text)


def test_a_long_list_is_read() -> None:
    tree = parse_query("id:(" + " or ".join(f"d{number}" for number in range(2000)) + ")")
    assert isinstance(tree, Or)
    assert len(tree.parts) == 2000


def test_the_tree_as_json_keeps_what_was_written() -> None:
    tree = parse_query('起火 and 级别>=3 or not 标题:"电池" and a:{b:c*}')
    assert tree_json(tree) == {
        "or": [
            {"and": [{"is": [None, "起火"]}, {"range": ["级别", "gte", "3"]}]},
            {
                "and": [
                    {"not": {"is": ["标题", "电池"], "phrase": True}},
                    {"nested": ["a", {"is": ["b", "c*"]}]},
                ]
            },
        ]
    }


def cases(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is development data and not here")
    data = json.loads(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = data["queries"] if isinstance(data, dict) else data
    return found


def verdict(text: str) -> tuple[dict[str, Any] | None, int | None]:
    """The tree, or the offset of the error."""
    try:
        return tree_json(parse_query(text)), None
    except QueryError as error:
        return None, error.column - 1


def test_every_verdict_tree_and_error_offset_of_kql_is_ours() -> None:
    for case in cases("kql_cases.json"):
        tree, offset = verdict(case["query"])
        assert (offset is None) == case["valid"], case["query"]
        assert tree == case.get("ast", tree), case["query"]
        assert offset == case.get("error_offset", offset), case["query"]


def test_queries_in_production_use_elsewhere_are_valid() -> None:
    for case in cases("real_kql_queries.json"):
        parse_query(case["query"])
