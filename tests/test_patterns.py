"""A regular expression that an operator writes is held to a bound wherever one can be written: the classic ones without
end are refused when the file is read, or answer at once on a text made for them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from config.channels import ChannelConfig
from config.lexicon import load_lexicon
from config.settings import PROJECT
from config.source_parts import Pick
from config.sources import parse_source
from core.errors import ConfigError
from core.patterns import PatternRefused, bounded, first_found, linear, ways_of
from crawlers.pick import json_of, pick_one
from tests.hostile.texts import PATTERNS

CLASSIC = (
    *PATTERNS, "(?:a|aa)+$", "^(\\w+)*$", "(?:[a-z]{1,9}){1,9}!", ".*.*.*=.*", "a*a*a*a*c", "(?=(a+)+$)b", "x*y",
    "^(?:a?){30}a{30}$", "(?:a|b|ab)*c", "\\s+$ ", "(?:(?:a{0,9}){0,9}){0,9}!", "[^x]+x", "(?(1)a|b)",
)  # fmt: skip
KILLERS = ("a" * 30_000 + "!", "ab" * 15_000, " " * 30_000 + "x", "aaaa " * 6_000)
SOON = 5.0
"""Seconds for four texts; what has no bound would take years. A loaded machine takes 0.3."""


def timed(do: Callable[[], object]) -> None:
    began = time.process_time()
    do()
    assert time.process_time() - began < SOON


@pytest.mark.parametrize("pattern", CLASSIC, ids=lambda text: repr(text)[:40])
def test_a_pattern_of_a_lexicon_is_bounded_or_refused(pattern: str) -> None:
    try:
        compiled = bounded(pattern)
    except PatternRefused:
        return
    timed(lambda: [compiled.search(text) for text in KILLERS])


@pytest.mark.parametrize("pattern", CLASSIC, ids=lambda text: repr(text)[:40])
def test_a_pattern_of_a_source_is_linear_or_refused(pattern: str) -> None:
    try:
        linear(pattern)
    except PatternRefused:
        return
    timed(lambda: [first_found(pattern, text * 10, "s") for text in KILLERS])


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+$", "没有上限"),
        ("(?:a|a){1,30}b", "种读法"), ("(?i)(?:ab|AB){0,25}c", "种读法"), ("(?:ıb|Ib){0,25}c", "种读法"),
        ("(a)\\1", "引用"), ("[^。]*起火", "没有上限"), ("(", "不是可用"),
        ("a" * 1001, "过长"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_to_write_instead(pattern: str, why: str) -> None:
    with pytest.raises(PatternRefused, match=why):
        bounded(pattern)


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("起火", 1),
        ("ignit\\w+", 1),
        ("[^。]{0,9}火", 10),
        ("(?:甲|乙)(?:丙|丁)", 1),
        ("(?:[甲乙]丙|[甲丁]丙丙)", 2),
        ("(?<!不)合格", 1),
    ],
)
def test_ways_are_counted_as_a_reader_would(pattern: str, ways: int) -> None:
    assert ways_of(pattern) == ways


def _config(tmp_path: Path) -> Path:
    """A config folder of the project's own lexicons."""
    (tmp_path / "lexicons").mkdir()
    for path in (PROJECT / "config" / "lexicons").iterdir():
        (tmp_path / "lexicons" / path.name).symlink_to(path)
    for path in (PROJECT / "config").glob("*.yml"):
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own_more.yaml", {"issues": [{"id": "fire", "patterns": ["(烧+)+火", "(?:a|b|ab)*c"]}]}),
        ("cues.yaml", {"article": {"drill": {"patterns": ["(演+)+练"]}}}),
        ("level_card.yaml", {"severity": {2: {"patterns": ["(伤+)+亡"]}}}),
    ],
)
def test_a_lexicon_with_one_is_refused_naming_the_file(tmp_path: Path, name: str, content: object) -> None:
    config = _config(tmp_path)
    file = config / "lexicons" / name
    file.unlink(missing_ok=True)
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"patterns: “.*没有上限") as refused:
        load_lexicon(config)
    assert any(mistake.startswith(f"{name}: ") for mistake in refused.value.mistakes)


JSON = {"family": "json_api", "title": "甲", "kind": "news", "every": "1h", "list_url": "https://a.example/x"}


def source_of(pattern: str) -> object:
    """A source with the pattern at each of its five places."""
    picked = {"path": "t", "regex": pattern}
    api = {**JSON, "unwrap": pattern, "filter": {"t": pattern}, "lookup": {"regex": pattern, "url": "/{found}"}}
    parse_source("k", {**api, "map": {"title": picked, "id": "id", "url": "l", "published": "d"}})
    listing = {**JSON, "family": "html_list", "item": "li", "link": "a", "accept": pattern}
    return parse_source("k", listing)


def test_a_source_takes_a_pattern_at_five_places_and_refuses_what_is_none() -> None:
    source_of("(a+)+$")
    with pytest.raises((ValidationError, ConfigError), match="不是可用的正则表达式") as refused:
        source_of("(?=a)b")
    assert str(refused.value).count("不是可用的正则表达式") == 4
    with pytest.raises((ValidationError, ConfigError), match="accept"):
        parse_source("k", {**JSON, "family": "html_list", "item": "li", "link": "a", "accept": "(?<=a)b"})


def test_what_a_source_s_pattern_looks_at_is_read_once() -> None:
    picked = Pick.model_validate({"path": "t", "regex": "((a+)+)$"})
    timed(lambda: pick_one(picked, {"t": KILLERS[0]}))
    with pytest.raises(ValueError, match="unwrap"):
        json_of("{" * 100_000, "var x = (({+)+);")
    assert json_of('var x = {"a":\n1};', r"var x = (\{.*\});") == {"a": 1}
    assert pick_one(picked, {"t": "b aa"}) == "aa"
    assert first_found("(x)?火", "\ud800火") == ""


def test_a_gateway_s_pattern_of_success_is_linear() -> None:
    given = {"kind": "sms", "title": "短信", "address": "https://a.example/{phone}/{text}", "ok": "(a+)+$"}
    ChannelConfig.model_validate(given)
    with pytest.raises(ValidationError, match="不是可用的正则表达式"):
        ChannelConfig.model_validate({**given, "ok": "(?=a)b"})
