"""Rules that ask in the desk's query language: what is refused, what they count; nothing but the signal decides."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import cli
from alerts.cards import card_of
from alerts.engine import AlertEngine
from alerts.rule_examples import ACK_HOURS, run_examples, signals_of
from alerts.rule_query import RuleQueries, queries_of
from alerts.rule_words import rule_words
from alerts.setup import EngineParts, load_file_rules
from config.grouping import load_grouping
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.rules import ExampleDocument, Rule
from config.settings import PROJECT
from core.errors import ConfigError
from core.records import RegistryEntry
from search.match import compile_match
from search.names import NO_NAMES
from search.prefilter import Prefilter
from search.query import QueryError, read_query
from search.records import entry_of, row_of
from store.alert_log import findings_of_alert, list_alerts
from store.database import Store
from store.schema import findings

CONFIG = PROJECT / "config"
BIKE = {"product": "ebike", "issues": ["fire"], "jurisdiction": "360702", "level": 2}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon(CONFIG)


@pytest.fixture(scope="module")
def firms() -> tuple[RegistryEntry, ...]:
    return load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")


@pytest.fixture(scope="module")
def queries(lexicon: Lexicon, firms: tuple[RegistryEntry, ...]) -> RuleQueries:
    return queries_of(lexicon, firms)


def rule(query: str, **more: Any) -> Rule:
    scope = {"query": query, **more.pop("scope", {})}
    content = {"title": "检索规则", "why": "用于测试", "level": "yellow", "condition": {"type": "any"}, "scope": scope}
    return Rule.model_validate({"id": "asked", **content, **more})


FILE = """
title: 楼道充电起火
why: 用于测试
scope: {query: 'QUERY'}
condition: {type: any}
level: yellow
examples:
  fires: [[{title: 电瓶车楼道充电起火, text: 夜里两点楼道里冒烟, product: ebike, issues: [fire], level: 2}]]
  quiet: [[{title: 电瓶车楼道充电起火, text: 记者走访, product: ebike, issues: [fire], level: 2}]]
