"""How fast the desk's pages are with many documents and alerts: median and 95th percentile, one request at a time.

    python -m benchmarks.desk_pages [--documents 200000] [--alerts 2000] [--rounds 40]
                                    [--entries 30000] [--open 0.15] [--pages "/ledger /ledger?view=over"]

The store and the embedded index of the tests' desk (tests/desk_server.py), its documents told again and again over the
two years before its now, its alerts over half a year, most of them closed. Times are those of the server's answer
without network; the first request of each page is left out and told apart.
"""

import argparse
import logging
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Connection, Table, func, select

from search.records import entry_of
from store import users
from store.documents import signals_after
from store.ledger import HazardState
from store.schema import alert_documents, alert_history, alerts, documents, ledger_entries, ledger_rows
from tests.desk_server import NOW, make_services
from web.app import create_app
from web.services import Services

PAGES = (
    "/", "/wall", "/handover", "/changes?since=7d", "/alerts", "/why?q=辟谣", "/ledger", "/ledger?view=over",
    "/ledger?view=all&page=40", "/ledger?product=ebike&level=orange", "/ledger/supervised",
)  # fmt: skip
PASSWORD = "benchmarks only"
SPAN = timedelta(days=730)
ALERT_SPAN = timedelta(days=180)
STILL_OPEN = 20
"""One copied alert in so many is open."""
PIECE = 5000
PLACES = ("360702", "360703", "360704", "360981", "360111", "360402", "360502", "361002", "361102", "360802")


def fill(services: Services, *, documents_wanted: int, alerts_wanted: int) -> None:
    """Tell the documents and alerts that are there again until there are so many."""
    with services.store.write() as db:
        _tell_documents(db, documents_wanted)
        _tell_alerts(db, alerts_wanted)
    assert services.search is not None
    assert services.segmenter is not None
    after = 0
    while True:
        with services.store.read() as db:
            found = signals_after(db, after, limit=PIECE)
        if not found:
            break
        services.search.index([entry_of(signal, services.segmenter) for _, signal in found])
        after = found[-1][0]
    services.search.refresh()


def _tell_documents(db: Connection, wanted: int) -> None:
    rows = [dict(row) for row in db.execute(select(documents).where(documents.c.latest)).mappings()]
    for piece in _pieces(wanted - len(rows)):
        copies = []
        for number in piece:
            row = dict(rows[number % len(rows)])
            at = NOW - SPAN * ((number * 7919 % wanted) / wanted)
            row |= {"id": f"{row['id']}-{number}", "event_time": at, "published": at, "external_id": str(number)}
            row |= {"canonical_url": f"{row['canonical_url']}-{number}", "url": f"{row['url']}-{number}"}
            row.pop("seq")
            copies.append(row)
        db.execute(documents.insert(), copies)


def _tell_alerts(db: Connection, wanted: int) -> None:
    kept = [dict(row) for row in db.execute(select(alerts)).mappings()]
    history = {row["id"]: _rows(db, alert_history, row["id"]) for row in kept}
    links = {row["id"]: _rows(db, alert_documents, row["id"]) for row in kept}
    for piece in _pieces(wanted - len(kept)):
        made: dict[Table, list[dict[str, Any]]] = {alerts: [], alert_history: [], alert_documents: []}
        for number in piece:
            old = kept[number % len(kept)]
            new, back = f"{old['id']}-{number}", ALERT_SPAN * (number / wanted)
            state = old["state"] if number % STILL_OPEN == 0 else "closed"
            moved = {name: old[name] - back for name in ("first_at", "updated_at", "created_at")}
            made[alerts].append({**old, **moved, "id": new, "number": f"{old['number']}-{number}", "state": state})
            for row in history[old["id"]]:
                at = {"at": row["at"] - back, "story_at": row["story_at"] - back}
                made[alert_history].append({**row, **at, "alert": new, "once": None})
            made[alert_documents] += [{**row, "alert": new} for row in links[old["id"]]]
        for table, rows in made.items():
            db.execute(table.insert(), rows)


def _rows(db: Connection, table: Table, alert: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(select(table).where(table.c.alert == alert)).mappings()]


def _pieces(count: int) -> Iterator[range]:
    for start in range(0, max(count, 0), PIECE):
        yield range(start, min(start + PIECE, count))


