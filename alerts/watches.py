"""What the desk's watch-lists say of a signal: asked once, when it comes, by the index of the firms it names."""

from sqlalchemy import Connection

from alerts.card_words import concerned_in
from alerts.cards import NOT_WATCHED, View, Watch
from config.regions import ABROAD
from core.clock import beijing
from core.records import Signal
from store.watchlists import Hit, hits, last_day

MOST_REASON = 80


def watch_of(db: Connection, signal: Signal, view: View) -> Watch:
    """The entries that stood for its firms when this revision was stored, on lists of where it lies.

    Nothing where no rule waits for them or the signal is no risk.
    """
    analysis = signal.analysis
    if not view.asks_watchlists or not analysis.is_risk:
        return NOT_WATCHED
    firms = dict.fromkeys((*filter(None, (analysis.primary_enterprise,)), *concerned_in(analysis)))
    if not firms:
        return NOT_WATCHED
    code = analysis.jurisdiction_code or ""
    nowhere = not code or code == ABROAD
    codes = () if nowhere else view.regions.chain(code)
    found = hits(db, _names(tuple(firms), view), codes, signal.document.stored_at, whole=nowhere)
    return Watch(tuple(told(hit) for hit in found), max((hit.floor for hit in found), default=0))


def _names(firms: tuple[str, ...], view: View) -> list[str]:
    """The firms, and for a registered one the names under which somebody may have put it there before it was."""
    names = dict.fromkeys(firms)
    for firm in firms:
        entry = None if firm.startswith("NIL:") else view.registry(firm)
        if entry is not None:
            names |= dict.fromkeys(f"NIL:{name}" for name in (entry.name, *entry.former_names))
    return list(names)


def told(hit: Hit) -> str:
    """`名单“重点锂电”（GZ-2026-0001）由张三于 2026-11-20 列入，至 2026-12-31：多次投诉`."""
    until = f"，至 {last_day(hit.until)}" if hit.until else ""
    reason = hit.reason if len(hit.reason) <= MOST_REASON else f"{hit.reason[: MOST_REASON - 1]}…"
    return f"名单“{hit.list_name}”（{hit.list}）由{hit.by}于 {beijing(hit.added_at):%Y-%m-%d} 列入{until}：{reason}"
