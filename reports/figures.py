"""What the system says in each computed cell of the weekly table, with the rows that it counted."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.clock import beijing
from core.records import LEVEL_COLOURS, Kind
from reports.records import Paper, Records, Row

OTHER, TOTAL = "other", "total"
GRAVE = 3
OFFICIAL = frozenset({Kind.NOTICE.value, Kind.SPOTCHECK.value, Kind.RECALL.value})
"""Kinds that an authority publishes."""


@dataclass(frozen=True)
class Item:
    """A row that was counted. kind: document | alert | entry | event | firm | handed.  count: how much of the figure
    is of it.  late: it came after the week's end."""

    kind: str
    id: str
    count: int = 1
    late: bool = False


@dataclass(frozen=True)
class Figure:
    """value: as a cell writes it; None where there is nothing to say.  note: what stands beside it in small."""

    value: str | None
    items: tuple[Item, ...] = ()
    note: str = ""

    @property
    def late(self) -> int:
        """How many of its rows came after the week's end."""
        return sum(item.late for item in self.items)


NOTHING = Figure(None)
Place = tuple[str, str]
Counted = Iterator[tuple[str, Item]]
"""Product of an item and the item."""


@dataclass(frozen=True)
class Rows:
    """The rows of the table. products: key ones, in order."""

    products: tuple[str, ...]
    known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", frozenset(self.products))

    @property
    def ids(self) -> tuple[str, ...]:
        """All but the total."""
        return (*self.products, OTHER)

    def of(self, product: str) -> str:
        """The row that a product is counted in; what has none stands in the last."""
        return product if product in self.known else OTHER


def figures(records: Records, rows: Rows, *, hot: int) -> dict[Place, Figure]:
    """Every cell that can be told from records; rates of other cells are not here. hot: size of an event of opinion."""
    found: dict[Place, Figure] = {}
    for column, count in COLUMNS.items():
        found |= _spread(column, list(count(records)), rows)
    found |= _spread("opinion_events", list(_opinion(records, hot)), rows)
    found |= _alerts_by_level(records, found)
    found |= _raw(records, rows, found)
    found["remarks", TOTAL] = _remarks(records)
    return found | _accepted(records, rows)


def _documents(which: Callable[[Paper], int]) -> Callable[[Records], Counted]:
    def count(records: Records) -> Counted:
        for paper in records.papers:
            if number := which(paper):
                yield paper.product, Item("document", paper.id, number, paper.late)

    return count


def _entries(name: str, *, grave: bool = False) -> Callable[[Records], Counted]:
    def count(records: Records) -> Counted:
        for entry in getattr(records, name):
            if not grave or entry.level >= GRAVE:
                yield entry.product, Item("entry", entry.id, late=entry.id in records.late)

    return count


def _producers(records: Records) -> Counted:
    for firm in records.firms:
        for product in firm.products:
            yield product, Item("firm", firm.id)


def _events(records: Records) -> Counted:
    for paper in records.papers:
        if paper.risk and paper.event:
            yield paper.product, Item("event", paper.event)


def _opinion(records: Records, hot: int) -> Counted:
    for paper in records.papers:
        if paper.event and paper.risk and ("opinion" in paper.issues or records.sizes.get(paper.event, 0) >= hot):
            yield paper.product, Item("event", paper.event)


def _talks(records: Records) -> Counted:
    """A firm counts once, whether the ledger or a text tells of it."""
    told: set[str] = set()
    for entry in records.talked:
        if not entry.firm or entry.firm not in told:
            told.add(entry.firm)
            yield entry.product, Item("entry", entry.id)
    for paper in records.papers:
        if "talk" in paper.issues and paper.own and paper.firm and paper.firm not in told:
            told.add(paper.firm)
            yield paper.product, Item("document", paper.id, late=paper.late)


def _transfers(records: Records) -> Counted:
    for entry in records.transferred:
        yield entry.product, Item("entry", entry.id)
    for paper in records.papers:
        if "transfer" in paper.issues and paper.own and paper.kind in OFFICIAL:
            yield paper.product, Item("document", paper.id, late=paper.late)


def _new_alerts(records: Records) -> Counted:
    for alert in records.alerts:
        yield (alert.products[0] if alert.products else ""), Item("alert", alert.id)


def _handed(kind: str, count: Callable[[Row], int | None]) -> Callable[[Records], Counted]:
    """Of each row handed in how much of the figure it is; None: it tells nothing of it."""

    def counted(records: Records) -> Counted:
        for row in records.handed:
            if row.kind == kind and (number := count(row)) is not None:
                yield row.product, Item("handed", str(row.number), number, row.late and number > 0)

    return counted


def _sampled(of_rows: Callable[[Row], int | None], of_papers: Callable[[Paper], int]) -> Callable[[Records], Counted]:
    """Batches as the system of sampling has them; what notices tell of only where it handed in none of the week."""
    rows, papers = _handed("sampling", of_rows), _documents(of_papers)
    return lambda records: (rows if any(row.kind == "sampling" for row in records.handed) else papers)(records)


def _visits(which: Callable[[Row], bool]) -> Callable[[Records], Counted]:
    return _handed("inspections", lambda row: int(which(row)))


def _schemes(scheme: str) -> Callable[[Records], Counted]:
    """Of visits to makers whose licence is told."""
    return _handed(
        "inspections", lambda row: int(row.scheme == scheme) if row.site != "dealer" and row.scheme else None
    )


def _checked(records: Records) -> Counted:
    """A firm counts once, by the first row that says its self check is done; a row that is not done counts nothing."""
    first: dict[str, Row] = {}
    for row in records.handed:
        if row.kind == "self_checks":
            one = first.setdefault(row.firm, row) if row.done and row.firm else row
            yield row.product, Item("handed", str(one.number), int(one.done), one.late and one.done)


