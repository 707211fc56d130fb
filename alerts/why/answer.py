"""What `fengsui why` answers with: stages in order, each with its outcome, a sentence and its evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "stopped", "waiting", "noted"]
About = Literal["document", "alert", "address", "nothing"]
STOPS = ("stopped", "waiting")


@dataclass(frozen=True)
class Span:
    """A stretch of a text that counted (or not): text[start:end], code points of the stored text."""

    start: int
    end: int
    text: str
    type: str
    id: str | None
    negated: bool = False


@dataclass(frozen=True)
class Evidence:
    """One thing that tells why. document, alert, rule: what it is about, by id, for a link; empty for none.

    numbers: what was compared.  spans: of the document's text.
    """

    text: str
    document: str = ""
    alert: str = ""
    rule: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One stage. key: stable, for programs.  stopped: it stopped to count here.  waiting: its turn has not come."""

    key: str
    name: str
    outcome: Outcome
    sentence: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Other:
    """Something else that the question may have meant."""

    id: str
    title: str


@dataclass(frozen=True)
class Answer:
    """asked: as it was put.  id: of the document or alert (empty for none).  number: of the alert.

    alerts: numbers of the alerts it went into.  others: what the question fits besides.
    """

    asked: str
    about: About
    id: str
    title: str
    stages: tuple[Stage, ...]
    number: str = ""
    alerts: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()

    @property
    def stop(self) -> Stage | None:
        """The first stage where it stopped to count; None where it did not."""
        return next((stage for stage in self.stages if stage.outcome in STOPS), None)

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        if self.about == "alert":
            return self.stages[0].sentence if self.stages else self.title
        if self.stop is not None:
            return f"{self.stop.name}：{self.stop.sentence}"
        return f"已计入，见预警 {'、'.join(self.alerts)}" if self.alerts else "各阶段均已通过"


def answer_json(answer: Answer) -> dict[str, Any]:
    """What `fengsui why --json` prints."""
    return {
        "asked": answer.asked,
        "about": answer.about,
        "id": answer.id,
        "number": answer.number,
        "title": answer.title,
        "stopped_at": answer.stop.key if answer.stop and answer.about != "alert" else None,
        "sentence": answer.sentence,
        "alerts": list(answer.alerts),
        "stages": [_stage(stage) for stage in answer.stages],
        "others": [{"id": one.id, "title": one.title} for one in answer.others],
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "stage": stage.key,
        "name": stage.name,
        "outcome": stage.outcome,
        "sentence": stage.sentence,
        "evidence": [_evidence(one) for one in stage.evidence],
    }


def _evidence(one: Evidence) -> dict[str, Any]:
    told: dict[str, Any] = {"text": one.text}
    told |= {name: value for name in ("document", "alert", "rule") if (value := getattr(one, name))}
    if one.numbers:
        told["numbers"] = dict(one.numbers)
    if one.spans:
        told["spans"] = [vars(span) for span in one.spans]
    return told


MARKS: Mapping[Outcome, str] = {"passed": "√", "stopped": "×", "waiting": "…", "noted": "·"}


def answer_lines(answer: Answer, *, most: int = 12) -> Sequence[str]:
    """The same, to read. most: so many lines of evidence a stage."""
    lines = [f"{answer.number or answer.id}  {answer.title}" if answer.id else answer.title, answer.sentence, ""]
    for stage in answer.stages:
        lines.append(f"{MARKS[stage.outcome]} {stage.name}：{stage.sentence}")
        lines += [f"    {one.text}" for one in stage.evidence[:most]]
        if len(stage.evidence) > most:
            lines.append(f"    其余 {len(stage.evidence) - most} 条见 --json")
    if answer.others:
        lines += ["", "也可能指：", *(f"    {one.id}  {one.title}" for one in answer.others)]
    return lines


__all__ = ["Answer", "Evidence", "Other", "Outcome", "Span", "Stage", "answer_json", "answer_lines"]
