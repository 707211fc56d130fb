"""A paper at work: drafted from records, filled by people, signed by a second person, corrected by another paper."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core.errors import UsageError
from reports.papers.files import DOCX, files_for
from reports.papers.gather import Desk, record_of
from reports.papers.kinds import KINDS, SUBJECTS, Asked
from reports.papers.record import AFTER, Content, Field, corrected, from_plain, lacking, to_plain
from reports.papers.words import forbidden
from store import papers
from store.papers import PaperRow, PaperValue

LONGEST_LINE, LONGEST = 200, 4000
SYSTEM = "system"
"""Who takes back what was confirmed of a draft that is another now."""
OUTWARD = ("B", "C", "D")
GONE = "草稿已作废；要用请重新起草"


@dataclass(frozen=True)
class Kept:
    """A paper as it stands. values: what its fields hold.  history: all that was written."""

    row: PaperRow
    content: Content
    values: Mapping[str, str]
    history: tuple[PaperValue, ...]

    @property
    def signed(self) -> bool:
        """Whether it is frozen."""
        return self.row.signed_at is not None

    @property
    def gone(self) -> bool:
        """Whether it was thrown away."""
        return self.row.dropped_at is not None

    def own_words(self) -> list[str]:
        """Keys of fields in which a person wrote other words than the draft has: they stay when it is drafted anew."""
        return [
            one.key for one in self.content.fields
            if one.draft and (value := self.values.get(one.key)) and mark(value) != mark(one.drafted)
        ]  # fmt: skip

    @property
    def lacking(self) -> list[Field]:
        """Fields that block signing."""
        return lacking(self.content, dict(self.values))

    @property
    def writers(self) -> frozenset[str]:
        """Who drafted it or wrote into it: none of them signs."""
        return frozenset({self.row.made_by, *(one.actor for one in self.history)})


def draft(desk: Desk, kind: str, asked: Asked) -> Content:
    """What a paper would say now; nothing is stored. Raises UsageError."""
    known = KINDS.get(kind)
    if known is None:
        raise UsageError(f"没有文稿 {kind[:20]}（可用：{'、'.join(KINDS)}）")
    if asked.sort not in known.of:
        wanted = "、".join(SUBJECTS[one] for one in known.of)
        raise UsageError(f"{known.name}从{wanted}起草，不能从“{SUBJECTS.get(asked.sort, asked.sort[:20])}”起草")
    content = known.compose(desk, asked)
    if before := asked.options.get("corrects", ""):
        content = _correcting(desk, content, kind, before)
    return desk.rephrase(content) if desk.rephrase else content


def _correcting(desk: Desk, content: Content, kind: str, paper: str) -> Content:
    row = papers.find_paper(desk.db, paper)
    if row is None or row.kind != kind or row.territory != desk.territory or row.signed_at is None:
        raise UsageError(f"更正的须是本局已签发的同类文稿，{paper[:20]} 不是")
    key = f"公文 {row.id}"
    signed = record_of(desk, key, row.title, papers.files_of(desk.db, row.id).get(DOCX, ""))
    made = corrected(content, row.id, key)
    return made.with_evidence({**made.evidence, key: signed})


def earlier(desk: Desk, kind: str, subject: str, *, until: str = "") -> tuple[PaperRow, ...]:
    """The signed papers of the same kind and bureau about the same thing, those signed first first. until: only those
    before that one."""
    return _series(desk.db, kind, subject, desk.territory, until=until)


def _series(db: Connection, kind: str, subject: str, territory: str, *, until: str = "") -> tuple[PaperRow, ...]:
    found = papers.papers_of_subject(db, subject, kind, territory)
    signed = sorted((row.signed_at, row.id) for row in found if row.signed_at is not None and row.corrects is None)
    by_id, order = {row.id: row for row in found}, [one for _, one in signed]
    return tuple(by_id[one] for one in order[: order.index(until) if until in order else None])


def keep(
    db: Connection, content: Content, *, subject: str, territory: str, by: str, now: datetime, once: str,
    corrects: str | None = None,
) -> str:  # fmt: skip
    """Store a draft; its id."""
    return papers.add_paper(
        db, kind=content.kind, territory=territory, subject=subject, title=content.title, content=to_plain(content),
        at=now, by=by, corrects=corrects, once=once,
    )  # fmt: skip


def open_paper(db: Connection, paper: str) -> Kept | None:
    """A paper by its id."""
    row = papers.find_paper(db, paper)
    if row is None:
        return None
    history = tuple(papers.values_of(db, row.id))
    return Kept(row, from_plain(dict(row.content)), papers.standing(history), history)


def fill(
    db: Connection, kept: Kept, typed: Mapping[str, str], *, by: str, now: datetime, once: str,
    was: Mapping[str, str] | None = None,
) -> list[str]:  # fmt: skip
    """Write fields; keys of those that changed. was: by key, `mark` of what the person had before them. Raises
    UsageError, then nothing is written."""
    papers.take_turn(db)
    kept = _now(db, kept)
    if kept.signed:
        raise UsageError("已签发，不能再改；要更正请另拟一件")
    if kept.gone:
        raise UsageError(GONE)
    fields = {one.key: one for one in kept.content.fields}
    changed = {}
    for key, text in typed.items():
        if key not in fields:
            continue
        value = _clean(text)
        _check(fields[key], value, outward=kept.content.form in OUTWARD)
        before = mark(holds(kept, fields[key]))
        if was and was.get(key, before) != before != mark(value):
            raise UsageError(f"您打开后，{fields[key].label}已由他人填写或重新取数，请核对现在的内容再保存")
        if value != kept.values.get(key, ""):
            changed[key] = value
    return list(changed) if papers.add_values(db, kept.row.id, changed, at=now, by=by, once=once) else []


def holds(kept: Kept, one: Field) -> str:
    """What a field's input shows: what was written, else the draft."""
    return kept.values.get(one.key, one.drafted)