COLUMNS: Mapping[str, Callable[[Records], Counted]] = {
    "ent_total": _producers,
    "haz_found": _entries("found"),
    "haz_closed": _entries("closed"),
    "haz_open": _entries("open"),
    "haz_major": _entries("found", grave=True),
    "self_check_done": _checked,
    "self_found": _handed("self_checks", lambda row: row.found),
    "self_fixed": _handed("self_checks", lambda row: row.fixed),
    "insp_ent": _visits(lambda row: row.site != "dealer"),
    "insp_xk": _schemes("xk"),
    "insp_ccc": _schemes("ccc"),
    "insp_other": _schemes("other"),
    "insp_dealer": _visits(lambda row: row.site == "dealer"),
    "sampling_batches": _sampled(lambda row: 1, lambda paper: paper.batches if paper.own else 0),
    "nonconf_batches": _sampled(
        lambda row: int(row.outcome == "failed") if row.outcome else None,
        lambda paper: paper.failed if paper.own else 0,
    ),
    "sampling_online": _handed("sampling", lambda row: None if row.online is None else int(row.online)),
    "sampling_rural": _handed("sampling", lambda row: None if row.rural is None else int(row.rural)),
    "talks": _talks,
    "case_filed": _documents(lambda paper: int(paper.filed and paper.own)),
    "penalties": _documents(lambda paper: int("penalty" in paper.issues and not paper.filed and paper.own)),
    "transferred": _transfers,
    "recalls": _documents(lambda paper: int(paper.kind == Kind.RECALL.value and paper.own)),
    "risk_info": _documents(lambda paper: int(paper.risk and paper.own)),
    "risk_events": _events,
    "risk_alerts": _new_alerts,
}
"""What each column counts."""
TOLD_OF = frozenset({
    "ent_total", "sampling_batches", "nonconf_batches", "talks", "case_filed", "penalties", "transferred", "recalls",
    "self_check_done", "self_found", "self_fixed", "insp_ent", "insp_xk", "insp_ccc", "insp_other", "insp_dealer",
    "sampling_online", "sampling_rural",
})  # fmt: skip
"""What we only know where a text or a list tells of it: none is no data, and not 0."""


def _spread(column: str, counted: Iterable[tuple[str, Item]], rows: Rows) -> dict[Place, Figure]:
    """The same thing counts once in a row, and once in the total."""
    by_row: dict[str, dict[tuple[str, str], Item]] = {row: {} for row in (*rows.ids, TOTAL)}
    for product, item in counted:
        for row in (rows.of(product), TOTAL):
            by_row[row].setdefault((item.kind, item.id), item)
    return {
        (column, row): NOTHING
        if column in TOLD_OF and not items
        else Figure(str(sum(item.count for item in items.values())), tuple(items.values()))
        for row, items in by_row.items()
    }


def _alerts_by_level(records: Records, found: Mapping[Place, Figure]) -> dict[Place, Figure]:
    level = {alert.id: alert.level for alert in records.alerts}
    told = {}
    for (column, row), figure in found.items():
        if column == "risk_alerts" and figure.items:
            levels = [level[item.id] for item in figure.items]
            note = "、".join(f"{LEVEL_COLOURS[n]} {levels.count(n)}" for n in (4, 3, 2, 1) if n in levels)
            told[column, row] = Figure(figure.value, figure.items, note)
    return told


def _raw(records: Records, rows: Rows, found: Mapping[Place, Figure]) -> dict[Place, Figure]:
    """Risk information is told without reposts; how many there were with them stands beside it."""
    every = _spread("raw", _documents(lambda paper: int(paper.risk))(records), rows)
    told = {}
    for row in (*rows.ids, TOTAL):
        own, raw = found["risk_info", row], every["raw", row]
        if own.value != raw.value:
            told["risk_info", row] = Figure(own.value, own.items, f"原始 {raw.value}")
    return told


def _remarks(records: Records) -> Figure:
    """A sentence for each grave alert of the week; its words are the alert's own."""
    grave = [alert for alert in records.alerts if alert.level >= GRAVE]
    lines = [
        f"{number}. {beijing(alert.first_at).month} 月 {beijing(alert.first_at).day} 日，{alert.title}，"
        f"内部风险级别{LEVEL_COLOURS[alert.level]}（{alert.number}）。"
        for number, alert in enumerate(grave, start=1)
    ]
    return Figure("\n".join(lines) or None, tuple(Item("alert", alert.id) for alert in grave))


def _accepted(records: Records, rows: Rows) -> dict[Place, Figure]:
    """The share of alerts accepted in time; no alert, no share."""
    places: dict[str, list[str]] = {row: [] for row in (*rows.ids, TOTAL)}
    for alert in records.alerts:
        if alert.id in records.accepted:
            places[rows.of(alert.products[0] if alert.products else "")].append(alert.id)
            places[TOTAL].append(alert.id)
    return {("risk_ack", row): _share(ids, records.accepted) if ids else NOTHING for row, ids in places.items()}


def _share(ids: Sequence[str], accepted: Mapping[str, bool]) -> Figure:
    good = sum(accepted[one] for one in ids)
    items = tuple(Item("alert", one, int(accepted[one])) for one in ids)
    return Figure(rate(good, len(ids)), items, f"按时 {good} / {len(ids)}")


def rate(part: float, whole: float) -> str | None:
    """A percentage with one decimal; None of nothing."""
    return f"{100 * part / whole:.1f}" if whole else None
