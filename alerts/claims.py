"""Which alerts a replayed matter, crowd or series goes on with: each alert goes on in one outcome only."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from alerts.replay import Outcome
from core.ids import short_id
from core.records import Alert
from store.alert_log import find_alert, findings_ever_of, findings_of_alert
from store.cards import alerts_resting_on


def claims_of(
    db: Connection, subject: str, outcomes: Sequence[Outcome], left: Mapping[str, Alert]
) -> list[list[Alert]]:
    """For each outcome of a subject the alerts that it continues, oldest first; none of them goes to two.

    left: alerts of the subject by id.  Of a matter that fell apart an alert stays with the part in which it began.
    """
    named, taken = {_id_of(outcome) for outcome in outcomes}, set[str]()
    claims: list[list[Alert]] = []
    for outcome in outcomes:
        if outcome.alone:
            mine = _continued(db, outcome, {k: a for k, a in left.items() if k not in named | taken})
        else:
            mine = _claimed(db, subject, outcome, left)
        claims.append(mine)
        taken |= {alert.id for alert in mine}
    if len(outcomes) < 2:
        return claims
    found = {alert.id: alert for mine in claims for alert in mine}
    keepers = {name: _keeper(db, alert, outcomes, claims) for name, alert in found.items()}
    return [[alert for alert in mine if keepers[alert.id] == place] for place, mine in enumerate(claims)]


def new_id(db: Connection, outcome: Outcome) -> str:
    """The id of a new alert: that of its first finding, unless another part of its matter kept the alert of that id."""
    wanted, tries = _id_of(outcome), 0
    while find_alert(db, wanted) is not None:
        tries += 1
        wanted = short_id("a", _id_of(outcome), outcome.matter.subject, str(tries))
    return wanted


def ground_of(db: Connection, alert: Alert) -> set[str]:
    """The documents that an alert's findings rest on; all it holds where none stands."""
    resting = {document for finding in findings_of_alert(db, alert.id) for document in finding.documents}
    return resting or set(alert.documents)


def is_crowd(subject: str) -> bool:
    """Whether it is counted over many matters and is none itself."""
    return subject.startswith("w:")


def _id_of(outcome: Outcome) -> str:
    """The id of an alert is that of its first finding."""
    first = min(outcome.held, key=lambda one: (one.finding.fired_at, one.finding.id)).finding
    return f"a{first.id[1:]}"


def _continued(db: Connection, outcome: Outcome, free: Mapping[str, Alert]) -> list[Alert]:
    """The one alert that a finding continues: its own, else one of another reading of its documents."""
    own = find_alert(db, _id_of(outcome))
    if own is not None:
        return [own]
    documents = _documents(outcome)
    shared = [a for a in free.values() if documents & set(a.documents) and not findings_of_alert(db, a.id)]
    return [min(shared, key=lambda alert: (alert.created_at, alert.number))] if shared else []


def _claimed(db: Connection, subject: str, outcome: Outcome, left: Mapping[str, Alert]) -> list[Alert]:
    """The alerts that a matter continues: its own, and those whose ground lies wholly in it. Oldest first.

    A crowd counts over many matters and takes none of them over; of its own alerts each has one finding.
    """
    documents, held = _documents(outcome), {one.finding.id for one in outcome.held}
    found: dict[str, Alert] = {}
    for alert_id, theirs in alerts_resting_on(db, sorted(documents)):
        alert = left.get(alert_id) or find_alert(db, alert_id)
        if alert is None:
            continue
        nameless = theirs[:2] in ("p:", "m:", "d:") or theirs.startswith("f:NIL:")
        if is_crowd(subject):
            mine = theirs == subject and all(one.id in held for one in findings_of_alert(db, alert_id))
        else:
            mine = theirs == subject or (nameless and ground_of(db, alert) <= documents)
        if mine:
            found[alert.id] = alert
    own = find_alert(db, _id_of(outcome)) if not found else None
    if own is not None and (own.subject == subject or not own.documents or documents & set(own.documents)):
        found[own.id] = own  # else what it began with has gone, and it goes on with the rest of its matter
    return sorted(found.values(), key=lambda alert: (alert.created_at, alert.number))


def _keeper(db: Connection, alert: Alert, outcomes: Sequence[Outcome], claims: Sequence[Sequence[Alert]]) -> int:
    """The place of the outcome that an alert stays with, of those that claim it."""
    places = [place for place, mine in enumerate(claims) if any(one.id == alert.id for one in mine)]
    if len(places) == 1:
        return places[0]
    findings = findings_ever_of(db, alert.id).keys()

    def nearness(place: int) -> tuple[bool, int, int, int]:
        outcome = outcomes[place]
        theirs = sum(held.finding.id in findings for held in outcome.held)
        return _id_of(outcome) == alert.id, theirs, len(_documents(outcome) & set(alert.documents)), -place

    return max(places, key=nearness)


def _documents(outcome: Outcome) -> set[str]:
    return {card.document for card in outcome.ever}
