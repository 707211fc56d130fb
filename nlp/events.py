"""Whether two documents tell one story, and which story a new document joins: pure decisions on traits.

A story is kept by what happened and not by who is talked about: an accident of another day at the same firm is a new
one, unless a text tells of both. Two firms of the registry never share a story.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.clock import beijing
from nlp.event_traits import HAPPENING, LIST_OF_FIRMS, Traits

ENOUGH = 2.5
"""Points from which two documents tell one story; benchmarks/event_quality.py prints the figures around it."""
ALONE = 2.0
"""Points that will do where no other story comes near."""
SAME_DAY = 2  # days two accounts of one accident may differ: a morning paper still says “today” of yesterday
REACH = timedelta(days=75)
SUFFIX = re.compile(
    r"^NIL:|(?:股份|有限|责任|集团|总公司|分公司|公司|经营部|商行|商店|门市部|专卖店|营业部|制品厂|总厂|厂|店|站|行|部|中心)+$"
)


@dataclass(frozen=True)
class Bond:
    """How strongly two documents belong together. why: the points in words."""

    points: float
    why: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether they tell one story."""
        return self.points >= ENOUGH


NONE = Bond(-9.0)


@dataclass(frozen=True)
class Story:
    """What is known of an event: its firms of the registry, its accidents' days, the events it was parted from."""

    id: str
    firms: frozenset[str] = frozenset()
    accidents: frozenset[int] = frozenset()
    scenes: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """event: the one to join, None for a new one.  also: events that turn out to be the same.  bond: the best one.
    moves: documents that tell of this one's accident and stand in the event of an older one.
    """

    event: str | None
    bond: Bond
    like: str | None = None
    also: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()


def bond(a: Traits, b: Traits) -> Bond:
    """Points for what two documents share and against what parts them."""
    gap = abs(a.at - b.at)
    if gap > REACH:
        return NONE
    if a.origin == b.origin:
        return Bond(9.0, ("同一原文",))
    if a.listed and b.listed and a.listed != b.listed:
        return NONE
    if _clash(a.accidents, b.accidents):
        return NONE
    if _is_list(a) or _is_list(b):
        return Bond(4.0, ("同一批企业",)) if _same_list(a, b) else NONE
    points, why = _firm_points(a, b)
    days = gap / timedelta(days=1)
    close = points >= 3
    parts = [(points, why), _family_points(a, b, firm=close), _label_points(a, b), _wrong_points(a, b, firm=close)]
    if close:
        parts += [(-days / 30, ""), (-2.5 if _another_case(a, b) else 0.0, "")]
    else:
        if any(one.listed and not one.trusted and not other.firm for one, other in ((a, b), (b, a))):
            return NONE  # talk that accuses a firm must not give it to a story that names none
        parts += [_place_points(a, b), (0.5 if days <= 2 else -days / 10, ""), _heard_points(a, b)]
    if set(a.towns) & set(b.towns):
        parts.append((1.0, "同一地点"))
    if a.accidents and b.accidents:
        parts.append((1.0, "同日事故"))
    return Bond(round(sum(p for p, _ in parts), 2), tuple(word for p, word in parts if word and p > 0))


def _firm_points(a: Traits, b: Traits) -> tuple[float, str]:
    if a.name and b.name:
        if a.name == b.name or (not a.listed and not b.listed and same_name(a.name, b.name)):
            return 3.0, "同一企业"
        if a.name in b.named or b.name in a.named:
            return 3.0, "同一企业"
        return -2.0, ""
    return (3.0, "提及同一企业") if set(a.named) & set(b.named) else (0.0, "")


def _is_list(one: Traits) -> bool:
    return one.firm is None and len(one.named) >= LIST_OF_FIRMS


def _same_list(a: Traits, b: Traits) -> bool:
    shared = set(a.named) & set(b.named)
    return len(shared) > 1 and len(shared) / min(len(a.named), len(b.named)) >= 0.6


def _family_points(a: Traits, b: Traits, *, firm: bool) -> tuple[float, str]:
    if a.family and b.family:
        if a.family == b.family:
            return (2.0, "同一食品") if ":" in a.family else (1.0, "同一产品")  # one word says more than a category
        return (-1.5, "") if firm else (-3.0, "")
    return (0.5 if a.harm & b.harm & HAPPENING else 0.0), ""


def _label_points(a: Traits, b: Traits) -> tuple[float, str]:
    if set(a.labels) & set(b.labels):
        return 2.0, "同一型号"
    parted = (a.labels and not a.firm) or (b.labels and not b.firm)
    return (-2.0 if parted and (a.labels or a.firm) and (b.labels or b.firm) else 0.0), ""


def _wrong_points(a: Traits, b: Traits, *, firm: bool) -> tuple[float, str]:
    if a.harm & b.harm & HAPPENING:
        return 1.0, "同样的事故"
    if a.wrong & b.wrong:
        return 0.5, "同样的问题"
    parted = bool(a.wrong and b.wrong)
    return (-0.5 if parted and not firm else 0.0), ""


