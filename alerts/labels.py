"""What silences and inhibitions know of an alert: labels with values, ids and the words people use for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from config.lexicon import Lexicon
from core.records import LEVEL_IDS, Alert
from store.schema import alert_documents, documents, enterprises, event_documents

LEVEL_KEYS = {level: key for key, level in LEVEL_IDS.items()}
BATCH = 400


@dataclass(frozen=True)
class Labels:
    """ids: what two alerts are compared by.  words: what a matcher is compared with: ids and names; a territory's
    upper territories too, so that `territory=360100` finds all of Nanchang."""

    ids: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]

    def shares(self, other: "Labels", equal: Iterable[str]) -> bool:
        """Whether both have a value of each label in common; a label both lack counts as in common."""
        return all(
            set(self.ids.get(label) or ("",)) & set(other.ids.get(label) or ("",)) for label in equal
        )  # an empty label is one empty value


def labels_of(db: Connection, alerts: Sequence[Alert], lexicon: Lexicon) -> dict[str, Labels]:
    """The labels of each alert by its id; a few queries for all of them."""
    ids = [alert.id for alert in alerts]
    kinds = _joined(db, ids, documents.c.kind, documents.c.id)
    events = _joined(db, ids, event_documents.c.event, event_documents.c.document)
    names = _firm_names(db, sorted({firm for alert in alerts for firm in alert.enterprises}))
    return {
        alert.id: _labels(alert, lexicon, kinds.get(alert.id, ()), events.get(alert.id, ()), names) for alert in alerts
    }


def _labels(
    alert: Alert, lexicon: Lexicon, kinds: tuple[str, ...], events: tuple[str, ...], names: Mapping[str, str]
) -> Labels:
    regions = lexicon.regions
    place = regions.prefecture_of(alert.territory)
    ids: dict[str, tuple[str, ...]] = {
        "level": (LEVEL_KEYS[alert.level],),
        "product": alert.products,
        "firm": alert.enterprises,
        "territory": (alert.territory,) if alert.territory else (),
        "place": (place,) if place else (),
        "issue": alert.issues,
        "rule": (alert.rule,),
        "kind": kinds,
        "matter": (alert.subject,),
        "event": events,
        "alert": (alert.number,),
    }
    chain = regions.chain(alert.territory)
    spoken = {
        "product": [lexicon.product_name(product) for product in alert.products],
        "firm": [names.get(firm) or firm.removeprefix("NIL:") for firm in alert.enterprises],
        "territory": [*chain, *(regions.name_of(code) for code in chain)],
        "place": [regions.name_of(place)] if place else [],
        "issue": [lexicon.issue_name(issue) for issue in alert.issues],
    }
    words = {label: tuple(dict.fromkeys([*values, *spoken.get(label, ())])) for label, values in ids.items()}
    return Labels(ids, words)


def _joined(db: Connection, ids: Sequence[str], value: object, document: object) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for first in range(0, len(ids), BATCH):
        query = (
            select(alert_documents.c.alert, value)  # type: ignore[call-overload]  # a column, as its caller says
            .join_from(alert_documents, value.table, alert_documents.c.document == document)  # type: ignore[attr-defined]
            .where(alert_documents.c.alert.in_(list(ids[first : first + BATCH])))
            .distinct()
        )
        for alert, one in db.execute(query):
            found.setdefault(alert, set()).add(str(one))
    return {alert: tuple(sorted(values)) for alert, values in found.items()}


def _firm_names(db: Connection, firms: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for first in range(0, len(firms), BATCH):
        query = select(enterprises.c.id, enterprises.c.name)
        found |= dict(db.execute(query.where(enterprises.c.id.in_(list(firms[first : first + BATCH])))).all())
    return found