"""


def one_file(folder: Path, query: str) -> Path:
    (folder / "stairs.yml").write_text(FILE.replace("QUERY", query), encoding="utf-8")
    return folder


def fengsui(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return int(ended.value.code or 0)


# --- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "column", "told"),
    [
        ("起火 and (", 9, "查询到此中断"),
        ("起火 and 产吕:电动自行车", 8, "没有“产吕”这个字段"),
        ("not 厂家>=3", 5, "没有“厂家”这个字段"),
        ("a or nested:{b:c}", 6, "没有“nested”这个字段"),
        ("起火 and 时间>=now-7d/d", 12, "不能用相对时间“now-7d/d”"),
        ("时间:(今天 or 2026-11-01)", 5, "不能用相对时间“今天”"),
        ("入库时间<2026-01-01||/M and 时间>now", 28, "不能用相对时间“now”"),
        ("时间:某天", 4, "的值应为日期"),
        ("产品:电动自行东", 4, "没有“电动自行东”这个产品，此规则永远不会触发"),
        ("风险:(起火 or 起伙)", 11, "没有“起伙”这个风险问题"),
        ("属地:火星市", 4, "没有“火星市”这个属地"),
        ("类型:传闻", 4, "没有“传闻”这个类型"),
        ("级别:很高", 4, "的值应为整数"),
        ("*", 1, "命中所有信号"),
    ],
)
def test_what_would_make_a_rule_silent_is_a_mistake_with_its_place(
    queries: RuleQueries, query: str, column: int, told: str
) -> None:
    with pytest.raises(QueryError) as problem:
        queries.read(rule(query).scope)
    assert (problem.value.column, told in problem.value.message) == (column, True), problem.value.message


@pytest.mark.parametrize(
    "query",
    ["时间>=2026-11-01", "时间:2026-11", "起火 产品:电动自行车", "*:起火", "product*:ebike", "企业:没听过的厂",
     "产品:ebike and 属地:360702", "类型:(投诉 or news)", "来源:*"],
)  # fmt: skip
def test_what_means_the_same_tomorrow_is_taken(queries: RuleQueries, query: str) -> None:
    queries.read(rule(query).scope)


def test_a_mistake_stops_the_start_like_every_other(tmp_path: Path, lexicon: Lexicon, queries: RuleQueries) -> None:
    text = FILE.replace("QUERY", "起火 and 产吕:x").replace("level: yellow", "level: violet")
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    one_file(tmp_path, "时间>now-1d")
    with pytest.raises(ConfigError) as problem:
        load_file_rules(CONFIG, lexicon, queries, folder=tmp_path)
    first, second = problem.value.mistakes
    assert first.startswith("rules/a.yml: level: ")
    assert second.startswith("rules/stairs.yml: scope.query: column 4: 规则里不能用相对时间“now-1d”")


def test_the_check_names_file_key_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    for part in CONFIG.iterdir():
        if part.name != "rules":
            (config / part.name).symlink_to(part)
    (config / "rules").mkdir()
    one_file(config / "rules", "产吕:x")
    monkeypatch.setenv("FENGSUI_CONFIG", str(config))
    assert fengsui("check", "--data", str(tmp_path / "data")) == 2
    assert "rules/stairs.yml: scope.query: column 1: 没有“产吕”这个字段" in capsys.readouterr().err


def test_a_file_may_not_take_the_name_of_a_rule_of_the_desk(
    tmp_path: Path, lexicon: Lexicon, queries: RuleQueries
) -> None:
    (tmp_path / "desk_1.yml").write_text(FILE.replace("QUERY", "起火"), encoding="utf-8")
    with pytest.raises(ConfigError, match="desk_ belong to rules made on the desk"):
        load_file_rules(CONFIG, lexicon, queries, folder=tmp_path)


def test_examples_and_the_sentence_tell_of_the_query(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(one_file(tmp_path, "电动自行车 and 正文:冒烟"))
    assert fengsui("rules", "test", "--rules", folder) == 0
    assert "1 条规则，2 个示例，0 个不符" in capsys.readouterr().out
    assert fengsui("rules", "list", "--rules", folder) == 0
    assert "符合检索语句“电动自行车 and 正文:冒烟”" in capsys.readouterr().out
    assert fengsui("rules", "test", "--rules", str(one_file(tmp_path, "电动自行车 and 正文:爆炸"))) == 1
    assert "examples.fires.0: 应触发，未触发" in capsys.readouterr().out


def test_the_example_of_the_docs_is_a_rule_that_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = (PROJECT / "docs" / "rules.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "stairs.yml").write_text(written, encoding="utf-8")
    assert fengsui("rules", "test", "--rules", str(tmp_path)) == 0
    assert "1 条规则，2 个示例，0 个不符" in capsys.readouterr().out


def test_rules_without_a_query_keep_their_version() -> None:
    """Findings of installed systems are known by it."""
    words = {"title": "旧规则", "why": "测试", "level": "red", "condition": {"type": "any"}}
    assert Rule.model_validate({"id": "a", **words}).version == "1ed636c2"


def test_synonyms_are_part_of_the_question(lexicon: Lexicon, queries: RuleQueries) -> None:
    story = [ExampleDocument.model_validate({**BIKE, "title": "小区里的电瓶车"})]
    with_them, without = rule("电动自行车"), rule("电动自行车", scope={"synonyms": False})
    assert fired([with_them], story, lexicon, queries) == ["asked"]
    assert fired([without], story, lexicon, queries) == []
    assert "不含同义词" in rule_words(without, lexicon)
    assert with_them.version != without.version


# --- judging ----------------------------------------------------------------------------------------------------


def engine_with(rules: Sequence[Rule], lexicon: Lexicon, queries: RuleQueries) -> AlertEngine:
    parts = EngineParts(tuple(rules), lexicon, load_grouping(CONFIG), lambda _: None, ACK_HOURS, None, queries)
    return parts.engine()


def fired(rules: Sequence[Rule], story: Sequence[ExampleDocument], lexicon: Lexicon, queries: RuleQueries) -> list[str]:
    """Ids of the rules that fire on a story."""
    engine = engine_with(rules, lexicon, queries)
    return sorted({hit for signal in signals_of(story) for hit in card_of(signal, engine.view).rules})


def told(at: float, title: str, **more: Any) -> ExampleDocument:
    return ExampleDocument.model_validate({"at": at, "title": title, **BIKE, **more})


WINDOWS: Mapping[str, dict[str, Any]] = {
    "any": {"condition": {"type": "any"}},
    "frequency": {"condition": {"type": "frequency", "window": "24h", "at_least": 3}, "group_by": ["all"]},
    "spike": {"condition": {"type": "spike", "window": "24h", "at_least": 3, "ratio": 2}, "group_by": ["product"]},
    "new_term": {"condition": {"type": "new_term", "window": "7d", "at_least": 1, "lookback": "30d"},
                 "group_by": ["product", "county"]},
}  # fmt: skip


@pytest.mark.parametrize("kind", WINDOWS)
def test_every_condition_counts_what_the_query_finds(kind: str, lexicon: Lexicon, queries: RuleQueries) -> None:
    mine = [told(n, f"电动自行车充电起火第{n}起") for n in range(3)]
    others = [told(n, f"电动自行车刹车失灵第{n}起", issues=["defect"]) for n in range(3)]
    examples = {"fires": [mine], "quiet": [others]}
    asked = rule("充电起火 and 产品:电动自行车 and 属地:赣州市", examples=examples, **WINDOWS[kind])
    grouping = load_grouping(CONFIG)
    runs = run_examples(asked, lexicon=lexicon, grouping=grouping, registry=lambda _: None, queries=queries)
    assert [(run.expected, run.told) for run in runs if not run.passed] == []
    assert "检索语句“充电起火 and" in runs[0].came[0]


def test_other_keys_of_the_scope_narrow_too(lexicon: Lexicon, queries: RuleQueries) -> None:
    asked = rule("起火", scope={"kinds": ["complaint"], "min_level": 2})
    assert fired([asked], [told(0, "充电起火", kind="complaint")], lexicon, queries) == ["asked"]
    assert fired([asked], [told(0, "充电起火", kind="news")], lexicon, queries) == []
    assert fired([asked], [told(0, "充电起火", kind="complaint", level=1)], lexicon, queries) == []
    assert fired([asked], [told(0, "充电起火", kind="complaint", level=0)], lexicon, queries) == []


def outcome(engine: AlertEngine, signals: Sequence[Any], folder: Path) -> set[tuple[Any, ...]]:
    store = Store(f"sqlite:///{folder}")
    store.migrate()
    for signal in signals:
        with store.write() as db:
            engine.judge(db, signal, now=signal.document.event_time + timedelta(days=2))
    with store.read() as db:
        standing = select(findings.c.rule, findings.c.id).where(findings.c.withdrawn_at.is_(None))
        found: set[tuple[Any, ...]] = {tuple(row) for row in db.execute(standing)}
        found |= {
            (a.subject, a.level, a.title, a.first_at, a.documents, tuple(f.id for f in findings_of_alert(db, a.id)))
            for a in list_alerts(db)
        }
    store.close()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_changes_nothing(
    seed: int, tmp_path: Path, lexicon: Lexicon, queries: RuleQueries
) -> None:
    rules = [
        rule("充电起火 and not 演练", **more).model_copy(update={"id": f"asked_{kind}"})
        for kind, more in WINDOWS.items()
    ]
    story = [told(5 * n, f"电动自行车充电起火第{n}起", source=f"s{n % 3}", places=["360702"]) for n in range(12)]
    story += [told(7 * n, f"充电起火演练第{n}次") for n in range(5)]
    signals = signals_of(story)
    engine = engine_with(rules, lexicon, queries)
    expected = outcome(engine, signals, tmp_path / "a.db")
    shuffled = list(signals)
    random.Random(seed).shuffle(shuffled)
    assert outcome(engine, shuffled, tmp_path / "b.db") == expected
    assert {row[0] for row in expected} >= {f"asked_{kind}" for kind in WINDOWS}


# --- many queries -----------------------------------------------------------------------------------------------

PIECES = (
    "起火", "充电", "电池", "爆炸", "刹车", '"充电起火"', "火", "产品:ebike", "风险:fire", "级别>=2", "类型:投诉",
    "正文:冒烟", "属地:360700", "标题:电*", "not 起火", "is_risk:true", "来源:*", "电瓶车",
    "信源层级:3", "提及:{类型:产品}", "标题:(电池 or 爆炸)",
)  # fmt: skip


def some_queries(chance: random.Random, count: int) -> list[str]:
    found = []
    for _ in range(count):
        parts = [chance.choice(PIECES) for _ in range(chance.randint(1, 4))]
        joined = parts[0]
        for part in parts[1:]:
            joined = f"({joined}) {chance.choice(['and', 'or'])} {part}"
        found.append(joined)
    return found


def test_the_first_look_never_loses_a_hit(lexicon: Lexicon, queries: RuleQueries) -> None:
    chance = random.Random(5)
    now = datetime.fromisoformat("2026-11-23T00:00:00+00:00")
    asked = {
        text: read_query(text, names=NO_NAMES, now=now, synonyms=lexicon.synonyms).where
        for text in some_queries(chance, 400)
    }
    first = Prefilter(asked, queries.words)
    matches: dict[str, Callable[[Any], bool]] = {t: compile_match(w, queries.words) for t, w in asked.items()}
    words = ["电动车", "充电", "起火", "电池", "爆炸", "刹车", "冒烟", "火灾", "电瓶车", "小区", "。"]
    hits = skipped = 0
    for _ in range(60):
        title, body = ("".join(chance.choices(words, k=k)) for k in (4, 12))
        document = told(0, title, text=body, kind=chance.choice(["news", "complaint"]))
        [signal] = signals_of([document])
        row = row_of(entry_of(signal, queries.words))
        candidates = first.candidates(row)
        met = {text for text, match in matches.items() if match(row)}
        assert met <= candidates
        hits, skipped = hits + len(met), skipped + len(asked) - len(candidates)
    assert hits > 1000
    assert skipped > 1000
