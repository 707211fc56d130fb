"""The daily digest: written for people who look at it, put into the outbox, and as jobs of the scheduler."""

import json
import sys
from collections.abc import Callable, Collection
from datetime import date as day_type
from datetime import datetime, timedelta
from email.policy import SMTP
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from alerts.digest import Digest, bounds_of, build_digest, plan_digest, previous_day
from alerts.digest_day import DigestDesk, Owed, read_day
from alerts.digest_reader import Reader
from alerts.mail_message import DIGEST, MailWriter
from alerts.router import Router
from alerts.wording import Names
from commands.knowledge import lexicon_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import routes_of, titles_of_sources
from commands.stores import open_store
from commands.watching import agenda_of
from config.calendar_classes import load_calendar
from config.grouping import load_grouping
from config.keeping import load_keeping
from config.orgs import load_orgs
from config.routes import Recipient
from config.settings import Settings
from core.clock import system_clock
from core.errors import UsageError
from core.records import Notification, RegistryEntry
from reports.agenda import Agenda, Line
from scheduler import DailyJob
from store.backups import last_backup, state_of
from store.checks import last_check
from store.database import Store
from store.mail_book import sweep_pictures
from store.registry import find_entry

PICTURES_KEPT = timedelta(days=60)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(digest)


def digest(
    date: Annotated[str | None, typer.Option("--date", help="ISO date, Beijing; default: yesterday")] = None,
    to: Annotated[str, typer.Option("--to", help="whose: an address of routes.yml; default: the province desk")] = "",
    send: Annotated[bool, typer.Option("--send", help="put it into the outbox, once a recipient")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "--preview", help="folder for subject, text, HTML, pictures and the .eml")
    ] = None,
    data: DataOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """每日摘要 (the daily digest; printed, written or sent)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    try:
        day = day_type.fromisoformat(date) if date else None
        if day is not None and not 2000 <= day.year < 2200:
            raise ValueError(date)
    except ValueError as problem:
        raise UsageError(f"--date: {date!r} is no ISO date (accepted: 2026-11-23)") from problem
    desk = digest_desk_of(settings, store)
    made = _made(store, desk, _recipient(settings, desk, to), day or previous_day(system_clock()))
    if out is not None:
        write_digest(made, out, settings)
        print(f"{made.subject}\n已写入 {out}", file=sys.stderr)
    if as_json:
        print(json.dumps({"day": made.day.isoformat(), "subject": made.subject, "text": made.text}, ensure_ascii=False))
    elif out is None:
        print(made.subject, made.text, sep="\n\n")
    if send:
        wanted = [one for one in routes_of(settings, desk.names.lexicon).recipients if one.digest_at is not None]
        wanted = [one for one in wanted if not to or one.mail == to]
        if settings.smtp_url is None or not wanted:
            raise UsageError("nothing sent: set FENGSUI_SMTP_URL and FENGSUI_MAIL_TO (or config/routes.yml) first")
        print(f"已放入待发 {plan_digest(store, wanted, desk, now=system_clock(), day=day)} 封")


def digest_desk_of(settings: Settings, store: Store) -> DigestDesk:
    """What digests are written with."""
    lexicon = lexicon_of(settings)

    @cache
    def firm(firm_id: str) -> RegistryEntry | None:
        # One by one: a digest names a few, and a registry of a million would be read each morning for them.
        with store.read() as db:
            return find_entry(db, firm_id)

    return DigestDesk(
        Names(lexicon, firm, titles_of_sources(settings)),
        settings.public_url,
        demo=settings.profile == "demo",
        router=Router(load_orgs(settings.config, lexicon), lexicon, firm),
        calendar=load_calendar(settings.config),
        family_of=load_grouping(settings.config).family_of,
        owed=with_what_is_kept(settings, store, agenda_of(settings, lexicon)),
    )


def with_what_is_kept(settings: Settings, store: Store, agenda: Agenda) -> Owed:
    """What offices owe; before it, for the province's desk, that backups are late or what is kept was damaged."""
    rules = load_keeping(settings.config).backup

    def told(db: Connection, now: datetime, own: Collection[str]) -> list[Line]:
        owed = agenda.told(db, now, own)
        if agenda.regions.home not in own:
            return owed
        backups = state_of(last_backup(store), system_clock(), on=bool(rules.to), late=rules.late)
        faults = [what for what, _remedy in last_check(store).faults] + ([backups.fault] if backups.fault else [])
        return [*(Line(f"系统：{what}", "over", "/status") for what in faults), *owed]

    return told


def digest_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The daily digest as jobs, one for each hour that somebody chose."""
    if settings.smtp_url is None:
        return []
    at: dict[str, list[Recipient]] = {}
    for one in routes_of(settings, lexicon_of(settings)).recipients:
        if one.digest_at is not None:
            at.setdefault(one.digest_at, []).append(one)

    def sending(recipients: list[Recipient]) -> Callable[[], str]:
        def do() -> str:
            now = system_clock()
            planned = plan_digest(store, recipients, digest_desk_of(settings, store), now=now)
            with store.write() as db:
                sweep_pictures(db, now - PICTURES_KEPT)
            return f"{planned} 封"

        return do

    return [
        DailyJob(f"digest-{hour}", f"每日摘要 {hour}", int(hour[:2]), int(hour[3:]), sending(recipients))
        for hour, recipients in sorted(at.items())
    ]


def write_digest(made: Digest, folder: Path, settings: Settings) -> None:
    """The mail as it would go out (digest.eml), and its parts to be looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "subject.txt").write_text(made.subject + "\n", encoding="utf-8")
    (folder / "digest.txt").write_text(made.text, encoding="utf-8")
    html = made.html
    for name, png in made.pictures.items():
        (folder / f"{name}.png").write_bytes(png)
        html = html.replace(f"cid:{name}", f"{name}.png")
    (folder / "digest.html").write_text(html, encoding="utf-8")
    details = {"kind": DIGEST, "pictures": {name: name for name in made.pictures}}
    notice = Notification("preview", "mail", settings.mail_from, made.subject, made.text, made.html, details=details)
    mail = MailWriter(settings.mail_from, lambda _names: made.pictures).message_of(notice)
    (folder / "digest.eml").write_bytes(mail.as_bytes(policy=SMTP))


def _made(store: Store, desk: DigestDesk, recipient: Recipient, day: day_type) -> Digest:
    start, end = bounds_of(day)
    with store.read() as db:
        news = read_day(db, desk, start, end)
        return build_digest(db, desk, Reader(recipient, desk.names.regions), news)


def _recipient(settings: Settings, desk: DigestDesk, address: str) -> Recipient:
    if not address:
        home = desk.names.regions.home
        return Recipient(name="省局值班席", mail="desk@localhost", territories=(home,))
    known = {one.mail: one for one in routes_of(settings, desk.names.lexicon).recipients}
    if address not in known:
        raise UsageError(f"--to: {address} 不在 routes.yml 和 FENGSUI_MAIL_TO 中；有：{'、'.join(known) or '无'}")
    return known[address]
