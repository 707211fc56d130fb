"""A desk as full as after two years: what benchmarks.desk_pages looks at. Made once, kept in a folder.

The tests' desk (tests/desk_server.py) told again and again, round by round: documents with events and cards over two
years, alerts with history over half a year, most of them closed; ledger, audit, deliveries, sources, firms beside them.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Connection, Table, func, select

from alerts.cards import card_of, keys_of, stored
from alerts.lead_table import count_leads
from config.sources import SourceConfig
from core.clock import beijing
from pipelines.events import EventKeeper
from search.records import entry_of
from store import audit, schema, users
from store.cards import save_card
from store.documents import signals_after
from store.ledger import ENDED, Entry, EntryRow, HazardState, add_row, insert_entry
from tests.desk_server import NOW, make_services, read_sources
from web.services import Services

Row = dict[str, Any]
SPAN = timedelta(days=730)
ALERT_SPAN = timedelta(days=180)
STILL_OPEN = 20
"""One copied alert in so many is open."""
PIECE = 5000
ROUND = 675
"""Documents of the pack up to the desk's now."""
FULL = "full"
"""A file that says that the folder is complete."""
AUDITED = ("sign_in", "alert_accept", "alert_dispatch", "alert_close", "document_opened", "search_exported")


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    documents: int
    alerts: int = 5_000
    ledger: int = 3_000
    audit: int = 20_000
    deliveries: int = 20_000
    sources: int = 300
    firms: int = 5_000
    users: int = 200
    runs: int = 40  # a source


def full_desk(folder: Path, size: Size) -> Services:
    """The desk in `folder`, filled if it is not yet. Its clock stands."""
    services = make_services(folder, clock=lambda: NOW, sources=many_sources(size.sources))
    if not (folder / FULL).exists():
        fill(services, size)
        (folder / FULL).write_text(f"{size}\n", encoding="utf-8")
    return services


def many_sources(wanted: int) -> tuple[SourceConfig, ...]:
    """The pack's sources and copies of them, so many in all."""
    own = read_sources()
    made = list(own)
    for number in range(max(wanted - len(own), 0)):
        old, turn = own[number % len(own)], number // len(own) + 1
        made.append(old.model_copy(update={"key": f"{old.key}_{turn}", "title": f"{old.title} {turn}"}))
    return tuple(made)


def fill(services: Services, size: Size) -> None:
    """Put everything in."""
    with services.store.write() as db:
        _place(db, services)
        _tell_documents(db, services, size.documents)
        _tell_alerts(db, size.alerts)
        _tell_deliveries(db, size.deliveries)
    with services.store.write() as db:
        _tell_sources(db, services, size)
        _tell_firms(db, size.firms)
        _tell_ledger(db, size.ledger)
        for number in range(size.audit):
            at = NOW - ALERT_SPAN * (1 - number / size.audit)
            audit.note(db, f"officer{number % 40}", AUDITED[number % len(AUDITED)], f"YJ-2026-{number:04d}", at=at)
        for number in range(size.users):
            who = f"officer{number}"
            users.create_user(db, who, role="officer", territory="360000", display_name=who, password=None, now=NOW)
    with services.store.engine.connect() as db:
        db.exec_driver_sql("ANALYZE")
    assert services.rule_parts is not None
    count_leads(services.store, family=services.rule_parts.grouping.family_of, clock=lambda: NOW, stop=Event())
    _index(services)


def _index(services: Services) -> None:
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


def _place(db: Connection, services: Services) -> None:
    """Events and cards of the documents that are there."""
    parts = services.rule_parts
    assert parts is not None
    view = parts.engine().view
    keeper = EventKeeper(services.lexicon.regions, parts.grouping.family_of)
    for number, signal in signals_after(db, 0, limit=PIECE):
        keeper.place(db, signal, NOW)
        card = card_of(signal, view, number=number)
        save_card(db, stored(card), keys_of(card, view), withdrawn_at=signal.document.withdrawn_at)


