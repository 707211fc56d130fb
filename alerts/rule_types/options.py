"""What all rule types have in their configuration: spans, the query_key, and options that change no match."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.durations import parse_duration

LONGEST = timedelta(days=36_500)
UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds")

NO_BEARING = frozenset({
    "timeframe", "attach_related",
    "name", "type", "index", "description", "owner", "priority", "category", "include", "fields", "filter",
    "is_enabled", "import", "timestamp_field", "timestamp_type", "timestamp_format", "use_strftime_index",
    "buffer_time", "query_delay", "run_every", "scan_entire_timeframe", "max_query_size", "use_count_query",
    "use_terms_query", "terms_size", "doc_type", "use_keyword_postfix", "terms_window_size", "window_step_size",
    "use_run_every_query_size", "allow_buffer_time_overlap", "bucket_interval", "sync_bucket_interval",
    "metric_agg_script", "percentile_range", "match_bucket_filter", "realert", "exponential_realert", "aggregation",
    "aggregation_key", "limit_execution", "silence", "top_count_keys", "top_count_number", "raw_count_keys",
    "use_local_time", "alert", "alert_text", "alert_text_type", "alert_text_args", "alert_subject",
    "alert_subject_args", "match_enhancements", "run_enhancements_first",
})  # fmt: skip
"""Options that say how documents are fetched and what is sent, not which of them match: read over here."""


def read_span(value: Any) -> Any:
    """Minutes as a number, `{hours: 1, minutes: 30}` or `90m`; ValueError says what is accepted."""
    accepted = "a number of minutes, {hours: 1}, or 30s, 15m, 24h, 7d, 2w"
    try:
        if isinstance(value, Mapping):
            span = timedelta(**{str(unit): float(number) for unit, number in value.items()})
            if not value or set(value) - set(UNITS):
                raise ValueError
        elif isinstance(value, str):
            span = parse_duration(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            span = timedelta(minutes=value)
        else:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"is not a span of time (accepted: {accepted})") from None
    if not timedelta(0) < span <= LONGEST:
        raise ValueError("must be longer than nothing and at most a hundred years")
    return span


def read_names(value: Any) -> Any:
    """One field or a list of fields."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(one, str) and one for one in names):
        raise ValueError("is not a field or a list of fields")
    return tuple(names)


Span = Annotated[timedelta, BeforeValidator(read_span)]
Names = Annotated[tuple[str, ...], BeforeValidator(read_names)]
Name = Annotated[str, Field(min_length=1)]


def one_given(options: BaseModel, most: str, least: str) -> None:
    """Raises ValueError where neither limit is given."""
    if getattr(options, most) is None and getattr(options, least) is None:
        raise ValueError(f"{most} or {least} is missing")


def outside(value: float, most: float | None, least: float | None) -> bool:
    """Whether a value is above the one limit or below the other, both strict."""
    return (most is not None and value > most) or (least is not None and value < least)


class Options(BaseModel):
    """The base of each type's configuration: frozen, strict, unknown keys are refused.

    query_key: state is kept apart by the value of this field, or of all these fields together.
    min_doc_count: values of a `terms` operation with fewer documents are passed over; 0 keeps all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    query_key: Names = ()
    min_doc_count: int = Field(default=0, ge=0)

    @property
    def key_name(self) -> str:
        """The field that holds the key's value: `a,b` for several, empty for none."""
        return ",".join(self.query_key)

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, told: Any) -> Any:
        if not isinstance(told, Mapping):
            return told
        kept = {key: value for key, value in told.items() if value is not None}
        if {"timeframe_min", "timeframe"} <= kept.keys():
            raise ValueError("timeframe_min and timeframe say the same; give one of them")
        for other, name in (("timeframe_min", "timeframe"), ("compound_query_key", "query_key")):
            if other in kept:
                kept[name] = kept.pop(other)
        return {key: value for key, value in kept.items() if key not in NO_BEARING or key in cls.model_fields}
