"""An SMS gateway by a template of its request: {phone} and {text} are put into address and body, escaped for each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from alerts.notifiers.posting import Poster, send
from core.errors import DeliveryError
from core.patterns import first_found
from core.records import Notification


@dataclass
class SmsNotifier(Poster):
    """Posts to one gateway; the recipient of a notification is `channel:NAME:PHONE`."""

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once; success is what the channel's `ok` matches. Raises DeliveryError."""
        self.pace.take()
        phone = notification.recipient.rpartition(":")[2]
        text = " ".join(notification.subject.split())[: self.channel.most_chars]
        form = "json" not in self._type()
        answer = send(
            self.channel.method, _filled(self.channel.address.get_secret_value(), phone, text, quoted),
            body=_filled(self.channel.body, phone, text, quoted if form else in_json).encode(),
            headers={"Content-Type": self._type(), **self._headers()},
            private=self.channel.private, handing_over=handing_over, hidden=self.hidden,
        )  # fmt: skip
        if first_found(self.channel.ok, answer.text) is not None:
            return f"HTTP {answer.status} {answer.text[:200]}"
        raise DeliveryError(f"HTTP {answer.status}，网关未接受：{answer.text[:200]}", retry=False)

    def _headers(self) -> dict[str, str]:
        return {name: value.get_secret_value() for name, value in self.channel.headers.items()}

    def _type(self) -> str:
        given = {name.lower(): value for name, value in self._headers().items()}.get("content-type")
        form = "application/x-www-form-urlencoded"
        return given or ("application/json" if self.channel.body.lstrip()[:1] in ("{", "[") else form)


def quoted(text: str) -> str:
    """For an address or a form."""
    return quote(text, safe="")


def in_json(text: str) -> str:
    """For the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _filled(template: str, phone: str, text: str, written: Callable[[str], str]) -> str:
    """One pass: what stands in the text is no template."""
    parts = template.split("{text}")
    return written(text).join(part.replace("{phone}", written(phone)) for part in parts)