def mark(text: str) -> str:
    """Tells one text of a field from another, whatever a browser does to the ends of its lines."""
    return hashlib.sha256(_clean(text).encode()).hexdigest()[:16]


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines() if line.strip())


def _check(one: Field, value: str, *, outward: bool) -> None:
    most = LONGEST if one.long else LONGEST_LINE
    if len(value) > most:
        raise UsageError(f"{one.label}至多 {most} 字，现有 {len(value)} 字")
    if "【待" in value:
        raise UsageError(f"{one.label}中还有“【待…】”，请补全")
    if found := forbidden(value, outward=outward):
        word, instead = found[0]
        raise UsageError(f"{one.label}中的“{word}”公文不用，可写：{instead}。引用原文请放在引号“ ”内")


def again(desk: Desk, kept: Kept) -> Content:
    """A draft as the records are now. Raises UsageError."""
    if kept.signed:
        raise UsageError("已签发，不能重新取数")
    if kept.gone:
        raise UsageError(GONE)
    options = dict(kept.content.options) | ({"corrects": kept.row.corrects} if kept.row.corrects else {})
    before = earlier(desk, kept.row.kind, kept.row.subject, until=kept.row.corrects or "")
    return draft(desk, kept.row.kind, Asked(kept.row.subject, options, before))


def renew(db: Connection, kept: Kept, content: Content, *, now: datetime, once: str) -> None:
    """Store it; what people wrote stays, a draft that was confirmed and is another now waits again. Raises
    UsageError."""
    papers.take_turn(db)
    kept = _now(db, kept)
    if kept.signed:
        raise UsageError("已签发，不能重新取数")
    if kept.gone:
        raise UsageError(GONE)
    drafted = {one.key: one.drafted for one in content.fields}
    old = {
        one.key: "" for one in kept.content.fields
        if one.draft and mark(kept.values.get(one.key, "")) == mark(one.drafted) != mark(drafted.get(one.key, ""))
    }  # fmt: skip
    papers.renew_content(db, kept.row.id, title=content.title, content=to_plain(content))
    papers.add_values(db, kept.row.id, old, at=now, by=SYSTEM, once=once)


def _now(db: Connection, kept: Kept) -> Kept:
    """The paper as it stands within this transaction."""
    return open_paper(db, kept.row.id) or kept


def refusal(kept: Kept, by: str) -> str:
    """Why somebody may not sign it; empty where they may."""
    if kept.signed:
        return "已签发"
    if kept.gone:
        return GONE
    if left := kept.lacking:
        named = "、".join(one.label for one in left[:6]) + ("等" if len(left) > 6 else "")
        return f"还有 {len(left)} 项待填或待确认：{named}"
    if by in kept.writers:
        return "起草、填写和签发须是两个人，您写过本件"
    return ""


def sign(db: Connection, kept: Kept, *, by: str, now: datetime, made: str) -> bool:
    """Freeze it with its files. made: `seen` of what the person had before them. Raises UsageError."""
    papers.take_turn(db)
    kept = _now(db, kept)
    if kept.signed and kept.row.signed_by == by:
        return False
    if why := refusal(kept, by):
        raise UsageError(why)
    if made != seen(kept):
        raise UsageError("您打开后文稿有改动，请核对后再签发")
    if _overtaken(db, kept):
        raise UsageError("起草后另有一报已签发，请先重新取数，与那一报相比")
    return papers.sign_paper(db, kept.row.id, at=now, by=by, files=files_for(kept.content, kept.values, signed=True))


def drop(db: Connection, kept: Kept, *, by: str, now: datetime, made: str) -> str:
    """Throw a draft away; the id under which it is kept. made: `seen` of what the person had before them. Raises
    UsageError."""
    papers.take_turn(db)
    kept = _now(db, kept)
    if kept.signed:
        raise UsageError("已签发的不能作废；要更正请另拟一件")
    if made != seen(kept):
        raise UsageError("您打开后文稿有改动，请核对后再作废")
    gone = papers.drop_paper(db, kept.row.id, at=now, by=by)
    if gone is None:
        raise UsageError(GONE)
    return gone


def _overtaken(db: Connection, kept: Kept) -> bool:
    """Whether another paper of its series was signed since it was drafted."""
    after = dict(kept.content.options).get(AFTER)
    if after is None or kept.row.corrects:
        return False
    series = _series(db, kept.row.kind, kept.row.subject, kept.row.territory)
    return after != (series[-1].id if series else "")


def seen(kept: Kept) -> str:
    """Tells whether a paper changed since a page was drawn."""
    last = kept.history[-1].number if kept.history else 0
    told = json.dumps(kept.row.content, ensure_ascii=False, sort_keys=True, default=str)
    return f"{hashlib.sha256(told.encode()).hexdigest()[:16]}|{last}"