def _tell_documents(db: Connection, services: Services, wanted: int) -> None:
    """Rounds of the same documents, each with its events and cards, each some days earlier than the one before."""
    told = _read(db, schema.documents, where=schema.documents.c.latest)
    tables = (schema.events, schema.event_documents, schema.event_keys, schema.signal_cards, schema.signal_keys)
    beside = {table: _read(db, table) for table in tables}
    rounds = (wanted - len(told)) // len(told)
    turns = max(len(services.sources) // len(read_sources()) - 1, 1)
    for number in range(1, rounds + 1):
        back, mark = SPAN * (number / rounds), f"-{number}"
        db.execute(schema.documents.insert(), [_copy(row, back, mark, number, number % turns) for row in told])
        for table, rows in beside.items():
            db.execute(table.insert(), [_moved(table, row, back, mark, number) for row in rows])


def _copy(row: Row, back: timedelta, mark: str, number: int, turn: int) -> Row:
    at = row["event_time"] - back
    made = {**row, "id": row["id"] + mark, "title": f"{row['title']}（{number}）", "event_time": at, "published": at}
    made |= {name: row[name] + mark for name in ("canonical_url", "url", "external_id", "content_hash")}
    made |= {"repost_of": row["repost_of"] and row["repost_of"] + mark, "fetched_at": at, "stored_at": at}
    made["source"] = f"{row['source']}_{turn}" if turn else row["source"]
    made.pop("seq")
    return made


def _moved(table: Table, row: Row, back: timedelta, mark: str, number: int) -> Row:
    """A row of what stands beside documents, for the same document told another time."""
    made = dict(row)
    for column in table.columns:
        value = row[column.name]
        if isinstance(value, datetime):
            made[column.name] = value - back
        elif value and column.name in ("document", "event", "like", "merged_into"):
            made[column.name] = value + mark
    if table is schema.events:
        made |= {"id": row["id"] + mark, "year": row["year"] - 1 - number, "serial": row["serial"]}
    return made


def _tell_alerts(db: Connection, wanted: int) -> None:
    """Each on documents of a round of its own, as long as there are rounds."""
    rounds = max(db.execute(select(func.count()).select_from(schema.documents)).scalar_one() // ROUND, 1)
    kept = _read(db, schema.alerts)
    beside = (schema.alert_history, schema.alert_documents, schema.findings)
    rows = {table: _by_alert(_read(db, table)) for table in beside}
    for piece in _pieces(wanted - len(kept)):
        made: dict[Table, list[Row]] = {schema.alerts: [], **{table: [] for table in beside}}
        for number in piece:
            old = kept[number % len(kept)]
            back, mark = ALERT_SPAN * (number / wanted), f"-{number}"
            state = old["state"] if number % STILL_OPEN == 0 else "closed"
            moved = {name: old[name] - back for name in ("first_at", "updated_at", "created_at")}
            new = {"id": old["id"] + mark, "number": f"{old['number']}-{number}", "state": state}
            turn = f"-{number % rounds}" if number % rounds else ""
            new |= {"subject": old["subject"] + mark, "documents": [one + turn for one in old["documents"]]}
            made[schema.alerts].append({**old, **moved, **new})
            for table in beside:
                told = [_of_alert(row, new["id"], back, mark, turn) for row in rows[table].get(old["id"], ())]
                made[table] += told
                if table is schema.alert_history and state == "closed" and told:
                    made[table].append(_closing(told[-1]))
        for table, new_rows in made.items():
            db.execute(table.insert(), new_rows)


def _closing(last: Row) -> Row:
    """The row after the last one of an alert: somebody closed it."""
    at = {name: last[name] + timedelta(hours=2) for name in ("at", "story_at")}
    return {**last, **at, "number": last["number"] + 1, "actor": "officer1", "action": "close", "state": "closed",
            "note": "", "details": {}}  # fmt: skip


def _of_alert(row: Row, alert: str, back: timedelta, mark: str, turn: str) -> Row:
    moved = {name: value - back for name, value in row.items() if isinstance(value, datetime)}
    own: Row = {"id": row["id"] + mark} if "id" in row else {}
    if "document" in row:
        own["document"] = row["document"] + turn
    if "documents" in row:
        own["documents"] = [one + turn for one in row["documents"]]
    return {**row, **moved, **own, "alert": alert, **({"once": None} if "once" in row else {})}


def _by_alert(rows: list[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["alert"], []).append(row)
    return found


def _tell_deliveries(db: Connection, wanted: int) -> None:
    [old, *_] = _read(db, schema.deliveries)
    alerts = list(db.execute(select(schema.alerts.c.id)).scalars())
    for piece in _pieces(wanted):
        made, tries = [], []
        for number in piece:
            at = NOW - ALERT_SPAN * (number / wanted)
            state = "failed" if number % 50 == 0 else "sent"
            name = f"{old['id']}-{number}"
            times = {"created_at": at, "next_at": at, "sent_at": at if state == "sent" else None}
            made.append({**old, **times, "id": name, "alert": alerts[number % len(alerts)], "state": state})
            answer = {"outcome": "refused" if state == "failed" else "sent", "answer": "250", "seconds": 0.1}
            tries.append({"delivery": name, "number": 1, "at": at, **answer})
        db.execute(schema.deliveries.insert(), made)
        db.execute(schema.delivery_attempts.insert(), tries)


def _tell_sources(db: Connection, services: Services, size: Size) -> None:
    for table in (schema.source_pulses, schema.source_days, schema.source_states):
        made = []
        for row in _read(db, table):
            row.pop("id", None)
            made += [{**row, "source": key} for key in _copies(row["source"], services.sources)]
        db.execute(table.insert(), made)
    old = _read(db, schema.runs)[0]
    for source in services.sources:
        made = []
        for number in range(size.runs):
            at = NOW - timedelta(hours=4 + number)
            times = {"asked_at": at, "started_at": at, "finished_at": at, "held_until": None, "due_at": at}
            made.append({**old, **times, "id": f"{source.key}-{number}", "source": source.key, "status": "ok"})
        db.execute(schema.runs.insert(), made)


def _copies(key: str, sources: tuple[SourceConfig, ...]) -> list[str]:
    return [source.key for source in sources if source.key != key and source.key.rpartition("_")[0] == key]


def _tell_firms(db: Connection, wanted: int) -> None:
    kept = _read(db, schema.enterprises)
    for piece in _pieces(wanted - len(kept)):
        made = []
        for number in piece:
            old = kept[number % len(kept)]
            own = {"id": f"ENT9{number:05d}", "name": f"{old['name']}{number}"}
            made.append({**old, **own, "entry": {**old["entry"], **own, "uscc": "", "short_names": []}})
        db.execute(schema.enterprises.insert(), made)


def _tell_ledger(db: Connection, wanted: int) -> None:
    chance = random.Random(8)
    alerts = list(db.execute(select(schema.alerts.c.id, schema.alerts.c.territory).limit(wanted)))
    states = [HazardState.CLOSED] * 12 + [state for state in HazardState if state is not HazardState.CLOSED]
    for number in range(wanted):
        alert, territory = alerts[number % len(alerts)]
        at = NOW - ALERT_SPAN * ((number + 1) / wanted)
        found, state = beijing(at).date(), chance.choice(states)
        entry = Entry(
            "", state, chance.randint(1, 4), f"电动自行车擅自解除限速 {number}", "check", found,
            found + timedelta(days=30), territory, at, at, alert=alert, product="ebike",
            firm=f"ENT{number % 300 + 1:04d}", unit=territory, person="张某", measures="下架、召回",
            closed_at=at if state in ENDED else None,
        )  # fmt: skip
        made = insert_entry(db, entry)
        for step in ("note",) * 4:
            add_row(db, EntryRow(made.id, 0, at, f"officer{number % 40}", step, state))


def _read(db: Connection, table: Table, *, where: Any = None) -> list[Row]:
    query = select(table) if where is None else select(table).where(where)
    return [dict(row) for row in db.execute(query).mappings()]


def _pieces(count: int) -> Iterator[range]:
    for start in range(0, max(count, 0), PIECE):
        yield range(start, min(start + PIECE, count))


def counts_of(services: Services) -> Mapping[str, int]:
    """How many rows of what there are."""
    tables = ("documents", "events", "alerts", "ledger_entries", "audit", "deliveries", "enterprises", "runs")
    with services.store.read() as db:
        return {name: _count(db, schema.metadata.tables[name]) for name in tables}


def _count(db: Connection, table: Table) -> int:
    return db.execute(select(func.count()).select_from(table)).scalar_one()
