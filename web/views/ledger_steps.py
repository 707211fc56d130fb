"""台账经过: the steps that were taken in the ledger since a moment. The hand-over's figures lead here."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from ledger.words import ACTION_WORDS
from store.ledger_list import count_steps, entries_by_id, steps_of
from web import inbox
from web.history import actor_name, people
from web.search_time import in_address
from web.visit import Here, Visit

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 50
DID: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "add": ("列入", ("add",)),
    "dispatch": ("派单", ("dispatch",)),
    "receive": ("签收", ("receive",)),
    "check": ("核查", ("visit", "exclude", "file")),
    "work": ("整改、复查、上传", ("rectify", "recheck", "proof", "apply", "return")),
    "extend": ("延期", ("extend", "extend_yes", "extend_no")),
    "close": ("销号", ("close",)),
    "reopen": ("重新打开", ("reopen",)),
    "look": ("回头看", ("look_back",)),
    "over": ("逾期上报", ("overdue", "step_late")),
    "other": ("约谈、移送、督办", ("talk", "transfer", "supervised", "unsupervised")),
}
"""Kinds of steps: the word and the actions."""


def counted_steps(db: Connection, visit: Visit, since: datetime, until: datetime | None) -> list[tuple[str, str, int]]:
    """Kind, word and count of the steps in a stretch (until: None: up to now), those that happened."""
    every = [action for _, actions in DID.values() for action in actions]
    counts = count_steps(db, every, since, visit.me.entries(), until=until)
    found = [(key, word, sum(counts.get(one, 0) for one in actions)) for key, (word, actions) in DID.items()]
    return [one for one in found if one[2]]


@router.get("/ledger/steps")
def show_steps(visit: Here, since: str = "24h", until: str = "", did: str = "", page: int = 1) -> Response:
    """Newest first."""
    if did not in ("", *DID):
        raise inbox.BadAddress(f"地址中的 did={did[:40]} 不存在。可用：{'、'.join(DID)}。")
    if not 1 <= page <= 100_000:
        raise inbox.BadAddress("页码须为 1 以上的整数。")
    start = inbox.since_moment(since, visit.now)
    end = inbox.read_moment(until) if until else None
    with visit.services.store.read() as db:
        counts = counted_steps(db, visit, start, end)
        actions = DID[did][1] if did else [action for _, mine in DID.values() for action in mine]
        total = sum(count for key, _, count in counts if did in ("", key))
        rows = steps_of(db, actions, start, visit.me.entries(), until=end, start=(page - 1) * PAGE_SIZE, most=PAGE_SIZE)
        return visit.page(
            "ledger_steps.html", since=start, until=end, did=did, counts=counts, total=total,
            every=sum(count for _, _, count in counts), rows=rows,
            entries=entries_by_id(db, {row.entry for row in rows}),
            people=people(db), actor_name=actor_name, page=page, pages=-(-total // PAGE_SIZE), ACTIONS=ACTION_WORDS,
            in_address=in_address,
        )  # fmt: skip
