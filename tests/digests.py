"""A digest as a test asks for it: of one Beijing day, for the province desk or whom it names."""

from datetime import date
from functools import cache

from sqlalchemy import Connection

from alerts.digest import Digest, bounds_of, build_digest
from alerts.digest_day import DigestDesk, read_day
from alerts.digest_reader import Reader
from alerts.wording import Names
from config.lexicon import load_lexicon
from config.routes import Recipient
from config.settings import PROJECT

EVERYWHERE = Recipient(name="省局值班席", mail="desk@x.example", territories=("360000",))


@cache
def digest_desk(*, demo: bool = False) -> DigestDesk:
    """The project's words, no firms."""
    return DigestDesk(Names(load_lexicon(PROJECT / "config"), lambda _firm: None), "http://x.example", demo=demo)


def digest_of(db: Connection, day: date, *, demo: bool = False, to: Recipient = EVERYWHERE) -> Digest:
    """The digest of one day."""
    desk, (start, end) = digest_desk(demo=demo), bounds_of(day)
    return build_digest(db, desk, Reader(to, desk.names.regions), read_day(db, desk, start, end))
