"""Which signals speak of one matter: of a firm, of a number on a label, of a product at a place, or of nothing else.

The answer depends on what the store holds and not on the order in which it came in. Two named firms never share a
matter. A text that names no firm joins a firm's matter through the number on the label, or through a text of the press
or an authority that names the firm at the same place and time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from alerts.cards import Card, View, card_from
from store.cards import StoredCard, cards_with

RADIUS = timedelta(days=60)
NEAR = timedelta(days=15)
FARTHEST = timedelta(days=730)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
MOST_A_DAY = 50
"""Cards under one key and day that count for a matter; the busiest day of an incident of the sample has 26."""
HOW_TOLD = frozenset({"complaint", "opinion", "talk", "penalty"})
"""Issues that say how a matter was taken up and not what is wrong: no bond between two texts."""


@dataclass(frozen=True)
class Matter:
    """cards: every revision that speaks of it, in order of event time.  clearers: texts that clear its firm."""

    subject: str
    cards: tuple[Card, ...]
    clearers: tuple[Card, ...] = ()

    @property
    def documents(self) -> tuple[str, ...]:
        """Ids of its documents, in order of event time."""
        return tuple(dict.fromkeys(card.document for card in self.cards))


class Track:
    """The firms that the cards under a key name, in order of time, so that a span is judged by its two ends alone."""

    def __init__(self, named: Sequence[tuple[datetime, str]]) -> None:
        self._times = [at for at, _ in named]
        self._firms = [firm for _, firm in named]
        self._other = [len(named)] * len(named)
        """Where the next card stands that names another firm than this one."""
        for place in range(len(named) - 2, -1, -1):
            same = self._firms[place] == self._firms[place + 1]
            self._other[place] = self._other[place + 1] if same else place + 1

    def firm(self, start: datetime, end: datetime) -> tuple[bool, str | None]:
        """Whether any is named at start <= at <= end, and which, if it is one alone."""
        first, last = bisect_left(self._times, start), bisect_right(self._times, end)
        if first == last:
            return False, None
        return True, self._firms[first] if self._other[first] >= last else None


def tracks_of(cards: Iterable[Card]) -> tuple[Track, Track]:
    """The listed firms that the standing ones among cards in order of time name, and any firms."""
    named = [(card.at, card.firm, card.listed) for card in cards if card.until is None and card.firm]
    return Track([(at, firm) for at, firm, listed in named if listed]), Track([(at, firm) for at, firm, _ in named])


class Neighbourhood:
    """The cards around one moment. What lies under a key is read in months, each month once."""

    def __init__(self, db: Connection, view: View, at: datetime) -> None:
        self.db, self.view, self.at = db, view, at
        self._months: dict[tuple[str, int], list[Card]] = {}
        self._cards: dict[tuple[str, int], Card] = {}
        self._subjects: dict[tuple[str, int], str] = {}
        self._tracks: dict[tuple[str, int, int], tuple[Track, Track]] = {}

    def load(self, keys: Iterable[str], start: datetime, end: datetime) -> None:
        """Read several keys at once, in one query."""
        months = range(_month_of(start), _month_of(end) + 1)
        missing = {(key, month) for key in set(keys) for month in months if (key, month) not in self._months}
        if not missing:
            return
        first, last = min(month for _, month in missing), max(month for _, month in missing)
        found = self._read(sorted({key for key, _ in missing}), EPOCH + MONTH * first, EPOCH + MONTH * (last + 1))
        for key, theirs in found.items():
            by_month: dict[int, list[Card]] = {month: [] for month in range(first, last + 1)}
            for card in thinned(theirs):
                by_month[_month_of(card.at)].append(card)
            for month, cards in by_month.items():
                self._months.setdefault((key, month), cards)

    def foresee(self, cards: Iterable[Card], keys: Iterable[str] = (), *, span: timedelta = NEAR * 2) -> None:
        """Read in two queries what is mostly asked for one by one where the subjects of these cards are looked for.

        keys: under which one of them is or was found.  span: how far off their neighbours are.
        """
        afar, near = {key for key in keys if key[:2] == "m:"}, {key for key in keys if key[:2] in ("p:", "u:")}
        afar |= {f"{kind}:{key[2:]}" for key in keys if key[:2] in ("f:", "r:") for kind in "fr"}
        near |= {f"{'p' if '|' in key else 'u'}:{key[2:]}" for key in keys if key[:2] == "j:"}
        for card in cards:
            if card.listed:
                continue
            afar |= {f"a:{card.name}"} if card.name else set()
            afar |= {f"m:{card.family}|{label}" for label in card.labels}
            if card.family and not card.labels and not card.ware:
                home = self.view.regions.prefecture_of(card.jurisdiction)
                near |= {f"p:{card.family}|{home}", f"j:{card.family}|{home}"} if home else {f"j:{card.family}"}
        self.load(afar, self.at - RADIUS, self.at + RADIUS)
        self.load(near, self.at - span, self.at + span)

    def _read(self, keys: Sequence[str], start: datetime, end: datetime) -> Mapping[str, Sequence[Card]]:
        """For each key its cards with start <= at < end, in order of time."""
        found = cards_with(self.db, keys, start, end)
        return {key: [self._card(kept) for kept in theirs] for key, theirs in found.items()}

    def _card(self, kept: StoredCard) -> Card:
        mine = (kept.document, kept.revision)
        if mine not in self._cards:
            self._cards[mine] = card_from(kept)
        return self._cards[mine]

    def cards(self, key: str, start: datetime, end: datetime) -> list[Card]:
        """The cards of a key with start <= at <= end, in order of event time."""
        self.load([key], start, end)
        found: list[Card] = []
        for month in range(_month_of(start), _month_of(end) + 1):
            theirs = self._months[key, month]
            first = bisect_left(theirs, start, key=_at)
            found += theirs[first : bisect_right(theirs, end, lo=first, key=_at)]
        return found

    def near(self, key: str, at: datetime, span: timedelta) -> list[Card]:
        """The cards of a key at most `span` from `at`, in order of event time."""
        return self.cards(key, at - span, at + span)

    def subject_of(self, card: Card) -> str:
        """The matter a card belongs to."""
        mine = (card.document, card.revision)
        if mine not in self._subjects:
            self._subjects[mine] = self._find_subject(card)
        return self._subjects[mine]

    def _find_subject(self, card: Card) -> str:
        if card.listed:
            return f"f:{card.firm}"
        firm = self._firm_by_label(card) or (self._firm_by_name(card.name, card.at) if card.name else None)
        if firm is None and card.family:
            firm = self._firm_by_place(card)
        if firm or card.firm:
            return f"f:{firm or card.firm}"
        if card.family is None:
            return f"d:{card.document}"
        shared = self._shared_label(card)
        if shared:
            return f"m:{card.family}|{shared}"
        if card.ware:
            return f"p:{card.family}|"
        place = self.view.regions.prefecture_of(card.jurisdiction)
        return f"p:{card.family}|{place}" if place else f"d:{card.document}"

    def _firm_by_label(self, card: Card) -> str | None:
        span = self.view.grouping.join.model
        start, end = card.at - span, card.at + span
        for label in card.labels:
            listed, others = self._named(f"m:{card.family}|{label}", start, end)
            some, firm = listed.firm(start, end)
            if not some and card.firm is None:
                _, firm = others.firm(start, end)
            if firm is not None:
                return firm
        return None

    def _named(self, key: str, start: datetime, end: datetime) -> tuple[Track, Track]:
        """The listed firms that the standing cards of a key name, and any firms. A matter of thousands of texts with
        one label asks for each of them, so what is said in the months of a span is put together once."""
        mine = (key, _month_of(start), _month_of(end))
        if mine not in self._tracks:
            self.load([key], start, end)
            months = range(mine[1], mine[2] + 1)
            self._tracks[mine] = tracks_of(card for month in months for card in self._months[key, month])
        return self._tracks[mine]

    def _firm_by_name(self, name: str, at: datetime) -> str | None:
        """The listed firm that press or authority name beside a label or name that is in no list."""
        if not name.startswith("NIL:"):
            return None
        span = self.view.grouping.join.model
        near = [c for c in self.near(f"a:{name}", at, span) if c.until is None]
        firms = {card.firm for card in near}
        return firms.pop() if len(firms) == 1 else None

    def _shared_label(self, card: Card) -> str | None:
        for label in card.labels:
            near = self.near(f"m:{card.family}|{label}", card.at, self.view.grouping.join.model)
            if any(other.document != near[0].document for other in near):
                return label
        return None

    def _firm_by_place(self, card: Card) -> str | None:
        """The firm that press or authority name for the same product at the same place and time.

        A text with a number on a label joins by that number only, one with a name only a firm of a similar name.
        """
        if card.labels or card.ware:
            return None
        join = self.view.grouping.join
        home = self.view.regions.prefecture_of(card.jurisdiction)
        if home is None:
            alone = card.voice == "social" and card.name is None
            return self._only_firm_talked_about(card) if alone else None
        first, last = self._chain_ends(card, f"p:{card.family}|{home}")
        namers = self.cards(f"j:{card.family}|{home}", first - join.before, last + join.after)

        def fits(other: Card) -> bool:
            return other.listed and self._may_be(card.name, other.firm)

        firm = self._nearest_namer(card, namers, home, fits)
        if card.name:
            return firm
        firm = firm or self._nearest_namer(card, namers, home, lambda other: True)
        return firm and (self._firm_by_name(firm, card.at) or firm)

    def _nearest_namer(self, card: Card, namers: Sequence[Card], home: str, fits: Callable[[Card], bool]) -> str | None:
        """The firm of the first text at or after the card that tells the same story, else of the last one before."""
        at = bisect_left(namers, card.at, key=lambda other: other.at)
        for other in (*namers[at:], *reversed(namers[:at])):
            if other.until is None and fits(other) and self._same_story(card, other, home):
                return other.firm
        return None

    def _may_be(self, name: str | None, firm: str | None) -> bool:
        """Whether a name in no list may mean the listed firm: two characters in common that are not a place's."""
        if name is None:
            return True
        entry = self.view.registry(firm or "")
        forms = (entry.name, *entry.short_names, *entry.brands, *entry.former_names) if entry else ()
        bare = self._without_places(name.removeprefix("NIL:"))
        pairs = {bare[i : i + 2] for i in range(len(bare) - 1)}
        return any(pair in self._without_places(form) for form in forms for pair in pairs)

    def _without_places(self, name: str) -> str:
        for length in (3, 2):
            for start in range(min(8, max(0, len(name) - length)) + 1):
                if name[start : start + length] in self.view.place_words:
                    return self._without_places(name[:start] + name[start + length :])
        return name

    def _same_story(self, card: Card, namer: Card, home: str) -> bool:
        exact = card.jurisdiction != home
        place = not exact or card.jurisdiction in namer.places or not self._counties(namer, home)
        mine, theirs = set(card.issues) - HOW_TOLD, set(namer.issues) - HOW_TOLD
        return place and (not mine or not theirs or bool(mine & theirs))

    def _counties(self, card: Card, home: str) -> list[str]:
        regions = self.view.regions
        return [code for code in card.places if code != home and regions.prefecture_of(code) == home]

    def _only_firm_talked_about(self, card: Card) -> str | None:
        span = self.view.grouping.join.anywhere
        near = self.near(f"j:{card.family}", card.at, span)
        firms = {other.firm for other in near if other.until is None}
        return firms.pop() if len(firms) == 1 else None

    def _chain_ends(self, card: Card, key: str) -> tuple[datetime, datetime]:
        """First and last of the unbroken talk under a key that the card is part of, as far as it is near."""
        for chain in chains(self.near(key, card.at, NEAR * 2), self.view.grouping.idle.place):
            if any(other.document == card.document for other in chain):
                return chain[0].at, chain[-1].at
        return card.at, card.at

    def matters(self, subject: str) -> list[Matter]:
        """The matters of a subject around the moment: its cards, cut where nothing was heard for long.

        One that never falls silent is cut too, see `chapters`: what is read stays bounded however old it is, and so it
        does where silences lie between: matters that were over before, or begin after, are left alone.
        """
        idle = self.idle(subject)
        first, last = self.at - RADIUS, self.at + RADIUS
        start, end = first, last
        members = self._members(subject, start, end)
        while (begin := _begin_of(members, first, idle)) and begin - start < idle and self.at - start < FARTHEST:
            if any(cut <= first for cut in self.cuts(members, idle, start)):
                break
            start -= MONTH
            members = self._members(subject, start, end)
        while (finish := _finish_of(members, last, idle)) and end - finish < idle and end - self.at < FARTHEST:
            if any(cut > last for cut in self.cuts(members, idle, start)):
                break
            end += MONTH
            members = self._members(subject, start, end)
        cuts = self.cuts(members, idle, start)
        begin = max((cut for cut in cuts if cut <= first), default=begin or start)
        until = min((cut for cut in cuts if cut > last), default=end + MONTH)
        members = [card for card in members if begin <= card.at < until and (finish is None or card.at <= finish)]
        clearers = tuple(self.cards(f"r:{subject[2:]}", start, end)) if subject.startswith("f:") else ()
        return [Matter(subject, tuple(chain), clearers) for chain in chapters(members, idle, cuts)]

    def cuts(self, members: Sequence[Card], idle: timedelta, start: datetime) -> list[datetime]:
        """The ends of months before which the matter was not silent for `longest`. start: from when on it was read."""
        longest = self.view.grouping.longest
        times = [card.at for card in members]
        found: list[datetime] = []
        for month in range(_month_of(start + longest) + 1, _month_of(times[-1]) + 1 if times else 0):
            cut = EPOCH + MONTH * month
            before = times[bisect_left(times, cut - longest) : bisect_left(times, cut)]
            heard = [cut - longest, *before, cut]
            if all(later - earlier <= idle for earlier, later in pairwise(heard)):
                found.append(cut)
        return found

    def idle(self, subject: str) -> timedelta:
        """So long without a word, and what comes next is a new matter."""
        idle = self.view.grouping.idle
        if subject.startswith("f:NIL:"):
            return idle.unlisted  # a brand that everybody talks of always: the next thing said of it is another matter
        if subject.startswith("p:") and ":" in subject[2:]:
            return idle.ware
        return {"f": idle.firm, "m": idle.model}.get(subject[0], idle.place)

    def _members(self, subject: str, start: datetime, end: datetime) -> list[Card]:
        found = {(card.document, card.revision): card for card in self.cards(subject, start, end)}
        if subject[0] == "f":
            keys = self.joining_keys(found.values())
            self.load(keys, start, end)
            for card in (card for key in keys for card in self.cards(key, start, end)):
                found[card.document, card.revision] = card
        self.foresee((card for mine, card in found.items() if mine not in self._subjects), span=RADIUS)
        belonging = [card for card in found.values() if self.subject_of(card) == subject]
        return sorted(belonging, key=lambda card: card.order)

    def joining_keys(self, cards: Iterable[Card]) -> list[str]:
        """Keys under which cards of no listed firm may lie that belong to the matter of these."""
        regions = self.view.regions
        keys: set[str] = set()
        for card in cards:
            keys |= {f"f:{name}" for name in card.firms if name.startswith("NIL:") and card.listed and card.trusted}
            if card.family is None:
                continue
            keys |= {f"m:{card.family}|{label}" for label in card.labels}
            if card.trusted and card.firm:
                keys.add(f"u:{card.family}")
                keys |= {f"p:{card.family}|{regions.prefecture_of(place)}" for place in card.places}
        return sorted(keys)

    def touched(self, card: Card, keys: Iterable[str]) -> list[Card]:
        """The cards whose matter may be another one now that something changed under `keys`."""
        near: set[str] = set()
        for key in keys:
            kind, _, rest = key.partition(":")
            if kind in ("p", "u"):
                near.add(key)
            elif kind == "a":
                near.add(f"f:{rest}")
            elif kind == "j":
                near.add(f"p:{rest}" if "|" in rest else f"u:{rest}")
        labels = [key for key in keys if key.startswith("m:")]
        model = self.view.grouping.join.model
        self.load(near, card.at - NEAR, card.at + NEAR)
        self.load(labels, card.at - model, card.at + model)
        around = [c for key in sorted(near) for c in self.near(key, card.at, NEAR)]
        around += [c for key in labels for c in self.near(key, card.at, model)]
        found = {(c.document, c.revision): c for c in around}
        return sorted(found.values(), key=lambda c: c.order)


