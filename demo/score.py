"""How the desk did on the sample pack: which incidents it saw, how early, how high, who was told, and false alarms.

    fengsui alerts --json > alerts.jsonl
    python -m demo.score alerts.jsonl --map ids.json --day0 2026-11-23

An alert line has the fields of the command contract; `territories` and `history` ([{story_at, level}, ...]) are used
when they are there. Documents are pack ids, public addresses, or ids that --map turns into one of these. Without
`history` the time at which an alert reached a level above its first one is unknown and printed so.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from core.clock import BEIJING, as_utc, beijing, parse_published
from demo.story import PACK, STATE_FILE, TOKEN, read_pack, token_of

CLOSED = ("closed", "dismissed")


@dataclass(frozen=True)
class Step:
    """The alert stood at `level` from `at` on."""

    at: datetime
    level: int


@dataclass(frozen=True)
class Raised:
    """An alert as the score sees it. documents: first pack ids of their pages. timed: steps are its real history."""

    id: str
    level: int
    state: str
    title: str
    steps: tuple[Step, ...]
    timed: bool
    enterprises: tuple[str, ...]
    territories: tuple[str, ...]
    documents: tuple[str, ...]
    unknown: int = 0

    @property
    def first_at(self) -> datetime:
        return self.steps[0].at

    @property
    def peak(self) -> int:
        return max(step.level for step in self.steps)

    def reached(self, level: int) -> datetime | None:
        """When the alert first stood at `level` or above."""
        return next((step.at for step in self.steps if step.level >= level), None)


@dataclass(frozen=True)
class Due:
    """A moment of truth.json and what the desk did. late <= 0: in time. at None: never."""

    level: int
    document: str
    due: datetime
    at: datetime | None
    taken_in: bool
    certain: bool

    @property
    def ok(self) -> bool:
        return self.at is not None and self.at <= self.due

    @property
    def late(self) -> timedelta | None:
        return None if self.at is None else self.at - self.due


@dataclass(frozen=True)
class IncidentScore:
    """What the desk made of one incident. share: of the alerts' documents, those that belong to it."""

    id: str
    title: str
    first_document: datetime
    first_alert: datetime | None
    alerted: Due
    escalations: tuple[Due, ...]
    level: int
    told: tuple[str, ...]
    not_told: tuple[str, ...]
    firms_named: tuple[str, ...]
    firms_missed: tuple[str, ...]
    alerts: tuple[str, ...]
    documents_in_alerts: int
    documents: int
    share: float


@dataclass(frozen=True)
class Violation:
    """An alert that should not stand so. what: harmless | too_high | wrong_firm | also_named | not_withdrawn."""

    what: str
    alert: str
    level: int
    documents: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Score:
    incidents: tuple[IncidentScore, ...]
    violations: tuple[Violation, ...]
    alerts_by_level: Mapping[int, int]
    noise_by_level: Mapping[int, int] = field(default_factory=dict)
    unmapped_documents: int = 0

    @property
    def alerted(self) -> int:
        return sum(incident.alerted.ok for incident in self.incidents)


class Truth:
    """The pack with its annotation, pages merged: every document counts under the first id of its page."""

    def __init__(self, folder: Path, day_zero: date) -> None:
        rows = {row["id"]: row for row in read_pack(folder)}
        self.first: dict[str, str] = {}
        for key, row in rows.items():
            first = row
            while first["revision_of"] is not None:
                first = rows[first["revision_of"]]
            self.first[key] = first["id"]
        self.rows = rows
        self.day_zero = datetime.combine(day_zero, datetime.min.time(), BEIJING)
        judged = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        self.incidents: list[dict[str, Any]] = judged["incidents"]
        self.forbidden: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in judged["must_not_alert"]}

    @cached_property
    def by_token(self) -> dict[str, str]:
        return {token_of(first): first for first in self.first.values()}

    def moment(self, pack_id: str) -> datetime:
        row = self.rows[pack_id]
        hours, minutes = row["time"].split(":")
        return as_utc(self.day_zero + timedelta(days=row["day"], hours=int(hours), minutes=int(minutes)))

    def resolve(self, name: str) -> str | None:
        """The first pack id of the page that a pack id or public address stands for."""
        if name in self.first:
            return self.first[name]
        return next((self.by_token[token] for token in TOKEN.findall(name) if token in self.by_token), None)

    def versions(self, first: str) -> list[str]:
        return [key for key, value in self.first.items() if value == first]

    def incident_of(self, first: str) -> str | None:
        incident: str | None = self.rows[first]["incident"]
        return incident

    def allowed(self, first: str) -> int | None:
        """The most an alert may show on this page alone; None: no limit."""
        limits = []
        for key in self.versions(first):
            if key in self.forbidden:
                limits.append(int(self.forbidden[key]["max_level"]))
            elif self.rows[key]["truth"]["level"] == 0:
                limits.append(0)
            else:
                return None
        return max(limits)

    def blames(self, first: str, firm: str) -> bool:
        """Whether a version of the page rightly holds `firm` responsible."""
        return any(
            self.rows[key]["truth"]["enterprise"] == firm
            and self.rows[key]["truth"]["is_risk"]
            and not ("firm" in self.forbidden.get(key, {}) and self.forbidden[key]["kind"] != "unconfirmed_firm")
            for key in self.versions(first)
        )


