"""What other systems hand in over the API: kinds, their JSON Schema, rows. All rows of a request are taken, or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from config.intake import IntakeKind
from config.registry_columns import plain_header
from core.clock import beijing
from core.records import ArchiveRef
from crawlers.archive import Archive
from pipelines.handed_in import HandedBy, archive_uri, take_batch
from pipelines.handed_rows import ReadRow, Words, read_row
from store import audit
from store.handed_in import counts, newest, take_turn
from web.api_shapes import Moment
from web.bearer import IntakeWriter
from web.problems import MOST_MISTAKES
from web.services import Services
from web.visit import Refused, Visit, without_nul

router = APIRouter(prefix="/api")


class HandIn(BaseModel):
    """Rows of one kind. Names of a row: those of its JSON Schema, or the headers of the same columns.

    source: the system they come from, where one account hands in for several; an id is unique within it.
    """

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[str, Any]] = Field(min_length=1, description="at most so many as GET /api/intake says")
    source: str = Field("", pattern=r"^([a-z][a-z0-9_]{1,39})?$")


class KindOut(BaseModel):
    """A kind of rows. into: document or record. rows: kept now."""

    id: str
    title: str
    into: str
    source: str
    rows: int
    last_at: Moment | None
    most_rows: int


class KindsOut(BaseModel):
    """All kinds."""

    items: list[KindOut]


class HandedOut(BaseModel):
    """What became of the rows. documents: ids of those that became one."""

    kind: str
    source: str
    new: int
    changed: int
    unchanged: int
    documents: list[str]


class Keeper:
    """Keeps each request as it came in one archive of this process; requests take turns."""

    def __init__(self, services: Services) -> None:
        self._services, self._lock = services, Lock()
        self._archive: Archive | None = None

    def keep(self, name: str, body: bytes) -> ArchiveRef:
        """Under a name. Raises ArchiveFull."""
        now = self._services.clock()
        with self._lock:
            if self._archive is None:
                self._archive = Archive(self._services.settings.data_dir / "archive", started=now)
            return self._archive.write_file(name, "application/json", body, now)

    def close(self) -> None:
        """The file is whole from now on."""
        with self._lock:
            if self._archive is not None:
                self._archive.close()


@dataclass(frozen=True)
class Posted:
    """A body. raw: as it came."""

    asked: HandIn
    raw: bytes


async def posted_rows(request: Request, visit: IntakeWriter) -> Posted:
    """The body. Raises Refused, RequestValidationError."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(415, "请求体须为 JSON：请加请求头 Content-Type: application/json。")
    raw = await request.body()
    try:
        asked = HandIn.model_validate_json(raw)
    except ValidationError as problem:
        errors = [{**error, "loc": ("body", *error["loc"])} for error in problem.errors()]
        raise RequestValidationError(errors) from None
    without_nul([asked.source])
    return Posted(asked, raw)


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HandIn"}}},
    }
}


@router.get("/intake")
def list_kinds(visit: IntakeWriter) -> KindsOut:
    """What may be handed in."""
    intake = visit.services.intake
    with visit.services.store.read() as db:
        known = counts(db) if visit.me.everywhere else {}
    items = []
    for kind in intake.kinds.values():
        rows, last = known.get(kind.id, (0, None))
        items.append(
            KindOut(id=kind.id, title=kind.title, into=kind.into, source=kind.source, rows=rows, last_at=last,
                    most_rows=intake.rules.api_rows)
        )  # fmt: skip
    return KindsOut(items=items)


