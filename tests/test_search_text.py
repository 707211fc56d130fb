"""Tokens, marks, bars and output: the parts both backends share."""

from datetime import UTC, datetime, timedelta

import pytest

from config.lexicon import load_lexicon
from config.settings import PROJECT
from core.records import Analysis, Document, Kind, Mention, MentionType, Signal
from search.backend import SearchRequest, Sort
from search.fields import BY_NAME, FIELDS
from search.histogram import DAY, HOUR, MINUTE, WEEK, choose_bars, fill
from search.marking import mark, marker, snippet
from search.query import read_query
from search.records import entry_of, millis, row_of, shown, with_ancestors
from search.results import query_json
from search.text import _fold_character, fold, grams_of, phrase_term, word_terms, words_of
from search.where import Phrase, TextLeaf, WildText, Words
from tests.search_documents import NAMES, NOW, entry, words


def test_folding_keeps_every_offset() -> None:
    text = "ＧＢ１７７６１（İſ㎏）Ａ"
    assert fold(text) == "gb17761(i̇ſ㎏)a".replace("i̇", "İ").replace("ſ", "s")
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("电动车", ["电", "动", "车"]),
        ("起火，3人", ["起", "火", "3", "人"]),
        ("GB17761-2018标准", ["gb17761", "2018", "标", "准"]),
        ("𠮷野家🔥ABC한국", ["𠮷", "野", "家", "abc", "한", "국"]),
        ("!!!", []),
        ("a" * 100, ["a" * 64]),
    ],
)
def test_every_character_is_a_gram(text: str, grams: list[str]) -> None:
    assert grams_of(text) == grams


def test_folding_leaves_no_character_out() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    assert fold(every) == "".join(map(_fold_character, every))


@pytest.mark.parametrize(
    ("text", "grams"),
    [("电动车", ("电", "动", "车")), ("火", ("火",)), ("起火3人", ("起", "火", "3", "人")), ("x7", ("x7",))],
)
def test_a_phrase_is_its_grams_in_a_row(text: str, grams: tuple[str, ...]) -> None:
    term = phrase_term(text)
    assert term is not None
    assert term.grams == grams


def test_words_hold_no_blank_and_no_punctuation() -> None:
    assert words_of("Ａ B，c", lambda text: [text]) == ["a", "b,c"]
    assert [term.word for term in word_terms("起火 起火", words)] == ["起火"]


def test_marks_are_offsets_into_the_text_as_stored() -> None:
    title = "ＧＢ17761：电动自行车起火，3人受伤"
    pattern = marker([Words("gb17761 电动自行车"), Phrase("起火3人")], "title", words)
    marked = mark(title, pattern)
    assert [title[start:end] for start, end in marked.spans] == ["ＧＢ17761", "电动自行车"]
    assert [title[s:e] for s, e in mark(title, marker([Phrase("起火，3人")], "title", words)).spans] == ["起火，3人"]
    assert mark(title, marker([WildText(("电动", ""), ("body",))], "title", words)).spans == ()


def test_a_snippet_shows_the_place_with_most_marks() -> None:
    body = "无关。" * 100 + "电池起火" + "，" * 10 + "起火" + "无关。" * 100
    shown_part = snippet(body, marker([Words("起火")], "body", words))
    assert shown_part.text.startswith("…")
    assert shown_part.text.endswith("…")
    assert [shown_part.text[start:end] for start, end in shown_part.spans] == ["起火", "起火"]
    assert len(shown_part.text) <= 122


def test_a_text_full_of_marks_is_shown_where_they_are_densest() -> None:
    body = "起火。。。" * 20_000 + "起火，" * 25 + "无关的话。" * 20_000
    shown_part = snippet(body, marker([Words("起火")], "body", words))
    assert shown_part.text.count("起火，") > 20


def test_a_word_with_wildcards_is_marked_where_it_says_something() -> None:
    title = "某小区电动车电池起火，recalled"
    for parts, shown_part in (
        (("", "电池"), "电池"),
        (("电动", ""), "电动"),
        (("", "call", ""), "call"),
        (("电动", "池"), "电动车电池"),
    ):
        spans = mark(title, marker([WildText(parts)], "title", words)).spans
        assert [title[start:end] for start, end in spans] == [shown_part]