def read_alert(line: Mapping[str, Any], truth: Truth, names: Mapping[str, str]) -> Raised:
    """One line of `fengsui alerts --json`. Raises KeyError or ValueError when it has not the contract's fields."""
    found = [truth.resolve(names.get(name, name)) for name in line["documents"]]
    first_at = parse_published(line["first_at"])
    history = [
        Step(parse_published(row.get("story_at") or row["at"]), int(row["level"])) for row in line.get("history", ())
    ]
    steps = tuple(sorted(history, key=lambda step: step.at)) or (Step(first_at, int(line["level"])),)
    territories = [*line.get("territories", ()), line.get("territory") or ""]
    return Raised(
        id=line["id"],
        level=int(line["level"]),
        state=line["state"],
        title=line.get("title", ""),
        steps=steps,
        timed=bool(history) or line.get("updated_at") == line["first_at"],
        enterprises=tuple(line.get("enterprises", ())),
        territories=tuple(dict.fromkeys(code for code in territories if code)),
        documents=tuple(dict.fromkeys(key for key in found if key)),
        unknown=sum(key is None for key in found),
    )


def score(
    lines: Iterable[Mapping[str, Any]], *, day_zero: date, names: Mapping[str, str] | None = None, folder: Path = PACK
) -> Score:
    """Judge alert lines against truth.json.

    lines: objects of `fengsui alerts --json`.  day_zero: the Beijing day that is day 0 of the story.
    names: document id -> pack id or public address, for documents that are neither themselves.
    An incident is alerted when an alert of at least should_alert_by.level rests on one of its documents by that time.
    """
    truth = Truth(folder, day_zero)
    alerts = [read_alert(line, truth, names or {}) for line in lines]
    noise = [alert for alert in alerts if alert.documents and not any(map(truth.incident_of, alert.documents))]
    return Score(
        incidents=tuple(_incident(entry, alerts, truth) for entry in truth.incidents),
        violations=tuple(violation for alert in alerts for violation in _violations(alert, truth)),
        alerts_by_level=dict(sorted(Counter(alert.level for alert in alerts).items())),
        noise_by_level=dict(sorted(Counter(alert.level for alert in noise).items())),
        unmapped_documents=sum(alert.unknown for alert in alerts),
    )


def _incident(entry: Mapping[str, Any], alerts: Sequence[Raised], truth: Truth) -> IncidentScore:
    ours = [alert for alert in alerts if any(truth.incident_of(key) == entry["id"] for key in alert.documents)]
    inside = {key for alert in ours for key in alert.documents if truth.incident_of(key) == entry["id"]}
    everything = {key for alert in ours for key in alert.documents}
    told = {code for alert in ours for code in alert.territories}
    named = {firm for alert in ours for firm in alert.enterprises}
    return IncidentScore(
        id=entry["id"],
        title=entry["title"],
        first_document=truth.moment(entry["first_document_id"]),
        first_alert=min((alert.first_at for alert in ours), default=None),
        alerted=_due(entry["should_alert_by"], ours, truth),
        escalations=tuple(_due(row, ours, truth) for row in entry["escalations"]),
        level=max((alert.peak for alert in ours), default=0),
        told=tuple(code for code in entry["territory_codes"] if code in told),
        not_told=tuple(code for code in entry["territory_codes"] if code not in told),
        firms_named=tuple(firm for firm in entry["firms"] if firm in named),
        firms_missed=tuple(firm for firm in entry["firms"] if firm not in named),
        alerts=tuple(alert.id for alert in ours),
        documents_in_alerts=len(inside),
        documents=sum(first == key and truth.incident_of(key) == entry["id"] for key, first in truth.first.items()),
        share=len(inside) / len(everything) if everything else 0.0,
    )


def _due(row: Mapping[str, Any], alerts: Sequence[Raised], truth: Truth) -> Due:
    reached = sorted((at, alert.timed) for alert in alerts if (at := alert.reached(row["level"])) is not None)
    at, certain = reached[0] if reached else (None, True)
    page = truth.first[row["id"]]
    return Due(
        level=row["level"],
        document=row["id"],
        due=truth.moment(row["id"]),
        at=at,
        taken_in=any(page in alert.documents for alert in alerts),
        certain=certain,
    )


def _violations(alert: Raised, truth: Truth) -> list[Violation]:
    if not alert.documents:
        return []
    found = [*_harmless(alert, truth), *_wrong_firms(alert, truth)]
    return [Violation(what, alert.id, alert.peak, documents, why) for what, documents, why in found]


Finding = tuple[str, tuple[str, ...], str]


