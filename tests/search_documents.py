"""Documents for the search tests: the sample pack with a cheap reading of its truth, and odd ones made up."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import rjieba

from core.records import Mention, MentionType
from search.mentions import ROLES, keys_of
from search.names import NameTable
from search.records import IndexEntry, with_ancestors
from search.text import words_of

PACK = Path(__file__).resolve().parent.parent / "demo" / "pack"
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
"""12:00 Beijing on Tuesday 24 November 2026; day 0 of the pack is that day."""

ISSUE_WORDS = {"起火": "fire", "爆炸": "explosion", "召回": "recall", "不合格": "substandard"}

NAMES = NameTable(
    {
        "products": [("电动自行车", "ebike"), ("电瓶车", "ebike"), ("燃气灶", "gas_appliance")],
        "issues": list(ISSUE_WORDS.items()),
        "regions": [("赣州市", "360700"), ("南昌", "360100"), ("南昌", "360121")],
        "territory": [("赣州市", "360700"), ("江西省", "360000"), ("南昌", "360100"), ("南昌", "360121")],
        "enterprises": [("赣州某某电池有限公司", "ENT0001"), ("某某电池", "ENT0001"), ("某某电池", "ENT0002")],
        "source": [("热搜榜", "hot_list")],
    }
)


SYNONYMS = {"电瓶车": ("电动自行车", "电动车"), "电动自行车": ("电瓶车", "电动车"), "充电宝": ("移动电源",)}

IDS = {
    MentionType.PRODUCT: ("ebike", "ebike_battery", "gas_appliance", "cable"),
    MentionType.ENTERPRISE: ("ENT0001", "ENT0002", "ENT0103", "NIL:某某电池厂", "NIL:赣州(南康)某某商行", None),
    MentionType.BRAND: ("ENT0001", "NIL:某某牌"),
    MentionType.REGION: ("360700", "360703", "360100", "360000", "440300"),
    MentionType.TOWN: ("360703100", None),
    MentionType.ISSUE: ("fire", "explosion", "recall", "substandard"),
    MentionType.CASUALTY: ("injured:3", "dead:1"),
    MentionType.MODEL: ("A*B?", "X|7", "C:\\目录"),
    MentionType.STANDARD: ("GB 17761-2018", "GB  17761"),
}


@cache
def mentions_of(known: str) -> tuple[tuple[str, Mention], ...]:
    """(place, mention) pairs of the entry of that id: none to eight, the same each time."""
    chance = random.Random(known)
    found = []
    for _ in range(chance.choice([0, 1, 2, 3, 5, 8])):
        kind = chance.choice([*IDS, MentionType.ENTERPRISE, MentionType.ENTERPRISE])
        role = chance.choice([*ROLES][1:]) if kind in (MentionType.ENTERPRISE, MentionType.BRAND) else None
        mention = Mention(0, 1, "", kind, chance.choice(IDS[kind]), chance.random() < 0.2, role)
        found.append((chance.choice(["title", "body", "body"]), mention))
    return tuple(found)


def words(text: str) -> list[str]:
    """The segmenter of the tests."""
    return list(rjieba.cut(text))


def entry(known: str, title: str = "标题", body: str = "", *, day: float = 0, **fields: object) -> IndexEntry:
    """An entry with what a test does not care about filled in. day: days from NOW."""
    at = NOW + timedelta(days=day)
    values: dict[str, object] = {
        "version": 1,
        "source": "hot_list",
        "kind": "news",
        "url": f"https://example.org/{known}",
        "event_time": at,
        "stored_at": at,
        "level": 0,
        "score": 0.0,
        "is_risk": False,
        "tier": 1 + len(known) % 4,
        "mentions": keys_of(mentions_of(known)),
    }
    texts = {"title_words": tuple(words_of(title, words)), "body_words": tuple(words_of(body, words))}
    return IndexEntry(id=known, title=title, body=body, **texts, **(values | fields))  # type: ignore[arg-type]


def _packed() -> Iterator[IndexEntry]:
    for part in ("part1", "part2"):
        for line in (PACK / f"{part}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            truth = row["truth"]
            hour, minute = map(int, row["time"].split(":"))
            at = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(days=row["day"], hours=hour - 8, minutes=minute)
            places = with_ancestors([truth["jurisdiction"]] if truth["jurisdiction"] else [])
            yield entry(
                row["id"],
                row["title"],
                row["text"],
                source=row["source"],
                kind=row["kind"],
                event_time=at,
                stored_at=at + timedelta(minutes=3),
                level=truth["level"],
                score=truth["level"] / 5 + 0.1,
                is_risk=truth["is_risk"],
                products=tuple(filter(None, [truth["product"]])),
                enterprises=tuple(filter(None, [truth["enterprise"]])),
                issues=tuple(issue for word, issue in ISSUE_WORDS.items() if word in row["text"]),
                regions=places,
                territory=places,
                repost_of=row["repost_of"],
            )


def _odd() -> Iterator[IndexEntry]:
    """Full width, mixed scripts, punctuation, empty texts, long runs, many values, equal times."""
    texts = [
        ("ＧＢ17761-2018 新国标", "电动车须符合ＧＢ　17761—2018《电动自行车安全技术规范》要求。"),
        ("起火，3人受伤", "某小区起火3人员疏散；“电池”爆燃!!!"),
        ("Recall of E-Bike X7", "The e-bike X7 (model A*B?) is recalled; see https://example.org/a?b=c*d"),
        ("", ""),
        ("a" * 300, "火"),
        ("𠮷野家 🔥 起火", "emoji 🔥🔥 與繁體字：電動自行車起火"),
        ("（赣）XK12-001-90002 C:\\目录", 'quote " and \\ backslash * star ? mark'),
        ("否定 not and or", "and or not AND OR NOT"),
    ]
    for at in range(300):
        title, body = texts[at % len(texts)]
        yield entry(
            f"odd-{at:03d}",
            f"{title} {at}" if title else "",
            body,
            day=-(at % 7) * 9,
            kind=["news", "forum", "recall"][at % 3],
            level=at % 5,
            score=at / 300,
            is_risk=at % 2 == 0,
            products=("ebike", "ebike_battery")[: at % 3],
            enterprises=("ENT0001", "NIL:某某电池厂")[: (at // 3) % 3],
            flags=("date_guessed",) if at % 10 == 0 else (),
            withdrawn=at % 50 == 0,
            revision=1 + at % 3,
        )


def _mixed(count: int = 4200) -> Iterator[IndexEntry]:
    """Texts put together of the pack's sentences, so that words and phrases meet in every number and order."""
    chance = random.Random(11)
    packed = list(_packed())
    sentences = [piece for one in packed for piece in re.split(r"(?<=[。！？])", one.body) if len(piece) > 4]
    places = [one.territory for one in packed if one.territory]
    for at in range(count):
        product = chance.choice(["ebike", "gas_appliance", "cable", "child_toy", ""])
        body = "".join(chance.sample(sentences, chance.randint(1, 5)))
        place = chance.choice(places)
        level = chance.choice([0, 0, 0, 1, 1, 2, 3, 4])
        yield entry(
            f"mixed-{at:04d}",
            f"{chance.choice(packed).title} {chance.randint(1, 900)}".strip(),
            body,
            day=-chance.uniform(0, 60),
            source=chance.choice(packed).source,
            kind=chance.choice(["news", "complaint", "social", "forum", "spotcheck", "recall"]),
            level=level,
            score=round(chance.random(), 3),
            is_risk=level > 0,
            products=(product,) if product else (),
            issues=tuple(issue for word, issue in ISSUE_WORDS.items() if word in body),
            regions=place,
            territory=place,
            stance=chance.choice(["none", "none", "none", "denial", "apology"]),
        )


@cache
def entries() -> tuple[IndexEntry, ...]:
    """All of them: more than 5,000."""
    return (*_packed(), *_odd(), *_mixed())
