"""Whose firm it is: the bureau on whose ground it sits, what lies above it, the division that leads, whom to write."""

from collections.abc import Iterable
from dataclasses import dataclass

from config.org_records import Orgs
from config.routes import Recipient, Routes


@dataclass(frozen=True)
class Contact:
    """Somebody of the routes who is told of this territory."""

    name: str
    mail: str


@dataclass(frozen=True)
class Office:
    """bureau, above, lead: names; empty: none.  contacts: those of the bureau, else of what lies above it."""

    bureau: str
    above: str
    lead: str
    contacts: tuple[Contact, ...]


def office_of(orgs: Orgs, routes: Routes | None, region: str, schemes: Iterable[str]) -> Office | None:
    """The office of a firm in a region; None where the region is not known."""
    bureau = orgs.bureau_of(region) if region else None
    if bureau is None:
        return None
    above, (lead, _scheme) = orgs.above(bureau), orgs.lead_of(schemes)
    contacts: tuple[Contact, ...] = ()
    for code in (bureau.code, above.code if above else ""):
        contacts = contacts or tuple(
            Contact(one.name, one.mail) for one in (routes.recipients if routes else ()) if code and _is_of(one, code)
        )
    return Office(bureau.name, above.name if above else "", lead.name, contacts)


def _is_of(one: Recipient, code: str) -> bool:
    return code in one.territories or code in one.orgs
