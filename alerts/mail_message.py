"""A notification as a mail: text, HTML with its pictures inside (RFC 2387), headers that a second copy is known by.

Everything in it follows from the row of the outbox, so that what is sent again is the same mail to the byte.
"""

import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import format_datetime, formataddr
from html import escape
from typing import Literal, Protocol

from charts.png import png_of
from core.clock import beijing, system_clock
from core.errors import StoreError
from core.logs import log_event
from core.records import Notification

logger = logging.getLogger(__name__)
FOOT = "<!--foot-->"
"""Where an HTML mail takes the links that are signed when it is sent."""
DIGEST, TEST = "digest", "test"
LINK = 'class="link" style="color:#0f6560"'


class _Whole(UnstructuredHeader, BaseHeader):
    """An address or id, on one line however long: folded, it would be an encoded word, which nobody reads there."""

    def fold(self, *, policy: Policy) -> str:
        """As the policy asks."""
        return f"{self.name}: {self}{policy.linesep}"


class _Words(UnstructuredHeader, BaseHeader):
    """Text in encoded words that lose no blank: those of the policy drop one between two of them."""

    def fold(self, *, policy: Policy) -> str:
        """As the policy asks."""
        charset = "us-ascii" if self.isascii() else "utf-8"
        words = Header(str(self), charset, header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {words}{policy.linesep}"


def _headers() -> HeaderRegistry:
    made = HeaderRegistry()
    for name in ("list-unsubscribe", "in-reply-to", "references"):
        made.map_to_type(name, _Whole)
    made.map_to_type("subject", _Words)
    return made


POLICY = default.clone(header_factory=_headers())


class LinkTokens(Protocol):
    """Signs links (store.link_key.LinkKey at the desk's address)."""

    def receipt(self, notification: Notification) -> str:
        """The address that says a mail was read."""

    def off(self, notification: Notification) -> str:
        """The address that turns such mails off."""


@dataclass(frozen=True)
class MailWriter:
    """sender: the From address.  pictures: gives kept pictures by SHA-256.  links: None: mails carry no signed ones."""

    sender: str
    pictures: Callable[[Collection[str]], Mapping[str, bytes]]
    links: LinkTokens | None = None

    def message_of(self, notice: Notification) -> EmailMessage:
        """The mail. Its Message-ID follows from the delivery id: a second copy would be known as one.

        Where links cannot be signed it goes without them: a warning does not wait for that.
        """
        try:
            return self._written(notice)
        except StoreError as problem:
            if self.links is None:
                raise
            log_event(logger, "mail_without_links", level=logging.WARNING, delivery=notice.id, problem=str(problem))
            return replace(self, links=None)._written(notice)

    def _written(self, notice: Notification) -> EmailMessage:
        message = EmailMessage(POLICY)
        message["Subject"] = _one_line(notice.subject)
        message["From"] = formataddr(("烽燧", self.sender))
        message["To"] = _one_line(notice.recipient)
        message["Date"] = format_datetime(beijing(notice.created_at or system_clock()))
        message["Message-ID"] = self.message_id(notice.id)
        before = notice.details.get("thread")
        if before:
            message["In-Reply-To"] = self.message_id(before)
            message["References"] = self.message_id(before)
        message["Auto-Submitted"] = "auto-generated"
        self._say_how_to_stop(message, notice)
        foot = self._foot(notice)
        message.set_content(notice.text + "".join(f"\n{word}：{address}" for word, address in foot) + "\n" * bool(foot))
        if notice.html:
            self._add_html(message, notice, foot)
        _fix_boundaries(message, notice.id)
        return message

    def message_id(self, delivery: str) -> str:
        """`<delivery@host>`, with which a bounce comes back."""
        return f"<{delivery}@{self.sender.rpartition('@')[2] or 'localhost'}>"

    def _say_how_to_stop(self, message: EmailMessage, notice: Notification) -> None:
        """RFC 2369 and, for one click, RFC 8058."""
        if self.links is None or may_be_turned_off(notice) is None:
            return
        address = self.links.off(notice)
        message["List-Unsubscribe"] = f"<{address}>"
        if address.startswith("https://"):  # RFC 8058, 3.1: one click asks for it
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"

    def _foot(self, notice: Notification) -> list[tuple[str, str]]:
        if self.links is None:
            return []
        off = may_be_turned_off(notice)
        words = {"digest": "不再收每日摘要", "below": "不再收此级别及以下的预警邮件（红色照发）"}
        receipt = [("回执（表示已收到，不代替受理）", self.links.receipt(notice))] if notice.alert else []
        return [*receipt, *([(words[off], self.links.off(notice))] if off else [])]

    def _add_html(self, message: EmailMessage, notice: Notification, foot: list[tuple[str, str]]) -> None:
        links = "".join(f'<a href="{escape(address)}" {LINK}>{escape(word)}</a><br>' for word, address in foot)
        named: Mapping[str, str] = notice.details.get("pictures") or {}
        kept = self.pictures(list(named.values())) if named else {}
        html = notice.html.replace(FOOT, links)
        pictures = {name: kept.get(sha256) for name, sha256 in named.items()}
        pictures |= {name: png_of(svg) for name, svg in (notice.details.get("drawn") or {}).items()}
        for name, png in pictures.items():
            if png is None:  # swept away, or no Chinese letters here: the numbers stand in the text
                html = re.sub(rf'<img [^>]*"cid:{re.escape(name)}"[^>]*>', "", html)
        message.add_alternative(html, subtype="html")
        part = message.get_payload()[1]  # type: ignore[index]
        for name, png in pictures.items():
            if png is not None and isinstance(part, EmailMessage):
                part.add_related(png, "image", "png", cid=f"<{name}>", disposition="inline", filename=f"{name}.png")


def may_be_turned_off(notice: Notification) -> Literal["digest", "below"] | None:
    """What a link in this mail turns off. Red, dispatches and the ledger's are duties: nobody turns them off."""
    if notice.details.get("kind") == DIGEST:
        return "digest"
    if notice.alert is not None and 0 < notice.level < 4 and not notice.details.get("duty"):
        return "below"
    return None


def _fix_boundaries(message: EmailMessage, name: str) -> None:
    """The same mail has the same boundaries: they would be drawn by lot."""
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{name}_{number}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
