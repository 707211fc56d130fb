"""Reads stored documents for single goods: those of before this was read at arrival, or all of them again."""

from threading import Event

from core.records import CANARY
from enterprises.told import READ, tells, told_by
from store.database import Store, get_fact, set_fact
from store.documents import tellers_after
from store.told import keep_told

DONE = "told_goods_read"
"""The fact that holds how far stored documents have been read; `all` at the end."""
AT_ONCE = 200


def read_before(store: Store, stop: Event) -> int:
    """Read what has not been read yet, in turns; how many documents. Nothing where it was done."""
    with store.read() as db:
        begun = get_fact(db, DONE) or "0"
    if begun == "all":
        return 0
    return _read(store, stop, int(begun))


def read_again(store: Store, stop: Event) -> int:
    """Read every stored document that may tell of goods."""
    return _read(store, stop, 0)


def _read(store: Store, stop: Event, begun: int) -> int:
    count, after = 0, begun
    while not stop.is_set():
        with store.read() as db:
            found = tellers_after(db, after, kinds=READ, limit=AT_ONCE)
        told = [
            (one.document.id, told_by(one.document, one.analysis))
            for _, one in found
            if one.document.source != CANARY and tells(one.document)
        ]
        after = found[-1][0] if found else after
        with store.write() as db:
            for document, rows in told:
                keep_told(db, document, rows)
            set_fact(db, DONE, str(after) if found else "all")
        count += len(found)
        if not found:
            break
    return count
