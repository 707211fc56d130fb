"""Pages that could hold up everybody: what might take long to parse is first parsed in a process that may be killed.

HTML's rules for nesting and for unclosed tags let a small page ask for work, or for a tree, that grows with its square.
A count that can only be too high lets usual pages pass; the few others are tried out (crawlers/trial.py).
"""

import re
import subprocess
import sys
from pathlib import Path

from core.errors import SourceChanged

SMALL = 5_000
"""Characters of a text in which nothing can go far wrong."""
MANY_OPEN = 8_000
"""Elements that may stand inside each other: their square takes half a second."""
MANY_NODES = 4_000_000
"""Formatting tags that may be open at once, times the places where they are repeated."""
TRIED_FOR = 30.0
"""Seconds on the clock, for a machine under load; the trial itself counts its own processor time."""
TRIAL = Path(__file__).with_name("trial.py")
NESTING = re.compile(
    r"<(?!(?:p|td|th|tr|li|dd|dt|option|br|img|input|meta|link|hr|a|script|style|col|wbr)[\s/>])[a-z]", re.IGNORECASE
)
"""Starts of elements that do not end by themselves."""
FOREIGN = re.compile(r"<(?:svg|math)\b", re.IGNORECASE)
"""Inside these, every element nests."""
FORMATTING = re.compile(
    r"<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)"
    r"(?=[\s/>])((?:\s++[\w:-]++(?:=(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>`=]++))?+)*+\s*+>)?+",
    re.IGNORECASE,
)
"""Elements that are opened again after a block has ended, thrice at most where they are spelt alike."""
ATTRIBUTE = r"""[\s/]*+[^\s/>][^\s/>=]*+\s*+(?:=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
START = re.compile(rf"<[a-z][^\s/><]*+(?:{ATTRIBUTE})*+", re.IGNORECASE)
"""A tag with its attributes, or what looks like one in a comment or a script."""
MANY_ATTRIBUTES = re.compile(rf"<[a-z][^\s/><]*+(?:{ATTRIBUTE}){{1000}}", re.IGNORECASE)
LONG_START = 3_000
MANY_HIDDEN = 2_000
"""Tags inside of what looks like a tag."""


class TooHeavy(SourceChanged):
    """A page that nobody could show either: its parsing takes too long or too much memory."""


def check_weight(markup: str) -> None:
    """Raises TooHeavy for markup that must not be parsed here."""
    if is_suspect(markup) and (why := try_out(markup)):
        raise TooHeavy(f"the page cannot be parsed safely: {why}")


def is_suspect(markup: str) -> bool:
    """Whether parsing might take more than about a second. Takes a fraction of the time that parsing takes."""
    if len(markup) <= SMALL:
        return False
    tags = markup.count("<")
    if tags > MANY_OPEN and (FOREIGN.search(markup) or len(NESTING.findall(markup)) > MANY_OPEN):
        return True
    if tags * tags * 3 > MANY_NODES:
        spellings = FORMATTING.findall(markup)
        alike = set(spellings) - {""}
        if (3 * len(alike) + spellings.count("")) * tags > MANY_NODES:
            return True
    return _has_many_attributes(markup)


def _has_many_attributes(markup: str) -> bool:
    """Whether a tag may have a thousand attributes, each of which is compared with all before it.

    What looks like a tag may hide the start of a real one (`<!-- <a b=" --><div c=">" ...`): these are looked at, too.
    """
    hidden = 0
    for match in START.finditer(markup):
        place, end = match.span()
        if end - place > LONG_START and MANY_ATTRIBUTES.match(markup, place):
            return True
        while (place := markup.find("<", place + 1, end)) >= 0:
            hidden += 1
            if hidden > MANY_HIDDEN or MANY_ATTRIBUTES.match(markup, place):
                return True
    return False


def try_out(markup: str) -> str | None:
    """Parse in a process with little time and memory: why it came to no good end, or None."""
    command = [sys.executable, "-I", str(TRIAL)]
    try:
        ended = subprocess.run(
            command, input=markup.encode("utf-8", "replace"), capture_output=True, timeout=TRIED_FOR, check=False
        )
    except subprocess.TimeoutExpired:
        return "it takes too long"
    if ended.returncode == 0:
        return None
    told = ended.stdout.decode("utf-8", "replace").strip()
    return told or "it takes too long or too much memory (nested or unclosed tags, or attributes, by the thousand)"
