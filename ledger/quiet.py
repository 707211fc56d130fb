"""New signals on the firm and product of an entry."""

from sqlalchemy import Connection

from ledger.conditions import is_new_signal
from store.ledger import Entry, NewSignal, newest_signals


def last_new_signal(db: Connection, entry: Entry) -> NewSignal | None:
    """The newest one that tells of more than what authorities did; None where there is none or nothing is known."""
    return next((one for one in newest_signals(db, entry.firm, entry.product) if is_new_signal(one)), None)
