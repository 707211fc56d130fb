"""What explaining needs to know: the rules as they judge now, sources, names, and where alerts go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import Connection

from alerts.cards import Card
from alerts.desk_rules import DeskRule
from alerts.duty import Duty
from alerts.engine import AlertEngine
from alerts.lifecycle import STATE_WORDS
from alerts.matters import Matter, Neighbourhood
from alerts.router import Router
from config.lexicon import Lexicon
from config.routes import Routes
from config.rules import Rule
from config.sources import SourceConfig
from core.records import Alert, AlertState


@dataclass(frozen=True)
class World:
    """engine: with the rules of the files and the desk.  desk: every rule ever made there.  profile: whose sources
    these are.  handed_in: titles of what other systems hand in, by source.  router, routes: None leaves out who is
    told.  duty: when people are told.  sees: whether the person who asks may see an alert.
    """

    engine: AlertEngine
    desk: Sequence[DeskRule] = ()
    sources: Sequence[SourceConfig] = ()
    profile: str = ""
    handed_in: Mapping[str, str] = field(default_factory=dict)
    router: Router | None = None
    routes: Routes | None = None
    duty: Duty | None = None
    sees: Callable[[Alert], bool] = lambda _alert: True

    @property
    def lexicon(self) -> Lexicon:
        """The words of the engine."""
        return self.engine.lexicon

    @property
    def threshold(self) -> float:
        """The score from which on a text is a signal (risk.yaml)."""
        return float(self.lexicon.risk.get("threshold", 0.5))

    @cached_property
    def desk_by_id(self) -> Mapping[str, DeskRule]:
        """The desk's rules by id."""
        return {one.id: one for one in self.desk}

    @cached_property
    def source_by_key(self) -> Mapping[str, SourceConfig]:
        """The configured sources by key."""
        return {source.key: source for source in self.sources}

    def rule(self, rule_id: str) -> Rule | None:
        """A rule that is loaded, by id."""
        return next((rule for rule in self.engine.rules if rule.id == rule_id), None)

    def matter_of(self, db: Connection, card: Card) -> Matter | None:
        """The matter that a card belongs to, with all that was said of it around that time."""
        around = Neighbourhood(db, self.engine.view, card.at)
        found = around.matters(around.subject_of(card))
        return next((matter for matter in found if card.document in matter.documents), None)

    @staticmethod
    def state_word(state: AlertState) -> str:
        """待受理 for `new`."""
        return STATE_WORDS[state]
