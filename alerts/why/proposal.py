"""What would have caught a missed event: a rule, a source, words. A person opens each of them, none is applied."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from alerts.why.answer import Answer, Evidence, Stage
from alerts.why.uncrawled import inside
from config.rules import DESK_RULE
from core.records import Signal
from crawlers.urls import host_of

MOST_RULES = 2


@dataclass(frozen=True)
class Proposal:
    """One change. why: what it would have done.  link, word: where it is made.  draft: a text to copy."""

    title: str
    why: str
    link: str = ""
    word: str = ""
    draft: str = ""


def proposals(answer: Answer, signal: Signal | None) -> tuple[Proposal, ...]:
    """The changes for the stage where it stopped, the likeliest first; none where it went into an alert.

    signal: the document as it was read; None where there is none.
    """
    stop = answer.stop
    if stop is None or answer.about == "alert":
        return ()
    if stop.outcome == "waiting":
        return (Proposal("等它读完", "它还在排队，不是丢失；久等不动请看系统状态", "/status", "系统状态"),)
    if stop.key == "crawled":
        return tuple(_source(answer, stop))
    if stop.key == "deduped":
        return tuple(_origin(stop))
    if stop.key == "read":
        return tuple(_reading(stop, signal))
    if stop.key == "valid":
        return tuple(_cleared(stop))
    return tuple(_rules(stop, signal)) if stop.key == "rules" else ()


def _source(answer: Answer, stop: Stage) -> Iterator[Proposal]:
    if answer.about == "nothing":
        return
    if answer.about == "document":
        yield Proposal("留下打不开之前的内容", "原页面已撤下；已存的版本仍在", f"/documents/{answer.id}", "原文存档")
        return
    if not stop.evidence and inside(host_of(answer.title)):
        return
    keys = [found[1] for one in stop.evidence if (found := re.search(r"（([a-z0-9_]+)）", one.text))]
    for key in dict.fromkeys(keys):
        yield Proposal(f"看信源 {key} 为什么没有带回它", "这个网站已在收录之内", f"/sources/{key}", "信源")
    yield Proposal(
        "收录它所在的栏目",
        "嗅探这个地址，写出停用的草稿并试采；草稿核对后放进 config/sources",
        draft=f"fengsui source new {_quoted(answer.title)}",
    )
    yield Proposal("草稿的开头", "没有嗅探条件时由此改起", draft=_draft(answer.title))


def _quoted(address: str) -> str:
    """For a shell: nothing of an address may be read as a command."""
    return "'" + address.replace("'", "%27") + "'"


def _draft(address: str) -> str:
    host = host_of(address) or "host"
    folder = re.sub(r"[^/]*$", "", address.split("?")[0].split("#")[0]) or address
    lines = (
        f"title: {host} 栏目", "family: html_list", "kind: news", f"list_url: {folder}", "every: 2h", "enabled: false",
        "expect: {min_items: 5, newest_within: 30d}",
    )  # fmt: skip
    return "\n".join(lines)


def _origin(stop: Stage) -> Iterator[Proposal]:
    for one in stop.evidence[:1]:
        if one.document:
            yield Proposal("看首发那篇走到哪一步", "转载不另计，要看的是首发", f"/why?q={one.document}", "追查首发")


def _reading(stop: Stage, signal: Signal | None) -> Iterator[Proposal]:
    if signal is None:
        yield Proposal("修正后再读", stop.sentence, draft="fengsui reanalyze")
        return
    spans = [span for one in stop.evidence for span in one.spans]
    denied = [span.text for span in spans if span.negated]
    if denied:
        words = "、".join(f"“{word}”" for word in dict.fromkeys(denied[:3]))
        yield Proposal(
            "核对这句是否真的否定",
            f"{words}被当作否定、担心、演练或科普，没有计入；若确是风险，把它的说法加进词表后重读",
            f"/documents/{signal.document.id}",
            "看原文",
        )
    if not any(span.type == "issue" for span in spans):
        yield Proposal(
            "给风险词表加上这里的说法",
            "词表里没有这篇的风险说法，加上后 fengsui reanalyze 重读",
            draft=f"# config/lexicons/issues_more.yaml\nissues:\n- {{id: 问题编号, cues: [{_longest(signal)}]}}",
        )
    yield Proposal(
        "看同样说法的还有几篇",
        "按原文的词检索近 90 日；多篇都读作不是风险，才值得改词表",
        f"/search?{urlencode({'q': _words(signal), 'from': '90d'})}",
        "检索",
    )


def _words(signal: Signal) -> str:
    """The document's own words as a query."""
    longest = _longest(signal)
    return f'"{longest}"' if longest else ""


def _longest(signal: Signal) -> str:
    """The longest part of its title."""
    parts = re.split(r"[，。、：:！？!?\s“”\"《》【】（）()|｜\[\]{}]+", signal.document.title)
    return max(parts, key=len, default="")


def _cleared(stop: Stage) -> Iterator[Proposal]:
    for one in stop.evidence[:1]:
        yield Proposal("核对澄清是否可信", "所指已被澄清，指控因此不计", f"/documents/{one.document}", "看澄清")


def _rules(stop: Stage, signal: Signal | None) -> Iterator[Proposal]:
    for one in _near(stop):
        where = f"/rules/{one.rule}/edit" if one.rule.startswith(DESK_RULE) else f"/rules#{one.rule}"
        yield Proposal("放宽最接近的规则", one.text, where, "改这条规则" if "/edit" in where else "看这条规则")
    if signal is not None:
        yield Proposal(
            "新建一条规则",
            "条件已按这篇的产品和问题填好；先试过去 30 日再保存",
            f"/rules/new?{urlencode(_filters(signal))}",
            "打开规则",
        )


def _near(stop: Stage) -> list[Evidence]:
    return [one for one in stop.evidence if one.rule][:MOST_RULES]


def _filters(signal: Signal) -> dict[str, str]:
    """The search whose rule would have found it, as the address of a search."""
    analysis = signal.analysis
    wanted = {"product": analysis.primary_product or "", "issue": next(iter(analysis.issues), "")}
    given = {name: value for name, value in wanted.items() if value}
    return given if len(given) == len(wanted) else {"q": _words(signal), **given}
