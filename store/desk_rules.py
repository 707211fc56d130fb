"""Rules made on the desk: an append-only table of versions. What a rule is now is its newest version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, func, select, update

from core.errors import UsageError
from store.documents import last_arrival
from store.schema import desk_rules

State = Literal["on", "off", "deleted"]
Action = Literal["created", "changed", "off", "on", "deleted"]
PREFIX = "desk_"


@dataclass(frozen=True)
class RuleVersion:
    """One version. since: how many documents had arrived when it was made: it judges those that came after.

    territory: region code it is cut to.  definition: title, why, scope, condition, ... as in a rule file.
    counted: up to where earlier documents were counted in; None: not begun.  note: why it was changed.
    """

    serial: int
    rule: str
    number: int
    at: datetime
    actor: str
    action: Action
    state: State
    territory: str
    definition: Mapping[str, Any]
    since: int
    counted: int | None = None
    note: str = ""


class Overtaken(UsageError):
    """Somebody else changed the rule meanwhile. `.version`: what they made of it."""

    def __init__(self, version: RuleVersion) -> None:
        super().__init__(f"{version.actor} 已把规则改到第 {version.number} 版")
        self.version = version


def create_rule(
    db: Connection, definition: Mapping[str, Any], *, actor: str, territory: str, now: datetime, once: str
) -> RuleVersion:
    """A new rule, on. The same `once` again gives the rule that was made then."""
    done = _of_form(db, once)
    if done is not None:
        return done
    numbers = db.execute(select(func.count(func.distinct(desk_rules.c.rule)))).scalar_one()
    return _add(
        db, f"{PREFIX}{numbers + 1}", 1, "created", "on",
        definition=definition, actor=actor, territory=territory, now=now, once=once,
    )  # fmt: skip


def change_rule(
    db: Connection,
    rule: str,
    action: Action,
    *,
    seen: int,
    actor: str,
    now: datetime,
    once: str,
    definition: Mapping[str, Any] | None = None,
    note: str = "",
) -> RuleVersion:
    """The next version of a rule. seen: the version that the person had before them.  definition: None leaves it.

    The same `once` again changes nothing. Raises Overtaken where another version came meanwhile, UsageError for a
    rule that is not there or was deleted.
    """
    done = _of_form(db, once)
    if done is not None:
        return done
    last = newest_version(db, rule)
    if last is None or last.state == "deleted":
        raise UsageError(f"没有规则 {rule[:40]}，或已删除")
    if last.number != seen:
        raise Overtaken(last)
    state: State = action if action in ("on", "off", "deleted") else last.state
    return _add(
        db, rule, last.number + 1, action, state,
        definition=definition or last.definition, actor=actor, territory=last.territory, now=now, once=once,
        note=note,
    )  # fmt: skip


def _add(db: Connection, rule: str, number: int, action: Action, state: State, **values: Any) -> RuleVersion:
    now = values.pop("now")
    row = {"rule": rule, "number": number, "at": now, "action": action, "state": state, "since": last_arrival(db)}
    db.execute(desk_rules.insert().values(**row, **values))
    made = newest_version(db, rule)
    assert made is not None
    return made


def _of_form(db: Connection, once: str) -> RuleVersion | None:
    row = db.execute(select(desk_rules).where(desk_rules.c.once == once)).mappings().first()
    return _version(row) if row else None


def newest_version(db: Connection, rule: str) -> RuleVersion | None:
    """What a rule is now; also of a deleted one."""
    query = select(desk_rules).where(desk_rules.c.rule == rule).order_by(desk_rules.c.number.desc()).limit(1)
    row = db.execute(query).mappings().first()
    return _version(row) if row else None


def all_versions(db: Connection) -> dict[str, tuple[RuleVersion, ...]]:
    """Every version of every rule, oldest first, deleted ones too; rules in the order they were made."""
    found: dict[str, list[RuleVersion]] = {}
    for row in db.execute(select(desk_rules).order_by(desk_rules.c.serial)).mappings():
        found.setdefault(row["rule"], []).append(_version(row))
    return {rule: tuple(versions) for rule, versions in found.items()}


def last_change(db: Connection) -> int:
    """Grows with every change of any rule."""
    return db.execute(select(func.max(desk_rules.c.serial))).scalar_one_or_none() or 0


def note_counted(db: Connection, version: RuleVersion, up_to: int) -> bool:
    """Remember up to where earlier documents were counted in. False where another process was faster."""
    same = desk_rules.c.counted.is_(None) if version.counted is None else desk_rules.c.counted == version.counted
    this = update(desk_rules).where(desk_rules.c.serial == version.serial, same)
    return db.execute(this.values(counted=up_to)).rowcount == 1


def _version(row: RowMapping) -> RuleVersion:
    return RuleVersion(**{name: row[name] for name in RuleVersion.__dataclass_fields__})
