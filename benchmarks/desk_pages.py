"""What every page of the desk costs: median and 95th percentile, one request at a time, CPU and wall time.

    python -m benchmarks.desk_pages [--documents 50000 200000] [--data FOLDER] [--rounds 20] [--only /why] [--json FILE]

All GET routes of web/app.py with real ids and the usual filters over benchmarks.desk_corpus; a route that is neither
asked nor in NOT_PAGES ends it. CPU is that of the whole process, as on a core of its own; wall time has neighbours in
it. The first request of each page is left out and told apart. /help is asked beside each page: what else runs on a
machine raises CPU time too, and the multiple of /help holds better than the milliseconds. With two sizes, the last
column is their ratio.
"""

import argparse
import json
import logging
import math
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from starlette.routing import Match

from benchmarks.desk_corpus import Size, counts_of, full_desk
from reports.papers import book as papers
from reports.papers.kinds import Asked
from store import desk_rules, tokens, users
from store.schema import alert_documents, alerts, documents, events, ledger_entries
from store.searches import save_search, watch_search
from tests.desk_server import NOW
from web.app import PAGES as MODULES
from web.app import create_app
from web.papers import desk_for
from web.server import keep_what_is_loaded
from web.services import Services

NOT_PAGES = {
    "/live": "a stream without end",
    "/documents/{document_id}/archive": "a file of the WARC archive, which this corpus has not",
    "/documents/{document_id}/evidence.zip": "a package of files",
    "/alerts/{alert_id}/cap.xml": "a file",
    "/feeds/{secret}/alerts/{alert_id}.cap": "the same file",
    "/feeds/{secret}/alerts.sse": "a stream without end",
    "/alerts/{alert_id}/evidence.zip": "a package of files",
    "/search/export": "a file of up to 50,000 rows",
    "/analytics/export": "a file",
    "/trace.csv": "a file",
    "/clusters.csv": "a file",
    "/progress.csv": "a file",
    "/progress.xlsx": "a file",
    "/export/{what}.{form}": "a file",
    "/mail/{purpose}/{token}": "a link that stands in one mail",
    "/api/export/alerts": "a file",
    "/api/export/events": "a file",
    "/api/export/recalls": "a file",
    "/watchlists/{list_id}": "a list of firms, which this corpus has not",
    "/ledger/export.xlsx": "a file",
    "/enterprises/{firm:path}/dossier.docx": "a file",
    "/ledger/spotchecks.xlsx": "a file",
    "/alerts/{alert_id}/files/{number}": "a file",
    "/reports/weekly/{week_id}/table.xlsx": "a file",
    "/reports/weekly/{week_id}/table.csv": "a file",
    "/papers/{paper_id}/{name}": "a file",
    "/ledger/{entry_id}/proofs/{number}": "an uploaded file",
    "/signin/oidc": "leads to another server",
    "/signin/oidc/callback": "comes from another server",
    "/first": "needs a link that is good for one use",
    "/invite": "needs a link that is good for one use",
    "/signin/code": "needs a sign-in under way",
    "/account/two-step": "needs a set-up under way",
    "/feeds/{secret}/search.atom": "the first page of a search, without the page",
    "/wall/{secret}": "leads on to /wall",
    "/search/add": "leads on to /search",
    "/why/reviews/{number}": "a kept text",
}
"""GET routes that answer with no page, and why."""
GOOD = (200, 303, 304)
BASELINE = "/help"
"""A page of words only: what any page costs."""
BESIDE = 5
"""Requests of it beside each page."""
PASSWORD = "benchmarks only"
RULE = {
    "title": "任何一条", "why": "量一量", "scope": {"query": "产品:rebar"}, "condition": {"type": "any"},
    "group_by": ["matter"], "level": "blue",
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a page. first: of its first request.  bytes: of the answer.  basis: CPU of BASELINE beside it."""

    page: str
    first: float
    wall: float
    wall_p95: float
    cpu: float
    cpu_p95: float
    bytes: int
    basis: float = 0.0


def pages_of(services: Services, secret: str) -> list[str]:
    """The addresses to ask, each route with ids that are in the corpus."""
    return [
        *("/", "/help", "/help?q=销号", "/help/alerts", "/help/api", "/account", "/account/tokens", "/signin"),
        *_alert_pages(services), *_document_pages(services), *_search_pages(services), *_why_pages(services),
        *_system_pages(), *_ledger_pages(services), *_report_pages(services), *_api_pages(services),
        *(f"/feeds/{secret}/alerts.{kind}" for kind in ("atom", "rss", "json")),
        "/canary/source.xml", "/canary/alerts.atom",
    ]  # fmt: skip


def _alert_pages(services: Services) -> Iterator[str]:
    yield from ("/wall", "/wall?firms=off", "/handover", "/handover?shift=2026-11-22T10:00")
    yield from ("/changes?since=24h", "/changes?since=7d", "/changes?since=30d", "/changes?since=30d&page=4")
    for view in ("", "mine", "work", "close", "done", "open", "at", "all"):
        yield f"/alerts?view={view}"
    for more in ("level=red", "product=ebike", "region=360100", "rule=product_fire", "since=30d", "due=over", "late=1",
                 "muted=1", "unread=1", "sort=level", "sort=new", "page=4"):  # fmt: skip
        yield f"/alerts?view=all&{more}"
    with services.store.read() as db:
        still = db.execute(select(alerts.c.id).where(alerts.c.state == "new").limit(1)).scalar_one()
        most = select(alert_documents.c.alert).group_by(alert_documents.c.alert).order_by(func.count().desc()).limit(1)
        big = db.execute(most).scalar_one()
    yield from (f"/alerts/{still}", f"/alerts/{big}", "/leadtime", "/leadtime?since=365d")
    yield from ("/silences", "/silences/new", "/silences/new?match=level%3Dyellow", "/jump?q=YJ-2026-0001")
    yield from (
        "/deliveries",
        "/deliveries?state=failed",
        "/deliveries?channel=mail&page=4",
        f"/deliveries?alert={still}",
    )
    yield from (f"/deliveries?alert={still}", "/deliveries?day=2026-11-01")


def _document_pages(services: Services) -> Iterator[str]:
    with services.store.read() as db:
        row = db.execute(select(documents.c.id, documents.c.enterprise).where(documents.c.is_risk).limit(1)).one()
        count = func.count()
        firm = select(documents.c.enterprise).where(documents.c.enterprise.is_not(None))
        hot = db.execute(firm.group_by(documents.c.enterprise).order_by(count.desc()).limit(1)).scalar_one()
        event = db.execute(select(events.c.id).order_by(events.c.documents.desc(), events.c.id).limit(1)).scalar_one()
    yield from (f"/documents/{row.id}", f"/documents/{row.id}?rev=1", f"/enterprises/{quote(hot)}", "/enterprises")
    yield from ("/clusters", "/clusters?days=365", "/grades", "/watchlists")
    yield from ("/calendar", "/calendar?year=2025", "/progress", "/progress?region=360100", "/export")
    yield from ("/progress/records?kind=sampling", "/progress/records?kind=ledger&of=open", "/api/intake")
    yield "/api/intake/sampling/schema"
    yield from ("/api/match?name=" + quote("江西"), "/api/match/suggest?q=" + quote("电动"))
    yield from ("/trace", "/trace?model=MFZ", f"/enterprises/{quote(hot)}/trace")
    yield from (f"/enterprises/{quote(hot)}?span=all", f"/enterprises/{quote(hot)}?asof=2026-06-01")
    yield from ("/enterprises?q=电动", "/enterprises?q=江西", "/enterprises?q=不存在的企业")
    yield from ("/events", "/events?view=all", "/events?view=single", "/events?view=all&page=4")
    yield from (f"/events/{event}", f"/events/{event}?docs=all")


def _search_pages(services: Services) -> Iterator[str]:
    with services.store.read() as db:
        document = db.execute(select(documents.c.id).where(documents.c.is_risk).limit(1)).scalar_one()
    yield f"/search/hit/{document}"
    for query in ("", "起火", "电动自行车 起火", '"电动自行车"', "产品:ebike and 级别>=3", "电动*"):
        yield f"/search?q={quote(query)}"
        yield f"/search?q={quote(query)}&from=1y"
    yield from ("/search?q=起火&by=relevance", "/search?q=起火&page=5", "/search?view=table&from=30d")
    yield from ("/search?product=ebike&from=90d", "/search?split=kind&from=1y", "/search/saved", "/search/watched")
    yield from ("/search/field?name=source&from=1y", "/search/field?name=product&q=起火&from=1y")
    yield from ("/search/special?q=起火&from=30d", "/search/new?q=起火&at=2026-11-23T10:00", "/api/complete?q=电动")
    yield from ("/analytics", "/analytics?q=起火&from=1y", "/analytics?from=90d&by=region&row=product&column=issue")
    yield "/analytics?q=起火&words=1"
    yield "/api/complete?q=source:"


def _why_pages(services: Services) -> Iterator[str]:
    with services.store.read() as db:
        row = db.execute(
            select(documents.c.title, documents.c.url, documents.c.id).where(documents.c.is_risk).limit(1)
        ).one()
        number = db.execute(select(alerts.c.number).where(alerts.c.state == "new").limit(1)).scalar_one()
        calm = db.execute(select(documents.c.id).where(~documents.c.is_risk).limit(1)).scalar_one()
    asked = (row.title, row.title[2:9], "辟谣", "起火", "没有这个标题", row.url, row.id, number, calm)
    yield "/why"
    yield from (f"/why?q={quote(one, safe='')}" for one in (*asked, "https://nowhere.example/a", "example.com/x"))


def _system_pages() -> Iterator[str]:
    for source in ("jx_amr_notice", "gan_forum", "gan_forum_1"):
        yield f"/sources/{source}"
    yield from ("/rules/product_fire/lab", "/rules/desk_1/lab", "/rules/desk_1", "/rules/desk_1/export")
    yield from (
        "/sources",
        "/sources?s=ill",
        "/sources?s=fine",
        "/rules",
        "/rules/new?product=ebike&issue=fire",
    )
    yield from ("/rules/desk_1/edit", "/rules/desk_1/versions", "/status", "/audit", "/audit?who=officer3")
    yield from ("/audit?what=sign_in", "/audit?about=YJ-2026-01", "/audit?from=2026-11-01", "/audit?before=5000")
    yield from ("/settings", "/settings/tokens", "/settings/users", "/settings/users/new", "/settings/users/bench")


def _ledger_pages(services: Services) -> Iterator[str]:
    with services.store.read() as db:
        entry = db.execute(select(ledger_entries.c.id).limit(1)).scalar_one()
        alert = db.execute(select(alerts.c.id).limit(1)).scalar_one()
    for view in ("", "due", "over", "ready", "closed", "look", "listed", "all"):
        yield f"/ledger?view={view}"
    yield from ("/ledger?view=all&level=red&product=ebike", "/ledger?view=all&region=360100&page=4")
    yield from (f"/ledger/{entry}", "/ledger/new", f"/ledger/new?alert={alert}", "/ledger/import")
    yield from ("/ledger/supervised", "/ledger/lookback", "/ledger/steps?since=2026-10-24T08:30")


def _report_pages(services: Services) -> Iterator[str]:
    yield from ("/recalls/mirror", "/reports", "/reports/weekly/2026-W47", "/reports/weekly/2026-W44")
    yield from (f"/reports/weekly/2026-W47/{column.id}" for column in services.weekly.columns)
    drafted = []
    with services.store.write() as db:
        alert = db.execute(select(alerts.c.number).order_by(alerts.c.created_at.desc()).limit(1)).scalar_one()
        for kind, subject in (("weekly", "week:2026-W47"), ("opinion", f"alert:{alert}"), ("annual", "year:2026")):
            began = time.process_time()
            content = papers.draft(desk_for(services, db, "360000", now=NOW), kind, Asked(subject))
            print(f"drafted {kind}: {time.process_time() - began:.2f} s of CPU, {len(content.evidence)} of evidence")
            made = papers.keep(
                db, content, subject=subject, territory="360000", by="admin", now=NOW, once=f"bench-{kind}"
            )
            drafted.append(f"/papers/{made}")
    yield from drafted
    yield from ("/papers", "/papers?kind=weekly&state=draft", f"/papers/new?of=alert:{alert}")


def _api_pages(services: Services) -> Iterator[str]:
    with services.store.read() as db:
        alert = db.execute(select(alerts.c.id).limit(1)).scalar_one()
        document = db.execute(select(documents.c.id).limit(1)).scalar_one()
        event = db.execute(select(events.c.id).limit(1)).scalar_one()
    yield from (f"/api/alerts/{alert}", f"/api/alerts/{alert}/history", f"/api/events/{event}")
    yield from (f"/api/documents/{document}", f"/api/documents/{document}/revisions")
    for path in ("alerts", "alerts?view=work", "deliveries", "search?q=起火", "events", "enterprises",
                 "enterprises?q=电动", "enterprises/ENT0003", "sources", "rules", "status", "audit",
                 "sources/gan_forum"):  # fmt: skip
        yield f"/api/{path}"
    yield from ("/api/openapi.json", "/api/analytics?q=起火")


def unasked(pages: Sequence[str]) -> list[str]:
    """GET routes that no page of these goes to, without NOT_PAGES."""
    routes = [route for module in MODULES for route in _gets(module.router)]
    paths = {page.split("?")[0] for page in pages}
    asked = {_route_of(routes, path) for path in paths}
    return sorted({route.path for route in routes} - asked - set(NOT_PAGES))


def _gets(router: APIRouter) -> Iterator[APIRoute]:
    """The GET routes of a router and of the routers in it, in the order they are tried."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            if "GET" in (route.methods or ()):
                yield route
        else:  # a router that was included; FastAPI gives its type no public name
            yield from _gets(route.original_router)  # type: ignore[attr-defined]


def _route_of(routes: Sequence[APIRoute], path: str) -> str:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return next((route.path for route in routes if route.matches(scope)[0] is Match.FULL), "")


def signed_in(services: Services) -> tuple[TestClient, str]:
    """A browser of somebody who sees all, with the secret of a feed."""
    with services.store.write() as db:
        if users.find_user(db, "bench") is None:
            who: Mapping[str, Any] = {"role": "admin", "territory": "000000", "display_name": "bench"}
            users.create_user(db, "bench", **who, password=PASSWORD, now=NOW)
            kept = save_search(db, "bench", "起火", "q=起火&from=7d", shared=False, now=NOW)
            watch_search(db, kept, "bench", now=NOW)
            desk_rules.create_rule(db, RULE, actor="bench", territory="000000", now=NOW, once="bench-rule")
        secret = tokens.create_token(db, "feed", user="bench", note="", now=NOW)
    client = TestClient(create_app(services), follow_redirects=False)
    keep_what_is_loaded()  # as the desk does
    door = re.search(r'name="door" value="([^"]*)"', client.get("/signin").text)
    assert door
    form = {"door": unescape(door[1]), "username": "bench", "password": PASSWORD}
    assert client.post("/signin", data=form).status_code == 303
    return client, secret


def measure(client: TestClient, page: str, rounds: int) -> Cost:
    """What a page costs."""
    wall, cpu, size = [], [], 0
    for _ in range(rounds + 1):
        began, worked = time.perf_counter(), time.process_time()
        answer = client.get(page)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
        assert answer.status_code in GOOD, f"{page}: HTTP {answer.status_code}"
        size = len(answer.content)
    return Cost(page, round(wall[0], 1), _middle(wall), _high(wall), _middle(cpu), _high(cpu), size)


def _middle(times: list[float]) -> float:
    return round(statistics.median(times[1:]), 1)


def _high(times: list[float]) -> float:
    """95 % of the requests but the first took no longer."""
    return round(sorted(times[1:])[math.ceil(0.95 * (len(times) - 1)) - 1], 1)


def run(folder: Path, wanted: int, rounds: int, only: str) -> list[Cost]:
    """Every page once over a corpus of that size; printed as it goes."""
    services = full_desk(folder / f"documents-{wanted}", Size(wanted))
    settings = services.settings.model_copy(update={"api_per_minute": 1_000_000})
    services = replace(services, settings=settings)
    print(", ".join(f"{count:,} {name}" for name, count in counts_of(services).items()))
    client, secret = signed_in(services)
    pages = pages_of(services, secret)
    missing = unasked(pages)
    assert only or not missing, f"GET routes that are neither asked nor in NOT_PAGES: {', '.join(missing)}"
    measure(client, BASELINE, rounds)
    print("ms: CPU median, CPU p95, wall median, wall p95, first, KB, CPU as a multiple of", BASELINE)
    costs = []
    for page in (page for page in pages if page.startswith(only)):
        basis = measure(client, BASELINE, BESIDE)  # what else runs on the machine changes from page to page
        cost = replace(measure(client, page, rounds), basis=basis.cpu)
        figures = (cost.cpu, cost.cpu_p95, cost.wall, cost.wall_p95, cost.first, cost.bytes / 1024)
        called = page.replace(secret, "…")
        print("".join(f"{figure:7.0f}" for figure in figures), f"{cost.cpu / basis.cpu:5.1f}  {called}", flush=True)
        costs.append(replace(cost, page=called))
    services.store.close()
    return costs


def compare(few: Sequence[Cost], many: Sequence[Cost]) -> None:
    """How much more a page costs with the larger corpus; ids differ, so pages are matched by place."""
    print("CPU median with few, with many, ratio")
    for one, other in zip(few, many, strict=True):
        print(f"{one.cpu:7.0f}{other.cpu:7.0f}{other.cpu / one.cpu:7.2f}  {other.page}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill, measure, print."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, nargs="+", default=[200_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--data", type=Path, help="folder that keeps the corpora; else each run makes its own")
    parser.add_argument("--only", default="", help="pages whose address begins so")
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fengsui-pages-") as folder:
        found = {
            size: run(asked.data or Path(folder), size, asked.rounds, asked.only) for size in sorted(asked.documents)
        }
    if len(found) > 1:
        compare(found[min(found)], found[max(found)])
    if asked.json:
        told = {str(size): [asdict(cost) for cost in costs] for size, costs in found.items()}
        asked.json.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
