"""Words for the same thing: a search for one finds the others and marks them; quotes and the switch leave them out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.lexicon import load_lexicon
from search.backend import Hit, SearchRequest
from search.embedded import EmbeddedBackend
from search.query import NO_SYNONYMS, Synonyms, read_query
from tests.search_documents import NAMES, NOW, entry, words

CONFIG = Path(__file__).resolve().parent.parent / "config"
TEXTS = {
    "a": ("某小区电动自行车起火", "车棚内一辆电动自行车充电时起火。"),
    "b": ("某小区电瓶车起火", "一辆电瓶车充电时冒烟。"),
    "c": ("小电驴自燃", "骑手的小电驴停在路边。"),
    "d": ("移动电源召回", "某品牌移动电源存在起火风险。"),
    "e": ("充电宝冒烟", "旅客的充电宝冒烟。"),
    "f": ("煤气灶漏气", "老旧煤气灶漏气，消防到场；旁边停着电动车。"),
    "g": ("电动车间检修", "某厂装配车间检修。"),  # holds the characters of 电动车
    "h": ("天气", "今天有雨。"),
}


@pytest.fixture(scope="module")
def synonyms() -> Synonyms:
    return load_lexicon(CONFIG).synonyms


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBackend]:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("index"), words)
    backend.index([entry(known, title, body) for known, (title, body) in TEXTS.items()])
    yield backend
    backend.close()


def hits(index: EmbeddedBackend, text: str, synonyms: Synonyms) -> dict[str, Hit]:
    where = read_query(text, names=NAMES, now=NOW, synonyms=synonyms).where
    return {hit.id: hit for hit in index.search(SearchRequest(where)).hits}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("电瓶车", "abcfg"),
        ("电动自行车", "abcfg"),
        ("小电驴", "abcfg"),
        ("电瓶车起火", "ab"),
        ("小区电瓶车起火", "ab"),
        ("电瓶车 起火", "ab"),
        ("起火 or 充电宝", "abde"),
        ("充电宝", "de"),
        ("移动电源 风险", "d"),
        ("标题:电瓶车", "abcg"),
        ("标题:(电瓶车 or 充电宝)", "abcdeg"),
        ("标题:(电瓶车 and not 起火)", "cg"),
        ("正文:电瓶车 and not 标题:电瓶车", "f"),
        ("not 电瓶车", "deh"),
        ("not (电瓶车 or 充电宝)", "h"),
        ("电瓶车 自*", "ac"),
        ("燃气灶", "f"),
        ("燃气灶 电瓶车", "f"),
        ("电动车间", "g"),
        ('"电瓶车"', "b"),
        ("“电瓶车”", "b"),
        ('not "电瓶车"', "acdefgh"),
        ("ＵＮＫＮＯＷＮ", ""),
    ],
)
def test_a_word_finds_its_synonyms(index: EmbeddedBackend, synonyms: Synonyms, text: str, found: str) -> None:
    assert "".join(sorted(hits(index, text, synonyms))) == found


@pytest.mark.parametrize(("text", "found"), [("电瓶车", "b"), ("充电宝", "e"), ("标题:电瓶车", "b")])
def test_without_synonyms_a_word_finds_itself(index: EmbeddedBackend, text: str, found: str) -> None:
    assert "".join(sorted(hits(index, text, NO_SYNONYMS))) == found


def test_the_synonym_that_was_found_is_marked(index: EmbeddedBackend, synonyms: Synonyms) -> None:
    found = hits(index, "电瓶车", synonyms)

    def marked(known: str) -> set[str]:
        parts = found[known].title, found[known].snippet
        return {part.text[start:end] for part in parts for start, end in part.spans}

    assert marked("a") == {"电动自行车"}
    assert marked("b") == {"电瓶车"}
    assert marked("c") == {"小电驴"}
    assert marked("f") == {"电动车"}


def test_what_is_denied_is_not_marked(index: EmbeddedBackend, synonyms: Synonyms) -> None:
    found = hits(index, "起火 and not 充电宝", synonyms)
    assert set(found) == {"a", "b"}
    assert all(hit.title.text[start:end] == "起火" for hit in found.values() for start, end in hit.title.spans)


def test_every_group_of_the_lexicon_works_both_ways(synonyms: Synonyms) -> None:
    for word, others in synonyms.items():
        for other in others:
            assert word in synonyms[other], json.dumps([word, other], ensure_ascii=False)
