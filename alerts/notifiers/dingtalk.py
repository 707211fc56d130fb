"""A custom robot of DingTalk (钉钉 自定义机器人), signed: text, 20 messages a minute.

sign = base64(HMAC-SHA256(secret, timestamp in ms + "\\n" + secret)). Who is too fast is shut out for ten minutes.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from alerts.notifiers.robot import Robot


@dataclass
class DingtalkNotifier(Robot):
    """Posts to one robot."""

    most_bytes = 18_000
    too_fast = (130101, 130102, 410100)
    later = (-1,)
    shut_out = timedelta(minutes=10)

    def address(self) -> str:
        """The robot's address, signed where a secret is set."""
        address = super().address()
        if self.channel.secret is None:
            return address
        secret, stamp = self.channel.secret.get_secret_value(), str(int(self.now() * 1000))
        made = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256")
        more = urlencode({"timestamp": stamp, "sign": base64.b64encode(made).decode()})
        return f"{address}{'&' if '?' in address else '?'}{more}"
