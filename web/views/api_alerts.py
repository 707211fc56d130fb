"""Alerts over the API: list, one, history, what is done to them, what was sent of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from alerts.lifecycle import QUIET
from alerts.reasons import REASONS
from core.clock import iso_beijing
from core.errors import UsageError
from core.ids import digest
from core.records import LEVEL_COLOURS, LEVEL_IDS, Alert, AlertState
from store import alert_log, audit
from store.alert_log import DeliveryLine
from store.pages import alerts_behind
from store.silences import silenced_alerts
from web import inbox
from web.api_answers import is_among, tag_of
from web.api_shapes import READ_AT_ONCE, Masked, Moment, Page, Paged, gather
from web.bearer import AlertReader, AlertWriter
from web.cursors import a_moment, a_text, read_cursor, write_cursor
from web.problems import Overtaken
from web.views.actions import MOST_NOTE, allowed, take_step
from web.views.alert import open_alert
from web.visit import Refused, without_nul

router = APIRouter(prefix="/api")
ActionName = Literal[
    "accept", "dispatch", "start", "dismiss", "level", "submit", "close", "reopen", "note", "undo", "confirm", "clear",
    "hold",
]  # fmt: skip
DeliveryState = Literal["", "waiting", "sending", "handing", "sent", "failed", "unsure", "replaced", "withdrawn"]


class AlertOut(BaseModel):
    """An alert. Times are story time."""

    id: str
    number: str
    level: int = Field(ge=0, le=4)
    colour: str
    state: AlertState
    first_at: Moment
    updated_at: Moment
    due_at: Moment | None
    title: Masked
    rule: str
    reason: Masked
    products: list[str]
    enterprises: list[str]
    issues: list[str]
    territory: str
    territories: list[str]
    documents: list[str]
    origins: int
    unconfirmed: bool
    late: bool
    late_seconds: int


class AlertQuery(Paged):
    """The filters of the inbox."""

    view: Literal["", "work", "close", "done", "open", "all"] = Field("", description="空：待受理")
    level: Literal["", "blue", "yellow", "orange", "red"] = ""
    product: str = Field("", max_length=200)
    firm: str = Field("", max_length=200)
    region: str = Field("", max_length=200, description="行政区划代码，含其下各级")
    rule: str = Field("", max_length=200)
    since: Literal["", "24h", "7d", "30d"] = ""
    late: Literal["", "1"] = Field("", description="1：只列已超时的")
    muted: Literal["", "1"] = Field("", description="1：只列被静默的；否则不列")


class HistoryRow(BaseModel):
    """One row of an alert's history."""

    number: int
    at: Moment
    story_at: Moment
    actor: str
    action: str
    level: int
    state: AlertState
    note: Masked


class HistoryOut(BaseModel):
    """All of it, oldest first."""

    items: list[HistoryRow]


class ActionIn(BaseModel):
    """What to do. level: for `level`.  territory: for `dispatch`, else whom the routing says.  reason: for `dismiss`
    and `close`.  state: what it must be in; if it is not, nothing is done."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"action": "accept", "state": "new", "note": "已电话核实"}]},
    )

    action: ActionName
    note: str = Field("", max_length=MOST_NOTE)
    level: int | None = Field(None, ge=1, le=4)
    territory: str = Field("", max_length=12)
    reason: str | None = Field(None, max_length=40)
    state: AlertState | None = None


class ActionOut(BaseModel):
    """The alert as it is then. number: of the history row.  replayed: the key had done it before."""

    alert: AlertOut
    number: int
    replayed: bool


class DeliveryQuery(Paged):
    """Which notices."""

    alert: str = Field("", max_length=40, description="id of an alert")
    state: DeliveryState = ""


class DeliveryOut(BaseModel):
    """A notice and what came of it."""

    id: str
    channel: str
    recipient: Masked
    alert: str | None
    subject: Masked
    state: str
    created_at: Moment
    sent_at: Moment | None
    attempts: int


MADE = ("colour", "late", "late_seconds")
"""What is not a field of the record as it is shown."""


def alert_out(alert: Alert) -> AlertOut:
    """The alert as the API shows it."""
    values = {name: getattr(alert, name) for name in AlertOut.model_fields if name not in MADE}
    return AlertOut(**values, colour=LEVEL_COLOURS[alert.level], late=alert.late > 0, late_seconds=alert.late)


def alert_tag(alert: Alert) -> str:
    """The entity tag of an alert: If-Match takes it."""
    return tag_of(alert_out(alert).model_dump_json().encode())


@router.get("/alerts")
def list_alerts(visit: AlertReader, asked: Annotated[AlertQuery, Query()]) -> Page[AlertOut]:
    """Alerts of the own territory, newest made first; the filters of the inbox."""
    without_nul(asked.model_dump().values())
    behind = read_cursor("alerts", asked.cursor, a_moment, a_text)
    wanted = inbox.Wanted(**asked.model_dump(exclude={"limit", "cursor"}))
    states, level = inbox.VIEWS[wanted.view][1], LEVEL_IDS.get(wanted.level)
    regions, now = visit.services.lexicon.regions, visit.now
    with visit.services.store.read() as db:
        silenced = silenced_alerts(db, visit.services.clock())

        def read(last: tuple[datetime, str] | None) -> Sequence[tuple[tuple[datetime, str], Alert]]:
            some = alerts_behind(db, last, states=states, level=level, limit=READ_AT_ONCE)
            return [((alert.created_at, alert.id), alert) for alert in some]

        def passes(alert: Alert) -> bool:
            mine = visit.me.sees_alert(alert)
            return mine and bool(inbox.matching([alert], wanted, regions=regions, now=now, silenced=silenced))

        found, last = gather(read, passes, behind, asked.limit)
    return Page(items=[alert_out(alert) for alert in found], next=write_cursor("alerts", *last) if last else None)


@router.get("/alerts/{alert_id}")
def one_alert(visit: AlertReader, alert_id: str, answer: Response) -> AlertOut:
    """One alert by id or number. Its ETag is what If-Match of an action takes."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
    answer.headers["ETag"] = alert_tag(alert)
    return alert_out(alert)


