"""A run of the rule lab as JSON: printed by `fengsui rules test RULE --past`, saved, and shown on the desk."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from alerts.lab.compare import MOST_EXAMPLES, Difference
from alerts.lab.curve import SHIFTS_A_DAY, Curve, Point, Proposal
from alerts.lab.incidents import Catch, Verdicts, caught_of
from alerts.lab.replayed import LabAlert
from alerts.lab.run import LabRun
from alerts.marks import wilson
from config.rules import Rule
from core.clock import iso_beijing
from core.durations import format_duration

WHOLE = frozenset({"at_least", "sources", "places", "origins", "voices", "min_level"})
"""Thresholds that are whole numbers wherever they stand, except `at_least` of a metric."""


def as_json(run: LabRun) -> dict[str, Any]:
    """All of it. Times: ISO 8601, Beijing; spans: hours."""
    told: dict[str, Any] = {
        "rule": _rule(run),
        "from": iso_beijing(run.start),
        "to": iso_beijing(run.end),
        "days": round(run.days, 2),
        "whole": run.start <= run.wanted,
        "signals": run.replayed.seen,
        "counted": run.replayed.counted,
        "findings": sum(run.start <= finding.fired_at <= run.end for finding in run.replayed.findings),
        "alerts": _alerts(run),
        "incidents": _incidents(run.caught),
        "desk": _verdicts(run.verdicts),
        "curves": [_curve(run.rule, curve) for curve in run.curves],
        "seconds": round(run.seconds, 2),
    }
    if run.proposal is not None:
        told["proposal"] = _proposal(run.rule, run.proposal)
    if run.against is not None and run.difference is not None:
        told["against"] = _against(run.against, run.difference)
    return told


def _rule(run: LabRun) -> dict[str, Any]:
    rule, detector = run.rule, run.detector
    kind = detector.name if detector is not None else rule.condition.type
    told = {"id": rule.id, "title": rule.title, "version": rule.version, "type": kind}
    return told | {"level": rule.rank, "group_by": list(rule.group_by)}


def _alerts(run: LabRun) -> dict[str, Any]:
    days = run.a_day
    totals = sorted(counts.total() for counts in days.values())
    levels = Counter(alert.level for alert in run.alerts)
    return {
        "total": len(run.alerts),
        "withdrawn": sum(alert.gone for alert in run.alerts),
        "a_day": {
            "mean": round(len(run.alerts) / run.days, 3),
            "p50": _quantile(totals, 0.5),
            "p95": _quantile(totals, 0.95),
            "most": totals[-1],
        },
        "a_shift": round(len(run.alerts) / run.days / SHIFTS_A_DAY, 3),
        "by_level": {str(level): levels[level] for level in (4, 3, 2, 1)},
        "calendar": [
            {"day": day.isoformat(), "alerts": counts.total(), "levels": {str(n): counts[n] for n in sorted(counts)}}
            for day, counts in days.items()
        ],
        "newest": [_alert(alert) for alert in run.alerts[: -MOST_EXAMPLES - 1 : -1]],
    }


def _quantile(ordered: Sequence[int], share: float) -> int:
    """The smallest value that this share of them does not exceed."""
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _alert(alert: LabAlert) -> dict[str, Any]:
    return {
        "first_at": iso_beijing(alert.first_at),
        "level": alert.level,
        "title": alert.title,
        "reason": alert.reason,
        "withdrawn": alert.gone,
        "documents": list(alert.rests_on[:10]),
        "documents_total": len(alert.rests_on),
    }


def _incidents(found: Sequence[Catch]) -> dict[str, Any]:
    kinds = dict.fromkeys(catch.incident.what for catch in found)
    missed = [catch for catch in found if catch.at is None]
    first = sorted((catch for catch in found if catch.lead is not None), key=lambda catch: -(catch.lead or 0.0))
    return {
        **_caught(found),
        "confirmed_by_desk": _caught([catch for catch in found if catch.incident.confirmed]),
        "by_type": {kind: _caught([catch for catch in found if catch.incident.what == kind]) for kind in kinds},
        "earliest": [_catch(catch) for catch in first[:MOST_EXAMPLES]],
        "missed": [_catch(catch) for catch in missed[: -MOST_EXAMPLES - 1 : -1]],
    }


def _caught(found: Sequence[Catch]) -> dict[str, Any]:
    told = caught_of(found)
    return {
        "known": told.known,
        "caught": told.caught,
        "ahead": told.ahead,
        "recall": _rounded(told.recall, 4),
        "median_lead_hours": _rounded(told.median_lead, 1),
    }


def _catch(catch: Catch) -> dict[str, Any]:
    incident = catch.incident
    return {
        "type": incident.what,
        "at": iso_beijing(incident.at),
        "firm": incident.firm,
        "product": incident.family,
        "document": incident.documents[0] if incident.documents else None,
        "alerted_at": iso_beijing(catch.at) if catch.at is not None else None,
        "lead_hours": _rounded(catch.lead, 1),
    }


def _verdicts(told: Verdicts) -> dict[str, Any]:
    share = wilson(told.confirmed, told.confirmed + told.false)
    return {
        "confirmed": told.confirmed,
        "false": told.false,
        "duplicate": told.duplicate,
        "unmarked": told.unmarked,
        **_share(share, "confirmed_share"),
    }


def _share(share: tuple[float, float, float] | None, name: str) -> dict[str, Any]:
    middle, low, high = share or (None, None, None)
    return {name: _rounded(middle, 4), f"{name}_low": _rounded(low, 4), f"{name}_high": _rounded(high, 4)}


def _curve(rule: Rule, curve: Curve) -> dict[str, Any]:
    points = [{"value": plain(rule, curve.knob, p.thresholds[curve.knob]), **_point(p)} for p in curve.points]
    return {"threshold": curve.knob, "own": plain(rule, curve.knob, curve.own), "points": points}


def _point(point: Point) -> dict[str, Any]:
    caught = point.caught
    return {
        "alerts": point.alerts,
        "a_day": round(point.a_day, 3),
        "a_shift": round(point.a_shift, 3),
        "known": caught.known,
        "caught": caught.caught,
        "ahead": caught.ahead,
        "recall": _rounded(caught.recall, 4),
        "median_lead_hours": _rounded(caught.median_lead, 1),
        "confirmed": point.verdicts.confirmed,
        "false": point.verdicts.false,
        **_share(point.precision, "precision"),
    }


def _proposal(rule: Rule, proposal: Proposal) -> dict[str, Any]:
    def told(point: Point | None) -> dict[str, Any] | None:
        if point is None:
            return None
        values = {knob: plain(rule, knob, value) for knob, value in point.thresholds.items()}
        return {"thresholds": values, **_point(point), "yaml": yaml_of(rule, values)}

    return {
        "budget_a_shift": proposal.budget,
        "recall_floor": proposal.floor,
        "tried": proposal.tried,
        "chosen": told(proposal.point),
        "within_budget": told(proposal.within),
        "above_floor": told(proposal.above),
    }


def yaml_of(rule: Rule, thresholds: dict[str, float]) -> str:
    """The part of the rule file that these thresholds stand in, to paste."""
    if "threshold" in thresholds and not hasattr(rule.condition, "threshold"):  # a detector on its own
        return yaml.safe_dump(dict(thresholds), sort_keys=False)
    turned = {name: value for name, value in thresholds.items() if name != "min_level"}
    condition = rule.condition.model_copy(update=turned).model_dump(exclude_defaults=True)
    condition["type"] = rule.condition.type
    content: dict[str, Any] = {}
    if "min_level" in thresholds:
        content["scope"] = rule.scope.model_dump(mode="json", exclude_defaults=True)
        content["scope"]["min_level"] = thresholds["min_level"]
    content["condition"] = {name: _written(value) for name, value in condition.items()}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=None)


def _written(value: Any) -> Any:
    if hasattr(value, "total_seconds"):
        return format_duration(value)
    if isinstance(value, dict):
        return {name: _written(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_written(each) for each in value]
    return str(value) if isinstance(value, str) else value  # a kind is written by its name


def plain(rule: Rule, knob: str, value: float) -> float:
    """A threshold as it is written: whole where it counts things."""
    whole = knob in WHOLE and not (rule.condition.type == "metric" and value != int(value))
    return int(value) if whole else round(value, 4)


def _against(other: LabRun, told: Difference) -> dict[str, Any]:
    def examples(alerts: Iterable[LabAlert]) -> list[dict[str, Any]]:
        return [_alert(alert) for alert in alerts]

    return {
        "rule": _rule(other),
        "alerts": len(other.alerts),
        "incidents": _caught(other.caught),
        "desk": _verdicts(other.verdicts),
        "only_this": told.only_a,
        "only_other": told.only_b,
        "both": told.both,
        "this_earlier": told.earlier,
        "this_later": told.later,
        "median_lead_hours": _rounded(told.median_lead, 1),
        "examples": {
            "only_this": examples(told.examples_a),
            "only_other": examples(told.examples_b),
            "both": [{"this": _alert(mine), "other": _alert(theirs)} for mine, theirs in told.examples_both],
        },
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
