"""A paragraph in other words, by a model on one's own machines behind an OpenAI-compatible address; off as shipped.

The model may change words and nothing else: sentence by sentence the numbers, quotations, negations, words of doubt and
what the sentence rests on must come back, no forbidden word may appear, and in time; otherwise the original stays.
"""

import ipaddress
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from core.asking import Elsewhere, Unresolved, ask
from core.errors import ConfigError
from core.internet import is_own
from reports.papers.record import BLANK, Content, Paragraph, Said
from reports.papers.said import KINDS
from reports.papers.words import QUOTED, forbidden

logger = logging.getLogger(__name__)
MOST_BYTES, MOST_TEXT, SECONDS, MOST_PARAGRAPHS = 64_000, 1500, 20.0, 4
MARK = re.compile(r"〔(\d+)〕")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*%?|[〇零一二三四五六七八九十百千万亿两]+(?=[人个条起家批件次年月日时分台辆户])")
KEPT = re.compile(
    r"待核实|待核|网传|投诉人反映|据|报道|通报|标称|涉嫌|非生产安全事故等级|非突发事件预警级别|不代表总体|不|未|无|没有|红|橙|黄|蓝"
)
"""Words that say how sure something is, who says it, or the opposite: as many as before."""
LABELS = (*sorted(KINDS.values(), key=len, reverse=True), "转载", "独立来源", "可读", "死亡", "受伤", "失联")
COUNTED = re.compile("|".join((NUMBER.pattern, *LABELS, "[红橙黄蓝]")))
"""Numbers and what they count: in the same order as before, else a count would tell of another thing."""
ASK = (
    "你是公文文字编辑。只调整语序和措辞，使语句通顺简洁。不得增加、删除或改变任何数字、日期、名称、引文、否定词和“待核实”等限定词；"
    "每句末尾的〔编号〕原样保留、次序不变。只输出改写后的文字。"
)
UNREACHED = (Unresolved, Elsewhere, httpx.HTTPError)
LOCAL = (".local", ".internal", ".lan", ".localdomain")


@dataclass(frozen=True)
class Rephraser:
    """url: up to /v1.  Raises ConfigError where it is no address of one's own network."""

    url: str
    model: str
    key: SecretStr | None = None
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not _own(parts.hostname):
            raise ConfigError(["FENGSUI_REPHRASE_URL：须是本机或内网的 http(s) 地址，如 http://127.0.0.1:11434/v1"])

    def paper(self, content: Content) -> Content:
        """The paper with its marked paragraphs in other words, as far as that went well and in time."""
        until, left = time.monotonic() + self.seconds, MOST_PARAGRAPHS
        sections = []
        for section in content.sections:
            blocks = []
            for block in section.blocks:
                if isinstance(block, Paragraph) and block.rephrase and left and time.monotonic() < until:
                    left -= 1
                    said = self.said(block.said, until=until)
                    block = replace(block, said=said, reworded=said != block.said)
                blocks.append(block)
            sections.append(replace(section, blocks=tuple(blocks)))
        return replace(content, sections=tuple(sections))

    def said(self, said: tuple[Said, ...], *, until: float) -> tuple[Said, ...]:
        """The sentences in other words, each with what it rests on; the same ones where anything is wrong."""
        text = "".join(f"{one.text}〔{number}〕" for number, one in enumerate(said, start=1))
        if len(text) > MOST_TEXT or MARK.search("".join(one.text for one in said)) or BLANK.search(text):
            return said
        try:
            answer = self._ask(text, until)
        except (*UNREACHED, ValueError, KeyError, IndexError, TypeError, RecursionError) as problem:
            logger.warning(
                "paragraph kept as it was: the model did not answer as it should (%s)", type(problem).__name__
            )
            return said
        parts = _parts(answer, len(said))
        wrong = "the marks changed" if parts is None else _wrong(said, parts)
        if parts is None or wrong:
            logger.warning("paragraph kept as it was: %s", wrong)
            return said
        return tuple(replace(one, text=part) for one, part in zip(said, parts, strict=True))

    def _ask(self, text: str, until: float) -> str:
        headers = {"Authorization": f"Bearer {self.key.get_secret_value()}"} if self.key else {}
        body = {
            "model": self.model, "temperature": 0, "stream": False, "max_tokens": 2 * MOST_TEXT,
            "messages": [{"role": "system", "content": ASK}, {"role": "user", "content": text}],
        }  # fmt: skip
        wait = max(0.5, until - time.monotonic())
        answer = ask(
            "POST", f"{self.url.rstrip('/')}/chat/completions", may=is_own, seconds=wait, most=MOST_BYTES,
            headers={"Content-Type": "application/json", **headers}, body=json.dumps(body).encode(), timeout=wait,
        )  # fmt: skip
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        if answer.cut:
            raise ValueError("too long")
        content = json.loads(answer.body)["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise TypeError("no text")
        return content.strip()


def _own(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(LOCAL)
    return is_own(address)


def _parts(answer: str, count: int) -> list[str] | None:
    """What stands before each mark; None where the marks are not 1, 2, 3, ... with nothing behind the last."""
    if [int(number) for number in MARK.findall(answer)] != list(range(1, count + 1)):
        return None
    *parts, rest = MARK.split(answer)[::2]
    return None if rest.strip() or not all(part.strip() for part in parts) else [part.strip() for part in parts]


def _wrong(said: Sequence[Said], parts: Sequence[str]) -> str:
    """Why the new words must not stand; empty where they may."""
    for one, part in zip(said, parts, strict=True):
        if any(not letter.isprintable() for letter in part) or len(part) > 2 * len(one.text) + 20:
            return "a sentence grew or holds what cannot be printed"
        for pattern, what in ((NUMBER, "a number"), (QUOTED, "a quotation"), (KEPT, "a word of doubt or denial")):
            if Counter(pattern.findall(part)) != Counter(pattern.findall(one.text)):
                return f"{what} changed"
        if COUNTED.findall(part) != COUNTED.findall(one.text):
            return "a number stands with another word"
        if forbidden(part):
            return "a word that papers do not use"
    return ""
