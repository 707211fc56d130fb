"""Every page of the desk by name and address, over the store of tests.desk_server; and what is no page."""

from datetime import timedelta

from fastapi.routing import APIRoute

from config.grouping import load_grouping
from core.clock import beijing
from core.ids import short_id
from enterprises.watching import make_list, put_on
from ledger import steps
from ledger.book import Deed, open_book
from pipelines.events import EventKeeper
from reports.papers import book as papers
from reports.papers.kinds import Asked
from store import alert_log, desk_rules, documents, reviews
from store.ledger import Entry, HazardState
from store.watchlists import Given, WatchList
from tests.desk_server import CONFIG, NOW
from web.app import PAGES as MODULES
from web.papers import desk_for
from web.services import Services

ALERT = short_id("a", "I1")
PAGES = {
    "home": "/",
    "alerts": "/alerts",
    "alert": f"/alerts/{ALERT}",
    "search": "/search?q=起火&from=all",
    "nothing found": "/search?q=起火&from=all&territory=360300",
    "bad query": "/search?q=(起火",
    "search table": "/search?q=起火&from=all&view=table&split=kind&product=ebike&off.level=2&cols=time,title,firm,url",
    "search, much open": "/search?q=起火&from=90d&not.kind=review&open=level,firm,flag,title,id&cols=issue,kind",
    "kept searches": "/search/saved",
    "analytics": "/analytics?from=all&by=region",
    "analytics of a query": "/analytics?q=起火&by=issue&row=firm&column=kind",
    "analytics of nothing": "/analytics?q=没有这样的词",
    "firms": "/enterprises",
    "firms found": "/enterprises?q=喜盈门楼",
    "firm": "/enterprises/ENT0043",
    "trace": "/trace?model=MFZ",
    "trace, asked": "/trace",
    "recall mirror": "/recalls/mirror",
    "clusters": "/clusters?days=365",
    "clusters of a prefecture": "/clusters?region=360100&base=firms&at=360121&of=ebike",
    "trace of a firm": "/enterprises/ENT0043/trace",
    "firm on a day": "/enterprises/ENT0043?asof=2026-11-10&span=all&kind=signal",
    "sources": "/sources",
    "source": "/sources/gz_amr",
    "status": "/status",
    "deliveries": "/deliveries",
    "account": "/account",
    "audit": "/audit",
    "settings": "/settings",
    "accounts": "/settings/users",
    "an account": "/settings/users/admin",
    "new account": "/settings/users/new",
    "all tokens": "/settings/tokens",
    "holds": "/settings/holds",
    "erasing a person": "/settings/erase",
    "tokens": "/account/tokens",
    "help of the API": "/help/api",
    "rules": "/rules",
    "watch-lists": "/watchlists",
    "grades": "/grades",
    "watch-list": "/watchlists/GZ-2026-0001",
    "silences": "/silences",
    "new silence": "/silences/new?match=level%3Dyellow",
    "help": "/help",
    "changes": "/changes?since=7d",
    "handover": "/handover",
    "a shift before": "/handover?shift=2026-11-22T10:00",
    "wall": "/wall",
    "missing": "/nothing",
    "why an alert": f"/why?q={ALERT}",
    "why none": "/why?q=辟谣",
    "why, an address": "/why?q=https://nobody.example/x",
    "why, a question": "/why",
    "why, kept": "/why/reviews/1",
    "lab": "/rules/product_fire/lab",
    "lead time": "/leadtime",
    "events": "/events?view=single",
    "no events": "/events",
    "event": "/events/SJ-2026-0001",
    "document": "/documents/{document}",
    "new rule": "/rules/new?q=起火",
    "rule": "/rules/desk_1",
    "rule versions": "/rules/desk_1/versions",
    "changed rule": "/rules/desk_1/edit",
    "ledger": "/ledger",
    "hazard": "/ledger/YH-2026-0001",
    "new hazard": f"/ledger/new?alert={ALERT}",
    "sheet": "/ledger/import",
    "supervised": "/ledger/supervised",
    "steps": "/ledger/steps?since=7d",
    "look back": "/ledger/lookback",
    "help of a page": "/help/alert",
    "help asked": "/help?q=销号",
    "reports": "/reports",
    "calendar": "/calendar",
    "export": "/export",
    "progress": "/progress",
    "progress, records": "/progress/records?kind=sampling&of=key",
    "calendar of a year": "/calendar?year=2027",
    "weekly": "/reports/weekly/2026-W47",
    "weekly, a column": "/reports/weekly/2026-W47/remarks",
    "papers": "/papers",
    "new paper": "/papers/new?of=week:2026-W47",
    "paper": "/papers/GW-2026-0001",
    "sign in": "/signin",
    "invited": "/invite?token=x",
}
"""Names in braces are filled in by `fill_more`."""
NOT_PAGES = {
    "/jump": "leads on",
    "/first": "leads on",
    "/signin/oidc": "leads on",
    "/signin/oidc/callback": "leads on",
    "/live": "a stream",
    "/search/field": "a part of the search page",
    "/search/hit/{document_id}": "a part of the search page",
    "/search/new": "a part of the search page",
    "/search/watched": "a part of the search page",
    "/search/special": "a part of the search page",
    "/search/add": "leads on",
    "/search/export": "a file",
    "/rules/{rule_id}/export": "a file",
    "/documents/{document_id}/archive": "a file",
    "/documents/{document_id}/evidence.zip": "a file",
    "/alerts/{alert_id}/evidence.zip": "a file",
    "/trace.csv": "a file",
    "/clusters.csv": "a file",
    "/progress.csv": "a file",
    "/export/{what}.{form}": "a file",
    "/progress.xlsx": "a file",
    "/ledger/export.xlsx": "a file",
    "/enterprises/{firm:path}/dossier.docx": "a file",
    "/ledger/spotchecks.xlsx": "a file",
    "/ledger/{entry_id}/proofs/{number}": "a file",
    "/alerts/{alert_id}/files/{number}": "a file",
    "/reports/weekly/{week_id}/table.xlsx": "a file",
    "/reports/weekly/{week_id}/table.csv": "a file",
    "/papers/{paper_id}/{name}": "a file",
    "/feeds/{secret}/alerts.{kind}": "a feed",
    "/feeds/{secret}/alerts.sse": "a stream",
    "/feeds/{secret}/alerts/{alert_id}.cap": "a file",
    "/alerts/{alert_id}/cap.xml": "a file",
    "/feeds/{secret}/search.atom": "a feed",
    "/metrics": "numbers for a Prometheus server; tests/test_metrics.py",
    "/canary/source.xml": "a feed",
    "/canary/alerts.atom": "a feed",
    "/wall/{secret}": "leads to the wall",
    "/mail/{purpose}/{token}": "needs the link of a mail; tests/test_mail_door.py",
    "/signin/code": "needs half a sign-in; tests/test_two_step.py",
    "/account/two-step": "needs a set-up that has begun; tests/test_two_step.py",
}
"""GET addresses that answer something else than a page of their own to somebody who is signed in, and what."""


