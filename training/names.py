"""Invented firms by the grammar of the register: [place][own name][trade][legal form]."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

WORDS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "words.yml").read_text(encoding="utf-8"))
OWN, TRADES, SHOPS, SURNAMES = (WORDS[name].split() for name in ("own", "trades", "shops", "surnames"))
COMPANY = ("有限公司", "有限公司", "有限公司", "有限责任公司", "股份有限公司", "集团有限公司")
NICK = ("小", "老", "大", "阿")


@dataclass(frozen=True)
class Firm:
    """An invented firm: its full name and how else it is called."""

    full: str
    own: str
    trade: str
    place: str

    @property
    def short(self) -> str:
        """Own name and trade."""
        return self.own + self.trade


def invent(places: Sequence[str], chance: random.Random) -> Firm:
    """One firm: two of three are companies, the others shops and small works."""
    place = chance.choice(places) if chance.random() < 0.85 else ""
    own = "".join(chance.sample(OWN, 2 if chance.random() < 0.75 else 3))
    if chance.random() < 0.67:
        trade = chance.choice(TRADES)
        return Firm(f"{place}{own}{trade}{chance.choice(COMPANY)}", own, trade, place)
    if chance.random() < 0.3:
        own = chance.choice(NICK) + chance.choice(SURNAMES)
    shop = chance.choice(SHOPS)
    return Firm(f"{place}{own}{shop}", own, shop, place)
