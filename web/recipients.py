"""Who is told by what: recipients and channels in words, and which of them are a viewer's to test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from config.routes import CHANNEL, Recipient, channel_of
from web.access import Viewer
from web.names import CHANNELS
from web.services import Services

SHOWN_DIGITS = 4


@dataclass(frozen=True)
class Recipients:
    """The recipients of routes.yml as the delivery log names them."""

    services: Services
    me: Viewer

    def channel(self, name: str) -> str:
        """`邮件`, or the title that channels.yml gives a channel."""
        return self.services.channels.get(name) or CHANNELS.get(name, name)

    def told(self, address: str) -> str:
        """`南昌值班室 duty@x.example`; a channel by its title, a telephone number with four digits."""
        one = self._known.get(address)
        name = one.name if one else ""
        if not address.startswith(CHANNEL):
            return f"{name} {address}".strip()
        phone = address.split(":")[2:]
        hidden = f"…{phone[0][-SHOWN_DIGITS:]}" if phone else ""
        return " ".join(part for part in (name or self.channel(channel_of(address)), hidden) if part)

    @cached_property
    def own(self) -> Mapping[str, Recipient]:
        """Those whose territories all lie within the viewer's; everybody for who sees all of the province."""
        if self._sees_all:
            return self._known
        return {
            address: one
            for address, one in self._known.items()
            if one.territories and all(map(self.me.sees_code, one.territories))
        }

    def is_own(self, address: str) -> bool:
        """Whether what is known of an address is this viewer's to see."""
        return self._sees_all or address in self.own

    @property
    def _sees_all(self) -> bool:
        return self.me.everywhere or self.me.user.territory == self.services.lexicon.regions.home

    @cached_property
    def _known(self) -> Mapping[str, Recipient]:
        routes = self.services.routes
        return {one.mail: one for one in routes.recipients} if routes else {}
