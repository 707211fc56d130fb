"""An alert as a message of the Common Alerting Protocol, version 1.2 (OASIS, 1 July 2010).

Each change of level or state, and each row that says the matter has grown, is a message of its own: the first is an
Alert, later ones are Updates that refer to those before, a dismissal is a Cancel. The same history gives the same
bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

from lxml import etree

from alerts.feeds import cleaned, urn_of
from alerts.lifecycle import STATE_WORDS
from config.lexicon import Lexicon
from core.clock import iso_beijing
from core.records import LEVEL_COLOURS, LEVEL_NAMES, Alert, AlertEvent, AlertState

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
RESTRICTION = "内部预警，供市场监督管理部门使用，不得对外发布"
EXERCISE = "演示数据：企业、媒体、事件均为虚构"
SEVERITIES = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
URGENCIES = ("Unknown", "Future", "Expected", "Immediate", "Immediate")
CATEGORIES = {
    "fire": "Fire",
    "explosion": "Fire",
    "poison": "Health",
    "injury": "Health",
    "death": "Health",
    "leak": "Env",
}
"""What an issue adds to Safety, which each alert has."""
OVER = (AlertState.DISMISSED, AlertState.CLOSED)
GROWN = ("grown", "updated", "backdated", "confirmed", "took_over")
"""Rows of the system after which an alert says more than before, at the same level."""
MOST_REFERENCES = 50


@dataclass(frozen=True)
class CapWriter:
    """Writes CAP messages. public_url: address of the desk.  sender: the house in words.  exercise: invented data."""

    public_url: str
    lexicon: Lexicon
    sender: str
    exercise: bool = False

    def __call__(self, alert: Alert, history: Sequence[AlertEvent]) -> bytes:
        """The newest message of an alert. history: all of it, oldest first."""
        told = _messages(history)
        root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})
        _add(root, "identifier", self._identifier(alert, told[-1] if told else None))
        _add(root, "sender", self._sender())
        _add(root, "sent", iso_beijing(told[-1].at if told else alert.updated_at))
        _add(root, "status", "Exercise" if self.exercise else "Actual")
        _add(root, "msgType", _type(alert, told))
        _add(root, "source", alert.rule)
        _add(root, "scope", "Restricted")
        _add(root, "restriction", RESTRICTION)
        if self.exercise:
            _add(root, "note", EXERCISE)
        if len(told) > 1:
            _add(root, "references", " ".join(self._reference(alert, one) for one in told[-MOST_REFERENCES - 1 : -1]))
        self._info(root, alert)
        body: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
        return body

    def _info(self, root: etree._Element, alert: Alert) -> None:
        info = _add(root, "info")
        _add(info, "language", "zh-CN")
        for name in _categories(alert):
            _add(info, "category", name)
        _add(info, "event", self._event(alert))
        _add(info, "responseType", "AllClear" if alert.state in OVER else "Assess")
        _add(info, "urgency", "Past" if alert.state in OVER else URGENCIES[alert.level])
        _add(info, "severity", SEVERITIES[alert.level])
        _add(info, "certainty", _certainty(alert))
        _add(info, "audience", "市场监督管理部门")
        _add(info, "onset", iso_beijing(alert.first_at))
        _add(info, "senderName", self.sender)
        _add(info, "headline", alert.title)
        _add(info, "description", alert.reason)
        _add(info, "web", f"{self.public_url.rstrip('/')}/alerts/{alert.id}")
        for name, value in (
            ("number", alert.number),
            ("state", STATE_WORDS[alert.state]),
            ("level", f"内部预警（{LEVEL_COLOURS[alert.level]}），{LEVEL_NAMES[alert.level]}"),
            ("origins", str(alert.origins)),
            ("documents", str(len(alert.documents))),
        ):
            _named(info, "parameter", name, value)
        self._areas(info, alert)

    def _areas(self, info: etree._Element, alert: Alert) -> None:
        for code in dict.fromkeys((alert.territory, *alert.territories)):
            area = _add(info, "area")
            _add(area, "areaDesc", self.lexicon.regions.name_of(code))
            if code.isdigit():
                _named(area, "geocode", "GB/T 2260", code)

    def _event(self, alert: Alert) -> str:
        products = "、".join(self.lexicon.product_name(one) for one in alert.products[:3])
        issues = "、".join(self.lexicon.issue_name(one) for one in alert.issues[:3])
        return "：".join(filter(None, (products, issues))) or "产品质量安全风险"

    def _sender(self) -> str:
        return f"fengsui@{urlsplit(self.public_url).hostname or 'localhost'}"

    def _identifier(self, alert: Alert, message: AlertEvent | None) -> str:
        return f"{urn_of(alert)}:{message.number if message else 0}"

    def _reference(self, alert: Alert, message: AlertEvent) -> str:
        return f"{self._sender()},{self._identifier(alert, message)},{iso_beijing(message.at)}"


def _messages(history: Sequence[AlertEvent]) -> list[AlertEvent]:
    """The rows that changed what a receiver must know: the first, each of another level or state, each of GROWN."""
    changed = [
        after for before, after in pairwise(history)
        if (after.level, after.state) != (before.level, before.state) or after.action in GROWN
    ]  # fmt: skip
    return [*history[:1], *changed]


def _type(alert: Alert, told: Sequence[AlertEvent]) -> str:
    if alert.state is AlertState.DISMISSED and len(told) > 1:  # a Cancel names what it takes back
        return "Cancel"
    return "Update" if len(told) > 1 else "Alert"


def _categories(alert: Alert) -> list[str]:
    return ["Safety", *dict.fromkeys(CATEGORIES[issue] for issue in alert.issues if issue in CATEGORIES)]


def _certainty(alert: Alert) -> str:
    """Observed only where a person closed it as true; what nobody but individuals tell is possible."""
    if alert.state is AlertState.DISMISSED:
        return "Unlikely"
    if alert.state is AlertState.CLOSED:
        return "Observed"
    return "Possible" if alert.unconfirmed else "Likely"


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{CAP}}}{name}")
    if text is not None:
        element.text = cleaned(text)
    return element


def _named(parent: etree._Element, kind: str, name: str, value: str) -> None:
    element = _add(parent, kind)
    _add(element, "valueName", name)
    _add(element, "value", value)
