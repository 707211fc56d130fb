"""The dossier of a firm as one visitor may read it: page, paper and API ask here."""

from datetime import date

from sqlalchemy import Connection

from core.clock import beijing
from enterprises.axis import SPAN, SPANS
from enterprises.mentions import Find
from enterprises.profile import Asked, Known, Profile, read_profile
from enterprises.signals import NIL, Cut
from web.access import Viewer
from web.names import KINDS
from web.visit import Refused, Visit

FIRST_DAY = date(2000, 1, 1)
ALIKE = 12  # firms that a name may mean


def cut_of(viewer: Viewer) -> Cut:
    """What of the records a viewer sees."""
    return Cut(viewer.documents(), viewer.entries(), viewer.sees_code)


def known_of(visit: Visit) -> Known:
    """What a dossier is read with at this desk."""
    services = visit.services
    return Known(
        services.lexicon, KINDS, find_of(visit), services.router.orgs if services.router else None, services.routes
    )


def find_of(visit: Visit) -> Find:
    """Finds firms by a name, at once for the whole page."""
    matcher = visit.services.matchers.matcher()
    return lambda name: matcher.match(name, limit=ALIKE)


def dossier_of(db: Connection, visit: Visit, firm: str, *, asof: str = "", span: str = "") -> Profile:
    """The dossier of `firm`. Raises Refused: a wrong day or span, a firm that nothing knows."""
    asked = Asked(firm, day_of(asof, beijing(visit.now).date()), span_of(span), visit.now)
    found = read_profile(db, asked, cut_of(visit.me), known_of(visit))
    if found is None:
        raise Refused(404, f"没有企业 {firm.removeprefix(NIL)[:60]}：名录中没有，也没有信号提到它。")
    return found


def day_of(text: str, today: date) -> date:
    """The day of `?asof=`; empty is today. Raises Refused."""
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if not FIRST_DAY <= day <= today:
        raise Refused(400, f"档案截至日 {text[:20]} 不对。请填 {FIRST_DAY} 至 {today} 之间的日期，例如 asof={today}。")
    return day


def span_of(text: str) -> str:
    """The span of the time axis; empty is the usual one. Raises Refused."""
    if text not in ("", *SPANS):
        raise Refused(400, f"地址中的 span={text[:20]} 不存在。可用：{'、'.join(SPANS)}。")
    return text or SPAN