@pytest.mark.parametrize("sign", ["火", "a", "火a", "1，", "火 "])
def test_a_text_of_one_sign_over_and_over_is_marked_at_once(sign: str) -> None:
    body = sign * (100_000 // len(sign))
    leaves: list[TextLeaf] = [
        WildText(("火", "y")),
        WildText(("", *"aaaaaa", "b")),
        Phrase(f"{'火 ' * 900}y"),
        Words("火a"),
    ]
    assert len(snippet(body, marker(leaves, "body", words)).text) <= 122


def test_a_snippet_without_marks_is_the_beginning() -> None:
    assert snippet("短文\n第二行", None).text == "短文 第二行"


@pytest.mark.parametrize(
    ("span", "width"),
    [
        (timedelta(minutes=30), MINUTE),
        (timedelta(hours=4), 5 * MINUTE),
        (timedelta(hours=12), 15 * MINUTE),
        (timedelta(days=2), HOUR),
        (timedelta(days=7), 3 * HOUR),
        (timedelta(days=14), 6 * HOUR),
        (timedelta(days=59), DAY),
        (timedelta(days=400), WEEK),
        (timedelta(days=3650), 9 * WEEK),
    ],
)
def test_bars_are_the_finest_that_fit(span: timedelta, width: int) -> None:
    last = millis(NOW)
    bars = choose_bars(last - int(span.total_seconds() * 1000), last)
    assert bars.width == width
    assert bars.count <= 60


def test_days_and_weeks_begin_at_midnight_in_beijing() -> None:
    day = choose_bars(millis(NOW), millis(NOW), timedelta(days=1))
    week = choose_bars(millis(NOW), millis(NOW), timedelta(weeks=1))
    assert fill(day, {}).bars[0].start == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert fill(week, {}).bars[0].start == datetime(2026, 11, 22, 16, tzinfo=UTC)


def test_bars_of_centuries_begin_no_earlier_than_the_calendar() -> None:
    """One signal with an invented date must not stop every page."""
    bars = fill(choose_bars(millis(datetime(2, 1, 1, tzinfo=UTC)), millis(datetime(9999, 1, 1, tzinfo=UTC))), {}).bars
    assert bars[0].start == datetime(1, 1, 1, tzinfo=UTC)
    assert len(bars) <= 60


def test_a_width_that_would_draw_thousands_of_bars_is_not_kept() -> None:
    bars = choose_bars(0, millis(NOW), timedelta(minutes=1))
    assert bars.count <= 60


def test_a_region_is_found_by_all_that_contain_it() -> None:
    assert with_ancestors(["360703", "360000"]) == ("360000", "360700", "360703")
    assert with_ancestors(["360703001"]) == ("360000", "360700", "360703", "360703001")


def test_a_development_zone_is_found_by_its_city() -> None:
    regions = load_lexicon(PROJECT / "config").regions
    assert with_ancestors(["369104"], regions) == ("360000", "360100", "360121", "369104")


def test_orders_hold_time_then_id_and_survive_odd_times() -> None:
    early, late = row_of(entry("a", day=-1)), row_of(entry("a", day=0))
    assert early["time_order"] < late["time_order"] < row_of(entry("b", level=1, day=-9))["level_order"]
    ancient = row_of(entry("c", event_time=datetime(1900, 1, 1, tzinfo=UTC)))
    assert 0 <= ancient["time_order"] < 1 << 18


def test_a_signal_is_indexed_masked_with_its_ids_and_places() -> None:
    document = Document(
        "d1", "hot_list", Kind.HOTLIST, "https://a/?utm=1", "https://a/", "张三 13800000000", "原文",
        NOW, NOW, NOW, NOW, 3, "h", withdrawn_at=NOW, flags=("date_guessed",),
    )  # fmt: skip
    analysis = Analysis(
        True,
        3,
        0.9,
        "ebike",
        None,
        "360703",
        (Mention(0, 1, "火", MentionType.ISSUE, "fire", negated=True),) * 2,
        (Mention(0, 1, "厂", MentionType.ENTERPRISE, "ENT0001"),),
        ("fire",),
        ("battery", "ebike"),
        (),
        ("360100",),
        (),
        "张某",
        "正文",
    )
    found = entry_of(Signal(document, analysis), words)
    assert (found.title, found.body, found.url) == ("张某", "正文", "https://a/")
    assert found.products == ("ebike", "battery")
    assert found.territory == ("360000", "360700", "360703")
    assert (found.version, found.withdrawn) == (3, True)
    assert entry_of(Signal(document, analysis), words, version=7).version == 7
    assert (found.tier, found.mentions) == (3, ("E_ta", "E_ta:ENT0001", "I_bd", "I_bd:fire"))
    assert entry_of(Signal(document, analysis), words, tier_of={"hot_list": 4}).tier == 4
    public = shown(row_of(found))
    assert "mentions" not in public
    assert public["event_time"] == NOW
    assert "body_grams" not in public


def test_names_of_fields_are_told_apart() -> None:
    assert len(BY_NAME) == sum(1 + len(field.aliases) for field in FIELDS)


def test_every_example_of_the_field_table_is_a_query() -> None:
    for field in FIELDS:
        for name in (field.name, *field.aliases):
            assert read_query(f"{name}:{field.example}", names=NAMES, now=NOW).warnings == ()


def test_a_query_as_json_says_valid_or_where_it_is_not() -> None:
    assert query_json("levl:3", names=NAMES, now=NOW) == {
        "query": "levl:3",
        "valid": True,
        "tree": {"is": ["levl", "3"]},
        "free_text": False,
        "warnings": ["没有“levl”这个字段，此条件不会命中；是不是 level"],
    }
    answer = query_json("级别:", names=NAMES, now=NOW)
    assert answer["valid"] is False
    assert answer["error"]["column"] == 4


@pytest.mark.parametrize("bad", [{"size": 1001}, {"offset": 9_990}, {"after": 1, "sort": Sort.RELEVANCE}, {"size": -1}])
def test_a_page_nobody_can_serve_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"size|offset|after"):
        SearchRequest(**bad)  # type: ignore[arg-type]
