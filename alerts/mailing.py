"""Plans alert mails: rows of the outbox, written in the transaction that changes the alert. One row a recipient."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection, true

from alerts.evidence import quoted
from alerts.figures import figures_in_mail
from alerts.lateness import late_words
from alerts.lifecycle import STATE_WORDS
from alerts.router import Router, concern
from alerts.routing import Told
from alerts.sender import STANDING
from alerts.slot_series import chart_span, drawn, points, slots, tells_a_course
from alerts.wording import Names
from config.regions import Regions
from config.routes import Recipient, Routes, channel_of
from core.clock import beijing
from core.ids import short_id
from core.records import LEVEL_COLOURS, LEVEL_NAMES, Alert, AlertState, Finding, Notification
from store.alert_log import add_delivery, findings_of_alert, first_notice, was_told
from store.documents import find_signals
from store.mail_book import address_states
from store.schema import documents
from store.watch import replace_notice, rewrite_notice, waiting_notices

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {
    "opened": "新预警",
    "raised": "升级",
    "lowered": "降级",
    "reopened": "重新打开",
    "dismissed": "撤回",
    "closed": "已办结",
    "grown": "件数翻倍",
    "cleared": "解除",
    "unsilenced": "静默结束，仍待受理",
    "released": "不再由上级预警统领，仍待受理",
    "repeated": "再次提醒，仍待受理",
    "escalated": "逾期未受理",
    "dispatched": "派单",
    "called_back": "派单撤销",
}
CLOSING = ("lowered", "dismissed", "closed", "cleared", "grown", "repeated")
"""Told only to those who were told of the alert before."""
DUTIES = (*STANDING, "escalated")
"""Nobody turns them off."""
NOT_OFF = (*DUTIES, "lowered")
"""Sent whatever was turned off: who heard of a red alert hears that it is less grave."""
KEPT = ("lowered", "dismissed", "closed", "cleared", "grown", "dispatched", "called_back")
"""They do not stand in for a notice that still waits."""
SHOWN_DOCUMENTS = 3
LOOKED_AT = 40
"""Documents whose sentences are weighed, the newest: mails are written while a document is judged."""
CHART = "course"
QUOTE = 120
"""Characters of a quotation at most."""


@cache
def environment() -> Environment:
    """Templates of mails: HTML escapes everything, a name that is not given is a mistake. Compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = lambda moment: beijing(moment).strftime("%m-%d %H:%M")
    made.filters["hour"] = _hour
    made.filters["against"] = _against
    return made


def _hour(moment: datetime, now: datetime) -> str:
    """`14时25分`, with its day where that is another one: 11月22日14时25分 (papers.md, 4)."""
    here = beijing(moment)
    today = beijing(now - timedelta(microseconds=1)).date()  # midnight ends a day
    day = "" if here.date() == today else f"{here.month}月{here.day}日"
    return f"{day}{here.hour}时{here.minute:02d}分"


def _against(count: int, before: int) -> str:
    """`前一日 168，+36`."""
    return f"前一日 {before}，{'持平' if count == before else f'{count - before:+d}'}"


@dataclass(frozen=True)
class Written:
    """A mail. drawn: its charts as SVG, by the name they have in the HTML; they become pictures when it is sent."""

    subject: str
    text: str
    html: str
    drawn: Mapping[str, str]


