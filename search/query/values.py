"""Numbers, yes and no, and dates in queries: a value as its field's type, or an error that shows a form that works."""

from datetime import datetime

from search.fields import Field, FieldType
from search.query.dates import FORMS, Span, read_span
from search.query.errors import QueryError, quote
from search.query.tree import Value
from search.records import millis
from search.visible import visible
from search.where import Between, Scalar, Where

OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
KINDS = {FieldType.INTEGER: "整数", FieldType.NUMBER: "数", FieldType.BOOLEAN: "“是”或“否”"}


def bind_scalar(found: Field, value: Value) -> Scalar:
    """`value` as its field's type. Raises QueryError naming a form that works."""
    text = visible(value.text)
    if not value.wild and (word := found.value_of(text)) is not None:
        return word
    try:
        if found.type is FieldType.INTEGER and not value.wild:
            return _bounded(int(text))
        if found.type is FieldType.NUMBER and not value.wild:
            return _finite(float(text))
    except ValueError:
        pass
    kind, shown = KINDS[found.type], quote(value.text)
    raise QueryError(value.at, f"“{found.label}”的值应为{kind}，而不是“{shown}”，例如 {found.label}:{found.example}")


def _bounded(number: int) -> int:
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(number)
    return number


def _finite(number: float) -> float:
    if not abs(number) < float("inf"):
        raise ValueError(number)
    return number


def bind_span(found: Field, value: Value, now: datetime) -> Where:
    """The field lies in the span that `value` names."""
    span = _span(found, value, now)
    return Between(found.name, millis(span.start), millis(span.end))


def _span(found: Field, value: Value, now: datetime) -> Span:
    try:
        if not value.wild:
            return read_span(value.text, now)
    except ValueError:
        pass
    raise QueryError(value.at, f"“{found.label}”的值应为日期，而不是“{quote(value.text)}”，例如 {FORMS}")


def bind_range(found: Field, operator: str, value: Value, now: datetime) -> Where:
    """The field compared with `value`; a date stands for all of its span."""
    sign = OPERATORS[operator]
    if found.type is FieldType.DATE:
        span = _span(found, value, now)
        edge = millis(span.start if operator in ("gte", "lt") else span.end)
        return Between(found.name, low=edge) if operator.startswith("g") else Between(found.name, high=edge)
    if found.type in (FieldType.INTEGER, FieldType.NUMBER):
        number = bind_scalar(found, value)
        assert isinstance(number, int | float)
        if operator.startswith("g"):
            return Between(found.name, low=number, with_low=operator == "gte")
        return Between(found.name, high=number, with_high=operator == "lte")
    raise QueryError(value.at, f"“{found.label}”不能用 {sign} 比较，请写 {found.label}:{found.example}")
