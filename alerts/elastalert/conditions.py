"""ElastAlert's rule types as conditions of ours: what each needs, and what of it is lost.

A type that ours cannot express raises NotCarried: a rule that means something else is worse than none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alerts.elastalert.asked import ANYTHING, FieldNames, NotCarried, both, either, has
from alerts.rule_types.options import read_names, read_span
from core.durations import format_duration, parse_duration
from search.query.tree import Is, Node, Not


@dataclass(frozen=True)
class Plan:
    """condition, group_by: as in a rule file.  asked: what the type itself adds to the query.  used: options read.

    lost: (option, what of it is lost).
    """

    condition: Mapping[str, Any]
    group_by: tuple[str, ...]
    used: frozenset[str]
    asked: tuple[Node, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()


@dataclass
class Reader:
    """Reads options and remembers which."""

    told: Mapping[str, Any]
    names: FieldNames
    used: set[str] = field(default_factory=set)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def need(self, option: str, *shapes: type) -> Any:
        """An option that must be there. Raises NotCarried."""
        value = self.may(option, *shapes)
        if value is None:
            raise NotCarried(f"缺少 {option}")
        return value

    def may(self, option: str, *shapes: type) -> Any:
        """An option, None where it is not there. Raises NotCarried where it is something else."""
        value = self.told.get(option)
        if value is None:
            return None
        self.used.add(option)
        if shapes and (not isinstance(value, shapes) or (isinstance(value, bool) and bool not in shapes)):
            raise NotCarried(f"{option} 的值读不懂：{str(value)[:80]}")
        return value

    def span(self, option: str) -> str | None:
        """A span of time in our notation, whole seconds; None where it is not there or nothing."""
        value = self.may(option)
        if value is None:
            return None
        if isinstance(value, Mapping) and value and not any(value.values()):
            return None
        try:
            if not isinstance(value, Mapping):
                raise ValueError
            span = max(read_span(value), timedelta(seconds=1))
        except ValueError:
            raise NotCarried(f"{option} 不是时长：{str(value)[:80]}（形如 hours: 1）") from None
        return format_duration(span)

    def fields(self, option: str) -> tuple[str, ...]:
        """One field or several; none where it is not there."""
        value = self.may(option)
        try:
            return () if value is None else read_names(value)
        except ValueError:
            raise NotCarried(f"{option} 不是字段名：{str(value)[:80]}") from None

    def loses(self, option: str, why: str) -> None:
        """Note what of an option is lost, if it is there."""
        if self.may(option) not in (None, False):
            self.lost.append((option, why))

    def plan(self, condition: Mapping[str, Any], group_by: tuple[str, ...], *asked: Node) -> Plan:
        """What was read, as a plan."""
        return Plan(condition, group_by, frozenset(self.used), asked, tuple(self.lost))


def plan_of(told: Mapping[str, Any], names: FieldNames) -> Plan:
    """How a rule is carried over. Raises NotCarried where it cannot be."""
    kind = told.get("type")
    if not isinstance(kind, str):
        raise NotCarried("缺少 type")
    if kind in _BY_HAND:
        raise NotCarried(_BY_HAND[kind])
    if kind not in _TYPES:
        raise NotCarried(f"类型 {kind[:40]} 没有对应的触发条件（能带入：{'、'.join(_TYPES)}）")
    return _TYPES[kind](Reader(told, names, {"type"}))


_GROUPS = {
    "产品": "product",
    "风险": "issue",
    "地区": "county",
    "属地": "county",
    "企业": "firm",
    "来源": "source",
    "类型": "kind",
}
_FACTS = {"企业": "firm", "产品": "product", "风险": "issue", "来源": "source", "地区": "place", "属地": "place"}


def _grouped(reader: Reader) -> tuple[str, ...]:
    """query_key as group_by; fields we do not group by count together, and are told."""
    groups: list[str] = []
    for name in reader.fields("query_key"):
        try:
            groups.append(_GROUPS[reader.names.label(name)])
        except (NotCarried, KeyError):
            told = f"不能按 {name[:40]} 分组计数（能：{'、'.join(_GROUPS)}），改为合在一起计"
            reader.lost.append(("query_key", told))
    return tuple(dict.fromkeys(groups)) or ("all",)


def _any(reader: Reader) -> Plan:
    reader.loses("query_key", "每条信号各自触发，重复的并入同一事项")
    return reader.plan({"type": "any"}, ("matter",))


def _listed(reader: Reader, option: str) -> tuple[str, Node]:
    name = reader.need("compare_key", str)
    values = reader.need(option, list)
    if any(isinstance(value, str) and value.startswith("!file") for value in values):
        raise NotCarried(f"{option} 引用了文件（!file）；请把其中的值写进规则再导入")
    if not 0 < len(values) <= 200:
        raise NotCarried(f"{option} 要 1 至 200 个值")
    return name, either([has(reader.names, name, value) for value in values])


def _blacklist(reader: Reader) -> Plan:
    _, listed = _listed(reader, "blacklist")
    reader.loses("query_key", "每条信号各自触发，重复的并入同一事项")
    return reader.plan({"type": "any"}, ("matter",), listed)


def _whitelist(reader: Reader) -> Plan:
    name, listed = _listed(reader, "whitelist")
    asked = [Not(listed)]
    if reader.may("ignore_null", bool):
        asked.insert(0, both([Is(reader.names.value(name), ANYTHING)]))  # type: ignore[arg-type]
    reader.loses("query_key", "每条信号各自触发，重复的并入同一事项")
    return reader.plan({"type": "any"}, ("matter",), *asked)


def _frequency(reader: Reader) -> Plan:
    least, window = reader.need("num_events", int), _window(reader)
    if least < 2:
        reader.loses("query_key", "每条信号各自触发，重复的并入同一事项")
        return reader.plan({"type": "any"}, ("matter",))
    reader.lost.append(("num_events", "计的是独立来源：转载只算一次"))
    return reader.plan({"type": "frequency", "window": window, "at_least": least}, _grouped(reader))


def _spike(reader: Reader) -> Plan:
    height, kind = reader.need("spike_height", int, float), reader.need("spike_type", str)
    window, least = _window(reader), reader.may("threshold_cur", int, float)
    if reader.may("field_value") is not None:
        raise NotCarried("没有按字段数值的均值比较（field_value）")
    if kind not in ("up", "both"):
        raise NotCarried("没有“骤减”的触发条件（spike_type: down）")
    if height <= 1:
        raise NotCarried(f"spike_height {height} 不大于 1")
    if kind == "both":
        reader.lost.append(("spike_type", "只带入骤增，没有骤减"))
    if least is None or least < 2:
        reader.lost.append(
            ("spike_height", "至少 2 个独立来源才算骤增；原规则没有下限" if least is None else "下限至少为 2")
        )
    reader.loses("threshold_ref", "没有对前一时段的下限")
    reader.loses("alert_on_new_data", "没有历史也判断：此前计 0 个")
    condition = {
        "type": "spike",
        "window": window,
        "at_least": max(2, -int(-(least or 0) // 1)),
        "ratio": float(height),
    }
    return reader.plan({**condition, "history": 1}, _grouped(reader))


def _new_term(reader: Reader) -> Plan:
    told = reader.may("fields")
    entries = told if isinstance(told, list) else [told]
    if len(entries) > 1:
        raise NotCarried("逐个字段各判首见：一个字段（或一组，如 [[企业, 风险]]）写成一个规则文件再导入")
    try:
        fields = reader.fields("query_key") if told is None else read_names(entries[0] if entries else None)
    except ValueError:
        raise NotCarried(f"fields 不是字段名：{str(told)[:80]}") from None
    labels = [reader.names.label(name) for name in fields]
    reader.loses("alert_on_missing_field", "不为缺字段的信号预警")
    if not labels or not set(labels) <= set(_GROUPS):
        raise NotCarried(f"只能判断这些字段或其组合是否首次出现：{'、'.join(_GROUPS)}（fields: [[企业, 风险]]）")
    lookback = reader.span("terms_window_size") or "30d"
    window = "7d" if parse_duration(lookback) > timedelta(days=7) else lookback
    pair = set(labels) == {"企业", "风险"}
    groups = ("matter", "issue") if pair else tuple(dict.fromkeys(_GROUPS[label] for label in labels))
    return reader.plan({"type": "new_term", "window": window, "lookback": lookback}, groups)


def _flatline(reader: Reader) -> Plan:
    least, window = reader.need("threshold", int), _window(reader)
    if least < 1:
        raise NotCarried(f"threshold {least} 小于 1，永远不会触发")
    forget = format_duration(max(timedelta(days=30), 2 * parse_duration(window)))
    reader.lost.append(("threshold", "只数风险信号；时间由入库的文档推进，别的文档也都没有时不判断"))
    reader.loses("forget_keys", f"静默满 {forget} 才忘记")
    condition = {"type": "flatline", "window": window, "at_most": least - 1, "forget_after": forget}
    return reader.plan(condition, _grouped(reader))


_HOW = {"max": "max", "avg": "mean", "sum": "sum"}


def _metric(reader: Reader) -> Plan:
    name, how = reader.need("metric_agg_key", str), _HOW.get(reader.need("metric_agg_type", str))
    if reader.names.label(name) != "级别" or how is None:
        raise NotCarried("只能求级别的最大、平均、合计（max、avg、sum）；伤亡人数请手工写 metric 规则")
    most = reader.need("max_threshold", int, float)
    reader.loses("min_threshold", "不判断低于下限")
    if how == "mean":
        reader.lost.append(("max_threshold", "达到即触发；原规则要超过"))
    condition = {
        "type": "metric",
        "window": reader.span("buffer_time") or "15m",
        "of": "level",
        "how": how,
        "at_least": float(most if how == "mean" else most // 1 + 1),
    }
    return reader.plan(condition, _grouped(reader))


def _cardinality(reader: Reader) -> Plan:
    name, window, most = reader.need("cardinality_field", str), _window(reader), reader.may("max_cardinality", int)
    if reader.may("min_cardinality") is not None or most is None or most < 1:
        raise NotCarried("只能判断不同的值超过 max_cardinality（1 以上），不能判断少于 min_cardinality")
    condition = {"type": "cardinality", "window": window, "of": _fact(reader, name), "at_least": most + 1}
    return reader.plan(condition, _grouped(reader))


def _change(reader: Reader) -> Plan:
    fields = reader.fields("compare_key")
    if len(fields) != 1:
        raise NotCarried("只能比较一个字段（compare_key）")
    window = reader.span("timeframe")
    if window is None:
        window = "365d"
        reader.lost.append(("compare_key", "没有写 timeframe：与一年内的前一条比较"))
    if not reader.may("ignore_null", bool):
        reader.lost.append(("ignore_null", "没有写明该字段的信号不参加比较"))
    return reader.plan({"type": "change", "window": window, "of": _fact(reader, fields[0])}, _grouped(reader))


def _fact(reader: Reader, name: str) -> str:
    fact = _FACTS.get(reader.names.label(name))
    if fact is None:
        raise NotCarried(f"不能数或比较 {name[:40]} 的值（能：{'、'.join(_FACTS)}）")
    return fact


def _window(reader: Reader) -> str:
    window = reader.span("timeframe")
    if window is None:
        raise NotCarried("缺少 timeframe")
    return window


_TYPES: Mapping[str, Callable[[Reader], Plan]] = {
    "any": _any,
    "blacklist": _blacklist,
    "whitelist": _whitelist,
    "frequency": _frequency,
    "spike": _spike,
    "new_term": _new_term,
    "cardinality": _cardinality,
    "change": _change,
    "flatline": _flatline,
    "metric_aggregation": _metric,
}
_BY_HAND: Mapping[str, str] = {
    "percentage_match": "占比要手工写：用 ratio 条件，part 写 match_bucket_filter 所选的信号，share 写占比",
    "spike_aggregation": "没有按字段数值比较前后时段的触发条件",
}
