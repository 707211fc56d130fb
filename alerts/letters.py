"""Subject, text and HTML of what is mailed. The sentences live in alerts/templates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from alerts.wording import Names
from core.clock import beijing
from core.records import LEVEL_COLOURS, LEVEL_NAMES, LEVEL_ROMAN, Alert

WHAT: dict[str, str] = {
    "opened": "新预警",
    "raised": "预警升级",
    "lowered": "预警降级",
    "reopened": "预警重新打开",
    "dismissed": "预警解除",
}
CHIP: dict[int, tuple[str, str]] = {
    1: ("#ffffff", "#1f5fa8"),
    2: ("#f7d34a", "#2c2300"),
    3: ("#f2933f", "#2a1400"),
    4: ("#c8202b", "#ffffff"),
}
"""Background and text of the level mark; the tokens of the desk, as literals because mail has no style sheet."""


@dataclass(frozen=True)
class Letter:
    """What is mailed. html may hold pictures as data: addresses; the mail channel turns them into attachments."""

    subject: str
    text: str
    html: str


class Letters:
    """Writes letters. public_url: address of the desk."""

    def __init__(self, names: Names, public_url: str) -> None:
        self.names, self.public_url = names, public_url.rstrip("/")
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def alert(self, alert: Alert, what: str) -> Letter:
        """The notice about one alert."""
        colour = LEVEL_COLOURS[alert.level]
        subject = one_line(f"【{colour}】{WHAT[what]}：{alert.title}")
        facts = {
            "alert": alert,
            "what": WHAT[what],
            "told": self.places(alert),
            "firms": "、".join(self.names.firm(firm) for firm in alert.enterprises[:5]),
            "subject": subject,
        }
        return self.render("alert", subject, facts)

    def render(self, template: str, subject: str, facts: dict[str, Any]) -> Letter:
        """A letter from templates/<template>.txt and .html."""
        shared = {
            "url": self.public_url,
            "colours": LEVEL_COLOURS,
            "levels": LEVEL_NAMES,
            "roman": LEVEL_ROMAN,
            "chip": CHIP,
            "when": lambda moment: f"{beijing(moment):%m-%d %H:%M}",
            "names": self.names,
        }
        text = self._templates.get_template(f"{template}.txt").render(**shared, **facts)
        html = self._templates.get_template(f"{template}.html").render(**shared, **facts)
        return Letter(subject, text.strip() + "\n", html)

    def places(self, alert: Alert) -> str:
        """All who must be told, in words."""
        return "、".join(self.names.regions.name_of(code) for code in alert.territories)


def one_line(text: str, most: int = 120) -> str:
    """Text fit for a subject: no line breaks or control characters, cut at `most` characters."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"
