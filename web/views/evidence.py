"""What leaves the desk of one document or alert: bundles of evidence, each in the audit log; CAP messages."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from pipelines.evidence.bundle import bundle_of
from pipelines.evidence.pack import write_zip
from store import audit
from store.alert_log import history_of
from web.views.alert import open_alert
from web.views.documents import open_document
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
IN_MEMORY = 8 * 1024**2
PIECE = 64 * 1024


@router.get("/documents/{document_id}/evidence.zip")
def document_evidence(visit: Here, document_id: str, raw: bool = False) -> Response:
    """The bundle of one document, all its revisions."""
    with visit.services.store.read() as db:
        document, _ = open_document(db, visit, document_id, None)
    return _bundle(visit, document.id, raw=raw)


@router.get("/alerts/{alert_id}/evidence.zip")
def alert_evidence(visit: Here, alert_id: str, raw: bool = False) -> Response:
    """The bundle of all documents that an alert rests on."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
    return _bundle(visit, alert.id, raw=raw)


@router.get("/alerts/{alert_id}/cap.xml")
def alert_cap(visit: Here, alert_id: str) -> Response:
    """The alert as a message of the Common Alerting Protocol, for other warning systems."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
        body = visit.services.cap(alert, history_of(db, alert.id))
    headers = {"Content-Disposition": f'attachment; filename="{alert.number}.cap.xml"'}
    return Response(body, media_type="application/cap+xml", headers=headers)


def _bundle(visit: Visit, asked: str, *, raw: bool) -> Response:
    if not visit.me.may("evidence"):
        raise Refused(403, "导出证据包由值班员及以上角色操作。")
    if raw and not visit.me.may("evidence_raw"):
        raise Refused(403, "含个人信息的原件由带班及以上角色导出。")
    services = visit.services
    bundle = bundle_of(
        services.store,
        archive=services.settings.data_dir / "archive",
        lexicons=services.settings.config / "lexicons",
        asked=asked,
        raw=raw,
        whole_files=visit.me.everywhere,
    )
    details = {"raw": raw, "documents": len(bundle.ids), "how": "desk"}
    with services.store.write() as db:
        audit.note(db, visit.me.name, "export_evidence", asked, at=services.clock(), details=details)
    packed = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 it is closed when the answer has been sent
    write_zip(bundle.files(), packed, root=bundle.name)
    size = packed.tell()
    packed.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{bundle.name}.zip"', "Content-Length": str(size)}
    return StreamingResponse(_pieces(packed), media_type="application/zip", headers=headers)


def _pieces(packed: IO[bytes]) -> Iterator[bytes]:
    with packed:
        while piece := packed.read(PIECE):
            yield piece
