"""Where a stored alert goes, and which recipients of mails that reaches: routing with the store's facts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.cards import Registry
from alerts.routing import Route, Told, route
from alerts.routing_facts import load_facts
from config.lexicon import Lexicon
from config.org_records import Orgs
from config.regions import Regions
from config.routes import Recipient, Routes
from core.durations import format_duration
from core.records import LEVEL_COLOURS, Alert


@dataclass(frozen=True)
class Router:
    """Routes alerts of the store. registry: a firm by id, or None."""

    orgs: Orgs
    lexicon: Lexicon
    registry: Registry

    def route(self, db: Connection, alert: Alert) -> Route:
        """Where an alert goes as things stand."""
        facts = load_facts(db, alert, self.lexicon.regions, self.registry)
        return route(alert, facts, self.orgs, self.lexicon)


Routed = Callable[[], Mapping[str, Told]]
"""Those the machine may write to by what the routing says; asked only where a recipient names organisations."""


@dataclass(frozen=True)
class Notice:
    """Whether a recipient is written to about an alert, and why or why not."""

    recipient: Recipient
    told: bool
    why: str


def concern(one: Recipient, alert: Alert, regions: Regions, routed: Routed) -> Notice:
    """Whether an alert is a recipient's matter."""
    if alert.level < one.lowest:
        return Notice(one, False, f"级别{LEVEL_COLOURS[alert.level]}低于其最低级别{LEVEL_COLOURS[one.lowest]}")
    if one.products and not set(one.products) & set(alert.products):
        return Notice(one, False, f"只收产品 {'、'.join(one.products)}")
    if regions.home in one.territories:
        return Notice(one, True, "省局席位，全省都收")
    place = next((code for code in alert.territories for mine in one.territories if regions.is_within(mine, code)), "")
    if place:
        return Notice(one, True, f"属地 {regions.name_of(place)}（{place}）在其范围内")
    if one.orgs:
        return _by_organisation(one, routed())
    return Notice(one, False, f"属地不在其范围内（{'、'.join(map(regions.name_of, one.territories))}）")


def _by_organisation(one: Recipient, routed: Mapping[str, Told]) -> Notice:
    found = next((routed[code] for code in one.orgs if code in routed), None)
    if found is None:
        return Notice(one, False, f"没有派往、抄送其机构（{'、'.join(one.orgs)}）")
    return Notice(one, True, f"{found.role}{found.organisation.name}：{found.why[0]}")


def notices(
    alert: Alert, routes: Routes, regions: Regions, routed: Routed, now: datetime, *, by_digest: bool = False
) -> Iterator[Notice]:
    """For each recipient of routes.yml whether a change of the alert is mailed now.

    by_digest: the daily digest alone tells of this level (duty.yml).
    """
    late = now - alert.updated_at > routes.notify_within
    for one in routes.recipients:
        found = concern(one, alert, regions, routed)
        if found.told and by_digest:
            told = one.digest_at is not None
            at = f"每日摘要（{one.digest_at}）" if told else "每日摘要，而其不收摘要"
            found = Notice(one, told, f"{found.why}；{LEVEL_COLOURS[alert.level]}色只进{at}")
        elif found.told and late:
            old = f"，但事情已过 {format_duration(routes.notify_within)}，不再自动发（routes.yml notify_within）"
            found = Notice(one, False, found.why + old)
        yield found
