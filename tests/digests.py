"""A digest as a test asks for it: of one Beijing day, for the province desk or whom it names."""

from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection

from alerts.digest import Digest, bounds_of, build_digest
from alerts.digest_day import DigestDesk, read_day
from alerts.digest_reader import Reader
from alerts.wording import Names
from config.lexicon import load_lexicon
from config.routes import Recipient
from config.settings import PROJECT
from core.records import Analysis, Document, Kind
from store.database import Store
from store.documents import add_revision, analysis_columns
from store.schema import documents

EVERYWHERE = Recipient(name="省局值班席", mail="desk@x.example", territories=("360000",))


@cache
def digest_desk(*, demo: bool = False) -> DigestDesk:
    """The project's words, no firms."""
    return DigestDesk(Names(load_lexicon(PROJECT / "config"), lambda _firm: None), "http://x.example", demo=demo)


def digest_of(db: Connection, day: date, *, demo: bool = False, to: Recipient = EVERYWHERE) -> Digest:
    """The digest of one day."""
    desk, (start, end) = digest_desk(demo=demo), bounds_of(day)
    return build_digest(db, desk, Reader(to, desk.names.regions), read_day(db, desk, start, end))


def signal(
    store: Store, number: int, at: datetime, *, kind: Kind = Kind.NEWS, title: str = "一条信息",
    enterprise: str | None = None, territory: str = "360702", **more: Any,
) -> None:  # fmt: skip
    """A judged document of a day."""
    made = Document(
        id=f"d{number}", source="s", kind=kind, url="", canonical_url=f"u{number}", title=title, text="电池起火。",
        event_time=at, published=at, fetched_at=at, revision=1, content_hash=str(number), **{"stored_at": at, **more},
    )  # fmt: skip
    read = Analysis(True, 2, 0.9, "ebike_power", enterprise, territory, (), (), (), (), (), (), (), title, "电池起火。")
    with store.write() as db:
        add_revision(db, made, external_id="", raw={})
        db.execute(documents.update().where(documents.c.id == made.id).values(**analysis_columns(read)))