@router.get("/intake/{kind}/schema")
def schema_of_kind(visit: IntakeWriter, kind: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of one row of a kind."""
    return _kind(visit, kind).json_schema()


@router.post("/intake/{kind}", openapi_extra=BODY)
def hand_in(
    visit: IntakeWriter, request: Request, kind: str, posted: Annotated[Posted, Depends(posted_rows)]
) -> HandedOut:
    """Hand in rows. The same id of a source again is the same record; with other content a new revision of it.

    422 names each wrong row and field; then nothing was taken. Rows of other territories than the token's are refused.
    """
    chosen, services, now = _kind(visit, kind), visit.services, visit.services.clock()
    most = services.intake.rules.api_rows
    if len(posted.asked.rows) > most:
        raise Refused(413, f"一次至多 {most} 行，收到 {len(posted.asked.rows)} 行。请分批。")
    rows = _read(visit, chosen, posted.asked.rows)
    source = posted.asked.source or chosen.source
    keeper: Keeper = request.app.state.keeper
    whole = keeper.keep(archive_uri(chosen.id, sha256(posted.raw).hexdigest()), posted.raw)
    by = HandedBy(source, visit.me.name, whole, keeper.keep)
    with services.store.write() as db:
        take_turn(db)
        _refuse_foreign(db, visit, chosen, source, rows)
        taken = take_batch(db, chosen, rows, by, now=now)
        told = {"new": taken.new, "changed": taken.changed, "unchanged": taken.unchanged, "source": source}
        audit.note(db, visit.me.name, "hand_in", chosen.id, at=now, details=told)
    return HandedOut(
        kind=chosen.id, source=source, new=taken.new, changed=taken.changed, unchanged=taken.unchanged,
        documents=taken.documents,
    )  # fmt: skip


def _kind(visit: Visit, name: str) -> IntakeKind:
    found = visit.services.intake.kinds.get(name)
    if found is None:
        raise Refused(404, f"没有种类 {name[:40]}。可用：{'、'.join(visit.services.intake.kinds)}。")
    return found


def _read(visit: Visit, kind: IntakeKind, given: list[dict[str, Any]]) -> list[ReadRow]:
    """Raises Refused with every mistake (the first MOST_MISTAKES)."""
    words, today = Words.of(visit.services.lexicon), beijing(visit.services.clock()).date()
    rows: list[ReadRow] = []
    seen: dict[str, int] = {}
    mistakes: list[dict[str, str]] = []
    for place, row in enumerate(given):
        fields = dict(_fields(kind, row))
        wrong = [(name, "没有这一列") for name in row if plain_header(name) not in kind.columns.words]
        wrong += _twice(kind, row)
        read = read_row(kind, fields, words, today=today)
        if isinstance(read, ReadRow):
            wrong += _misplaced(visit, kind, read)
            if read.id in seen:
                wrong.append(("id", f"与第 {seen[read.id] + 1} 行的编号相同"))
            seen.setdefault(read.id, place)
            rows.append(read)
        else:
            wrong += [(one.field, one.what) for one in read]
        mistakes += [{"where": f"body.rows.{place}.{name[:60]}", "what": what} for name, what in wrong]
    if mistakes:
        _refuse(mistakes)
    return rows


def _refuse(mistakes: list[dict[str, str]]) -> NoReturn:
    said = "；".join(f"第 {int(one['where'].split('.')[2]) + 1} 行 {one['what']}" for one in mistakes[:3])
    more = f"等 {len(mistakes)} 处" if len(mistakes) > 3 else ""
    raise Refused(422, f"没有收下：{said}{more}。", more={"errors": mistakes[:MOST_MISTAKES]})


def _fields(kind: IntakeKind, row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        field = kind.columns.words.get(plain_header(name))
        if field is not None:
            yield field, value


def _twice(kind: IntakeKind, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """One of two values of a column would be lost."""
    seen: set[str] = set()
    for field, _ in _fields(kind, row):
        if field in seen:
            yield field, f"{kind.fields[field].title}写了两次"
        seen.add(field)


def _misplaced(visit: Visit, kind: IntakeKind, row: ReadRow) -> Iterator[tuple[str, str]]:
    """A token hands in for its own territory."""
    if visit.me.everywhere or "territory" not in kind.fields or visit.me.sees_code(row.territory):
        return
    what = "不在令牌的属地之内" if row.territory else "缺少属地：本令牌只能报送自己的属地"
    yield "territory", what


def _refuse_foreign(db: Connection, visit: Visit, kind: IntakeKind, source: str, rows: list[ReadRow]) -> None:
    """A token changes no row that another territory handed in under the same id. Raises Refused with every such row."""
    if visit.me.everywhere:
        return
    known = newest(db, kind.id, source, [row.id for row in rows])
    mistakes = [
        {"where": f"body.rows.{place}.id", "what": "这一编号已由其他属地报送，本令牌不能更改（可另写 source）"}
        for place, row in enumerate(rows)
        if row.id in known and not visit.me.sees_code(known[row.id].territory)
    ]
    if mistakes:
        _refuse(mistakes)
