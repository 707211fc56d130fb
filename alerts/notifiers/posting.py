"""One HTTP request of a channel: to an address that was checked, bounded in time and size, at the vendor's pace."""

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

import httpx

from config.channels import ChannelConfig
from core import asking
from core.asking import Elsewhere, Unresolved, ask
from core.errors import DeliveryError
from core.internet import is_public, is_reachable

for _library in ("httpx", "httpcore"):
    logging.getLogger(_library).setLevel(logging.WARNING)  # it writes whole addresses at INFO, and keys stand in ours
TIMEOUT = httpx.Timeout(20.0, connect=10.0)
LONGEST = 60.0
"""Seconds that a message may take in all, however slowly the other end drips."""
MOST_ANSWER = 64 * 1024
MOST_AFTER = timedelta(hours=1)
WORD = re.compile(r"[\w+=.-]+", re.ASCII)
LONG, SHORT = 16, 6
"""Characters from which a part of an address or body is taken for a key, and a value that is one by its place."""


@dataclass
class Pace:
    """At most so many messages a minute, and a second (0: any): the next one is put off, not lost."""

    per_minute: int
    now: Callable[[], float] = time.monotonic
    per_second: int = 0
    _sent: deque[float] = field(default_factory=deque)

    def take(self) -> None:
        """Count a message. Raises DeliveryError that says when there is room."""
        now = self.now()
        while self._sent and now - self._sent[0] >= 60:
            self._sent.popleft()
        if len(self._sent) >= self.per_minute:
            wait = timedelta(seconds=60 - (now - self._sent[0]))
            raise DeliveryError(f"每分钟至多 {self.per_minute} 条，稍后再发", retry=True, after=wait)
        if self.per_second and len(self._sent) >= self.per_second and now - self._sent[-self.per_second] < 1:
            raise DeliveryError(f"每秒至多 {self.per_second} 条，稍后再发", retry=True, after=timedelta(seconds=1))
        self._sent.append(now)


@dataclass
class Poster:
    """Posts to the address of one channel, at its pace. now: seconds since 1970, for signatures."""

    channel: ChannelConfig
    now: Callable[[], float] = time.time
    pace: Pace = field(init=False)
    per_second: ClassVar[int] = 0

    def __post_init__(self) -> None:
        self.pace = Pace(self.channel.pace, per_second=self.per_second)

    @property
    def hidden(self) -> frozenset[str]:
        """What may be a key: values and long parts of the address, the secret, headers, long words of the body."""
        channel, parts = self.channel, urlsplit(self.channel.address.get_secret_value())
        plain = channel.body.replace("{phone}", " ").replace("{text}", " ")
        words = [one for one in WORD.findall(f"{unquote(parts.path)} {plain}") if len(one) >= LONG]
        words += [value for _, value in parse_qsl(parts.query)] + [parts.username or "", parts.password or ""]
        words += [word for value in channel.headers.values() for word in value.get_secret_value().split()]
        words += [channel.secret.get_secret_value()] if channel.secret else []
        known = {one for one in words if len(one) >= SHORT and "{" not in one}
        return frozenset(known | {quote(one, safe="") for one in known} | {quote_plus(one) for one in known})


@dataclass(frozen=True)
class Answer:
    """What came back. text: at most 64 KB of it."""

    status: int
    text: str


def send(
    method: str,
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    private: bool,
    handing_over: Callable[[], None],
    hidden: Collection[str] = (),
    read: Collection[int] = (),
) -> Answer:
    """Ask once; redirects are not followed.

    private: the address may lie in a private network.  hidden: what is starred where the other end repeats it, for
    answers stand in the delivery log.  read: refusals (400) whose body says more, given back like an answer.
    Raises DeliveryError: a dead end may be tried again, an answer that was lost leaves it unsure. No address is told,
    for keys stand in it.
    """
    host, handed = urlsplit(url).hostname or "", False

    def hand_over() -> None:
        nonlocal handed
        handing_over()
        handed = True

    try:
        answer = ask(
            method, url, may=is_reachable if private else is_public, seconds=LONGEST, most=MOST_ANSWER, body=body,
            headers={**headers, "User-Agent": "fengsui"}, timeout=TIMEOUT, handing_over=hand_over,
        )  # fmt: skip
    except Unresolved as problem:
        raise DeliveryError(str(problem), retry=True) from None
    except Elsewhere as problem:
        raise DeliveryError(_inside(problem, private), retry=False) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as problem:
        raise DeliveryError(f"{host}: {type(problem).__name__}", retry=True) from None
    except httpx.HTTPError as problem:
        raise DeliveryError(f"{host}: {type(problem).__name__}", retry=True, unsure=handed) from None
    return _read(answer, hidden, read)


def _inside(problem: Elsewhere, private: bool) -> str:
    if private:
        return f"{problem.host} 是不可发往的地址（{problem.address}）；请改为公网或本单位内网的地址"
    return f"{problem.host} 是内网地址（{problem.address}）；确要发往内网，在 channels.yml 写 private: true"


def _read(answer: asking.Answer, hidden: Collection[str], read: Collection[int]) -> Answer:
    text, status = answer.body.decode("utf-8", "replace"), answer.status
    for word in sorted(hidden, key=len, reverse=True):
        text = text.replace(word, "***")
    if status == 429 or status >= 500:
        raise DeliveryError(f"HTTP {status} {text[:200]}", retry=True, after=_after(answer.headers.get("retry-after")))
    if not 200 <= status < 300 and status not in read:
        raise DeliveryError(f"HTTP {status} {text[:200]}", retry=False)
    return Answer(status, text)


def _after(text: str | None) -> timedelta | None:
    """Retry-After in seconds (RFC 9110, 10.2.3); a date or nonsense leaves it to us."""
    if text is None or not text.isascii() or not text.isdigit():
        return None
    return min(timedelta(seconds=int(text[:6])), MOST_AFTER)
