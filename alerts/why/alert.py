"""Why this alert: its rule and numbers, the evidence, what gave the level, and what would change it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.cards import Card, card_from, card_of, people, victims
from alerts.facts import raise_by_facts, where_of
from alerts.mirrored import maybe_of
from alerts.rule_words import condition_in_words, rule_words
from alerts.watches import watch_of
from alerts.why.answer import Evidence, Span, Stage
from alerts.why.muted import muted
from alerts.why.rule_misses import RuleBench, rule_line
from alerts.why.telling import clock, source_name, told_stage
from alerts.why.world import World
from core.clock import parse_published
from core.records import LEVEL_COLOURS, Alert, Finding, Mention, Signal
from store.alert_log import alert_details, findings_of_alert, history_of
from store.cards import cards_of
from store.documents import arrival_number, find_signals

MOST_DOCUMENTS, MOST_SPANS = 8, 8
RAISES = {
    4: "死亡 3 人或重伤 10 人",
    3: "死亡 1 人、重伤 1 人、3 人受伤中毒、未成年人受伤，或涉及 3 个设区市（或外省）且有人受伤",
    2: "有人受伤或中毒、涉及学校医院等场所、涉及 2 个设区市，或由中央媒体报道",
}
"""What raises an alert to a level, when press or authorities tell it (alerts/facts.py)."""


@dataclass(frozen=True)
class AlertStages:
    """The stages of one stored alert."""

    world: World
    db: Connection
    alert: Alert
    now: datetime

    def stages(self) -> Iterator[Stage]:
        """What made it, in order."""
        findings = findings_of_alert(self.db, self.alert.id)
        signals = find_signals(self.db, self.alert.documents)
        kept = map(card_from, cards_of(self.db, self.alert.documents))
        cards = [card for card in kept if card.until is None and card.risk]
        yield self._rule(findings)
        yield self._evidence(signals)
        yield self._level(cards)
        yield self._change(findings, signals, cards)
        yield self._grouped(signals)
        yield from muted(self.db, self.alert, self.now)
        yield told_stage(self.world, self.db, self.alert, self.now)

    def _rule(self, findings: Sequence[Finding]) -> Stage:
        evidence = [self._finding(finding) for finding in sorted(findings, key=lambda one: (-one.level, one.fired_at))]
        rule = self.world.rule(self.alert.rule)
        if rule is None:
            evidence.append(Evidence(f"规则 {self.alert.rule} 现在没有装上", rule=self.alert.rule))
        else:
            evidence.append(Evidence(f"条件：{rule_words(rule, self.world.lexicon)}", rule=rule.id))
            evidence.append(Evidence(f"立规依据：{rule.why}", rule=rule.id))
        if not findings:
            evidence.append(Evidence("现在没有成立的触发：依据已撤回、更正或被澄清"))
        return Stage("rules", "规则", "noted", self.alert.reason, tuple(evidence))

    def _finding(self, finding: Finding) -> Evidence:
        rule = self.world.rule(finding.rule)
        changed = "，规则此后改过" if rule is not None and rule.version != finding.rule_version else ""
        told = f"{finding.rule} 版本 {finding.rule_version}{changed}，{clock(finding.fired_at)}：{finding.reason}"
        return Evidence(told, rule=finding.rule, numbers=finding.numbers)

    def _evidence(self, signals: Sequence[Signal]) -> Stage:
        origins = [signal for signal in signals if signal.document.repost_of is None] or list(signals)
        ranked = sorted(origins, key=lambda one: (-one.analysis.level, one.document.event_time))[:MOST_DOCUMENTS]
        shown = sorted(ranked, key=lambda one: one.document.event_time)
        evidence = tuple(self._document(signal) for signal in shown)
        copies = len(signals) - len(origins)
        told = f"独立来源 {self.alert.origins} 个，转载 {copies} 篇；列出最重的 {len(shown)} 篇"
        return Stage("evidence", "依据", "noted", told, evidence)

    def _document(self, signal: Signal) -> Evidence:
        document = signal.document
        told = f"{clock(document.event_time)} {source_name(self.world, document.source)}《{document.title}》"
        return Evidence(told, document=document.id, spans=tuple(_spans(signal.analysis.mentions)))

    def _level(self, cards: Sequence[Card]) -> Stage:
        details = alert_details(self.db, self.alert.id)
        whys = [*details.get("whys", ()), *("" for _ in details.get("steps", ()))]
        evidence = [
            Evidence(f"{clock(parse_published(at))} {LEVEL_COLOURS[level]}色：{why or '未记'}")
            for (at, level, _), why in zip(details.get("steps", ()), whys, strict=False)
        ]
        regions = self.world.lexicon.regions
        fact = raise_by_facts(cards, regions, where_of(regions))
        if fact.level:
            evidence.append(Evidence(f"事实定级{LEVEL_COLOURS[fact.level]}色：{fact.why}", document=fact.document))
        for row in history_of(self.db, self.alert.id):
            if row.action == "level":
                told = f"{row.actor} 于 {clock(row.at)} 调为{LEVEL_COLOURS[row.level]}色：{row.note or '未写理由'}"
                evidence.append(Evidence(told))
        unconfirmed = "，仅有自媒体信息，未经证实" if self.alert.unconfirmed else ""
        told = f"{LEVEL_COLOURS[self.alert.level]}色{unconfirmed}"
        return Stage("level", "级别", "noted", told, tuple(evidence))

    def _change(self, findings: Sequence[Finding], signals: Sequence[Signal], cards: Sequence[Card]) -> Stage:
        evidence = [*self._up(findings, cards), *self._near(signals), *self._down(findings)]
        return Stage("change", "怎样会变", "noted", "升级随事实自动发生，降级由人或官方澄清", tuple(evidence))

    def _up(self, findings: Sequence[Finding], cards: Sequence[Card]) -> Iterator[Evidence]:
        top = max((finding.level for finding in findings), default=0)
        if self.alert.unconfirmed and top > self.alert.level:
            yield Evidence(f"升：有媒体或官方证实，即为{LEVEL_COLOURS[top]}色")
        trusted = [card.hurt for card in cards if card.trusted]
        dead = max((people(hurt, "dead") for hurt in trusted), default=0)
        hurt = max(map(victims, trusted), default=0)
        now = f"现为死亡 {dead} 人、受伤中毒 {hurt} 人"
        for level, words in RAISES.items():
            if level > self.alert.level:
                yield Evidence(f"升：媒体或官方称{words}，即为{LEVEL_COLOURS[level]}色（{now}）")

    def _near(self, signals: Sequence[Signal]) -> Iterator[Evidence]:
        """Higher rules that count its newest signal already and want more."""
        if not signals:
            return
        newest = max(signals, key=lambda one: (one.document.repost_of is None, one.document.event_time))
        number = arrival_number(self.db, newest.document.id, newest.document.revision) or 0
        view = self.world.engine.view
        card = card_of(
            newest, view, number=number, watch=watch_of(self.db, newest, view), maybe=maybe_of(self.db, newest, view)
        )
        matter = self.world.matter_of(self.db, card)
        bench = RuleBench(view, self.world.lexicon, self.world.desk_by_id, newest, card, number, matter)
        for miss in bench.misses(self.db):
            if miss.why == "below" and miss.rule.rank > self.alert.level:
                told = f"升：规则{rule_line(miss)}，满足后为{LEVEL_COLOURS[miss.rule.rank]}色"
                yield Evidence(told, rule=miss.rule.id, numbers=miss.numbers)

    def _down(self, findings: Sequence[Finding]) -> Iterator[Evidence]:
        """What each rule's findings rest on; a rule that fired for many texts apart is told once."""
        by_rule: dict[str, list[Finding]] = {}
        for finding in findings:
            by_rule.setdefault(finding.rule, []).append(finding)
        for name, theirs in by_rule.items():
            yield from self._falls(name, theirs)

    def _falls(self, name: str, findings: Sequence[Finding]) -> Iterator[Evidence]:
        rule = self.world.rule(name)
        words = condition_in_words(rule.condition, self.world.lexicon) if rule else "原条件"
        called = f"规则「{rule.title}」" if rule else name
        alone = [finding for finding in findings if len(finding.documents) == 1]
        if len(alone) == 1:
            told = f"落：{called}只靠一篇，这篇撤回、更正或被澄清即不成立"
            yield Evidence(told, document=alone[0].documents[0], rule=name)
        elif alone:
            told = f"落：{called}由 {len(alone)} 篇各自触发，全部撤回、更正或被澄清才不成立"
            yield Evidence(told, document=alone[-1].documents[0], rule=name)
        for finding in findings:
            if len(finding.documents) > 1:
                told = f"落：{called}靠 {len(finding.documents)} 篇，撤回后不再满足“{words}”即不成立"
                yield Evidence(told, rule=name)

    def _grouped(self, signals: Sequence[Signal]) -> Stage:
        merged = [row for row in history_of(self.db, self.alert.id) if row.action == "merged"]
        sources = len({signal.document.source for signal in signals})
        told = f"{len(self.alert.documents)} 篇归为一条，出自 {sources} 个信源，首条 {clock(self.alert.first_at)}"
        evidence = tuple(Evidence(row.note) for row in merged)
        return Stage("grouped", "归并", "noted", f"{told}，状态{self.world.state_word(self.alert.state)}", evidence)


def _spans(mentions: Sequence[Mention]) -> Iterator[Span]:
    """What of a text counted, each word where it stands first: issues, then casualties, products and firms."""
    order = {"issue": 0, "casualty": 1, "product": 2, "enterprise": 3, "brand": 3}
    first: dict[tuple[str, str], Mention] = {}
    for one in mentions:
        if not one.negated and one.type.value in order:
            first.setdefault((one.type.value, one.text), one)
    for one in sorted(first.values(), key=lambda one: (order[one.type.value], one.start))[:MOST_SPANS]:
        yield Span(one.start, one.end, one.text, one.type.value, one.id_or_norm)
