"""How names are compared: as people see them."""

import re

from search.text import fold

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+")


def visible(text: str) -> str:
    """`text` folded, without marks nobody sees (zero width, direction) and blanks around it: how names are compared."""
    return INVISIBLE.sub("", fold(text)).strip()
