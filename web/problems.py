"""Errors of the API as problem+json (RFC 9457): the title is the status in English, the detail says in Chinese what did
not happen, why, and what to do. Nothing of what went wrong inside is told."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"
MOST_MISTAKES = 20


class Mistake(BaseModel):
    """One wrong value. where: query.limit, header.idempotency-key, body.action."""

    where: str
    what: str


class Overtaken(BaseModel):
    """The alert as it is, and who changed it last; what a 409 says."""

    state: str
    level: int
    actor: str
    action: str
    at: str = Field(json_schema_extra={"format": "date-time"})
    etag: str


class Problem(BaseModel):
    """RFC 9457. errors: of a 422.  current: of a 409 about an alert."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["没有预警 YJ-2026-9999，或不在您的属地之内。"])
    errors: list[Mistake] | None = None
    current: Overtaken | None = None


def problem(
    status: int, detail: str, *, more: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body | dict(more or {}), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


WRONG: Mapping[str, str] = {
    "missing": "缺少",
    "extra_forbidden": "没有这一项",
    "json_invalid": "不是合法的 JSON",
    "model_type": "须为 JSON 对象",
    "model_attributes_type": "须为 JSON 对象",
    "literal_error": "可用：{expected}",
    "enum": "可用：{expected}",
    "greater_than_equal": "须不小于 {ge}",
    "less_than_equal": "须不大于 {le}",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "string_pattern_mismatch": "须符合 {pattern}",
    "string_type": "须为文本",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_parsing_size": "数过大",
    "int_from_float": "须为整数",
}


def mistakes(errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What pydantic found, in words; what was sent is not repeated."""
    found = [
        Mistake(where=".".join(str(part)[:60] for part in error["loc"]), what=_word(error)).model_dump()
        for error in errors[:MOST_MISTAKES]
    ]
    return {"errors": found}


def _word(error: Mapping[str, Any]) -> str:
    said = WRONG.get(error["type"], "不对")
    context = {name: str(value)[:200] for name, value in error.get("ctx", {}).items()}
    try:
        return said.format(**context).replace(" or ", "、")
    except KeyError:
        return said


def sentence_of(told: Mapping[str, Any]) -> str:
    """The mistakes as one sentence."""
    return "请求中有不对的地方：" + "；".join(f"{one['where']} {one['what']}" for one in told["errors"][:3]) + "。"
