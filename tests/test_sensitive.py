"""Sensitive periods: declared for some hours by officers of the territory, shown, told live, ended, in the audit."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event, insert, select, text

from alerts.sensitive import declare, settle
from core.clock import beijing
from core.errors import UsageError
from core.records import AlertState
from ledger import steps
from ledger.book import Deed, open_book
from store import audit, users
from store import events as book
from store.alert_log import find_alert, save_alert
from store.database import Store
from store.fresh import Subject, stored_about, stored_lately
from store.ledger import Entry, HazardState
from store.schema import documents, event_documents, event_moves, firm_facts
from store.sensitive import EVENT, FIRM, Period, running_of
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.access import Viewer
from web.app import create_app
from web.services import Services
from web.views import live

WEEK = timedelta(days=7)
SOON = NOW + timedelta(seconds=5)
COUNTY, ELSEWHERE = "360704", "360981"
Browse = Callable[[str], TestClient]


class Desk:
    """A desk whose clock is set by hand, with one firm and one event of one county."""

    def __init__(self, services: Services, now: list[datetime]) -> None:
        self.services, self.now = services, now
        with services.store.write() as db:
            accounts: tuple[tuple[str, users.Role, str], ...] = (
                ("chief", "supervisor", "360000"), ("gan", "officer", COUNTY), ("wan", "officer", ELSEWHERE),
                ("guest", "viewer", COUNTY),
            )  # fmt: skip
            for name, role, territory in accounts:
                users.create_user(
                    db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW
                )
            self.event = book.open_event(db, "d", NOW, now=NOW)
            facts = {"territories": [COUNTY]}
            book.save_summary(
                db,
                self.event,
                title="一起电池起火",
                first_at=NOW,
                last_at=NOW,
                level=3,
                documents=1,
                origins=1,
                facts=facts,
            )
            self.number = book.find_events(db, [self.event])[self.event].number
            query = text("SELECT id FROM enterprises WHERE region_code = :county LIMIT 1")
            self.firm: str = db.execute(query, {"county": COUNTY}).scalar_one()

    @property
    def pages(self) -> dict[str, str]:
        return {EVENT: f"/events/{self.number}", FIRM: f"/enterprises/{quote(self.firm)}"}

    def start(self, client: TestClient, kind: str, /, once: str = "", **fields: str) -> int:
        """Send the form, also as somebody whose page has none."""
        form = {
            "kind": kind,
            "subject": self.event if kind == EVENT else self.firm,
            "hours": "24",
            "reason": "两会期间",
        }
        once = once or f"{kind}{self.now[0]:%d%H%M%S}"
        csrf = value_of(client.get("/account").text, "csrf")
        return client.post("/sensitive/start", data={**form, "csrf": csrf, "once": once, **fields}).status_code

    def end(self, client: TestClient, kind: str) -> int:
        with self.services.store.read() as db:
            running = running_of(db, kind, self.event if kind == EVENT else self.firm, self.now[0])
        csrf = value_of(client.get("/account").text, "csrf")
        return client.post(f"/sensitive/{running.number if running else 0}/end", data={"csrf": csrf}).status_code


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    now = [NOW]
    services = make_services(tmp_path, clock=lambda: now[0])
    yield Desk(services, now)
    services.store.close()


@pytest.fixture
def browse(desk: Desk) -> Iterator[Browse]:
    app = create_app(desk.services)
    with ExitStack() as opened:
        yield lambda name: opened.enter_context(signed_in(app, name))


def viewer_of(desk: Desk, name: str) -> Viewer:
    with desk.services.store.read() as db:
        user = users.find_user(db, name)
    assert user is not None
    return Viewer(user, desk.services.lexicon.regions)


@pytest.mark.parametrize("kind", [EVENT, FIRM])
def test_an_officer_declares_it_from_the_page_which_says_so_until_it_is_ended(
    desk: Desk, browse: Browse, kind: str
) -> None:
    gan, page = browse("gan"), desk.pages[kind]
    before = gan.get(page).text
    assert "设为敏感期" in before
    assert "data-sensitive" not in before
    assert f"watch={kind}%3A" in before, "without it the stream has nothing to tell this page"
    assert desk.start(gan, kind, once=value_of(before, "once")) == 303
    after = gan.get(page).text
    for words in ("data-sensitive", "gan 于", "11-24 14:32", "两会期间", f'href="{page}">刷新', ">结束<"):
        assert words in after
    assert "设为敏感期" not in after
    assert desk.start(gan, kind) == 400, "it runs already"
    assert desk.end(gan, kind) == 303
    assert "data-sensitive" not in gan.get(page).text
    with desk.services.store.read() as db:
        name = desk.number if kind == EVENT else desk.firm
        lines = [(line.action, line.actor, line.details["why"]) for line in audit.search(db, object=name)]
    assert lines == [("sensitive_end", "gan", "两会期间"), ("sensitive_start", "gan", "两会期间")]


def test_the_same_form_begins_one_and_wrong_fields_are_told(desk: Desk, browse: Browse) -> None:
    gan = browse("gan")
    for wrong in ({"hours": "0"}, {"hours": "169"}, {"hours": "-1"}, {"hours": "一"}, {"reason": " "}, {"kind": "x"}):
        assert desk.start(gan, EVENT, **wrong) == 400
    assert desk.start(gan, EVENT, once="k" * 12) == 303
    assert desk.start(gan, EVENT, once="k" * 12) == 303
    with desk.services.store.read() as db:
        assert db.execute(text("SELECT count(*) FROM sensitive_periods")).scalar_one() == 1
    assert gan.post("/sensitive/start", data={"kind": EVENT}).status_code == 403, "not from a page of ours"


def test_territory_and_role_say_who_declares_sees_and_ends_it(desk: Desk, browse: Browse) -> None:
    gan, wan, guest, chief = map(browse, ("gan", "wan", "guest", "chief"))
    assert (desk.start(wan, EVENT), desk.start(wan, FIRM)) == (404, 403)
    assert desk.start(guest, EVENT) == 403
    assert desk.start(chief, FIRM) == 303
    assert desk.start(gan, EVENT) == 303
    assert desk.end(gan, FIRM) == 403, "the province declared it"
    assert desk.end(guest, EVENT) == 403
    assert "data-sensitive" in gan.get(desk.pages[FIRM]).text
    assert "data-sensitive" not in wan.get(desk.pages[FIRM]).text, "a firm of another county is open, its period is not"
    home = {client: client.get("/").text for client in (gan, wan, chief)}
    for client, lines in ((gan, 2), (wan, 0), (chief, 2)):
        assert sum(f'href="{page}"' in home[client] for page in desk.pages.values()) == lines
    assert desk.end(chief, EVENT) == 303


def test_it_ends_by_itself_and_the_log_says_so(desk: Desk, browse: Browse) -> None:
    gan = browse("gan")
    assert desk.start(gan, EVENT, hours="2") == 303
    desk.now[0] = NOW + timedelta(minutes=119)
    assert "data-sensitive" in gan.get(desk.pages[EVENT]).text
    desk.now[0] = NOW + timedelta(hours=2)
    assert "data-sensitive" not in gan.get(desk.pages[EVENT]).text
    assert desk.pages[EVENT] not in gan.get("/").text.partition("现在要办")[0]
    with desk.services.store.write() as db:
        assert (settle(db, desk.now[0]), settle(db, desk.now[0])) == (1, 0)
        [line, _] = audit.search(db, object=desk.number)
        assert (line.action, line.actor) == ("sensitive_end", "system")
    assert desk.start(gan, EVENT) == 303, "a new one may begin"


def test_a_firm_in_no_list_is_of_the_places_of_its_signals(desk: Desk, browse: Browse) -> None:
    stored(desk, enterprise="NIL:某电池店", is_risk=True, level=2)
    assert desk.start(browse("wan"), FIRM, subject="NIL:某电池店") == 403
    assert desk.start(browse("gan"), FIRM, subject="NIL:某电池店") == 303
    assert desk.start(browse("gan"), FIRM, subject="NIL:没有的店") == 404


def test_what_was_merged_into_an_event_keeps_it_sensitive(store: Store) -> None:
    with store.write() as db:
        kept, gone = (book.open_event(db, name, NOW, now=NOW) for name in "ab")
        one = Period(0, EVENT, gone, COUNTY, "舆情", "gan", NOW, NOW + WEEK)
        declare(db, one, longest=WEEK, once="a" * 8, now=NOW)
        db.execute(text("UPDATE events SET merged_into = :kept WHERE id = :gone"), {"kept": kept, "gone": gone})
        assert running_of(db, EVENT, kept, NOW)
        with pytest.raises(UsageError, match="已在敏感期内"):
            declare(db, replace(one, subject=kept), longest=WEEK, once="b" * 8, now=NOW)


# --- the stream ---------------------------------------------------------------------------------------------------


def stored(desk: Desk, *, moved_at: datetime = SOON, event: str = "", **values: Any) -> str:
    """A document that was just read: a copy of one of the pack."""
    with desk.services.store.write() as db:
        row = dict(db.execute(select(documents).where(documents.c.latest).limit(1)).mappings().one())
        del row["seq"]
        name = f"new{moved_at:%S%f}{event}{values.get('enterprise', '')}{values.get('jurisdiction', '')}"
        row |= {"id": name, "jurisdiction": COUNTY, "stage": "judged", "moved_at": moved_at, **values}
        db.execute(insert(documents).values(row))
        if event:
            member = {"document": name, "event": event, "at": NOW, "risk": True, "points": 0, "why": [], "traits": {}}
            db.execute(insert(event_documents).values(member))
    return name


def fresh(told: live.Told, beat: live.Beat) -> int:
    """How many new things the stream tells of."""
    return sum(len(data["ids"]) for name, data in told.news(beat) if name == "fresh")


def beat_of(desk: Desk, *subjects: Subject) -> live.Beat:
    with desk.services.store.read() as db:
        return live.Beat(stored=tuple(stored_lately(db, subjects, NOW)))


@pytest.mark.parametrize("kind", [EVENT, FIRM])
def test_the_stream_tells_each_new_document_of_the_subject_once(desk: Desk, kind: str) -> None:
    subject, other = Subject(kind, desk.event if kind == EVENT else desk.firm), Subject(FIRM, "ENT0000")
    page = live.Page("", None, {}, subject)
    told = live.Told(desk.services, viewer_of(desk, "gan"), NOW, page)
    assert fresh(told, live.Beat()) == 0
    about: dict[str, Any] = {"event": desk.event} if kind == EVENT else {"enterprise": desk.firm, "is_risk": True}
    stored(desk, **about)
    stored(desk, enterprise="ENT0000", is_risk=True)
    stored(desk, jurisdiction=ELSEWHERE, **about)
    beat = beat_of(desk, subject, other)
    assert len(beat.stored) == 3
    assert fresh(told, beat) == 1, "not of another firm, and not what lies in another county"
    assert fresh(told, beat) == 0
    again = live.Told(desk.services, viewer_of(desk, "gan"), NOW, page)
    assert fresh(again, live.Beat()) == 1, "a stream that was broken off makes up for it"
    assert fresh(live.Told(desk.services, viewer_of(desk, "gan"), SOON, page), live.Beat()) == 0


def test_facts_of_a_firm_and_alerts_about_it_are_told(desk: Desk) -> None:
    subject = Subject(FIRM, desk.firm)
    told = live.Told(desk.services, viewer_of(desk, "gan"), NOW, live.Page("", None, {}, subject))
    fresh(told, live.Beat())
    with desk.services.store.write() as db:
        add_fact(db, desk.firm)
        row = db.execute(text("SELECT id FROM alerts LIMIT 1")).scalar_one()
        old = find_alert(db, row)
        assert old is not None
        save_alert(
            db, replace(old, id="anew", number="YJ-2026-0099", enterprises=(desk.firm,), created_at=SOON), details={}
        )
    assert fresh(told, beat_of(desk, subject)) == 1
    assert fresh(told, live.Beat((live.Waiting("anew", 3, SOON, (COUNTY,)),))) == 1


def test_ledger_steps_moves_and_what_people_do_to_alerts_are_told_to_a_dossier(desk: Desk) -> None:
    subject, today = Subject(FIRM, desk.firm), beijing(NOW).date()
    page = live.Page("", None, {}, subject)
    told, far = (live.Told(desk.services, viewer_of(desk, name), NOW, page) for name in ("gan", "wan"))
    for each in (told, far):
        fresh(each, live.Beat())
    stored(desk, event=desk.event, enterprise=desk.firm, is_risk=True, moved_at=NOW - timedelta(days=1))
    hazard = Entry("", HazardState.TO_CHECK, 2, "充电器起火", "check", today, today, COUNTY, SOON, SOON, firm=desk.firm)
    with desk.services.store.write() as db:
        book_of = open_book(desk.services.ledger, lambda day: True, desk.services.lexicon)
        steps.add(book_of, db, hazard, Deed("chief", SOON, once="fresh-ledger", territory="000000"))
        moved = {"kind": "split", "event": desk.event, "other": book.open_event(db, "z", NOW, now=NOW), "documents": []}
        db.execute(insert(event_moves).values(**moved, parted=False, actor="chief", at=SOON))
        old = find_alert(db, db.execute(text("SELECT id FROM alerts LIMIT 1")).scalar_one())
        assert old is not None
        save_alert(db, replace(old, id="mine", number="YJ-2026-0098", enterprises=(desk.firm,)), details={})
    beat = beat_of(desk, subject)
    assert sorted(one.key[0] for one in beat.stored) == ["l", "n"]
    assert fresh(told, beat) == 2
    assert fresh(told, beat) == 0
    assert fresh(far, beat) == 0, "neither the hazard nor the documents lie there"
    accepted = live.Changed("mine", 3, AlertState.ACCEPTED, "gan", (COUNTY,))
    assert fresh(told, live.Beat(changed=(accepted,))) == 1
    assert fresh(live.Told(desk.services, viewer_of(desk, "gan"), SOON, page), live.Beat(changed=(accepted,))) == 0
    assert fresh(live.Told(desk.services, viewer_of(desk, "gan"), NOW, page), beat_of(desk)) == 2, "made up for"
    on_event = live.Told(
        desk.services, viewer_of(desk, "gan"), NOW, live.Page("", None, {}, Subject(EVENT, desk.event))
    )
    assert fresh(on_event, beat_of(desk, Subject(EVENT, desk.event))) == 1


def add_fact(db: Connection, firm: str) -> None:
    plain = {column.name: "" for column in firm_facts.c if column.name not in ("day", "until", "state_since")}
    db.execute(insert(firm_facts).values({**plain, "id": "x", "firm": firm, "count": 1, "updated_at": SOON}))


def test_only_what_one_may_open_is_watched_and_only_while_it_is(desk: Desk) -> None:
    with desk.services.store.read() as db:
        for name, seen in (("gan", True), ("wan", False)):
            found = live._watched(db, viewer_of(desk, name), f"event:{desk.number}")
            assert (found == Subject(EVENT, desk.event)) == seen
        assert live._watched(db, viewer_of(desk, "gan"), "event:none") is None
        assert live._watched(db, viewer_of(desk, "gan"), "x:1") is None
    pulse = live.Pulse(desk.services)
    for subject in (None, Subject(FIRM, "a"), Subject(FIRM, "a")):
        pulse.watch(subject)
    pulse.leave(Subject(FIRM, "a"))
    assert sorted(pulse.watched) == [Subject(FIRM, "a")]
    pulse.leave(Subject(FIRM, "a"))
    assert not pulse.watched


def test_a_second_costs_one_query_by_an_index_however_many_pages_are_open(desk: Desk) -> None:
    asked: list[str] = []
    subjects = [Subject(FIRM, f"ENT{number:04d}") for number in range(300)] + [Subject(EVENT, desk.event)]
    with desk.services.store.read() as db:
        event.listen(db, "before_cursor_execute", lambda *call: asked.append(call[2]))
        stored_lately(db, subjects, NOW)
        stored_about(db, subjects[-1], NOW)
        plans = [" ".join(row[3] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", _blanks(asked[0])))]
    assert len(asked) == 3, "one each, and the plan"
    assert "ix_documents_moved" in plans[0]
    assert "SCAN documents" not in plans[0]
    assert "SCAN firm_facts" not in plans[0]


def _blanks(sql: str) -> tuple[str, ...]:
    return ("",) * sql.count("?")
