"""Answers of robots: HTTP 200 with a code inside, 0 where the message was taken."""

import json

from alerts.notifiers.posting import Answer
from core.errors import DeliveryError


def code_of(answer: Answer, code: str, message: str) -> tuple[int, str]:
    """The code and what is said to it. Raises DeliveryError for what is no answer of a robot: nobody knows then."""
    try:
        told = json.loads(answer.text)
        return int(told[code]), str(told.get(message, ""))[:200]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DeliveryError(
            f"HTTP {answer.status}，答复看不懂：{answer.text[:100]}", retry=False, unsure=True
        ) from None
