"""The addresses of the desk that stand in mails and need no sign-in: 回执, and turning mails off."""

from dataclasses import dataclass

from config.settings import Settings
from core.clock import system_clock
from core.records import Notification
from store.link_key import FILE, LinkKey, Purpose


@dataclass(frozen=True)
class MailLinks:
    """Implements alerts.mail_message.LinkTokens. public_url: the address people reach the desk at."""

    key: LinkKey
    public_url: str

    def receipt(self, notification: Notification) -> str:
        """The address that says a mail was read."""
        return self._address("receipt", notification)

    def off(self, notification: Notification) -> str:
        """The address that turns such mails off."""
        return self._address("off", notification)

    def _address(self, purpose: Purpose, notice: Notification) -> str:
        token = self.key.token(purpose, notice.id, notice.created_at or system_clock())
        return f"{self.public_url.rstrip('/')}/mail/{purpose}/{token}"


def mail_links_of(settings: Settings) -> MailLinks:
    """The links of this installation; the key lies in the data folder or follows from the settings."""
    given = settings.second_factor_key
    key = LinkKey(settings.data_dir / FILE, given.get_secret_value() if given else "")
    return MailLinks(key, settings.public_url)