def fill_more(services: Services) -> dict[str, str]:
    """What tests.desk_server does not put in: events, a rule and a review of the desk, a hazard. PAGES in full."""
    keeper = EventKeeper(services.lexicon.regions, load_grouping(CONFIG).family_of)
    rule = {
        "title": "楼道起火", "why": "用于测试", "level": "orange", "group_by": ["matter"], "condition": {"type": "any"},
        "repeat_after": None, "scope": {"query": "起火 and 楼道", "min_level": 0},
    }  # fmt: skip
    review = {
        "at": NOW, "author": "admin", "office": "360000", "asked": "https://nobody.example/x", "document": "",
        "title": "没有抓到的一页", "stage": "crawl", "note": "来电反映",
        "answer": {"sentence": "没有抓到", "stages": [], "proposals": []},
    }  # fmt: skip
    today = beijing(NOW).date()
    hazard = Entry(
        "",
        HazardState.TO_CHECK,
        2,
        "电动自行车擅自解除限速",
        "check",
        today,
        today + timedelta(days=9),
        "360702",
        NOW,
        NOW,
    )
    with services.store.write() as db:
        alert = alert_log.find_alert(db, ALERT)
        assert alert is not None
        for _, signal in documents.signals_after(db, 0, limit=60):
            keeper.place(db, signal, NOW)
        desk_rules.create_rule(db, rule, actor="admin", territory="000000", now=NOW, once="page")
        reviews.add_review(db, review, once="page")
        book = open_book(services.ledger, lambda day: True, services.lexicon)
        listed = WatchList("", "重点锂电", "专项检查", "admin", "000000", "viewer", 2, NOW)
        made = make_list(db, listed, once="page")
        put_on(db, made, [Given("ENT0043", "某企业")], reason="多次投诉", by="admin", now=NOW, until=None)
        steps.add(book, db, hazard, Deed("admin", NOW, once="page", territory="000000"))
        desk = desk_for(services, db, "360000", now=NOW)
        content = papers.draft(desk, "weekly", Asked("week:2026-W47"))
        subject, by = "week:2026-W47", "admin"
        papers.keep(db, content, subject=subject, territory="360000", by=by, now=NOW, once="page-paper")
    return {name: path.format(document=alert.documents[0]) for name, path in PAGES.items()}


def page_routes() -> list[APIRoute]:
    """The routes of the desk that answer a GET with a page, in the order they are tried."""
    routes = [route for module in MODULES for route in module.router.routes if isinstance(route, APIRoute)]
    gets = [route for route in routes if "GET" in (route.methods or ()) and not route.path.startswith("/api/")]
    unknown = NOT_PAGES.keys() - {route.path for route in gets}
    assert not unknown, f"no such address any more: {unknown}"
    return [route for route in gets if route.path not in NOT_PAGES]
