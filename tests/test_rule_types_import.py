"""`fengsui rules import`: what comes along from an ElastAlert rule file, what is told by line, and hostile files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import cli
from alerts.elastalert.asked import FieldNames, NotCarried, written
from alerts.elastalert.carry import Carried, carry
from alerts.elastalert.filters import read_filter
from alerts.elastalert.lucene import read_query_string
from alerts.rule_query import RuleQueries, queries_of
from config.lexicon import load_lexicon
from config.rule_yaml import read_yaml
from config.rules import read_rule
from config.settings import PROJECT
from core.errors import ConfigError
from search.query import parse_query

FIRE = """\
name: 充电起火集中
description: 飞线充电易成灾
type: frequency
num_events: 4
timeframe:
  hours: 24
query_key: company
realert: {days: 2}
filter:
- query:
    query_string:
      query: "product: 电动自行车 AND (起火 OR 冒烟) AND NOT 演练"
- term: {channel: weibo}
- range: {level: {gte: 2}}
alert: [email, dingtalk]
aggregation: {hours: 1}
odd_option: 1
"""


def import_rules(*arguments: str) -> int:
    return run("import", *arguments)


def run(*arguments: str) -> int:
    try:
        cli.main(["rules", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def saved(folder: Path, text: str, name: str = "fire.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def queries() -> RuleQueries:
    return queries_of(load_lexicon(PROJECT / "config"))


def carried(text: str, queries: RuleQueries, **mapped: str) -> Carried:
    return carry(read_yaml(text, name="fire.yaml"), "fire", FieldNames(mapped), queries)


def test_a_frequency_rule_comes_along_with_examples_that_the_engine_ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert import_rules(str(saved(tmp_path, FIRE)), "--out", str(out), "--map", "company=企业") == 0
    text = (out / "fire.yml").read_text(encoding="utf-8")
    rule = read_rule(text, stem="fire", name="fire.yml")
    assert rule.title == "充电起火集中"
    assert rule.scope.query == "(产品:电动自行车 and (起火 or 冒烟) and not 演练) and 级别>=2"
    assert rule.condition.model_dump(mode="json", include={"type", "at_least"}) == {"type": "frequency", "at_least": 4}
    assert (rule.group_by, rule.level) == (("firm",), "blue")
    assert str(rule.repeat_after) == "2 days, 0:00:00"
    told = capsys.readouterr().err
    assert "fire.yaml:13: filter[1]: 信号没有字段“channel”" in told
    assert "规则因此比原来宽" in told
    assert "fire.yaml:15: alert: 推送给谁、走什么渠道由 config/routes.yml 决定" in told
    assert "fire.yaml:16: aggregation: 同一事项的发现自动并入一条预警" in told
    assert "fire.yaml:17: odd_option: 不认识的选项" in told
    assert "#   第 13 行 filter[1]：信号没有字段“channel”" in text
    assert run("test", "--rules", str(out)) == 0
    assert "1 条规则，2 个示例，0 个不符" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "type: frequency\nnum_events: 5\ntimeframe: {hours: 4}\nquery_key: 企业",
        "type: frequency\nnum_events: 50\ntimeframe: {minutes: 5}\nquery_key: 来源",
        "type: spike\nspike_height: 3\nspike_type: up\nthreshold_cur: 6\ntimeframe: {minutes: 30}\nquery_key: 类型",
        "type: new_term\nfields: [[产品, 风险]]",
        "type: new_term\nquery_key: [企业, 产品]",
        "type: flatline\nthreshold: 1\ntimeframe: {hours: 6}\nquery_key: 来源",
        "type: flatline\nthreshold: 20\ntimeframe: {minutes: 10}",
        "type: flatline\nthreshold: 2\ntimeframe: {days: 40}",
        "type: metric_aggregation\nmetric_agg_key: level\nmetric_agg_type: sum\nmax_threshold: 10\nquery_key: 产品",
        "type: metric_aggregation\nmetric_agg_key: level\nmetric_agg_type: avg\nmax_threshold: 2.5",
    ],
)
def test_examples_fit_the_windows_that_elastalert_users_write(tmp_path: Path, text: str) -> None:
    """Minutes and hours: documents an hour apart would not fall into one window."""
    out = tmp_path / "out"
    assert import_rules(str(saved(tmp_path, f"name: 规则名\n{text}\n")), "--out", str(out)) == 0
    assert run("test", "--rules", str(out)) == 0


def test_nothing_that_exists_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "fire.yml").write_text("mine", encoding="utf-8")
    assert import_rules(str(saved(tmp_path, FIRE)), "--out", str(out)) == 1
    assert (out / "fire.yml").read_text(encoding="utf-8") == "mine"
    assert "已存在，没有改动它" in capsys.readouterr().err


def test_without_a_folder_the_rule_is_printed_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_rules(str(saved(tmp_path, FIRE))) == 0
    assert "condition: {type: frequency, window: 1d, at_least: 4}" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["fire.yaml"]


def test_a_folder_is_imported_whole_and_one_bad_file_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rules" / "deep"
    folder.mkdir(parents=True)
    saved(folder, FIRE)
    saved(folder.parent, "type: [", "broken.yml")
    saved(folder.parent, "name: 静默\ntype: metric_aggregation\n", "metric.yaml")
    assert import_rules(str(folder.parent), "--json", "--out", str(tmp_path / "out")) == 2
    told = {one["file"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert told["deep/fire.yaml"]["rule"] == "deep_fire"
    assert (tmp_path / "out" / "deep_fire.yml").exists()
    assert "broken.yml: line 1: not readable as YAML" in told["broken.yml"]["wrong"]
    assert told["metric.yaml"]["not_carried"][0]["line"] == 2


@pytest.mark.parametrize(
    ("text", "condition", "query"),
    [
        ("type: any\nfilter: [{term: {kind: 投诉}}]", {"type": "any"}, "类型:投诉"),
        (
            "type: blacklist\ncompare_key: product.keyword\nblacklist: [燃气灶, 电动自行车]",
            {"type": "any"},
            "产品:燃气灶 or 产品:电动自行车",
        ),
        (
            "type: whitelist\ncompare_key: product\nignore_null: true\nwhitelist: [燃气灶]",
            {"type": "any"},
            "产品:* and not 产品:燃气灶",
        ),
        (
            "type: spike\nspike_height: 3\nspike_type: up\nthreshold_cur: 6\ntimeframe: {days: 3}",
            {"type": "spike", "window": "P3D", "at_least": 6, "ratio": 3.0, "history": 1, "places": 1},
            "",
        ),
        (
            "type: new_term\nfields: [[企业, 风险]]\nterms_window_size: {days: 90}",
            {"type": "new_term", "window": "P7D", "at_least": 1, "lookback": "P90D"},
            "",
        ),
        (
            "type: cardinality\ncardinality_field: source\nmax_cardinality: 2\ntimeframe: {hours: 6}",
            {"type": "cardinality", "window": "PT6H", "of": "source", "at_least": 3},
            "",
        ),
        (
            "type: change\ncompare_key: product\nquery_key: 企业\ntimeframe: {days: 9}",
            {"type": "change", "window": "P9D", "of": "product"},
            "",
        ),
        (
            "type: new_term\nfields: product\nterms_window_size: {days: 3}",
            {"type": "new_term", "window": "P3D", "at_least": 1, "lookback": "P3D"},
            "",
        ),
        (
            "type: flatline\nthreshold: 3\ntimeframe: {hours: 6}\nquery_key: source\nforget_keys: true",
            {"type": "flatline", "window": "PT6H", "at_most": 2, "forget_after": "P30D"},
            "",
        ),
        (
            "type: metric_aggregation\nmetric_agg_key: level\nmetric_agg_type: max\nmax_threshold: 2\n"
            "buffer_time: {hours: 1}",
            {"type": "metric", "window": "PT1H", "of": "level", "how": "max", "at_least": 3.0},
            "",
        ),
    ],
)
def test_types_that_ours_can_express(queries: RuleQueries, text: str, condition: dict[str, Any], query: str) -> None:
    rule = carried(f"name: 规则名\n{text}\n", queries).rule
    assert rule is not None
    assert rule.condition.model_dump(mode="json") == condition
    assert rule.scope.query == query


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: 甲", "缺少 type"),
        ("type: nonsense", "类型 nonsense 没有对应的触发条件"),
        ("type: frequency\ntimeframe: {hours: 1}", "缺少 num_events"),
        ("type: frequency\nnum_events: many\ntimeframe: {hours: 1}", "num_events 的值读不懂：many"),
        ("type: frequency\nnum_events: 3\ntimeframe: 5", "timeframe 不是时长"),
        ("type: frequency\nnum_events: 3\ntimeframe: {hours: 9999999}", "timeframe 不是时长"),
        ("type: spike\nspike_height: 3\nspike_type: down\ntimeframe: {hours: 1}", "没有“骤减”"),
        ('type: blacklist\ncompare_key: 产品\nblacklist: ["!file /etc/passwd"]', "blacklist 引用了文件"),
        ("type: new_term\nfields: [username]", "信号没有字段“username”"),
        ("type: new_term\nfields: [企业, 风险]", "逐个字段各判首见"),
        ("type: new_term\nfields: [[企业, 标题]]", "只能判断这些字段"),
        ("type: new_term\nfields: 5", "fields 不是字段名：5"),
        ("type: flatline\nthreshold: 0\ntimeframe: {hours: 1}", "threshold 0 小于 1"),
        ("type: metric_aggregation\nmetric_agg_key: score\nmetric_agg_type: avg\nmax_threshold: 2", "只能求级别的"),
        ("type: percentage_match\nmax_percentage: 5", "用 ratio 条件"),
        ("type: spike_aggregation", "没有按字段数值比较"),
        ("type: any\nis_enabled: false", "规则已停用"),
    ],
)
def test_what_cannot_become_a_rule_is_told(queries: RuleQueries, text: str, told: str) -> None:
    found = carried(text, queries)
    assert found.rule is None
    assert told in found.remarks[0].told


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "unfolds to more than 20000 values"),
        ("type: &a [*a]", "fire.yaml: line 1: nested more than 40 deep"),
        ("type: any\nx: !!python/object/apply:os.system [ls]", "fire.yaml: line 2: the tag"),
        ("type: any\nx: !!binary aGk=", "line 2: the tag"),
        ("type: any\ntype: change", "line 2: type is there twice"),
        ("base: &b {type: any}\n<<: *b", "line 2: merge keys (<<) are not read"),
        ("type: any\n? [a, b]\n: 1", "line 2: a key must be a plain word"),
        ("type: any\nnum_events: " + "9" * 5000, "line 2: '9999"),
        ("x" * 300_000, "longer than 256 KiB"),
        ("[" * 50_000, "nested more than 40 deep"),
        ("- type: any", "expected a mapping of options"),
        ("", "expected a mapping of options"),
        ("type: any\n---\ntype: any", "not readable as YAML"),
        ("type: any\n\tx: 1", "line 2: not readable as YAML"),
        ("type: any\nx: \x00", "not readable as YAML"),
    ],
)
def test_hostile_yaml_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as problem:
        read_yaml(text, name="fire.yaml")
    assert told in str(problem.value)
    assert str(problem.value).startswith("fire.yaml: ")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fire.yaml").write_bytes("name: 起火".encode("gb18030"))
    assert import_rules(str(tmp_path / "fire.yaml")) == 2
    assert "not UTF-8 at byte 6" in capsys.readouterr().err


def test_odd_values_everywhere_are_told_and_raise_nothing(queries: RuleQueries) -> None:
    odd = (
        "1",
        "null",
        "true",
        "[]",
        "{}",
        "[[[]]]",
        "{a: {b: 1}}",
        '"\\uD800\\u0007"',
        "-1",
        "1e999",
        "2026-01-01",
        "''",
    )
    options = ("name", "description", "filter", "realert", "query_key", "num_events", "timeframe", "alert", "priority")
    base = {"name": "规则名", "type": "frequency", "num_events": "3", "timeframe": "{hours: 1}"}
    for option in options:
        for value in odd:
            found = carried("".join(f"{key}: {one}\n" for key, one in {**base, option: value}.items()), queries)
            if found.rule is None:
                assert found.remarks[0].told, (option, value)
            else:
                assert yaml.safe_load(found.yaml())["condition"]["type"] in ("frequency", "any"), (option, value)


def test_a_wrong_map_names_the_accepted_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_rules(str(saved(tmp_path, FIRE)), "--map", "company=公司名") == 2
    assert "expected FIELD=OURS, ours one of 标题" in capsys.readouterr().err


# --- filters ---------------------------------------------------------------------------------------------------------

NAMES = FieldNames({"company": "企业"})


@pytest.mark.parametrize(
    ("told", "query"),
    [
        ({"term": {"company": "甲 乙"}}, '企业:"甲 乙"'),
        ({"term": {"company.keyword": {"value": "甲"}}}, "企业:甲"),
        ({"terms": {"kind": ["投诉", "评价"]}}, "类型:投诉 or 类型:评价"),
        ({"range": {"score": {"gt": 0.5, "lte": 0.9}}}, "分数>0.5 and 分数<=0.9"),
        ({"range": {"level": {"from": 2}}}, "级别>=2"),
        ({"exists": {"field": "repost_of"}}, "转载自:*"),
        ({"query": {"wildcard": {"title": "电*车"}}}, "标题:电*车"),
        ({"prefix": {"title": "电(动)"}}, "标题:电\\(动\\)*"),
        ({"match": {"title": "充电 起火"}}, "标题:充电 or 标题:起火"),
        ({"match_phrase": {"title": "充电 起火"}}, '标题:"充电 起火"'),
        (
            {"bool": {"must": [{"term": {"level": 3}}], "must_not": {"term": {"kind": "评价"}}}},
            "级别:3 and not 类型:评价",
        ),
        (
            {
                "bool": {
                    "should": [{"term": {"level": 3}}, {"term": {"level": 4}}],
                    "filter": [{"term": {"kind": "投诉"}}],
                }
            },
            "类型:投诉",
        ),
        ({"or": [{"term": {"level": 3}}, {"not": {"term": {"kind": "投诉"}}}]}, "级别:3 or not 类型:投诉"),
    ],
)
def test_filters_become_queries(told: dict[str, Any], query: str) -> None:
    assert written(read_filter(told, NAMES)) == query
    parse_query(query)


@pytest.mark.parametrize(
    "told",
    [
        {"script": {"source": "1"}},
        {"eql": "any where true"},
        {"regexp": {"title": "a.*"}},
        {"term": {"host": "x"}},
        {"term": {"level": [3]}},
        {"terms": {"level": []}},
        {"range": {"level": {}}},
        {"range": {"event_time": {"gte": "2026-01-01", "time_zone": "+08:00"}}},
        {"bool": {}},
        {"bool": {"should": [{"term": {"level": 1}}] * 3, "minimum_should_match": 2}},
        {"query_string": {"query": 5}},
        {"term": {"level": 1}, "terms": {"level": [1]}},
        [],
        "level:3",
        None,
    ],
)
def test_filters_that_cannot_be_said_say_so(told: Any) -> None:
    with pytest.raises(NotCarried):
        read_filter(told, NAMES)


@pytest.mark.parametrize(
    ("told", "query"),
    [
        ("起火 爆炸", "起火 or 爆炸"),
        ("+起火 -演练 报道", "起火 and not 演练"),
        ("起火 AND 电池 OR 爆炸", "(起火 and 电池) or 爆炸"),
        ("!演练 && 起火", "起火 and not 演练"),
        ('title:("充电 起火" OR 冒烟)', '标题:"充电 起火" or 标题:冒烟'),
        ("level:[2 TO 4] AND score:{0.5 TO *]", "(级别>=2 and 级别<=4) and 分数>0.5"),
        ("level:>=3", "级别>=3"),
        ("_exists_:company", "企业:*"),
        ("company:甲\\:乙", '企业:"甲:乙"'),
        ("title:电*车", "标题:电*车"),
        ("ANDROID", "ANDROID"),
    ],
)
def test_query_strings_become_queries(told: str, query: str) -> None:
    assert written(read_query_string(told, NAMES)) == query
    parse_query(query)


@pytest.mark.parametrize(
    "told", ["", "AND", "a AND", "(a", "a)", '"a', "/a.*/", "a~2", "a^3", "a?b", "level:[1 TO", "nobody:1", "(" * 500]
)
def test_query_strings_that_cannot_be_said_say_so(told: str) -> None:
    with pytest.raises(NotCarried):
        read_query_string(told, NAMES)


BASE = "filter:\n- term: {issue: fire}\nnum_events: 9\n"
CHILD = "import: shared/base.yaml\nname: 起火\ntype: frequency\nnum_events: 3\ntimeframe: {hours: 6}\n"


def test_what_a_rule_imports_comes_along_its_own_words_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shared").mkdir()
    saved(tmp_path / "shared", BASE, "base.yaml")
    own = saved(tmp_path, CHILD + "filter:\n- term: {level: 2}\n")
    assert import_rules(str(own), "--out", str(tmp_path / "out")) == 0
    rule = read_rule((tmp_path / "out" / "fire.yml").read_text(encoding="utf-8"), stem="fire", name="fire.yml")
    assert (rule.condition.type, getattr(rule.condition, "at_least", 0)) == ("frequency", 3)
    assert "风险:fire" in rule.scope.query
    assert "级别" in rule.scope.query


@pytest.mark.parametrize(
    ("imported", "base", "said"),
    [
        ("nowhere.yaml", BASE, "读不出"),
        ("../outside.yaml", BASE, "文件夹之外"),
        ("base.yaml", "import: base.yaml\n", "引用回来"),
        ("{a: 1}", BASE, "应为文件名"),
    ],
)
def test_a_rule_whose_import_cannot_be_read_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], imported: str, base: str, said: str
) -> None:
    saved(tmp_path, base, "base.yaml")
    saved(tmp_path.parent, base, "outside.yaml")
    own = saved(tmp_path, CHILD.replace("shared/base.yaml", imported))
    assert import_rules(str(own), "--out", str(tmp_path / "out")) == 1
    told = capsys.readouterr()
    assert "fire.yaml:1: import" in told.out + told.err
    assert said in told.out + told.err
    assert not (tmp_path / "out").exists()