def tell_entries(db: Connection, wanted: int, open_share: float) -> None:
    """Ledger entries over two years, the newest open, each with the rows of a usual history."""
    places = [code for code in PLACES for _ in range(3)]
    done = [HazardState.CLOSED, HazardState.CLOSED, HazardState.EXCLUDED]
    working = [state for state in HazardState if state not in done]
    for piece in _pieces(wanted):
        made: dict[Table, list[dict[str, Any]]] = {ledger_entries: [], ledger_rows: []}
        for number in piece:
            at = NOW - SPAN * (number / wanted)
            state = working[number % len(working)] if number < wanted * open_share else done[number % len(done)]
            closed = at + timedelta(days=20) if state is HazardState.CLOSED else None
            code, firm = places[number * 7919 % len(places)], f"NIL:某企业{number % 2500}"
            entry = {
                "id": f"YH-{at.year}-{wanted - number:04d}", "year": at.year, "serial": wanted - number,
                "state": state.value, "level": 1 + number % 4, "title": f"电动自行车擅自解除限速，第 {number} 批",
                "origin": "check", "alert": None, "product": ("ebike", "ebike_power", "gas_stove")[number % 3],
                "model": "", "firm": firm, "uscc": "", "issue": ("fire", "nonconf", "")[number % 3],
                "territory": code, "unit": code if number % 5 else "", "person": "", "measures": "停售" * 30,
                "case_number": "", "remark": "", "found_on": at.date(), "due_on": at.date() + timedelta(days=15),
                "step_due_on": None, "done_on": None, "closed_at": closed, "created_at": at, "updated_at": at,
                "look_on": closed.date() + timedelta(days=30) if closed and number % 5 == 0 else None,
            }  # fmt: skip
            made[ledger_entries].append(entry)
            details = {"unit": code, "until": at.date().isoformat()}
            for place, action in enumerate(("add", "dispatch", "receive", "visit"), start=1):
                row = {"entry": entry["id"], "number": place, "at": at, "actor": "desk", "action": action}
                row |= {"state": state.value, "reason": "", "note": "", "details": details, "once": None}
                made[ledger_rows].append(row)
        for table, rows in made.items():
            db.execute(table.insert(), rows)


def signed_in(services: Services) -> TestClient:
    """A browser of somebody who sees all."""
    with services.store.write() as db:
        users.create_user(
            db, "bench", role="admin", territory="000000", display_name="bench", password=PASSWORD, now=NOW
        )
    client = TestClient(create_app(services), follow_redirects=False)
    door = re.search(r'name="door" value="([^"]*)"', client.get("/signin").text)
    assert door
    form = {"door": unescape(door[1]), "username": "bench", "password": PASSWORD}
    assert client.post("/signin", data=form).status_code == 303
    return client


def measure(client: TestClient, page: str, rounds: int) -> tuple[float, list[float], list[float]]:
    """(first, wall median and p95, CPU median and p95), ms. CPU is that of all threads."""
    wall, cpu = [], []
    for _ in range(rounds + 1):
        began, worked = time.perf_counter(), time.process_time()
        assert client.get(page).status_code == 200, page
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
    return wall[0], _middle_and_high(wall[1:]), _middle_and_high(cpu[1:])


def _middle_and_high(times: list[float]) -> list[float]:
    return [statistics.median(times), sorted(times)[int(0.95 * (len(times) - 1))]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a folder of its own, measure, print."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--alerts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--entries", type=int, default=30_000, help="entries of the ledger")
    parser.add_argument("--open", type=float, default=0.15, help="share of them that is open")
    parser.add_argument("--pages", default=" ".join(PAGES), help="addresses, a blank between them")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fengsui-pages-") as folder:
        services = make_services(Path(folder), clock=lambda: NOW)
        fill(services, documents_wanted=asked.documents, alerts_wanted=asked.alerts)
        with services.store.write() as db:
            tell_entries(db, asked.entries, asked.open)
        with services.store.read() as db:
            count = db.execute(select(func.count()).select_from(documents)).scalar_one()
            risky = db.execute(select(func.count()).where(documents.c.is_risk)).scalar_one()
        print(f"{count:,} documents ({risky:,} risk signals), {asked.alerts:,} alerts, {asked.entries:,} entries")
        print("ms: first, median, p95, CPU median, CPU p95")
        client = signed_in(services)
        for page in asked.pages.split():
            first, wall, cpu = measure(client, page, asked.rounds)
            print(f"{page:36}" + "".join(f"{figure:8.0f}" for figure in (first, *wall, *cpu)), flush=True)
        services.store.close()


if __name__ == "__main__":
    main()
