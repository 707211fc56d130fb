"""`spike_aggregation`: a metric over a window against the same metric over the window before it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import model_validator

from alerts.rule_types.metric_aggregation import Aggregation, leaves
from alerts.rule_types.options import Name
from alerts.rule_types.protocol import ALL, Event, Match, Metric
from alerts.rule_types.spike import SpikeWindows, TwoWindows
from alerts.rule_types.window import Entry, Window


class SpikeAggregationOptions(SpikeWindows):
    """metric_agg_type says how the values of a window become one: avg their mean, min and max the extreme one, all
    others their sum. timeframe: buffer_time where it is not given.
    """

    metric_agg_key: Name
    metric_agg_type: Aggregation

    @model_validator(mode="before")
    @classmethod
    def _window(cls, told: Any) -> Any:
        if isinstance(told, Mapping) and not {"timeframe", "timeframe_min"} & set(told) and "buffer_time" in told:
            return {**told, "timeframe": told["buffer_time"]}
        return told


class SpikeAggregation(TwoWindows[SpikeAggregationOptions]):
    """As spike, over values. A value that is not there moves the windows on and counts nothing."""

    name = "spike_aggregation"

    def _metric(self, operation: Metric) -> Iterator[Match]:
        for keys, value in leaves(operation.value, self.options):
            group = ",".join(keys) if keys else ALL
            fields = self.keyed(group) if keys else {}
            yield from self.take(group, Entry(Event(operation.at, fields), value))

    def measured(self, window: Window) -> float | None:
        """The values of a window as one."""
        match self.options.metric_agg_type:
            case "avg":
                return window.mean
            case "min":
                return window.least
            case "max":
                return window.most
        return window.total
