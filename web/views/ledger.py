"""隐患台账: which hazards are open, whose clock runs out, what is missing; entering one."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.duty import Duty
from core.clock import beijing
from core.errors import UsageError
from core.records import LEVEL_IDS, Alert
from ledger.book import Deed, Ledger, open_book
from ledger.steps import add
from ledger.words import ORIGINS, STATE_WORDS
from store import audit
from store.documents import find_signals
from store.ledger import Entry, HazardState, row_of_form
from store.ledger_list import is_empty
from store.registry import find_by_name
from store.registry import find_entry as find_firm
from store.supervisions import supervised_entries
from web.access import ROLE_NAMES
from web.ledger_list import FILTERS, PAGE_SIZE, SHOWN_VIEWS, VIEWS, Asked, Shelf, lines_of, read_asked
from web.names import NIL, firm_names
from web.views.alert import open_alert
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
ORIGIN_OF_KIND = {"spotcheck": "spotcheck", "complaint": "complaint", "recall": "recall", "recall_foreign": "recall"}
TEXTS = {"title": 200, "model": 200, "firm": 120, "uscc": 18, "measures": 1000, "remark": 1000}


@dataclass(frozen=True)
class Typed:
    """The fields of the form as typed."""

    title: str = ""
    level: str = ""
    origin: str = "check"
    product: str = ""
    model: str = ""
    firm: str = ""
    uscc: str = ""
    issue: str = ""
    territory: str = ""
    found_on: str = ""
    due_on: str = ""
    measures: str = ""
    remark: str = ""
    alert: str = ""


@router.get("/ledger")
def show_ledger(visit: Here) -> Response:
    """The list, with its filters in the address."""
    asked = read_asked(visit.request.query_params)
    with visit.services.store.read() as db:
        return visit.page("ledger.html", **_list(db, visit, asked))


def _list(db: Connection, visit: Visit, asked: Asked) -> dict[str, Any]:
    shelf = Shelf(db, visit.me, visit.services.lexicon.regions, visit.now, supervised_entries(db))
    counts = shelf.counts(asked)
    total = counts[asked.view]
    asked = replace(asked, page=min(asked.page, max(1, -(-total // PAGE_SIZE))))
    shown = shelf.rows(asked, most=PAGE_SIZE)
    start = (asked.page - 1) * PAGE_SIZE
    choices = shelf.choices(asked)
    firms = firm_names(db, [*(entry.firm for entry in shown), asked.firm, *(firm for firm, _ in choices["firm"])])
    labels = {
        "level": lambda key: f"{visit.names.level(LEVEL_IDS[key])}色",
        "product": visit.names.product,
        "region": visit.names.region,
        "unit": visit.names.bureau,
        "issue": visit.names.issue,
        "firm": lambda firm: firms.get(firm, firm),
    }
    return {
        "asked": asked,
        "lines": lines_of(db, shown, book_of(visit), shelf.today, shelf.listed),
        "total": total,
        "first_row": start + 1,
        "last_row": start + len(shown),
        "views": [(key, VIEWS[key], counts[key]) for key in SHOWN_VIEWS],
        "view_name": VIEWS[asked.view],
        "choices": choices,
        "labels": labels,
        "FILTERS": FILTERS,
        "summary": shelf.summary(asked, counts),
        "firms": firms,
        "today": shelf.today,
        "empty": not total and is_empty(db, shelf.cut),
        **WORDS,
    }


WORDS: dict[str, Any] = {"HAZARDS": STATE_WORDS, "ORIGINS": ORIGINS}


def book_of(visit: Visit) -> Ledger:
    """The ledger's rules at work."""
    services = visit.services
    duty = (services.rule_parts.duty if services.rule_parts else None) or Duty()
    return open_book(services.ledger, duty.is_workday, services.lexicon)


@router.get("/ledger/new")
def new_entry(visit: Here, alert: str = "") -> Response:
    """An empty form, or one filled from an alert."""
    _may_add(visit)
    typed = Typed(found_on=beijing(visit.now).date().isoformat())
    if alert:
        with visit.services.store.read() as db:
            typed = _of_alert(db, open_alert(db, visit, alert))
    return _form(visit, typed)


@router.post("/ledger/new")
def create_entry(visit: Here, form: Posted) -> Response:
    """Enter it. Wrong fields: the form again with what is wrong."""
    _may_add(visit)
    typed, once = _typed(form), once_of(form)
    try:
        with visit.services.store.write() as db:
            draft, due_on = _draft(db, visit, typed)
            deed = Deed(visit.me.name, visit.now, once, territory=visit.me.user.territory)
            new = row_of_form(db, once) is None
            made = add(book_of(visit), db, draft, deed, due_on=due_on)
            if new:
                note_act(db, visit, made.id, "add")
    except UsageError as problem:
        return _form(visit, typed, wrong=str(problem), once=once, status=400)
    return redirect(f"/ledger/{made.id}?did=1")


