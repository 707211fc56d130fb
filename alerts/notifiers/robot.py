"""What the group robots of all vendors share: plain text within a size, JSON to one address, a code in the answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from alerts.notifiers.posting import Answer, Poster, send
from core.errors import DeliveryError
from core.records import Notification

CUT = "…\n"


@dataclass
class Robot(Poster):
    """Posts to one robot. Errors come inside HTTP 200 or 400: a code, 0 where the message was taken.

    most_bytes: of a text.  code, message: fields of the answer.  too_fast: codes after which it is asked again when
    shut_out is over.  later: other codes that may be tried again.
    """

    most_bytes: ClassVar[int]
    too_fast: ClassVar[tuple[int, ...]]
    later: ClassVar[tuple[int, ...]]
    code: ClassVar[str] = "errcode"
    message: ClassVar[str] = "errmsg"
    shut_out: ClassVar[timedelta] = timedelta(minutes=1)

    def address(self) -> str:
        """Where it is posted to."""
        return self.channel.address.get_secret_value()

    def body(self, notification: Notification) -> dict[str, Any]:
        """What is posted. Text, not markdown: nothing in a title can become a link or a mention."""
        return {"msgtype": "text", "text": {"content": text_within(notification, self.most_bytes)}}

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once. Raises DeliveryError."""
        self.pace.take()
        body = json.dumps(self.body(notification), ensure_ascii=False).encode("utf-8", "replace")
        answer = send(
            "POST", self.address(), body=body, headers={"Content-Type": "application/json"},
            private=self.channel.private, handing_over=handing_over, hidden=self.hidden,
            read=(400,),
        )  # fmt: skip
        code, message = self._told(answer)
        if code == 0 and answer.status < 300:
            return f"{self.code} 0 {message}"
        after = self.shut_out if code in self.too_fast else None
        raise DeliveryError(f"{self.code} {code} {message}", retry=code in (*self.too_fast, *self.later), after=after)

    def _told(self, answer: Answer) -> tuple[int, str]:
        """The code and what is said to it. Raises DeliveryError for what is no answer of a robot: nobody knows then."""
        try:
            told = json.loads(answer.text)
            return int(told[self.code]), str(told.get(self.message, ""))[:200]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            if answer.status >= 300:
                raise DeliveryError(f"HTTP {answer.status} {answer.text[:200]}", retry=False) from None
            raise DeliveryError(
                f"HTTP {answer.status}，答复看不懂：{answer.text[:100]}", retry=False, unsure=True
            ) from None


def text_within(notification: Notification, most: int) -> str:
    """Subject and text in at most so many bytes of UTF-8; what is too much goes from the end, but for the last line,
    which is the link."""
    body = "\n".join(line.rstrip() for line in notification.text.strip().splitlines())
    whole = f"{notification.subject}\n{body}"
    encoded = whole.encode("utf-8", "replace")
    if len(encoded) <= most:
        return whole
    last = body.rpartition("\n")[2]
    last = last if _size(last) < most // 2 else ""
    kept = encoded[: most - _size(CUT + last)].decode("utf-8", "ignore")
    return kept + CUT + last if last else kept + CUT.rstrip()


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
