"""A custom robot of DingTalk (钉钉 自定义机器人), signed: text, 20 messages a minute.

sign = base64(HMAC-SHA256(secret, timestamp in ms + "\\n" + secret)). Who is too fast is shut out for ten minutes.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from alerts.notifiers.posting import Pace, send
from alerts.notifiers.robot_text import in_bytes, text_within
from alerts.notifiers.vendor_answer import code_of
from config.channels import ChannelConfig
from core.errors import DeliveryError
from core.records import Notification

MOST_BYTES = 18_000
TOO_FAST = (130101, 130102, 410100)
LATER = (-1,)
SHUT_OUT = timedelta(minutes=10)


@dataclass
class DingtalkNotifier:
    """Posts to one robot. now: seconds since 1970."""

    channel: ChannelConfig
    now: Callable[[], float] = time.time
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.channel.pace)

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once. Raises DeliveryError."""
        self.pace.take()
        body = {"msgtype": "text", "text": {"content": text_within(notification, MOST_BYTES, in_bytes)}}
        answer = send(
            "POST", self._address(), body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json"}, private=self.channel.private, handing_over=handing_over,
        )  # fmt: skip
        code, message = code_of(answer, "errcode", "errmsg")
        if code == 0:
            return f"errcode 0 {message}"
        after = SHUT_OUT if code in TOO_FAST else None
        raise DeliveryError(f"errcode {code} {message}", retry=code in (*TOO_FAST, *LATER), after=after)

    def _address(self) -> str:
        address = self.channel.address.get_secret_value()
        if self.channel.secret is None:
            return address
        secret, stamp = self.channel.secret.get_secret_value(), str(int(self.now() * 1000))
        made = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256")
        more = urlencode({"timestamp": stamp, "sign": base64.b64encode(made).decode()})
        return f"{address}{'&' if '?' in address else '?'}{more}"
