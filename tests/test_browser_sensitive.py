"""A dossier in a sensitive period, in a real Chromium: what is written elsewhere comes into the open page by itself."""

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect

from alerts.sensitive import declare
from core.clock import beijing
from core.firms import FactKind, FirmFact
from ledger import steps
from ledger.book import Deed, open_book
from store.firm_facts import save_facts
from store.ledger import Entry, HazardState
from store.sensitive import FIRM, Period
from tests.desk_server import make_services, running_desk
from tests.test_browser_desk import chromium, pytestmark

__all__ = ["chromium", "pytestmark"]  # fixtures and marks
MAKER, COUNTY = "ENT0140", "360981"


def test_a_dossier_refreshes_by_itself_in_a_sensitive_period(chromium: Browser, tmp_path: Path) -> None:
    services = make_services(tmp_path)
    now = services.clock()
    period = Period(0, FIRM, MAKER, COUNTY, "舆情", "chief", now, now + timedelta(days=1))
    with services.store.write() as db:
        declare(db, period, longest=timedelta(days=7), once="browser-period", now=now)
    with running_desk(services) as desk:
        page = chromium.new_page()
        page.goto(desk.entry())
        page.goto(f"{desk.base}/enterprises/{MAKER}")
        expect(page.locator("main")).to_contain_text("敏感期")
        expect(page.locator("main")).not_to_contain_text("仓库内堆放待检线缆")
        at, today = services.clock(), beijing(services.clock()).date()
        hazard = Entry(
            "", HazardState.TO_CHECK, 2, "仓库内堆放待检线缆", "check", today, today, COUNTY, at, at, firm=MAKER
        )
        with services.store.write() as db:
            book = open_book(services.ledger, lambda day: True, services.lexicon)
            steps.add(book, db, hazard, Deed("chief", at, once="browser-hazard", territory="000000"))
        expect(page.locator("main")).to_contain_text("仓库内堆放待检线缆")
        with services.store.write() as db:
            save_facts(db, [FirmFact(MAKER, FactKind.PENALTY, "罚-现-9", day=today)], now=services.clock())
        expect(page.locator("main")).to_contain_text("罚-现-9")
        page.close()
    services.store.close()
