"""A webhook of any other system, signed as Standard Webhooks 1.0 asks: headers webhook-id, -timestamp, -signature.

signature = "v1," + base64(HMAC-SHA256(secret, id.timestamp.body)); a secret written whsec_... is base64. The id is the
delivery's: a message that may have arrived is sent again, and the receiver knows it.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

from alerts.notifiers.posting import Poster, send
from core.errors import DeliveryError
from core.records import Notification

PREFIX = "whsec_"


@dataclass
class WebhookNotifier(Poster):
    """Posts to one address."""

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver; the same delivery again is the same id. Raises DeliveryError."""
        self.pace.take()
        told = {
            "type": "alert" if notification.alert else "notice",
            "id": notification.id,
            "alert": notification.alert,
            "entry": notification.entry,
            "level": notification.level,
            "subject": notification.subject,
            "text": notification.text,
        }
        body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        try:
            answer = send(
                "POST", self.channel.address.get_secret_value(), body=body, headers=self._headers(notification, body),
                private=self.channel.private, handing_over=handing_over, hidden=self.hidden,
            )  # fmt: skip
        except DeliveryError as problem:
            if problem.unsure:
                raise DeliveryError(str(problem), retry=True) from None
            raise
        return f"HTTP {answer.status} {answer.text[:200]}"

    def _headers(self, notification: Notification, body: bytes) -> dict[str, str]:
        stamp = str(int(self.now()))
        made = hmac.digest(self._key(), b".".join((notification.id.encode(), stamp.encode(), body)), "sha256")
        return {
            "Content-Type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
        }

    def _key(self) -> bytes:
        secret = self.channel.secret.get_secret_value() if self.channel.secret else ""
        if secret.startswith(PREFIX):
            try:
                return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
            except (ValueError, binascii.Error):
                raise DeliveryError("channels.yml: secret 以 whsec_ 开头但不是 base64", retry=False) from None
        return secret.encode()
