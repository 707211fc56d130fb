"""`提及:{...}`: one mention meets all that stands in the braces, judged here by looking at every mention."""

import random
import re
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from core.records import Mention
from search.backend import SearchRequest
from search.embedded import EmbeddedBackend
from search.match import compile_match
from search.mentions import SHAPES, key_of, keys_of
from search.names import NameTable
from search.query import QueryError, parse_query, read_query
from search.query.forms import form_where
from search.query.tree import And, Is, Node, Not, Or, Value
from search.records import row_of
from search.where import Fits, Nothing, OneOf, Where
from tests.search_documents import IDS, NAMES, NOW, entries, mentions_of, words

Found = tuple[str, Mention]

TYPE_WORDS = {"企业": "enterprise", "产品": "product", "地区": "region", "风险": "issue", "品牌": "brand"}
ROLE_WORDS = {"生产": "maker", "销售": "seller", "平台": "platform"}
NAMED = {"电动自行车": {"ebike"}, "起火": {"fire"}, "某某电池": {"ENT0001", "ENT0002"}}


def meets(node: Node, found: Found) -> bool:
    """Whether this one mention meets the formula."""
    match node:
        case And(parts):
            return all(meets(part, found) for part in parts)
        case Or(parts):
            return any(meets(part, found) for part in parts)
        case Not(part):
            return not meets(part, found)
        case Is(name, value):
            return _meets_field(name.text if name else "编号", value, found)
        case _:
            raise AssertionError(node)


def _meets_field(name: str, value: Value, found: Found) -> bool:
    place, mention = found
    if name == "类型":
        return value.anything or mention.type.value == TYPE_WORDS.get(value.text, value.text)
    if name == "角色":
        role = mention.role or "none"
        return role != "none" if value.anything else role == ROLE_WORDS.get(value.text, value.text)
    if name == "位置":
        return value.anything or place == {"标题": "title", "正文": "body"}[value.text]
    if name == "已否定":
        return value.anything or mention.negated == (value.text == "是")
    known = mention.id_or_norm or "?"
    firm = mention.type.value in ("enterprise", "brand")
    if value.wild:
        form = re.compile(".*".join(map(re.escape, value.parts)))
        return bool(form.fullmatch(known) or (firm and form.fullmatch(known.removeprefix("NIL:"))))
    if mention.type.value in ("region", "town") and value.text in ("赣州市", "360700"):
        return known.startswith("3607")
    if value.text in NAMED and known in NAMED[value.text]:
        return True
    known = " ".join(known.split())
    return known == value.text or (firm and known == f"NIL:{value.text}")


ATOMS = [
    "类型:企业", "类型:产品", "类型:地区", "类型:风险", "类型:brand", "类型:*", "角色:生产",
    "角色:(销售 or 平台)", "角色:*",
    "位置:标题", "位置:正文", "已否定:是", "已否定:否", "编号:ENT0001", "编号:(ENT0001 or ENT0002)", "编号:赣州市",
    "编号:电动自行车", "编号:某某电池", "某某电池厂", "起火", "编号:ENT*", "编号:*电池*", "编号:某某*", "编号:*", "*",
    '编号:"A*B?"', '编号:"GB 17761-2018"', '编号:"X|7"', r'编号:"C:\\\\目录"', "编号:360700", "编号:*商行",
]  # fmt: skip


def formula(chance: random.Random, depth: int = 2) -> str:
    """A formula of the atoms."""
    pick = chance.random()
    if depth == 0 or pick < 0.3:
        atom = chance.choice(ATOMS)
        return f"not {atom}" if chance.random() < 0.3 else atom
    joined = f" {chance.choice(['and', 'and', 'or'])} ".join(
        formula(chance, depth - 1) for _ in range(chance.randint(2, 3))
    )
    return f"not ({joined})" if chance.random() < 0.25 else f"({joined})"


def expected(inner: str) -> set[str]:
    """The ids of all entries with a mention that meets `inner`."""
    node = parse_query(inner)
    meeting = [mention for mention in mentioning() if meets(node, mention)]
    return {entry for mention in meeting for entry in mentioning()[mention]}


@cache
def mentioning() -> Mapping[tuple[str, Mention], set[str]]:
    """The entries of each mention there is."""
    found: dict[tuple[str, Mention], set[str]] = {}
    for entry in entries():
        for mention in mentions_of(entry.id):
            found.setdefault(mention, set()).add(entry.id)
    return found


def bound(inner: str) -> Where:
    return read_query(f"提及:{{{inner}}}", names=NAMES, now=NOW).where


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBackend]:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("index"), words)
    backend.index(entries())
    yield backend
    backend.close()


def found_by(index: EmbeddedBackend, where: Where) -> set[str]:
    result = index.search(SearchRequest(where, size=0, facets={"id": len(entries())}, histogram=False))
    return {str(found.value) for found in result.facets["id"]}


@pytest.mark.parametrize("atom", ATOMS)
def test_one_condition_finds_the_mentions_that_meet_it(index: EmbeddedBackend, atom: str) -> None:
    assert found_by(index, bound(atom)) == expected(atom)
    assert found_by(index, bound(f"not {atom}")) == expected(f"not {atom}")


