"""The stages of a document from its page to the people who were told, and the first at which it stopped to count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.cards import Card, card_from, card_of
from alerts.matters import Matter
from alerts.mirrored import maybe_of
from alerts.replay import standing
from alerts.watches import watch_of
from alerts.why.answer import Evidence, Span, Stage
from alerts.why.muted import muted
from alerts.why.rule_misses import RuleBench, RuleMiss, rule_line
from alerts.why.telling import clock, source_name, told_stage
from alerts.why.world import World
from core.records import LEVEL_COLOURS, Analysis, Document, Mention, Signal
from nlp.near_duplicates import similarity
from pipelines.duplicates import Marks, overlaps
from store.alert_log import alerts_of_document, find_alert, standing_alert
from store.cards import cards_of
from store.documents import ANALYSED, DEDUPED, FETCHED, JUDGED, QUARANTINED, REFUSED, find_document, find_signal
from store.journey import Journey, findings_resting_on, journey_of

STAGE_WORDS = {FETCHED: "待去重", DEDUPED: "待研读", ANALYSED: "待判规则", JUDGED: "待写检索索引"}
NEGATED = {
    "negation": "否定", "hypothetical": "假设或提醒", "purpose": "整治目标", "metaphor": "比喻", "title": "书名或题名",
    "genre": "全文性质", "past": "旧案",
}  # fmt: skip
MOST_SPANS = 12


@dataclass(frozen=True)
class DocumentStages:
    """The stages of one stored document."""

    world: World
    db: Connection
    document: Document
    now: datetime

    def stages(self) -> Iterator[Stage]:
        """All stages in order; what comes after one that waits is left out."""
        journey = journey_of(self.db, self.document.id, self.document.revision)
        assert journey is not None  # it was just read
        yield self._crawled()
        yield self._origin(journey)
        signal = find_signal(self.db, self.document.id, self.document.revision)
        read = self._read(journey, signal)
        yield read
        if read.outcome == "waiting" or signal is None:
            return
        if read.outcome == "passed":
            yield from self._judged(journey, signal)
        yield from self._indexed(journey)

    # -- before the rules ------------------------------------------------------------------------------------------

    def _crawled(self) -> Stage:
        one = self.document
        evidence = [Evidence(f"地址 {one.url}")] if one.url else []
        if "date_guessed" in one.flags:
            evidence.append(Evidence(f"发布时间缺失或超前，按入库时间 {clock(one.event_time)} 计"))
        if one.revision > 1:
            evidence.append(Evidence(f"第 {one.revision} 版；此前各版自被替换起不再计入"))
        came = "收到" if one.source in self.world.handed_in else "抓取"
        told = f"{source_name(self.world, one.source)}，{clock(one.fetched_at)} {came}，发布 {clock(one.event_time)}"
        if one.withdrawn_at is not None:
            gone = f"{told}；原页面 {clock(one.withdrawn_at)} 起打不开，此后不再计入"
            return Stage("crawled", "抓取", "stopped", gone, tuple(evidence))
        return Stage("crawled", "抓取", "passed", told, tuple(evidence))

    def _origin(self, journey: Journey) -> Stage:
        if journey.stage == FETCHED:
            return self._queue("deduped", "去重", journey)
        origin = find_document(self.db, self.document.repost_of) if self.document.repost_of else None
        if origin is None:
            return Stage("deduped", "去重", "passed", "自有文字，计为独立来源")
        same = origin.content_hash == self.document.content_hash
        share = overlaps(self.db, {self.document.id: origin.id}).get(self.document.id)
        alike = similarity(_marks(self.document).signature, _marks(origin).signature)
        how = "文字相同" if same else f"相似度 {alike:.2f}" + (f"，{share:.0%} 的句子相同" if share is not None else "")
        numbers = {"similarity": round(alike, 4)} | ({"shared_sentences": round(share, 4)} if share is not None else {})
        first = f"《{origin.title}》（{source_name(self.world, origin.source)}，{clock(origin.event_time)}）"
        evidence = Evidence(f"首发 {first}", document=origin.id, numbers=numbers)
        return Stage("deduped", "去重", "stopped", f"转载自 {origin.id}：{how}，不另计独立来源", (evidence,))

    def _read(self, journey: Journey, signal: Signal | None) -> Stage:
        if journey.stage == QUARANTINED and not journey.error.startswith(f"{ANALYSED}:"):
            told = f"三次读不下去，已隔离：{journey.error[:300]}"
            return Stage("read", "研读", "stopped", told, (Evidence("修正后用 fengsui reanalyze 再读"),))
        if signal is None or journey.stage in (FETCHED, DEDUPED):
            return self._queue("read", "研读", journey)
        analysis = signal.analysis
        reasons = [Evidence(reason) for reason in analysis.reasons]
        spans = tuple(_spans((*analysis.mentions, *analysis.title_mentions), negated=not analysis.is_risk))
        numbers = {"score": analysis.score, "threshold": self.world.threshold}
        score = f"得分 {analysis.score:.2f}，需 {self.world.threshold:.2f}"
        if analysis.is_risk:
            first = Evidence(score, document=self.document.id, numbers=numbers, spans=spans)
            told = f"读作风险信号，单篇定级{LEVEL_COLOURS[analysis.level]}色"
            return Stage("read", "研读", "passed", told, (first, *reasons))
        denied = Evidence(_denied(analysis), document=self.document.id, numbers=numbers, spans=spans)
        more = (Evidence("它为被点名的企业澄清，会使相应的指控失效"),) if analysis.stance == "refutation" else ()
        return Stage("read", "研读", "stopped", f"读作非风险信号：{score}", (denied, *reasons, *more))

    def _queue(self, key: str, name: str, journey: Journey) -> Stage:
        words = STAGE_WORDS.get(journey.stage, journey.stage)
        told = f"{words}，前面还有 {journey.ahead} 件"
        evidence = (
            [Evidence(f"上次没有读成（第 {journey.attempts} 次）：{journey.error[:300]}")] if journey.error else []
        )
        if journey.busy:
            evidence.append(Evidence(f"正由 {journey.busy} 处理"))
        return Stage(key, name, "waiting", told, tuple(evidence))

    # -- the rules and after ---------------------------------------------------------------------------------------

    def _judged(self, journey: Journey, signal: Signal) -> Iterator[Stage]:
        if journey.stage == QUARANTINED:
            yield Stage("judged", "判规则", "stopped", f"三次判不下去，已隔离：{journey.error[:300]}")
            return
        if journey.stage == ANALYSED:
            yield self._queue("judged", "判规则", journey)
            return
        view = self.world.engine.view
        kept = [card_from(one) for one in cards_of(self.db, [self.document.id])]
        mine = next((card for card in kept if card.revision == self.document.revision), None)
        fresh = card_of(
            signal,
            view,
            number=journey.seq,
            watch=watch_of(self.db, signal, view),
            maybe=maybe_of(self.db, signal, view),
        )
        matter = self.world.matter_of(self.db, mine or fresh)
        yield self._valid(mine or fresh, matter)
        judged = frozenset((*mine.rules, *mine.before)) if mine else None
        known = (self.world.lexicon, self.world.desk_by_id)
        bench = RuleBench(view, *known, signal, fresh, journey.seq, matter, judged)
        yield from self._ruled(bench.misses(self.db))

    def _valid(self, card: Card, matter: Matter | None) -> Stage:
        """Whether what it says still stands: not refuted, and among those of its day that are counted."""
        if matter is None:
            return Stage("valid", "有效", "noted", "不归入某一事项，只由按类计数的规则计入")
        clearers = {clearer.at: clearer for clearer in matter.clearers}
        now = {one.document: one for one in standing(matter)}
        left = now.get(card.document)
        ended = left.until if left else card.at
        if left is not None and (ended is None or ended == card.until):
            return Stage("valid", "有效", "passed", f"所述事项共 {len(matter.documents)} 篇，未被澄清或更正")
        cleared = clearers.get(ended) if ended else None
        by = cleared or next(iter(matter.clearers), None)
        evidence = (Evidence(f"澄清：《{by.title}》（{clock(by.at)}）", document=by.document),) if by else ()
        told = f"所指已被澄清，{clock(ended)} 起不再计入" if ended else "所指已被澄清，不再计入"
        return Stage("valid", "有效", "stopped", told, evidence)

    def _ruled(self, misses: Sequence[RuleMiss]) -> Iterator[Stage]:
        rested = findings_resting_on(self.db, self.document.id)
        standing_now = [(finding, alert) for finding, alert, lost in rested if lost is None]
        lost = [(finding, gone) for finding, _, gone in rested if gone is not None]
        mine = {finding.rule for finding, _, _ in rested}
        near = tuple(_near(miss) for miss in misses if miss.rule.id not in mine)
        fired = [
            Evidence(finding.reason, rule=finding.rule, alert=alert or "", numbers=finding.numbers)
            for finding, alert in standing_now
        ]
        holding = alerts_of_document(self.db, self.document.id)
        if fired:
            told = f"{len(fired)} 次触发，规则{'、'.join(dict.fromkeys(self._title(one.rule) for one in fired))}"
            yield Stage("rules", "规则", "passed", told, (*fired, *near))
        elif lost:
            told = f"曾触发，依据已于 {clock(lost[-1][1])} 撤回、更正或被澄清"
            gone = tuple(Evidence(finding.reason, rule=finding.rule) for finding, _ in lost)
            yield Stage("rules", "规则", "stopped", told, (*gone, *near))
        elif holding:
            yield Stage("rules", "规则", "passed", "自身没有触发规则，作为同一事项的信号计入预警", near)
        else:
            nearest = f"，最接近的是{rule_line(misses[0])}" if misses else "：没有装上任何规则"
            yield Stage("rules", "规则", "stopped", f"没有一条规则触发{nearest}", near)
        yield from self._grouped([one for finding, one in standing_now if one], [alert.id for alert in holding])

    def _title(self, rule_id: str) -> str:
        rule = self.world.rule(rule_id)
        return f"「{rule.title}」" if rule else rule_id

    def _grouped(self, of_findings: Sequence[str], holding: Sequence[str]) -> Iterator[Stage]:
        ids = list(dict.fromkeys((*holding, *of_findings)))
        evidence: list[Evidence] = []
        stages: list[Stage] = []
        for alert_id in ids:
            alert = find_alert(self.db, alert_id)
            holder = standing_alert(self.db, alert) if alert else None
            if alert is None or holder is None or not self.world.sees(holder):
                continue
            merged = f"，由 {alert.number} 并入" if holder.id != alert.id else ""
            first = "，由它开启" if alert.documents[:1] == (self.document.id,) else ""
            state = self.world.state_word(holder.state)
            evidence.append(Evidence(f"{holder.number} {holder.title}（{state}{merged}{first}）", alert=holder.id))
            stages += [*muted(self.db, holder, self.now), told_stage(self.world, self.db, holder, self.now)]
        if evidence:
            yield Stage(
                "grouped", "归入预警", "passed", "、".join(one.text.split()[0] for one in evidence), tuple(evidence)
            )
            yield from stages

    def _indexed(self, journey: Journey) -> Iterator[Stage]:
        """The index holds back no warning: it is told apart and stops nothing."""
        if journey.stage == REFUSED:
            told = f"索引拒收，检索不到；预警不受影响：{journey.error[:300]}"
            yield Stage("indexed", "检索索引", "noted", told, (Evidence("修正后用 fengsui index retry 重写"),))
        elif journey.stage == JUDGED:
            yield Stage("indexed", "检索索引", "noted", f"待写入，前面还有 {journey.ahead} 件；预警不受影响")


def _near(miss: RuleMiss) -> Evidence:
    """A rule that no finding of this document is of."""
    again = "；已由前后的一次触发涵盖" if miss.why == "fired" else ""
    return Evidence(rule_line(miss) + again, rule=miss.rule.id, numbers=miss.numbers)


def _marks(document: Document) -> Marks:
    return Marks.of(document.title, document.text)


def _spans(mentions: Sequence[Mention], *, negated: bool) -> Iterator[Span]:
    """What counted, or with `negated` what was denied, each word where it stands first; issues before the rest."""
    chosen = [one for one in mentions if one.negated == negated] or list(mentions)
    first: dict[tuple[str, str], Mention] = {}
    for one in chosen:
        first.setdefault((one.type.value, one.text), one)
    for one in sorted(first.values(), key=lambda one: (one.type.value != "issue", one.start))[:MOST_SPANS]:
        yield Span(one.start, one.end, one.text, one.type.value, one.id_or_norm, one.negated)


def _denied(analysis: Analysis) -> str:
    """What kept it from being a signal: words that were denied, feared, drilled or advertised."""
    denied = [one for one in (*analysis.title_mentions, *analysis.mentions) if one.negated]
    if not denied:
        return "没有断言的风险：没有写明产品出了什么问题"
    words = "、".join(dict.fromkeys(f"“{one.text}”（{NEGATED.get(one.rule, one.rule)}）" for one in denied[:6]))
    return f"未计入：{words}"