def _place_points(a: Traits, b: Traits) -> tuple[float, str]:
    counties = [{code for code in one.places if not code.endswith("00")} for one in (a, b)]
    if counties[0] & counties[1]:
        return 1.5, "同一区县"
    prefectures = [{code[:4] for code in one.places} for one in (a, b)]
    if counties[0] and counties[1]:
        bare = [{code[:4] for code in one.places if code.endswith("00")} for one in (a, b)]
        return (0.75, "同一设区市") if bare[0] & prefectures[1] or bare[1] & prefectures[0] else (-1.5, "")
    if prefectures[0] & prefectures[1]:
        return 0.75, "同一设区市"
    return (-2.0 if prefectures[0] and prefectures[1] else -0.5), ""


def _heard_points(a: Traits, b: Traits) -> tuple[float, str]:
    said = any(name in one.heard for one, other in ((a, b), (b, a)) for name in other.called)
    return (2.0, "提到同一名称") if said else (0.0, "")


def _another_case(a: Traits, b: Traits) -> bool:
    """A court or a sampling speaks of one thing, an accident or a lawsuit of another."""
    return (a.court != b.court and a.sampling != b.sampling) and not (a.wrong & b.wrong and a.labels == b.labels != ())


def same_name(a: str, b: str) -> bool:
    """Whether two names in no list may mean one firm: the shorter stands in the longer, without its legal form."""
    short, long = sorted((SUFFIX.sub("", SUFFIX.sub("", a)), SUFFIX.sub("", SUFFIX.sub("", b))), key=len)
    return len(short) >= 2 and short in long


def _clash(mine: Sequence[int] | frozenset[int], theirs: Sequence[int] | frozenset[int]) -> bool:
    return bool(mine and theirs) and not any(abs(a - b) <= SAME_DAY for a in mine for b in theirs)


def fits(mine: Traits, story: Story) -> bool:
    """Whether nothing speaks against the document being of this story."""
    if mine.listed and story.firms and mine.listed not in story.firms:
        return False
    return not _clash(mine.accidents, story.accidents)


def are_one(a: Story, b: Story, through: Traits) -> bool:
    """Whether two stories that a document belongs to are one. Two accidents are, where it tells of both."""
    if len(a.firms | b.firms | ({through.listed} if through.listed else set())) > 1:
        return False
    if a.id in b.apart or b.id in a.apart:
        return False
    if not _clash(a.accidents, b.accidents):
        return True
    days = through.accidents and not any(_clash(through.accidents, one.accidents) for one in (a, b))
    places = frozenset(through.places)
    return through.trusted and bool(days or (places & (a.scenes - b.scenes) and places & (b.scenes - a.scenes)))


def joined(a: Story, b: Story) -> Story:
    """Both as one, under the id of the first."""
    return Story(a.id, a.firms | b.firms, a.accidents | b.accidents, a.scenes | b.scenes, a.apart | b.apart)


def decide(mine: Traits, near: Sequence[tuple[Traits, str]], stories: Mapping[str, Story]) -> Decision:
    """Where a document belongs. near: documents with their events, any order; the answer does not depend on it."""
    best: dict[str, tuple[Bond, str]] = {}
    for other, event in near:
        if not fits(mine, stories[event]) or (not mine.risk and (other.at, other.document) > (mine.at, mine.document)):
            continue  # a text that is no risk of its own follows a story that was told before
        found = bond(mine, other)
        if found.points < ALONE:
            continue
        if event not in best or (found.points, other.document) > (best[event][0].points, best[event][1]):
            best[event] = (found, other.document)
    sure = sorted((event for event in best if best[event][0].holds), key=lambda event: (-best[event][0].points, event))
    if not sure and (len(best) != 1 or not mine.risk):
        return Decision(None, NONE, moves=_same_accident(mine, near, stories))
    first = sure[0] if sure else next(iter(best))
    also, whole = [], stories[first]
    for event in sure[1:] if mine.risk else ():
        if are_one(whole, stories[event], mine):
            also.append(event)
            whole = joined(whole, stories[event])
    return Decision(first, *best[first], tuple(also), _same_accident(mine, near, stories))


def _same_accident(mine: Traits, near: Sequence[tuple[Traits, str]], stories: Mapping[str, Story]) -> tuple[str, ...]:
    """Posts of the day that went to an older accident of the firm before this one was dated."""
    if not (mine.listed and mine.risk and mine.accidents):
        return ()
    found = []
    for other, event in near:
        if other.accidents or other.listed != mine.listed or fits(mine, stories[event]):
            continue
        after = [beijing(other.at).date().toordinal() - day for day in mine.accidents]
        if other.harm & mine.harm & HAPPENING and any(0 <= days <= SAME_DAY for days in after):
            found.append(other.document)
    return tuple(sorted(found))
