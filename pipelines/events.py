"""Events, online: each judged document joins the event whose story it tells, or begins one. Nothing is clustered
again; what a document costs depends on its neighbourhood in time and not on the store.

Runs inside the transaction of its caller, beside the rules. Placing the same reading again changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from config.regions import Regions
from core.clock import beijing
from core.errors import UsageError
from core.records import Analysis, Document, RegistryEntry, Signal
from nlp.event_traits import FamilyOf, NamesOf, Traits, from_json, home_of, keys_of, scenes_of, to_json, traits_of
from nlp.events import NONE, REACH, Bond, Decision, Story, bond, decide
from store import events as book
from store.audit import note
from store.cards import one_judge_at_a_time
from store.events import Event, Member

MOST_FACTS = 40
REMEMBERED = 10_000
"""Documents whose traits are kept in memory, about 1 kB each."""
SAMPLED = 5
WORTH_A_LOOK = 1.5  # points from which a person should decide
MOST_MOVED = 100_000
LOOKED_AT = 200  # members on each end of an event that its facts are taken from when one leaves it


def no_names(_firm: str) -> tuple[str, ...]:
    """Of a firm nothing is known."""
    return ()


def names_in(registry: Mapping[str, RegistryEntry] | Iterable[RegistryEntry]) -> NamesOf:
    """Short names and brands of the firms of a registry, by id. A mapping is asked firm by firm."""
    firms = registry if isinstance(registry, Mapping) else {entry.id: entry for entry in registry}

    def names_of(firm: str) -> tuple[str, ...]:
        entry = firms.get(firm)
        return (*entry.short_names, *entry.brands) if entry else ()

    return names_of


@dataclass(frozen=True)
class Likeness:
    """Another event that may be the same thing. allowed: whether a person may bring them together."""

    event: Event
    points: float
    why: tuple[str, ...]
    allowed: bool


@dataclass(frozen=True)
class EventKeeper:
    """Places documents. family_of: products that are one thing to those who report it.  names_of: a firm's short
    names and brands."""

    regions: Regions
    family_of: FamilyOf
    names_of: NamesOf = no_names
    _fields: tuple[str, ...] = field(default=("firms", "accidents", "scenes", "families", "issues", "territories"))

    def traits_of(self, document: Document, analysis: Analysis) -> Traits:
        """What a document is compared by."""
        return traits_of(document, analysis, regions=self.regions, family_of=self.family_of, names_of=self.names_of)

    def place(self, db: Connection, signal: Signal, now: datetime) -> str | None:
        """Put the latest revision of a document where it belongs. Returns the event, None where it is in none."""
        mine = self.traits_of(signal.document, signal.analysis)
        old = book.member_of(db, mine.document)
        if old is None and not mine.risk and not mine.named and not mine.harm:
            return None  # most of what is read: nothing that a story could be told by
        one_judge_at_a_time(db)
        if old and old.at == mine.at and _same(old.traits, mine):
            return old.event
        if old and old.held:
            self._write(db, replace(old, at=mine.at, risk=mine.risk, traits=to_json(mine)), mine)
            self._retell(db, old.event)
            return old.event
        decision = self._decide(db, mine)
        if decision.event is None and not mine.risk:
            if old:
                self._leave(db, old, None)
            return None
        alone = old is not None and decision.event is None and self._stands_alone(db, old)
        target = old.event if old and alone else decision.event or book.open_event(db, mine.document, mine.at, now=now)
        target = self._merge(db, target, decision)
        known = Member(
            mine.document, target, mine.at, mine.risk, False, decision.like, max(decision.bond.points, 0.0),
            decision.bond.why, to_json(mine),
        )  # fmt: skip
        self._write(db, known, mine, new=old is None)
        if old is None and not decision.moves:
            self._tell(db, target, [mine])
        else:
            self._retell(db, target)
        if old and old.event != target:
            self._leave(db, old, target)
        return target

    def _decide(self, db: Connection, mine: Traits) -> Decision:
        keys = keys_of(mine, self.regions)
        found = book.members_near(db, keys, mine.at, mine.at - REACH, mine.at + REACH)
        near = [(_traits(m.document, m.at, m.traits), m.event, m.held) for m in found if m.document != mine.document]
        if not near:
            return Decision(None, NONE)
        ids = sorted({event for _, event, _ in near})
        apart, rows = book.parted_from(db, ids), book.find_events(db, ids)
        stories = {event: _story(rows[event], apart[event]) for event in ids}
        decision = decide(mine, [(other, event) for other, event, _ in near], stories)
        held = {other.document for other, _, is_held in near if is_held}
        return replace(decision, moves=tuple(document for document in decision.moves if document not in held))

    def _merge(self, db: Connection, target: str, decision: Decision) -> str:
        """Bring events together that turned out to be one, under the oldest number, and fetch the strayed."""
        if decision.event is None:
            survivor = target
        else:
            rows = book.find_events(db, [target, *decision.also])
            survivor = min(rows.values(), key=lambda event: (event.created_at, event.number)).id
        for event in (target, *decision.also):
            if event != survivor:
                self._absorb(db, event, survivor)
        left = {member.event for name in decision.moves if (member := book.member_of(db, name))}
        book.move_members(db, decision.moves, survivor)
        for event in sorted(left - {survivor}):
            self._retell_rest(db, event, survivor)
        return survivor

    def _absorb(self, db: Connection, event: str, into: str) -> None:
        rows = book.find_events(db, [event, into])
        book.merge_into(db, event, into)
        one, other = rows[into], rows[event]
        facts = {name: _union(one.facts.get(name, ()), other.facts.get(name, ())) for name in self._fields}
        title = _better_title(one, other)
        self._save(
            db, into, {**facts, **title}, min(one.first_at, other.first_at), max(one.last_at, other.last_at),
            max(one.level, other.level), one.documents + other.documents, one.origins + other.origins,
        )  # fmt: skip

    def _write(self, db: Connection, member: Member, mine: Traits, *, new: bool = False) -> None:
        book.put_member(db, member, keys_of(mine, self.regions), new=new)

    def _stands_alone(self, db: Connection, old: Member) -> bool:
        return len(book.members_of(db, old.event, limit=2)) == 1

    def _leave(self, db: Connection, old: Member, target: str | None) -> None:
        """After a document went: what it leaves behind is told without it; an empty event leads to where it went."""
        if target is None:
            book.remove_member(db, old.document)
        self._retell_rest(db, old.event, target)

    def _retell_rest(self, db: Connection, event: str, target: str | None) -> None:
        if book.members_of(db, event, limit=1):
            self._retell(db, event)
        elif target is not None:
            book.merge_into(db, event, target)
        else:
            row = book.find_events(db, [event])[event]
            self._save(db, event, {}, row.first_at, row.last_at, 0, 0, 0)

    def _tell(self, db: Connection, event: str, more: Sequence[Traits]) -> None:
        """Add documents to what is known of an event: no other document of it is read."""
        row = book.find_events(db, [event])[event]
        facts, first, last, level = dict(row.facts), row.first_at, row.last_at, row.level
        for one in more:
            if one.risk:
                facts |= {name: _union(facts.get(name, ()), found) for name, found in _facts(one, self.regions).items()}
                level = max(level, one.level)
            facts |= _title_of(facts, one)
            first, last = min(first, one.at), max(last, one.at)
        risks = sum(one.risk for one in more)
        origins = sum(one.risk and one.origin == one.document for one in more)
        self._save(db, event, facts, first, last, level, row.documents + risks, row.origins + origins)

    def _retell(self, db: Connection, event: str) -> None:
        """Take what is known of an event from its documents anew (from both ends of a very long one)."""
        ends = [*book.members_of(db, event, limit=LOOKED_AT), *book.members_of(db, event, limit=LOOKED_AT, newest=True)]
        members = {member.document: from_json(member.document, member.at, member.traits) for member in ends}
        ordered = sorted(members.values(), key=lambda one: (one.at, one.document))
        if not ordered:
            return
        facts: dict[str, Any] = {}
        for one in ordered:
            if one.risk:
                facts |= {name: _union(facts.get(name, ()), found) for name, found in _facts(one, self.regions).items()}
            facts |= _title_of(facts, one)
        documents, origins = book.counts_of(db, event)
        level = max(one.level if one.risk else 0 for one in ordered)
        self._save(db, event, facts, ordered[0].at, ordered[-1].at, level, documents, origins)

    def _save(
        self, db: Connection, event: str, facts: Mapping[str, Any], first: datetime, last: datetime, level: int,
        documents: int, origins: int,
    ) -> None:  # fmt: skip
        title = str(facts.get("title", ""))
        book.save_summary(
            db, event, title=title, first_at=first, last_at=last, level=level, documents=documents, origins=origins,
            facts=facts,
        )  # fmt: skip

    def alike(self, db: Connection, event: Event, *, limit: int = 5) -> list[Likeness]:
        """Events that come near this one, by its first and newest texts; the nearest first."""
        ends = [
            *book.members_of(db, event.id, limit=SAMPLED),
            *book.members_of(db, event.id, limit=SAMPLED, newest=True),
        ]
        best: dict[str, Bond] = {}
        for member in {member.document: member for member in ends if member.risk}.values():
            mine = from_json(member.document, member.at, member.traits)
            for other in book.members_near(db, keys_of(mine, self.regions), mine.at, mine.at - REACH, mine.at + REACH):
                if other.event == event.id or not other.risk:
                    continue
                found = bond(mine, _traits(other.document, other.at, other.traits))
                if found.points >= WORTH_A_LOOK and found.points > best.get(other.event, NONE).points:
                    best[other.event] = found
        rows = book.find_events(db, best)
        ranked = sorted(best, key=lambda name: (-best[name].points, name))[:limit]
        firms = set(event.facts.get("firms", ()))
        return [
            Likeness(
                rows[name], best[name].points, best[name].why, len(firms | set(rows[name].facts.get("firms", ()))) < 2
            )
            for name in ranked
        ]

    def merge(self, db: Connection, into: str, other: str, *, actor: str, now: datetime) -> Event:
        """By hand: two events are one. Raises UsageError with a Chinese sentence when they may not be."""
        one_judge_at_a_time(db)
        a, b = self._given(db, into), self._given(db, other)
        if a.id == b.id:
            raise UsageError(f"{into} 和 {other} 已是同一事件")
        if len({*a.facts.get("firms", ()), *b.facts.get("firms", ())}) > 1:
            raise UsageError("两家具名企业的事件不并为一起")
        keep, gone = sorted((a, b), key=lambda event: (event.created_at, event.number))
        parted = gone.id in book.parted_from(db, [keep.id])[keep.id]
        moved = {one.document: one.held for one in book.members_of(db, gone.id, limit=MOST_MOVED)}
        book.add_move(db, "merge", keep.id, gone.id, documents=moved, parted=parted, actor=actor, at=now)
        book.forget_parting(db, keep.id, gone.id)
        self._absorb(db, gone.id, keep.id)
        book.hold(db, keep.id)
        self._retell(db, keep.id)
        note(db, actor, "event_merge", keep.id, at=now, details={"from": gone.id, "number": gone.number})
        return book.find_events(db, [keep.id])[keep.id]

    def split(self, db: Connection, event: str, documents: Sequence[str], *, actor: str, now: datetime) -> Event:
        """By hand: these documents, and the copies of their texts, tell another story. Returns the new event."""
        one_judge_at_a_time(db)
        row = self._given(db, event)
        members = book.members_of(db, row.id, limit=MOST_MOVED)
        chosen = set(documents) & {member.document for member in members}
        strange = sorted(set(documents) - chosen)
        if strange:
            raise UsageError(f"{row.number} 中没有文档 {'、'.join(strange[:3])}")
        chosen |= {member.document for member in members if member.traits["origin"] in chosen}
        if not chosen or len(chosen) == len(members):
            raise UsageError("拆出的文档须是一部分：至少一篇，至少留一篇")
        first = min((member for member in members if member.document in chosen), key=lambda m: (m.at, m.document))
        new = book.open_event(db, first.document, first.at, now=now)
        moved = {one.document: one.held for one in members if one.document in chosen}
        book.add_move(db, "split", row.id, new, documents=moved, parted=False, actor=actor, at=now)
        book.hold(db, row.id)
        book.move_members(db, sorted(chosen), new, held=True)
        book.part(db, row.id, new)
        self._retell(db, row.id)
        self._retell(db, new)
        note(db, actor, "event_split", row.id, at=now, details={"to": new, "documents": sorted(chosen)[:50]})
        return book.find_events(db, [new])[new]

    def undo(self, db: Connection, number: int, *, actor: str, now: datetime) -> Event:
        """Take a merge or a split back: its documents go where they were, under the numbers of then. Returns the event
        that stayed. Raises UsageError where it was taken back already, or a later merge or split builds on it.
        """
        one_judge_at_a_time(db)
        move = book.find_move(db, number)
        if move is None:
            raise UsageError("没有这一步")
        if move.undone_by:
            raise UsageError(f"已由 {move.undone_by} 于 {beijing(move.undone_at or now):%m-%d %H:%M} 撤销")
        for event in (move.event, move.other):
            later = [one for one in book.moves_of(db, event) if one.number > number and not one.undone_by]
            if later:
                word = "并入" if later[-1].kind == "merge" else "拆出"
                when = f"{beijing(later[-1].at):%m-%d %H:%M}"
                raise UsageError(f"其后 {later[-1].actor} 于 {when} 又做了{word}，先撤销那一步")
        source, target = (move.event, move.other) if move.kind == "merge" else (move.other, move.event)
        there = {one.document for one in book.members_of(db, source, limit=MOST_MOVED)}
        back = {document: held for document, held in move.documents.items() if document in there}
        if move.kind == "merge":
            book.revive(db, move.other)
        book.move_members(db, sorted(back), target)
        book.set_held(db, back)
        if move.kind == "split":
            book.merge_into(db, move.other, move.event)
        elif move.parted:
            book.part(db, move.event, move.other)
        for event in (move.event, *([move.other] if move.kind == "merge" else [])):
            self._retell(db, event)
        book.move_undone(db, number, actor, now)
        details = {"undo": move.kind, "other": move.other, "documents": sorted(back)[:50]}
        note(db, actor, "event_undo", move.event, at=now, details=details)
        return book.find_events(db, [move.event])[move.event]

    def _given(self, db: Connection, name: str) -> Event:
        found = book.find_event(db, name)
        if found is None:
            raise UsageError(f"没有事件 {name[:40]}")
        return found


@lru_cache(maxsize=REMEMBERED)
def _traits(document: str, at: datetime, kept: str) -> Traits:
    """The traits of a neighbour. The same text always says the same: those of a busy event are read once."""
    return from_json(document, at, json.loads(kept))


def _same(kept: Mapping[str, Any], mine: Traits) -> bool:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in to_json(mine).items()} == dict(kept)


def _story(row: Event, apart: Iterable[str]) -> Story:
    facts = row.facts
    return Story(
        row.id, frozenset(facts.get("firms", ())), frozenset(facts.get("accidents", ())),
        frozenset(facts.get("scenes", ())), frozenset(apart),
    )  # fmt: skip


def _facts(one: Traits, regions: Regions) -> dict[str, list[Any]]:
    return {
        "firms": [one.listed] if one.listed else [],
        "accidents": list(one.accidents),
        "scenes": list(scenes_of(one)),
        "families": [one.family] if one.family else [],
        "issues": list(one.issues),
        "territories": [home_of(one, regions)],
    }


def _union(known: Iterable[Any], more: Iterable[Any]) -> list[Any]:
    return sorted({*known, *more})[-MOST_FACTS:]


def _title_of(facts: Mapping[str, Any], one: Traits) -> dict[str, Any]:
    """The title of the first press or official text that names a firm, else of the first such text, else of the
    first; the same whatever came in first."""
    rank = [not one.risk, not one.trusted, one.firm is None, one.at.isoformat(), one.document]
    if "title_rank" in facts and facts["title_rank"] <= rank:
        return {}
    return {"title": one.title, "title_rank": rank}


def _better_title(a: Event, b: Event) -> dict[str, Any]:
    ranked = [event.facts for event in (a, b) if "title_rank" in event.facts]
    best = min(ranked, key=lambda facts: facts["title_rank"], default={})
    return {name: best[name] for name in ("title", "title_rank") if name in best}
