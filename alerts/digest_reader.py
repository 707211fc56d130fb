"""Whose digest it is, and what of a day is that reader's: territories, products, levels, what is routed there."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, Connection, and_, or_, true

from alerts.digest_day import DayNews, DigestDesk
from config.regions import Regions
from config.routes import Recipient
from core.records import LEVEL_COLOURS, Alert
from store.events import Event
from store.ledger_list import has, within
from store.schema import documents, ledger_entries


@dataclass(frozen=True)
class Reader:
    """Whose digest it is: what of the day is this recipient's."""

    one: Recipient
    regions: Regions

    @property
    def everywhere(self) -> bool:
        """The province desk sees all of it."""
        return self.regions.home in self.one.territories

    @cached_property
    def codes(self) -> frozenset[str]:
        """The region codes of the own territories, and of the bureaus the recipient is named with."""
        own = [*self.one.territories, *(code for code in self.one.orgs if code in self.regions)]
        return frozenset(
            one.code for one in self.regions if any(self.regions.is_within(mine, one.code) for mine in own)
        )

    def wants(self, product: str | None) -> bool:
        """Whether a matter of that product is to be told."""
        return not self.one.products or product in self.one.products

    def lies_here(self, code: str | None) -> bool:
        """Whether a place is the reader's."""
        return self.everywhere or code in self.codes

    def documents(self) -> ColumnElement[bool] | None:
        """Which documents count for the reader; None: none, for somebody without a territory."""
        mine: list[ColumnElement[bool]] = []
        if not self.everywhere and not self.codes:
            return None
        if not self.everywhere:
            mine.append(documents.c.jurisdiction.in_(sorted(self.codes)))
        if self.one.products:
            mine.append(documents.c.product.in_(self.one.products))
        return and_(*mine) if mine else true()

    def entries(self) -> list[ColumnElement[bool]]:
        """Which entries of the ledger are the reader's."""
        mine: list[ColumnElement[bool]] = [ledger_entries.c.level >= self.one.lowest]
        if not self.everywhere:
            mine.append(within(self.codes))
        if self.one.products:
            mine.append(or_(*(has("product", one) for one in self.one.products)))
        return mine

    def alerts(self, db: Connection, desk: DigestDesk, news: DayNews, found: Iterable[Alert]) -> list[Alert]:
        """The alerts that are the reader's, in the order given."""
        return [one for one in found if self._is_mine(db, desk, news, one)]

    def _is_mine(self, db: Connection, desk: DigestDesk, news: DayNews, alert: Alert) -> bool:
        one = self.one
        if alert.level < one.lowest:
            return False
        if one.concerned(alert.territories, alert.products, self.regions):
            return True
        if desk.router is None or not one.orgs or (one.products and not set(one.products) & set(alert.products)):
            return False
        return bool(set(one.orgs) & news.routed(db, desk.router, alert))

    def hears_of(self, event: Event, desk: DigestDesk) -> bool:
        """Whether an event is the reader's."""
        families = {desk.family_of(product) for product in self.one.products}
        here = self.everywhere or any(code in self.codes for code in event.facts.get("territories", ()))
        known = not families or bool(families & set(event.facts.get("families", ())))
        return here and known and event.level >= self.one.lowest

    def said(self, desk: DigestDesk) -> str:
        """`赣州市 · 锂电池 · 黄色以上`."""
        one = self.one
        places = "、".join(self.regions.name_of(code) for code in one.territories) or "派送本单位"
        products = "、".join(map(desk.names.product, one.products)) or "各类产品"
        floor = f"{LEVEL_COLOURS[one.lowest]}色以上" if one.lowest > 1 else "各级别"
        return " · ".join((places, products, floor))
