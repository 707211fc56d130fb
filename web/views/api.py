"""The JSON API, described: the same data, the same cut, the same rights as the pages. Errors: web/problems.py."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response

from web.access import SCOPES
from web.bearer import AnyCaller
from web.problems import MEDIA_TYPE, Problem
from web.views import analytics_data, api_alerts, api_documents, api_intake, api_stories, api_system, match
from web.views.api_alerts import ActionIn
from web.views.api_intake import HandIn
from web.visit import Here

router = APIRouter()
REF = "#/components/schemas/{model}"
PROBLEMS: dict[int, str] = {
    400: "检索语句或游标看不懂",
    401: "没有令牌，或令牌不对、已作废、已到期",
    403: "令牌或角色没有这项权限",
    404: "没有这一项，或不在属地之内",
    422: "参数不对，errors 逐项说明",
    429: "请求过快，Retry-After 说等几秒",
    500: "内部错误，原因已记入日志",
    503: "现在读不到数据",
}
OF_WRITES: dict[int, str] = {
    409: "有人先做了，或这一步现在不能做；current 说现状、是谁、何时",
    413: "请求体过大",
    415: "请求体不是 JSON",
}
DESCRIPTION = """
令牌在“账号 · 接口令牌”新建，放在请求头 `Authorization: Bearer fengsui_…`，不写进地址。
每个令牌只见其账号属地之内的内容，只能做其权限所列的事。

列表按页取：把上一页的 `next` 原样作为 `cursor`，到 `next` 为空为止；其间新来的行不会使已取的重复或漏取。

出错时回答 `application/problem+json`（RFC 9457）。时间一律为 ISO 8601，带 +08:00。
每个 GET 都有 ETag，可用 If-None-Match。
"""
LINKS: Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "/api/alerts": (
        "alert_id", "items/0/id", (("get", "/api/alerts/{alert_id}"), ("post", "/api/alerts/{alert_id}/actions")),
    ),
    "/api/search": ("document_id", "hits/0/id", (("get", "/api/documents/{document_id}"),)),
    "/api/events": ("name", "items/0/id", (("get", "/api/events/{name}"),)),
    "/api/enterprises": ("firm", "items/0/id", (("get", "/api/enterprises/{firm}"),)),
    "/api/sources": ("key", "items/0/key", (("get", "/api/sources/{key}"),)),
    "/api/intake": ("kind", "items/0/id", (("get", "/api/intake/{kind}/schema"), ("post", "/api/intake/{kind}"))),
}  # fmt: skip
"""Of a list: the parameter that takes an id of its answer, where that stands, and the operations that take it."""


@router.get("/api/openapi.json", include_in_schema=False)
def openapi(request: Request, visit: AnyCaller) -> Response:
    """The description of this API."""
    return JSONResponse(request.app.openapi())


@router.get("/help/api", include_in_schema=False)
def show_help(request: Request, visit: Here) -> Response:
    """How the API is used, and every operation of it."""
    described = request.app.openapi()
    operations = [
        (method.upper(), path, one["description"], " ".join(one["security"][0]["token"]))
        for path, methods in described["paths"].items()
        for method, one in methods.items()
    ]
    base = visit.services.settings.public_url.rstrip("/")
    scopes = {scope: word for scope, (word, _) in SCOPES.items()}
    return visit.page("help_api.html", operations=operations, base=base, scopes=scopes, problems=PROBLEMS | OF_WRITES)


for _part in (api_alerts, api_documents, api_stories, api_system, api_intake, analytics_data, match):
    router.include_router(_part.router, tags=["api"])


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the operations that take a token; made once."""
    if app.openapi_schema is None:
        made = get_openapi(title="烽燧 Fengsui", version="1", description=DESCRIPTION.strip(), routes=app.routes)
        schemas = made["components"]["schemas"]
        for model in (Problem, ActionIn, HandIn):
            _add_model(schemas, model)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for methods in made["paths"].values():
            for method, one in methods.items():
                _with_problems(one, PROBLEMS | (OF_WRITES if method == "post" else {}))
        _with_links(made["paths"])
        app.openapi_schema = made
    return app.openapi_schema


def _with_links(paths: dict[str, Any]) -> None:
    """Where an id of one answer leads to."""
    for path, (parameter, place, operations) in LINKS.items():
        taken = {parameter: f"$response.body#/{place}"}
        named = [paths[to][method]["operationId"] for method, to in operations]
        paths[path]["get"]["responses"]["200"]["links"] = {
            one: {"operationId": one, "parameters": taken} for one in named
        }


def _add_model(schemas: dict[str, Any], model: Any) -> None:
    schema = model.model_json_schema(ref_template=REF)
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema


def _with_problems(operation: dict[str, Any], statuses: dict[int, str]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=Problem.__name__)}}}
    for status, said in statuses.items():
        operation["responses"][str(status)] = {"description": said, "content": content}
