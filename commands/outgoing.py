"""What leaves the house: routes, channels, the daily digest."""

from collections.abc import Callable, Collection, Iterable, Mapping

from pydantic import SecretStr

from alerts.digest import plan_digest, previous_day
from alerts.mail_links import mail_links_of
from alerts.mailing import MailPlanner
from alerts.notifiers.kinds import notifier_of
from alerts.notifiers.mail import MailNotifier
from alerts.router import Router
from alerts.sender import Channel
from alerts.setup import duty_of
from alerts.telling import Teller
from config.alert_life import load_alert_life
from config.channels import load_channels
from config.lexicon import Lexicon, load_lexicon
from config.orgs import load_orgs
from config.routes import Recipient, Routes, load_routes
from config.settings import Settings
from core.clock import system_clock
from core.records import RegistryEntry
from enterprises.registry_import import registry_of
from scheduler import DailyJob
from store.database import Store
from store.mail_book import pictures_of


def routes_of(settings: Settings, lexicon: Lexicon) -> Routes:
    """Whom mails go to: routes.yml, and FENGSUI_MAIL_TO as the province desk. Raises ConfigError."""
    return load_routes(
        settings.config,
        regions=lexicon.regions,
        products=lexicon.products,
        mail_to=settings.mail_to,
        orgs=load_orgs(settings.config, lexicon),
        channels=load_channels(settings.config),
    )


def router_of(settings: Settings, lexicon: Lexicon, registry: Iterable[RegistryEntry]) -> Router:
    """What says where alerts go. Raises ConfigError."""
    firms = {entry.id: entry for entry in registry}
    return Router(load_orgs(settings.config, lexicon), lexicon, firms.get)


def channels_of(settings: Settings, store: Store) -> dict[str, Channel]:
    """The channels that are set up, by name."""
    found = {name: notifier_of(channel) for name, channel in load_channels(settings.config).items()}
    if settings.smtp_url is not None:
        found["mail"] = mail_notifier(settings, store, settings.smtp_url)
    return found


def mail_notifier(settings: Settings, store: Store, url: SecretStr) -> MailNotifier:
    """What sends mails, with their pictures and links."""

    def pictures(names: Collection[str]) -> Mapping[str, bytes]:
        with store.read() as db:
            return pictures_of(db, names)

    return MailNotifier(url, settings.mail_from, pictures, mail_links_of(settings))


def teller_of(settings: Settings, lexicon: Lexicon, registry: Iterable[RegistryEntry], *, mail: bool) -> Teller:
    """What tells people of alerts. mail: False only keeps marks and clocks. Raises ConfigError."""
    planner = None
    if mail and (settings.smtp_url is not None or load_channels(settings.config)):
        routes, demo = routes_of(settings, lexicon), settings.profile == "demo"
        router = router_of(settings, lexicon, registry)
        planner = MailPlanner(
            routes,
            lexicon.regions,
            settings.public_url,
            demo=demo,
            router=router,
            by_mail=settings.smtp_url is not None,
        )
    return Teller(duty_of(settings.config), load_alert_life(settings.config), lexicon, planner)


def digest_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The daily digest as jobs, one for each hour that somebody chose."""
    if settings.smtp_url is None:
        return []
    lexicon = load_lexicon(settings.config)
    router = router_of(settings, lexicon, registry_of(store)[0])
    at: dict[str, list[Recipient]] = {}
    for one in routes_of(settings, lexicon).recipients:
        if one.digest_at is not None:
            at.setdefault(one.digest_at, []).append(one)

    def sending(recipients: list[Recipient]) -> Callable[[], str]:
        def do() -> str:
            now = system_clock()
            planned = plan_digest(
                store, previous_day(now), recipients, lexicon.regions, settings=settings, now=now, router=router
            )
            return f"{planned} 封"

        return do

    return [
        DailyJob(f"digest-{hour}", f"每日摘要 {hour}", int(hour[:2]), int(hour[3:]), sending(recipients))
        for hour, recipients in sorted(at.items())
    ]
