"""Whose desk a matter is on, and who else must be told (orgs.yaml, routing and direct_counties)."""

from collections.abc import Sequence
from dataclasses import replace

from alerts.cards import Card
from alerts.counting import scenes
from config.regions import ABROAD, Regions
from core.records import Alert, AlertState

MOST_TOLD = 30
WITH_SOMEBODY = (AlertState.DISPATCHED, AlertState.IN_HAND, AlertState.TO_CLOSE)


def territories_of(cards: Sequence[Card], regions: Regions) -> tuple[str, ...]:
    """Region codes, the owner first.

    Owner: the maker's county; the county of the accident or sale where the maker is unknown or outside the
    province; the prefecture where no county is known; else the province desk. Told besides: each scene with its
    prefecture, the maker's seat, the province where several prefectures or another province are concerned.
    """
    told = scenes(cards, regions)
    seats = _seats(cards, regions)
    home_scenes = [code for code in told if regions.is_within(regions.home, code)]
    home_seats = [code for code in seats if regions.is_within(regions.home, code)]
    owners = [*home_seats, *sorted(home_scenes, key=lambda code: regions.prefecture_of(code) == code)]
    if not owners:
        owners = _without_home(cards, seats, told, regions)
    ordered = dict.fromkeys(owners[:1])
    for code in [*owners, *home_scenes, *seats]:
        ordered |= dict.fromkeys([code, regions.prefecture_of(code) or code])
    prefectures = {regions.prefecture_of(code) for code in ordered if regions.is_within(regions.home, code)} - {None}
    outside = [code for code in ordered if not regions.is_within(regions.home, code) and code != ABROAD]
    codes = list(ordered)[:MOST_TOLD]
    if len(prefectures) > 1 or outside:
        codes.append(regions.home)
    official = [card for card in cards if card.voice == "official"]
    far = [code for code in scenes(official, regions) if not regions.is_within(regions.home, code)]
    return tuple(dict.fromkeys([*codes, *far]))


def kept_where_dispatched(shape: Alert, old: Alert | None) -> Alert:
    """The alert with the territory that works on it already, whatever its documents say now; they are told, too."""
    if old is None or old.state not in WITH_SOMEBODY:
        return shape
    others = (code for code in shape.territories if code != old.territory)
    return replace(shape, territory=old.territory, territories=(old.territory, *others))


def _seats(cards: Sequence[Card], regions: Regions) -> list[str]:
    """Where the makers sit, most often told first."""
    counted: dict[str, int] = {}
    for card in cards:
        seat = (
            card.maker
            or card.maybe
            or (card.jurisdiction if card.firm and regions.prefecture_of(card.jurisdiction) else "")
        )
        if seat:
            counted[seat] = counted.get(seat, 0) + 1
    listed = {card.maker for card in cards if card.maker}
    kept = listed or counted
    return sorted(kept, key=lambda code: (-counted[code], code))


def _without_home(cards: Sequence[Card], seats: Sequence[str], told: Sequence[str], regions: Regions) -> list[str]:
    if seats or told:
        return [regions.home]
    return [ABROAD if all(card.jurisdiction == ABROAD for card in cards) else regions.home]
