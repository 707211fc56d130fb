"""`fengsui watch`: what the clock does to alerts, by hand; the scheduler does the same every twenty seconds."""

import json
from typing import Annotated

import typer

from alerts import sensitive
from alerts.setup import duty_of
from alerts.watch import Watcher
from commands.knowledge import lexicon_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import routes_of, teller_of
from commands.stores import open_store
from config.ledger import load_ledger_rules
from config.lexicon import Lexicon
from config.reporting import load_reporting
from config.settings import Settings
from config.weekly import load_weekly
from core.clock import parse_published, system_clock
from core.errors import UsageError
from core.records import LEVEL_COLOURS
from enterprises.registry_import import registry_of
from ledger.book import open_book
from ledger.escalation import EscalationMail
from ledger.watch import LedgerWatch
from ledger.words import ACTION_WORDS
from reports.agenda import Agenda
from reports.calling import CallMail, ReportWatch
from scheduler import FrequentJob
from store.alert_log import find_alert
from store.database import Store
from web.history import action_word

SECONDS, LEDGER_SECONDS = 20, 300


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(watch)


def watch(
    at: Annotated[str | None, typer.Option("--at", help="as if it were then: ISO date or time; default: now")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say for which alerts something is due")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """预警、台账巡检一次：静默到期、提醒、逾期升级、解除建议、台账逾期上报 (one pass over alerts and ledger)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    try:
        now = parse_published(at) if at else system_clock()
    except ValueError as problem:
        raise UsageError(f"--at: {at!r} is no ISO date or date-time") from problem
    watcher, ledger = watcher_of(settings, store), ledger_watch_of(settings, store)
    if dry_run:
        with store.read() as db:
            due = [alert for one in watcher.due(db, now) if (alert := find_alert(db, one)) is not None]
        for alert in due:
            if as_json:
                print(json.dumps({"id": alert.id, "number": alert.number, "level": alert.level}))
            else:
                print(alert.number, LEVEL_COLOURS[alert.level], alert.state, alert.title, sep="  ")
        for entry in ledger.due(now):
            print(json.dumps({"number": entry}) if as_json else f"{entry}  台账")
        reporting = report_watch_of(settings, store).agenda
        with store.read() as db:
            late = reporting.to_call(db, now)
        for one in late:
            owed = {"report": one.item.id, "period": one.period.isoformat(), "territory": one.territory}
            place = reporting.regions.name_of(one.territory)
            print(json.dumps(owed) if as_json else f"{one.title}  {place}  报送逾期")
        return
    done = watcher.tick(now)
    ledger_done = {f"ledger_{name}": count for name, count in ledger.tick(now).items()}
    ledger_done |= {f"report_{name}": count for name, count in report_watch_of(settings, store).tick(now).items()}
    if as_json:
        print(json.dumps(dict(sorted(done.items())) | ledger_done))
    else:
        words = {"told": "通知", "report_called": "报送逾期", "report_told": "报送逾期通知"}
        words |= {f"ledger_{name}": f"台账{word}" for name, word in ACTION_WORDS.items()}
        counts = sorted({**done, **ledger_done}.items())
        told = "，".join(f"{words.get(name) or action_word(name)} {count}" for name, count in counts)
        print(told or "没有到时的事项")


def watcher_of(settings: Settings, store: Store) -> Watcher:
    """The watch over a store, with the configured mails."""
    return Watcher(store, teller_of(settings, lexicon_of(settings), registry_of(store)[0], mail=True))


def watch_jobs(settings: Settings, store: Store) -> list[FrequentJob]:
    """The watch as a job of the scheduler."""
    watcher = watcher_of(settings, store)

    def tick() -> str:
        with store.write() as db:
            sensitive.settle(db, system_clock())
        return "，".join(f"{action_word(name)} {count}" for name, count in watcher.tick(system_clock()).items())

    ledger = ledger_watch_of(settings, store)

    def look() -> str:
        return "，".join(f"{ACTION_WORDS[name]} {count}" for name, count in ledger.tick(system_clock()).items())

    reporting = report_watch_of(settings, store)

    def call() -> str:
        done = reporting.tick(system_clock())
        return f"逾期 {done['called']}，通知 {done['told']}" if done else ""

    return [
        FrequentJob("reporting", "报送巡检", LEDGER_SECONDS, call),
        FrequentJob("watch", "预警巡检", SECONDS, tick),
        FrequentJob("ledger", "台账巡检", LEDGER_SECONDS, look),
    ]


def ledger_watch_of(settings: Settings, store: Store) -> LedgerWatch:
    """The watch over the ledger of a store, with the configured mails."""
    lexicon, duty = lexicon_of(settings), duty_of(settings.config)
    book = open_book(load_ledger_rules(settings.config), duty.is_workday, lexicon)
    mail = None
    if settings.smtp_url is not None:
        demo = settings.profile == "demo"
        mail = EscalationMail(routes_of(settings, lexicon), lexicon.regions, settings.public_url, demo=demo)
    return LedgerWatch(store, book, lexicon.regions, mail)


def report_watch_of(settings: Settings, store: Store) -> ReportWatch:
    """The watch over the reporting calendar of a store, with the configured mails."""
    lexicon = lexicon_of(settings)
    mail = None
    if settings.smtp_url is not None:
        mail = CallMail(routes_of(settings, lexicon), settings.public_url, demo=settings.profile == "demo")
    return ReportWatch(store, agenda_of(settings, lexicon), mail)


def agenda_of(settings: Settings, lexicon: Lexicon) -> Agenda:
    """The reporting calendar as configured; `Agenda.told` is what a digest says of a day."""
    plan = load_reporting(settings.config, lexicon.regions)
    return Agenda(plan, lexicon.regions, duty_of(settings.config).is_workday, load_weekly(settings.config).rules.since)
