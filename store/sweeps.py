"""Old rows without documents: texts of notices that were sent, sessions that are over."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, update

from store.schema import alerts, deliveries, mail_pictures, sessions

ENDED = ("sent", "failed", "unsure", "replaced", "withdrawn", "bounced")


def empty_deliveries(db: Connection, before: datetime, *, dry: bool) -> int:
    """Take away text and pictures of notices that ended before a moment and whose alert is settled; how many. The row
    stays: it is what keeps a notice from being sent again."""
    open_alerts = select(alerts.c.id).where(alerts.c.state.not_in(("closed", "dismissed")))
    old = (
        deliveries.c.created_at < before, deliveries.c.state.in_(ENDED),
        or_(deliveries.c.text != "", deliveries.c.html != ""),
        or_(deliveries.c.alert.is_(None), deliveries.c.alert.not_in(open_alerts)),
    )  # fmt: skip
    if dry:
        return int(db.execute(select(func.count()).select_from(deliveries).where(*old)).scalar_one())
    done = db.execute(update(deliveries).where(*old).values(text="", html="")).rowcount
    if done:
        waits = select(deliveries.c.id).where(deliveries.c.created_at < before, deliveries.c.text != "").limit(1)
        if db.execute(waits).first() is None:  # else one of them may still show an old picture
            db.execute(delete(mail_pictures).where(mail_pictures.c.created_at < before))
    return done


def drop_sessions(db: Connection, before: datetime, *, dry: bool) -> int:
    """Remove sessions that ended before a moment; how many."""
    old = sessions.c.expires_at < before
    if dry:
        return int(db.execute(select(func.count()).select_from(sessions).where(old)).scalar_one())
    return db.execute(delete(sessions).where(old)).rowcount