def note_act(db: Connection, visit: Visit, entry: str, action: str) -> None:
    """The entry's history says what was done; that it was done stands in the chain too."""
    audit.note(db, visit.me.name, "ledger_act", entry, at=visit.services.clock(), details={"action": action})


def _may_add(visit: Visit) -> None:
    if not visit.me.may("ledger_add"):
        raise Refused(403, f"列入台账由{ROLE_NAMES['officer']}及以上角色操作。")


def _of_alert(db: Connection, alert: Alert) -> Typed:
    kinds = Counter(signal.document.kind.value for signal in find_signals(db, alert.documents))
    origins = Counter(ORIGIN_OF_KIND.get(kind, "opinion") for kind in kinds.elements())
    firm = alert.enterprises[0] if alert.enterprises else ""
    known = find_firm(db, firm) if firm else None
    return Typed(
        title=alert.title, level=str(alert.level), origin=origins.most_common(1)[0][0] if origins else "opinion",
        product=alert.products[0] if alert.products else "", firm=known.name if known else firm.removeprefix(NIL),
        uscc=known.uscc if known else "", issue=alert.issues[0] if alert.issues else "", territory=alert.territory,
        found_on=beijing(alert.first_at).date().isoformat(), alert=alert.id,
    )  # fmt: skip


def _typed(form: FormData) -> Typed:
    return Typed(
        **{name: str(form.get(name, "")).strip()[: TEXTS.get(name, 40)] for name in Typed.__dataclass_fields__}
    )


def _draft(db: Connection, visit: Visit, typed: Typed) -> tuple[Entry, date | None]:
    """Raises UsageError."""
    lexicon = visit.services.lexicon
    if typed.territory not in lexicon.regions or not visit.me.sees_code(typed.territory):
        raise UsageError("属地须选定，且在您的属地之内")
    if typed.level not in ("1", "2", "3", "4"):
        raise UsageError("级别须选定")
    if typed.origin not in ORIGINS:
        raise UsageError("来源须选定")
    for name, code, known in (("产品", typed.product, lexicon.products), ("问题类型", typed.issue, lexicon.issues)):
        if code and code not in known:
            raise UsageError(f"没有这一{name}，请从列表中选")
    alert = open_alert(db, visit, typed.alert).id if typed.alert else None
    found_on = day_of(typed.found_on, "发现日")
    draft = Entry(
        id="", state=HazardState.TO_CHECK, level=int(typed.level), title=typed.title, origin=typed.origin,
        found_on=found_on, due_on=found_on, territory=typed.territory, created_at=visit.now, updated_at=visit.now,
        alert=alert, product=typed.product, model=typed.model, firm=firm_of(db, typed.firm), uscc=typed.uscc,
        issue=typed.issue, measures=typed.measures, remark=typed.remark,
    )  # fmt: skip
    return draft, day_of(typed.due_on, "整改期限") if typed.due_on else None


def day_of(text: str, what: str) -> date:
    """A typed day. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what}须写成 2026-11-23 这样的日期") from None


def firm_of(db: Connection, name: str) -> str:
    """The registry id of a firm called exactly so, else the name as that of a firm in no list; empty for none."""
    return (find_by_name(db, name) or f"{NIL}{name}") if name else ""


def _form(visit: Visit, typed: Typed, *, wrong: str = "", once: str = "", status: int = 200) -> Response:
    lexicon = visit.services.lexicon
    home = lexicon.regions.home
    places = [
        (place.code, lexicon.regions.full_name_of(place.code).removeprefix(lexicon.regions.name_of(home)) or place.name)
        for place in lexicon.regions
        if lexicon.regions.is_within(home, place.code) and visit.me.sees_code(place.code)
    ]
    alert = None
    if typed.alert:
        with visit.services.store.read() as db:
            alert = open_alert(db, visit, typed.alert)
    book, today = book_of(visit), beijing(visit.now).date()
    return visit.page(
        "ledger_form.html", status=status, typed=typed, wrong=wrong, key=once, places=sorted(places), alert=alert,
        products=[(one.id, one.name) for one in sorted(lexicon.products.values(), key=lambda one: not one.key)],
        issues=[(one.id, one.name) for one in lexicon.issues.values()],
        latest={level: book.latest_due(level, today, today) for level in (4, 3, 2, 1)}, today=today,
        **WORDS,
    )  # fmt: skip