def _harmless(alert: Raised, truth: Truth) -> list[Finding]:
    limits = [truth.allowed(key) for key in alert.documents]
    known = [limit for limit in limits if limit is not None]
    if len(known) == len(limits):
        entries = [truth.forbidden[key] for key in alert.documents if key in truth.forbidden]
        why = "; ".join(sorted({f"{entry['kind']}: {entry['reason']}" for entry in entries})) or "level 0 by its text"
        if alert.peak > max(known):
            return [("harmless" if max(known) == 0 else "too_high", alert.documents, why)]
        stale = [row for row in entries if "until" in row and truth.first[row["until"]] not in alert.documents]
        if len(stale) == len(alert.documents) and alert.state not in CLOSED and alert.level >= 2:
            return [("not_withdrawn", alert.documents, why)]
    return []


def _wrong_firms(alert: Raised, truth: Truth) -> list[Finding]:
    found: list[Finding] = []
    for place, firm in enumerate(alert.enterprises):
        tempted = tuple(key for key in alert.documents if truth.forbidden.get(key, {}).get("firm") == firm)
        if not tempted or any(truth.blames(key, firm) for key in alert.documents):
            continue
        entry = truth.forbidden[tempted[0]]
        if alert.peak > entry["max_level"]:
            found.append(("wrong_firm" if place == 0 else "also_named", tempted, f"{firm}: {entry['reason']}"))
        elif "until" in entry and alert.state not in CLOSED and alert.level >= 2:
            found.append(("wrong_firm" if place == 0 else "also_named", tempted, f"{firm} after {entry['until']}"))
    return found


def render(result: Score) -> str:
    """The score as people read it."""
    lines = []
    for incident in result.incidents:
        lines += _render_incident(incident)
    counts = Counter(violation.what for violation in result.violations)
    lines += [
        f"incidents alerted in time: {result.alerted} of {len(result.incidents)}",
        f"alerts by level: {dict(result.alerts_by_level)}; on noise alone: {dict(result.noise_by_level)}",
        f"violations: {sum(counts.values())} {dict(counts)}; documents not of the pack: {result.unmapped_documents}",
    ]
    for violation in result.violations:
        documents = " ".join(violation.documents[:6])
        lines.append(f"  {violation.what:13} {violation.alert} level {violation.level} [{documents}] {violation.why}")
    return "\n".join(lines)


def _render_incident(incident: IncidentScore) -> list[str]:
    first = "never" if incident.first_alert is None else _ago(incident.first_alert - incident.first_document)
    return [
        f"{incident.id} {incident.title}",
        f"   first alert {first} after the first document; highest level {incident.level}; "
        f"{len(incident.alerts)} alerts hold {incident.documents_in_alerts} of {incident.documents} pages, "
        f"{incident.share:.0%} of theirs",
        f"   alert by    {_render_due(incident.alerted)}",
        *(f"   escalation  {_render_due(due)}" for due in incident.escalations),
        f"   told {' '.join(incident.told) or '-'}; not told {' '.join(incident.not_told) or '-'}",
        f"   firms {' '.join(incident.firms_named) or '-'}; missed {' '.join(incident.firms_missed) or '-'}",
    ]


def _render_due(due: Due) -> str:
    head = f"level {due.level} by {beijing(due.due):%m-%d %H:%M} ({due.document}): "
    taken = "" if due.taken_in else ", document not taken in"
    if due.late is None:
        return f"{head}MISSED{taken}"
    sure = "" if due.certain else " (no history: time of this level unknown)"
    verdict = f"ok, {_ago(-due.late)} early" if due.ok else f"LATE by {_ago(due.late)}"
    return f"{head}{verdict}{sure}{taken}"


def _ago(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 1440}d {minutes % 1440 // 60:02}:{minutes % 60:02}" if minutes >= 1440 else f"{minutes} min"


def _names(path: str | None) -> dict[str, str]:
    """--map: a JSON object id -> name, or JSON lines with `id` and `pack_id`, `url` or `external_id`."""
    if path is None:
        return {}
    text = Path(path).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [json.loads(line) for line in lines] if len(lines) > 1 and text.lstrip().startswith('{"') else []
    if rows and all(isinstance(row, dict) and "id" in row for row in rows):
        return {row["id"]: row.get("pack_id") or row.get("url") or row.get("external_id") or "" for row in rows}
    return {str(key): str(value) for key, value in json.loads(text).items()}


def _day_zero(given: str | None, data: str | None) -> date:
    if given:
        return date.fromisoformat(given)
    if data:
        state = json.loads((Path(data) / STATE_FILE).read_text(encoding="utf-8"))
        return date.fromisoformat(state["day_zero"])
    raise SystemExit("give --day0 DATE, or --data DIR of the demo that was scored")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.score", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("alerts", help="JSON lines of `fengsui alerts --json`, or - for stdin")
    parser.add_argument("--map", help="document id -> pack id or address: JSON object, or JSON lines {id, url}")
    parser.add_argument("--day0", help="Beijing date of day 0")
    parser.add_argument("--data", help="data folder of the demo, to take day 0 from")
    options = parser.parse_args(arguments)
    text = sys.stdin.read() if options.alerts == "-" else Path(options.alerts).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    result = score(lines, day_zero=_day_zero(options.day0, options.data), names=_names(options.map))
    print(render(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
