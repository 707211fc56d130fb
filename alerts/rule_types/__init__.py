"""The rule types that users of ElastAlert 2 know, over streams of events: one file a type, no store and no clock.

What they are for: to run such rules as their users expect (`fengsui rules replay`), and to hold our own conditions
against (alerts/conditions/, which judge stored signals by event time in any order of arrival).

They differ on purpose, here and around them (tests/test_rule_types.py, `test_differs_...`): state is rebuilt by telling
the stored stream again; no run is cut at 50 terms; one bad document never ends a run; a field with several values is
compared value by value.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from alerts.rule_types.any import AnyDocument, AnyOptions
from alerts.rule_types.blacklist import Blacklist, BlacklistOptions
from alerts.rule_types.cardinality import Cardinality, CardinalityOptions
from alerts.rule_types.change import Change, ChangeOptions
from alerts.rule_types.flatline import Flatline, FlatlineOptions
from alerts.rule_types.frequency import Frequency, FrequencyOptions
from alerts.rule_types.metric_aggregation import MetricAggregation, MetricOptions
from alerts.rule_types.new_term import NewTerm, NewTermOptions
from alerts.rule_types.options import NO_BEARING, Options
from alerts.rule_types.percentage_match import PercentageMatch, PercentageOptions
from alerts.rule_types.protocol import RuleType
from alerts.rule_types.spike import Spike, SpikeOptions
from alerts.rule_types.spike_aggregation import SpikeAggregation, SpikeAggregationOptions
from alerts.rule_types.whitelist import Whitelist, WhitelistOptions
from core.errors import ConfigError

TYPES: Mapping[str, tuple[type[Options], Any]] = {
    "any": (AnyOptions, AnyDocument),
    "blacklist": (BlacklistOptions, Blacklist),
    "whitelist": (WhitelistOptions, Whitelist),
    "change": (ChangeOptions, Change),
    "frequency": (FrequencyOptions, Frequency),
    "spike": (SpikeOptions, Spike),
    "flatline": (FlatlineOptions, Flatline),
    "new_term": (NewTermOptions, NewTerm),
    "cardinality": (CardinalityOptions, Cardinality),
    "metric_aggregation": (MetricOptions, MetricAggregation),
    "spike_aggregation": (SpikeAggregationOptions, SpikeAggregation),
    "percentage_match": (PercentageOptions, PercentageMatch),
}
"""Each type's options and what judges by them."""


def rule_type(name: str, config: Mapping[str, Any]) -> RuleType:
    """A fresh instance of a type. Raises ConfigError with every mistake: `config.num_events: is missing`."""
    if name not in TYPES:
        raise ConfigError([f"rule_type: {name!r} (accepted: {', '.join(TYPES)})"])
    options, judge = TYPES[name]
    try:
        made: RuleType = judge(options.model_validate(dict(config)))
    except ValidationError as problem:
        raise ConfigError(list(dict.fromkeys(_mistake(options, dict(one)) for one in problem.errors()))) from None
    return made


def _mistake(options: type[Options], error: dict[str, Any]) -> str:
    key = ".".join(["config", *(str(part) for part in error["loc"][:1])])
    if error["type"] == "missing":
        return f"{key}: is missing"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown option (accepted: {', '.join(sorted(options.model_fields))})"
    told = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {told}" if len(error["loc"]) == 0 else f"{key}: {told} (got {_shown(error.get('input'))})"


def _shown(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= 80 else f"{written[:79]}…"


__all__ = ["NO_BEARING", "TYPES", "RuleType", "rule_type"]
