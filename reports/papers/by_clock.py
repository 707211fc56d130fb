"""Papers that the scheduler drafts: those with `drafts:` in config/reporting.yml, on the day they are due.

Nothing is signed or sent. Each is drafted once, also where a person threw it away, and not where one is there already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from config.reporting import PAPERS
from core.clock import beijing
from core.errors import UsageError
from reports.agenda import Agenda, Duty
from reports.papers import book
from reports.papers.gather import Desk
from reports.papers.kinds import Asked
from store import audit
from store.database import Store
from store.papers import drafted_by_form, papers_of_subject

WHO = "system"


@dataclass(frozen=True)
class Drafted:
    """papers: ids of the new drafts.  failed: what was not drafted, and why."""

    papers: Sequence[str]
    failed: Sequence[str]


def subject_of(duty: Duty) -> str:
    """What the paper of a duty is about: `week:2026-W47`, `year:2026`."""
    return f"week:{duty.week_of_period.id}" if PAPERS[duty.item.paper] == "week" else f"year:{duty.period.year}"


def draft_due(
    store: Store, agenda: Agenda, desk_at: Callable[[Connection, str], Desk], *, now: datetime, hour: str
) -> Drafted:
    """Draft what is due today and is drafted at this hour (09:00) or was before. desk_at: what a bureau writes from."""
    today = beijing(now).date()
    with store.read() as db:
        duties = [
            one for one in agenda.between(db, today, today)
            if one.item.drafts is not None and f"{one.item.drafts:%H:%M}" == hour and one.done_at is None
        ]  # fmt: skip
    made, failed = [], []
    for duty in duties:
        subject, kind = subject_of(duty), duty.item.paper
        once = f"clock {duty.item.id} {duty.period} {duty.territory}"
        with store.read() as db:
            if drafted_by_form(db, once) or papers_of_subject(db, subject, kind, duty.territory):
                continue
            try:
                content = book.draft(desk_at(db, duty.territory), kind, Asked(subject))
            except UsageError as problem:
                failed.append(f"{duty.title}（{duty.territory}）：{problem}")
                continue
        with store.write() as db:
            paper = book.keep(db, content, subject=subject, territory=duty.territory, by=WHO, now=now, once=once)
            told = {"purpose": duty.item.title, "territory": duty.territory}
            audit.note(db, WHO, "paper_draft", paper, at=now, details=told)
        made.append(paper)
    return Drafted(made, failed)
