"""`percentage_match`: the share of documents that meet a filter is above or below a threshold."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from alerts.rule_types.formats import Format
from alerts.rule_types.metric_aggregation import key_fields
from alerts.rule_types.options import Options, one_given, outside
from alerts.rule_types.protocol import Match, Matcher, NotTaken, Percent


class PercentageOptions(Options):
    """max_percentage, min_percentage: 0 to 100, both strict.  min_denominator: fewer documents are no share."""

    max_percentage: float | None = None
    min_percentage: float | None = None
    min_denominator: float = Field(default=0, ge=0)
    percentage_format_string: Format | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "PercentageOptions":
        one_given(self, "max_percentage", "min_percentage")
        return self


class PercentageMatch(Matcher[PercentageOptions]):
    """No documents at all are no share."""

    name = "percentage_match"

    def _percent(self, operation: Percent) -> Iterator[Match]:
        for key, (matching, other) in operation.numbers.items():
            if key is not None and not self.options.query_key:
                raise NotTaken("shares by key need a query_key in config")
            total = matching + other
            if not total or total < self.options.min_denominator:
                continue
            share = matching / total * 100
            if outside(share, self.options.max_percentage, self.options.min_percentage):
                keys = () if key is None else (key,)
                yield Match(operation.at, self._told(share, total) | key_fields(self.options, keys))

    def _told(self, share: float, total: float) -> dict[str, Any]:
        told: dict[str, Any] = {"percentage": share, "denominator": total}
        if self.options.percentage_format_string is not None:
            told["percentage_formatted"] = self.options.percentage_format_string.write(share)
        return told
