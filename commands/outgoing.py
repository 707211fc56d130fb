"""What leaves the house: routes, channels, the daily digest."""

from collections.abc import Collection, Iterable, Mapping

from pydantic import SecretStr

from alerts.mail_links import mail_links_of
from alerts.mailing import MailPlanner
from alerts.notifiers.kinds import notifier_of
from alerts.notifiers.mail import MailNotifier
from alerts.router import Router
from alerts.sender import Channel
from alerts.setup import duty_of
from alerts.telling import Teller
from alerts.wording import Names
from config.alert_life import load_alert_life
from config.channels import load_channels
from config.lexicon import Lexicon
from config.orgs import load_orgs
from config.routes import Routes, load_routes
from config.settings import Settings
from config.sources import load_sources
from core.records import RegistryEntry
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


def titles_of_sources(settings: Settings) -> dict[str, str]:
    """The sources whose health people are told of: the enabled ones."""
    return {one.key: one.title for one in load_sources(settings.config, settings.profile) if one.enabled}


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


def planner_of(settings: Settings, lexicon: Lexicon, registry: Iterable[RegistryEntry]) -> MailPlanner:
    """What writes the notices of alerts. Raises ConfigError."""
    router = router_of(settings, lexicon, registry)
    return MailPlanner(
        routes_of(settings, lexicon),
        lexicon.regions,
        settings.public_url,
        demo=settings.profile == "demo",
        router=router,
        by_mail=settings.smtp_url is not None,
        names=Names(lexicon, router.registry, titles_of_sources(settings)),
    )


def teller_of(settings: Settings, lexicon: Lexicon, registry: Iterable[RegistryEntry], *, mail: bool) -> Teller:
    """What tells people of alerts. mail: False only keeps marks and clocks. Raises ConfigError."""
    planner = None
    if mail and (settings.smtp_url is not None or load_channels(settings.config)):
        planner = planner_of(settings, lexicon, registry)
    return Teller(duty_of(settings.config), load_alert_life(settings.config), lexicon, planner)