def thinned(cards: Sequence[Card]) -> list[Card]:
    """At most MOST_A_DAY cards of each day, in order of time: what press and authorities say first, then the earliest.

    No rule asks for more, and whose desk it is reads no more; what is left out is found by search all the same.
    """
    days: dict[int, list[Card]] = {}
    for card in cards:
        days.setdefault((card.at - EPOCH).days, []).append(card)
    kept: list[Card] = []
    for day in sorted(days):
        theirs = days[day]
        if len(theirs) > MOST_A_DAY:
            theirs = sorted(theirs, key=lambda card: (not (card.trusted and card.is_origin), card.order))[:MOST_A_DAY]
            theirs.sort(key=lambda card: card.order)
        kept += theirs
    return kept


def _at(card: Card) -> datetime:
    return card.at


def _month_of(moment: datetime) -> int:
    return (moment - EPOCH) // MONTH


def _begin_of(cards: Sequence[Card], moment: datetime, idle: timedelta) -> datetime | None:
    """When the unbroken talk began that goes on at a moment, or is the first after it; None without any card."""
    times = [card.at for card in cards]
    at = min(bisect_left(times, moment), len(times) - 1)
    while at > 0 and times[at] - times[at - 1] <= idle:
        at -= 1
    return times[at] if times else None


def _finish_of(cards: Sequence[Card], moment: datetime, idle: timedelta) -> datetime | None:
    """When the unbroken talk ends that goes on at a moment, or is the last before it; None without any card."""
    times = [card.at for card in cards]
    at = max(bisect_right(times, moment) - 1, 0)
    while at < len(times) - 1 and times[at + 1] - times[at] <= idle:
        at += 1
    return times[at] if times else None


def chains(cards: Sequence[Card], idle: timedelta) -> list[list[Card]]:
    """Cards in order of time, cut where more than `idle` lies between two."""
    found: list[list[Card]] = []
    for card in cards:
        if found and card.at - found[-1][-1].at <= idle:
            found[-1].append(card)
        else:
            found.append([card])
    return found


def chapters(cards: Sequence[Card], idle: timedelta, cuts: Sequence[datetime]) -> list[list[Card]]:
    """As `chains`, cut besides at each of `cuts`: a matter that goes on for months is told in chapters of a month."""
    found: list[list[Card]] = []
    for chain in chains(cards, idle):
        edges = [bisect_left(chain, cut, key=lambda card: card.at) for cut in cuts]
        found += [chain[start:end] for start, end in pairwise([0, *edges, len(chain)]) if start < end]
    return found
