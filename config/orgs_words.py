"""The words of orgs.yaml: addressees, the conditions under `when`, the acts under `action`. What is unknown is refused.

- addressee: a bureau of the alert (县级局), a division or office by name; `(人工…)` behind it asks for a person
- when: parts joined by 或, `issue 含 transfer`, `level>=3`, `敏感舆情 (opinion)`, 涉 and things joined by `/`
- action: parts joined by 并, 或, blanks: 不派单, 移送…, 转…, 抄报…
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from config.lexicon import Lexicon
from config.org_records import Addressee, Organisation, Place
from config.orgs_file import Asked

PLACES: Mapping[str, Place] = {
    "县级局": Place.COUNTY,
    "设区市局": Place.PREFECTURE,
    "省局": Place.PROVINCE,
    "省局默认台": Place.PROVINCE,
    "对方省级局": Place.ELSEWHERE,
    "生产者所在地县级局": Place.MAKER,
    "事发/销售地县级局": Place.SCENE,
    "事发地县级局": Place.SCENE,
    "销售地县级局": Place.SELLER,
    "按制度责任处室": Place.LEAD,
}
NOTE = re.compile(r"(?P<word>.*?\S)\s*[(（](?P<note>[^()（）]*)[)）]")
PERSON = "人工"
ISSUE = re.compile(r"(?:issues?|问题)\s*(?:含|包含|有)\s*(?P<id>\w+)", re.IGNORECASE)
LEVEL = re.compile(r"(?:level|级别)\s*(?:>=|≥|＞=|不低于)\s*(?P<level>[1-4])", re.IGNORECASE)
HAND_OVER = re.compile(r"(?:按(?:规定|程序|制度))?(?:移送|移交|转交|转办|转)(?P<to>.+)")
COPY = re.compile(r"(?:抄报|抄送|通报|报送)(?P<to>.+)")
NO_DISPATCH = "不派单"
BUREAU = re.compile(r"\{(?:name|short)\}[\u4e00-\u9fff]*局")


class Unknown(ValueError):
    """What is not understood, and what is accepted."""


@dataclass(frozen=True)
class Acts:
    """What an `action` asks for: words of addressees."""

    hand_to: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    no_dispatch: bool = False


@dataclass(frozen=True)
class WordBook:
    """names: whoever has a name of their own.  places: further words for the bureaus of an alert.  words: of `when`."""

    names: Mapping[str, Organisation]
    places: Mapping[str, Place]
    words: Mapping[str, Asked]
    lexicon: Lexicon

    def addressee(self, text: str) -> Addressee:
        """Who is meant. Raises Unknown."""
        for word, note in (text.strip(), ""), split_note(text):
            who = self.names.get(word) or PLACES.get(word) or self.places.get(word)
            if who is not None:
                return Addressee(text, who, note if PERSON in note else "")
        accepted = ", ".join((*PLACES, *dict.fromkeys(one.name for one in self.names.values())))
        raise Unknown(
            f"{text!r} is nobody known (accepted: {accepted}; other offices: add them to `offices` of orgs_more.yaml)"
        )

    def asked(self, when: str) -> tuple[Asked, ...]:
        """What a `when` asks: one of them is enough. Raises Unknown."""
        return tuple(asked for part in when.split("或") if part.strip() for asked in self._asked(part.strip()))

    def _asked(self, part: str) -> Iterator[Asked]:
        issue, level = ISSUE.fullmatch(part), LEVEL.fullmatch(part)
        if issue:
            yield Asked(issues=(self._issue(issue["id"]),))
        elif level:
            yield Asked(level=int(level["level"]))
        elif part in self.words:
            yield self.words[part]
        else:
            word, note = split_note(part)
            if note in self.lexicon.issues:
                yield Asked(issues=(note,))
                return
            for thing in re.split(r"[/、\s]+", word.removeprefix("涉及").removeprefix("涉")):
                yield self._thing(thing, part)

    def _thing(self, word: str, part: str) -> Asked:
        if word in self.words:
            return self.words[word]
        products = self.lexicon.products.values()
        if len(word) > 1 and any(word in name for one in products for name in (one.name, *one.terms)):
            return Asked(goods=(word,))
        known = ", ".join(self.words)
        raise Unknown(
            f"{part!r}: {word!r} cannot be checked (accepted: issue 含 <id>, level>=N, a word of a product, {known};"
            " other words: add them to `words` of orgs_more.yaml)"
        )

    def _issue(self, issue: str) -> str:
        if issue not in self.lexicon.issues:
            raise Unknown(f"{issue!r} is no known issue (accepted: {', '.join(self.lexicon.issues)})")
        return issue

    def acts(self, action: str) -> Acts:
        """What an `action` asks for. Raises Unknown."""
        hand_to, copies, nothing = [], [], False
        for part in filter(None, re.split(r"[\s，,；;并或]+", action)):
            over, copied = HAND_OVER.fullmatch(part), COPY.fullmatch(part)
            if part == NO_DISPATCH:
                nothing = True
            elif over:
                hand_to.append(over["to"])
            elif copied:
                copies.append(copied["to"])
            else:
                raise Unknown(f"{part!r} is no known act (accepted: 不派单, 移送…, 转…, 抄报…, 抄送…)")
        return Acts(tuple(hand_to), tuple(copies), nothing)


def split_note(text: str) -> tuple[str, str]:
    """A word and what stands in parentheses behind it: `总局(人工报送)`."""
    found = NOTE.fullmatch(text.strip())
    return (found["word"], found["note"].strip()) if found else (text.strip(), "")


def bureau_forms(rule: str) -> tuple[str, ...]:
    """The ways in which a rule says bureaus are called, those with the full name first: `{name}市场监督管理局`."""
    return tuple(sorted(dict.fromkeys(BUREAU.findall(rule)), key=lambda form: "{name}" not in form))


def wrong_words(asked: Iterable[tuple[str, Asked]], lexicon: Lexicon, schemes: Iterable[str]) -> Iterator[str]:
    """What is wrong with the `words` of a file: `words.刑.issues: ...`."""
    known = {"issues": tuple(lexicon.issues), "schemes": tuple(schemes)}
    for word, one in asked:
        if one == Asked():
            yield f"words.{word}: asks nothing (accepted: level, issues, schemes, goods, text)"
        for key, accepted in known.items():
            for value in getattr(one, key):
                if value not in accepted:
                    yield f"words.{word}.{key}: {value!r} is unknown (accepted: {', '.join(accepted)})"
