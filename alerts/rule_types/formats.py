"""Number formats as ElastAlert rules write them: `{:.2%}` or `%.2f`. Only numbers, of bounded width."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

_BRACES = re.compile(r"\{[^{}]*\}")
_SPEC = re.compile(r"\{(?:0|value)?(?::[<>=^]?[-+ ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[eEfFgGn%]?)?\}")
_PERCENT = re.compile(r"%(?:%|[-+ 0#]{0,3}\d{0,2}(?:\.\d{1,2})?[diouxXeEfFgGs])")


@dataclass(frozen=True)
class NumberFormat:
    """A checked format."""

    text: str

    def write(self, number: float) -> str:
        """The number in this format."""
        return self.text.format(number) if self.text.startswith("{") else self.text % number


def read_format(value: Any) -> Any:
    """Raises ValueError for what is no format of one number."""
    if isinstance(value, NumberFormat):
        return value
    wrong = ValueError("is not a format of one number (accepted: {:.2%} or %.2f)")
    if not isinstance(value, str) or len(value) > 100:
        raise wrong
    if value.startswith("{"):
        places = _BRACES.findall(value)
        rest = _BRACES.sub("", value)
        if len(places) != 1 or not _SPEC.fullmatch(places[0]) or "{" in rest or "}" in rest:
            raise wrong
        if places[0].startswith("{value"):
            value = value.replace("{value", "{0", 1)
    elif len([one for one in _PERCENT.findall(value) if one != "%%"]) != 1 or "%" in _PERCENT.sub("", value):
        raise wrong
    return NumberFormat(value)


Format = Annotated[NumberFormat, BeforeValidator(read_format)]
