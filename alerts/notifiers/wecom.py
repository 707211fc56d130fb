"""A group robot of WeCom (企业微信 消息推送/群机器人): text of at most 2,048 bytes, 20 messages a minute.

Errors come inside HTTP 200 as errcode. Text, not markdown: nothing in a title can become a link or a mention.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.notifiers.posting import Pace, send
from alerts.notifiers.robot_text import in_bytes, text_within
from alerts.notifiers.vendor_answer import code_of
from config.channels import ChannelConfig
from core.errors import DeliveryError
from core.records import Notification

MOST_BYTES = 2048
TOO_FAST = (45009, 45033)
LATER = (-1,)


@dataclass
class WecomNotifier:
    """Posts to one robot."""

    channel: ChannelConfig
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.channel.pace)

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once. Raises DeliveryError."""
        self.pace.take()
        body = {"msgtype": "text", "text": {"content": text_within(notification, MOST_BYTES, in_bytes)}}
        answer = send(
            "POST", self.channel.address.get_secret_value(),
            body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json"}, private=self.channel.private, handing_over=handing_over,
        )  # fmt: skip
        code, message = code_of(answer, "errcode", "errmsg")
        if code == 0:
            return f"errcode 0 {message}"
        after = timedelta(minutes=1) if code in TOO_FAST else None
        raise DeliveryError(f"errcode {code} {message}", retry=code in (*TOO_FAST, *LATER), after=after)
