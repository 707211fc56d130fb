"""A custom robot of Feishu (飞书 自定义机器人), signed where a secret is set: text, 20 KB, 100 messages a minute.

sign = base64(HMAC-SHA256(key: timestamp in s + "\\n" + secret, of nothing)), inside the body.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alerts.notifiers.posting import Pace, send
from alerts.notifiers.robot_text import in_bytes, text_within
from alerts.notifiers.vendor_answer import code_of
from config.channels import ChannelConfig
from core.errors import DeliveryError
from core.records import Notification

MOST_BYTES = 18_000
TOO_FAST = (9499, 11232)
LATER = (11233,)


@dataclass
class FeishuNotifier:
    """Posts to one robot. now: seconds since 1970."""

    channel: ChannelConfig
    now: Callable[[], float] = time.time
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.channel.pace)

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once. Raises DeliveryError."""
        self.pace.take()
        # Its text knows tags: <at user_id="all"> from outside must call nobody.
        text = text_within(notification, MOST_BYTES, in_bytes).replace("<", "＜")
        body: dict[str, Any] = {**self._signed(), "msg_type": "text", "content": {"text": text}}
        answer = send(
            "POST", self.channel.address.get_secret_value(),
            body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json"}, private=self.channel.private, handing_over=handing_over,
        )  # fmt: skip
        code, message = code_of(answer, "code", "msg")
        if code == 0:
            return f"code 0 {message}"
        after = timedelta(minutes=1) if code in TOO_FAST else None
        raise DeliveryError(f"code {code} {message}", retry=code in (*TOO_FAST, *LATER), after=after)

    def _signed(self) -> dict[str, str]:
        if self.channel.secret is None:
            return {}
        stamp = str(int(self.now()))
        key = f"{stamp}\n{self.channel.secret.get_secret_value()}".encode()
        return {"timestamp": stamp, "sign": base64.b64encode(hmac.digest(key, b"", "sha256")).decode()}
