"""The articles that may apply to a ledger entry: what the system proposes, what a person said of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.laws import Article
from store.ledger import Entry, EntryRow


@dataclass(frozen=True)
class Reading:
    """An article. said: the last row in which a person confirmed or struck it.  proposed: by the system, by kind."""

    key: str
    title: str
    about: str
    said: EntryRow | None
    proposed: bool
    memory: bool = False

    @property
    def applies(self) -> bool | None:
        """What a person said; None: nobody has yet."""
        return bool(self.said.details["applies"]) if self.said else None


def readings(entry: Entry, rows: Sequence[EntryRow], articles: Sequence[Article]) -> list[Reading]:
    """Those proposed or spoken of, in the order of the file, then those persons added. rows: standing ones."""
    said = {str(row.details["law"]): row for row in rows if row.action == "law"}
    known = {one.id: one for one in articles}
    found = [
        Reading(one.id, one.title, one.about, said.get(one.id), proposed, one.basis == "memory")
        for one in articles
        if (proposed := one.may_apply(entry.issue, entry.origin)) or one.id in said
    ]
    return found + [Reading(key, key, "", row, proposed=False) for key, row in said.items() if key not in known]