def test_any_formula_finds_what_looking_at_every_mention_finds(index: EmbeddedBackend) -> None:
    chance, refused = random.Random(5), 0
    for _ in range(80):
        inner = formula(chance)
        try:
            where = bound(inner)
        except QueryError:  # too many exclusions for one expression
            refused += 1
            continue
        assert found_by(index, where) == expected(inner), inner
    assert refused < 8


def test_the_conditions_hold_of_one_mention_not_of_several(index: EmbeddedBackend) -> None:
    apart = found_by(index, read_query("提及:{类型:企业} and 提及:{角色:平台}", names=NAMES, now=NOW).where)
    together = found_by(index, bound("类型:企业 and 角色:平台"))
    assert together < apart


def test_without_braces_a_mention_is_asked_for_by_its_name(index: EmbeddedBackend) -> None:
    for short, long in [
        ("提及:起火", "起火"),
        ("提及:*", "*"),
        ("mentions:(起火 or 电动自行车)", "起火 or 电动自行车"),
    ]:
        where = read_query(short, names=NAMES, now=NOW).where
        assert found_by(index, where) == expected(long)


def test_questions_without_an_exclusion_are_lists_of_keys() -> None:
    assert bound("类型:企业 and 角色:生产 and 编号:ENT0001 and not 已否定:是") == OneOf(
        "mentions", ("Emta:ENT0001", "Emta:NIL:ENT0001", "Emba:ENT0001", "Emba:NIL:ENT0001")
    )
    assert bound("类型:产品 and 位置:标题") == OneOf("mentions", ("P_ta", "P_td"))
    assert isinstance(bound("类型:企业 and not 编号:ENT0001"), Fits)
    assert bound("类型:企业 and 类型:产品") == Nothing()
    assert bound("编号:a and 编号:b") == Nothing()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("提及:{类型:飞船}", "可用：产品"),
        ("提及:{角色:路人甲}", "可用：生产"),
        ("提及:{编号>3}", "不能比较大小"),
        ("提及>3", "不能用 > 比较"),
        ("提及:{" + " or ".join(f"not 编号:*{one}*" for one in "甲乙丙丁戊己庚辛壬癸") + "}", ""),
        (
            "提及:{" + " and ".join(f"not 编号:*{one}*" for one in ("甲乙丙", "丁戊己", "庚辛壬", "癸子丑")) + "}",
            "拆成几个",
        ),
    ],
)
def test_what_cannot_be_asked_of_a_mention_is_told_with_a_way_out(text: str, words: str) -> None:
    if not words:
        assert read_query(text, names=NAMES, now=NOW).where != Nothing()
        return
    with pytest.raises(QueryError) as told:
        read_query(text, names=NAMES, now=NOW)
    assert words in told.value.message
    assert "例如" in told.value.message or "请写" in told.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("提及:{颜色:红}", "提及里没有“颜色”这个字段"),
        ("提及:{a:{b:c}}", "提及里没有“a”这个字段"),
        ("产品:{类型:企业}", "里没有内层字段"),
        ("提及.类型:企业", "请写成 提及:{类型:…}"),
    ],
)
def test_an_unknown_inner_field_finds_nothing_and_is_told(text: str, words: str) -> None:
    query = read_query(text, names=NAMES, now=NOW)
    assert query.where == Nothing()
    assert words in query.warnings[0]


def test_every_mention_has_one_shape_and_its_id() -> None:
    assert len({shape.code for shape in SHAPES}) == len(SHAPES)
    shapes = {shape.code for shape in SHAPES}
    for kind, ids in IDS.items():
        for known in ids:
            keys = keys_of([("title", Mention(0, 1, "", kind, known))])
            assert keys[0] in shapes
            assert keys[1] == key_of(keys[0], known)


def test_a_form_holds_for_exactly_the_strings_its_condition_names() -> None:
    chance = random.Random(2)
    for _ in range(200):
        patterns = list({tuple(_letters(chance, 3) for _ in range(chance.choice([1, 1, 2, 3]))) for _ in range(3)})
        truth: dict[tuple[bool, ...], bool] = {}

        def accepts(fits: tuple[bool, ...], truth: dict[tuple[bool, ...], bool] = truth) -> bool:
            return truth.setdefault(fits, chance.random() < 0.5)

        form = form_where(accepts, patterns)
        for _ in range(40):
            text = _letters(chance, 7)
            fits = tuple(bool(re.fullmatch(".*".join(map(re.escape, parts)), text)) for parts in patterns)
            assert bool(form is not None and re.fullmatch(form, text)) == truth[fits], (patterns, form, text)


def _letters(chance: random.Random, most: int) -> str:
    return "".join(chance.choice("ab]^-电") for _ in range(chance.randint(0, most)))


def test_the_reverse_matcher_judges_mentions_alike() -> None:
    chance, rows = random.Random(8), {entry.id: row_of(entry) for entry in entries()}
    for _ in range(20):
        inner = formula(chance)
        try:
            match = compile_match(bound(inner), words)
        except QueryError:
            continue
        assert {known for known, row in rows.items() if match(row)} == expected(inner)


def test_a_mention_of_a_zone_lies_in_its_city() -> None:
    names = NameTable({"regions": [("南昌市", "360100")]}, {"360100": ("369101",)})
    met = compile_match(read_query("提及:{类型:地区 and 南昌市}", names=names, now=NOW).where, words)
    told = {code: met({"mentions": [f"R_ba:{code}"]}) for code in ("360102", "369101", "369401")}
    assert told == {"360102": True, "369101": True, "369401": False}
