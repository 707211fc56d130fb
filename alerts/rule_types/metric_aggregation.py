"""`metric_aggregation`: a metric is above or below a threshold."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import model_validator

from alerts.rule_types.fields import nested
from alerts.rule_types.formats import Format
from alerts.rule_types.options import Name, Options, one_given, outside
from alerts.rule_types.protocol import Match, Matcher, Metric, NotTaken, Value, Values

Aggregation = Literal["min", "max", "avg", "sum", "cardinality", "value_count", "percentiles"]


class MetricOptions(Options):
    """metric_agg_key, metric_agg_type: name the metric.  max_threshold, min_threshold: both strict.

    metric_format_string: the value is carried in this form too.
    """

    metric_agg_key: Name
    metric_agg_type: Aggregation
    max_threshold: float | None = None
    min_threshold: float | None = None
    metric_format_string: Format | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "MetricOptions":
        one_given(self, "max_threshold", "min_threshold")
        return self


class MetricAggregation(Matcher[MetricOptions]):
    """A value that is not there never matches."""

    name = "metric_aggregation"

    def _metric(self, operation: Metric) -> Iterator[Match]:
        for keys, value in leaves(operation.value, self.options):
            if value is not None and outside(value, self.options.max_threshold, self.options.min_threshold):
                yield Match(operation.at, self._told(keys, value))

    def _told(self, keys: tuple[str, ...], value: float) -> dict[str, Any]:
        name = f"metric_{self.options.metric_agg_key}_{self.options.metric_agg_type}"
        told: dict[str, Any] = {name: value, "metric_agg_value": value}
        if self.options.metric_format_string is not None:
            written = self.options.metric_format_string.write(value)
            told |= {f"{name}_formatted": written, "metric_agg_value_formatted": written}
        return told | key_fields(self.options, keys)


def leaves(value: Value | Values, options: Options) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Each value with its keys, one a level; no keys for a value alone. Raises NotTaken for keys without query_key."""
    if isinstance(value, Mapping):
        if not options.query_key:
            raise NotTaken("values by key need a query_key in config")
        for key, inner in value.items():
            yield from (((key, *keys), found) for keys, found in leaves(inner, options))
    else:
        yield (), value


def key_fields(options: Options, keys: tuple[str, ...]) -> dict[str, Any]:
    """The fields that say for which value of the query_key something is. A dotted name makes nested fields."""
    if not keys:
        return {}
    if len(options.query_key) == 1:
        return nested(options.key_name, ",".join(keys))
    parts = dict(zip(options.query_key, keys, strict=False)) if len(keys) == len(options.query_key) else {}
    return parts | {options.key_name: ",".join(keys)}
