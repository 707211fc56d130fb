"""Whatever is typed is read, or refused with a sentence that says where and what to do."""

import random
import unicodedata

import pytest

from search.query import QueryError, parse_query, read_query
from search.query.escape import escape_literal, escape_quotes, literal_of
from search.query.parse import LONGEST
from search.query.tree import Is, has_free_text, tree_json
from tests.search_documents import NAMES, NOW, SYNONYMS

PIECES = [
    "起火", "电瓶车", "级别", "产品", "提及", "时间", "level", "a", "1", "近7天", "and", "or", "not", " ",
    "\u3000", "\t",
    ":", "：", "(", ")", "（", "）", "{", "}", '"', "“", "”", "「", "」", "\\", "\\u00", "\\ud800", "*", "<", ">", "≥",
    "＝", "=", ".", "\0", "\ud800", "\u202e", "\u200b", "🔥", "|", "/", "-", "类型", "编号",
]  # fmt: skip


def read(text: str) -> None:
    """Bind it, with everything looked up; a refusal must name a column in the text and say what to do."""
    refused: QueryError | None = None
    try:
        tree_json(read_query(text, names=NAMES, now=NOW, synonyms=SYNONYMS).tree)
    except QueryError as error:
        refused = error
    if refused is not None:
        assert 1 <= refused.column <= len(text) + 1
        assert any(hint in refused.message for hint in ("例如", "请", "可用"))


def test_any_string_of_the_signs_of_the_grammar_is_read_or_refused() -> None:
    chance = random.Random(3)
    for _ in range(20_000):
        read("".join(chance.choice(PIECES) for _ in range(chance.randint(1, 14))))


LONG = {
    "ors": " or ".join(["a"] * 10_000),
    "values": "id:(" + " or ".join(f"d{at}" for at in range(9_000)) + ")",
    "ands": " and ".join(["a:b"] * 9_000),
    "open quotes": "“" * LONGEST,
    "escaped quotes": '"' + '\\"' * (LONGEST // 2 - 1),
    "parentheses": "(" * LONGEST,
    "lists": "a:(b or c) and " * 6_000 + "x",
    "stars": "a*" * (LONGEST // 2),
    "wild names": "*e*:x or " * 9_000 + "x",
    "blanks": "a" + " " * (LONGEST - 2) + "b",
    "words": "电瓶车 " * (LONGEST // 4),
    "one word": "电瓶车" * (LONGEST // 3),
    "null bytes": "\0" * LONGEST,
    "surrogates": "\ud800" * LONGEST,
    "direction marks": "\u202e" * LONGEST,
    "backslashes": "\\" * LONGEST,
    "braces": "提及:{" * (LONGEST // 4),
    "mentions": " or ".join(["提及:{not 编号:a}"] * 4_000),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_query_is_read_or_refused(text: str) -> None:
    """Each takes a second or two at most; what grew with the square of the length took minutes."""
    read(text)


def test_what_an_engine_would_refuse_is_refused_before_it_is_asked() -> None:
    for text, words in [
        (" ".join(["起火"] * 1500), "最多 2000 个"),
        (" or ".join(f"a{at}*" for at in range(60)), "通配符"),
        (" and ".join(f"id:a{at}" for at in range(1200)), "条件太多"),
        ("a" * (LONGEST + 1), "查询太长"),
        ("(" * 51 + "a" + ")" * 51, "嵌套太深"),
        (f"*{'火' * 200}*", "太长或 * 太多"),
        (f"标题:*{'a' * 300}", "太长或 * 太多"),
        (f"网址:*{'*'.join(['赣州', '南昌'] * 20)}*", "太长或 * 太多"),
        (f"提及:{{编号:*{'a' * 900}*}}", "提及里的条件太复杂"),
        (f"来源:{'a' * 40_000}", "最多 2000 个字符"),
    ]:
        with pytest.raises(QueryError) as told:
            read_query(text, names=NAMES, now=NOW)
        assert words in told.value.message


def test_a_list_of_thousands_is_one_condition() -> None:
    text = "id:(" + " or ".join(f"d{at}" for at in range(5000)) + ") and 级别>=2"
    read_query(text, names=NAMES, now=NOW)


def test_an_invisible_sign_is_named_by_its_number() -> None:
    with pytest.raises(QueryError) as told:
        parse_query("a:b)\u202e")
    assert "“)”" in told.value.message
    with pytest.raises(QueryError) as told:
        parse_query('"a"\u202e')
    assert "U+202E" in told.value.message
    assert all(unicodedata.category(one) != "Cf" for one in told.value.message)


def test_marks_nobody_sees_do_not_hide_a_field_or_a_name() -> None:
    assert read_query("\u200b级别\u200f:3", names=NAMES, now=NOW).warnings == ()
    plain = read_query("产品:电动自行车", names=NAMES, now=NOW).where
    assert read_query("产品:\u2066电动\u200b自行车\u2069", names=NAMES, now=NOW).where == plain


@pytest.mark.parametrize(
    ("text", "read_as"),
    [(r"\ud83d\udd25", "🔥"), (r'"\ud83d\udd25"', "🔥"), (r"\ud83d", "\ufffd"), ("a\ud800", "a\ufffd")],
)
def test_half_characters_become_whole_or_a_replacement(text: str, read_as: str) -> None:
    node = parse_query(text)
    assert isinstance(node, Is)
    assert node.value.text == read_as


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("foo and bar or baz not qux", r"foo \and bar \or baz \not qux"),
        ("Hello, <nice> to meet you", r"Hello, \<nice\> to meet you"),
        ("a\tb\nc", r"a\tb\nc"),
        ("级别：3（红）", r"级别\：3\（红\）"),
        ("not so", r"\not so"),
        ("orange android", "orange android"),
    ],
)
def test_text_can_be_escaped(text: str, escaped: str) -> None:
    assert escape_literal(text) == escaped


def test_escaped_text_is_read_back_as_it_was() -> None:
    chance = random.Random(1)
    signs = ["a", "not", "or", "AND", " ", '"', "\\", ":", "(", "*", "电", "：", "“", "\n", "u0041", "「", "\u3000"]
    for _ in range(5_000):
        text = "".join(chance.choice(signs) for _ in range(chance.randint(1, 8)))
        for written in (literal_of(text), f'"{escape_quotes(text)}"', *([escape_literal(text)] * bool(text.strip()))):
            node = parse_query(written)
            assert isinstance(node, Is)
            assert node.value.text.strip() == text.strip()
            assert not node.value.wild


def test_free_text_is_a_part_that_names_no_field() -> None:
    assert has_free_text(parse_query("level:3 and foo"))
    assert has_free_text(parse_query("not (a:b or 起火)"))
    assert not has_free_text(parse_query("a:{b:c} and not d>3"))
    assert not has_free_text(parse_query(""))


def test_unquoted_constants_are_no_text() -> None:
    assert tree_json(parse_query("a:true and b:null")) == {"and": [{"is": ["a", True]}, {"is": ["b", None]}]}
    assert tree_json(parse_query('a:"true"')) == {"is": ["a", "true"], "phrase": True}


def test_columns_count_characters_whatever_they_are_made_of() -> None:
    for before in ("", "🔥", "𠮷𠮷", "é", "\ud83d"):
        with pytest.raises(QueryError) as told:
            parse_query(f"{before}a:(b or )")
        assert told.value.column == len(before) + 9
