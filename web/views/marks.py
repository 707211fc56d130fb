"""What became of an alert, said with one click: confirmed, false or a duplicate."""

from fastapi import APIRouter
from starlette.responses import Response

from alerts.marks import mark_alert
from core.errors import UsageError
from store import audit
from web.access import ROLE_NAMES
from web.views.alert import alert_page, open_alert
from web.visit import Here, Posted, Refused, redirect

router = APIRouter(include_in_schema=False)


@router.post("/alerts/{alert_id}/mark")
def mark(visit: Here, form: Posted, alert_id: str) -> Response:
    """One word; the state of the alert stays."""
    if not visit.me.may("mark"):
        raise Refused(403, f"标记由{ROLE_NAMES['officer']}及以上角色操作。")
    once, word = str(form.get("once", "")), str(form.get("mark", ""))
    if not 8 <= len(once) <= 64:
        raise Refused(400, "操作未生效：表单不完整。请刷新后再试。")
    note = str(form.get("note", "")).strip()[:2000]
    try:
        with visit.services.store.write() as db:
            alert = open_alert(db, visit, alert_id)
            mark_alert(db, alert.id, word, actor=visit.me.name, note=note, now=visit.now, once=once)
            audit.note(db, visit.me.name, "alert_mark", alert.id, at=visit.services.clock(), details={"mark": word})
    except UsageError as problem:
        with visit.services.store.read() as db:
            alert = open_alert(db, visit, alert_id)
            return alert_page(db, visit, alert, refused=f"标记未生效：{problem}", status=400)
    return redirect(f"/alerts/{alert.id}#marked")