@router.get("/alerts/{alert_id}/history")
def history_of_alert(visit: AlertReader, alert_id: str) -> HistoryOut:
    """Everything that was done to an alert, oldest first."""
    with visit.services.store.read() as db:
        rows = alert_log.history_of(db, open_alert(db, visit, alert_id).id)
    names = HistoryRow.model_fields
    return HistoryOut(items=[HistoryRow(**{name: getattr(row, name) for name in names}) for row in rows])


@router.get("/deliveries")
def list_deliveries(visit: AlertReader, asked: Annotated[DeliveryQuery, Query()]) -> Page[DeliveryOut]:
    """Notices of the alerts of the own territory, newest first."""
    without_nul(asked.model_dump().values())
    behind = read_cursor("deliveries", asked.cursor, a_moment, a_text)
    with visit.services.store.read() as db:
        seen = {alert.id for alert in inbox.standing_lines(db, visit.me)}

        def read(last: tuple[datetime, str] | None) -> Sequence[tuple[tuple[datetime, str], DeliveryLine]]:
            lines = alert_log.delivery_log(db, alert=asked.alert or None, limit=READ_AT_ONCE, behind=last)
            return [((line.created_at, line.id), line) for line in lines]

        def passes(line: DeliveryLine) -> bool:
            mine = line.alert in seen or (line.alert is None and visit.me.everywhere)
            return mine and (not asked.state or line.state == asked.state)

        found, last = gather(read, passes, behind, asked.limit)
    names = DeliveryOut.model_fields
    items = [DeliveryOut(**{name: getattr(line, name) for name in names}) for line in found]
    return Page(items=items, next=write_cursor("deliveries", *last) if last else None)


# --- what is done to alerts -----------------------------------------------------------------------------------------


async def posted_action(request: Request, visit: AlertWriter) -> ActionIn:
    """The body. Raises Refused, RequestValidationError."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(415, "请求体须为 JSON：请加请求头 Content-Type: application/json。")
    try:
        asked = ActionIn.model_validate_json(await request.body())
    except ValidationError as problem:
        errors = [{**error, "loc": ("body", *error["loc"])} for error in problem.errors()]
        raise RequestValidationError(errors) from None
    without_nul(asked.model_dump().values())
    if asked.reason is not None and asked.reason not in REASONS.get(asked.action, ()):
        known = "、".join(REASONS.get(asked.action, ())) or "无"
        where = {"type": "literal_error", "loc": ("body", "reason"), "ctx": {"expected": known}}
        raise RequestValidationError([where])
    return asked


Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key", min_length=8, max_length=64, pattern=r"^[\x21-\x7e]+$",
        description="任取，如 UUID；同一令牌所属账号对同一预警的同一操作，同一个键只做一次",
    ),
]  # fmt: skip
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ActionIn"}}},
    }
}


@router.post("/alerts/{alert_id}/actions", openapi_extra=BODY)
def act_on_alert(
    visit: AlertWriter,
    alert_id: str,
    asked: Annotated[ActionIn, Depends(posted_action)],
    key: Key,
    answer: Response,
    if_match: Annotated[str, Header(max_length=500, description="ETag of the alert as it was read")] = "",
) -> ActionOut:
    """Do one thing to an alert. 409 where somebody was faster, with who and when; nothing is overwritten."""
    allowed(visit, asked.action)
    with visit.services.store.write() as db:
        alert = open_alert(db, visit, alert_id)
        once = "api:" + digest(visit.me.name, alert.id, asked.action, key)[:40]
        done = alert_log.history_row_of_form(db, once)
        if done is None:
            _as_expected(db, alert, asked.state, if_match)
            try:
                take_step(
                    db, visit, alert, asked.action, note=asked.note.strip(), once=once, level=asked.level,
                    territory=asked.territory, reason=asked.reason,
                )  # fmt: skip
            except UsageError as problem:
                raise _overtaken(db, alert, f"本次操作未生效：{problem}") from problem
            audit.note(db, visit.me.name, "api_act", alert.number, at=visit.services.clock(), details=_told(asked))
        number = done or alert_log.history_row_of_form(db, once)
        alert = open_alert(db, visit, alert.id)
    answer.headers["ETag"] = alert_tag(alert)
    return ActionOut(alert=alert_out(alert), number=number or 0, replayed=done is not None)


def _told(asked: ActionIn) -> dict[str, str]:
    return {"action": asked.action}


def _as_expected(db: Connection, alert: Alert, state: AlertState | None, if_match: str) -> None:
    if if_match and not is_among(alert_tag(alert), if_match):
        raise _overtaken(db, alert, "本次操作未生效：预警在读取之后有变动。请重新读取，核对后再做。")
    if state is not None and state is not alert.state:
        raise _overtaken(db, alert, f"本次操作未生效：预警不在 {state.value}，现为 {alert.state.value}。")


def _overtaken(db: Connection, alert: Alert, sentence: str) -> Refused:
    """Who did what last, beside the sentence."""
    rows = alert_log.history_of(db, alert.id)
    last = next((row for row in reversed(rows) if row.action not in QUIET), rows[-1])
    told = Overtaken(
        state=alert.state.value, level=alert.level, actor=last.actor, action=last.action, at=iso_beijing(last.at),
        etag=alert_tag(alert),
    )  # fmt: skip
    return Refused(409, sentence, more={"current": told.model_dump()})