@dataclass(frozen=True)
class MailPlanner:
    """Implements alerts.notify.Notifier for mail: each recipient whose matter it is gets a mail of its own.

    router: says where alerts go, for recipients that name organisations; None: those are not told.  by_mail: False
    tells by the other channels only, where no mail server is set up.  names: words for products, firms and sources;
    None: mails say none.
    """

    routes: Routes
    regions: Regions
    public_url: str
    demo: bool = False
    router: Router | None = None
    by_mail: bool = True
    names: Names | None = None
    _last: dict[Alert, Mapping[str, Told]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def plan(
        self,
        db: Connection,
        alert: Alert,
        *,
        what: str,
        number: int,
        now: datetime,
        at: datetime | None = None,
        also: Sequence[str] = (),
        anew: bool = False,
    ) -> int:
        """Put a mail to each recipient into the outbox; the same change again is the same row.

        at: not to be sent before; the notices that wait for the same recipient are replaced by this one.  also: mail
        addresses told besides.  anew: however old the story is.
        """
        if now - alert.updated_at > self.routes.notify_within and not anew:
            return 0
        told = [one.mail for one in self.routes.recipients if self._is_told(db, alert, one, what)]
        return self.mail(db, alert, [*told, *also], what=what, number=number, now=now, at=at, duty=also)

    def mail(
        self,
        db: Connection,
        alert: Alert,
        addresses: Iterable[str],
        *,
        what: str,
        number: int,
        now: datetime,
        at: datetime | None = None,
        duty: Collection[str] = (),
    ) -> int:
        """Put a mail to each of these addresses into the outbox, as `plan` does. Returns how many are new.

        What an address turned off by the link in a mail is left out, but what is a duty: dispatches, escalations, that
        an alert is less grave now, and all to those on duty (`duty`).
        """
        to = [one for one in dict.fromkeys(addresses) if self.by_mail or channel_of(one) != "mail"]
        if not to:
            return 0
        if what not in NOT_OFF:
            off = address_states(db, to)
            to = [one for one in to if one in duty or one not in off or alert.level >= off[one].lowest]
        if not to:
            return 0
        made = self.written(db, alert, what)
        planned = 0
        for address in to:
            channel = channel_of(address)
            delivery = short_id("n", channel, address, alert.id, str(number))
            details: dict[str, Any] = {"thread": first_notice(db, alert.id, channel=channel, recipient=address)}
            if channel == "mail":
                details["drawn"] = made.drawn
            if what in DUTIES or address in duty:
                details["duty"] = what
            told = {name: value for name, value in details.items() if value and value != delivery}
            notice = Notification(
                delivery, channel, address, made.subject, made.text, made.html, alert.id, alert.level, details=told
            )
            waiting = [] if what in KEPT else waiting_notices(db, alert.id, recipient=address)
            if add_delivery(db, notice, now=now, at=at, what=what):
                planned += 1
                for old in waiting:
                    if old.what not in STANDING:
                        replace_notice(db, old.id)
        return planned

    def changed(self, db: Connection, alert: Alert) -> int:
        """Let the notices of an alert that still wait say what is true now. Returns how many there are."""
        done = 0
        for notice in waiting_notices(db, alert.id):
            made = self.written(db, alert, notice.what)
            done += rewrite_notice(db, notice.id, asdict(made), level=alert.level)
        return done

    @property
    def province_desk(self) -> tuple[str, ...]:
        """Who is told where a post has nobody."""
        return tuple(one.mail for one in self.routes.recipients if self.regions.home in one.territories)

    def _is_told(self, db: Connection, alert: Alert, recipient: Recipient, what: str) -> bool:
        """Who was told of it before hears its end too, even where it is theirs no longer."""
        if what in CLOSING:
            return was_told(db, alert.id, channel=channel_of(recipient.mail), recipient=recipient.mail)
        return concern(recipient, alert, self.regions, lambda: self._routed(db, alert)).told

    def _routed(self, db: Connection, alert: Alert) -> Mapping[str, Told]:
        """Whom the routing lets the machine write to; asked once for all recipients of a change."""
        if self.router is None:
            return {}
        if alert not in self._last:
            self._last.clear()
            self._last[alert] = self.router.route(db, alert).sent_by_machine
        return self._last[alert]

    def written(self, db: Connection, alert: Alert, what: str) -> Written:
        """The mail that tells of a change. what: a key of WORDS."""
        signals = find_signals(db, alert.documents)
        findings, base = findings_of_alert(db, alert.id), self.public_url.rstrip("/")
        named = self._named(alert)
        due = f"{beijing(alert.due_at):%m-%d %H:%M} 前受理" if alert.due_at and alert.state is AlertState.NEW else ""
        sources = self.names.sources if self.names else {}
        quotes = quoted(signals[-LOOKED_AT:], SHOWN_DOCUMENTS, chars=QUOTE)
        facts = {
            "alert": alert,
            "what": WORDS.get(what, what),
            "colours": LEVEL_COLOURS,
            "level_name": LEVEL_NAMES[alert.level],
            "limit": due,
            "over": False,
            "lines": [
                ("编号", f"{alert.number}，{STATE_WORDS[alert.state]}"),
                *named.items(),
                ("首次", f"{beijing(alert.first_at):%m-%d %H:%M}，最近 {beijing(alert.updated_at):%m-%d %H:%M}"),
                ("独立来源", str(alert.origins)),
            ],
            "figures": "" if "常态" in alert.reason else figures_in_mail(findings[-1] if findings else None),
            "quotes": [(one, sources.get(one.source, one.source)) for one in quotes],
            "reposts": max(0, len(alert.documents) - alert.origins),
            "late": late_words(alert.late),
            "base": base,
            "link_to": f"{base}/alerts/{alert.id}",
            "demo": self.demo,
        }
        course = self._course(db, alert, findings[-1] if findings else None)
        facts["chart"] = {"name": CHART, "said": course[0]} if course else None
        pages = environment()
        return Written(
            self._subject(alert, WORDS.get(what, what), named),
            pages.get_template("alert_mail.txt").render(facts),
            pages.get_template("alert_mail.html").render(facts),
            {CHART: course[1]} if course else {},
        )

    def _course(self, db: Connection, alert: Alert, finding: Finding | None) -> tuple[str, str] | None:
        """The chart of the desk's page as a sentence and as SVG, of the alert's own places; None: nothing to show."""
        if not tells_a_course(alert, finding) or not (alert.enterprises or alert.products):
            return None
        places, within = alert.territories, self.regions.is_within
        codes = sorted(one.code for one in self.regions if any(within(place, one.code) for place in places))
        everywhere = not places or self.regions.home in places
        where = true() if everywhere else documents.c.jurisdiction.in_(codes)
        product = alert.products[0] if alert.products else ""
        words = self.names.product(product) if self.names and product else "同类产品"
        end = alert.updated_at + timedelta(seconds=1)  # the document that made it so counts
        series = slots(points(db, where, *chart_span(end), product=product, firms=alert.enterprises), end)
        if not any(series.seen):
            return None
        what = "该企业风险信号" if alert.enterprises else f"{words}风险信号"
        return series.said(what), drawn(series, what)

    def _subject(self, alert: Alert, what: str, named: Mapping[str, str]) -> str:
        """Level, what happened, the title; product, place and firm where the title does not say them; the number."""
        marks = f"{'[演示] ' if self.demo else ''}{'[补判] ' if alert.late else ''}[{LEVEL_COLOURS[alert.level]}]"
        more = [one for value in named.values() if (one := value.partition("、")[0]) not in alert.title]
        return f"{marks} {what}：{alert.title}（{'，'.join([*more, alert.number])}）"

    def _named(self, alert: Alert) -> dict[str, str]:
        """Product, firm and place in words, as far as they are known."""
        found: dict[str, str] = {}
        if self.names is not None:
            found["产品"] = "、".join(map(self.names.product, alert.products[:2]))
            found["企业"] = "、".join(map(self.names.firm, alert.enterprises[:2]))
        found["属地"] = self.regions.name_of(alert.territory) if alert.territory in self.regions else ""
        return {name: value for name, value in found.items() if value}
