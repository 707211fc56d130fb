"""What leaves the house: recipients, channels, the daily digest."""

from alerts.digest import plan_digest, previous_day
from alerts.notifiers.mail import MailNotifier
from alerts.sender import Channel
from config.routes import Routes, load_routes
from config.settings import Settings
from core.clock import system_clock
from scheduler import DailyJob
from store.database import Store


def recipients_of(settings: Settings, routes: Routes) -> list[str]:
    """Whom mails go to: routes.yml, else FENGSUI_MAIL_TO."""
    return list(routes.mail) or [one.strip() for one in settings.mail_to.split(",") if one.strip()]


def channels_of(settings: Settings) -> dict[str, Channel]:
    """The channels that are set up, by name."""
    if settings.smtp_url is None:
        return {}
    return {"mail": MailNotifier(settings.smtp_url, settings.mail_from)}


def digest_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The daily digest as a job: put into the outbox once a day and recipient."""
    routes = load_routes(settings.config)
    hour, minute = (int(part) for part in routes.digest_at.split(":"))

    def do() -> str:
        to = recipients_of(settings, routes) if settings.smtp_url else []
        planned = plan_digest(store, previous_day(system_clock()), to, settings=settings, now=system_clock())
        return f"{planned} 封"

    return [DailyJob("digest", "每日摘要", hour, minute, do)]
